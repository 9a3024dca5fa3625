use serde_json::{Value, json};

use super::*;

fn attestation() -> Attestation {
    Attestation {
        subjects: vec![Subject {
            name: "dump.bin".to_owned(),
            sha256: Digest::of(b"image"),
        }],
        version: "0.1.0".to_owned(),
        judged_at: "2026-11-30T00:00:00Z".parse().unwrap(),
        clock: Clock::System,
        resource: "pkg:generic/example-medical/VSM-9000@4.2.1".to_owned(),
        baseline: Some(Against {
            vendor: "example-medical".to_owned(),
            model: "VSM-9000".to_owned(),
            version: "4.2.1".to_owned(),
            sequence: 17,
            sha256: Digest::of(b"baseline"),
            signers: vec![Digest::of(b"key")],
        }),
        exit_code: 0,
        integrity: Integrity::Match,
        risk: Risk::NoneFound,
        changes: 0,
        findings: vec!["manifest-holds".to_owned()],
        not_checked: 2,
        policy: vec![Spoken {
            kind: "stale".to_owned(),
            accepted: Some("no newer one".to_owned()),
        }],
        asset: Some("W4-0117".to_owned()),
        report: Digest::of(b"report"),
    }
}

fn failed() -> Attestation {
    Attestation {
        baseline: None,
        exit_code: 8,
        integrity: Integrity::NoBaseline,
        findings: Vec::new(),
        policy: Vec::new(),
        asset: None,
        clock: Clock::Stated,
        ..attestation()
    }
}

fn parse(payload: &[u8]) -> Result<Attestation, Malformed> {
    Attestation::parse(PAYLOAD_TYPE, payload)
}

fn document(it: &Attestation) -> Value {
    serde_json::from_slice(&it.write().unwrap()).unwrap()
}

#[test]
fn it_comes_back_as_it_was_written() {
    for it in [attestation(), failed()] {
        assert_eq!(parse(&it.write().unwrap()).unwrap(), it);
    }
}

#[test]
fn what_is_not_known_is_left_alone() {
    let mut more = document(&attestation());
    for at in [
        "",
        "/predicate",
        "/predicate/verifier",
        "/subject/0",
        "/subject/0/digest",
        "/predicate/urn:vitalsign:attestation:1",
    ] {
        more.pointer_mut(at).unwrap()["https://example.com/x"] = json!([null, -1.5]);
    }
    assert_eq!(parse(more.to_string().as_bytes()).unwrap(), attestation());
}

#[test]
fn what_it_may_not_say_is_refused() {
    let details = "/predicate/urn:vitalsign:attestation:1";
    let cases = [
        (
            "/_type",
            json!("https://in-toto.io/Statement/v0.1"),
            "its type is",
        ),
        (
            "/predicateType",
            json!("https://slsa.dev/provenance/v1"),
            "its predicate is",
        ),
        (
            "/predicate/verifier/id",
            json!("https://example.com/v"),
            "its verifier is",
        ),
        (
            "/predicate/verificationResult",
            json!("FAILED"),
            "but its exit code is 0",
        ),
        (
            "/predicate/verificationResult",
            json!("passed"),
            "but its exit code is 0",
        ),
        ("/predicate/timeVerified", json!("yesterday"), "no time"),
        (
            "/predicate/policy/digest/sha256",
            json!("00"),
            "hexadecimal",
        ),
        (
            "/predicate/policy/digest",
            json!({"md5": "00"}),
            "lacks `sha256`",
        ),
        ("/subject", json!([]), "names no file"),
        ("/subject/0/digest", json!({"sha1": "00"}), "lacks `sha256`"),
        ("/subject/0/name", json!("a\u{202e}b"), "hidden"),
        ("/subject/0/name", json!(null), "no text"),
        ("/exit_code", json!(64), "no verdict"),
        ("/exit_code", json!(256), "no verdict"),
        ("/exit_code", json!(-1), "no whole number"),
        ("/exit_code", json!(1), "its result is `PASSED`"),
        ("/integrity", json!("untrusted"), "no match"),
        ("/integrity", json!("fine"), "`fine`"),
        ("/changes", json!(1), "no match"),
        ("/changes", json!(1.5), "no whole number"),
        ("/baseline/signers", json!([]), "no match"),
        ("/baseline/signers", json!(["x"]), "no fingerprint"),
        ("/findings", json!([1]), "something else"),
        ("/policy/0/kind", json!("late"), "`late`"),
        ("/clock", json!("none"), "`none`"),
    ];
    for (at, value, reason) in cases {
        let mut poked = document(&attestation());
        let own = format!("{details}{at}");
        let at = if poked.pointer(at).is_some() {
            at
        } else {
            &own
        };
        *poked.pointer_mut(at).unwrap() = value;
        let told = parse(poked.to_string().as_bytes()).unwrap_err().to_string();
        assert!(told.contains(reason), "{at}: {told}");
    }
    let payload = attestation().write().unwrap();
    let told = Attestation::parse("application/json", &payload).unwrap_err();
    assert!(told.to_string().contains("the type of its payload"));
}

#[test]
fn it_lacks_nothing_and_is_never_cut() {
    let whole = document(&failed());
    let mut places = vec![String::new()];
    let mut removed = 0;
    while let Some(place) = places.pop() {
        let Some(Value::Object(fields)) = whole.pointer(&place) else {
            continue;
        };
        for key in fields.keys() {
            places.push(format!("{place}/{key}"));
            let mut poked = whole.clone();
            poked
                .pointer_mut(&place)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key);
            let ignored = ["uri", "verifiedLevels"].contains(&key.as_str());
            assert_eq!(
                parse(poked.to_string().as_bytes()).is_ok(),
                ignored,
                "{place}/{key}"
            );
            removed += 1;
        }
    }
    assert!(removed > 20, "{removed}");
    let payload = failed().write().unwrap();
    for at in 0..payload.len() {
        assert!(parse(&payload[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_flipped_bit_is_another_statement_or_none() {
    let payload = attestation().write().unwrap();
    for at in 0..payload.len() {
        for bit in 0..8 {
            let mut bytes = payload.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(it) = parse(&bytes)
                && it.passed()
            {
                let baseline = it.baseline.unwrap();
                assert_eq!((it.integrity, it.changes), (Integrity::Match, 0));
                assert_eq!(baseline.signers.len(), 1);
            }
        }
    }
}
