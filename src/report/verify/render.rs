//! Every form of a record: one file each, a function of the record alone. A new one is its file, its module and its line in
//! [`ReportFormat`].

pub(in crate::report) mod answer;
pub mod html;
pub mod json;
pub mod terminal;

use std::fmt;

use clap::ValueEnum;

use super::Report;

/// The forms of a report about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Terminal,
    /// A page that holds all it needs, for screens and for paper.
    Html,
    /// For programs, and to render it again later.
    Json,
}

/// How a report is to be rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether long lists are shown in full.
    pub verbose: bool,
}

/// A renderer that failed: a defect of ours.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Of text.
    #[error("the report cannot be written: {0}")]
    Text(#[from] fmt::Error),
    /// Of JSON.
    #[error("the report cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl ReportFormat {
    /// A record in this form.
    ///
    /// # Errors
    /// [`Failed`].
    pub fn render(self, report: &Report, manner: Manner) -> Result<String, Failed> {
        let mut out = String::new();
        match self {
            Self::Terminal => terminal::render(report, manner, &mut out)?,
            Self::Html => out = html::render(report, manner),
            Self::Json => out = json::render(report)?,
        }
        Ok(out)
    }
}
