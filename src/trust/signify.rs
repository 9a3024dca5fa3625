//! OpenBSD's signify: signatures of two lines. Its public keys are minisign's, byte for byte.
//!
//! The first line is a comment that nothing covers; it is skipped, never shown. The second is the base64 of `Ed`, the
//! key's number and plain Ed25519 over the bytes. minisign's older form (`Ed`, too) starts with the same two lines and
//! goes on with its trusted comment and a signature over both: four lines are minisign's, two are signify's. Whoever
//! cuts those two lines off takes nothing away but the comment: the key did sign exactly these bytes.

use super::key::{KeyId, PublicKey};
use super::minisign::{COMMENT, ED25519};
use super::text::{decode, lines};
use super::{Form, Signer, TrustError, find_maker};
use crate::read::Fields;

/// A signature as its file says it: nothing is known to be true of it before [`Signature::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    id: KeyId,
    over_bytes: [u8; 64],
}

impl Signature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`].
    pub fn parse(file: &[u8]) -> Result<Self, TrustError> {
        let Some([comment, line]) = lines(file) else {
            return Err(TrustError::Unreadable(
                "it is not the two lines of a signify signature",
            ));
        };
        if !comment.starts_with(COMMENT) {
            return Err(TrustError::Unreadable(
                "its first line is not an untrusted comment",
            ));
        }
        let parts = || {
            let raw = decode(line)?;
            let fields = Fields::little(&raw);
            let id = KeyId(fields.slice(2, 8)?.try_into().ok()?);
            let over_bytes = fields.tail(10)?.try_into().ok()?;
            (fields.slice(0, 2)? == ED25519).then_some(Self { id, over_bytes })
        };
        parts().ok_or(TrustError::Unreadable(
            "its base64 line is not an Ed25519 signature of signify's, or it is a minisign signature cut short",
        ))
    }

    /// Finds who of `keys` made this signature over exactly `bytes`. A key that is known by another number than the
    /// signature names is not tried.
    ///
    /// # Errors
    /// [`TrustError::OtherKey`] or [`TrustError::Mismatch`].
    pub fn verify(&self, bytes: &[u8], keys: &[PublicKey]) -> Result<Signer, TrustError> {
        Ok(Signer {
            key: find_maker(keys, self.id, &self.over_bytes, bytes)?,
            form: Form::Signify,
            comment: None,
        })
    }
}
