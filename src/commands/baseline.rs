//! `vitalsign baseline`, one file a subcommand.

mod check;
mod create;
mod diff;
mod draft;
mod explain;
mod export;
mod import;
mod show;
mod sign;

use std::path::Path;

use anyhow::{Context, Result};

use super::sandbox::Start;
use super::trust;
use crate::baseline::Baseline;
use crate::cli::BaselineCommand;
use crate::report::text;

/// Runs a baseline command.
pub(super) fn run(command: &BaselineCommand, start: &Start) -> Result<u8> {
    let begun = || start.begin();
    match command {
        BaselineCommand::Create(args) => create::run(args, start),
        BaselineCommand::Import(args) => import::run(args, start),
        // The rest reads what whoever runs it wrote.
        BaselineCommand::Sign(args) => begun().and_then(|()| sign::run(args)),
        BaselineCommand::Check(args) => begun().and_then(|()| check::run(args)),
        BaselineCommand::Show(args) => begun().and_then(|()| show::run(args)),
        BaselineCommand::Explain(args) => begun().and_then(|()| explain::run(args)),
        BaselineCommand::Diff(args) => begun().and_then(|()| diff::run(args)),
        BaselineCommand::Export(args) => begun().and_then(|()| export::run(args)),
    }
}

/// A baseline whose signature is not looked at.
fn unsigned(path: &Path) -> Result<Baseline> {
    let unverified = trust::baseline(path)?;
    unverified
        .read_without_trust()
        .with_context(|| trust::shown(path))
}

fn summary(baseline: &Baseline) -> String {
    format!(
        "{} {} {}, sequence {}, issued {}, expires {}\n{}, {}, {}\n",
        baseline.device.vendor,
        baseline.device.model,
        baseline.firmware.version,
        baseline.sequence,
        baseline.issued,
        baseline.expires,
        text::count(baseline.components.len(), "component"),
        text::count(baseline.files.len(), "file row"),
        text::count(baseline.mutable.len(), "mutable row")
    )
}
