//! SARIF 2.1.0 (OASIS): the image and what it holds as nested artifacts, findings and changes as results.
//!
//! `baselineState` says how a result stands to the signed baseline, where there is one. Fingerprints are made of the code and of the place
//! without the offsets of its regions, so that a result is known again when a file system moves.

mod artifacts;
mod results;
mod rules;

use serde_json::{Value, json};

use self::artifacts::Artifacts;
use super::places::Places;
use super::words;
use crate::report::verify::Report;

/// The log of one run.
///
/// # Errors
/// Those of the JSON writer.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let places = Places::new(report);
    let mut artifacts = Artifacts::new(report, &places);
    let rules = rules::rules(report);
    let results = results::results(report, &places, &mut artifacts, &rules);
    let notes = report.not_checked.iter().map(|row| {
        json!({
            "level": "note",
            "message": { "text": message(&row.reason) },
            "descriptor": { "id": "not-checked" },
            "locations": [artifacts.location(&row.place, None)],
        })
    });
    let notes: Vec<Value> = notes.collect();
    let mut invocation = json!({
        "executionSuccessful": true,
        "exitCode": report.verdict.exit_code,
        "toolExecutionNotifications": notes,
    });
    if let (Some(time), Some(fields)) = (&report.judged_at, invocation.as_object_mut()) {
        fields.insert("endTimeUtc".to_owned(), json!(time));
    }
    let mut log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": rules.descriptors,
                "notifications": [{
                    "id": "not-checked",
                    "shortDescription": { "text": "What was not checked, and why" },
                }],
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
            "properties": {
                "integrity": words::integrity(report.verdict.integrity),
                "knownRisk": words::risk(report.verdict.risk),
                "baseline": words::release(report),
                "asset": report.asset,
            },
        }],
    });
    // What grows with the image is moved in, not copied.
    if let Some(run) = log.pointer_mut("/runs/0").and_then(Value::as_object_mut) {
        run.insert("artifacts".to_owned(), Value::Array(artifacts.done()));
        run.insert("results".to_owned(), Value::Array(results));
    }
    let mut text = serde_json::to_string_pretty(&log)?;
    text.push('\n');
    Ok(text)
}

/// Text as a message: braces stand for themselves when they are doubled (3.11.5), and brackets before a parenthesis make no link when they are
/// escaped (3.11.6).
pub(crate) fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let has_link = text.contains("](");
    for char in text.chars() {
        match char {
            '{' | '}' => out.push(char),
            '[' | ']' | '\\' if has_link => out.push('\\'),
            _ => {}
        }
        out.push(char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_link_and_no_placeholder() {
        assert_eq!(
            message("run {0} [remote-mount, private]"),
            "run {{0}} [remote-mount, private]"
        );
        assert_eq!(message("[click](javascript:x)"), r"\[click\](javascript:x)");
    }
}
