//! What goes wrong around the program: disks that fail or fill up, files that change, readers that go away, and being told to end.
//! Whatever it is, there is a plain error or a problem in the report, and nothing half done stays behind.
//!
//! Faults come from a library that is loaded before the C library (`faults/shim.c`), so that neither root nor a device is needed.

#![expect(
    clippy::disallowed_methods,
    reason = "what a test writes need not survive a crash, and whoever waits gives up one day"
)]

mod end;
mod full;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::samples::repository;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vitalsign");

/// The library, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SHIM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shim.so");
        let source = repository().join("tests/it/faults/shim.c");
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&path, &source])
            .arg("-ldl")
            .status();
        assert!(made.unwrap().success());
        (folder, path)
    });
    path
}

/// A folder for one test: an image in it, an empty folder for outputs, one for temporary files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let image = repository().join("fixtures/demo/vsm9000-4.2.1.bin");
        let copy = folder.path().join("image");
        fs::copy(image, &copy).unwrap();
        // Long ago, so that whatever is written to it changes its time.
        let copy = fs::File::options().write(true).open(copy).unwrap();
        copy.set_modified(std::time::UNIX_EPOCH).unwrap();
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Command {
        let mut run = Command::new(PROGRAM);
        run.current_dir(self.0.path())
            .args(args)
            .env("TMPDIR", self.at("tmp"));
        run
    }

    fn failing(&self, args: &[&str]) -> Command {
        let mut run = self.run(args);
        run.env("LD_PRELOAD", shim());
        run
    }

    /// What stands in a folder.
    fn names(&self, folder: &str) -> Vec<String> {
        let names = fs::read_dir(self.at(folder)).unwrap().flatten();
        let names = names.map(|it| it.file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Folders may be there, files may not.
    #[track_caller]
    fn left_no_content(&self) {
        assert_eq!(self.names("tmp"), [""; 0], "temporary files");
        let found = walkdir::WalkDir::new(self.at("out")).into_iter().flatten();
        let found: Vec<_> = found.filter(|it| it.file_type().is_file()).collect();
        assert!(found.is_empty(), "{found:?}");
    }

    #[track_caller]
    fn left_nothing(&self) {
        assert_eq!(self.names("tmp"), [""; 0], "temporary files");
        assert_eq!(self.names("out"), [""; 0], "outputs");
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_device_with_bad_sectors_is_read_around_them() {
    let place = Place::new();
    let list = |bad: &str| {
        let run = place
            .failing(&["list", "image", "--format", "json"])
            .env("SHIM_BLOCK", place.at("image"))
            .env("SHIM_BAD", bad)
            .output()
            .unwrap();
        let told = stderr(&run);
        let json = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{told}"));
        let json: serde_json::Value = json;
        (json, run.status.code().unwrap())
    };
    let (whole, _) = list("0-0");
    let plain = place.run(&["list", "image", "--format", "json"]).output();
    let plain: serde_json::Value = serde_json::from_slice(&plain.unwrap().stdout).unwrap();
    assert_eq!(whole, plain, "a device reads as a file");
    // In the middle of the second half, where the data partition ends in fill.
    let (holed, code) = list("2000000-2000001");
    assert_eq!(code, 8);
    let problems = holed["problems"].as_array().unwrap();
    let told: Vec<_> = problems
        .iter()
        .filter(|it| it["kind"] == "unreadable")
        .collect();
    assert_eq!(told.len(), 1, "{problems:?}");
    let detail = told[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("0x1e8400 to 0x1e8600 (512 bytes)"),
        "{detail}"
    );
    assert_eq!(holed["image"]["size"], whole["image"]["size"]);
    assert!(holed["entries"].as_array().unwrap().len() > 100);
}

/// Runs until the image is mapped, does something to it, and lets the program go on.
fn disturbed(place: &Place, args: &[&str], act: impl FnOnce(&fs::File)) -> Output {
    let image = place.at("image");
    let child = place
        .failing(args)
        .env("SHIM_WAIT", &image)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let maps = format!("/proc/{}/maps", child.id());
    let name = image.to_str().unwrap().to_owned();
    wait_for("the map", || {
        fs::read_to_string(&maps).is_ok_and(|maps| maps.contains(&name))
    });
    let file = fs::File::options().write(true).open(&image).unwrap();
    act(&file);
    child.wait_with_output().unwrap()
}

#[test]
fn a_file_that_shrinks_ends_the_work_with_an_error() {
    for sandbox in ["--quiet", "--no-sandbox"] {
        for command in ["list", "scan"] {
            let place = Place::new();
            let args = [command, "image", "--output", "out/report", sandbox];
            let run = disturbed(&place, &args, |file| file.set_len(4096).unwrap());
            let told = stderr(&run);
            assert_eq!(run.status.code(), Some(66), "{sandbox}: {told}");
            assert!(told.starts_with("error: a file became shorter"), "{told}");
            assert!(told.contains("nothing was verified"), "{told}");
            place.left_nothing();
        }
    }
}

#[test]
fn a_file_that_is_written_to_is_told() {
    let place = Place::new();
    let args = ["list", "image", "--format", "json"];
    let run = disturbed(&place, &args, |file| {
        file.write_all_at(b"x", 0x1f_0000).unwrap();
    });
    assert_eq!(run.status.code(), Some(8), "{}", stderr(&run));
    let list: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let told = list["problems"].to_string();
    assert!(told.contains("changed while it was read"), "{told}");
    place.left_nothing();
}

#[test]
fn messages_that_nobody_can_read_change_no_verdict() {
    let place = Place::new();
    let code = |args: &[&str], to: Stdio| {
        let mut run = place.run(args);
        run.stdout(Stdio::null())
            .stderr(to)
            .status()
            .unwrap()
            .code()
    };
    for args in [
        &["list", "none"][..],
        &["extract", "image", "--output", "files"],
    ] {
        let expected = code(args, Stdio::null());
        fs::remove_dir_all(place.at("files")).ok();
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(code(args, full.into()), expected, "{args:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    for args in [
        &["list", "image"][..],
        &["list", "image", "--format", "json"],
        &["scan", "image"],
    ] {
        let expected = place.run(args).output().unwrap().status.code();
        let mut child = place
            .run(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run = child.wait_with_output().unwrap();
        assert_eq!(run.status.code(), expected, "{args:?}");
        assert_eq!(stderr(&run), "", "{args:?}");
    }
}

#[test]
fn few_descriptors_are_enough_or_the_lack_is_told() {
    let place = Place::new();
    let root = repository().join("fixtures/tree");
    let root = root.to_str().unwrap();
    for (args, image) in [
        (&["list", "--format", "json"][..], "image"),
        (&["list"], root),
    ] {
        let args = [args, &[image]].concat();
        let whole = place.run(&args).output().unwrap();
        for most in 3..24 {
            let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
            let run = Command::new("sh")
                .current_dir(place.0.path())
                .args(["-c", &script, PROGRAM])
                .args(&args)
                .env("TMPDIR", place.at("tmp"))
                .output()
                .unwrap();
            let told = format!("{most}: {}", stderr(&run));
            match run.status.code() {
                // A directory in which some files could not be opened, or the same as ever.
                Some(8) if run.stdout != whole.stdout => {
                    let text = String::from_utf8(run.stdout).unwrap();
                    assert!(text.contains("Too many open files"), "{told}");
                }
                code if code == whole.status.code() => {
                    assert!(run.stdout == whole.stdout, "{told}");
                }
                // The loader itself could not open the C library.
                Some(127) => {}
                Some(66 | 70) => assert!(stderr(&run).starts_with("error: "), "{told}"),
                code => panic!("{code:?} {told}"),
            }
            place.left_nothing();
        }
    }
}
