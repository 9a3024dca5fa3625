//! Secret key files: open, or sealed with a password by scrypt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};
use zeroize::Zeroizing;

use super::super::key::{KeyError, KeyId, SecretKey, random};
use super::cost::Cost;
use super::{COMMENT, ED25519, SECRET_LEN, decode, lines};
use crate::read::Fields;

const SCRYPT: &[u8] = b"Sc";
const NO_KDF: &[u8] = b"\0\0";
const BLAKE2B: &[u8] = b"B2";

/// Key number, secret key pair and checksum: what a password seals.
const SEALED_LEN: usize = 8 + 64 + 32;

/// A secret key as its file holds it.
#[derive(Debug)]
pub enum StoredKey {
    /// It lies there in the clear.
    Open(SecretKey),
    /// A password opens it.
    Locked(LockedKey),
}

/// A secret key that a password opens.
pub struct LockedKey {
    salt: [u8; 32],
    cost: Cost,
    sealed: Zeroizing<[u8; SEALED_LEN]>,
}

impl std::fmt::Debug for LockedKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("LockedKey")
    }
}

impl StoredKey {
    /// Reads a secret key file.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(file: &[u8]) -> Result<Self, KeyError> {
        let Some([comment, line]) = lines(file) else {
            return Err(KeyError::Malformed(
                "a secret key file is a comment line and a base64 line",
            ));
        };
        if !comment.starts_with(COMMENT) {
            return Err(KeyError::Malformed(
                "its first line is not an untrusted comment",
            ));
        }
        let raw = decode(line).filter(|raw| raw.len() == SECRET_LEN);
        let raw = raw.ok_or(KeyError::Malformed("its base64 line is not a secret key"))?;
        Self::from_raw(&raw).ok_or(KeyError::Malformed(
            "it is not an Ed25519 secret key of minisign's",
        ))?
    }

    fn from_raw(raw: &[u8]) -> Option<Result<Self, KeyError>> {
        let fields = Fields::little(raw);
        if fields.slice(0, 2)? != ED25519 || fields.slice(4, 2)? != BLAKE2B {
            return None;
        }
        let sealed = Zeroizing::new(fields.tail(54)?.try_into().ok()?);
        match fields.slice(2, 2)? {
            NO_KDF => Some(open(&sealed, Checksum::MayBeZero).map(Self::Open)),
            SCRYPT => {
                let salt = fields.slice(6, 32)?.try_into().ok()?;
                let cost = Cost {
                    operations: fields.u64(38)?,
                    memory: fields.u64(46)?,
                };
                Some(Ok(Self::Locked(LockedKey { salt, cost, sealed })))
            }
            _ => None,
        }
    }
}

impl LockedKey {
    /// Opens the key. Takes about a gigabyte of memory and seconds of work, as minisign means it to.
    ///
    /// # Errors
    /// [`KeyError::Password`], [`KeyError::Cost`], or [`KeyError::Malformed`] for what the right password opened.
    pub fn unlock(&self, password: &str) -> Result<SecretKey, KeyError> {
        let mut plain = self.sealed.clone();
        self.cost.apply(password, &self.salt, &mut *plain)?;
        open(&plain, Checksum::Required)
    }
}

/// Writes a secret key as minisign's file, sealed when a password is given. An empty password is one, too.
///
/// # Errors
/// [`KeyError::Random`] or [`KeyError::Cost`].
pub fn write_secret(
    key: &SecretKey,
    password: Option<&str>,
) -> Result<Zeroizing<String>, KeyError> {
    write_at_cost(key, password, Cost::SENSITIVE)
}

fn write_at_cost(
    key: &SecretKey,
    password: Option<&str>,
    cost: Cost,
) -> Result<Zeroizing<String>, KeyError> {
    let id = key.id();
    let pair = key.to_pair();
    let mut sealed = Zeroizing::new([0; SEALED_LEN]);
    let mut salt = [0; 32];
    let (kdf, cost) = if let Some(password) = password {
        random(&mut salt)?;
        fill(&mut sealed, &[id.as_bytes(), &*pair, &checksum(id, &pair)]);
        cost.apply(password, &salt, &mut *sealed)?;
        (SCRYPT, cost)
    } else {
        fill(&mut sealed, &[id.as_bytes(), &*pair]);
        (
            NO_KDF,
            Cost {
                operations: 0,
                memory: 0,
            },
        )
    };
    let (operations, memory) = (cost.operations.to_le_bytes(), cost.memory.to_le_bytes());
    let raw =
        Zeroizing::new([ED25519, kdf, BLAKE2B, &salt, &operations, &memory, &*sealed].concat());
    let comment = if password.is_some() {
        "minisign encrypted secret key"
    } else {
        "minisign secret key"
    };
    let line = Zeroizing::new(STANDARD.encode(&*raw));
    Ok(Zeroizing::new(
        ["untrusted comment: ", comment, "\n", &line, "\n"].concat(),
    ))
}

fn fill(sealed: &mut [u8; SEALED_LEN], parts: &[&[u8]]) {
    for (to, from) in sealed.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
}

/// What is asked of the checksum in a key file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checksum {
    Required,
    /// minisign writes zeros into keys without a password.
    MayBeZero,
}

