//! The attacks on a signed baseline, from the outside: by exit code, and by the reason that is told.
//!
//! Each test is named for one attack. What must fail fails for its own reason, and what it is made of passes without the attack.

mod attest;
mod bench;
mod crash;
mod device;
mod keyring;
mod order;
mod rules;
mod scope;
mod whole;

use bench::Bench;

/// A baseline that nobody signed, or somebody else.
#[test]
fn forged_or_unsigned() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    bench.verify(&[]).ends(0);
    bench
        .verify_with("mallory", &[])
        .ends(67)
        .says("not made by a trusted key");
    bench.write("b.toml.minisig", b"");
    bench.verify(&[]).ends(67).says("the file is empty");
    bench.remove("b.toml.minisig");
    bench.verify(&[]).ends(67).says("there is no signature");
    bench
        .run(&["verify", "unit", "--baseline", "b.toml"])
        .ends(64);
    let told = bench.run(&["verify", "unit", "--baseline", "b.toml", "--allow-unsigned"]);
    told.ends(8).shows("INTEGRITY   UNTRUSTED");
    // Not one byte of the baseline may change.
    bench.sign("b.toml", "vendor", None);
    let text = bench.read("b.toml");
    bench.write("b.toml", &[&text[..], b"\n"].concat());
    bench.verify(&[]).ends(67).says("does not fit these bytes");
}

/// One of two signatures is taken away, or damaged.
#[test]
fn stripped_or_downgraded() {
    let bench = Bench::new().with_keyring(&["--threshold", "2"]);
    bench.sign("b.toml", "vendor", None);
    bench.sign("b.toml", "hospital", Some("hospital"));
    bench.verify_keyring(&[]).ends(0);
    let good = bench.read("b.toml.hospital.minisig");
    bench.write("b.toml.hospital.minisig", &good[..good.len() - 9]);
    bench
        .verify_keyring(&[])
        .ends(67)
        .says("b.toml.hospital.minisig")
        .says("1 of the 2 keys");
    bench.remove("b.toml.hospital.minisig");
    bench.verify_keyring(&[]).ends(67).says("1 of the 2 keys");
    // A key that has to sign in one form does not count in another.
    let bench = Bench::new().with_keyring(&["--form", "sshsig"]);
    bench.sign("b.toml", "vendor", None);
    bench
        .verify_keyring(&[])
        .ends(67)
        .says("may not sign in the form minisign");
}

/// What was signed is another kind of document.
#[test]
fn key_confusion() {
    let bench = Bench::new().with_keyring(&[]);
    bench.write("SHA256SUMS", b"00  firmware.bin\n");
    let vendor = Bench::key("vendor");
    bench.sign_bytes("SHA256SUMS", "vendor");
    let told = bench.run(&[
        "verify",
        "unit",
        "--baseline",
        "SHA256SUMS",
        "--trust-key",
        &vendor,
    ]);
    told.ends(65).says("line 1");
    // A keyring, signed by a key that is trusted for baselines.
    bench.sign_bytes("keyring-2.toml", "vendor");
    let told = bench.run(&[
        "verify",
        "unit",
        "--baseline",
        "keyring-2.toml",
        "--trust-key",
        &vendor,
    ]);
    told.ends(65).says("this is another kind of document");
    // A root key says nothing about devices.
    bench.sign("b.toml", "root-a", None);
    bench
        .verify_keyring(&[])
        .ends(67)
        .says("may not sign in the role baseline");
}

/// Comments and names that no signature covers.
#[test]
fn unsigned_metadata() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    let text = String::from_utf8(bench.read("b.toml.minisig")).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    bench.write(
        "b.toml.minisig",
        format!("untrusted comment: signed by the maker \u{1b}[2J\n{rest}").as_bytes(),
    );
    let told = bench.verify(&[]);
    told.ends(0).hides("the maker").hides("\u{1b}");
    let changed = text.replace("sequence 1", "sequence 2");
    bench.write("b.toml.minisig", changed.as_bytes());
    bench
        .verify(&[])
        .ends(67)
        .says("the comment in the signature file was changed");
}

/// Text that a terminal would obey.
#[test]
fn terminal_escapes() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    bench.write("unit/\u{1b}[31m\u{202e}x", b"new");
    let told = bench.verify(&[]);
    told.ends(1)
        .shows("\\x1b[31m")
        .hides("\u{1b}")
        .hides("\u{202e}");
}

/// TOML that is made to hurt.
#[test]
fn malicious_toml() {
    let bench = Bench::new();
    let good = String::from_utf8(bench.read("b.toml")).unwrap();
    let deep = format!("{good}x = {}1{}\n", "[".repeat(5000), "]".repeat(5000));
    let wide = format!("{good}x = [{}]\n", "{},".repeat(1_100_000));
    for (text, why) in [
        (
            good.replace("sequence = 1", "sequence = -1"),
            "not negative",
        ),
        (good.replace("sequence = 1", "sequence = nan"), "sequence"),
        (
            good.replace("sequence = 1", "sequence = 1\nsequence = 1"),
            "duplicate key",
        ),
        (
            good.replace("sequence = 1", "sequence = 1\n\"sequence\" = 1"),
            "duplicate key",
        ),
        (
            good.replace("schema = 1", "schema = 1\nfuture = true"),
            "knows no key `future`",
        ),
        (
            good.replace("\"VSM-9000\"", "\"VSM\\u202e9000\""),
            "hidden characters",
        ),
        (deep, "deep"),
        (wide, "rows"),
    ] {
        bench.write("evil.toml", text.as_bytes());
        bench.sign_bytes("evil.toml", "vendor");
        let vendor = Bench::key("vendor");
        let told = bench.run(&[
            "verify",
            "unit",
            "--baseline",
            "evil.toml",
            "--trust-key",
            &vendor,
        ]);
        told.ends(65).says("line ").says(why);
    }
    // Before anyone vouches for it, nothing of it is read.
    bench.write("evil.toml", &vec![b'['; 1 << 20]);
    bench.remove("evil.toml.minisig");
    let vendor = Bench::key("vendor");
    let told = bench.run(&[
        "verify",
        "unit",
        "--baseline",
        "evil.toml",
        "--trust-key",
        &vendor,
    ]);
    told.ends(67).says("there is no signature");
}
