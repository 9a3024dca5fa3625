//! `vitalsign keyring`

use std::num::NonZeroU8;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{named, signer};
use crate::digest::Digest;
use crate::trust::Form;
use crate::trust::keyring::{Class, Role};

/// `vitalsign keyring`
#[derive(Debug, Subcommand)]
pub enum KeyringCommand {
    /// Make the first keyring, unsigned, with its root keys.
    Create(KeyringCreate),
    /// Write the next keyring, unsigned, with one key more.
    Add(Box<KeyringAdd>),
    /// Write the next keyring, unsigned, with one key revoked; or, with `--list`, a list that travels faster than keyrings.
    Revoke(KeyringRevoke),
    /// Sign a keyring, an index or a list of revocations; writes FILE.minisig or FILE.NAME.minisig beside it.
    Sign(KeyringSign),
    /// Check a keyring's form and the signatures of its roots.
    Check(KeyringCheck),
    /// Show who may say what.
    Show(KeyringShow),
    /// Check that one keyring follows from another, and take it up.
    Rotate(KeyringRotate),
}

/// `vitalsign keyring create`
#[derive(Debug, Args)]
pub struct KeyringCreate {
    /// A root key, as NAME=FILE.
    #[arg(long, value_name = "NAME=KEY", required = true, value_parser = named)]
    pub root: Vec<(String, PathBuf)>,
    /// How many root keys must sign each keyring.
    #[arg(long, value_name = "N", default_value = "1")]
    pub threshold: NonZeroU8,
    /// When the keyring goes stale.
    #[arg(long, value_name = "RFC3339")]
    pub expires: Timestamp,
    /// The time of issue, instead of the clock.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Timestamp>,
    /// The keyring to write.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// What the next keyring has anew.
#[derive(Debug, Args)]
pub struct Next {
    /// The keyring that the new one follows.
    pub keyring: PathBuf,
    /// When the new one goes stale; when the old one does, if not given.
    #[arg(long, value_name = "RFC3339")]
    pub expires: Option<Timestamp>,
    /// The time of issue, instead of the clock.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Timestamp>,
    /// The keyring to write.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `vitalsign keyring add`
#[derive(Debug, Args)]
pub struct KeyringAdd {
    /// The keyrings.
    #[command(flatten)]
    pub next: Next,
    /// The public key, as NAME=FILE.
    #[arg(long, value_name = "NAME=KEY", value_parser = named)]
    pub key: (String, PathBuf),
    /// What it may sign: root, baseline, revocation, index or rules.
    #[arg(long, required = true, value_parser = role)]
    pub role: Vec<Role>,
    /// What its holder is to the devices: vendor, hospital or third-party.
    #[arg(long, value_parser = class)]
    pub class: Option<Class>,
    /// The vendor whose devices it may speak of; `*` stands for any text.
    #[arg(long)]
    pub vendor: Option<String>,
    /// A model it may speak of; `*` stands for any text.
    #[arg(long)]
    pub model: Vec<String>,
    /// A form its signatures may have: minisign, ed25519, sshsig or signify; all when not given.
    #[arg(long, value_parser = form)]
    pub form: Vec<Form>,
    /// What it signs counts from here on.
    #[arg(long, value_name = "RFC3339")]
    pub not_before: Option<Timestamp>,
    /// What is issued later does not count.
    #[arg(long, value_name = "RFC3339")]
    pub not_after: Option<Timestamp>,
    /// So many keys must sign together what this key may speak of, in each of its roles but root.
    #[arg(long, value_name = "N")]
    pub threshold: Option<NonZeroU8>,
}

/// `vitalsign keyring revoke`
#[derive(Debug, Args)]
pub struct KeyringRevoke {
    /// The keyrings.
    #[command(flatten)]
    pub next: Next,
    /// The key, by its name in the keyring or by its fingerprint.
    #[arg(long, value_name = "NAME|FINGERPRINT")]
    pub key: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The SHA-256 of a document by this key that stays trusted.
    #[arg(long, value_name = "SHA256")]
    pub keep: Vec<Digest>,
    /// Write a list of revocations with this number instead of a keyring; it holds what the keyring revokes, too.
    #[arg(long, value_name = "N", conflicts_with = "expires")]
    pub list: Option<u64>,
}

/// `vitalsign keyring sign`
#[derive(Debug, Args)]
pub struct KeyringSign {
    /// The keyring, index or list of revocations.
    pub document: PathBuf,
    /// The secret key.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The signer's name, so that each of several has a file.
    #[arg(long, value_parser = signer)]
    pub name: Option<String>,
    /// A file whose first line is the key's password, instead of a prompt.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `vitalsign keyring check`
#[derive(Debug, Args)]
pub struct KeyringCheck {
    /// The keyring.
    pub keyring: PathBuf,
    /// A root key that must have signed it.
    #[arg(long, value_name = "KEY")]
    pub root_key: Vec<PathBuf>,
    /// What was seen on this machine; it is read and not written.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// `vitalsign keyring show`
#[derive(Debug, Args)]
pub struct KeyringShow {
    /// The keyring.
    pub keyring: PathBuf,
}

/// `vitalsign keyring rotate`
#[derive(Debug, Args)]
pub struct KeyringRotate {
    /// The keyring in force.
    pub old: PathBuf,
    /// The one that follows it.
    pub new: PathBuf,
    /// What was seen on this machine: the new keyring is noted there. Made when it is missing.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

fn role(text: &str) -> Result<Role, String> {
    one_of(text, Role::WORDS)
}

fn class(text: &str) -> Result<Class, String> {
    one_of(text, Class::WORDS)
}

fn form(text: &str) -> Result<Form, String> {
    one_of(text, Form::WORDS)
}

fn one_of<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("write one of {}", words.join(", "))
    })
}
