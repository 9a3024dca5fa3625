//! What is signed of a verdict: that it states what the report states, and what `attest check` says when anything else is shown to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::bench::{Bench, NOW, Told};
use crate::schemas::{holds, schema};

const UNIT: [(&str, &[u8]); 2] = [
    ("bin/monitor", b"the program"),
    ("etc/vsm-release", b"VERSION=4.2.1\n"),
];

/// Bytes that are an image: a tar archive, and its baseline `i.toml`, signed by the vendor.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.archive("unit.tar", &UNIT);
    bench.baseline("i.toml", "unit.tar", "4.2.1", 1);
    bench.sign("i.toml", "vendor", None);
    bench
}

impl Bench {
    /// Verifies `unit.tar` and attests it with the hospital's key in `a.json`.
    fn attest(&self, more: &[&str]) -> Told {
        let args = [
            "verify",
            "unit.tar",
            "--baseline",
            "i.toml",
            "--trust-key",
            "vendor.pub",
            "--attest",
            "hospital.key",
            "--attest-output",
            "a.json",
            "--now",
            NOW,
        ];
        self.run(&[&args, more].concat())
    }

    fn check(&self, more: &[&str]) -> Told {
        self.run(&[&["attest", "check", "a.json", "--now", NOW], more].concat())
    }

    /// With the hospital's key and the image.
    fn check_image(&self, more: &[&str]) -> Told {
        let args = ["--trust-key", "hospital.pub", "--image", "unit.tar"];
        self.check(&[&args, more].concat())
    }

    fn envelope(&self) -> Value {
        serde_json::from_slice(&self.read("a.json")).unwrap()
    }

    fn statement(&self) -> Value {
        let payload = self.envelope()["payload"].as_str().unwrap().to_owned();
        serde_json::from_slice(&STANDARD.decode(payload).unwrap()).unwrap()
    }
}

/// The statement holds what the report says, in the words of the two specifications.
#[test]
fn it_states_what_the_report_states() {
    let bench = bench();
    bench
        .attest(&[
            "--format", "json", "--output", "r.json", "--asset", "W4-0117",
        ])
        .ends(0)
        .says("attested in a.json, signed by key");
    let report: Value = serde_json::from_slice(&bench.read("r.json")).unwrap();
    assert_eq!(
        bench.envelope()["payloadType"],
        "application/vnd.in-toto+json"
    );
    let statement = bench.statement();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["subject"][0]["name"], "unit.tar");
    assert_eq!(
        statement["subject"][0]["digest"]["sha256"],
        report["image"]["sha256"]
    );
    assert_eq!(
        statement["predicateType"],
        "https://slsa.dev/verification_summary/v1"
    );
    let predicate = &statement["predicate"];
    assert_eq!(predicate["verificationResult"], "PASSED");
    assert_eq!(predicate["timeVerified"], NOW);
    assert_eq!(
        predicate["resourceUri"],
        "pkg:generic/example-medical/VSM-9000@4.2.1"
    );
    assert_eq!(
        predicate["policy"]["digest"]["sha256"],
        report["baseline"]["sha256"]
    );
    let details = &predicate["urn:vitalsign:attestation:1"];
    assert_eq!(details["exit_code"], 0);
    assert_eq!(details["asset"], "W4-0117");
    assert_eq!(details["clock"], "stated");
    assert_eq!(
        details["baseline"]["signers"][0],
        report["baseline"]["signer"]["key"]
    );
    assert_eq!(
        details["not_checked"],
        report["not_checked"].as_array().unwrap().len()
    );
    // The report that is named is the one that was written.
    let told = bench.check_image(&["--report", "r.json"]);
    told.ends(0)
        .shows("ATTESTED PASSED")
        .shows("THIS IMAGE the one that is attested");
    told.shows("Report as JSON: the one that was given");
    bench.edit("r.json", "\"exit_code\": 0", "\"exit_code\": 1");
    bench
        .check_image(&["--report", "r.json"])
        .ends(4)
        .shows("NOT the one that was given");
}

