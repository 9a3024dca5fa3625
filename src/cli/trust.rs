//! Whose word counts, and which device it is.

use std::path::PathBuf;

use clap::Args;

use crate::check::device::Named;

/// Whose word counts, and what else is known.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Trust")]
pub struct Trust {
    /// A public key that may sign the baseline: of minisign, signify, OpenSSL (PEM) or OpenSSH; one of several is enough.
    #[arg(long, value_name = "KEY")]
    pub trust_key: Vec<PathBuf>,
    /// A keyring, signed by its root keys: which key may say what, about which devices.
    #[arg(long, value_name = "FILE", conflicts_with = "trust_key")]
    pub keyring: Option<PathBuf>,
    /// A root key that must have signed the keyring.
    #[arg(long, value_name = "KEY", requires = "keyring")]
    pub root_key: Vec<PathBuf>,
    /// A signed list of revoked keys.
    #[arg(long, value_name = "FILE")]
    pub revocations: Vec<PathBuf>,
    /// A signed index of the baselines that are current.
    #[arg(long, value_name = "FILE")]
    pub index: Option<PathBuf>,
    /// What was seen on this machine, against replays: read first, written after the verdict. Made when it is missing.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The lowest firmware version that is current.
    #[arg(long, value_name = "VERSION")]
    pub min_version: Option<String>,
    /// Rely on what expired, for a reason that stands in the report.
    #[arg(long, value_name = "REASON")]
    pub allow_stale: Option<String>,
    /// Compare with a baseline that nobody vouches for; the result is never a match.
    #[arg(long, conflicts_with_all = ["trust_key", "keyring", "state", "index", "revocations"])]
    pub allow_unsigned: bool,
}

/// Which device it is, as its label says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Device")]
pub struct Device {
    /// The model that the baseline must be for, by its name or an alias.
    #[arg(long)]
    pub model: Option<String>,
    /// The UDI device identifier that the baseline must be for.
    #[arg(long, value_name = "UDI-DI")]
    pub udi: Option<String>,
    /// The hardware revision that the baseline must be for.
    #[arg(long, value_name = "REVISION")]
    pub hardware: Option<String>,
    /// The firmware version that the baseline must be for.
    #[arg(long, value_name = "VERSION")]
    pub firmware_version: Option<String>,
    /// Compare although the image itself shows that it is another version.
    #[arg(long)]
    pub despite_version: bool,
}

impl Device {
    /// Which device that names.
    pub fn named(&self) -> Named {
        Named {
            vendor: None,
            model: self.model.clone(),
            version: self.firmware_version.clone(),
        }
    }
}
