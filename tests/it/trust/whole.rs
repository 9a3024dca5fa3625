//! Attacks on what is compared: paths, rows, places, time of check.

use std::os::unix::fs::symlink;

use super::bench::Bench;

/// Rows that say one thing twice, or in a second spelling.
#[test]
fn rows_and_spellings() {
    let bench = Bench::new();
    let row = "path = \"/bin/monitor\"";
    for path in [
        "./bin/monitor",
        "bin/monitor",
        "/bin//monitor",
        "/bin/./monitor",
        "/bin/monitor/",
        "/bin/monitor\\\\x00",
    ] {
        let bench = Bench::new();
        bench.edit("b.toml", row, &format!("path = \"{path}\""));
        bench.sign_bytes("b.toml", "vendor");
        bench.verify(&[]).ends(65).says("line ");
    }
    let text = String::from_utf8(bench.read("b.toml")).unwrap();
    let line = text.lines().find(|line| line.contains(row)).unwrap();
    bench.edit("b.toml", line, &format!("{line}\n{line}"));
    bench.sign_bytes("b.toml", "vendor");
    bench.verify(&[]).ends(65).says("stands twice");
    // Names that differ in case or in how a letter is composed are different names.
    let bench = Bench::new();
    bench.write("unit/\u{e9}", b"one");
    bench.write("unit/e\u{301}", b"two");
    bench.write("unit/Bin", b"three");
    bench.baseline("b.toml", "unit", "4.2.1", 1);
    bench.sign("b.toml", "vendor", None);
    bench.verify(&[]).ends(0);
    bench.remove("unit/e\u{301}");
    bench.verify(&[]).ends(2);
}

/// The bytes of one path at another.
#[test]
fn moved_content() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    std::fs::rename(
        bench.path("unit/bin/monitor"),
        bench.path("unit/bin/telnetd"),
    )
    .unwrap();
    bench
        .verify(&[])
        .ends(4)
        .shows("DIFFERS: 1 moved")
        .shows("/bin/telnetd")
        .shows("/bin/monitor");
}

/// What no component claims: behind the content, in padding.
#[test]
fn payload_in_a_gap() {
    let bench = Bench::new();
    let image = |tail: &[u8]| {
        let text = "a boot loader of some kind ".repeat(99);
        [text.as_bytes(), &[0xff; 65536], tail, &[0xff; 65536]].concat()
    };
    bench.write("dump", &image(&[]));
    bench.baseline("dump.toml", "dump", "4.2.1", 1);
    bench.sign("dump.toml", "vendor", None);
    let judge = || {
        let args = [
            "verify",
            "dump",
            "--baseline",
            "dump.toml",
            "--trust-key",
            "vendor.pub",
            "--now",
            super::bench::NOW,
        ];
        bench.run(&args)
    };
    judge().ends(0);
    bench.write(
        "dump",
        &image(&b"#!/bin/sh\nnc -l -p 23 -e /bin/sh\n".repeat(9)),
    );
    judge().ends(8).shows("not covered");
}

/// Links that lead out of the tree, or in a circle.
#[test]
fn links_are_not_followed() {
    let bench = Bench::new();
    symlink("/etc/passwd", bench.path("unit/out")).unwrap();
    symlink(".", bench.path("unit/circle")).unwrap();
    symlink("/proc/self/fd", bench.path("unit/proc")).unwrap();
    bench.baseline("b.toml", "unit", "4.2.1", 1);
    bench.sign("b.toml", "vendor", None);
    let told = bench.verify(&[]);
    told.ends(0).hides("root:");
    assert!(
        !String::from_utf8(bench.read("b.toml"))
            .unwrap()
            .contains("circle/")
    );
    bench.remove("unit/out");
    symlink("/etc/shadow", bench.path("unit/out")).unwrap();
    bench.verify(&[]).ends(4).shows("/out");
}

/// Keys that anyone can sign for.
#[test]
fn weak_keys() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    // The neutral element, of small order, as OpenSSL writes keys.
    let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    bench.write("weak.pub", weak.as_bytes());
    bench.verify_with("weak", &[]).ends(67).says("small order");
}

/// A baseline that is another one the second time it is read.
#[test]
fn baseline_swapped_between_reads() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    let bytes = bench.read("b.toml");
    // A pipe gives its bytes once. Whoever reads twice, to verify and to parse, gets nothing, or waits for ever.
    bench.remove("b.toml");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let pipe = bench.path("b.toml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pipe = std::fs::File::options().write(true).open(&pipe).unwrap();
            std::io::Write::write_all(&mut pipe, &bytes).unwrap();
        });
        bench.verify(&[]).ends(0);
    });
}

/// An image that is written to while it is read.
#[test]
fn image_changed_while_it_is_read() {
    let bench = Bench::new();
    bench.write("dump", &b"a boot loader of some kind ".repeat(1 << 18));
    bench.baseline("b.toml", "dump", "4.2.1", 1);
    bench.sign("b.toml", "vendor", None);
    let args = [
        "verify",
        "dump",
        "--baseline",
        "b.toml",
        "--trust-key",
        "vendor.pub",
        "--now",
        super::bench::NOW,
    ];
    bench.run(&args).ends(0);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                // The same bytes: only that they were written can tell.
                let mut dump = std::fs::File::options()
                    .write(true)
                    .open(bench.path("dump"))
                    .unwrap();
                std::io::Write::write_all(&mut dump, b"a boot loader").unwrap();
                std::thread::yield_now();
            }
        });
        let told = bench.run(&args);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        told.ends(8).shows("the file was changed while it was read");
    });
}
