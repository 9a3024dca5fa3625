//! Ed25519 keys. A [`PublicKey`] that exists is a sound one: every doubtful encoding is refused where it is read.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::digest::Digest;

/// The number that minisign gives a key so that it can be found. Anyone can claim any number: a hint, never proof.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub(super) [u8; 8]);

impl KeyId {
    /// Its 8 bytes, as files store them.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// As minisign prints it: 16 upper-case hexadecimal digits, most significant byte first.
impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not a key of any form that is read.
    #[error("this is not a key: {0}")]
    Malformed(&'static str),
    /// The 32 bytes are no usable point of the curve.
    #[error("this public key is not sound: {0}")]
    Unsound(&'static str),
    /// A secret key where a public one is wanted. Nothing of it is shown.
    #[error("this is a secret key; the public one is wanted here")]
    Secret,
    /// The password does not open the secret key.
    #[error("the password does not open this secret key")]
    Password,
    /// The key asks for more work or memory than any honest key does, or than there is.
    #[error("this secret key cannot be unlocked: {0}")]
    Cost(&'static str),
    /// The comment to sign is not one line of plain text.
    #[error("a comment must be one line of at most {0} bytes without control characters")]
    Comment(usize),
    /// The operating system gave no random bytes.
    #[error("the system's random number generator failed")]
    Random,
}

impl KeyError {
    /// The exit code for a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Malformed(_) | Self::Secret => 65,
            Self::Unsound(_) => 67,
            Self::Password | Self::Cost(_) | Self::Comment(_) => 64,
            Self::Random => 70,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => {
                "name a key file made by `vitalsign key generate` or `minisign -G`; public keys may also be signify's, \
                 OpenSSL's (PEM) or OpenSSH's (ssh-ed25519)"
            }
            Self::Secret => {
                "name the public key that goes with it; if this file left its owner's hands, a new key is needed"
            }
            Self::Unsound(_) => {
                "no honest tool makes such a key, and anyone can forge its signatures; ask where it came from"
            }
            Self::Password => {
                "try again; a forgotten password cannot be recovered, only a new key made"
            }
            Self::Cost(_) => {
                "unlock it on a machine with 2 GiB of memory, or change its password there with `minisign -C`"
            }
            Self::Comment(_) => "shorten the comment, or leave it out",
            Self::Random => "try again on a machine whose random number generator works",
        }
    }
}

/// A public key: 32 bytes that are a canonical point of the prime-order group. Two keys are one if their bytes are.
#[derive(Clone, Copy)]
pub struct PublicKey {
    point: VerifyingKey,
    id: Option<KeyId>,
}

impl PublicKey {
    /// The key that these 32 bytes are.
    ///
    /// # Errors
    /// [`KeyError::Unsound`] for bytes that are no point, that spell a point in a second way, or whose point lies
    /// outside the prime-order group (small or mixed order): signatures under those can be forged, or fit two keys.
    pub fn new(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let Ok(point) = VerifyingKey::from_bytes(&bytes) else {
            return Err(KeyError::Unsound("its bytes are not a point of the curve"));
        };
        let edwards = point.to_edwards();
        if edwards.compress().to_bytes() != bytes {
            return Err(KeyError::Unsound(
                "its bytes are not the canonical spelling of a point",
            ));
        }
        if point.is_weak() {
            return Err(KeyError::Unsound(
                "it is of small order, so that anyone can sign for it",
            ));
        }
        if !edwards.is_torsion_free() {
            return Err(KeyError::Unsound("it is not in the prime-order group"));
        }
        Ok(Self { point, id: None })
    }

    /// The same key, known by a number.
    #[must_use]
    pub fn with_id(mut self, id: KeyId) -> Self {
        self.id = Some(id);
        self
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.point.as_bytes()
    }

    /// The number it is known by, where its file gives one.
    pub fn id(&self) -> Option<KeyId> {
        self.id
    }

    /// The SHA-256 of its 32 bytes: what two people compare, and what reports name the signer by.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.as_bytes())
    }

