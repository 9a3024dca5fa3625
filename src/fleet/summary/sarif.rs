//! SARIF 2.1.0 (OASIS): each device that is not as it should be, each that is unlike its model, and what several should not share.
//!
//! Fingerprints are made of the rule and of what it is about, so that a result is known again in the next audit.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::terminal::{reason, units};
use super::{Told, Unit};
use crate::digest::Digest;
use crate::report::verify::render::sarif::message;
use crate::verdict::{Integrity, Risk};

/// A rule: its id, its level, what it says in a few words, and what to do.
type Rule = (&'static str, &'static str, &'static str, &'static str);

const DIFFERS: Rule = (
    "fleet-differs",
    "error",
    "The firmware differs from its baseline",
    "Keep the unit off the network, and read its own report.",
);
const RISK: Rule = (
    "fleet-known-risk",
    "error",
    "The firmware holds code that behaves like a backdoor",
    "Keep the unit apart from other networks until its vendor has answered.",
);
const UNVERIFIED: Rule = (
    "fleet-unverified",
    "warning",
    "The firmware is not verified",
    "Read the unit's own report: it says what was not read, or which baseline is missing.",
);
const UNJUDGED: Rule = (
    "fleet-not-judged",
    "warning",
    "The unit could not be judged",
    "Correct the reason, and audit the unit again.",
);
const VERSION: Rule = (
    "fleet-other-version",
    "warning",
    "The unit has another version than the inventory states",
    "Correct the inventory, or find out who changed the firmware.",
);
const OUTLIER: Rule = (
    "fleet-outlier",
    "warning",
    "A part of the firmware is unlike that of the other units of the model",
    "Compare the unit with another of its model: vitalsign diff.",
);
const KEY: Rule = (
    "fleet-shared-key",
    "warning",
    "Several units have a key that only one should have",
    "Have new keys made on each unit.",
);
const PROGRAM: Rule = (
    "fleet-unknown-program",
    "note",
    "Units have a program that no baseline states",
    "Find out where it is from; where it is on ever more units, at once.",
);
const RULES: &[Rule] = &[
    DIFFERS, RISK, UNVERIFIED, UNJUDGED, VERSION, OUTLIER, KEY, PROGRAM,
];

/// The log of one audit.
pub fn log(told: &Told) -> Value {
    let rules = RULES.iter().map(|(id, level, what, advice)| {
        json!({
            "id": id,
            "shortDescription": { "text": what },
            "help": { "text": advice },
            "defaultConfiguration": { "level": level },
        })
    });
    let rules: Vec<Value> = rules.collect();
    let mut invocation =
        json!({ "executionSuccessful": told.done == told.devices, "exitCode": told.exit_code });
    let (mut name, mut version) = ("vitalsign", "");
    if let Some(audit) = &told.audit {
        (name, version) = (&audit.tool.name, &audit.tool.version);
        if let Some(fields) = invocation.as_object_mut() {
            fields.insert("endTimeUtc".to_owned(), json!(audit.judged_at));
        }
    }
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": name, "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
            "results": results(told),
        }],
    })
}

fn results(told: &Told) -> Vec<Value> {
    let mut all: Vec<Value> = told.worst.iter().map(of_device).collect();
    all.extend(told.versions.iter().map(|row| {
        let text = format!("{}: stated {}, found {}", row.name, row.claimed, row.found);
        result(VERSION, &text, &[&row.name], None)
    }));
    all.extend(told.outliers.iter().map(|row| {
        let text = format!("{}: {}", row.name, row.told());
        result(OUTLIER, &text, &[&row.image, &row.place], Some(&row.image))
    }));
    all.extend(told.keys.iter().map(|row| {
        let text = format!(
            "{} {}; {}",
            row.what.word(),
            row.fingerprint,
            units(row.count, &row.units)
        );
        result(KEY, &text, &[&row.fingerprint], None)
    }));
    all.extend(told.programs.iter().map(|row| {
        let text = format!("{}; {}", row.path, units(row.count, &row.units));
        result(PROGRAM, &text, &[&row.sha256.to_string()], None)
    }));
    all
}

fn of_device(unit: &Unit) -> Value {
    let rule = match (unit.integrity, unit.risk) {
        (None, _) => UNJUDGED,
        (Some(Integrity::Differ), _) => DIFFERS,
        (_, Some(Risk::KnownRisk)) => RISK,
        _ => UNVERIFIED,
    };
    let text = match unit.integrity {
        None => format!("{}: not judged, {}", unit.name, reason(unit.exit_code)),
        Some(_) => format!("{}: {}", unit.name, unit.told()),
    };
    result(rule, &text, &[&unit.image], Some(&unit.image))
}

fn result((id, level, ..): Rule, text: &str, about: &[&str], image: Option<&str>) -> Value {
    let index = RULES.iter().position(|rule| rule.0 == id);
    let named = format!("{id} {about:?}");
    let mut result = json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": level,
        "message": { "text": message(text) },
        "partialFingerprints": { "vitalsignFleet/v1": Digest::of(named.as_bytes()).to_string() },
    });
    if let (Some(image), Some(fields)) = (image, result.as_object_mut()) {
        let place = json!({ "physicalLocation": { "artifactLocation": { "uri": uri(image) } } });
        fields.insert("locations".to_owned(), json!([place]));
    }
    result
}

/// A path as a relative reference: whatever is no letter, digit or harmless sign is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