/// The JSON of a check is what its schema says.
#[test]
fn the_schema_holds() {
    let bench = bench();
    let schema = schema("attestation");
    let json = |name: &str| {
        bench.check_image(&["--format", "json", "--output", name]);
        serde_json::from_slice::<Value>(&bench.read(name)).unwrap()
    };
    bench.attest(&["--asset", "W4-0117"]).ends(0);
    let passed = json("passed.json");
    holds(&schema, &passed, "passed");
    assert_eq!(
        passed["verdict"],
        serde_json::json!({ "result": "passed", "exit_code": 0 })
    );
    bench.remove("a.json");
    bench.write("unit.tar", b"no archive at all");
    bench.attest(&["--allow-stale", "x"]);
    let failed = json("failed.json");
    holds(&schema, &failed, "failed");
    assert_eq!(failed["verdict"]["result"], "failed");
    bench.write("unit.tar", b"another");
    holds(&schema, &json("another.json"), "another image");
    for key in passed.as_object().unwrap().keys() {
        let mut poked = passed.clone();
        poked.as_object_mut().unwrap().remove(key);
        assert!(!schema.is_valid(&poked), "without {key}");
        poked[key] = Value::Null;
        assert!(!schema.is_valid(&poked), "{key} = null");
    }
}

/// Another image, no image, and a changed one.
#[test]
fn another_image() {
    let bench = bench();
    bench.attest(&[]).ends(0);
    bench.check_image(&[]).ends(0);
    let told = bench.check(&["--trust-key", "hospital.pub"]);
    told.ends(8)
        .shows("ATTESTED PASSED")
        .shows("NOT CHECKED: no image was given");
    let mut image = bench.read("unit.tar");
    image[1 << 9] ^= 1;
    bench.write("unit.tar", &image);
    let told = bench.check_image(&[]);
    told.ends(12)
        .shows("THIS IMAGE ANOTHER")
        .shows("NOT WHAT IS ATTESTED unit.tar");
    bench.check_image(&["--image", "nothing"]).ends(66);
}

/// A verdict that is no match is attested, too, and never passes.
#[test]
fn failed() {
    let bench = bench();
    bench.archive("unit.tar", &[UNIT[0], ("bin/telnetd", b"new"), UNIT[1]]);
    bench.attest(&[]).ends(1);
    let statement = bench.statement();
    assert_eq!(statement["predicate"]["verificationResult"], "FAILED");
    assert_eq!(
        statement["predicate"]["verifiedLevels"],
        serde_json::json!(["FAILED"])
    );
    bench
        .check_image(&[])
        .ends(1)
        .shows("ATTESTED FAILED: exit code 1, integrity differ");
    // Of a baseline that nobody vouches for nothing else can be attested.
    bench.remove("a.json");
    bench
        .run(&[
            "verify",
            "unit.tar",
            "--baseline",
            "i.toml",
            "--allow-unsigned",
            "--attest",
            "hospital.key",
            "--attest-output",
            "a.json",
            "--now",
            NOW,
        ])
        .ends(9);
    bench
        .check_image(&[])
        .ends(9)
        .shows("integrity untrusted")
        .shows("NOT SIGNED");
    // What expired is told, and why that was accepted.
    bench.remove("a.json");
    bench.archive("unit.tar", &UNIT);
    let late = [
        "verify",
        "unit.tar",
        "--baseline",
        "i.toml",
        "--trust-key",
        "vendor.pub",
        "--now",
        "2029-01-01T00:00:00Z",
    ];
    let to = ["--attest", "hospital.key", "--attest-output"];
    bench.run(&[&late[..], &to, &["a.json"]].concat()).ends(32);
    let later = [
        "--now",
        "2029-01-02T00:00:00Z",
        "--trust-key",
        "hospital.pub",
        "--image",
        "unit.tar",
    ];
    let check = |name| bench.run(&[&["attest", "check", name], &later[..]].concat());
    check("a.json").ends(32).shows("the baseline was stale");
    bench
        .run(&[&late[..], &to, &["b.json", "--allow-stale", "no newer one"]].concat())
        .ends(0);
    check("b.json")
        .ends(0)
        .shows("ACCEPTED THEN stale: no newer one");
}

