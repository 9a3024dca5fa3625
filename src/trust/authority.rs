//! Whose word counts: keys that were named, or a keyring.

use super::keyring::{Asked, Keyring, Vouched};
use super::revocation::{self, Revocation};
use super::{PublicKey, Purpose, Signer, TrustError};
use crate::digest::Digest;
use crate::document::MAX_BYTES;

/// Whose word counts, and whose no longer does.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Who may speak.
    pub speakers: Speakers,
    /// Keys whose word no longer counts, wherever that was learned.
    pub revoked: Vec<Revocation>,
}

/// Who may speak.
#[derive(Clone, Debug)]
pub enum Speakers {
    /// These keys, about everything; one is enough.
    Keys(Vec<PublicKey>),
    /// The keys of a keyring, each about what it says there.
    Keyring(Box<Keyring>),
}

impl Authority {
    /// Keys that were named, one of which is enough.
    pub fn of_keys(keys: Vec<PublicKey>) -> Self {
        Self {
            speakers: Speakers::Keys(keys),
            revoked: Vec::new(),
        }
    }

    /// Every key whose signatures are looked at.
    pub fn keys(&self) -> Vec<PublicKey> {
        match &self.speakers {
            Speakers::Keys(keys) => keys.clone(),
            Speakers::Keyring(keyring) => keyring.keys(),
        }
    }

    /// The signers whose word counts for what is asked.
    ///
    /// # Errors
    /// [`TrustError`]: too few of them do.
    pub fn vouch(
        &self,
        outcomes: &[Result<Signer, TrustError>],
        asked: &Asked<'_>,
    ) -> Result<Vec<Vouched>, TrustError> {
        if let Speakers::Keyring(keyring) = &self.speakers {
            return keyring.vouch(outcomes, &self.revoked, asked);
        }
        super::first(outcomes)?;
        let mut barred = None;
        let mut counted = Vec::new();
        for signer in outcomes.iter().flatten() {
            match revocation::forbids(&self.revoked, &signer.key, asked.sha256) {
                Some(row) => barred = barred.or(Some(row)),
                None => counted.push(Vouched {
                    signer: signer.clone(),
                    name: None,
                    class: None,
                }),
            }
        }
        match barred {
            Some(row) if counted.is_empty() => Err(TrustError::Revoked {
                name: row.key.to_string(),
                reason: row.reason.clone(),
            }),
            _ => Ok(counted),
        }
    }
}

/// The bytes of a document, and what came of each signature over them.
#[derive(Clone, Debug)]
pub struct Judged {
    bytes: Vec<u8>,
    outcomes: Vec<Result<Signer, TrustError>>,
}

impl Judged {
    /// Judges every signature over `bytes`; more bytes than a document may have are not looked at.
    pub fn new(
        bytes: Vec<u8>,
        signatures: &[impl AsRef<[u8]>],
        keys: &[PublicKey],
        purpose: Purpose,
    ) -> Self {
        let outcomes = if bytes.len() > MAX_BYTES {
            Vec::new()
        } else {
            super::judge(&bytes, signatures, keys, purpose)
        };
        Self { bytes, outcomes }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the bytes.
    pub fn sha256(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// What came of each signature, in the order they were given.
    pub fn outcomes(&self) -> &[Result<Signer, TrustError>] {
        &self.outcomes
    }
}
