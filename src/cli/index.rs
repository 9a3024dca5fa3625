//! `vitalsign index`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

/// `vitalsign index`
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Make an unsigned index of the baselines that are current (`vitalsign keyring sign` signs it).
    Create(IndexCreate),
    /// Show what an index names.
    Show(IndexShow),
}

/// `vitalsign index create`
#[derive(Debug, Args)]
pub struct IndexCreate {
    /// The baselines.
    #[arg(required = true)]
    pub baselines: Vec<PathBuf>,
    /// The index's number; it rises with every index.
    #[arg(long, value_name = "N")]
    pub sequence: u64,
    /// When the index goes stale: soon, since an old one hides what is newer.
    #[arg(long, value_name = "RFC3339")]
    pub expires: Timestamp,
    /// The time of issue, instead of the clock.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Timestamp>,
    /// The index to write.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `vitalsign index show`
#[derive(Debug, Args)]
pub struct IndexShow {
    /// The index.
    pub index: PathBuf,
}