/// No baseline fits: attested as that.
#[test]
fn without_a_baseline() {
    let bench = bench();
    bench.write("folder/i.toml", &bench.read("i.toml"));
    bench.write("folder/i.toml.minisig", &bench.read("i.toml.minisig"));
    bench.write("unit.tar", &[0x55; 5000]);
    bench.attest(&["--baseline", "folder"]).ends(64);
    let args = [
        "verify",
        "unit.tar",
        "--baseline",
        "folder",
        "--trust-key",
        "vendor.pub",
        "--attest",
        "hospital.key",
        "--attest-output",
        "a.json",
        "--now",
        NOW,
    ];
    bench.run(&args).ends(8);
    assert!(
        bench.statement()["predicate"]["policy"]
            .get("digest")
            .is_none()
    );
    bench
        .check_image(&[])
        .ends(8)
        .shows("integrity no-baseline")
        .shows("Baseline none fits");
}

/// The parts of a device are subjects of their own.
#[test]
fn several_files() {
    let bench = bench();
    bench.write("boot.bin", &[0x5a; 4096]);
    bench.attest(&["--with", "boot0=boot.bin"]).ends(0);
    assert_eq!(bench.statement()["subject"][1]["name"], "unit.tar/boot0");
    let told = bench.check_image(&[]);
    told.ends(8)
        .shows("INCOMPLETE")
        .shows("NO FILE WAS GIVEN FOR unit.tar/boot0");
    let told = bench.check_image(&["--image", "boot.bin"]);
    told.ends(0)
        .shows("the one that is attested")
        .hides("NO FILE");
    // Two chips whose bytes take turns: the files are attested, not what they give together.
    bench.remove("a.json");
    bench.write("other.bin", &vec![0x5a; bench.read("unit.tar").len()]);
    bench.attest(&["--interleave", "other.bin"]);
    let subjects = bench.statement()["subject"].clone();
    assert_eq!(subjects[0]["name"], "unit.tar/unit.tar");
    assert_eq!(subjects[1]["name"], "unit.tar/other.bin");
    bench
        .check_image(&["--image", "other.bin"])
        .shows("the one that is attested");
}

/// What could not be attested is refused before anything is done.
#[test]
fn refused_at_once() {
    let bench = bench();
    bench
        .verify(&["--attest", "hospital.key", "--attest-output", "a.json"])
        .ends(64)
        .says("a directory has no digest");
    bench.attest(&["--password-file", "nothing"]).ends(0);
    let before = bench.read("a.json");
    bench.attest(&[]).ends(64).says("a.json exists");
    assert_eq!(bench.read("a.json"), before);
    bench
        .run(&[
            "verify",
            "unit.tar",
            "--baseline",
            "i.toml",
            "--trust-key",
            "vendor.pub",
            "--attest",
            "hospital.key",
        ])
        .ends(64);
    let told = bench.run(&[
        "verify",
        "unit.tar",
        "--baseline",
        "i.toml",
        "--trust-key",
        "vendor.pub",
        "--attest",
        "hospital.pub",
        "--attest-output",
        "b.json",
    ]);
    told.ends(65);
    assert!(!bench.path("b.json").exists());
    // A verification that ends without a verdict attests nothing.
    bench.remove("i.toml.minisig");
    bench.remove("a.json");
    bench.attest(&[]).ends(67);
    assert!(!bench.path("a.json").exists());
}