fn open(plain: &[u8; SEALED_LEN], demand: Checksum) -> Result<SecretKey, KeyError> {
    let parts = || {
        let (id, rest) = plain.split_first_chunk::<8>()?;
        let (pair, stored) = rest.split_first_chunk::<64>()?;
        Some((KeyId(*id), pair, stored))
    };
    let (id, pair, stored) = parts().ok_or(KeyError::Malformed("it is cut short"))?;
    let zero = stored.iter().all(|&byte| byte == 0);
    if stored != checksum(id, pair) && (demand == Checksum::Required || !zero) {
        return Err(match demand {
            Checksum::Required => KeyError::Password,
            Checksum::MayBeZero => {
                KeyError::Malformed("its checksum does not fit; the file was damaged")
            }
        });
    }
    let (seed, _) = pair
        .split_first_chunk()
        .ok_or(KeyError::Malformed("it is cut short"))?;
    let key = SecretKey::new(seed, id);
    // A pair whose halves do not belong together would leak the secret half by signing.
    if *key.to_pair() != *pair {
        return Err(KeyError::Malformed(
            "its public half is not the one of its secret half",
        ));
    }
    Ok(key)
}

fn checksum(id: KeyId, pair: &[u8; 64]) -> [u8; 32] {
    Blake2b::<U32>::new()
        .chain_update(ED25519)
        .chain_update(id.as_bytes())
        .chain_update(pair)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::super::read_public;
    use super::*;

    const PLAIN: &[u8] = include_bytes!("../../../fixtures/trust/plain.key");
    const LOCKED: &[u8] = include_bytes!("../../../fixtures/trust/locked.key");
    const PASSWORD: &str = "fixture";

    /// Little enough for a test.
    const CHEAP: Cost = Cost {
        operations: 32768,
        memory: 1 << 20,
    };

    fn opened(file: &[u8]) -> Result<SecretKey, KeyError> {
        match StoredKey::parse(file)? {
            StoredKey::Open(key) => Ok(key),
            StoredKey::Locked(locked) => locked.unlock(PASSWORD),
        }
    }

    #[test]
    fn keys_of_the_minisign_tool_are_read() {
        let plain = opened(PLAIN).unwrap();
        let locked = opened(LOCKED).unwrap();
        for (key, file) in [
            (
                &plain,
                &include_bytes!("../../../fixtures/trust/plain.pub")[..],
            ),
            (
                &locked,
                include_bytes!("../../../fixtures/trust/locked.pub"),
            ),
        ] {
            let public = read_public(file).unwrap();
            assert_eq!(key.public(), public);
            assert_eq!(Some(key.id()), public.id());
        }
        let ours = write_secret(&plain, None).unwrap();
        let line = |file: &[u8]| file.split(|&byte| byte == b'\n').nth(1).unwrap().to_vec();
        assert_eq!(line(ours.as_bytes()), line(PLAIN));
    }

    #[test]
    fn a_sealed_key_comes_back_with_its_password_alone() {
        let key = SecretKey::generate().unwrap();
        let file = write_at_cost(&key, Some("pässword"), CHEAP).unwrap();
        let StoredKey::Locked(locked) = StoredKey::parse(file.as_bytes()).unwrap() else {
            panic!("it is sealed")
        };
        assert_eq!(locked.unlock("pässword").unwrap().to_pair(), key.to_pair());
        assert_eq!(locked.unlock("password").unwrap_err(), KeyError::Password);
        assert_eq!(locked.unlock("").unwrap_err(), KeyError::Password);
        assert_ne!(
            *write_at_cost(&key, Some("pässword"), CHEAP).unwrap(),
            *file,
            "the salt is new each time"
        );
    }

    #[test]
    fn two_new_keys_differ_and_neither_prints_its_secret() {
        let [one, two] = [(); 2].map(|()| SecretKey::generate().unwrap());
        assert!(one.to_pair() != two.to_pair() && one.id() != two.id());
        let text = format!("{one:?} {:?}", StoredKey::parse(LOCKED).unwrap());
        assert_eq!(text, format!("SecretKey({}) Locked(LockedKey)", one.id()));
    }

    #[test]
    fn a_key_that_asks_for_too_much_is_not_obeyed() {
        let mut raw = decode(LOCKED.split(|&byte| byte == b'\n').nth(1).unwrap()).unwrap();
        raw[53] = 1;
        let file = format!("untrusted comment: x\n{}\n", STANDARD.encode(&*raw));
        assert!(matches!(opened(file.as_bytes()), Err(KeyError::Cost(_))));
    }

    #[test]
    fn every_edit_of_an_open_key_is_refused() {
        let raw = decode(PLAIN.split(|&byte| byte == b'\n').nth(1).unwrap()).unwrap();
        let key = opened(PLAIN).unwrap();
        // The salt and the limits (6..54) mean nothing without a password; the number (54..62) stands for itself.
        for at in (0..6).chain(62..SECRET_LEN) {
            let mut edited = raw.to_vec();
            edited[at] ^= 1;
            let file = format!("untrusted comment: x\n{}\n", STANDARD.encode(edited));
            assert!(
                matches!(opened(file.as_bytes()), Err(KeyError::Malformed(_))),
                "{at}"
            );
        }
        let sealed = [
            key.id().as_bytes().as_slice(),
            &*key.to_pair(),
            &checksum(key.id(), &key.to_pair())[..],
        ]
        .concat();
        let file = format!(
            "untrusted comment: x\n{}\n",
            STANDARD.encode([&raw[..54], &sealed].concat())
        );
        assert!(
            opened(file.as_bytes()).is_ok(),
            "a true checksum is as good as none"
        );
    }

    #[test]
    fn what_is_no_secret_key_is_refused() {
        for file in [
            Vec::new(),
            b"untrusted comment: x\n\n".to_vec(),
            vec![b'A'; 1 << 20],
            PLAIN[1..].to_vec(),
            [PLAIN, b"\n"].concat(),
            include_bytes!("../../../fixtures/trust/plain.pub").to_vec(),
        ] {
            assert!(matches!(
                StoredKey::parse(&file),
                Err(KeyError::Malformed(_))
            ));
        }
        for at in 0..PLAIN.len() - 1 {
            assert!(StoredKey::parse(&PLAIN[..at]).is_err(), "cut at {at}");
        }
    }
}
