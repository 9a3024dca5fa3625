//! Who may say what a device should hold: keys, and signatures over exact bytes.
//!
//! Bytes in, bytes out: which files they come from, what time it is and how a password is asked for is the
//! commands' business. One file holds one signature form, detected by content and never by a file's name.

use std::fmt;

pub mod key;
pub mod minisign;

pub use key::{KeyId, PublicKey, SecretKey};

use crate::place;

/// A signature that held: who made it, and what else it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The trusted key that made it.
    pub key: PublicKey,
    /// The form the signature came in.
    pub form: Form,
    /// The comment that is covered by the signature; escaped, so that it is safe to show.
    pub comment: Option<String>,
}

/// The forms that signatures come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// minisign's `.minisig` file.
    Minisign,
}

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Minisign => "minisign",
        })
    }
}

/// Why bytes are not trusted. None of these is a statement about what the bytes say: they are not to be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is no signature at all.
    #[error("there is no signature")]
    Unsigned,
    /// There is no key to check against.
    #[error("no key is trusted, so no signature can be")]
    NoKeys,
    /// The signature file is not one.
    #[error("the signature cannot be read: {0}")]
    Unreadable(&'static str),
    /// The signature names a key that is not among the trusted ones. Only a hint: a signature can name any key.
    #[error("the signature was not made by a trusted key; it names key {0}")]
    OtherKey(KeyId),
    /// No trusted key made this signature over these bytes.
    #[error(
        "the signature does not fit these bytes: one of them was changed, or another key made it"
    )]
    Mismatch,
    /// The bytes are as they were signed, but the comment in the signature file is not.
    #[error("the comment in the signature file was changed after signing")]
    Comment,
}

impl TrustError {
    /// The exit code for a command that ends with this error: 67, untrusted, whatever the reason.
    ///
    /// One code for all, because whoever damages a signature chooses between unreadable and wrong.
    pub fn exit_code(&self) -> u8 {
        67
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsigned => {
                "ask the signer for the detached signature (FILE.minisig), or sign it with `vitalsign baseline sign`"
            }
            Self::NoKeys => {
                "name the signer's public key with --trust-key, or a keyring with --keyring"
            }
            Self::Unreadable(_) => {
                "fetch the signature again; it must be the file that the signer made, unchanged"
            }
            Self::OtherKey(_) => {
                "get the signer's public key over a channel you trust and compare its fingerprint; never take it from \
                 the folder of the file it should prove"
            }
            Self::Mismatch | Self::Comment => {
                "do not use this file; fetch it and its signature again, and ask the signer if it stays so"
            }
        }
    }
}

/// Judges each signature alone: who of `keys` made it over exactly `bytes`, or why it is not to be trusted.
///
/// The results stand in the order of `signatures`. Whoever needs several signers counts distinct keys here.
pub fn judge(
    bytes: &[u8],
    signatures: &[impl AsRef<[u8]>],
    keys: &[PublicKey],
) -> Vec<Result<Signer, TrustError>> {
    signatures
        .iter()
        .map(|signature| {
            if keys.is_empty() {
                return Err(TrustError::NoKeys);
            }
            minisign::Signature::parse(signature.as_ref())?.verify(bytes, keys)
        })
        .collect()
}

/// The first signer among `keys` whose signature holds over exactly `bytes`.
///
/// # Errors
/// When no signature holds, why the first one does not: see [`TrustError`].
pub fn verify(
    bytes: &[u8],
    signatures: &[impl AsRef<[u8]>],
    keys: &[PublicKey],
) -> Result<Signer, TrustError> {
    let mut first = None;
    for result in judge(bytes, signatures, keys) {
        match result {
            Ok(signer) => return Ok(signer),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or(TrustError::Unsigned))
}

/// A signed comment made safe to show. The tabs that minisign puts between its parts become spaces.
fn shown(comment: &[u8]) -> String {
    let parts: Vec<String> = comment
        .split(|&byte| byte == b'\t')
        .map(place::escape)
        .collect();
    parts.join(" ")
}
