//! Being told to end: it ends by that signal, and leaves nothing that is not whole.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PROGRAM, Place, wait_for};
use crate::samples::repository;

/// Tells a process to end, and what it ended by. Its input stays open, lest it comes to its end first.
fn end(mut child: Child, signal: Signal) -> Option<i32> {
    let _input = child.stdin.take();
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    wait_for("its end", || child.try_wait().unwrap().is_some());
    child.wait().unwrap().signal()
}

const HEADER: &str =
    "--vendor a --model b --firmware-version 1 --sequence 1 --expires 2030-01-01T00:00:00Z";

fn create(image: &str) -> Vec<&str> {
    let head = ["baseline", "create", image, "--output", "out/b.toml"];
    head.into_iter().chain(HEADER.split(' ')).collect()
}

#[test]
fn told_to_end_while_it_reads_it_leaves_nothing() {
    let beside = |name: &str| repository().join("baselines").join(name);
    let (baseline, key) = (
        beside("example-medical-vsm9000-4.2.1.toml"),
        beside("demo-TEST-KEY.pub"),
    );
    let trust = [
        "--baseline",
        baseline.to_str().unwrap(),
        "--trust-key",
        key.to_str().unwrap(),
    ];
    let verify = [
        "verify",
        "-",
        "--output",
        "out/report",
        "--state",
        "out/state",
    ];
    let commands = [
        [&verify[..], &trust].concat(),
        vec!["list", "-", "--output", "out/list"],
        vec!["scan", "-", "--format", "html", "--output", "out/page"],
        create("-"),
    ];
    for (args, signal) in commands.iter().zip([
        Signal::SIGTERM,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
    ]) {
        for sandbox in ["--quiet", "--no-sandbox"] {
            let place = Place::new();
            let child = place
                .run(&[&args[..], &[sandbox, "--jobs", "2"]].concat())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let tasks = format!("/proc/{}/task", child.id());
            wait_for("its threads", || fs::read_dir(&tasks).unwrap().count() >= 4);
            assert_eq!(end(child, signal), Some(signal as i32), "{args:?}");
            place.left_nothing();
        }
    }
}

#[test]
fn told_to_end_while_it_writes_it_leaves_nothing() {
    for args in [
        vec!["list", "image", "--format", "json", "--output", "out/list"],
        vec!["extract", "image", "--output", "out/files"],
        create("image"),
    ] {
        let place = Place::new();
        let mut child = place
            .failing(&args)
            .env("SHIM_HOLD", place.at("out"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        told.read_line(&mut line).unwrap();
        assert_eq!(line, "held\n", "{args:?}");
        assert_eq!(end(child, Signal::SIGTERM), Some(15), "{args:?}");
        place.left_no_content();
        if args[0] != "extract" {
            place.left_nothing();
        }
    }
}

#[test]
fn a_signal_that_is_to_be_ignored_stays_ignored() {
    let place = Place::new();
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" list - --quiet", PROGRAM])
        .current_dir(place.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let tasks = format!("/proc/{}/task", child.id());
    wait_for("its threads", || fs::read_dir(&tasks).unwrap().count() >= 3);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGHUP).unwrap();
    drop(child.stdin.take());
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(child.wait().unwrap().signal(), None);
    assert!(text.contains("0 B"), "{text}");
}
