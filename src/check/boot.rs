//! What a difference in a U-Boot environment does to how the device starts.

use crate::baseline::change::{Change, ChangeKind, Value};
use crate::baseline::compare::Comparison;
use crate::baseline::{Baseline, Body};
use crate::entry::Node;
use crate::extract::Inventory;
use crate::finding::{Confidence, Finding, Severity};
use crate::place::{Place, escape};

/// The variables that U-Boot runs by itself, and those that Linux is started with.
const KEYS: &[&str] = &["/bootcmd", "/altbootcmd", "/preboot", "/bootargs"];

/// So many characters of a value are shown.
const SHOWN: usize = 512;

/// A finding for every difference in what starts the device: the commands of the boot loader and the arguments of the
/// kernel decide which program gets the hardware first, and whether it checks anything.
pub(super) fn commands(
    baseline: &Baseline,
    comparison: &Comparison,
    found: &Inventory,
) -> Vec<Finding> {
    let is_environment = |change: &&Change| {
        baseline.components.iter().any(|component| {
            Some(&component.name) == change.component.as_ref()
                && matches!(&component.body, Body::Tree { format, .. } if format.as_deref() == Some("uboot-env"))
        })
    };
    let changes = comparison.changes.iter().filter(is_environment);
    changes
        .filter_map(|change| {
            let key = key(change)?;
            let place = change.place.clone().or_else(|| tree(comparison, change));
            Some(Finding {
                code: "boot-command-changed",
                severity: Severity::High,
                // That it differs is certain; what that leads to is not shown.
                confidence: Confidence::Probable,
                title: format!("{key} of the boot loader is not the one that the baseline states"),
                place: place.unwrap_or_default(),
                evidence: evidence(key, change, found),
                references: vec!["CWE-15"],
                shown_in: None,
            })
        })
        .collect()
}

/// Which of the variables a change concerns: the one that is there now, or the one whose value went elsewhere.
fn key(change: &Change) -> Option<&'static str> {
    let before = match change.expected.get("path") {
        Some(Value::Text(path)) => Some(path),
        _ => None,
    };
    let paths = [change.path.as_ref(), before];
    let key = KEYS
        .iter()
        .find(|key| paths.iter().flatten().any(|path| path == *key))?;
    key.strip_prefix('/')
}

/// Where the environment stands in which a variable is missing.
fn tree(comparison: &Comparison, change: &Change) -> Option<Place> {
    let checked = comparison.checked.iter();
    let mut own = checked.filter(|row| Some(&row.component) == change.component.as_ref());
    own.next()?.place.clone()
}

fn evidence(key: &str, change: &Change, found: &Inventory) -> Vec<String> {
    let mut evidence = vec![format!("key: {key}")];
    evidence.push(match change.kind {
        ChangeKind::Added => "expected: no such key".to_owned(),
        _ => format!("expected: {}", stated(change)),
    });
    evidence.push(match value(change, found) {
        _ if change.kind == ChangeKind::Removed => "found: no such key".to_owned(),
        Some(value) => format!("found: {value}"),
        None => "found: a value that cannot be shown".to_owned(),
    });
    if change.kind == ChangeKind::Moved {
        let now = change.path.as_deref().unwrap_or_default();
        evidence.push(format!("the value now stands under {now}"));
    }
    evidence
}

/// What the baseline states: it keeps digests, not values.
fn stated(change: &Change) -> String {
    match (change.expected.get("sha256"), change.expected.get("size")) {
        (Some(Value::Text(sha256)), _) => format!("a value with the sha256 {sha256}"),
        (_, Some(Value::Number(size))) => format!("a value of {size} bytes"),
        _ => "another value".to_owned(),
    }
}

/// The value that the image holds, escaped.
fn value(change: &Change, found: &Inventory) -> Option<String> {
    let place = change.place.as_ref()?;
    let wanted = match change.found.get("sha256") {
        Some(Value::Text(sha256)) => Some(sha256),
        _ => None,
    };
    let mut entries = found.entries.iter().filter(|entry| entry.place == *place);
    let entry = entries.find(|entry| {
        let sha256 = entry.sha256.map(|sha256| sha256.to_string());
        wanted.is_none() || sha256.as_ref() == wanted
    })?;
    let Node::File(file) = &entry.entry.node else {
        return None;
    };
    let bytes = file.data.bytes()?;
    let text = escape(bytes.get(..SHOWN).unwrap_or(&bytes));
    let more = if bytes.len() > SHOWN { "..." } else { "" };
    Some(format!("{text}{more}"))
}
