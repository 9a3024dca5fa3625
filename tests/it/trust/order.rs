//! Attacks on time and order: replays, freezes, clocks.

use super::bench::Bench;

/// An old baseline, genuine and signed, after a newer one was seen.
#[test]
fn rollback() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    bench
        .verify(&[])
        .ends(0)
        .shows("an old one could be replayed");
    bench.verify(&["--state", "s.toml"]).ends(0);
    bench.write("old/b.toml", &bench.read("b.toml"));
    bench.write("old/b.toml.minisig", &bench.read("b.toml.minisig"));
    bench.edit("b.toml", "sequence = 1", "sequence = 17");
    bench.sign("b.toml", "vendor", None);
    bench.verify(&["--state", "s.toml"]).ends(0);
    let old = [
        "verify",
        "unit",
        "--baseline",
        "old/b.toml",
        "--trust-key",
        "vendor.pub",
    ];
    let replayed =
        bench.run(&[&old[..], &["--state", "s.toml", "--now", super::bench::NOW]].concat());
    replayed
        .ends(32)
        .shows("SUPERSEDED")
        .shows("it is number 1, and 17 was seen here");
    // The image matches all the same, and the higher number stays.
    replayed.shows("INTEGRITY MATCH");
    bench.verify(&["--state", "s.toml"]).ends(0);

    // Another baseline with the same number.
    bench.edit("b.toml", "2028-01-01", "2029-01-01");
    bench.sign("b.toml", "vendor", None);
    bench
        .verify(&["--state", "s.toml"])
        .ends(32)
        .shows("two baselines have number 17");
}

/// Floors of versions, from the index, from the command line, from what was seen.
#[test]
fn security_floor() {
    let bench = Bench::new().with_keyring(&[]);
    bench.sign("b.toml", "vendor", None);
    bench.verify_keyring(&["--min-version", "4.2.1"]).ends(0);
    let low = bench.verify_keyring(&["--min-version", "4.10"]);
    low.ends(32).shows("version 4.2.1 is below 4.10");

    // The index as it is made, but for the digest and the floor.
    let index = |sequence: &str, digest: &str, floor: &str| {
        let dates = [
            "--expires",
            "2026-12-20T00:00:00Z",
            "--now",
            "2026-11-20T00:00:00Z",
        ];
        let create = [
            "index",
            "create",
            "b.toml",
            "--sequence",
            sequence,
            "--output",
            "index.toml",
        ];
        bench.run(&[&create[..], &dates].concat()).ends(0);
        let own = vitalsign::digest::Digest::of(&bench.read("b.toml")).to_string();
        bench.edit(
            "index.toml",
            &format!("sha256 = \"{own}\""),
            &format!("sha256 = \"{digest}\"{floor}"),
        );
        bench.edit("index.toml", "version = \"4.2.1\"", "version = \"4.3.0\"");
        bench.edit("index.toml", "sequence = 1, sha256", "sequence = 2, sha256");
        let told = bench.run(&["index", "show", "index.toml"]);
        told.ends(0).shows("VSM-9000 4.3.0, number 2");
        bench.sign_bytes("index.toml", "list");
    };
    let own = vitalsign::digest::Digest::of(&bench.read("b.toml")).to_string();
    let indexed = ["--index", "index.toml"];
    index("1", &own, "");
    bench.verify_keyring(&indexed).ends(0);
    index("1", &own, ", security_floor = \"4.3.0\"");
    bench
        .verify_keyring(&indexed)
        .ends(32)
        .shows("is below 4.3.0");
    index("1", &"0".repeat(64), "");
    bench
        .verify_keyring(&indexed)
        .ends(32)
        .shows("the index names version 4.3.0 (number 2)");
    let late = ["--index", "index.toml", "--now", "2027-01-01T00:00:00Z"];
    bench
        .verify_keyring(&late)
        .ends(32)
        .shows("the index is STALE");
    bench.sign_bytes("index.toml", "vendor");
    bench
        .verify_keyring(&indexed)
        .ends(67)
        .says("in the role index");

    // An index that is older than one that was seen.
    index("5", &own, "");
    let noted = ["--index", "index.toml", "--state", "s.toml"];
    bench.verify_keyring(&noted).ends(0);
    index("4", &own, "");
    bench
        .verify_keyring(&noted)
        .ends(32)
        .shows("the index is SUPERSEDED");
}

/// A thief uses all numbers up.
#[test]
fn fast_forward() {
    let bench = Bench::new().with_keyring(&[]);
    bench.sign("b.toml", "hospital", None);
    bench.verify_keyring(&["--state", "s.toml"]).ends(0);
    bench.edit("b.toml", "sequence = 1", "sequence = 4294967296");
    bench.sign("b.toml", "vendor", None);
    let told = bench.verify_keyring(&["--state", "s.toml"]);
    told.ends(0).shows("jumped from 1 to 4294967296");
    bench.edit("b.toml", "sequence = 4294967296", "sequence = 2");
    bench.sign("b.toml", "hospital", None);
    bench.verify_keyring(&["--state", "s.toml"]).ends(32);
    // With the key its numbers go.
    bench
        .run(&[
            "keyring",
            "revoke",
            "keyring-2.toml",
            "--key",
            "vendor",
            "--reason",
            "stolen",
            "--output",
            "keyring-3.toml",
        ])
        .ends(0);
    bench.sign_keyring("keyring-3.toml");
    let args = [
        "verify",
        "unit",
        "--baseline",
        "b.toml",
        "--keyring",
        "keyring-3.toml",
        "--state",
        "s.toml",
    ];
    bench
        .run(&[&args[..], &["--now", super::bench::NOW]].concat())
        .ends(0);
}

/// An expired baseline, shown for ever.
#[test]
fn freeze() {
    let bench = Bench::new().with_keyring(&[]);
    bench.sign("b.toml", "vendor", None);
    let late = ["--now", "2028-06-01T00:00:00Z"];
    let told = bench.verify(&late);
    told.ends(32)
        .shows("the baseline is STALE")
        .shows("INTEGRITY MATCH");
    let allowed = [&late[..], &["--allow-stale", "the maker has closed"]].concat();
    bench
        .verify(&allowed)
        .ends(0)
        .shows("accepted: the maker has closed");
    bench
        .verify_keyring(&["--now", "2030-06-01T00:00:00Z"])
        .ends(32)
        .shows("the keyring is STALE");
}

/// The clock is set back.
#[test]
fn clock_set_back() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    let early = ["--now", "2026-10-01T00:00:00Z"];
    let told = bench.verify(&early);
    told.ends(32)
        .shows("the clock is BEHIND")
        .shows("Judged at 2026-10-01T00:00:00Z");
    bench.verify(&["--state", "s.toml"]).ends(0);
    let state = String::from_utf8(bench.read("s.toml")).unwrap();
    assert!(
        !state.contains("last_seen"),
        "a time that was made up is none: {state}"
    );
    bench.edit(
        "s.toml",
        "schema = 1\n",
        "schema = 1\nlast_seen = 2027-05-01T00:00:00Z\n",
    );
    let told = bench.verify(&["--state", "s.toml"]);
    told.ends(32)
        .shows("this machine judged something at 2027-05-01T00:00:00Z");
    // The state file is no place for surprises either.
    bench.edit("s.toml", "schema = 1\n", "schema = 1\nlast = 1\n");
    bench
        .verify(&["--state", "s.toml"])
        .ends(65)
        .says("knows no key `last`");
}
