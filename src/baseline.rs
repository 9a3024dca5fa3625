//! What a device should hold, as a signer says: the model, its text, and the one way from bytes to trust.
//!
//! A baseline is TOML 1.0 with a detached signature over its exact bytes. The bytes are verified first and parsed
//! afterwards, and they are the same bytes.

pub mod change;
pub mod compare;
pub mod create;
pub mod decide;
pub mod diff;
mod explain;
pub mod export;
pub mod import;
mod memory;
mod model;
mod moved;
mod pair;
mod piece;
pub mod policy;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod values;
mod write;

pub use memory::{FunctionRow, PageContent, PageRow};
pub use model::{
    Baseline, Body, Component, Device, ElfRow, Evidence, ExpectedNode, FileRow, Firmware, Forbid,
    Kind, MutableRow, Origin, Unstated,
};

use crate::digest::Digest;
use crate::document::{MAX_BYTES, Malformed};
use crate::trust::{self, PublicKey, Purpose, Signer, TrustError};

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

    /// Judges every signature over these bytes; too many bytes are not looked at. [`Judged::trusted`] is the next step.
    pub fn judge(self, signatures: &[impl AsRef<[u8]>], keys: &[PublicKey]) -> Judged {
        let outcomes = if self.bytes.len() > MAX_BYTES {
            Vec::new()
        } else {
            trust::judge(&self.bytes, signatures, keys, Purpose::Baseline)
        };
        Judged {
            bytes: self.bytes,
            outcomes,
        }
    }

    /// [`judge`](Self::judge) and [`trusted`](Judged::trusted) in one.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(
        self,
        signatures: &[impl AsRef<[u8]>],
        keys: &[PublicKey],
    ) -> Result<Trusted, Refused> {
        self.judge(signatures, keys).trusted()
    }

    /// Reads the bytes although nobody vouches for them: to check, show or sign a draft, never to judge an image.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn read_without_trust(&self) -> Result<Baseline, Malformed> {
        read::baseline(&self.bytes)
    }
}

/// Bytes that claim to be a baseline, and what came of each signature over them. Only [`Unverified::judge`] makes one.
#[derive(Clone, Debug)]
pub struct Judged {
    bytes: Vec<u8>,
    outcomes: Vec<Result<Signer, TrustError>>,
}

impl Judged {
    /// What came of each signature, in the order they were given.
    pub fn outcomes(&self) -> &[Result<Signer, TrustError>] {
        &self.outcomes
    }

    /// The only way to a [`Trusted`] baseline: some signature is by one of the keys, and then the bytes that it
    /// covers are a baseline.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn trusted(self) -> Result<Trusted, Refused> {
        if self.bytes.len() > MAX_BYTES {
            return Err(Malformed::whole(format!("it has more than {MAX_BYTES} bytes")).into());
        }
        let signer = trust::first(&self.outcomes)?;
        let baseline = read::baseline(&self.bytes)?;
        Ok(Trusted {
            baseline,
            signer,
            sha256: Digest::of(&self.bytes),
        })
    }
}

/// A baseline whose signer is trusted. Only [`Judged::trusted`] makes one.
#[derive(Clone, Debug)]
pub struct Trusted {
    baseline: Baseline,
    signer: Signer,
    sha256: Digest,
}

impl Trusted {
    /// What the signer says.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Who says it.
    pub fn signer(&self) -> &Signer {
        &self.signer
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
