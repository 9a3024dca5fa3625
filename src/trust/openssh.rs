//! OpenSSH's public keys: a line of its `.pub` file, or of an `allowed_signers` file.

use super::Purpose;
use super::key::{KeyError, PublicKey};
use super::text::{decode, lines};

/// The only kind of key that is read.
pub(super) const ED25519: &[u8] = b"ssh-ed25519";

/// A key in a hardware token, which signs a counter and flags with the bytes.
pub(super) const HARDWARE: &[u8] = b"sk-ssh-ed25519@openssh.com";

/// Length-prefixed strings, one after the other (RFC 4251, section 5).
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

impl<'a> Wire<'a> {
    /// The next string: a length of 4 bytes, most significant first, and so many bytes.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let (string, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(string)
    }

    /// The two strings that keys and signatures are: what kind it is, and its bytes, with nothing behind them.
    pub(super) fn pair(mut self) -> Option<(&'a [u8], &'a [u8])> {
        let pair = (self.string()?, self.string()?);
        self.0.is_empty().then_some(pair)
    }
}

/// Whether this is one line that has the name of a kind of key where OpenSSH expects it.
pub(super) fn is_public(file: &[u8]) -> bool {
    let kinds = [&b"ssh-"[..], b"sk-", b"ecdsa-sha2-"];
    let named = |word: &&[u8]| kinds.iter().any(|kind| word.starts_with(kind));
    lines(file).is_some_and(|[line]| words(line).iter().take(3).any(named))
}

/// Reads a public key: `ssh-ed25519 BASE64 COMMENT`, with the principals of an `allowed_signers` line before it or not.
/// Of that line's options only `namespaces` is obeyed, and it must list the one for baselines: an option that was
/// skipped would widen what the key's owner allowed.
///
/// # Errors
/// [`KeyError::Malformed`] or [`KeyError::Unsound`].
pub fn read_public(file: &[u8]) -> Result<PublicKey, KeyError> {
    let [line] = lines(file).ok_or(KeyError::Malformed("an OpenSSH key file is one line"))?;
    let words = words(line);
    let (blob, options) = match words.as_slice() {
        [ED25519, blob, ..] | [_, ED25519, blob, ..] => (blob, None),
        [_, options, ED25519, blob, ..] => (blob, Some(options)),
        words if words.iter().take(3).any(|&word| word == HARDWARE) => {
            return Err(KeyError::Malformed(
                "keys of hardware tokens (sk-ssh-ed25519) are not read, only ssh-ed25519",
            ));
        }
        _ => {
            return Err(KeyError::Malformed(
                "it is an OpenSSH key of another kind than ssh-ed25519",
            ));
        }
    };
    if options.is_some_and(|options| !are_obeyed(options)) {
        return Err(KeyError::Malformed(
            "its options are not obeyed, but for namespaces=\"baseline@vitalsign\"",
        ));
    }
    let raw = decode(blob).ok_or(KeyError::Malformed("its base64 cannot be read"))?;
    let point = match Wire(&raw).pair() {
        Some((ED25519, point)) => point.try_into().ok(),
        _ => None,
    };
    let point = point.ok_or(KeyError::Malformed("its base64 is not an ssh-ed25519 key"))?;
    PublicKey::new(point)
}

/// Whether the options are a list of namespaces with that of baselines in it.
fn are_obeyed(options: &[u8]) -> bool {
    let list = options
        .strip_prefix(b"namespaces=\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    list.is_some_and(|list| {
        let namespace = Purpose::Baseline.namespace().as_bytes();
        list.split(|&byte| byte == b',').any(|one| one == namespace) && !list.contains(&b'"')
    })
}

/// The words of a line; spaces in double quotes are part of a word.
fn words(line: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    line.split(|&byte| {
        quoted ^= byte == b'"';
        matches!(byte, b' ' | b'\t') && !quoted
    })
    .filter(|word| !word.is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const PUB: &[u8] = include_bytes!("../../fixtures/trust/openssh.pub");

    fn read(text: &str) -> Result<PublicKey, KeyError> {
        assert!(is_public(text.as_bytes()), "{text}");
        read_public(text.as_bytes())
    }

    fn blob() -> String {
        let text = String::from_utf8(PUB.to_vec()).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_key_is_read_from_its_own_file_and_from_a_line_of_allowed_signers() {
        let key = read_public(PUB).unwrap();
        let blob = blob();
        for line in [
            format!("ssh-ed25519 {blob}"),
            format!("ssh-ed25519 {blob} a comment \"of many words\r\n"),
            format!("release@example.com ssh-ed25519 {blob} comment"),
            format!("\"a b\",c\tssh-ed25519\t{blob}"),
            format!("* namespaces=\"baseline@vitalsign\" ssh-ed25519 {blob}"),
            format!("* namespaces=\"git,baseline@vitalsign\" ssh-ed25519 {blob}"),
        ] {
            assert_eq!(read(&line).unwrap(), key, "{line}");
        }
    }

    #[test]
    fn options_that_are_not_obeyed_refuse_the_key() {
        let blob = blob();
        for options in [
            "cert-authority",
            "namespaces=\"git\"",
            "namespaces=\"*\"",
            "namespaces=baseline@vitalsign",
            "namespaces=\"git\",valid-before=\"baseline@vitalsign\"",
            "namespaces=\"baseline@vitalsign\",valid-before=\"20260101\"",
            "valid-after=\"20260101\"",
        ] {
            let error = read(&format!("* {options} ssh-ed25519 {blob}")).unwrap_err();
            assert!(error.to_string().contains("options"), "{options}: {error}");
        }
    }

    #[test]
    fn other_kinds_are_refused_by_name() {
        let blob = blob();
        for (line, word) in [
            (
                format!("sk-ssh-ed25519@openssh.com {blob}"),
                "hardware tokens",
            ),
            (
                format!("me sk-ssh-ed25519@openssh.com {blob}"),
                "hardware tokens",
            ),
            (format!("ssh-rsa {blob}"), "another kind"),
            (
                format!("ssh-ed25519-cert-v01@openssh.com {blob}"),
                "another kind",
            ),
            ("ssh-ed25519".to_owned(), "another kind"),
            ("ssh-ed25519 AAAA".to_owned(), "not an ssh-ed25519 key"),
            ("ssh-ed25519 ssh-ed25519 AAAA".to_owned(), "base64"),
            (format!("ssh-ed25519 {blob}="), "base64"),
        ] {
            let error = read(&line).unwrap_err();
            assert!(error.to_string().contains(word), "{line}: {error}");
        }
        assert!(!is_public(&[PUB, PUB].concat()));
        assert!(read_public(&[PUB, PUB].concat()).is_err());
    }

    #[test]
    fn every_edit_of_the_key_is_another_key_or_none() {
        let key = read_public(PUB).unwrap();
        let raw = STANDARD.decode(blob()).unwrap();
        let line = |raw: &[u8]| format!("ssh-ed25519 {}", STANDARD.encode(raw));
        for at in 0..raw.len() {
            assert!(read(&line(&raw[..at])).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut edited = raw.clone();
                edited[at] ^= 1 << bit;
                assert_ne!(read(&line(&edited)), Ok(key), "{at} {bit}");
            }
        }
        assert!(read(&line(&[&raw[..], &[0]].concat())).is_err());
    }
}
