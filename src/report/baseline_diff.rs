//! `vitalsign.baseline-diff/1`: what one baseline changes against another.

use std::fmt::{self, Write};

use serde::Serialize;

use super::text;
use crate::baseline::change::{Change, ChangeKind, Value};
use crate::baseline::diff::Differences;
use crate::baseline::{Baseline, diff};
use crate::digest::Digest;
use crate::verdict;

/// So many rows of a list are shown; `--format json` has them all.
const MOST_ROWS: usize = 100;

/// Further lines of what is said about one row are set in so far.
const DEEP: usize = 8;

/// The report of one comparison, as JSON has it.
#[derive(Serialize)]
pub struct Report {
    schema: &'static str,
    /// The old baseline.
    pub old: Side,
    /// The new one.
    pub new: Side,
    /// The sum of 1 added, 2 removed, 4 modified; 0 when they say the same.
    pub exit_code: u8,
    /// What the baselines say of themselves.
    pub header: Vec<Change>,
    /// Components, but not what is in them.
    pub components: Vec<Change>,
    /// Entries of trees.
    pub files: Vec<Change>,
    /// What may change; `path` is the glob, and the explanation says whether it became looser or tighter.
    pub mutable: Vec<Change>,
    /// Ranges of memories, and functions.
    pub memory: Vec<Change>,
    /// Fingerprints of programs that both state.
    pub programs: Vec<Change>,
}

/// One of the two baselines. No signature was looked at.
#[derive(Serialize)]
pub struct Side {
    /// Its file name, escaped.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Which firmware version it describes.
    pub version: String,
    /// Its number.
    pub sequence: u64,
}

impl Report {
    /// The report of two baselines, each with its file name and the digest of its bytes.
    pub fn new(old: (&Baseline, String, Digest), new: (&Baseline, String, Digest)) -> Self {
        let differences = diff::diff(old.0, new.0);
        let bits = differences.all().map(|change| verdict::bit(change.kind));
        let exit_code = bits.fold(0, |sum, bit| sum | bit);
        let Differences {
            header,
            components,
            files,
            mutable,
            memory,
            programs,
        } = differences;
        Self {
            schema: "vitalsign.baseline-diff/1",
            old: Side::new(old),
            new: Side::new(new),
            exit_code,
            header,
            components,
            files,
            mutable,
            memory,
            programs,
        }
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn render(&self, out: &mut String) -> fmt::Result {
        for (word, side) in [("Old", &self.old), ("New", &self.new)] {
            let line = format!(
                "{}, version {}, sequence {}",
                side.name, side.version, side.sequence
            );
            text::wrap(out, &format!("{word:<12}"), 12, &line)?;
            writeln!(out, "    sha256  {}", side.sha256)?;
        }
        writeln!(
            out,
            "Signatures  not checked: `vitalsign baseline check` does"
        )?;
        let lists = [
            ("HEADER", &self.header),
            ("COMPONENTS", &self.components),
            ("FILES", &self.files),
            ("WHAT MAY CHANGE", &self.mutable),
            ("MEMORY", &self.memory),
            ("PROGRAMS", &self.programs),
        ];
        for (title, list) in lists {
            if list.is_empty() {
                continue;
            }
            writeln!(out, "\n{title}{}", tally(list))?;
            for change in list.iter().take(MOST_ROWS) {
                row(change, out)?;
            }
            text::fold(list.len(), MOST_ROWS, out)?;
        }
        if self.exit_code == 0 {
            out.push_str("\nThe two say the same.\n");
        }
        writeln!(out, "\nExit code   {}", self.exit_code)
    }
}

impl Side {
    fn new((baseline, name, sha256): (&Baseline, String, Digest)) -> Self {
        Self {
            name,
            sha256,
            version: baseline.firmware.version.clone(),
            sequence: baseline.sequence,
        }
    }
}

/// How many of each kind: `: 1 added, 2 removed`.
fn tally(list: &[Change]) -> String {
    let kinds = [
        ChangeKind::Added,
        ChangeKind::Removed,
        ChangeKind::Modified,
        ChangeKind::Moved,
    ];
    let parts = kinds.iter().filter_map(|kind| {
        let count = list.iter().filter(|change| change.kind == *kind).count();
        (count > 0).then(|| format!("{count} {}", word(*kind)))
    });
    let parts: Vec<String> = parts.collect();
    format!(": {}", parts.join(", "))
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified => "modified",
        ChangeKind::Moved => "moved",
        ChangeKind::Uncovered => "not covered",
    }
}

fn row(change: &Change, out: &mut String) -> fmt::Result {
    let (component, path) = (change.component.as_deref(), change.path.as_deref());
    let range = range(change);
    let name = match (component, path) {
        (Some(component), Some(path)) => format!("{component}:{path}"),
        (Some(component), None) => component.to_owned(),
        _ => String::new(),
    };
    let what: Vec<String> = [name, range.unwrap_or_default()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let line = format!("  {:<9} {}", word(change.kind), what.join(" "));
    if !what.is_empty() {
        writeln!(out, "{}", line.trim_end_matches(' '))?;
    }
    for field in &change.fields {
        let side = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), text::value);
        if !change.expected.contains_key(field) && !change.found.contains_key(field) {
            continue;
        }
        let (old, new) = (
            side(change.expected.get(field)),
            side(change.found.get(field)),
        );
        let head = if what.is_empty() { "  " } else { "      " };
        text::wrap(out, head, DEEP, &format!("{field}: {old} -> {new}"))?;
    }
    if matches!(change.kind, ChangeKind::Added | ChangeKind::Removed) {
        let values = if change.kind == ChangeKind::Added {
            &change.found
        } else {
            &change.expected
        };
        let stated: Vec<String> = values
            .iter()
            .map(|(field, value)| format!("{field} {}", text::value(value)))
            .collect();
        if !stated.is_empty() && range_of(values).is_none() {
            text::wrap(out, "      ", DEEP, &stated.join(", "))?;
        }
    }
    for line in &change.explanation {
        text::wrap(out, "      ", DEEP, line)?;
    }
    Ok(())
}

/// The addresses of a range of a memory.
fn range(change: &Change) -> Option<String> {
    let (old, new) = (range_of(&change.expected), range_of(&change.found));
    old.or(new)
}

/// The range that is all that a side states.
fn range_of(values: &std::collections::BTreeMap<&'static str, Value>) -> Option<String> {
    match (values.get("at"), values.get("size"), values.len()) {
        (Some(Value::Number(at)), Some(Value::Number(size)), 2) => {
            Some(format!("{at:#x}..{:#x}", at.saturating_add(*size)))
        }
        _ => None,
    }
}