/// Signatures that are stripped, of somebody else, or over something else.
#[test]
fn forged() {
    let bench = bench();
    bench.attest(&[]).ends(0);
    bench
        .check(&["--trust-key", "mallory.pub", "--image", "unit.tar"])
        .ends(67)
        .says("not made by a trusted key");
    let good = bench.read("a.json");
    let envelope = bench.envelope();
    let with = |poke: &dyn Fn(&mut Value)| {
        let mut poked = envelope.clone();
        poke(&mut poked);
        bench.write("a.json", poked.to_string().as_bytes());
        bench.check_image(&[])
    };
    with(&|it| it["signatures"] = serde_json::json!([]))
        .ends(67)
        .says("carries no signature");
    with(&|it| it["payloadType"] = "application/json".into())
        .ends(67)
        .says("does not fit these bytes");
    let failed = |it: &mut Value| {
        let payload = STANDARD.decode(it["payload"].as_str().unwrap()).unwrap();
        let payload = String::from_utf8(payload)
            .unwrap()
            .replace("VSM-9000", "VSM-9001");
        it["payload"] = STANDARD.encode(payload).into();
    };
    with(&failed).ends(67).says("does not fit these bytes");
    // Mallory adds an entry, before or behind, and says that it is the hospital's.
    let again = |it: &mut Value| {
        let mut entry = it["signatures"][0].clone();
        entry["sig"] = STANDARD.encode([7; 64]).into();
        let entries = it["signatures"].as_array_mut().unwrap();
        entries.insert(0, entry);
    };
    with(&again).ends(0);
    with(&|it| it["signatures"][0]["keyid"] = "vendor".into()).ends(0);
    let many = |it: &mut Value| {
        let entry = it["signatures"][0].clone();
        it["signatures"] = vec![entry; 33].into();
    };
    with(&many).ends(67).says("more than 32 signatures");
    // A signature over the bytes themselves, in another form, is none of an envelope.
    bench.sign_bytes("a.json", "hospital");
    bench.write("a.json", &good);
    bench.check_image(&[]).ends(0);
}

/// Envelopes that are made to hurt, and payloads of another kind.
#[test]
fn hostile() {
    let bench = bench();
    bench.attest(&[]).ends(0);
    let good = String::from_utf8(bench.read("a.json")).unwrap();
    let twice = good.replacen('{', "{\"payload\":\"\",", 1);
    for (text, why) in [
        (String::new(), "JSON"),
        (good.trim_end().trim_end_matches('}').to_owned(), "JSON"),
        ("[".repeat(100_000), "recursion limit"),
        (
            format!("{{\"x\":{}", "[".repeat(100_000)),
            "recursion limit",
        ),
        (twice, "stands twice"),
        (format!("{good}{good}"), "trailing"),
    ] {
        bench.write("a.json", text.as_bytes());
        bench.check_image(&[]).ends(65).says(why);
    }
    bench.write("a.json", &vec![b' '; 300 << 10]);
    bench.check_image(&[]).ends(66).says("longer than");
    bench.write("a.json", good.as_bytes());
    let told = bench.check_image(&[]);
    told.ends(0);
    // A baseline is signed beside it, never in an envelope.
    bench.write("i.toml.minisig", good.as_bytes());
    bench
        .run(&[
            "verify",
            "unit.tar",
            "--baseline",
            "i.toml",
            "--trust-key",
            "hospital.pub",
        ])
        .ends(67)
        .says("signs what is in it");
}

