//! `vitalsign baseline diff`

use std::path::Path;

use anyhow::{Context, Result};

use crate::baseline::Baseline;
use crate::cli::{BaselineDiff, ListFormat};
use crate::commands::{output, trust};
use crate::digest::Digest;
use crate::report::baseline_diff::Report;

/// Compares two baselines; the exit code is the sum of what was seen.
pub(super) fn run(args: &BaselineDiff) -> Result<u8> {
    let (old, old_sha256) = read(&args.old)?;
    let (new, new_sha256) = read(&args.new)?;
    let report = Report::new(
        (&old, name(&args.old), old_sha256),
        (&new, name(&args.new), new_sha256),
    );
    match args.output.format {
        ListFormat::Json => output::write_json(args.output.output.as_deref(), &report)?,
        ListFormat::Terminal => {
            let mut text = String::new();
            report.render(&mut text)?;
            output::write(args.output.output.as_deref(), &text)?;
        }
    }
    Ok(report.exit_code)
}

fn read(path: &Path) -> Result<(Baseline, Digest)> {
    let unverified = trust::baseline(path)?;
    let baseline = unverified.read_without_trust();
    let baseline = baseline.with_context(|| trust::shown(path))?;
    Ok((baseline, Digest::of(unverified.as_bytes())))
}

/// Reports never hold the path of a machine.
fn name(path: &Path) -> String {
    trust::shown(Path::new(path.file_name().unwrap_or(path.as_os_str())))
}
