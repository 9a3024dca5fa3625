//! What a rule says.

use jiff::Timestamp;
use serde::Serialize;

use crate::behaviour::{Act, Makeup, Trait};
use crate::facts::code::Code;
use crate::finding::{Confidence, Severity};

/// Rules that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its name, in kebab-case.
    pub name: String,
    /// When it was made and from when on it is stale, as a pack says that is not built in.
    pub dates: Option<Dates>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// What checks tell that are no rules.
    pub checks: Vec<Card>,
}

/// When a pack was made, and from when on it is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// When it was made, as its signers claim.
    pub issued: Timestamp,
    /// From when on it is stale.
    pub expires: Timestamp,
}

impl Pack {
    /// The cards of its rules and checks.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.rules.iter().map(|rule| &rule.card).chain(&self.checks)
    }
}

/// What people are told of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// In kebab-case; never renamed.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The most that can be shown.
    pub confidence: Confidence,
    /// One line.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// How it is proven.
    pub shown_by: String,
    /// What would disprove it.
    pub disproved_by: String,
    /// What to do.
    pub advice: String,
    /// CVE, CWE and ATT&CK numbers that describe the pattern.
    pub references: Vec<String>,
    /// What authorities and others published of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advisories: Vec<Advisory>,
}

/// A publication, in the revision that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advisory {
    /// Its number.
    pub id: String,
    /// Which revision.
    pub revision: String,
    /// The date of that revision.
    pub date: String,
    /// What it says, in short.
    pub says: String,
}

/// Which steps are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What people are told.
    pub card: Card,
    /// The steps that one unit must have, in this order.
    pub steps: Vec<Pattern>,
    /// Whether the steps must all stand in one function.
    pub together: bool,
    /// Steps that a unit must not have.
    pub unless: Vec<Pattern>,
    /// Codes that say less of the same and are not told besides.
    pub covers: Vec<String>,
    /// Trees that it must hit.
    pub hit: Vec<Fixture>,
    /// Near misses that it must not.
    pub clean: Vec<Fixture>,
}

/// What a step must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// One of these acts.
    pub acts: Vec<Act>,
    /// All of these traits.
    pub all: Vec<Trait>,
    /// One of these traits, where any are named.
    pub any: Vec<Trait>,
    /// None of these traits.
    pub none: Vec<Trait>,
}

/// A tree of a few files.
pub type Fixture = Vec<FixtureFile>;

/// A file of a fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixtureFile {
    /// Its path.
    pub path: String,
    /// Its content.
    pub text: String,
    /// What it calls, if it is a program: then it has no text.
    pub calls: Option<Code>,
    /// What else is known of it, if it is a program.
    pub makeup: Option<Makeup>,
}
