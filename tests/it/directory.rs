//! A directory as an image (a mounted root): a baseline is made from it, and every kind of change to it is told.

#![allow(clippy::disallowed_methods, reason = "the tree is made to be changed")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::schemas::run;

/// A small root, and beside it the baseline that was made from it and signed.
struct Unit {
    folder: TempDir,
}

impl Unit {
    fn new() -> Self {
        let unit = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let root = unit.path("root");
        for folder in ["", "bin", "etc"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        for (name, content, mode) in [
            ("bin/monitor", "\x7fELF?", 0o755),
            ("etc/limits", "ecg.low = 50\n", 0o644),
        ] {
            fs::write(root.join(name), content).unwrap();
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
        }
        symlink("monitor", root.join("bin/start")).unwrap();
        for args in [
            "key generate --no-password --output key",
            "baseline create root --vendor v --model m --firmware-version 1 --sequence 1 \
             --now 2026-01-01T00:00:00Z --expires 2027-01-01T00:00:00Z --output b.toml",
            "baseline sign b.toml --key key.key",
        ] {
            let status = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
                .current_dir(unit.folder.path())
                .args(args.split_whitespace())
                .output()
                .unwrap();
            assert!(
                status.status.success(),
                "{args}: {}",
                String::from_utf8_lossy(&status.stderr)
            );
        }
        unit
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The exit code and the changes without what is not asked for here.
    fn verify(&self) -> (i32, Vec<Value>) {
        let text = |name: &str| self.path(name).display().to_string();
        let (report, code) = run(&[
            "verify",
            &text("root"),
            "--baseline",
            &text("b.toml"),
            "--trust-key",
            &text("key.pub"),
            "--now",
            "2026-06-01T00:00:00Z",
        ]);
        let changes = report["changes"].as_array().unwrap();
        let shown = changes
            .iter()
            .map(|change| json!([change["kind"], change["path"], change["fields"]]));
        (code, shown.collect())
    }
}

#[track_caller]
fn told(change: impl FnOnce(&Path), exit_code: i32, expected: &Value) {
    let unit = Unit::new();
    assert_eq!(unit.verify(), (0, Vec::new()), "unchanged");
    change(&unit.path("root"));
    let (code, changes) = unit.verify();
    assert_eq!((code, &json!(changes)), (exit_code, expected));
}

#[test]
fn an_added_file_is_added() {
    told(
        |root| fs::write(root.join("etc/more"), "more").unwrap(),
        1,
        &json!([["added", "/etc/more", []]]),
    );
}

#[test]
fn a_removed_file_is_removed() {
    told(
        |root| fs::remove_file(root.join("etc/limits")).unwrap(),
        2,
        &json!([["removed", "/etc/limits", []]]),
    );
}

#[test]
fn another_content_of_the_same_length_is_modified() {
    told(
        |root| fs::write(root.join("etc/limits"), "ecg.low = 20\n").unwrap(),
        4,
        &json!([["modified", "/etc/limits", ["sha256"]]]),
    );
}

#[test]
fn a_setuid_bit_is_modified() {
    told(
        |root| {
            fs::set_permissions(root.join("bin/monitor"), Permissions::from_mode(0o4755)).unwrap();
        },
        4,
        &json!([["modified", "/bin/monitor", ["mode"]]]),
    );
}

#[test]
fn a_link_to_something_else_is_modified() {
    told(
        |root| {
            fs::remove_file(root.join("bin/start")).unwrap();
            symlink("../etc/limits", root.join("bin/start")).unwrap();
        },
        4,
        &json!([["modified", "/bin/start", ["target"]]]),
    );
}

#[test]
fn a_renamed_file_is_moved() {
    told(
        |root| fs::rename(root.join("bin/monitor"), root.join("bin/monitor.old")).unwrap(),
        4,
        &json!([["moved", "/bin/monitor.old", ["path"]]]),
    );
}
