//! What a device should hold, as a signer says: the model, its text, and the one way from bytes to trust.
//!
//! A baseline is TOML 1.0 with a detached signature over its exact bytes. The bytes are verified first and parsed
//! afterwards, and they are the same bytes.

mod boot;
pub mod change;
pub mod compare;
pub mod create;
pub mod decide;
pub mod diff;
pub mod evidence;
mod explain;
pub mod export;
pub mod import;
mod memory;
mod model;
mod moved;
mod originals;
pub mod outline;
pub mod own;
mod pair;
mod piece;
pub mod policy;
mod read;
mod rows;
mod similar;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod values;
mod write;

pub use boot::BootRow;
pub use memory::{FunctionRow, PageContent, PageRow};
pub use model::{
    Baseline, Body, Component, Device, ElfRow, Evidence, ExpectedNode, FileRow, Firmware, Forbid,
    Kind, MutableRow, Origin, Unstated,
};

pub use text::{Pieces, TextRow};
pub use tree::TreeRow;

use crate::digest::Digest;
use crate::document::{MAX_BYTES, Malformed};
use crate::trust::keyring::{Asked, Claimed, Role, Vouched};
use crate::trust::{Authority, Judged, TrustError};

impl Baseline {
    /// Reads a baseline from its text. That it reads well says nothing about who wrote it.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        read::baseline(text.as_bytes())
    }

    /// The text of this baseline: rows sorted, one a line, the same text for the same baseline.
    ///
    /// [`Baseline::parse`] reads it back, unless the baseline says what no text may say, such as two rows for one
    /// entry; whoever builds one parses what was written before it is signed.
    pub fn write(&self) -> String {
        write::text(self)
    }
}

/// Bytes that claim to be a baseline.
#[derive(Clone, Debug)]
pub struct Unverified {
    bytes: Vec<u8>,
}

impl Unverified {
    /// Bytes as they came.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The bytes, to be signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the bytes although nobody vouches for them: to check, show or sign a draft, never to judge an image.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn read_without_trust(&self) -> Result<Baseline, Malformed> {
        read::baseline(&self.bytes)
    }
}

/// A baseline whose signers are trusted. Only [`Trusted::new`] makes one.
#[derive(Clone, Debug)]
pub struct Trusted {
    baseline: Baseline,
    signers: Vec<Vouched>,
    sha256: Digest,
}

impl Trusted {
    /// The only way to a trusted baseline: somebody whose word counts signed the bytes, the bytes are a baseline, and the word of enough
    /// of those who signed counts for the device that it is for.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn new(judged: &Judged, authority: &Authority) -> Result<Self, Refused> {
        if judged.bytes().len() > MAX_BYTES {
            return Err(Malformed::whole(format!("it has more than {MAX_BYTES} bytes")).into());
        }
        let asked = Asked {
            role: Role::Baseline,
            sha256: judged.sha256(),
            claim: None,
        };
        authority.vouch(judged.outcomes(), &asked)?;
        let baseline = read::baseline(judged.bytes())?;
        let claim = Some(Claimed {
            device: Some((&baseline.device.vendor, &baseline.device.model)),
            issued: baseline.issued,
        });
        let signers = authority.vouch(judged.outcomes(), &Asked { claim, ..asked })?;
        Ok(Self {
            baseline,
            signers,
            sha256: asked.sha256,
        })
    }

    /// What the signers say, to be kept.
    pub fn into_baseline(self) -> Baseline {
        self.baseline
    }

    /// What the signers say.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Who says it: at least one.
    pub fn signers(&self) -> &[Vouched] {
        &self.signers
    }

    /// The SHA-256 of the signed bytes.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }
}

/// Why bytes did not become a trusted baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody who is trusted signed them. They were not read.
    #[error(transparent)]
    Untrusted(#[from] TrustError),
    /// They are signed, but no baseline.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Refused {
    /// The exit code for a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Untrusted(error) => error.exit_code(),
            Self::Malformed(error) => error.exit_code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Untrusted(error) => error.hint(),
            Self::Malformed(error) => error.hint(),
        }
    }
}
