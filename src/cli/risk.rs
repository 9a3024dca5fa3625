//! The arguments of the commands about known risk.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Beside, Budget, Output, Reading};
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
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
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

/// `vitalsign rules`
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List all codes with their severity, the most that is shown, and their title.
    List(Output),
    /// Show one rule: what it means and which steps it looks for.
    Show(RulesShow),
    /// Try rules on the files that they bring: those they must hit, and near misses.
    Test(RulesTest),
}

/// `vitalsign rules show`
#[derive(Debug, Args)]
pub struct RulesShow {
    /// The code, as reports have it.
    pub code: String,
}

/// `vitalsign rules test`
#[derive(Debug, Args)]
pub struct RulesTest {
    /// A pack to try; those that are built in when none is named.
    pub pack: Option<PathBuf>,
}

/// `vitalsign explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, as reports have it.
    pub code: String,
    /// Where the explanation goes.
    #[command(flatten)]
    pub output: Output,
}
