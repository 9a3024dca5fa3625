//! One row a device, for spreadsheets and databases of assets.

use crate::baseline::change::ChangeKind;
use crate::finding::{Confidence, Severity};
use crate::fleet::record::{Outcome, Record};
use crate::report::verify::render::csv::row;
use crate::verdict::{Integrity, Risk};

/// The columns.
const COLUMNS: &[&str] = &[
    "schema",
    "position",
    "image",
    "asset",
    "serial",
    "model",
    "location",
    "department",
    "exit_code",
    "error",
    "integrity",
    "known_risk",
    "version_stated",
    "version_found",
    "baseline_vendor",
    "baseline_model",
    "baseline_version",
    "baseline_sha256",
    "image_sha256",
    "image_size",
    "added",
    "removed",
    "modified",
    "moved",
    "uncovered",
    "findings_high",
    "findings_high_proven",
    "not_checked",
];

/// The line of column names.
pub fn head(out: &mut String) {
    row(COLUMNS.iter().copied(), out);
}

/// The row of a device.
pub fn device(record: &Record, out: &mut String) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let device = &record.device;
    let version = record.version.as_ref();
    let mut cells = vec![
        "vitalsign.fleet-csv/1".to_owned(),
        record.position.to_string(),
        device.image.clone(),
        text(&device.asset),
        text(&device.serial),
        text(&device.model),
        text(&device.location),
        text(&device.department),
        record.exit_code.to_string(),
    ];
    let stated = version.map(|it| text(&it.claimed)).unwrap_or_default();
    let found = version.map(|it| text(&it.found)).unwrap_or_default();
    match &record.outcome {
        Outcome::Error(error) => {
            cells.extend([error.detail.clone(), String::new(), String::new()]);
            cells.extend([stated, found]);
        }
        Outcome::Judged(judged) => {
            let of = judged.baseline.as_ref();
            let of = |field: fn(&crate::fleet::record::BaselineId) -> String| {
                of.map(field).unwrap_or_default()
            };
            let kind = |kind| {
                judged
                    .counts
                    .changes
                    .get(&kind)
                    .copied()
                    .unwrap_or_default()
            };
            let sha256 = judged.image.sha256.map(|it| it.to_string());
            cells.extend([
                String::new(),
                super::word(Integrity::WORDS, judged.integrity).to_owned(),
                super::word(Risk::WORDS, judged.risk).to_owned(),
                stated,
                found,
                of(|it| it.vendor.clone()),
                of(|it| it.model.clone()),
                of(|it| it.version.clone()),
                of(|it| it.sha256.to_string()),
                sha256.unwrap_or_default(),
                judged.image.size.to_string(),
                kind(ChangeKind::Added).to_string(),
                kind(ChangeKind::Removed).to_string(),
                kind(ChangeKind::Modified).to_string(),
                kind(ChangeKind::Moved).to_string(),
                kind(ChangeKind::Uncovered).to_string(),
                judged
                    .findings_of(Severity::High, Confidence::Hint)
                    .to_string(),
                judged
                    .findings_of(Severity::High, Confidence::Proven)
                    .to_string(),
                judged.counts.not_checked.to_string(),
            ]);
        }
    }
    cells.resize(COLUMNS.len(), String::new());
    row(cells.iter().map(String::as_str), out);
}
