//! A keyring: which keys may say what, about which devices, and how many must say it together.
//!
//! A hospital's root keys sign it. Each keyring follows from the one before: number N+1 is signed by the roots of N and by its
//! own. The bytes of a keyring are trusted by [`KeyringChain`], what a key says by [`Keyring::vouch`].

mod chain;
mod read;
#[cfg(test)]
mod tests;
mod vouch;
mod write;

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use jiff::Timestamp;

pub use chain::{KeyringChain, Pinned};
pub use vouch::{Asked, Claimed, Vouched};

use super::revocation::Revocation;
use super::{Form, PublicKey};
use crate::document::Malformed;

/// What a keyring says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    /// Its number: the next one has this and one more.
    pub sequence: u64,
    /// When it was made, as its signers claim.
    pub issued: Timestamp,
    /// From when on it is stale.
    pub expires: Timestamp,
    /// How many of its root keys must sign it and the next one.
    pub root_threshold: NonZeroU8,
    /// The keys; no two with the same name, or with the same bytes.
    pub keys: Vec<Holder>,
    /// Where one signature is not enough.
    pub rules: Vec<Rule>,
    /// Keys that may say nothing any more.
    pub revoked: Vec<Revocation>,
}

/// A key, and what it may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What people call it.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// The forms that its signatures may have; empty for all.
    pub forms: BTreeSet<Form>,
    /// What it may sign.
    pub roles: BTreeSet<Role>,
    /// What its holder is to the devices.
    pub class: Option<Class>,
    /// Which devices it may speak of.
    pub scope: Scope,
    /// What it signs counts from here on.
    pub not_before: Option<Timestamp>,
    /// What is issued later does not count.
    pub not_after: Option<Timestamp>,
}

/// Which devices are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Their vendor: `*` stands for any text, `?` for one byte. `None` for every vendor.
    pub vendor: Option<String>,
    /// Their models, likewise. Empty for every model.
    pub models: Vec<String>,
}

/// How many distinct keys must sign together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// About which devices.
    pub scope: Scope,
    /// In which role.
    pub role: Role,
    /// How many.
    pub threshold: NonZeroU8,
}

/// What a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Keyrings.
    Root,
    /// Baselines.
    Baseline,
    /// Lists of revocations.
    Revocation,
    /// Indexes.
    Index,
    /// Packs of rules.
    Rules,
    /// What came of verifying an image.
    Attestation,
}

impl Role {
    /// Every role, under the word that keyrings use.
    pub(crate) const WORDS: &[(&'static str, Self)] = &[
        ("root", Self::Root),
        ("baseline", Self::Baseline),
        ("revocation", Self::Revocation),
        ("index", Self::Index),
        ("rules", Self::Rules),
        ("attestation", Self::Attestation),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word(Self::WORDS, self)
    }

    /// Whether what is signed in this role concerns one device, so that scopes count.
    pub(crate) fn is_scoped(self) -> bool {
        matches!(self, Self::Baseline | Self::Attestation)
    }
}

/// What a signer is to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Its vendor.
    Vendor,
    /// The hospital that uses it.
    Hospital,
    /// Somebody else.
    ThirdParty,
}

impl Class {
    /// Every class, under the word that keyrings and reports use.
    pub(crate) const WORDS: &[(&'static str, Self)] = &[
        ("vendor", Self::Vendor),
        ("hospital", Self::Hospital),
        ("third-party", Self::ThirdParty),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word(Self::WORDS, self)
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words
        .iter()
        .find(|(_, other)| *other == value)
        .map_or("", |(word, _)| word)
}

impl Keyring {
    /// Reads a keyring. That it reads well says nothing about who wrote it.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        read::keyring(bytes)
    }

    /// The text of this keyring; [`Keyring::parse`] reads it back.
    pub fn write(&self) -> String {
        write::text(self)
    }

    /// Every key in it.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.keys.iter().map(|holder| holder.key).collect()
    }

    /// The keys that sign keyrings.
    pub fn roots(&self) -> Vec<PublicKey> {
        let roots = self
            .keys
            .iter()
            .filter(|holder| holder.roles.contains(&Role::Root));
        roots.map(|holder| holder.key).collect()
    }

    /// The entry of a key.
    pub fn holder(&self, key: &PublicKey) -> Option<&Holder> {
        self.keys.iter().find(|holder| holder.key == *key)
    }
}

impl Scope {
    /// Whether a device is meant.
    pub fn holds(&self, vendor: &str, model: &str) -> bool {
        let fits = |pattern: &String, text: &str| matches(pattern.as_bytes(), text.as_bytes());
        let of_vendor = self.vendor.as_ref().is_none_or(|own| fits(own, vendor));
        let of_model = self.models.iter().any(|own| fits(own, model));
        of_vendor && (self.models.is_empty() || of_model)
    }
}

/// Whether `text` is what `pattern` says. Linear but for the last `*`, which alone is ever tried again.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut rest, mut left) = (pattern, text);
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        match (rest.split_first(), left.split_first()) {
            (Some((b'*', behind)), _) => {
                again = Some((behind, left));
                rest = behind;
            }
            (Some((one, behind)), Some((other, following))) if *one == b'?' || one == other => {
                (rest, left) = (behind, following);
            }
            (None, None) => return true,
            _ => {
                let Some((behind, [_, following @ ..])) = again else {
                    return false;
                };
                again = Some((behind, following));
                (rest, left) = (behind, following);
            }
        }
    }
}
