//! `vitalsign.since/1`: what changed for one device since an earlier report, from the two records alone.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use serde::Serialize;

use super::text;
use super::verify::{ChangeRow, FindingRow, Report};
use crate::digest::Digest;
use crate::report::verify::render::answer;
use crate::verdict::{ADDED, MODIFIED, REMOVED, Verdict};

/// So many rows of a list are shown; `--verbose` and `--format json` have them all.
const MOST_ROWS: usize = 40;

/// What changed between two reports.
#[derive(Serialize)]
pub struct Since<'a> {
    schema: &'static str,
    /// The earlier report.
    pub old: Side<'a>,
    /// The later one.
    pub new: Side<'a>,
    /// The sum of 1 something is new, 2 something is gone, 4 the verdict, the image or the baseline is another; 0 when nothing is.
    pub exit_code: u8,
    /// What speaks against comparing the two.
    pub doubts: Vec<String>,
    /// Changes against the baseline.
    pub changes: Moved<'a, ChangeRow>,
    /// Findings.
    pub findings: Moved<'a, FindingRow>,
}

/// One of the two reports.
#[derive(Serialize)]
pub struct Side<'a> {
    /// The image's name, escaped.
    pub image: &'a str,
    /// The digest of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// When it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<&'a str>,
    /// The digest of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Digest>,
    /// The answers.
    pub verdict: Verdict,
}

/// Rows that one report has and the other has not.
#[derive(Serialize)]
pub struct Moved<'a, Row> {
    /// In the later one alone.
    pub new: Vec<&'a Row>,
    /// In the earlier one alone.
    pub gone: Vec<&'a Row>,
    /// How many both have.
    pub same: usize,
}

impl<'a> Moved<'a, ChangeRow> {
    fn of(old: &'a [ChangeRow], new: &'a [ChangeRow]) -> Self {
        let key = |row: &ChangeRow| {
            let sides = serde_json::to_string(&(&row.expected, &row.found)).unwrap_or_default();
            let what = (row.kind, row.component.clone(), row.path.clone());
            (what, row.place.clone(), sides)
        };
        moved(old, new, key)
    }
}

impl<'a> Moved<'a, FindingRow> {
    fn of(old: &'a [FindingRow], new: &'a [FindingRow]) -> Self {
        let key = |row: &FindingRow| {
            (
                row.code.clone(),
                row.place.clone(),
                row.severity,
                row.confidence,
            )
        };
        moved(old, new, key)
    }
}

fn moved<'a, Row, Key: Ord>(
    old: &'a [Row],
    new: &'a [Row],
    key: impl Fn(&Row) -> Key,
) -> Moved<'a, Row> {
    let keys = |rows: &'a [Row]| rows.iter().map(&key).collect::<BTreeSet<Key>>();
    let (before, after) = (keys(old), keys(new));
    let without = |rows: &'a [Row], keys: &BTreeSet<Key>| {
        let rows = rows.iter().filter(|row| !keys.contains(&key(row)));
        rows.collect::<Vec<_>>()
    };
    let fresh = without(new, &before);
    Moved {
        same: new.len().saturating_sub(fresh.len()),
        new: fresh,
        gone: without(old, &after),
    }
}

impl<'a> Side<'a> {
    fn new(report: &'a Report) -> Self {
        Self {
            image: &report.image.name,
            sha256: report.image.sha256,
            judged_at: report.judged_at.as_deref(),
            baseline: report.baseline.as_ref().map(|row| row.sha256),
            verdict: report.verdict,
        }
    }
}

/// Why two reports may be of two devices, or in the wrong order.
fn doubts(old: &Report, new: &Report) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut differ = |what: &str, old: Option<&str>, new: Option<&str>| {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            doubts.push(format!("another {what}: {old}, then {new}"));
        }
    };
    differ("asset tag", old.asset.as_deref(), new.asset.as_deref());
    differ(
        "serial number",
        old.unit.serial.as_deref(),
        new.unit.serial.as_deref(),
    );
    let model = |report: &Report| {
        let row = report.baseline.as_ref()?;
        Some(format!("{} {}", row.vendor, row.model))
    };
    differ("device", model(old).as_deref(), model(new).as_deref());
    let time = |report: &Report| report.judged_at.as_ref()?.parse::<jiff::Timestamp>().ok();
    if let (Some(before), Some(after)) = (time(old), time(new))
        && before > after
    {
        doubts.push("the earlier report is the later one".to_owned());
    }
    if old.command != new.command {
        doubts.push(
            "one report is of another command: what only one of them looks for is new or gone"
                .to_owned(),
        );
    }
    doubts
}

