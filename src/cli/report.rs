//! The arguments of `report`.

use std::path::PathBuf;

use clap::Args;

use super::ReportOutput;

/// `vitalsign report`
#[derive(Debug, Args)]
pub struct Report {
    /// What `--format json` wrote.
    pub file: PathBuf,
    /// Where the report goes.
    #[command(flatten)]
    pub output: ReportOutput,
}
