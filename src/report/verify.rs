//! `vitalsign.report/1`: the two answers about one image, as one record that is written and read back.
//!
//! The record owns all that it says, so that it can be rendered long after the image is gone. Every renderer is a function of it
//! alone (`render`).

pub mod map;
mod read;
pub mod render;
mod rows;
pub mod unit;

use serde::{Deserialize, Serialize};

use self::map::Map;
pub use self::read::{MAX_BYTES, Malformed, show};
pub use self::rows::{
    BaselineRow, ChangeRow, CheckedRow, FindingRow, History, NotCheckedRow, PackRow, SignerRow,
    TableRow,
};
use self::unit::Unit;
use super::rows::{self as shared, GapRow, RegionRow};
use crate::advisories::Table;
use crate::baseline::Baseline;
use crate::baseline::compare::Comparison;
use crate::check::{Basis, Risk, secrets::Count};
use crate::extract::{Coverage, ImageId, Inventory};
use crate::finding::Finding;
use crate::place;
use crate::software::{File, Package, Software};
use crate::trust::order::Breach;
use crate::verdict::Verdict;

/// What a record says that it is.
const SCHEMA: &str = "vitalsign.report/1";

/// The report of one image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    schema: String,
    /// The image.
    pub image: ImageId,
    /// The answers.
    pub verdict: Verdict,
    /// What it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineRow>,
    /// The packs of rules that it was looked at with besides those built in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PackRow>,
    /// The table of advisories that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisories: Option<TableRow>,
    /// How many secrets stand in the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Count>,
    /// When it was judged, where that was stated or asked of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<String>,
    /// What speaks against relying on the baseline, or on a pack of rules, authentic as it may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<Breach>,
    /// The unit's asset tag, as the caller says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// What else is said of the unit.
    #[serde(default, skip_serializing_if = "Unit::is_empty")]
    pub unit: Unit,
    /// What was compared.
    pub checked: Vec<CheckedRow>,
    /// What differs.
    pub changes: Vec<ChangeRow>,
    /// What the checks found.
    pub findings: Vec<FindingRow>,
    /// Older contents that are still there.
    pub history: Vec<History>,
    /// What was not checked, and why.
    pub not_checked: Vec<NotCheckedRow>,
    /// The account of the image's own bytes.
    pub coverage: Coverage,
    /// Which program says so.
    #[serde(default)]
    pub tool: Tool,
    /// What was asked of it.
    #[serde(default)]
    pub command: Command,
    /// What formats claim of the image, as lists have it.
    #[serde(default)]
    pub regions: Vec<RegionRow>,
    /// What none does.
    #[serde(default)]
    pub gaps: Vec<GapRow>,
    /// What each byte is to the verdict.
    #[serde(default)]
    pub map: Map,
    /// The packages that the image holds, where it was looked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<Vec<Package>>,
    /// Databases and files in which packages could not be looked for, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages_unread: Vec<NotCheckedRow>,
    /// The files that it holds, with their digests; with the packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<File>>,
    /// Whether the image was read in a sandbox, where that was required or switched off. Where it was left open it depends on the machine,
    /// and the record of an image does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
}

/// Whether whatever read the image could have done harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// It could read the inputs and write the outputs, and do no more.
    Held,
    /// It had all rights of whoever ran it.
    Off,
}

impl Sandbox {
    /// The same, for people.
    pub fn told(self) -> &'static str {
        match self {
            Self::Held => {
                "held: the image was read without the right to open other files, start programs, or use the network"
            }
            Self::Off => "switched off: the image was read with all rights of whoever ran this",
        }
    }
}

/// The program that made a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// An image and a baseline.
    #[default]
    Verify,
    /// Known risk alone.
    Scan,
    /// Two images.
    Diff,
}

impl Report {
    /// The report of an image.
    pub fn new(
        command: Command,
        found: &Inventory,
        baseline: Option<(&Baseline, BaselineRow)>,
        comparison: &Comparison,
        findings: &[Finding],
        verdict: Verdict,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            image: found.image.clone(),
            verdict,
            history: rows::history(found, baseline.as_ref().map(|(baseline, _)| *baseline)),
            baseline: baseline.map(|(_, row)| row),
            rules: Vec::new(),
            advisories: None,
            secrets: None,
            judged_at: None,
            policy: Vec::new(),
            asset: None,
            unit: Unit::default(),
            checked: comparison.checked.iter().map(CheckedRow::new).collect(),
            changes: comparison.changes.iter().map(ChangeRow::new).collect(),
            findings: findings.iter().map(FindingRow::new).collect(),
            not_checked: comparison
                .not_checked
                .iter()
                .map(NotCheckedRow::new)
                .collect(),
            coverage: found.coverage,
            tool: Tool {
                name: "vitalsign".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            command,
            regions: shared::regions(found),
            gaps: shared::gaps(found),
            map: Map::new(found, comparison),
            packages: None,
            packages_unread: Vec::new(),
            files: None,
            sandbox: None,
        }
    }

    /// With what is stated about the sandbox.
    #[must_use]
    pub fn read_in(mut self, sandbox: Option<Sandbox>) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// With the time it was judged by, and what is then out of order.
    #[must_use]
    pub fn judged(mut self, now: jiff::Timestamp, policy: Vec<Breach>) -> Self {
        let shown = |breach: Breach| Breach {
            accepted: breach
                .accepted
                .map(|reason| place::escape(reason.as_bytes())),
            ..breach
        };
        self.judged_at = Some(now.to_string());
        self.policy = policy.into_iter().map(shown).collect();
        self
    }

    /// With what the checks went by: the packs that were given, the table of advisories, and how secrets are told apart.
    #[must_use]
    pub fn by(mut self, basis: &Basis, risk: &Risk) -> Self {
        self.rules = basis.rules.given().iter().map(PackRow::new).collect();
        self.secrets = Some(risk.secrets.clone()).filter(|count| count.located > 0);
        self.advisories = Table::built_in().map(|table| TableRow {
            read: table.read.to_string(),
            age_days: basis.table_age,
            product: risk.product.map(str::to_owned),
        });
        self
    }

    /// With the software that the image holds: what a bill of materials is made of. Left out where nothing tells of it, since it grows with
    /// the image and is read from every program in it.
    #[must_use]
    pub fn listing(mut self, software: Software) -> Self {
        let unread = software.not_checked.into_iter();
        self.packages_unread = unread
            .map(|(place, reason)| NotCheckedRow {
                place: place.to_string(),
                reason,
            })
            .collect();
        self.packages = Some(software.packages);
        self.files = Some(software.files);
        self
    }

    /// Of this unit, as the caller says.
    #[must_use]
    pub fn of_unit(mut self, unit: Unit) -> Self {
        let mut unit = unit.shown();
        self.asset = unit.asset.take();
        self.unit = unit;
        self
    }

    /// Whether two images were compared.
    pub fn is_diff(&self) -> bool {
        self.command == Command::Diff
    }

    /// Whether nothing was to be compared.
    pub fn is_scan(&self) -> bool {
        self.command == Command::Scan
    }
}
