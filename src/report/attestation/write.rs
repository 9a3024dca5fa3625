//! From [`Attestation`] to the JSON of a statement.

use serde_json::{Value, json};

use super::{Against, Attestation, DETAILS, MATCH, PREDICATE, STATEMENT, VERIFIER};
use crate::extract::ImageId;

pub(super) fn statement(it: &Attestation) -> Result<Vec<u8>, serde_json::Error> {
    let subjects: Vec<Value> = it
        .subjects
        .iter()
        .map(|subject| json!({ "name": subject.name, "digest": { "sha256": subject.sha256 } }))
        .collect();
    let (result, level) = if it.passed() {
        ("PASSED", MATCH)
    } else {
        ("FAILED", "FAILED")
    };
    let mut details = json!({
        "exit_code": it.exit_code,
        "integrity": it.integrity,
        "risk": it.risk,
        "changes": it.changes,
        "findings": it.findings,
        "not_checked": it.not_checked,
        "policy": it.policy,
        "clock": it.clock,
        "report": { "sha256": it.report },
    });
    if let Value::Object(details) = &mut details {
        let asset = it.asset.as_ref().map(|asset| ("asset", json!(asset)));
        let baseline = it.baseline.as_ref().map(|row| ("baseline", described(row)));
        for (key, value) in asset.into_iter().chain(baseline) {
            details.insert(key.to_owned(), value);
        }
    }
    serde_json::to_vec(&json!({
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": { "id": VERIFIER, "version": { "vitalsign": it.version } },
            "timeVerified": it.judged_at.to_string(),
            "resourceUri": it.resource,
            "policy": policy(it.baseline.as_ref()),
            "verificationResult": result,
            "verifiedLevels": [level],
            DETAILS: details,
        },
    }))
}

fn described(row: &Against) -> Value {
    json!({
        "vendor": row.vendor,
        "model": row.model,
        "version": row.version,
        "sequence": row.sequence,
        "signers": row.signers,
    })
}

/// The baseline, as SLSA names what an artifact was verified against.
fn policy(baseline: Option<&Against>) -> Value {
    let Some(row) = baseline else {
        return json!({ "uri": "urn:vitalsign:baseline" });
    };
    let (vendor, model) = (encoded(&row.vendor), encoded(&row.model));
    let uri = format!("urn:vitalsign:baseline:{vendor}:{model}:{}", row.sequence);
    json!({ "uri": uri, "digest": { "sha256": row.sha256 } })
}

/// What the image was verified as, as a package URL: the firmware that the baseline is for, else the image itself.
pub(super) fn resource(baseline: Option<&Against>, image: &ImageId) -> String {
    if let Some(row) = baseline {
        let [vendor, model, version] =
            [&row.vendor, &row.model, &row.version].map(|it| encoded(it));
        return format!("pkg:generic/{vendor}/{model}@{version}");
    }
    let checksum = image
        .sha256
        .map(|sha256| format!("?checksum=sha256:{sha256}"))
        .unwrap_or_default();
    format!("pkg:generic/{}{checksum}", encoded(&image.name))
}

/// Text as one segment of a URI: all but letters, digits and `-._~` as `%HH`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crate::digest::hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}
