//! `vitalsign list`

use anyhow::Result;

use super::{open, output};
use crate::cli::{self, ReportFormat};
use crate::report::list;

/// Lists an image; exit code 8 when something in it stayed unread or unexplained.
pub(super) fn run(args: &cli::List) -> Result<u8> {
    let found = open::inventory(&args.image, &args.budget)?;
    let text = match args.output.format {
        ReportFormat::Json => output::json(&list::List::new(&found))?,
        ReportFormat::Terminal => {
            let mut text = String::new();
            list::render(&found, &mut text)?;
            text
        }
    };
    output::write(&args.output, &text)?;
    Ok(if found.is_incomplete() { 8 } else { 0 })
}
