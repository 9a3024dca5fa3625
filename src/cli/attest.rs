//! What is signed of a verdict, and how that is checked.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Output, Trust};

/// What `vitalsign verify` signs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Attestation")]
pub struct Attest {
    /// A secret key: what came of it is signed, as an in-toto statement in a DSSE envelope. IMAGE must be a file or device: a
    /// directory has no digest.
    #[arg(long, value_name = "KEY", requires = "attest_output")]
    pub attest: Option<PathBuf>,
    /// The file to write it to. It must be new, and is written last.
    #[arg(long, value_name = "FILE", requires = "attest")]
    pub attest_output: Option<PathBuf>,
    /// A file whose first line is the key's password, instead of a prompt.
    #[arg(long, value_name = "FILE", requires = "attest")]
    pub password_file: Option<PathBuf>,
}

/// `vitalsign attest`
#[derive(Debug, Subcommand)]
pub enum AttestCommand {
    /// Check who signed an attestation, what it states, and that an image still has the digest it names.
    ///
    /// Exit codes: 0 signature, result and every digest hold; else the sum of the exit code that is attested and of 4 (a file is
    /// another), 8 (a file that it names was not given), 32 (policy). 65 no attestation, 67 untrusted signature, 69 revoked.
    Check(Box<AttestCheck>),
}

/// `vitalsign attest check`
#[derive(Debug, Args)]
pub struct AttestCheck {
    /// The attestation.
    pub envelope: PathBuf,
    /// The image that it should be about; several times where it is about several files. `-` is standard input.
    #[arg(long, value_name = "IMAGE")]
    pub image: Vec<PathBuf>,
    /// The report that it should be about, as `verify --format json` wrote it.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// The time to judge by, instead of the clock.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Timestamp>,
    /// Whose word counts.
    #[command(flatten)]
    pub speakers: Speakers,
    /// Where the result goes.
    #[command(flatten)]
    pub output: Output,
}

/// Whose word counts about what was verified.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trust")]
pub struct Speakers {
    /// A public key that may sign attestations: of minisign, signify, OpenSSL (PEM) or OpenSSH; one of several is enough.
    #[arg(long, value_name = "KEY", required_unless_present = "keyring")]
    pub trust_key: Vec<PathBuf>,
    /// A keyring, signed by its root keys, that names keys with the role attestation.
    #[arg(long, value_name = "FILE", conflicts_with = "trust_key")]
    pub keyring: Option<PathBuf>,
    /// A root key that must have signed the keyring.
    #[arg(long, value_name = "KEY", requires = "keyring")]
    pub root_key: Vec<PathBuf>,
    /// A signed list of revoked keys.
    #[arg(long, value_name = "FILE")]
    pub revocations: Vec<PathBuf>,
    /// What was seen on this machine, against replays of a keyring; it is read and not written.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

impl Speakers {
    /// The same, as whoever reads keys and keyrings takes it.
    pub fn trust(&self) -> Trust {
        Trust {
            trust_key: self.trust_key.clone(),
            keyring: self.keyring.clone(),
            root_key: self.root_key.clone(),
            revocations: self.revocations.clone(),
            state: self.state.clone(),
            ..Trust::default()
        }
    }
}
