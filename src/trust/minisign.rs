//! minisign's files: public keys, secret keys and signatures, read and written.
//!
//! Every one is a comment line and a base64 line; a signature has a second, signed pair of them. The first comment
//! is covered by nothing: it is skipped, never shown. Lines may end as Windows ends them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

mod cost;
mod secret;
mod signature;

pub use secret::{LockedKey, StoredKey, write_secret};
pub use signature::{Signature, sign};

use super::key::{KeyError, KeyId, PublicKey};
use super::text::{decode, lines};
use crate::read::Fields;

pub(super) const COMMENT: &[u8] = b"untrusted comment: ";

/// The mark of Ed25519 in every file; in a signature, of one over the bytes themselves.
pub(super) const ED25519: &[u8] = b"Ed";

const SECRET_LEN: usize = 158;

/// How long a secret key of signify's is, in bytes. It is not read, only known for what it is.
const SIGNIFY_SECRET_LEN: usize = 104;

/// Reads a public key: the `.pub` file of minisign or signify, or its base64 line alone.
///
/// # Errors
/// [`KeyError::Malformed`], [`KeyError::Unsound`] or [`KeyError::Secret`].
pub fn read_public(file: &[u8]) -> Result<PublicKey, KeyError> {
    let bare = lines(file).map(|[line]| line);
    let commented =
        || lines(file).and_then(|[comment, line]| comment.starts_with(COMMENT).then_some(line));
    let line = bare.or_else(commented).ok_or(KeyError::Malformed(
        "a public key file is a comment line and a base64 line",
    ))?;
    let raw = decode(line).ok_or(KeyError::Malformed("its base64 line cannot be read"))?;
    if raw.len() == SECRET_LEN || raw.len() == SIGNIFY_SECRET_LEN {
        return Err(KeyError::Secret);
    }
    let parts = || {
        let fields = Fields::little(&raw);
        let point: [u8; 32] = fields.slice(10, 32)?.try_into().ok()?;
        let id: [u8; 8] = fields.slice(2, 8)?.try_into().ok()?;
        (fields.slice(0, 2)? == ED25519 && raw.len() == 42).then_some((KeyId(id), point))
    };
    let (id, point) = parts().ok_or(KeyError::Malformed(
        "it is not an Ed25519 key of minisign's or signify's",
    ))?;
    Ok(PublicKey::new(point)?.with_id(id))
}

/// Writes a public key as minisign's `.pub` file. A key without a number gets one made of its fingerprint.
pub fn write_public(key: &PublicKey) -> String {
    let id = key.id().unwrap_or_else(|| {
        let fingerprint = key.fingerprint();
        let head = fingerprint.as_bytes().first_chunk().copied();
        KeyId(head.unwrap_or_default())
    });
    let raw = [ED25519, id.as_bytes(), key.as_bytes()].concat();
    format!(
        "untrusted comment: minisign public key {id}\n{}\n",
        STANDARD.encode(raw)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUB: &[u8] = include_bytes!("../../fixtures/trust/plain.pub");

    #[test]
    fn a_public_key_comes_back_as_minisign_wrote_it() {
        let key = read_public(PUB).unwrap();
        assert_eq!(write_public(&key).as_bytes(), PUB);
        let bare = PUB.split(|&byte| byte == b'\n').nth(1).unwrap();
        assert_eq!(read_public(bare).unwrap(), key);
        let windows = String::from_utf8(PUB.to_vec())
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(read_public(windows.as_bytes()).unwrap(), key);
    }

    #[test]
    fn a_key_without_a_number_gets_one_of_its_own() {
        let known = read_public(PUB).unwrap();
        let bare = PublicKey::new(*known.as_bytes()).unwrap();
        let again = read_public(write_public(&bare).as_bytes()).unwrap();
        assert_eq!(again, known);
        assert_eq!(
            again.id().unwrap().as_bytes(),
            &known.fingerprint().as_bytes()[..8]
        );
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let raw = decode(PUB.split(|&byte| byte == b'\n').nth(1).unwrap()).unwrap();
        let line = |raw: &[u8]| STANDARD.encode(raw).into_bytes();
        let mut other = raw.to_vec();
        other[1] = b'D';
        let cases = [
            Vec::new(),
            b"\n".to_vec(),
            b"untrusted comment: x\n".to_vec(),
            vec![b'A'; 1 << 20],
            vec![b'\n'; 4000],
            line(&raw[..41]),
            line(&[&raw[..], &[0]].concat()),
            line(&other),
            [PUB, b"\n"].concat(),
            [PUB, PUB].concat(),
            [b"RWQ".as_slice(), PUB].concat(),
            include_bytes!("../../fixtures/trust/message.minisig").to_vec(),
        ];
        for case in cases {
            assert!(
                matches!(read_public(&case), Err(KeyError::Malformed(_))),
                "{}",
                String::from_utf8_lossy(&case)
            );
        }
    }

    #[test]
    fn every_edit_of_a_public_key_is_another_key_or_none() {
        let key = read_public(PUB).unwrap();
        let start = PUB.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for at in start..PUB.len() {
            for bit in 0..8 {
                let mut file = PUB.to_vec();
                file[at] ^= 1 << bit;
                if let Ok(other) = read_public(&file) {
                    assert!(other != key || other.id() != key.id(), "{at} {bit}");
                }
            }
        }
    }
}
