//! Whose word counts in this run: keys, a keyring, revocations, an index, and what was seen before.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::state::{self, Kept};
use super::{signatures, trust};
use crate::baseline::Refused;
use crate::cli;
use crate::trust::index::Index;
use crate::trust::keyring::{Asked, Keyring, KeyringChain, Role};
use crate::trust::order::Known;
use crate::trust::revocation::{self, Revocations};
use crate::trust::{Authority, PublicKey, Purpose, Speakers, TrustError};

/// Everything that decides whether a baseline is trusted and current.
pub(super) struct Trusting {
    pub(super) authority: Authority,
    /// The keyring, when there is one.
    pub(super) keyring: Option<KeyringChain>,
    pub(super) index: Option<Index>,
    pub(super) kept: Option<Kept>,
}

/// Reads what the arguments name, and checks each document before the next relies on it.
pub(super) fn read(args: &cli::Trust) -> Result<Trusting> {
    let mut kept = args.state.as_deref().map(state::read).transpose()?;
    let mut revoked = kept
        .as_ref()
        .map(|kept| kept.state.revoked.clone())
        .unwrap_or_default();
    let keyring = match &args.keyring {
        Some(path) => Some(keyring(path, &args.root_key, kept.as_ref())?),
        None => None,
    };
    let speakers = match &keyring {
        Some(chain) => {
            revocation::accumulate(&mut revoked, &chain.keyring.revoked);
            Speakers::Keyring(Box::new(chain.keyring.clone()))
        }
        None => Speakers::Keys(trust::public_keys(&args.trust_key)?),
    };
    let mut authority = Authority { speakers, revoked };
    for path in &args.revocations {
        let bytes = vouched(path, &authority, Role::Revocation, Purpose::Revocations)?;
        let list = Revocations::parse(&bytes).with_context(|| trust::shown(path))?;
        revocation::accumulate(&mut authority.revoked, &list.revoked);
    }
    let index = match &args.index {
        Some(path) => {
            let bytes = vouched(path, &authority, Role::Index, Purpose::Index)?;
            Some(Index::parse(&bytes).with_context(|| trust::shown(path))?)
        }
        None => None,
    };
    if let Some(kept) = &mut kept {
        // What was seen from a key that is revoked by now does not count.
        kept.state.revoked.clone_from(&authority.revoked);
    }
    Ok(Trusting {
        authority,
        keyring,
        index,
        kept,
    })
}

/// The bytes of a document for which enough signers vouch.
fn vouched(path: &Path, authority: &Authority, role: Role, purpose: Purpose) -> Result<Vec<u8>> {
    let signed = signatures::judge(path, &authority.keys(), purpose)?;
    signed.tell();
    let asked = Asked {
        role,
        sha256: signed.judged.sha256(),
        claim: None,
    };
    authority
        .vouch(signed.judged.outcomes(), &asked)
        .map_err(Refused::from)
        .with_context(|| trust::shown(path))?;
    Ok(signed.judged.bytes().to_vec())
}

/// A keyring that its roots signed, and those of the one before it where that is known.
pub(super) fn keyring(
    path: &Path,
    root_keys: &[PathBuf],
    kept: Option<&Kept>,
) -> Result<KeyringChain> {
    let before = kept.and_then(|kept| kept.state.keyring.as_ref());
    let revoked = kept
        .map(|kept| kept.state.revoked.clone())
        .unwrap_or_default();
    // Its roots stand in it, so that it is read before it is trusted. Nothing else is done with it until it is.
    let keyring = parse(path)?;
    let named = trust::public_keys(root_keys)?;
    let mut keys: Vec<PublicKey> = keyring.roots();
    keys.extend(before.iter().flat_map(|before| before.roots.clone()));
    let signed = signatures::judge(path, &keys, Purpose::Keyring)?;
    signed.tell();
    let outcomes = signed.judged.outcomes();
    // The bytes that were judged are those that were read.
    let keyring = Keyring::parse(signed.judged.bytes()).with_context(|| trust::shown(path))?;
    let chain = KeyringChain::follow(before, keyring, signed.judged.sha256(), outcomes, &revoked);
    let chain = chain
        .map_err(Refused::from)
        .with_context(|| trust::shown(path))?;
    let made = |key: &PublicKey| outcomes.iter().flatten().any(|signer| signer.key == *key);
    if !named.iter().all(made) {
        return Err(Refused::from(TrustError::NotByRoot)).with_context(|| trust::shown(path));
    }
    Ok(chain)
}

/// A keyring that nobody vouches for yet.
pub(super) fn parse(path: &Path) -> Result<Keyring> {
    let bytes = trust::document(path)?;
    Keyring::parse(&bytes).with_context(|| trust::shown(path))
}

impl Trusting {
    /// What a baseline is held against.
    pub(super) fn known<'a>(&'a self, args: &'a cli::Trust, now: jiff::Timestamp) -> Known<'a> {
        Known {
            now,
            state: self.kept.as_ref().map(|kept| &kept.state),
            index: self.index.as_ref(),
            keyring_expires: self.keyring.as_ref().map(|chain| chain.keyring.expires),
            least_version: args.min_version.as_deref(),
        }
    }
}
