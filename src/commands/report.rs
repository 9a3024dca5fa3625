//! `vitalsign report`: a stored record in another form.

use anyhow::{Context, Result};

use super::{talk, trust, verify};
use crate::cli;
use crate::report::verify::Report;
use crate::report::verify::unit::Unit;

/// Renders a record; the exit code says that it was written, and nothing about the image.
pub(super) fn run(args: &cli::Report) -> Result<u8> {
    let bytes = trust::record(&args.file)?;
    let report = Report::parse(&bytes).with_context(|| trust::shown(&args.file))?;
    talk::say("a stored report is shown as it stands; nothing was verified now");
    verify::write(&report, &args.output)?;
    Ok(0)
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
