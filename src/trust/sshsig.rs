//! OpenSSH's signatures of files (`ssh-keygen -Y sign`), as its PROTOCOL.sshsig describes them.
//!
//! Armored, version 1, by an ssh-ed25519 key, over the SHA-512 digest of the bytes. The namespace is part of what is
//! signed: it says what for, and must be that of the document. The key in the file is covered by nothing and only a
//! hint. Keys of hardware tokens (sk-ssh-ed25519) sign other bytes and are refused by name.

use sha2::{Digest as _, Sha512};

use super::key::PublicKey;
use super::openssh::{ED25519, HARDWARE, Wire};
use super::text::dearmor;
use super::{Form, Named, Purpose, Signer, TrustError};
use crate::digest::Digest;

/// The label around a signature.
pub(super) const LABEL: &str = "SSH SIGNATURE";

/// What the signature starts with, and what is signed, too.
const MAGIC: &[u8] = b"SSHSIG";

const VERSION: [u8; 4] = 1_u32.to_be_bytes();

/// The only digest that is accepted; SHA-256 is the other one that OpenSSH makes.
const HASH: &[u8] = b"sha512";

/// A signature as its file says it: nothing is known to be true of it before [`Signature::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    key: [u8; 32],
    namespace: Vec<u8>,
    over_digest: [u8; 64],
}

