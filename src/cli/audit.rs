//! The arguments of `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Budget, Checks, Packs, Reading, Trust};
use crate::finding::Severity;
use crate::fleet::shard::Asked;

/// `vitalsign audit`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Audit {
    /// What else there is to do with results.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// The devices: a directory of images, an inventory (FILE.csv or FILE.toml, see docs/fleet.md), or `-` for a list of paths on
    /// standard input.
    #[arg(required_unless_present = "summary", conflicts_with = "summary")]
    pub fleet: Option<PathBuf>,
    /// Show what a file of results says of the fleet, instead of auditing one.
    #[arg(long, value_name = "RESULTS", help_heading = "Summary")]
    pub summary: Option<PathBuf>,
    /// Results of an earlier audit: tell what is different now.
    #[arg(
        long,
        value_name = "RESULTS",
        requires = "summary",
        help_heading = "Summary"
    )]
    pub since: Option<PathBuf>,
    /// The form of the summary.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "terminal",
        requires = "summary",
        help_heading = "Summary"
    )]
    pub format: SummaryFormat,
    /// Where the pages of single devices stand, from the page of the fleet on; each is called as its report, with `.html` for `.json`.
    #[arg(
        long,
        value_name = "DIR",
        requires = "summary",
        help_heading = "Summary"
    )]
    pub pages: Option<String>,
    /// The baseline, or a directory of them of which the one that fits each image is taken. Without one, images are looked at for known
    /// risk and compared with each other.
    #[arg(long, value_name = "FILE|DIR")]
    pub baseline: Option<PathBuf>,
    /// The model of devices for which the inventory states none.
    #[arg(long)]
    pub model: Option<String>,
    /// Compare although an image itself shows that it is another version.
    #[arg(long)]
    pub despite_version: bool,
    /// The time to judge by, instead of the clock.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<jiff::Timestamp>,
    /// From which severity on a proven finding sets the exit code's bit 16.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub fail_on: Severity,
    /// Let every finding at or above `--fail-on` set the bit, proven or not.
    #[arg(long)]
    pub strict: bool,
    /// The file of results, one line of JSON a device, instead of standard output; it must be new, unless the audit goes on. With
    /// `--summary`, where that is written.
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub output: Option<PathBuf>,
    /// Do one part of the fleet, for several machines: I of N, from 0/N on, chosen by the names of the images. `auto/N` takes I, and `auto` both,
    /// from the array of Slurm, Kubernetes or AWS Batch that the run is a task of. All shards are judged by one time, so it must be stated.
    #[arg(
        long,
        value_name = "I/N|auto",
        requires = "now",
        help_heading = "Results"
    )]
    pub shard: Option<Asked>,
    /// Write results in the order of the inventory, and not as they are done.
    #[arg(long, help_heading = "Results")]
    pub in_order: bool,
    /// Go on with an audit that was interrupted, by its file of results: devices that stand in it are not done again.
    #[arg(long, requires = "output", help_heading = "Results")]
    pub resume: bool,
    /// A folder for the whole report of each device, as JSON.
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    pub reports: Option<PathBuf>,
    /// A file that keeps what was found out about each image: another device with the same bytes, also in a later audit, costs its digest.
    /// Made when it is missing.
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub cache: Option<PathBuf>,
    /// End when so many devices could not be judged.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Results")]
    pub max_failures: Option<u64>,
    /// Whose word counts.
    #[command(flatten)]
    pub trust: Trust,
    /// Packs of rules besides those built in.
    #[command(flatten)]
    pub packs: Packs,
    /// What else the checks are given.
    #[command(flatten)]
    pub checks: Checks,
    /// How the images' bytes are to be taken.
    #[command(flatten)]
    pub reading: Reading,
    /// Which part of the device each image is, where the baseline names several parts.
    #[arg(long, value_name = "NAME", value_parser = super::signer, help_heading = "Files beside the image")]
    pub part: Option<String>,
    /// How much work each image may cause.
    #[command(flatten)]
    pub budget: Budget,
}

/// What is done with the results of several machines. A fleet that is called as one of these is named `./merge`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Join the results of all shards into those of the whole fleet, in the order of the inventory.
    Merge(Merge),
}

/// `vitalsign audit merge`
#[derive(Debug, Args)]
pub struct Merge {
    /// The files of results, one a shard, in any order.
    #[arg(required = true, value_name = "RESULTS")]
    pub shards: Vec<PathBuf>,
    /// The new file, instead of standard output. Nothing is written where a device has no record.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The fleet that was audited: devices that have no record are told by their names, and by their shards.
    #[arg(long, value_name = "FLEET")]
    pub fleet: Option<PathBuf>,
}

/// The forms of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// For people.
    Terminal,
    /// A page that holds all it needs.
    Html,
    /// For programs.
    Json,
    /// For tools that read SARIF 2.1.0.
    Sarif,
    /// One row a device.
    Csv,
}
