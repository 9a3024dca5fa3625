//! Public keys of every form that is read, told apart by content.

use std::fmt;

use super::key::{KeyError, PublicKey};
use super::text::armor_label;
use super::{minisign, openssh, openssl};

/// The forms that public keys come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyForm {
    /// The two lines that minisign and signify write alike.
    Minisign,
    /// `SubjectPublicKeyInfo` in PEM.
    OpenSsl,
    /// A line with `ssh-ed25519`.
    OpenSsh,
}

impl fmt::Display for KeyForm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Minisign => "minisign or signify",
            Self::OpenSsl => "OpenSSL (PEM)",
            Self::OpenSsh => "OpenSSH",
        })
    }
}

/// Reads a public key, and tells its form.
///
/// # Errors
/// [`KeyError::Malformed`], [`KeyError::Unsound`], or [`KeyError::Secret`] for a secret key given by mistake.
pub fn read(file: &[u8]) -> Result<(PublicKey, KeyForm), KeyError> {
    if let Some(label) = armor_label(file) {
        if label.ends_with(b"PRIVATE KEY") {
            return Err(KeyError::Secret);
        }
        if label != openssl::PUBLIC_LABEL.as_bytes() {
            return Err(KeyError::Malformed("it is armored, but no public key"));
        }
        return Ok((openssl::read_public(file)?, KeyForm::OpenSsl));
    }
    if openssh::is_public(file) {
        return Ok((openssh::read_public(file)?, KeyForm::OpenSsh));
    }
    Ok((minisign::read_public(file)?, KeyForm::Minisign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_s_key_is_known_by_its_content() {
        for (file, form) in [
            (
                &include_bytes!("../../fixtures/trust/plain.pub")[..],
                KeyForm::Minisign,
            ),
            (
                include_bytes!("../../fixtures/trust/signify.pub"),
                KeyForm::Minisign,
            ),
            (
                include_bytes!("../../fixtures/trust/openssl.pub"),
                KeyForm::OpenSsl,
            ),
            (
                include_bytes!("../../fixtures/trust/openssh.pub"),
                KeyForm::OpenSsh,
            ),
        ] {
            assert_eq!(read(file).unwrap().1, form);
        }
    }

    #[test]
    fn a_secret_key_is_named_and_not_echoed() {
        for file in [
            &include_bytes!("../../fixtures/trust/plain.key")[..],
            include_bytes!("../../fixtures/trust/locked.key"),
            include_bytes!("../../fixtures/trust/signify.sec"),
            include_bytes!("../../fixtures/trust/openssl.key"),
            include_bytes!("../../fixtures/trust/openssh.key"),
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nx",
        ] {
            let error = read(file).unwrap_err();
            assert_eq!(error, KeyError::Secret);
            assert_eq!(error.exit_code(), 65);
            let told = format!("{error} {} {error:?}", error.hint());
            let text = String::from_utf8_lossy(file);
            for line in text.lines().filter(|line| line.len() > 12) {
                assert!(!told.contains(line), "{told}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for file in [
            &b""[..],
            b"\n",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
            b"ssh-ed25519",
            include_bytes!("../../fixtures/trust/message.sig"),
            include_bytes!("../../fixtures/trust/message.signify"),
            include_bytes!("../../fixtures/trust/message.ed25519"),
            include_bytes!("../../fixtures/trust/message.minisig"),
        ] {
            assert!(matches!(read(file), Err(KeyError::Malformed(_))));
        }
    }

    #[test]
    fn a_cut_key_is_no_key() {
        for file in [
            &include_bytes!("../../fixtures/trust/signify.pub")[..],
            include_bytes!("../../fixtures/trust/openssl.pub"),
            include_bytes!("../../fixtures/trust/openssh.pub"),
        ] {
            let comment = String::from_utf8_lossy(file).find(" fixture");
            let end = comment.unwrap_or(file.len() - 1);
            for at in 0..end {
                assert!(read(&file[..at]).is_err(), "cut at {at}");
            }
        }
    }
}
