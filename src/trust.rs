//! Who may say what a device should hold: keys, and signatures over exact bytes.
//!
//! Bytes in, bytes out: which files they come from, what time it is and how a password is asked for is the
//! commands' business. One file holds one signature form, detected by content and never by a file's name. Four forms
//! are accepted beside a document; minisign's is the one that is written. What we say ourselves is signed in a DSSE envelope.

use std::fmt;

pub mod authority;
pub mod dsse;
pub mod index;
pub mod key;
pub mod keyring;
pub mod minisign;
pub mod openssh;
pub mod openssl;
pub mod order;
pub mod public;
pub mod revocation;
pub mod signify;
pub mod sshsig;
pub mod state;
mod text;
pub mod version;

pub use authority::{Authority, Judged, Speakers};
pub use key::{KeyId, PublicKey, SecretKey};

use crate::digest::Digest;
use crate::place;

/// A signature that held: who made it, and what else it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The trusted key that made it.
    pub key: PublicKey,
    /// The form the signature came in.
    pub form: Form,
    /// The comment that is covered by the signature; escaped, so that it is safe to show.
    pub comment: Option<String>,
}

/// The forms that signatures come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// minisign's `.minisig` file.
    Minisign,
    /// The 64 bytes that `openssl pkeyutl -sign -rawin` writes.
    Raw,
    /// The armored text that `ssh-keygen -Y sign` writes.
    Sshsig,
    /// The two lines that signify writes.
    Signify,
    /// An entry of a DSSE envelope, which carries what is signed.
    Dsse,
}

impl Form {
    /// Every form, under the word that keyrings use.
    pub(crate) const WORDS: &[(&'static str, Self)] = &[
        ("minisign", Self::Minisign),
        ("ed25519", Self::Raw),
        ("sshsig", Self::Sshsig),
        ("signify", Self::Signify),
        ("dsse", Self::Dsse),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, form)| *form == self)
            .map_or("", |(word, _)| word)
    }

    /// The form that a signature file has by its content. Whether it is a sound one is another question.
    fn of(file: &[u8]) -> Result<Self, TrustError> {
        let count = || text::all_lines(file).map(|lines| lines.len());
        match file {
            [] => Err(TrustError::Unreadable("the file is empty")),
            _ if file.len() == openssl::SIGNATURE_LEN => Ok(Self::Raw),
            [b'{', ..] => Ok(Self::Dsse),
            _ if text::armor_label(file) == Some(sshsig::LABEL.as_bytes()) => Ok(Self::Sshsig),
            _ if file.starts_with(minisign::COMMENT) => match count() {
                Some(2) => Ok(Self::Signify),
                Some(4) => Ok(Self::Minisign),
                _ => Err(TrustError::Unreadable(
                    "it is neither the four lines of a minisign signature nor the two of a signify signature",
                )),
            },
            _ => Err(TrustError::Unreadable(
                "it is in none of the forms of minisign, signify, ssh-keygen and OpenSSL (64 bytes)",
            )),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Minisign => "minisign",
            Self::Raw => "raw Ed25519",
            Self::Sshsig => "sshsig",
            Self::Signify => "signify",
            Self::Dsse => "DSSE",
        })
    }
}

/// What a signature is for. Only sshsig says so, by a namespace that it covers; in the other forms it is the signed
/// document that says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A baseline.
    Baseline,
    /// A keyring.
    Keyring,
    /// A list of revocations.
    Revocations,
    /// An index.
    Index,
    /// A pack of rules.
    Rules,
}

impl Purpose {
    /// The namespace to sign with: `ssh-keygen -Y sign -n NAMESPACE`.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Baseline => "baseline@vitalsign",
            Self::Keyring => "keyring@vitalsign",
            Self::Revocations => "revocations@vitalsign",
            Self::Index => "index@vitalsign",
            Self::Rules => "rules@vitalsign",
        }
    }
}

/// How a signature names its key. Only a hint: it can name any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By the number of minisign and signify.
    Id(KeyId),
    /// By the key itself, of which this is the [fingerprint](PublicKey::fingerprint).
    Fingerprint(Digest),
}

