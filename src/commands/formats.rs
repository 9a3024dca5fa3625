//! `vitalsign formats`

use anyhow::Result;

use super::output;
use crate::cli;

/// Tells what is read.
pub(super) fn run(args: &cli::Output) -> Result<u8> {
    let text = match args.format {
        cli::ReportFormat::Json => crate::report::formats::json()?,
        cli::ReportFormat::Terminal => crate::report::formats::text(),
    };
    output::write(args, &text)?;
    Ok(0)
}
