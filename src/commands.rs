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
mod interrupt;
mod judge;
mod key;
mod keyring;
mod list;
mod open;
mod output;
mod packs;
mod report;
mod rules;
pub mod sandbox;
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
    let start = sandbox::Start::new(cli);
    if cli.quiet {
        talk::be_quiet();
    }
    match &cli.command {
        Command::Verify(args) => verify::run(args, &start),
        Command::Audit(args) => audit::run(args, &start),
        Command::Scan(args) => scan::run(args, &start),
        Command::List(args) => list::run(args, &start),
        Command::Extract(args) => extract::run(args, &start),
        Command::Diff(args) => diff::run(args, &start),
        Command::Report(args) => report::run(args, &start),
        Command::Baseline(command) => baseline::run(command, &start),
        // These read what whoever runs them wrote, or what is verified before anything else is done with it.
        Command::Key(command) => start.begin().and_then(|()| key::run(command)),
        Command::Keyring(command) => start.begin().and_then(|()| keyring::run(command)),
        Command::Index(command) => start.begin().and_then(|()| index::run(command)),
        Command::Attest(command) => start.begin().and_then(|()| attest::run(command)),
        Command::Formats(args) => start.begin().and_then(|()| formats::run(args)),
        Command::Rules(command) => start.begin().and_then(|()| rules::run(command)),
        Command::Explain(args) => start.begin().and_then(|()| rules::explain(args)),
    }
}