    /// Whether this key made `signature` over `message`. Strict: no second spelling of a signature passes.
    pub(super) fn made(&self, signature: &[u8; 64], message: &[u8]) -> bool {
        self.point
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({})", self.fingerprint())
    }
}

/// A secret key. It is wiped from memory when dropped, and nothing prints it.
pub struct SecretKey {
    key: SigningKey,
    id: KeyId,
}

impl SecretKey {
    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Random`] when there are none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        random(&mut *seed)?;
        let mut id = [0; 8];
        random(&mut id)?;
        Ok(Self::new(&seed, KeyId(id)))
    }

    pub(super) fn new(seed: &[u8; 32], id: KeyId) -> Self {
        Self {
            key: SigningKey::from_bytes(seed),
            id,
        }
    }

    /// The public key that goes with it.
    pub fn public(&self) -> PublicKey {
        PublicKey {
            point: self.key.verifying_key(),
            id: Some(self.id),
        }
    }

    /// The number it is known by.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The seed and the public key, one after the other: 64 bytes.
    pub(super) fn to_pair(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.key.to_keypair_bytes())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretKey({})", self.id)
    }
}

/// Fills `bytes` with the system's random numbers.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).ok().ok_or(KeyError::Random)
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use super::vectors::{SMALL_ORDER, bytes};
    use super::*;

    /// The order of the group, little-endian.
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

    fn key() -> SecretKey {
        SecretKey::new(&[7; 32], KeyId(*b"\x01\x02\x03\x04\x05\x06\x07\xf8"))
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        for hex in SMALL_ORDER {
            assert!(
                matches!(PublicKey::new(bytes(hex)), Err(KeyError::Unsound(_))),
                "{hex}"
            );
        }
    }

    #[test]
    fn keys_of_mixed_order_are_refused() {
        let honest = key().public().point.to_edwards();
        let mut told = 0;
        for hex in SMALL_ORDER {
            let Ok(small) = VerifyingKey::from_bytes(&bytes(hex)) else {
                continue;
            };
            let mixed = VerifyingKey::from(honest + small.to_edwards());
            if mixed.as_bytes() != key().public().as_bytes() {
                assert!(
                    matches!(PublicKey::new(mixed.to_bytes()), Err(KeyError::Unsound(_))),
                    "{hex}"
                );
                told += 1;
            }
        }
        assert!(told >= 7);
    }

    #[test]
    fn keys_that_are_no_point_or_a_second_spelling_are_refused() {
        // y = p + 3 .. p + 18 are all the second spellings there are; some are on the curve.
        let mut on_curve = 0;
        for low in 0xf0..=0xff {
            let mut spelling = [0xff; 32];
            (spelling[0], spelling[31]) = (low, 0x7f);
            on_curve += usize::from(VerifyingKey::from_bytes(&spelling).is_ok());
            assert!(
                matches!(PublicKey::new(spelling), Err(KeyError::Unsound(_))),
                "{low:x}"
            );
        }
        assert!(on_curve > 0);
        let no_point = (0..=u8::MAX)
            .map(|low| [low; 32])
            .filter(|bytes| VerifyingKey::from_bytes(bytes).is_err());
        assert!(
            no_point
                .map(PublicKey::new)
                .all(|it| matches!(it, Err(KeyError::Unsound(_))))
        );
    }

    #[test]
    fn a_second_spelling_of_a_signature_is_refused() {
        let signature = key().sign(b"message");
        assert!(key().public().made(&signature, b"message"));
        let mut other = signature;
        let mut carry = 0;
        for (byte, add) in other[32..].iter_mut().zip(bytes(ORDER)) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        assert_ne!(other, signature);
        assert!(!key().public().made(&other, b"message"));
    }

    #[test]
    fn the_fingerprint_is_of_the_32_bytes_alone() {
        let public = key().public();
        assert_eq!(public.fingerprint(), Digest::of(public.as_bytes()));
        assert_eq!(PublicKey::new(*public.as_bytes()).unwrap(), public);
        assert_eq!(public.id().unwrap().to_string(), "F807060504030201");
    }
}
