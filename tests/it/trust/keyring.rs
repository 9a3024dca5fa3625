//! Attacks on keyrings: thresholds, rotation, revocation.

use super::bench::Bench;

/// A stolen key signs a baseline and dates it back.
#[test]
fn stolen_key() {
    let bench = Bench::new().with_keyring(&[]);
    bench.sign("b.toml", "vendor", None);
    bench
        .run(&[
            "keyring",
            "revoke",
            "keyring-2.toml",
            "--key",
            "vendor",
            "--reason",
            "key-compromise",
            "--now",
            "2026-11-20T00:00:00Z",
            "--output",
            "keyring-3.toml",
        ])
        .ends(0);
    bench.sign_keyring("keyring-3.toml");
    let judge = |keyring: &str, more: &[&str]| {
        let args = [
            "verify",
            "unit",
            "--baseline",
            "b.toml",
            "--keyring",
            keyring,
            "--now",
            "2026-11-30T00:00:00Z",
        ];
        bench.run(&[&args, more].concat())
    };
    // It claims to be from before the theft.
    judge("keyring-3.toml", &[]).ends(69).says("key-compromise");
    // What is known to be from before stays trusted, by its digest.
    let digest = vitalsign::digest::Digest::of(&bench.read("b.toml")).to_string();
    bench
        .run(&[
            "keyring",
            "revoke",
            "keyring-2.toml",
            "--key",
            "vendor",
            "--reason",
            "key-compromise",
            "--keep",
            &digest,
            "--output",
            "kept.toml",
        ])
        .ends(0);
    bench.sign_keyring("kept.toml");
    judge("kept.toml", &[]).ends(0);

    // A list that travels alone says it, too, and only one that may.
    let list = [
        "keyring",
        "revoke",
        "keyring-2.toml",
        "--key",
        "vendor",
        "--reason",
        "lost laptop",
        "--list",
        "1",
        "--output",
        "r.toml",
    ];
    bench.run(&list).ends(0);
    bench.sign_bytes("r.toml", "hospital");
    judge("keyring-2.toml", &["--revocations", "r.toml"])
        .ends(67)
        .says("in the role revocation");
    bench.sign_bytes("r.toml", "list");
    judge("keyring-2.toml", &["--revocations", "r.toml"])
        .ends(69)
        .says("lost laptop");

    // Once seen it is never taken back, with or without the list and the keyring that told it.
    judge("keyring-2.toml", &["--state", "s.toml"]).ends(0);
    let rotate = [
        "keyring",
        "rotate",
        "keyring-2.toml",
        "keyring-3.toml",
        "--state",
        "s.toml",
    ];
    bench.run(&rotate).ends(0);
    let key = [
        "verify",
        "unit",
        "--baseline",
        "b.toml",
        "--trust-key",
        "vendor.pub",
        "--state",
        "s.toml",
    ];
    bench.run(&key).ends(69).says("key-compromise");
    judge("keyring-2.toml", &["--state", "s.toml"])
        .ends(67)
        .says("keyring 5 was seen here");
}

/// One key under two names, one key's signature twice, thresholds that anyone reaches.
#[test]
fn threshold_cheats() {
    let bench = Bench::new().with_keyring(&["--threshold", "2"]);
    bench.sign("b.toml", "vendor", None);
    bench.sign("b.toml", "vendor", Some("again"));
    bench.sign("b.toml", "vendor", Some("hospital"));
    bench.verify_keyring(&[]).ends(67).says("1 of the 2 keys");
    for (from, to, why) in [
        ("threshold = 2 },", "threshold = 0 },", "from 1 to 2"),
        ("threshold = 2 },", "threshold = -1 },", "not negative"),
        ("threshold = 2 },", "threshold = 3 },", "from 1 to 2"),
        ("root_threshold = 2", "root_threshold = 0", "from 1 to 2"),
    ] {
        let bench = Bench::new().with_keyring(&["--threshold", "2"]);
        bench.sign("b.toml", "vendor", None);
        bench.edit("keyring-2.toml", from, to);
        for root in ["root-a", "root-b"] {
            bench.sign_bytes("keyring-2.toml", root);
        }
        bench.verify_keyring(&[]).ends(65).says(why);
    }
    let bench = Bench::new().with_keyring(&[]);
    let key = [
        "keyring",
        "add",
        "keyring-2.toml",
        "--key",
        "other=vendor.pub",
        "--role",
        "index",
        "--output",
        "twin.toml",
    ];
    bench.run(&key).ends(65).says("one key under two names");
}

/// A keyring that its roots did not sign, an old one, one that skips another.
#[test]
fn keyring_out_of_line() {
    let bench = Bench::new().with_keyring(&[]);
    bench.sign("b.toml", "vendor", None);
    bench.verify_keyring(&["--root-key", "root-a.pub"]).ends(0);
    bench
        .verify_keyring(&["--root-key", "mallory.pub"])
        .ends(67)
        .says("did not sign it");
    bench
        .run(&["keyring", "check", "keyring-2.toml"])
        .ends(0)
        .shows("you must know");

    let revoke = |from: &str, key: &str, to: &str| {
        let args = [
            "keyring", "revoke", from, "--key", key, "--reason", "test", "--output", to,
        ];
        bench.run(&args).ends(0);
        bench.sign_keyring(to);
    };
    revoke("keyring-2.toml", "list", "keyring-3.toml");
    revoke("keyring-3.toml", "hospital", "keyring-4.toml");
    let judge = |keyring: &str| {
        let args = [
            "verify",
            "unit",
            "--baseline",
            "b.toml",
            "--keyring",
            keyring,
            "--state",
            "s.toml",
        ];
        bench.run(&[&args[..], &["--now", "2026-11-30T00:00:00Z"]].concat())
    };
    judge("keyring-2.toml").ends(0);
    let before = bench.read("s.toml");
    judge("keyring-4.toml")
        .ends(67)
        .says("those between are missing");
    assert_eq!(
        bench.read("s.toml"),
        before,
        "nothing is noted before all is checked"
    );
    judge("keyring-3.toml").ends(0);
    judge("keyring-4.toml").ends(0);
    judge("keyring-3.toml")
        .ends(67)
        .says("was seen here before");

    // Another keyring with the number of the last one.
    bench.remove("keyring-4.toml");
    bench.remove("keyring-4.toml.root-a.minisig");
    bench.remove("keyring-4.toml.root-b.minisig");
    revoke("keyring-3.toml", "vendor", "keyring-4.toml");
    judge("keyring-4.toml")
        .ends(67)
        .says("another keyring with the number");

    // One that takes a revocation back.
    let text = String::from_utf8(bench.read("keyring-3.toml")).unwrap();
    let (head, _) = text.split_once("revoked = [").unwrap();
    let next = head.replace("sequence = 5", "sequence = 6");
    bench.write("lax.toml", next.as_bytes());
    bench.sign_keyring("lax.toml");
    let rotate = ["keyring", "rotate", "keyring-3.toml", "lax.toml"];
    bench.run(&rotate).ends(67).says("leaves out that key");

    // One root of two is not enough.
    bench.remove("keyring-2.toml.root-b.minisig");
    bench.verify_keyring(&[]).ends(67).says("1 of the 2 keys");
}
