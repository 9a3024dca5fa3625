//! `.minisig` files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest as _};

use super::super::key::{KeyError, KeyId, PublicKey, SecretKey};
use super::super::{Form, Signer, TrustError, find_maker, shown};
use super::{COMMENT, ED25519, decode, lines};
use crate::place;
use crate::read::Fields;

/// The mark of a signature over the BLAKE2b-512 digest of the bytes.
const PREHASHED: &[u8] = b"ED";

const TRUSTED: &[u8] = b"trusted comment: ";

/// The most bytes that a caller's comment may have, so that minisign reads the line it ends in.
const MAX_COMMENT: usize = 4096;

/// A signature as its file says it: nothing is known to be true of it before [`Signature::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    prehashed: bool,
    id: KeyId,
    over_bytes: [u8; 64],
    comment: Vec<u8>,
    over_both: [u8; 64],
}

impl Signature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`].
    pub fn parse(file: &[u8]) -> Result<Self, TrustError> {
        if file.is_empty() {
            return Err(TrustError::Unreadable("the file is empty"));
        }
        let Some([untrusted, first, trusted, second]) = lines(file) else {
            return Err(TrustError::Unreadable(
                "it is not the four lines of a minisign signature",
            ));
        };
        if !untrusted.starts_with(COMMENT) {
            return Err(TrustError::Unreadable(
                "its first line is not an untrusted comment",
            ));
        }
        let Some(comment) = trusted.strip_prefix(TRUSTED) else {
            return Err(TrustError::Unreadable(
                "its third line is not a trusted comment",
            ));
        };
        let parts = || {
            let (raw, second) = (decode(first)?, decode(second)?);
            let fields = Fields::little(&raw);
            let prehashed = match fields.slice(0, 2)? {
                PREHASHED => true,
                ED25519 => false,
                _ => return None,
            };
            Some(Self {
                prehashed,
                id: KeyId(fields.slice(2, 8)?.try_into().ok()?),
                over_bytes: fields.tail(10)?.try_into().ok()?,
                comment: comment.to_vec(),
                over_both: second.as_slice().try_into().ok()?,
            })
        };
        parts().ok_or(TrustError::Unreadable(
            "its base64 lines are not an Ed25519 signature",
        ))
    }

    /// The number of the key that it says it was made by. Only a hint.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Finds who of `keys` made this signature over exactly `bytes`. A key that is known by another number than
    /// the signature names is not tried.
    ///
    /// # Errors
    /// [`TrustError::OtherKey`], [`TrustError::Mismatch`] or [`TrustError::Comment`].
    pub fn verify(&self, bytes: &[u8], keys: &[PublicKey]) -> Result<Signer, TrustError> {
        let digest = Blake2b512::digest(bytes);
        let message = if self.prehashed {
            digest.as_slice()
        } else {
            bytes
        };
        let key = find_maker(keys, self.id, &self.over_bytes, message)?;
        if !key.made(
            &self.over_both,
            &[&self.over_bytes, self.comment.as_slice()].concat(),
        ) {
            return Err(TrustError::Comment);
        }
        Ok(Signer {
            key,
            form: Form::Minisign,
            comment: Some(shown(&self.comment)),
        })
    }
}

/// Signs `bytes`: the text of a `.minisig` file, prehashed. `comment` is one line that the signature covers too,
/// such as a time and a file name; it may be empty.
///
/// # Errors
/// [`KeyError::Comment`].
pub fn sign(key: &SecretKey, bytes: &[u8], comment: &str) -> Result<String, KeyError> {
    let printable = comment.replace(['\t', '\\'], " ");
    if comment.len() > MAX_COMMENT || place::escape(printable.as_bytes()) != printable {
        return Err(KeyError::Comment(MAX_COMMENT));
    }
    let comment = if comment.is_empty() {
        "signed by vitalsign".into()
    } else {
        format!("signed by vitalsign\t{comment}")
    };
    let signature = key.sign(&Blake2b512::digest(bytes));
    let global = key.sign(&[&signature, comment.as_bytes()].concat());
    let id = key.id();
    Ok(format!(
        "untrusted comment: signature by key {id}\n{}\ntrusted comment: {comment}\n{}\n",
        STANDARD.encode([PREHASHED, id.as_bytes(), &signature].concat()),
        STANDARD.encode(global),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{StoredKey, read_public};
    use super::*;
    use crate::trust::{self, Named, Purpose};

    const BASELINE: Purpose = Purpose::Baseline;

    const MESSAGE: &[u8] = include_bytes!("../../../fixtures/trust/message");
    const SIGNED: &[u8] = include_bytes!("../../../fixtures/trust/message.minisig");
    const LEGACY: &[u8] = include_bytes!("../../../fixtures/trust/message.legacy.minisig");
    const LOCKED: &[u8] = include_bytes!("../../../fixtures/trust/message.locked.minisig");

    fn keys() -> [PublicKey; 2] {
        [
            &include_bytes!("../../../fixtures/trust/locked.pub")[..],
            include_bytes!("../../../fixtures/trust/plain.pub"),
        ]
        .map(|file| read_public(file).unwrap())
    }

    fn secret() -> SecretKey {
        let file = include_bytes!("../../../fixtures/trust/plain.key");
        let StoredKey::Open(key) = StoredKey::parse(file).unwrap() else {
            panic!("it has no password")
        };
        key
    }

    #[test]
    fn signatures_of_the_minisign_tool_hold() {
        let [locked, plain] = keys();
        for (file, signer) in [(SIGNED, plain), (LEGACY, plain), (LOCKED, locked)] {
            let found = trust::verify(MESSAGE, &[file], &keys(), BASELINE).unwrap();
            assert_eq!(found.key, signer);
            assert!(found.comment.unwrap().starts_with("vitalsign fixture "));
        }
        let windows = String::from_utf8(SIGNED.to_vec())
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(
            trust::verify(MESSAGE, &[windows], &keys(), BASELINE)
                .unwrap()
                .key,
            plain
        );
    }

    #[test]
    fn a_key_without_a_number_is_tried_on_its_bytes() {
        let bare = keys().map(|key| PublicKey::new(*key.as_bytes()).unwrap());
        assert_eq!(
            trust::verify(MESSAGE, &[SIGNED], &bare, BASELINE)
                .unwrap()
                .key,
            bare[1]
        );
    }

    #[test]
    fn every_edit_of_the_signed_bytes_is_refused() {
        for file in [SIGNED, LEGACY] {
            for at in 0..MESSAGE.len() {
                let mut message = MESSAGE.to_vec();
                message[at] ^= 1;
                assert_eq!(
                    trust::verify(&message, &[file], &keys(), BASELINE),
                    Err(TrustError::Mismatch),
                    "{at}"
                );
            }
            for message in [&b""[..], &MESSAGE[1..], &[MESSAGE, b"\n"].concat()] {
                assert_eq!(
                    trust::verify(message, &[file], &keys(), BASELINE),
                    Err(TrustError::Mismatch)
                );
            }
        }
    }

    #[test]
    fn every_edit_of_the_signature_file_is_refused_but_in_its_untrusted_comment() {
        for file in [SIGNED, LEGACY] {
            let start = file.iter().position(|&byte| byte == b'\n').unwrap();
            for at in start..file.len() {
                for bit in 0..8 {
                    let mut edited = file.to_vec();
                    edited[at] ^= 1 << bit;
                    assert!(
                        trust::verify(MESSAGE, &[edited], &keys(), BASELINE).is_err(),
                        "byte {at}, bit {bit}"
                    );
                }
            }
            for at in 0..file.len() - 1 {
                assert!(Signature::parse(&file[..at]).is_err(), "cut at {at}");
            }
            let mut edited = file.to_vec();
            edited[start - 1] ^= 1;
            assert!(trust::verify(MESSAGE, &[edited], &keys(), BASELINE).is_ok());
            assert!(trust::verify(MESSAGE, &[[file, b"\n"].concat()], &keys(), BASELINE).is_err());
        }
    }

    #[test]
    fn errors_tell_what_is_wrong() {
        let [locked, plain] = keys();
        let text = String::from_utf8(SIGNED.to_vec()).unwrap();
        let edited = text.replace("trusted comment: vitalsign", "trusted comment: Vitalsign");
        assert_eq!(
            trust::verify(MESSAGE, &[edited], &[plain], BASELINE),
            Err(TrustError::Comment)
        );
        assert_eq!(
            trust::verify(MESSAGE, &[SIGNED], &[locked], BASELINE),
            Err(TrustError::OtherKey(Named::Id(plain.id().unwrap())))
        );
        assert_eq!(
            trust::verify(MESSAGE, &[SIGNED], &[], BASELINE),
            Err(TrustError::NoKeys)
        );
        assert_eq!(
            trust::verify(MESSAGE, &[] as &[&[u8]], &[plain], BASELINE),
            Err(TrustError::Unsigned)
        );
        for (file, word) in [
            (Vec::new(), "empty"),
            (vec![b'x'; 1 << 22], "none of the forms"),
            (vec![b'\n'; 4], "none of the forms"),
            (b"untrusted comment: x\n\n\n".to_vec(), "four lines"),
        ] {
            let error = trust::verify(MESSAGE, &[file], &[plain], BASELINE).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.exit_code(), 67);
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn one_good_signature_among_bad_ones_counts_and_the_bad_are_told() {
        let bad = trust::judge(
            MESSAGE,
            &[b"junk".as_slice(), SIGNED, LOCKED],
            &keys()[1..],
            BASELINE,
        );
        assert!(matches!(
            bad[..],
            [
                Err(TrustError::Unreadable(_)),
                Ok(_),
                Err(TrustError::OtherKey(_))
            ]
        ));
        assert!(trust::verify(MESSAGE, &[b"junk", SIGNED], &keys(), BASELINE).is_ok());
    }

    #[test]
    fn a_legacy_signature_never_passes_for_the_digest_it_did_not_sign() {
        let edited = String::from_utf8(SIGNED.to_vec())
            .unwrap()
            .replacen("\nRU", "\nRW", 1);
        let digest = Blake2b512::digest(MESSAGE);
        assert!(edited.as_bytes() != SIGNED, "`ED` became `Ed`");
        assert_eq!(
            trust::verify(MESSAGE, &[&edited], &keys(), BASELINE),
            Err(TrustError::Mismatch)
        );
        // The same key did sign these 64 bytes: that is how minisign prehashes. They are no baseline.
        assert!(trust::verify(&digest, &[&edited], &keys(), BASELINE).is_ok());
    }

    #[test]
    fn ours_satisfies_the_other_implementation() {
        let key = secret();
        for (message, comment) in [
            (&b""[..], ""),
            (MESSAGE, "timestamp:1795313608\tfile:Größe.toml"),
            (&[0xff; 5000], "x"),
        ] {
            let text = sign(&key, message, comment).unwrap();
            let other = minisign_verify::Signature::decode(&text).unwrap();
            let public =
                minisign_verify::PublicKey::decode(&super::super::write_public(&key.public()))
                    .unwrap();
            public.verify(message, &other, false).unwrap();
            assert!(other.trusted_comment().ends_with(comment));
            let signer = trust::verify(message, &[text], &[key.public()], BASELINE).unwrap();
            assert_eq!(signer.key, key.public());
        }
    }

    #[test]
    fn ours_is_the_committed_one_that_the_minisign_tool_accepted() {
        let text = sign(&secret(), MESSAGE, "file:message").unwrap();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/trust/ours.minisig");
        if std::env::var_os("WRITE_FIXTURES").is_some() {
            std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes())
                .unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }

    #[test]
    fn comments_that_are_not_one_plain_line_are_not_signed() {
        for comment in [
            "a\nb",
            "a\rb",
            "\u{1b}[31m",
            "\u{202e}",
            "\u{feff}",
            &"x".repeat(5000),
        ] {
            assert!(
                matches!(sign(&secret(), b"", comment), Err(KeyError::Comment(_))),
                "{comment:?}"
            );
        }
    }
}
