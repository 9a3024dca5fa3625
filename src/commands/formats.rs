//! `vitalsign formats`

use anyhow::Result;

use super::output;
use crate::cli;

/// Tells what is read.
pub(super) fn run(args: &cli::Output) -> Result<u8> {
    let text = match args.format {
        cli::ListFormat::Json => crate::report::formats::json()?,
        cli::ListFormat::Terminal => crate::report::formats::text(),
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(0)
}
