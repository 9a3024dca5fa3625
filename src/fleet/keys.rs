//! Keys that only one unit should have: by these, images that were copied from one unit to another are told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::record::cut;
use crate::check::secrets::PrivateKey;
use crate::digest::{self, Digest};
use crate::entry::Node;
use crate::extract::{Found, Inventory};

/// So many keys are kept.
const MOST: usize = 16;
/// The file of a public host key is no longer.
const LONGEST: u64 = 16 << 10;

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyRow {
    /// What it is.
    pub what: What,
    /// The file that holds it.
    pub place: String,
    /// Of a public key, its SHA-256, as OpenSSH makes it, in hex; of a private one, the fingerprint by the key of the run.
    pub fingerprint: String,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The public half of the key by which an SSH server is known.
    SshHostKey,
    /// A private key in clear. Told only where the run has a key for fingerprints.
    PrivateKey,
}

impl What {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::SshHostKey => "ssh-host-key",
            Self::PrivateKey => "private-key",
        }
    }
}

/// The keys of an image.
pub(super) fn keys(found: &Inventory, private: &[PrivateKey]) -> Vec<KeyRow> {
    let public = found.entries.iter().filter_map(|entry| {
        Some(KeyRow {
            what: What::SshHostKey,
            place: cut(&entry.place.to_string()),
            fingerprint: host_key(entry)?,
        })
    });
    let private = private.iter().map(|key| KeyRow {
        what: What::PrivateKey,
        place: cut(&key.place.to_string()),
        fingerprint: key.fingerprint.clone(),
    });
    let mut rows: Vec<KeyRow> = public.chain(private).collect();
    rows.sort();
    rows.truncate(MOST);
    rows
}

/// The fingerprint of a file that is named as OpenSSH names its public host keys, and holds one.
fn host_key(entry: &Found) -> Option<String> {
    let name = entry.entry.path.components().last()?;
    if !(name.starts_with(b"ssh_host_") && name.ends_with(b"_key.pub")) {
        return None;
    }
    let Node::File(file) = &entry.entry.node else {
        return None;
    };
    let mut bytes = Vec::new();
    if file.size > LONGEST || file.data.copy_to(&mut bytes).is_err() {
        return None;
    }
    let fields = bytes.split(u8::is_ascii_whitespace);
    let blob = fields.filter(|field| !field.is_empty()).nth(1)?;
    let blob = STANDARD.decode(blob).ok().filter(|blob| !blob.is_empty())?;
    Some(digest::hex(Digest::of(&blob).as_bytes()))
}
