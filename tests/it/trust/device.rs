//! What was published about a device: how sure it is depends on how the device is known.

use super::bench::Bench;

const ALL: &str = "CVE-2025-0626";

/// A signed baseline of a unit that is said to be a Contec CMS8000 of some version.
fn bench(version: &str) -> Bench {
    let bench = Bench::new();
    bench.baseline("b.toml", "unit", version, 1);
    let from = "device.vendor = \"example-medical\"\ndevice.model = \"VSM-9000\"";
    let to = "device.vendor = \"Contec\"\ndevice.model = \"CMS8000\"";
    bench.edit("b.toml", from, to);
    bench.sign("b.toml", "vendor", None);
    bench
}

#[test]
fn a_perfect_match_is_affected_all_the_same() {
    let bench = bench("CMS7.820.075.08/0.74(0.75)");
    bench
        .verify(&[])
        .ends(16)
        .shows("INTEGRITY MATCH")
        .shows("KNOWN RISK FOUND")
        .shows("Critical, Proven: A published advisory speaks of this device and version")
        .shows(
            "CISA ICSMA-25-030-01: Contec Health CMS8000 Patient Monitor, Update A of 2025-02-25",
        )
        .shows("CVE-2024-12248, CVSS 9.8")
        .shows("insecure design")
        .shows("the table of advisories is of 2026-11-30, 0 days old");
    // A version that the advisory's list does not name: what affects all versions is proven, the rest is not clear.
    let bench = self::bench("CMS7.820.200.01/1.2");
    bench
        .verify(&[])
        .ends(16)
        .shows("High, Proven: A published advisory")
        .shows("Critical, Hint: A published advisory")
        .shows("whether this version is one, is not clear");
}

#[test]
fn a_unit_that_differs_is_probably_the_one_that_is_named() {
    let bench = bench("1");
    bench.write("unit/bin/monitor", b"another program");
    bench
        .verify(&[])
        .ends(4)
        .shows("High, Probable: A published advisory")
        .shows("is not all as it states")
        .hides("Proven");
    // Unless it shows what the baseline names as evidence of the version.
    let evidence = "firmware.evidence = [{ in = \"rootfs\", path = \"/etc/vsm-release\", contains = \"VERSION=4.2.1\" }]";
    let version = "firmware.version = \"1\"\n";
    bench.edit("b.toml", version, &format!("{version}{evidence}\n"));
    bench.sign("b.toml", "vendor", None);
    bench
        .verify(&[])
        .ends(20)
        .shows("High, Proven: A published advisory")
        .shows("as evidence of this version");
}

#[test]
fn what_nobody_signed_or_somebody_says_is_a_hint() {
    let bench = bench("1");
    bench.remove("b.toml.minisig");
    bench
        .run(&[
            "verify",
            "unit",
            "--baseline",
            "b.toml",
            "--allow-unsigned",
            "--now",
            "2026-12-31T00:00:00Z",
        ])
        .ends(8)
        .shows("for which nobody vouches")
        .shows("High, Hint: A published advisory")
        .hides("Proven");
    let scan = |more: &[&str]| {
        let now = ["scan", "unit", "--now", "2026-12-31T00:00:00Z"];
        bench.run(&[&now[..], more].concat())
    };
    scan(&["--vendor", "Epsimed", "--model", "MN-120"])
        .ends(0)
        .shows("High, Hint: A published advisory")
        .shows("Epsimed MN-120 is a relabelled Contec CMS8000")
        .shows("that is what the caller says")
        .shows("31 days old");
    scan(&["--model", "CMS8000", "--vendor", "Philips"])
        .ends(0)
        .hides("advisory-affects-device")
        .shows("no Philips CMS8000 is in it");
    scan(&[])
        .ends(0)
        .hides("advisory-affects-device")
        .shows("nothing says which device this is (--model)");
    scan(&["--model", "VC150", "--firmware-version", "1.7.15b"])
        .ends(0)
        .hides("advisory-affects-device");
    scan(&["--model", "CMS8000", "--strict"])
        .ends(16)
        .shows(ALL);
    let old = ["scan", "unit", "--now", "2029-12-31T00:00:00Z"];
    bench.run(&old).ends(0).shows("may know more");
    scan(&["--vendor", "Contec"]).ends(64);
}

/// A text in the image that speaks of a device is no identification.
#[test]
fn prose_is_no_device() {
    let bench = Bench::new();
    bench.write(
        "unit/etc/motd",
        b"Contec CMS8000 smart3250-2.6.27-wlan2.1.7.cramfs\n",
    );
    bench
        .run(&["scan", "unit"])
        .ends(0)
        .hides("advisory-affects-device");
}