impl Signature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`].
    pub fn parse(file: &[u8]) -> Result<Self, TrustError> {
        let blob = dearmor(file, LABEL).ok_or(TrustError::Unreadable(
            "its armor is damaged, or something stands around it",
        ))?;
        Self::from_blob(&blob).map_err(TrustError::Unreadable)
    }

    fn from_blob(blob: &[u8]) -> Result<Self, &'static str> {
        let rest = blob
            .strip_prefix(MAGIC)
            .ok_or("its base64 is not an SSH signature")?;
        let rest = rest
            .strip_prefix(&VERSION)
            .ok_or("it is not of version 1")?;
        let mut wire = Wire(rest);
        let mut next = || wire.string().ok_or("it is cut short");
        let [key, namespace, reserved, hash, signature] =
            [next()?, next()?, next()?, next()?, next()?];
        if !wire.0.is_empty() {
            return Err("something follows the signature");
        }
        let key = match Wire(key).pair() {
            Some((ED25519, point)) => point.try_into().ok(),
            _ if Wire(key).string() == Some(HARDWARE) => {
                return Err(
                    "it was made by a hardware token (sk-ssh-ed25519), only ssh-ed25519 is read",
                );
            }
            _ => None,
        };
        let over_digest = match Wire(signature).pair() {
            Some((ED25519, bytes)) => bytes.try_into().ok(),
            _ => None,
        };
        if !reserved.is_empty() {
            return Err("its reserved field is not empty");
        }
        if hash != HASH {
            return Err("its hash is not sha512");
        }
        Ok(Self {
            key: key.ok_or("its key is of another kind than ssh-ed25519")?,
            namespace: namespace.to_vec(),
            over_digest: over_digest.ok_or("its signature is not an Ed25519 signature")?,
        })
    }

    /// Finds who of `keys` made this signature over exactly `bytes` for `purpose`. Only the key that the signature
    /// names is tried.
    ///
    /// # Errors
    /// [`TrustError::Purpose`], [`TrustError::OtherKey`] or [`TrustError::Mismatch`].
    pub fn verify(
        &self,
        bytes: &[u8],
        keys: &[PublicKey],
        purpose: Purpose,
    ) -> Result<Signer, TrustError> {
        if self.namespace != purpose.namespace().as_bytes() {
            return Err(TrustError::Purpose(purpose));
        }
        let Some(key) = keys.iter().find(|key| *key.as_bytes() == self.key) else {
            let fingerprint = Digest::of(&self.key);
            return Err(TrustError::OtherKey(Named::Fingerprint(fingerprint)));
        };
        if !key.made(&self.over_digest, &message(bytes, purpose)) {
            return Err(TrustError::Mismatch);
        }
        Ok(Signer {
            key: *key,
            form: Form::Sshsig,
            comment: None,
        })
    }
}

/// What is signed: the magic, the namespace, nothing in the reserved field, the hash's name, and the digest.
fn message(bytes: &[u8], purpose: Purpose) -> Vec<u8> {
    let mut message = MAGIC.to_vec();
    let digest = Sha512::digest(bytes);
    for string in [purpose.namespace().as_bytes(), b"", HASH, &digest] {
        let len = u32::try_from(string.len()).unwrap_or(u32::MAX);
        message.extend_from_slice(&len.to_be_bytes());
        message.extend_from_slice(string);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::SecretKey;

    fn strings(strings: &[&[u8]]) -> Vec<u8> {
        let string = |string: &&[u8]| [&(string.len() as u32).to_be_bytes(), *string].concat();
        strings.iter().flat_map(string).collect()
    }

    /// The parts of a signature, each of which a test may replace.
    struct Parts {
        head: Vec<u8>,
        key: Vec<u8>,
        namespace: Vec<u8>,
        reserved: Vec<u8>,
        hash: Vec<u8>,
        signature: Vec<u8>,
    }

    impl Parts {
        fn read(&self) -> Result<Signature, &'static str> {
            let strings = strings(&[
                &self.key,
                &self.namespace,
                &self.reserved,
                &self.hash,
                &self.signature,
            ]);
            Signature::from_blob(&[&self.head[..], &strings].concat())
        }
    }

    type Change = fn(&mut Parts);

    const BYTES: &[u8] = b"any bytes";

    fn parts(secret: &SecretKey) -> Parts {
        let digest = Sha512::digest(BYTES);
        let signed = strings(&[b"baseline@vitalsign", b"", b"sha512", &digest]);
        let signature = secret.sign(&[b"SSHSIG".as_slice(), &signed].concat());
        Parts {
            head: b"SSHSIG\0\0\0\x01".to_vec(),
            key: strings(&[b"ssh-ed25519", secret.public().as_bytes()]),
            namespace: b"baseline@vitalsign".to_vec(),
            reserved: Vec::new(),
            hash: b"sha512".to_vec(),
            signature: strings(&[b"ssh-ed25519", &signature]),
        }
    }

    #[test]
    fn each_field_has_one_value_that_passes() {
        let secret = SecretKey::generate().unwrap();
        let keys = [secret.public()];
        let verify = |parts: Parts| {
            parts
                .read()
                .map(|it| it.verify(BYTES, &keys, Purpose::Baseline))
        };
        let signer = verify(parts(&secret)).unwrap().unwrap();
        assert_eq!((signer.key, signer.form), (keys[0], Form::Sshsig));

        let told = |change: fn(&mut Parts)| {
            let mut parts = parts(&secret);
            change(&mut parts);
            verify(parts).unwrap_err()
        };
        let cases: [(Change, &str); 14] = [
            (|it| it.head[0] = b's', "not an SSH signature"),
            (|it| it.head[9] = 0, "version 1"),
            (|it| it.head[9] = 2, "version 1"),
            (|it| it.head.truncate(9), "version 1"),
            (
                |it| it.key = strings(&[b"sk-ssh-ed25519@openssh.com", &[1; 32], b"ssh:"]),
                "hardware token",
            ),
            (
                |it| it.key = strings(&[b"ssh-rsa", &[1; 32]]),
                "another kind",
            ),
            (|it| it.key.push(0), "another kind"),
            (|it| it.key.clear(), "another kind"),
            (|it| it.reserved.push(0), "reserved"),
            (|it| it.hash = b"sha256".to_vec(), "sha512"),
            (|it| it.hash = b"SHA512".to_vec(), "sha512"),
            (
                |it| it.signature = strings(&[b"sk-ssh-ed25519@openssh.com", &[0; 64], b"12345"]),
                "not an Ed25519 signature",
            ),
            (|it| it.signature.push(0), "not an Ed25519 signature"),
            (|it| it.signature.truncate(20), "not an Ed25519 signature"),
        ];
        for (change, word) in cases {
            let error = told(change);
            assert!(error.contains(word), "{word}: {error}");
        }
        let mut blob = [&parts(&secret).head[..], &[0; 20]].concat();
        assert!(Signature::from_blob(&blob).is_err());
        blob.push(0);
        assert_eq!(
            Signature::from_blob(&blob),
            Err("something follows the signature")
        );
    }

    #[test]
    fn lengths_beyond_the_end_are_not_followed() {
        for len in [4, 5, 0x7fff_ffff, u32::MAX] {
            let blob = [b"SSHSIG\0\0\0\x01".as_slice(), &len.to_be_bytes(), b"ssh"].concat();
            assert_eq!(Signature::from_blob(&blob), Err("it is cut short"));
        }
    }

    #[test]
    fn the_namespace_and_the_named_key_decide_who_is_asked() {
        let [secret, other] = [(); 2].map(|()| SecretKey::generate().unwrap());
        let verify = |parts: Parts, key: &SecretKey| {
            let keys = [key.public()];
            parts
                .read()
                .unwrap()
                .verify(BYTES, &keys, Purpose::Baseline)
        };
        for namespace in ["", "file", "baseline@vitalsig", "baseline@vitalsign\0"] {
            let mut parts = parts(&secret);
            parts.namespace = namespace.as_bytes().to_vec();
            assert_eq!(
                verify(parts, &secret),
                Err(TrustError::Purpose(Purpose::Baseline))
            );
        }
        let named =
            |key: &SecretKey| TrustError::OtherKey(Named::Fingerprint(key.public().fingerprint()));
        assert_eq!(verify(parts(&secret), &other), Err(named(&secret)));
        // A signature that names the trusted key is by it or does not hold.
        let mut forged = parts(&other);
        forged.key = parts(&secret).key;
        assert_eq!(verify(forged, &secret), Err(TrustError::Mismatch));
    }
}