impl<'a> Since<'a> {
    /// What changed from `old` to `new`.
    pub fn new(old: &'a Report, new: &'a Report) -> Self {
        let changes = Moved::<ChangeRow>::of(&old.changes, &new.changes);
        let findings = Moved::<FindingRow>::of(&old.findings, &new.findings);
        let (before, after) = (Side::new(old), Side::new(new));
        let mut exit_code = 0;
        if !changes.new.is_empty() || !findings.new.is_empty() {
            exit_code |= ADDED;
        }
        if !changes.gone.is_empty() || !findings.gone.is_empty() {
            exit_code |= REMOVED;
        }
        let is_same = before.verdict == after.verdict
            && before.sha256 == after.sha256
            && before.baseline == after.baseline;
        if !is_same {
            exit_code |= MODIFIED;
        }
        Self {
            schema: "vitalsign.since/1",
            old: before,
            new: after,
            exit_code,
            doubts: doubts(old, new),
            changes,
            findings,
        }
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn render(
        &self,
        old: &Report,
        new: &Report,
        verbose: bool,
        out: &mut String,
    ) -> fmt::Result {
        let most = if verbose { usize::MAX } else { MOST_ROWS };
        let turn = |before: String, after: String| {
            if before == after {
                format!("as before: {after}")
            } else {
                format!("{before} -> {after}")
            }
        };
        let told = |(word, basis): (&str, String)| format!("{word} ({basis})");
        let integrity = turn(told(answer::integrity(old)), told(answer::integrity(new)));
        text::wrap(out, "INTEGRITY   ", 12, &integrity)?;
        let risk = turn(told(answer::risk(old)), told(answer::risk(new)));
        text::wrap(out, "KNOWN RISK  ", 12, &risk)?;
        let baseline = turn(answer::against(old), answer::against(new));
        text::wrap(out, "Baseline    ", 12, &baseline)?;
        for (head, side) in [("Earlier     ", &self.old), ("Now         ", &self.new)] {
            let time = side.judged_at.map(|time| format!(", judged at {time}"));
            text::wrap(
                out,
                head,
                12,
                &format!("{}{}", side.image, time.unwrap_or_default()),
            )?;
            if let Some(sha256) = side.sha256 {
                writeln!(out, "    sha256  {sha256}")?;
            }
        }
        if self.old.sha256.is_some() && self.old.sha256 == self.new.sha256 {
            writeln!(out, "            the bytes of the image are the same")?;
        }
        for doubt in &self.doubts {
            text::wrap(out, "Doubt       ", 12, doubt)?;
        }
        rows(out, "CHANGES", &self.changes, most, change)?;
        rows(out, "FINDINGS", &self.findings, most, |row| {
            format!(
                "{:?}, {:?}: {}  {}",
                row.severity, row.confidence, row.code, row.place
            )
        })?;
        writeln!(out, "\nExit code   {}", self.exit_code)
    }
}

fn rows<Row>(
    out: &mut String,
    title: &str,
    moved: &Moved<'_, Row>,
    most: usize,
    line: impl Fn(&Row) -> String,
) -> fmt::Result {
    let (new, gone) = (moved.new.len(), moved.gone.len());
    writeln!(
        out,
        "\n{title}: {new} new, {gone} gone, {} as before",
        moved.same
    )?;
    for (word, list) in [("new", &moved.new), ("gone", &moved.gone)] {
        for row in list.iter().take(most) {
            text::wrap(out, &format!("  {word:<6}"), 8, line(row).trim_end())?;
        }
        text::fold(list.len(), most, out)?;
    }
    Ok(())
}

fn change(row: &ChangeRow) -> String {
    let what = row
        .path
        .as_deref()
        .or(row.place.as_deref())
        .unwrap_or_default();
    let component = row.component.as_deref().unwrap_or("-");
    let mut line = format!("{} {component} {what}", answer::kind(row.kind));
    let fields: Vec<&str> = row.fields.iter().map(String::as_str).collect();
    if !fields.is_empty() {
        let _ = write!(line, " ({})", fields.join(", "));
    }
    line
}