impl fmt::Display for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => fmt::Display::fmt(id, out),
            Self::Fingerprint(fingerprint) => write!(out, "with fingerprint {fingerprint}"),
        }
    }
}

/// Why bytes are not trusted. None of these is a statement about what the bytes say: they are not to be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is no signature at all.
    #[error("there is no signature")]
    Unsigned,
    /// There is an envelope for signatures, and none in it.
    #[error("the envelope carries no signature")]
    EmptyEnvelope,
    /// There are more signatures than anyone honest puts beside a document.
    #[error("there are more than {0} signatures; none was looked at")]
    TooMany(usize),
    /// There is no key to check against.
    #[error("no key is trusted, so no signature can be")]
    NoKeys,
    /// The signature file is not one.
    #[error("the signature cannot be read: {0}")]
    Unreadable(&'static str),
    /// The signature names a key that is not among the trusted ones. Only a hint: a signature can name any key.
    #[error("the signature was not made by a trusted key; it names key {0}")]
    OtherKey(Named),
    /// The signature says that it is for something else.
    #[error(
        "the signature was made for another purpose; its namespace must be {}",
        .0.namespace()
    )]
    Purpose(Purpose),
    /// No trusted key made this signature over these bytes.
    #[error(
        "the signature does not fit these bytes: one of them was changed, or another key made it"
    )]
    Mismatch,
    /// The bytes are as they were signed, but the comment in the signature file is not.
    #[error("the comment in the signature file was changed after signing")]
    Comment,
    /// It was signed by a key that is revoked, and is not known to be from before.
    #[error("it was signed by key {name}, which is revoked: {reason}")]
    Revoked {
        /// What the keyring calls the key.
        name: String,
        /// Why it is revoked.
        reason: String,
    },
    /// Fewer keys that may say this signed it than must.
    #[error("{counted} of the {needed} keys needed signed it{}", shown_reasons(.why))]
    TooFew {
        /// How many must.
        needed: u8,
        /// How many do.
        counted: usize,
        /// Why the others do not count.
        why: Vec<String>,
    },
    /// A keyring that is older than one this machine has seen.
    #[error("this is keyring {given}, but keyring {known} was seen here before")]
    OldKeyring {
        /// The number of the last one.
        known: u64,
        /// The number of this one.
        given: u64,
    },
    /// A keyring with the number of one that this machine has seen, and other bytes.
    #[error("another keyring with the number {0} was seen here before")]
    OtherKeyring(u64),
    /// A keyring that does not follow the last one.
    #[error(
        "this is keyring {given}, but the last one seen here is {known}: those between are missing"
    )]
    MissingKeyring {
        /// The number of the last one.
        known: u64,
        /// The number of this one.
        given: u64,
    },
    /// A keyring that lacks the signature of a root key that was named.
    #[error("a root key that was named did not sign it")]
    NotByRoot,
    /// A keyring that takes a revocation back.
    #[error("this keyring leaves out that key {0} is revoked")]
    Unrevoked(Digest),
}

fn shown_reasons(why: &[String]) -> String {
    why.iter().flat_map(|why| ["; ", why]).collect()
}

impl TrustError {
    /// The exit code for a command that ends with this error: 69 for revoked, else 67, untrusted, whatever the reason.
    ///
    /// One code for all others, because whoever damages a signature chooses between unreadable and wrong.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Revoked { .. } => 69,
            _ => 67,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsigned => {
                "ask the signer for the detached signature (FILE.minisig, .sig, .signify or .ed25519), or sign it with \
                 `vitalsign baseline sign`"
            }
            Self::EmptyEnvelope => {
                "get the attestation again from whoever made it; `vitalsign verify --attest` signs what it writes"
            }
            Self::TooMany(_) => {
                "remove the signature files that are not by those who should sign it"
            }
            Self::NoKeys => {
                "name the signer's public key with --trust-key, or a keyring with --keyring"
            }
            Self::Unreadable(_) => {
                "fetch the signature again; it must be the file that the signer made, unchanged"
            }
            Self::OtherKey(_) => {
                "get the signer's public key over a channel you trust and compare its fingerprint; never take it from \
                 the folder of the file it should prove"
            }
            Self::Purpose(_) => {
                "ask the signer for a signature of this document: `ssh-keygen -Y sign -n NAMESPACE` with the namespace \
                 that it must have"
            }
            Self::Revoked { .. } => {
                "ask the signer for one signed by the new key; whoever has the old one can sign anything"
            }
            Self::TooFew { .. } => {
                "ask the other signers for their signatures (FILE.NAME.minisig), or ask who may sign this"
            }
            Self::OldKeyring { .. }
            | Self::OtherKeyring(_)
            | Self::Unrevoked(_)
            | Self::NotByRoot => {
                "get the current keyring from whoever holds the root keys; this one may be a replay"
            }
            Self::MissingKeyring { .. } => {
                "take the keyrings between up one by one with `vitalsign keyring rotate`"
            }
            Self::Mismatch | Self::Comment => {
                "do not use this file; fetch it and its signature again, and ask the signer if it stays so"
            }
        }
    }
}

