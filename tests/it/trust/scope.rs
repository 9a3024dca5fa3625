//! Attacks with what is genuine but for something else.

use super::bench::Bench;

/// A genuine baseline of another model, version or unit.
#[test]
fn wrong_device() {
    let bench = Bench::new().with_keyring(&[]);
    bench.edit("b.toml", "device.model = \"VSM-9000\"\n", "device.model = \"VSM-9000\"\ndevice.hardware = [\"C\", \"D\"]\ndevice.udi_di = \"00812345678906\"\ndevice.assets = [\"BM-1001\"]\ndevice.aliases = [\"MN-120\"]\n");
    bench.sign("b.toml", "vendor", None);
    for good in [
        ["--model", "VSM-9000"],
        ["--model", "MN-120"],
        ["--udi", "00812345678906"],
        ["--hardware", "D"],
        ["--firmware-version", "4.2.1"],
        ["--asset", "BM-1001"],
    ] {
        bench.verify(&good).ends(0);
    }
    for (wrong, why) in [
        (["--model", "CMS8000"], "not for CMS8000"),
        (["--udi", "00812345678907"], "not for UDI-DI 00812345678907"),
        (["--hardware", "B"], "not for B"),
        (["--firmware-version", "4.1.0"], "not for 4.1.0"),
        (["--asset", "BM-1002"], "other units than BM-1002"),
    ] {
        let told = bench.verify(&wrong);
        told.ends(68).says(why);
        assert!(told.lines() <= 3, "one line and a hint");
    }
    // A key that may speak of VSM-* alone.
    bench.edit("b.toml", "\"VSM-9000\"", "\"CMS8000\"");
    bench.sign("b.toml", "vendor", None);
    bench
        .verify_keyring(&[])
        .ends(67)
        .says("may not speak of example-medical CMS8000");
}

/// The baseline of 4.2.1, and an image of 4.1.0: one line, and not nine thousand differences.
#[test]
fn wrong_version() {
    let bench = Bench::new();
    for number in 0..200 {
        bench.write(
            &format!("unit/lib/{number}"),
            format!("4.2.1 {number}").as_bytes(),
        );
        bench.write(
            &format!("unit-old/lib/{number}"),
            format!("4.1.0 {number}").as_bytes(),
        );
    }
    bench.write("unit-old/etc/vsm-release", b"VERSION=4.1.0\n");
    let create = |evidence: &str| {
        let device = [
            "--vendor",
            "example-medical",
            "--model",
            "VSM-9000",
            "--firmware-version",
            "4.2.1",
            "--sequence",
            "2",
        ];
        let dates = [
            "--expires",
            "2028-01-01T00:00:00Z",
            "--now",
            "2026-11-02T00:00:00Z",
        ];
        let files = [
            "baseline",
            "create",
            "unit",
            "--output",
            "b.toml",
            "--evidence",
            evidence,
        ];
        bench.run(&[&files[..], &device, &dates].concat())
    };
    create("rootfs:/etc/vsm-release:VERSION=4.1.0")
        .ends(64)
        .says("does not hold");
    create("rootfs:/etc/release:VERSION=4.2.1")
        .ends(64)
        .says("has no file");
    create("rootfs:/etc/vsm-release:VERSION=4.2.1").ends(0);
    bench.sign("b.toml", "vendor", None);
    bench.verify(&[]).ends(0);
    let judge = |unit: &str, baseline: &str, more: &[&str]| {
        let args = [
            "verify",
            unit,
            "--baseline",
            baseline,
            "--trust-key",
            "vendor.pub",
            "--now",
            super::bench::NOW,
        ];
        bench.run(&[&args, more].concat())
    };
    let told = judge("unit-old", "b.toml", &[]);
    told.ends(68)
        .says("/etc/vsm-release in the image does not hold \"VERSION=4.2.1\"");
    assert!(told.lines() <= 3, "one line and a hint");
    judge("unit-old", "b.toml", &["--despite-version"]).ends(6);

    // Of a folder the fitting one is taken, and a near miss is named.
    bench.baseline("all/4.1.0.toml", "unit-old", "4.1.0", 1);
    bench.sign("all/4.1.0.toml", "vendor", None);
    bench.write("all/4.2.1.toml", &bench.read("b.toml"));
    bench.sign("all/4.2.1.toml", "vendor", None);
    bench.write("all/draft.toml", &bench.read("b.toml"));
    let told = judge("unit-old", "all", &[]);
    told.ends(0)
        .shows("VSM-9000 4.1.0")
        .shows("all/4.1.0.toml was chosen of 2 baselines");
    told.says("passed over all/draft.toml");
    judge("unit", "all", &[]).ends(0).shows("VSM-9000 4.2.1");
    let told = judge("unit-old", "all", &["--firmware-version", "4.2.1"]);
    told.ends(68)
        .says("the image matches example-medical VSM-9000 4.1.0")
        .says("not for 4.2.1");
    // One file was changed: it is still the unit of its version.
    bench.write("unit/lib/7", b"changed");
    judge("unit", "all", &[])
        .ends(4)
        .shows("VSM-9000 4.2.1")
        .shows("/lib/7");
    bench.write("other/x", b"nothing of any");
    judge("other", "all", &[]).ends(8).shows("NO BASELINE");
}

