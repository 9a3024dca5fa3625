//! Secrets in findings: they are located, counted and told apart, and never shown.
//!
//! Without a key they have numbers in one report, which say no more than which of them are the same. With a key they have fingerprints:
//! whoever holds the key recognises a secret on another unit, or looks for one that is known; nobody else can try passwords against them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::behaviour::{Act, Secret, Spot, Step};
use crate::digest;
use crate::place::Place;

/// A key has at least so many bytes, so that it cannot be guessed either.
const LEAST: usize = 32;
/// So many bytes of the hash are shown.
const SHOWN: usize = 16;
/// What is hashed with the key before a secret, so that it is no other use of the key.
const SECRET: &[u8] = b"vitalsign secret 1\0";
/// What is hashed with the key to name it.
const NAME: &[u8] = b"vitalsign secret key 1\0";

/// The key of fingerprints.
#[derive(Clone)]
pub struct FingerprintKey(Zeroizing<Vec<u8>>);

/// A key that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key for fingerprints has at least {LEAST} bytes")]
pub struct TooShort;

impl FingerprintKey {
    /// A key of these bytes.
    ///
    /// # Errors
    /// [`TooShort`].
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, TooShort> {
        if bytes.len() < LEAST {
            return Err(TooShort);
        }
        Ok(Self(bytes))
    }

    /// The fingerprint of a secret: the first 16 bytes of its HMAC-SHA-256, in hex.
    pub fn fingerprint(&self, secret: &Secret) -> String {
        self.hash(SECRET, secret.as_bytes())
    }

    /// What names the key, so that reports of different keys are not compared.
    pub fn name(&self) -> String {
        self.hash(NAME, b"")
    }

    fn hash(&self, purpose: &[u8], bytes: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(purpose);
        mac.update(bytes);
        let hash = mac.finalize().into_bytes();
        digest::hex(hash.get(..SHOWN).unwrap_or(&hash))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FingerprintKey")
    }
}

/// How many secrets were told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// In how many places one stands.
    pub located: usize,
    /// How many of them are different.
    pub distinct: usize,
    /// The name of the key that they are fingerprinted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The secrets that were told so far.
pub(super) struct Told<'u> {
    key: Option<&'u FingerprintKey>,
    numbers: BTreeMap<&'u Secret, usize>,
    places: BTreeSet<(&'u Place, Spot, usize)>,
    keys: BTreeSet<PrivateKey>,
}

/// A private key that stands in clear: where, and its fingerprint. One that only one unit should have is told by it on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrivateKey {
    /// The file that holds it.
    pub place: Place,
    /// Its fingerprint.
    pub fingerprint: String,
}

impl<'u> Told<'u> {
    pub(super) fn new(key: Option<&'u FingerprintKey>) -> Self {
        Self {
            key,
            numbers: BTreeMap::new(),
            places: BTreeSet::new(),
            keys: BTreeSet::new(),
        }
    }

    /// What is said of the secrets of a step; empty where it states none.
    pub(super) fn words(&mut self, step: &'u Step) -> String {
        let mut words = Vec::new();
        for secret in &step.secrets {
            let next = self.numbers.len().saturating_add(1);
            let number = *self.numbers.entry(secret).or_insert(next);
            self.places.insert((&step.place, step.spot, number));
            words.push(match self.key {
                Some(key) => {
                    let fingerprint = key.fingerprint(secret);
                    if step.act == Act::PrivateKey {
                        self.keys.insert(PrivateKey {
                            place: step.place.clone(),
                            fingerprint: fingerprint.clone(),
                        });
                    }
                    fingerprint
                }
                None => format!("no. {number}"),
            });
        }
        match words.as_slice() {
            [] => String::new(),
            [one] => format!(" (secret {one})"),
            _ => format!(" (secrets {})", words.join(", ")),
        }
    }

    /// The private keys among them, where they have fingerprints.
    pub(super) fn keys(&self) -> Vec<PrivateKey> {
        self.keys.iter().cloned().collect()
    }

    pub(super) fn count(&self) -> Count {
        Count {
            located: self.places.len(),
            distinct: self.numbers.len(),
            key: self.key.map(FingerprintKey::name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_hmac_that_others_compute() {
        // printf 'vitalsign secret 1\0geheim' | openssl dgst -sha256 -mac HMAC -macopt key:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA | cut -c1-32
        let key = FingerprintKey::new(Zeroizing::new(vec![b'A'; 32])).unwrap();
        let secret = Secret::new(b"geheim").unwrap();
        assert_eq!(key.fingerprint(&secret), "aa4c145fb5c7cf27d0e27224e37dd81f");
        assert_eq!(key.name(), "03c9105b4dc53e2f9f1acd7ef3a813b0");
        assert_eq!(format!("{key:?} {secret:?}"), "FingerprintKey Secret");
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        let key = FingerprintKey::new(Zeroizing::new(vec![7; 31]));
        assert_eq!(key.err(), Some(TooShort));
    }
}