/// Judges each signature alone: who of `keys` made it over exactly `bytes` for `purpose`, or why it is not to be
/// trusted. The form of each is detected by its content.
///
/// The results stand in the order of `signatures`. Whoever needs several signers counts distinct keys here: one key
/// may have made several signatures.
pub fn judge(
    bytes: &[u8],
    signatures: &[impl AsRef<[u8]>],
    keys: &[PublicKey],
    purpose: Purpose,
) -> Vec<Result<Signer, TrustError>> {
    let judge = |file: &[u8]| {
        if keys.is_empty() {
            return Err(TrustError::NoKeys);
        }
        match Form::of(file)? {
            Form::Minisign => minisign::Signature::parse(file)?.verify(bytes, keys),
            Form::Raw => openssl::Signature::parse(file)?.verify(bytes, keys),
            Form::Sshsig => sshsig::Signature::parse(file)?.verify(bytes, keys, purpose),
            Form::Signify => signify::Signature::parse(file)?.verify(bytes, keys),
            Form::Dsse => Err(TrustError::Unreadable(
                "a DSSE envelope signs what is in it, not the file that it stands beside",
            )),
        }
    };
    let files = signatures.iter().map(AsRef::as_ref);
    files.map(judge).collect()
}

/// The first signer among `keys` whose signature holds over exactly `bytes`.
///
/// # Errors
/// When no signature holds, why the first one does not: see [`TrustError`].
pub fn verify(
    bytes: &[u8],
    signatures: &[impl AsRef<[u8]>],
    keys: &[PublicKey],
    purpose: Purpose,
) -> Result<Signer, TrustError> {
    first(&judge(bytes, signatures, keys, purpose))
}

/// The first signer among the outcomes of [`judge`].
///
/// # Errors
/// When there is none, the first reason; [`TrustError::Unsigned`] when there is no signature.
pub fn first(outcomes: &[Result<Signer, TrustError>]) -> Result<Signer, TrustError> {
    let good = outcomes.iter().find(|outcome| outcome.is_ok());
    let outcome = good.or(outcomes.first());
    outcome.cloned().unwrap_or(Err(TrustError::Unsigned))
}

/// Who of `keys` made a signature that names `id`: one that is known by this number, or by none. When none did, but
/// the named key is here, something was changed; else it is some other key's.
fn find_maker(
    keys: &[PublicKey],
    id: KeyId,
    signature: &[u8; 64],
    message: &[u8],
) -> Result<PublicKey, TrustError> {
    let mut candidates = keys
        .iter()
        .filter(|key| key.id().is_none_or(|known| known == id));
    if let Some(key) = candidates.find(|key| key.made(signature, message)) {
        return Ok(*key);
    }
    Err(if keys.iter().any(|key| key.id() == Some(id)) {
        TrustError::Mismatch
    } else {
        TrustError::OtherKey(Named::Id(id))
    })
}

/// A signed comment made safe to show. The tabs that minisign puts between its parts become spaces.
fn shown(comment: &[u8]) -> String {
    let parts: Vec<String> = comment
        .split(|&byte| byte == b'\t')
        .map(place::escape)
        .collect();
    parts.join(" ")
}
