//! The program itself: that it closes the sandbox, and that its commands work in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::inside::has_landlock;

const IMAGE: &str = "fixtures/demo/vsm9000-4.2.1-tampered.bin";
const BASELINE: &str = "baselines/example-medical-vsm9000-4.2.1.toml";
const KEY: &str = "baselines/demo-TEST-KEY.pub";
const NOW: &str = "2026-11-22T00:00:00Z";

fn vitalsign(args: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output();
    run.unwrap()
}

/// One row of what the kernel says of a thread.
fn row(status: &Path, name: &str) -> String {
    let text = fs::read_to_string(status).unwrap_or_default();
    let row = text.lines().find_map(|line| line.strip_prefix(name));
    row.unwrap_or_default().trim().to_owned()
}

/// The program while it waits for an image on its standard input, with all its threads.
fn waiting(args: &[&str]) -> (Child, Vec<PathBuf>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let tasks = format!("/proc/{}/task", child.id());
    let begun = Instant::now();
    loop {
        let threads = fs::read_dir(&tasks).unwrap().flatten();
        let threads: Vec<PathBuf> = threads.map(|it| it.path().join("status")).collect();
        // Its first thread, the one for signals, and three that work.
        if threads.len() >= 5 {
            return (child, threads);
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        assert!(begun.elapsed() < Duration::from_secs(20), "no threads");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn the_program_closes_it_in_every_thread() {
    let own = |name| row(Path::new("/proc/self/status"), name);
    let Ok(filters) = own("Seccomp_filters:").parse::<u32>() else {
        println!("not tried: this kernel does not count filters (Linux 5.9)");
        return;
    };
    let privileges = own("NoNewPrivs:");
    for (flag, filters, privileges) in [
        ("--quiet", filters + 1, "1"),
        ("--no-sandbox", filters, &privileges),
    ] {
        let filters = filters.to_string();
        let (mut child, threads) = waiting(&["list", "-", "--jobs", "3", flag]);
        for thread in threads {
            assert_eq!(row(&thread, "Seccomp_filters:"), filters, "{flag}");
            assert_eq!(row(&thread, "NoNewPrivs:"), privileges, "{flag}");
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}

/// Commands, and the file or folder that each writes; `@` is a folder.
const COMMANDS: &[(&str, &str)] = &[
    ("list IMAGE --format json --max-memory 1", "list"),
    ("list @/root", "list-root"),
    ("scan @/root --format json", "scan"),
    ("diff @/root @/root", "replaced"),
    ("verify IMAGE TRUST --state @/state", "verify"),
    ("verify IMAGE TRUST --state @/state", "verify-again"),
    ("baseline create @/root HEADER", "baseline"),
    ("baseline import @/root HEADER", "draft"),
    ("extract @/root", "files"),
    (
        "audit @/fleet --now NOW --cache @/cache --reports @/reports",
        "audit",
    ),
    (
        "audit @/fleet --now NOW --cache @/cache --resume",
        "audit-again",
    ),
    ("audit --summary @/audit --format csv", "rows"),
    ("audit merge @/audit", "merged"),
    ("report @/scan --format html", "page"),
];

/// A folder with a root, a fleet of one, and a file that is to be replaced.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("root/etc")).unwrap();
    fs::write(at("root/etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    fs::create_dir(at("fleet")).unwrap();
    fs::copy(IMAGE, at("fleet/one.bin")).unwrap();
    fs::write(at("replaced"), "old").unwrap();
    folder
}

pub(crate) fn every_command_that_reads_images_works_in_it() {
    let header =
        "--vendor a --model b --firmware-version 1 --sequence 1 --expires 2030-01-01T00:00:00Z";
    let trust = format!("--baseline {BASELINE} --trust-key {KEY} --now NOW");
    let folders = [folder(), folder()];
    // Where it can be held it is insisted on: a thread that ran too early would be told then.
    let flag = if has_landlock() {
        "--require-sandbox"
    } else {
        println!("not tried: commands with --require-sandbox: this kernel has no Landlock");
        ""
    };
    for (command, output) in COMMANDS {
        let run = |folder: &tempfile::TempDir, flag: &str| {
            let command = format!("{command} --output @/{output} {flag}")
                .replace("HEADER", header)
                .replace("TRUST", &trust)
                .replace("IMAGE", IMAGE)
                .replace("NOW", NOW)
                .replace('@', folder.path().to_str().unwrap());
            let args: Vec<&str> = command.split_whitespace().collect();
            let run = vitalsign(&args);
            let code = run.status.code().unwrap();
            assert!(
                code < 64,
                "{command}: {}",
                String::from_utf8_lossy(&run.stderr)
            );
            (code, read(folder.path(), output))
        };
        let [open, closed] = &folders;
        assert_eq!(run(open, "--no-sandbox"), run(closed, flag), "{command}");
    }
    for folder in folders {
        assert_eq!(
            fs::read_dir(folder.path().join("reports")).unwrap().count(),
            1
        );
        let names = fs::read_dir(folder.path()).unwrap().flatten();
        let mut names = names.map(|it| it.file_name().into_string().unwrap());
        assert!(!names.any(|name| name.starts_with('.')));
    }
}

/// The content of a file, but for what differs from run to run and what is said of the sandbox; of a folder, its names.
fn read(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    if path.is_dir() {
        let names = fs::read_dir(path).unwrap().flatten();
        let mut names: Vec<_> = names.map(|it| it.file_name()).collect();
        names.sort();
        return format!("{names:?}");
    }
    let text = fs::read_to_string(path).unwrap();
    let volatile = ["\"sandbox\"", "issued = ", "judged_at", "Judged at"];
    let lines = text.lines();
    let lines = lines.filter(|line| !volatile.iter().any(|word| line.contains(word)));
    let lines: Vec<&str> = lines.map(|line| line.trim_end_matches(',')).collect();
    let text = lines.join("\n");
    // Of a terminal's report, the rows between its heads.
    match text.split_once("\nSandbox ") {
        Some((before, after)) => {
            let after = after.split_once("\nEvery byte").unwrap().1;
            [before, "\nEvery byte", after].concat()
        }
        None => text,
    }
}

pub(crate) fn what_must_be_held_is_stated() {
    let closed = vitalsign(&["scan", IMAGE, "--format", "json", "--require-sandbox"]);
    let told = String::from_utf8(closed.stderr).unwrap();
    if told.contains("not held") {
        assert_eq!(closed.status.code(), Some(70), "{told}");
        assert!(!has_landlock(), "{told}");
        println!("not tried: {told}");
        return;
    }
    assert!(
        told.contains("files (Landlock): held; system calls (seccomp): held"),
        "{told}"
    );
    let record: serde_json::Value = serde_json::from_slice(&closed.stdout).unwrap();
    assert_eq!(record["sandbox"], "held");
    let open = vitalsign(&["scan", IMAGE, "--format", "json", "--no-sandbox"]);
    let record: serde_json::Value = serde_json::from_slice(&open.stdout).unwrap();
    assert_eq!(record["sandbox"], "off");
    let either = vitalsign(&["scan", IMAGE, "--format", "json"]);
    let record: serde_json::Value = serde_json::from_slice(&either.stdout).unwrap();
    assert_eq!(record.get("sandbox"), None);
}
