//! Packs of rules that were given: whose word counts, and what a pack can do without.

use super::bench::Bench;

/// A pack whose only rule tells, as critical and proven, that a port is opened.
const PACK: &str = r#"format = "vitalsign-rules"
schema = 1
name = "ward-7"
issued = 2026-06-01T00:00:00Z
expires = 2028-01-01T00:00:00Z
[[rule]]
code = "ward-port-opened"
severity = "critical"
confidence = "proven"
title = "A port is opened"
why = "x"
shown_by = "x"
disproved_by = "x"
advice = "x"
references = ["CWE-1188"]
steps = [{ act = ["listen"], not = ["shell"] }]
hit = [[{ path = "/etc/init.d/S50", text = "nc -l -p 9100 > /tmp/spool" }]]
clean = [[{ path = "/etc/init.d/S50", text = "nc 192.168.1.2 9100 < /tmp/spool" }]]
"#;

/// A unit that opens a port, and a keyring in which `packs` may sign packs, `late` could until May, and `vendor` may not.
fn bench() -> Bench {
    let bench = Bench::new().with_keyring(&[]);
    bench.write("unit/opt/start.sh", b"#!/bin/sh\nnc -l -p 9100 > /tmp/s\n");
    bench.baseline("b.toml", "unit", "4.2.1", 2);
    bench.sign("b.toml", "vendor", None);
    add(&bench, "packs", 3, &["--class", "hospital"]);
    add(&bench, "late", 4, &["--not-after", "2026-05-01T00:00:00Z"]);
    bench.sign_keyring("keyring-4.toml");
    bench.write("ward-7.toml", PACK.as_bytes());
    bench
}

fn add(bench: &Bench, name: &str, nth: u8, more: &[&str]) {
    bench
        .run(&["key", "generate", "--output", name, "--no-password"])
        .ends(0);
    let (from, to) = (nth - 1, format!("keyring-{nth}.toml"));
    let (from, key) = (format!("keyring-{from}.toml"), format!("{name}={name}.pub"));
    let args = ["keyring", "add", &from, "--key", &key, "--output", &to];
    let role = ["--role", "rules", "--now", "2026-01-01T00:00:00Z"];
    bench.run(&[&args[..], &role, more].concat()).ends(0);
}

const SCAN: [&str; 6] = [
    "scan",
    "unit",
    "--rules",
    "ward-7.toml",
    "--now",
    "2026-11-30T00:00:00Z",
];

fn scan(bench: &Bench, more: &[&str]) -> super::bench::Told {
    bench.run(&[&SCAN[..], more].concat())
}

fn sign(bench: &Bench, key: &str) {
    if bench.path("ward-7.toml.minisig").exists() {
        bench.remove("ward-7.toml.minisig");
    }
    let key = format!("{key}.key");
    bench
        .run(&["keyring", "sign", "ward-7.toml", "--key", &key])
        .ends(0);
}

#[test]
fn a_pack_counts_by_the_role_rules_and_in_the_time_of_its_key() {
    let bench = bench();
    let keyring = ["--keyring", "keyring-4.toml"];
    scan(&bench, &keyring)
        .ends(67)
        .says("there is no signature");
    sign(&bench, "packs");
    scan(&bench, &keyring)
        .ends(16)
        .shows("Rules signature valid: ward-7, 1 rule")
        .shows("packs (hospital), as the keyring says")
        .shows("told by the pack ward-7");
    sign(&bench, "vendor");
    scan(&bench, &keyring)
        .ends(67)
        .says("may not sign in the role rules");
    sign(&bench, "late");
    scan(&bench, &keyring)
        .ends(67)
        .says("it was not valid when this was issued");
    // Somebody else's pack is none of a key that was named.
    scan(&bench, &["--trust-key", "vendor.pub"])
        .ends(67)
        .says("not made by a trusted key")
        .says("--allow-unsigned-rules");
}

#[test]
fn a_revoked_key_is_not_made_good_by_a_flag() {
    let bench = bench();
    sign(&bench, "packs");
    bench
        .run(&[
            "keyring",
            "revoke",
            "keyring-4.toml",
            "--key",
            "packs",
            "--reason",
            "stolen",
            "--list",
            "1",
            "--now",
            "2026-01-01T00:00:00Z",
            "--output",
            "list.toml",
        ])
        .ends(0);
    bench
        .run(&["keyring", "sign", "list.toml", "--key", "list.key"])
        .ends(0);
    let revoked = ["--keyring", "keyring-4.toml", "--revocations", "list.toml"];
    scan(&bench, &revoked).ends(69).says("stolen");
    let allowed = [&revoked[..], &["--allow-unsigned-rules"]].concat();
    scan(&bench, &allowed).ends(69).says("stolen");
}

#[test]
fn without_a_signer_it_is_for_review_against_a_baseline_too() {
    let bench = bench();
    let rules = ["--rules", "ward-7.toml"];
    bench.verify(&rules).ends(67).says("--allow-unsigned-rules");
    let allowed = [&rules[..], &["--allow-unsigned-rules"]].concat();
    bench
        .verify(&allowed)
        .ends(0)
        .shows("REVIEW")
        .shows("Medium, Probable: A port is opened")
        .shows("nobody vouches for it");
    // New against the baseline weighs one step more, but not what nobody vouches for.
    bench.write("unit/opt/more.sh", b"#!/bin/sh\nnc -l -p 9101 > /tmp/s\n");
    bench
        .verify(&allowed)
        .ends(1)
        .shows("the baseline does not have this file")
        .shows("REVIEW")
        .hides("High, P")
        .hides("Critical, P");
    // An edited pack is not what was signed.
    sign(&bench, "vendor");
    bench.verify(&rules).ends(17);
    bench.edit("ward-7.toml", "A port is opened", "A port is closed");
    bench.verify(&rules).ends(67).says("ward-7.toml");
    bench
        .verify(&allowed)
        .ends(1)
        .shows("Medium, Probable: A port is closed");
}

#[test]
fn a_pack_goes_stale_and_the_clock_may_be_behind_it() {
    let bench = bench();
    sign(&bench, "vendor");
    let rules = ["--rules", "ward-7.toml"];
    let at = |time| [&rules[..], &["--now", time]].concat();
    bench.edit("b.toml", "expires = 2028", "expires = 2038");
    bench.sign("b.toml", "vendor", None);
    bench
        .verify(&at("2030-01-01T00:00:00Z"))
        .ends(48)
        .shows("the rule pack ward-7 is STALE: it expired at 2028-01-01T00:00:00Z")
        .shows("sequence 2; signed, key");
    let stale = at("2030-01-01T00:00:00Z");
    bench
        .verify(&[&stale[..], &["--allow-stale", "no newer one"]].concat())
        .ends(16);
    let old = ["scan", "unit", "--trust-key", "vendor.pub"];
    bench
        .run(&[&old[..], &at("2026-01-01T00:00:00Z")].concat())
        .ends(48)
        .shows("the clock is BEHIND");
}

/// What was signed as a pack is nothing else, and the other way round.
#[test]
fn a_pack_is_no_baseline() {
    let bench = bench();
    sign(&bench, "vendor");
    bench
        .run(&[
            "verify",
            "unit",
            "--baseline",
            "ward-7.toml",
            "--trust-key",
            "vendor.pub",
        ])
        .ends(65)
        .says("this is another kind of document");
    bench
        .run(&[
            "scan",
            "unit",
            "--rules",
            "b.toml",
            "--trust-key",
            "vendor.pub",
        ])
        .ends(65)
        .says("this is another kind of document");
}
