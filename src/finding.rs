//! What a check found: a typed value with a stable code, pushed by checks and rendered by reports.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::baseline::own::InCode;
use crate::place::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Unusual.
    Low,
    /// To be looked at by somebody.
    Medium,
    /// A risk to the device or its network.
    High,
    /// A risk to the patient.
    Critical,
}

/// How much was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Points that way.
    Hint,
    /// Likely, with a step missing.
    Probable,
    /// Every step was shown.
    Proven,
}

/// One thing that a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was found, in kebab-case; never renamed.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// How much was shown.
    pub confidence: Confidence,
    /// One line for people.
    pub title: String,
    /// Where.
    pub place: Place,
    /// What shows it, one plain clause each.
    pub evidence: Vec<String>,
    /// CVE, CWE and advisory numbers.
    pub references: Vec<&'static str>,
    /// The code of the program that it is about, where that alone shows it.
    #[serde(skip)]
    pub shown_in: Option<InCode>,
}
