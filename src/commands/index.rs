//! `vitalsign index create|show`

use std::fmt::Write;

use anyhow::{Context, Result};

use super::{clock, output, trust};
use crate::cli::IndexCommand;
use crate::cli::index::{IndexCreate, IndexShow};
use crate::digest::Digest;
use crate::report::text;
use crate::trust::index::{Current, Index};

/// Runs an index command.
pub(super) fn run(command: &IndexCommand) -> Result<u8> {
    match command {
        IndexCommand::Create(args) => create(args),
        IndexCommand::Show(args) => show(args),
    }
}

fn create(args: &IndexCreate) -> Result<u8> {
    let mut current = Vec::new();
    for path in &args.baselines {
        let unverified = trust::baseline(path)?;
        let baseline = unverified
            .read_without_trust()
            .with_context(|| trust::shown(path))?;
        current.push(Current {
            vendor: baseline.device.vendor,
            model: baseline.device.model,
            version: baseline.firmware.version,
            sequence: baseline.sequence,
            sha256: Digest::of(unverified.as_bytes()),
            security_floor: baseline.firmware.security_floor,
        });
    }
    current
        .sort_by(|a, b| (&a.vendor, &a.model, a.sequence).cmp(&(&b.vendor, &b.model, b.sequence)));
    let index = Index {
        sequence: args.sequence,
        issued: args.now.unwrap_or_else(clock::now),
        expires: args.expires,
        current,
    };
    output::write_file(&args.output, index.write().as_bytes(), 0o644)?;
    output::write_stdout(&summary(&index)?)?;
    Ok(0)
}

fn show(args: &IndexShow) -> Result<u8> {
    let bytes = trust::document(&args.index)?;
    let index = Index::parse(&bytes).with_context(|| trust::shown(&args.index))?;
    let mut text = summary(&index)?;
    text.push_str("the signature was not checked: `vitalsign verify --index` does\n");
    output::write_stdout(&text)?;
    Ok(0)
}

fn summary(index: &Index) -> Result<String> {
    let mut text = format!(
        "index {}, issued {}, expires {}, {}\n",
        index.sequence,
        index.issued,
        index.expires,
        text::count(index.current.len(), "baseline")
    );
    for row in &index.current {
        let floor = row
            .security_floor
            .as_deref()
            .map(|floor| format!(", secure from {floor} on"))
            .unwrap_or_default();
        writeln!(
            text,
            "  {} {} {}, number {}{floor}\n    sha256 {}",
            row.vendor, row.model, row.version, row.sequence, row.sha256
        )?;
    }
    Ok(text)
}
