//! What OpenSSL reads and writes: public keys as `SubjectPublicKeyInfo` in PEM, and bare signatures.
//!
//! An Ed25519 key in that form (RFC 8410) is 44 bytes of DER of which only the last 32 vary, so the other twelve are
//! compared instead of parsed: one spelling passes, and no ASN.1 reader is needed that could be more lenient.
//!
//! A bare signature (`openssl pkeyutl -sign -rawin`) is the 64 bytes of Ed25519 (RFC 8032) and nothing else. It names
//! no key and says not what it is for: every trusted key is tried.

use super::key::{KeyError, PublicKey};
use super::text::dearmor;
use super::{Form, Signer, TrustError};

/// The label around a public key.
pub(super) const PUBLIC_LABEL: &str = "PUBLIC KEY";

/// A sequence of 42 bytes; in it a sequence of the object identifier 1.3.101.112, and a bit string of 33 bytes whose
/// first says that no bit is unused.
const SPKI_HEAD: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// How long a bare signature is, in bytes.
pub(super) const SIGNATURE_LEN: usize = 64;

/// Reads a public key as `openssl pkey -pubout` writes it.
///
/// # Errors
/// [`KeyError::Malformed`] or [`KeyError::Unsound`].
pub fn read_public(file: &[u8]) -> Result<PublicKey, KeyError> {
    let der = dearmor(file, PUBLIC_LABEL).ok_or(KeyError::Malformed(
        "its PEM is damaged, or something stands around it",
    ))?;
    let point = der
        .strip_prefix(&SPKI_HEAD)
        .and_then(|point| point.try_into().ok())
        .ok_or(KeyError::Malformed(
            "it is a public key of another kind than Ed25519",
        ))?;
    PublicKey::new(point)
}

/// A signature of 64 bytes. It holds by which of the keys it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_LEN]);

impl Signature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`].
    pub fn parse(file: &[u8]) -> Result<Self, TrustError> {
        let bytes = file.try_into().ok();
        bytes.map(Self).ok_or(TrustError::Unreadable(
            "it is not the 64 bytes of a bare signature",
        ))
    }

    /// Finds who of `keys` made this signature over exactly `bytes`, which are digested once for every key.
    ///
    /// # Errors
    /// [`TrustError::Mismatch`].
    pub fn verify(&self, bytes: &[u8], keys: &[PublicKey]) -> Result<Signer, TrustError> {
        let key = keys.iter().find(|key| key.made(&self.0, bytes));
        Ok(Signer {
            key: *key.ok_or(TrustError::Mismatch)?,
            form: Form::Raw,
            comment: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const PUB: &[u8] = include_bytes!("../../fixtures/trust/openssl.pub");

    /// The example of RFC 8410, section 10.1.
    const RFC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn keys_of_openssl_and_of_the_standard_are_read() {
        assert!(read_public(RFC.as_bytes()).is_ok());
        assert!(read_public(PUB).unwrap().id().is_none());
        let windows = RFC.replace('\n', "\r\n");
        assert_eq!(read_public(windows.as_bytes()), read_public(RFC.as_bytes()));
    }

    #[test]
    fn one_spelling_alone_is_a_key() {
        let der = dearmor(PUB, PUBLIC_LABEL).unwrap();
        let key = read_public(PUB).unwrap();
        let pem = |der: &[u8]| {
            format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(der)
            )
        };
        assert_eq!(read_public(pem(&der).as_bytes()).unwrap(), key);
        for at in 0..der.len() {
            assert!(read_public(pem(&der[..at]).as_bytes()).is_err(), "{at}");
            for bit in 0..8 {
                let mut edited = der.to_vec();
                edited[at] ^= 1 << bit;
                let other = read_public(pem(&edited).as_bytes());
                assert!(other.is_err() || at >= 12 && other != Ok(key), "{at} {bit}");
            }
        }
        assert!(read_public(pem(&[&der[..], &[0]].concat()).as_bytes()).is_err());
        // X25519 (1.3.101.110), and a key of small order.
        let mut agreement = der.to_vec();
        agreement[8] = 0x6e;
        assert!(matches!(
            read_public(pem(&agreement).as_bytes()),
            Err(KeyError::Malformed(_))
        ));
        let small = [&SPKI_HEAD[..], &[0; 32]].concat();
        assert!(matches!(
            read_public(pem(&small).as_bytes()),
            Err(KeyError::Unsound(_))
        ));
    }
}
