//! The wiring of each subcommand: the only code that meets disk, clock and keys.

mod attest;
mod audit;
mod authority;
mod baseline;
mod candidates;
mod clock;
mod diff;
mod exit;
mod extract;
mod formats;
mod index;
mod judge;
mod key;
mod keyring;
mod list;
mod open;
mod output;
mod packs;
mod report;
mod rules;
mod scan;
mod signatures;
mod state;
mod talk;
mod trust;
mod verify;
mod yara;

use anyhow::Result;

use crate::cli::{Cli, Command};

pub use exit::{INTERNAL, report_error};

/// Runs what the command line asks for; yields the exit code.
///
/// # Errors
/// What stopped the command; [`report_error`] prints it and knows its exit code.
pub fn run(cli: &Cli) -> Result<u8> {
    if let Some(jobs) = cli.jobs {
        rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build_global()?;
    }
    if cli.quiet {
        talk::be_quiet();
    }
    match &cli.command {
        Command::Verify(args) => verify::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Scan(args) => scan::run(args),
        Command::List(args) => list::run(args),
        Command::Extract(args) => extract::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Report(args) => report::run(args),
        Command::Baseline(command) => baseline::run(command),
        Command::Key(command) => key::run(command),
        Command::Keyring(command) => keyring::run(command),
        Command::Index(command) => index::run(command),
        Command::Attest(command) => attest::run(command),
        Command::Formats(args) => formats::run(args),
        Command::Rules(command) => rules::run(command),
        Command::Explain(args) => rules::explain(args),
    }
}
