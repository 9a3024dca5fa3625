//! Every form of a record: one file each, a function of the record alone. A new one is its file, its module and its line in
//! [`ReportFormat`].

pub(in crate::report) mod answer;
mod bill;
pub mod csv;
pub mod cyclonedx;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod places;
pub mod sarif;
pub mod spdx;
pub mod terminal;
mod words;

use std::fmt;

use clap::ValueEnum;

pub use self::bill::NoBill;
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
    /// Findings and changes for tools that read SARIF 2.1.0.
    Sarif,
    /// A bill of materials as CycloneDX 1.6.
    Cyclonedx,
    /// A bill of materials as SPDX 2.3.
    Spdx,
    /// One row for the device.
    Csv,
    /// One row a change.
    CsvChanges,
    /// Tests for a pipeline.
    Junit,
    /// For a ticket.
    Markdown,
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
    /// A bill of materials, of a record without one: no defect, and for the caller to mend.
    #[error("{0}")]
    NoBill(#[from] NoBill),
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
            Self::Sarif => out = sarif::render(report)?,
            Self::Cyclonedx => out = cyclonedx::render(report)?,
            Self::Spdx => out = spdx::render(report)?,
            Self::Csv => out = csv::render(report),
            Self::CsvChanges => out = csv::changes(report),
            Self::Junit => out = junit::render(report)?,
            Self::Markdown => out = markdown::render(report, manner)?,
        }
        Ok(out)
    }

    /// Whether the form tells which software the image holds: only then is it looked for.
    pub fn lists_software(self) -> bool {
        matches!(self, Self::Json | Self::Cyclonedx | Self::Spdx)
    }

    /// The standard that the form follows, and what it holds.
    fn card(self) -> (&'static str, &'static str) {
        match self {
            Self::Terminal => ("-", "everything for people, long lists folded"),
            Self::Html => (
                "HTML, no script",
                "a page that holds all it needs, for screens and for two sheets of paper",
            ),
            Self::Json => (
                "`vitalsign.report/1`, docs/schemas",
                "the whole record: packages and files too; `vitalsign report` makes every other form of it",
            ),
            Self::Sarif => (
                "SARIF 2.1.0 (OASIS)",
                "findings and changes, the rules with help, the regions as nested artifacts",
            ),
            Self::Cyclonedx => (
                "CycloneDX 1.6",
                "packages with the places that show them, regions and files with digests",
            ),
            Self::Spdx => (
                "SPDX 2.3",
                "packages, regions and files with digests, and what contains what",
            ),
            Self::Csv => ("RFC 4180", "one row for the device: answers and counts"),
            Self::CsvChanges => ("RFC 4180", "one row a change"),
            Self::Junit => (
                "JUnit XML (Jenkins junit-10.xsd)",
                "components, changes and findings as tests, what was not checked as skipped",
            ),
            Self::Markdown => (
                "GitHub Flavored Markdown",
                "answers, changes, findings and what was not checked, for a ticket",
            ),
        }
    }

    /// The table of the README.
    pub fn table() -> String {
        let mut table = String::from("| `--format` | standard | holds |\n|---|---|---|\n");
        for form in Self::value_variants() {
            let word = form.to_possible_value();
            let word = word.as_ref().map(clap::builder::PossibleValue::get_name);
            let (standard, holds) = form.card();
            table.extend([format!(
                "| `{}` | {standard} | {holds} |\n",
                word.unwrap_or_default()
            )]);
        }
        table
    }
}
