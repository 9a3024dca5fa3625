//! `vitalsign report`: a stored record in another form.

use std::path::Path;

use anyhow::{Context, Result};

use super::exit::Usage;
use super::sandbox::{Access, Start};
use super::{output, talk, trust, verify};
use crate::cli::{self, ReportFormat, ReportOutput};
use crate::report::since::Since;
use crate::report::verify::Report;
use crate::report::verify::unit::Unit;

/// Renders a record; the exit code says that it was written, and nothing about the image.
pub(super) fn run(args: &cli::Report, start: &Start) -> Result<u8> {
    let access = Access::default()
        .reads(args.file.iter().chain(&args.compare))
        .reports(&args.output);
    start.confine(access)?;
    if let [old, new] = args.compare.as_slice() {
        return compare(&read(old)?, &read(new)?, &args.output);
    }
    let Some(file) = &args.file else {
        return Err(Usage("name a report, or two with --compare".to_owned()).into());
    };
    let report = read(file)?;
    talk::say("a stored report is shown as it stands; nothing was verified now");
    verify::write(&report, &args.output)?;
    Ok(0)
}

fn read(path: &Path) -> Result<Report> {
    let bytes = trust::record(path)?;
    Report::parse(&bytes).with_context(|| trust::shown(path))
}

fn compare(old: &Report, new: &Report, to: &ReportOutput) -> Result<u8> {
    let since = Since::new(old, new);
    let text = if to.format == ReportFormat::Json {
        output::json(&since)?
    } else if to.format == ReportFormat::Terminal {
        let mut out = String::new();
        since.render(old, new, to.verbose, &mut out)?;
        out
    } else {
        return Err(Usage("--compare has the forms terminal and json".to_owned()).into());
    };
    output::write(to.output.as_deref(), &text)?;
    Ok(since.exit_code)
}

/// Which unit it is, by the flags and the device record.
pub(super) fn unit(said: &cli::Unit) -> Result<Unit> {
    let Some(path) = &said.device_record else {
        return Ok(said.said());
    };
    let text = trust::description(path)?;
    let record = Unit::parse(&text).with_context(|| trust::shown(path))?;
    Ok(record.under(said.said()))
}
