//! From one keyring to the next: nobody who lacks the old roots can hand in a new keyring, and no old one comes back.

use std::num::NonZeroU8;

use super::{Keyring, Role};
use crate::digest::Digest;
use crate::trust::revocation::{self, Revocation};
use crate::trust::{PublicKey, Signer, TrustError};

/// What is remembered of the last keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Its number.
    pub sequence: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// How many of its roots must sign the next one.
    pub threshold: NonZeroU8,
    /// The keys that sign it.
    pub roots: Vec<PublicKey>,
}

/// A keyring whose bytes are trusted.
#[derive(Clone, Debug)]
pub struct KeyringChain {
    /// The keyring.
    pub keyring: Keyring,
    /// What is to be remembered of it.
    pub pinned: Pinned,
    /// Whether it is the first that this machine was shown: nothing but the hand that gave it vouches for it then.
    pub is_first: bool,
}

impl KeyringChain {
    /// Takes up a keyring after `before`. `outcomes`: of its signatures, judged against the roots of both.
    ///
    /// # Errors
    /// [`TrustError`]: too few of its own roots or of those before signed it, it is older, another of the same number, or one in between
    /// is missing.
    pub fn follow(
        before: Option<&Pinned>,
        keyring: Keyring,
        sha256: Digest,
        outcomes: &[Result<Signer, TrustError>],
        revoked: &[Revocation],
    ) -> Result<Self, TrustError> {
        let pinned = Pinned {
            sequence: keyring.sequence,
            sha256,
            threshold: keyring.root_threshold,
            roots: keyring.roots(),
        };
        let mut all = revoked.to_vec();
        revocation::accumulate(&mut all, &keyring.revoked);
        let taken = |chain: &Pinned| signed(chain, sha256, outcomes, &all);
        taken(&pinned)?;
        if let Some(before) = before {
            let (old, new) = (before.sequence, keyring.sequence);
            match new.checked_sub(old) {
                None => {
                    return Err(TrustError::OldKeyring {
                        known: old,
                        given: new,
                    });
                }
                Some(0) if before.sha256 == sha256 => {}
                Some(0) => return Err(TrustError::OtherKeyring(new)),
                Some(1) => taken(before)?,
                Some(_) => {
                    return Err(TrustError::MissingKeyring {
                        known: old,
                        given: new,
                    });
                }
            }
        }
        Ok(Self {
            keyring,
            pinned,
            is_first: before.is_none(),
        })
    }
}

/// Whether enough roots signed, each counted once, none of them revoked.
fn signed(
    by: &Pinned,
    sha256: Digest,
    outcomes: &[Result<Signer, TrustError>],
    revoked: &[Revocation],
) -> Result<(), TrustError> {
    crate::trust::first(outcomes)?;
    let made = |root: &&PublicKey| {
        outcomes.iter().flatten().any(|signer| signer.key == **root)
            && revocation::forbids(revoked, root, sha256).is_none()
    };
    let counted = by.roots.iter().filter(made).count();
    if counted >= usize::from(by.threshold.get()) {
        return Ok(());
    }
    Err(TrustError::TooFew {
        needed: by.threshold.get(),
        counted,
        why: vec![format!(
            "keyring {} is signed in the role {} by its own keys and by those before it",
            by.sequence,
            Role::Root.word()
        )],
    })
}
