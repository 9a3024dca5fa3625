//! From a statement to [`Attestation`], and what none may say. Fields that are not known are left alone, as the specifications want it.

use std::str::FromStr;

use super::{
    Against, Attestation, Clock, DETAILS, PAYLOAD_TYPE, PREDICATE, STATEMENT, Spoken, Subject,
    VERIFIER,
};
use crate::digest::Digest;
use crate::trust::dsse::json::Json;
use crate::trust::order::BreachKind;
use crate::verdict::{Integrity, Risk};

/// The greatest exit code that is a verdict.
const MOST: u64 = 63;

pub(super) fn statement(payload_type: &str, payload: &[u8]) -> Result<Attestation, String> {
    must_be("the type of its payload", payload_type, PAYLOAD_TYPE)?;
    let top = Json::parse(payload)?;
    must_be("its type", top.text("_type")?, STATEMENT)?;
    must_be("its predicate", top.text("predicateType")?, PREDICATE)?;
    let predicate = top.need("predicate")?;
    let verifier = predicate.need("verifier")?;
    must_be("its verifier", verifier.text("id")?, VERIFIER)?;
    let details = predicate.need(DETAILS)?;
    let judged_at = predicate.text("timeVerified")?;
    let it = Attestation {
        subjects: top
            .list("subject")?
            .iter()
            .map(subject)
            .collect::<Result<_, _>>()?,
        version: verifier.need("version")?.text("vitalsign")?.to_owned(),
        judged_at: parsed(judged_at, "`timeVerified` is no time in RFC 3339")?,
        clock: one_of(details.text("clock")?, Clock::WORDS)?,
        resource: predicate.text("resourceUri")?.to_owned(),
        baseline: baseline(details, predicate.need("policy")?)?,
        exit_code: details
            .number("exit_code")?
            .try_into()
            .ok()
            .filter(|code| u64::from(*code) <= MOST)
            .ok_or("its exit code is no verdict")?,
        integrity: one_of(details.text("integrity")?, Integrity::WORDS)?,
        risk: one_of(details.text("risk")?, Risk::WORDS)?,
        changes: details.number("changes")?,
        findings: texts(details.list("findings")?)?,
        not_checked: details.number("not_checked")?,
        policy: details
            .list("policy")?
            .iter()
            .map(spoken)
            .collect::<Result<_, _>>()?,
        asset: maybe(details, "asset")?,
        report: sha256(details.need("report")?)?,
    };
    let result = predicate.text("verificationResult")?;
    consistent(&it, result)?;
    Ok(it)
}

fn must_be(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} is `{found}`, not `{expected}`"))
}

/// A statement that says two things at once is none.
fn consistent(it: &Attestation, result: &str) -> Result<(), String> {
    let words = if it.passed() { "PASSED" } else { "FAILED" };
    if result != words {
        let code = it.exit_code;
        return Err(format!(
            "its result is `{result}`, but its exit code is {code}"
        ));
    }
    if it.subjects.is_empty() {
        return Err("it names no file".to_owned());
    }
    let signed = it
        .baseline
        .as_ref()
        .is_some_and(|row| !row.signers.is_empty());
    if it.passed() && (it.integrity != Integrity::Match || it.changes != 0 || !signed) {
        return Err(
            "its result is `PASSED`, but it states no match with a signed baseline".to_owned(),
        );
    }
    Ok(())
}

fn subject(json: &Json) -> Result<Subject, String> {
    Ok(Subject {
        name: json.text("name")?.to_owned(),
        sha256: sha256(json.need("digest")?)?,
    })
}

fn baseline(details: &Json, policy: &Json) -> Result<Option<Against>, String> {
    let Some(row) = details.get("baseline") else {
        return Ok(None);
    };
    let signers = texts(row.list("signers")?)?;
    let signers = signers
        .iter()
        .map(|it| parsed(it, "a signer is no fingerprint"));
    Ok(Some(Against {
        vendor: row.text("vendor")?.to_owned(),
        model: row.text("model")?.to_owned(),
        version: row.text("version")?.to_owned(),
        sequence: row.number("sequence")?,
        sha256: sha256(policy.need("digest")?)?,
        signers: signers.collect::<Result<_, _>>()?,
    }))
}

fn spoken(json: &Json) -> Result<Spoken, String> {
    let kind = json.text("kind")?;
    let kinds = [
        BreachKind::Stale,
        BreachKind::Superseded,
        BreachKind::ClockBehind,
    ];
    if kinds.iter().all(|known| known.code() != kind) {
        return Err(format!("`{kind}` is no breach of policy"));
    }
    Ok(Spoken {
        kind: kind.to_owned(),
        accepted: maybe(json, "accepted")?,
    })
}

/// The SHA-256 of a set of digests; others in it are left alone.
fn sha256(digests: &Json) -> Result<Digest, String> {
    parsed(
        digests.text("sha256")?,
        "a `sha256` is not 64 lower-case hexadecimal digits",
    )
}

fn parsed<T: FromStr>(text: &str, why_not: &str) -> Result<T, String> {
    text.parse().ok().ok_or_else(|| why_not.to_owned())
}

fn texts(list: &[Json]) -> Result<Vec<String>, String> {
    let text = |json: &Json| json.as_text().map(str::to_owned);
    let texts: Option<Vec<String>> = list.iter().map(text).collect();
    texts.ok_or_else(|| "a list of texts has something else in it".to_owned())
}

fn maybe(json: &Json, key: &str) -> Result<Option<String>, String> {
    json.get(key)
        .map(|_| json.text(key).map(str::to_owned))
        .transpose()
}

/// The value that is written with this word.
fn one_of<T: Copy>(word: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(known, _)| *known == word);
    let found = found.map(|(_, value)| *value);
    found.ok_or_else(|| format!("`{word}` is no word that it can have there"))
}
