//! The arguments of the commands about known risk.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Beside, Budget, Output, Reading, ReportOutput, Trust, Unit};
use crate::check::device::Named;
use crate::finding::Severity;

/// `vitalsign scan`
#[derive(Debug, Args)]
pub struct Scan {
    /// The image: a file, a block device, a directory (a mounted root) or `-`.
    pub image: PathBuf,
    /// From which severity on a proven finding sets the exit code's bit 16.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub fail_on: Severity,
    /// Let every finding at or above `--fail-on` set the bit, proven or not.
    #[arg(long)]
    pub strict: bool,
    /// Which device it is.
    #[command(flatten)]
    pub named: DeviceName,
    /// Which unit it is.
    #[command(flatten)]
    pub unit: Unit,
    /// Packs of rules besides those built in.
    #[command(flatten)]
    pub packs: Packs,
    /// What else the checks are given.
    #[command(flatten)]
    pub checks: Checks,
    /// Whose word counts about them.
    #[command(flatten)]
    pub speakers: Speakers,
    /// Rely on a pack or keyring that expired, for a reason that stands in the report.
    #[arg(long, value_name = "REASON", help_heading = "Trust")]
    pub allow_stale: Option<String>,
    /// The time to judge by, instead of the clock; it is printed in the report.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<jiff::Timestamp>,
    /// Where the report goes.
    #[command(flatten)]
    pub output: ReportOutput,
    /// How the image's bytes are to be taken.
    #[command(flatten)]
    pub reading: Reading,
    /// What belongs to the image.
    #[command(flatten)]
    pub beside: Beside,
    /// How much work the image may cause.
    #[command(flatten)]
    pub budget: Budget,
}

/// Which device it is, as its label says.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Device")]
pub struct DeviceName {
    /// The vendor of the device.
    #[arg(long, requires = "model")]
    pub vendor: Option<String>,
    /// The model: what was published about it is told.
    #[arg(long)]
    pub model: Option<String>,
    /// The version of its firmware.
    #[arg(long, value_name = "VERSION", requires = "model")]
    pub firmware_version: Option<String>,
}

impl DeviceName {
    /// The same, as checks take it.
    pub fn named(&self) -> Named {
        Named {
            vendor: self.vendor.clone(),
            model: self.model.clone(),
            version: self.firmware_version.clone(),
        }
    }
}

/// Packs of rules besides those built in.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct Packs {
    /// A pack of rules besides those built in (docs/rules.md); its signatures stand beside it. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Use packs, too, for which nobody vouches: what they tell is for review only, medium at most and never proven.
    #[arg(long, requires = "rules")]
    pub allow_unsigned_rules: bool,
}

/// What else the checks are given.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Checks")]
pub struct Checks {
    /// A folder of YARA rules (*.yar, *.yara) to try on every file of the image; what they hit is a hint. Only in builds with the
    /// feature `yara`.
    #[arg(long, value_name = "DIR")]
    pub yara: Option<PathBuf>,
    /// A file of at least 32 random bytes: secrets that are found have fingerprints by this key, so that whoever has it can tell
    /// which units have the same ones. They are never shown.
    #[arg(long, value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,
}

/// Whose word counts about packs of rules.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Trust")]
pub struct Speakers {
    /// A public key that may sign packs of rules: of minisign, signify, OpenSSL (PEM) or OpenSSH; one of several is enough.
    #[arg(long, value_name = "KEY", requires = "rules")]
    pub trust_key: Vec<PathBuf>,
    /// A keyring, signed by its root keys, that names keys with the role rules.
    #[arg(
        long,
        value_name = "FILE",
        requires = "rules",
        conflicts_with = "trust_key"
    )]
    pub keyring: Option<PathBuf>,
    /// A root key that must have signed the keyring.
    #[arg(long, value_name = "KEY", requires = "keyring")]
    pub root_key: Vec<PathBuf>,
    /// A signed list of revoked keys.
    #[arg(long, value_name = "FILE", requires = "rules")]
    pub revocations: Vec<PathBuf>,
    /// What was seen on this machine, against replays of a keyring; it is read and not written.
    #[arg(long, value_name = "FILE", requires = "rules")]
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

/// `vitalsign rules`
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List all codes with their severity, the most that is shown, and their title.
    List(RulesList),
    /// Show one rule: what it means and which steps it looks for.
    Show(RulesShow),
    /// Try rules on the files that they bring: those they must hit, and near misses.
    Test(RulesTest),
}

/// `vitalsign rules list`
#[derive(Debug, Args)]
pub struct RulesList {
    /// Packs of rules besides those built in.
    #[command(flatten)]
    pub packs: Packs,
    /// Whose word counts about them.
    #[command(flatten)]
    pub speakers: Speakers,
    /// Where the list goes.
    #[command(flatten)]
    pub output: Output,
}

/// `vitalsign rules show`
#[derive(Debug, Args)]
pub struct RulesShow {
    /// The code, as reports have it.
    pub code: String,
    /// Packs of rules besides those built in.
    #[command(flatten)]
    pub packs: Packs,
    /// Whose word counts about them.
    #[command(flatten)]
    pub speakers: Speakers,
}

/// `vitalsign rules test`
#[derive(Debug, Args)]
pub struct RulesTest {
    /// A pack to try, whoever signed it; those that are built in when none is named.
    #[arg(conflicts_with = "rules")]
    pub pack: Option<PathBuf>,
    /// The same, by the name that it has elsewhere. May be given several times, for packs that are to be used together.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
}

/// `vitalsign explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, as reports have it.
    pub code: String,
    /// Packs of rules besides those built in.
    #[command(flatten)]
    pub packs: Packs,
    /// Whose word counts about them.
    #[command(flatten)]
    pub speakers: Speakers,
    /// Where the explanation goes.
    #[command(flatten)]
    pub output: Output,
}
