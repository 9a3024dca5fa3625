//! Keys and baselines as files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use zeroize::Zeroizing;

use super::exit::Usage;
use crate::baseline::Unverified;
use crate::check::secrets::FingerprintKey;
use crate::document::MAX_BYTES;
use crate::place::escape;
use crate::trust::public::{self, KeyForm};
use crate::trust::{PublicKey, SecretKey, dsse, minisign};

/// A key file is at most so long (64 KiB).
const MAX_SMALL: usize = 64 << 10;

/// A file that a command needs and that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}")]
pub(super) struct Missing {
    path: String,
    source: io::Error,
}

/// How people are shown a path.
pub(super) fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}

impl Missing {
    /// The file or folder that could not be read, and why.
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        let path = shown(path);
        Self { path, source }
    }
}

/// Reads a whole file of at most `most` bytes.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Missing> {
    let fail = |source| Missing::new(path, source);
    let file = File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() > most {
        return Err(fail(io::Error::other(format!(
            "it is longer than {most} bytes"
        ))));
    }
    Ok(bytes)
}

/// A file of YARA rules.
#[cfg(feature = "yara")]
pub(super) fn yara_rules(path: &Path) -> Result<String, Missing> {
    /// It is at most so long (16 MiB).
    const MOST: usize = 16 << 20;
    let text = String::from_utf8(read(path, MOST)?);
    text.map_err(|error| Missing::new(path, io::Error::other(error)))
}

/// The key that secrets are fingerprinted with.
pub(super) fn fingerprint_key(path: Option<&Path>) -> Result<Option<FingerprintKey>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(read(path, MAX_SMALL)?);
    let key =
        FingerprintKey::new(bytes).map_err(|short| Usage(format!("{}: {short}", shown(path))))?;
    Ok(Some(key))
}

/// A report that was stored as JSON.
pub(super) fn record(path: &Path) -> Result<Vec<u8>, Missing> {
    read(path, crate::report::verify::MAX_BYTES)
}

/// An inventory of a fleet.
pub(super) fn inventory(path: &Path) -> Result<Vec<u8>, Missing> {
    read(path, crate::fleet::inventory::MAX_BYTES)
}

/// A small file that says how to read an image.
pub(super) fn description(path: &Path) -> Result<Vec<u8>, Missing> {
    read(path, MAX_SMALL)
}

/// The public keys in the files named.
pub(super) fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>> {
    paths.iter().map(|path| Ok(public_key(path)?.0)).collect()
}

/// The public key in a file, and its form. A secret key given by mistake is wiped from memory.
pub(super) fn public_key(path: &Path) -> Result<(PublicKey, KeyForm)> {
    let file = Zeroizing::new(read(path, MAX_SMALL)?);
    public::read(&file).with_context(|| shown(path))
}

/// The secret key in a file; asks for its password when it has one.
pub(super) fn secret_key(path: &Path, password_file: Option<&Path>) -> Result<SecretKey> {
    let file = Zeroizing::new(read(path, MAX_SMALL)?);
    match minisign::StoredKey::parse(&file).with_context(|| shown(path))? {
        minisign::StoredKey::Open(key) => Ok(key),
        minisign::StoredKey::Locked(locked) => {
            let password = password(password_file, &format!("Password for {}: ", shown(path)))?;
            locked.unlock(&password).with_context(|| shown(path))
        }
    }
}

/// The public half of a secret key that lies open.
pub(super) fn public_half(path: &Path) -> Result<PublicKey> {
    Ok(secret_key(path, None)?.public())
}

/// A password: the first line of a file, or what is typed at a prompt.
pub(super) fn password(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>> {
    let Some(path) = file else {
        let typed = rpassword::prompt_password(prompt);
        return Ok(Zeroizing::new(
            typed.context("cannot ask for a password; use --password-file")?,
        ));
    };
    let text = Zeroizing::new(read(path, MAX_SMALL)?);
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).context("the password is not UTF-8")?;
    Ok(Zeroizing::new(line.trim_end_matches('\r').to_owned()))
}

/// The bytes of a document.
pub(super) fn document(path: &Path) -> Result<Vec<u8>, Missing> {
    read(path, MAX_BYTES)
}

/// The bytes of an envelope.
pub(super) fn envelope(path: &Path) -> Result<Vec<u8>, Missing> {
    read(path, dsse::MAX_BYTES)
}

/// The bytes of a baseline.
pub(super) fn baseline(path: &Path) -> Result<Unverified> {
    Ok(Unverified::new(document(path)?))
}