/// A keyring says who may attest, what, and since when.
#[test]
fn with_a_keyring() {
    let bench = bench().with_keyring(&[]);
    bench.attest(&[]).ends(0);
    let check = |keyring: &str, more: &[&str]| {
        let args = ["--image", "unit.tar", "--keyring", keyring];
        bench.check(&[&args, more].concat())
    };
    // A key for baselines attests nothing.
    check("keyring-2.toml", &[])
        .ends(67)
        .says("may not sign in the role attestation");
    let add = |to: &str, more: &[&str]| {
        let args = [
            "keyring",
            "add",
            "keyring-1.toml",
            "--key",
            "biomed=hospital.pub",
            "--role",
            "attestation",
            "--now",
            "2026-01-01T00:00:00Z",
            "--output",
            to,
        ];
        bench.run(&[&args, more].concat())
    };
    add("keyring-a.toml", &[])
        .ends(65)
        .says("needs `vendor` and `models`");
    let all = ["--vendor", "*", "--model", "*", "--class", "hospital"];
    add("keyring-b.toml", &all).ends(0);
    bench.sign_keyring("keyring-b.toml");
    check("keyring-b.toml", &[])
        .ends(0)
        .shows("biomed (hospital), as the keyring says");
    check("keyring-b.toml", &["--root-key", "mallory.pub"]).ends(67);
    // The keyring itself expires.
    bench
        .run(&[
            "attest",
            "check",
            "a.json",
            "--image",
            "unit.tar",
            "--keyring",
            "keyring-b.toml",
            "--now",
            "2031-01-01T00:00:00Z",
        ])
        .ends(32)
        .shows("the keyring is STALE");
    // And so does the key.
    for (to, more, why) in [
        (
            "keyring-c.toml",
            &["--not-after", "2026-11-01T00:00:00Z"][..],
            "was not valid when this was issued",
        ),
        (
            "keyring-d.toml",
            &["--form", "minisign"],
            "may not sign in the form DSSE",
        ),
        ("keyring-e.toml", &["--form", "dsse"], ""),
        ("keyring-f.toml", &["--threshold", "1"], ""),
    ] {
        add(to, &[&all, more].concat()).ends(0);
        bench.sign_keyring(to);
        let told = check(to, &[]);
        told.ends(if why.is_empty() { 0 } else { 67 }).says(why);
    }
    add("keyring-g.toml", &["--vendor", "other", "--model", "*"]).ends(0);
    bench.sign_keyring("keyring-g.toml");
    check("keyring-g.toml", &[])
        .ends(67)
        .says("may not speak of example-medical VSM-9000");
    // A revoked key attests nothing, but for what is kept.
    let digest = vitalsign::digest::Digest::of(&bench.read("a.json")).to_string();
    for (to, more, code) in [
        ("keyring-h.toml", &[][..], 69),
        ("keyring-i.toml", &["--keep", &digest], 0),
    ] {
        let args = [
            "keyring",
            "revoke",
            "keyring-b.toml",
            "--key",
            "biomed",
            "--reason",
            "stolen",
            "--now",
            "2026-01-01T00:00:00Z",
            "--output",
            to,
        ];
        bench.run(&[&args, more].concat()).ends(0);
        bench.sign_keyring(to);
        check(to, &[]).ends(code);
    }
}

/// An attestation of the future is told.
#[test]
fn the_clock_is_behind() {
    let bench = bench();
    bench.attest(&[]).ends(0);
    bench
        .run(&[
            "attest",
            "check",
            "a.json",
            "--trust-key",
            "hospital.pub",
            "--image",
            "unit.tar",
            "--now",
            "2026-11-29T00:00:00Z",
        ])
        .ends(32)
        .shows("the clock is BEHIND");
}

/// The same report gives the same attestation, byte for byte; nothing is written where the state cannot be.
#[test]
fn it_is_written_last() {
    let bench = bench();
    bench.attest(&[]).ends(0);
    let first = bench.read("a.json");
    bench.remove("a.json");
    bench.attest(&["--jobs", "1"]).ends(0);
    assert_eq!(bench.read("a.json"), first);
    bench.remove("a.json");
    bench
        .attest(&["--state", "no/such/folder/state.toml"])
        .ends(70);
    assert!(!bench.path("a.json").exists());
    bench.attest(&["--state", "state.toml"]).ends(0);
}