/// Two models that have most of their files in common: a unit of the larger is not one of the smaller because something of its own differs.
#[test]
fn a_model_that_holds_another() {
    let bench = Bench::new();
    for number in 0..20 {
        bench.write(&format!("small/lib/{number}"), b"of both");
        bench.write(&format!("large/lib/{number}"), b"of both");
    }
    for name in ["settings", "monitor", "alarm", "view"] {
        bench.write(&format!("large/opt/{name}"), b"of the large one");
    }
    bench.write("small/opt/view", b"of the small one");
    bench.baseline("all/small.toml", "small", "1", 1);
    bench.baseline("all/large.toml", "large", "2", 1);
    bench.write("large/opt/settings", b"of this unit");
    bench.remove("large/opt/view");
    let unsigned = [
        "--baseline",
        "all",
        "--allow-unsigned",
        "--now",
        super::bench::NOW,
    ];
    bench
        .run(&[&["verify", "large"][..], &unsigned].concat())
        .shows("all/large.toml was chosen of 2 baselines");
    bench.write("small/opt/more", b"of this unit");
    bench
        .run(&[&["verify", "small"][..], &unsigned].concat())
        .shows("all/small.toml was chosen of 2 baselines");
}

/// The boot loader of one version with the root of another.
#[test]
fn mix_and_match() {
    let bench = Bench::new();
    for (name, version) in [("a", "1"), ("b", "2")] {
        bench.write(
            &format!("{name}/boot/loader"),
            format!("loader {version}").as_bytes(),
        );
        bench.write(
            &format!("{name}/bin/monitor"),
            format!("monitor {version}").as_bytes(),
        );
        bench.baseline(&format!("all/{name}.toml"), name, version, 1);
        bench.sign(&format!("all/{name}.toml"), "vendor", None);
    }
    bench.write("mixed/boot/loader", b"loader 1");
    bench.write("mixed/bin/monitor", b"monitor 2");
    let judge = |unit: &str| {
        let args = [
            "verify",
            unit,
            "--baseline",
            "all",
            "--trust-key",
            "vendor.pub",
            "--now",
            super::bench::NOW,
        ];
        bench.run(&args)
    };
    judge("a").ends(0);
    judge("b").ends(0);
    judge("mixed").ends(4).shows("DIFFERS: 1 modified");
}

/// One baseline for the dumps of several chips.
#[test]
fn parts_of_a_device() {
    let bench = Bench::new();
    let chip = |name: &str, text: &str| bench.write(name, text.repeat(999).as_bytes());
    chip("nor.bin", "the loader of the unit ");
    chip("emmc.bin", "what the card of the unit holds ");
    let create = [
        "baseline",
        "create",
        "nor.bin",
        "--part",
        "nor",
        "--with",
        "emmc=emmc.bin",
        "--vendor",
        "example-medical",
        "--model",
        "VSM-9000",
        "--firmware-version",
        "4.2.1",
        "--sequence",
        "1",
        "--expires",
        "2028-01-01T00:00:00Z",
        "--now",
        "2026-11-02T00:00:00Z",
        "--output",
        "parts.toml",
    ];
    bench.run(&create).ends(0);
    bench.sign("parts.toml", "vendor", None);
    let judge = |image: &str, more: &[&str]| {
        let args = [
            "verify",
            image,
            "--baseline",
            "parts.toml",
            "--trust-key",
            "vendor.pub",
            "--now",
            super::bench::NOW,
        ];
        bench.run(&[&args, more].concat())
    };
    judge("nor.bin", &["--part", "nor", "--with", "emmc=emmc.bin"]).ends(0);
    judge("nor.bin", &["--part", "nor"])
        .ends(8)
        .shows("part emmc of the device was not examined");
    judge("emmc.bin", &["--part", "emmc"])
        .ends(8)
        .shows("part nor of the device was not examined");
    // A part that was given and is another is no part that was not examined.
    chip("other.bin", "what another card holds ");
    let told = judge("nor.bin", &["--part", "nor", "--with", "emmc=other.bin"]);
    told.ends(10).shows("1 removed");
}
