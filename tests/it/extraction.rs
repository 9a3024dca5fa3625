//! `extract`: what it writes is what the source tree held, under names that every system can hold, and nothing outside its folder.

#![expect(
    clippy::disallowed_methods,
    reason = "what a test writes need not survive a crash"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest, Sha256};
use vitalsign::digest::hex;
use vitalsign::place::escape;

use crate::samples::repository;
use crate::schemas::{holds, schema};

fn extract(image: &Path, to: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .arg("extract")
        .arg(image)
        .arg("--output")
        .arg(to)
        .args(flags)
        .output()
        .unwrap()
}

/// What the inventory says, by the path in the image of each entry.
fn inventory(folder: &Path) -> (Value, BTreeMap<String, Value>) {
    let text = fs::read(folder.join("inventory.json")).unwrap();
    let told: Value = serde_json::from_slice(&text).unwrap();
    holds(&schema("extract"), &told, "an inventory");
    let rows = told["entries"].as_array().unwrap().iter();
    let path = |row: &Value| {
        let place = row["place"].as_str().unwrap();
        let path = place.split_once(":/").map(|(_, path)| format!("/{path}"));
        path.unwrap_or_else(|| place.to_owned())
    };
    let rows = rows.map(|row| (path(row), row.clone())).collect();
    (told, rows)
}

/// What stands on the disk, in the words of `fixtures/listing`.
fn row(path: &str, file: &Path) -> String {
    let meta = fs::symlink_metadata(file).unwrap();
    let kind = meta.file_type();
    let (mut size, mut sha256, mut target) = ("-".to_owned(), "-".to_owned(), "-".to_owned());
    let word = if kind.is_dir() {
        "dir"
    } else if kind.is_symlink() {
        target = escape(fs::read_link(file).unwrap().as_os_str().as_encoded_bytes());
        "symlink"
    } else if kind.is_file() {
        size = meta.len().to_string();
        sha256 = hex(&<[u8; 32]>::from(Sha256::digest(fs::read(file).unwrap())));
        "file"
    } else if kind.is_fifo() {
        "fifo"
    } else if kind.is_socket() {
        "socket"
    } else {
        let number = meta.rdev();
        let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
        target = format!("{major}:{minor}");
        if kind.is_char_device() {
            "char"
        } else {
            "block"
        }
    };
    let (mode, uid, gid) = (meta.mode() & 0o7777, meta.uid(), meta.gid());
    let xattrs = xattrs(file);
    format!("{path}\t{word}\t{mode:04o}\t{uid}\t{gid}\t{size}\t{sha256}\t{target}\t{xattrs}")
}

fn xattrs(file: &Path) -> String {
    let mut names = vec![0; 1 << 16];
    let len = rustix::fs::llistxattr(file, &mut names).unwrap_or(0);
    let names = names[..len].split(|&byte| byte == 0);
    let names = names.filter(|name| !name.is_empty());
    let mut all: Vec<String> = names
        .map(|name| {
            let mut value = vec![0; 1 << 16];
            let name = std::str::from_utf8(name).unwrap();
            let len = rustix::fs::lgetxattr(file, name, &mut value).unwrap();
            format!("{name}={}", hex(&value[..len]))
        })
        .collect();
    all.sort();
    if all.is_empty() {
        "-".to_owned()
    } else {
        all.join(",")
    }
}

/// Why this process cannot restore everything, on the disk where the tests write.
#[expect(
    clippy::explicit_write,
    reason = "the harness holds back what a test prints, and what was not tried must be seen"
)]
fn lacks(folder: &Path) -> Option<String> {
    use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
    let probe = folder.join("probe");
    let null = rustix::fs::makedev(1, 3);
    let made = mknodat(CWD, &probe, FileType::CharacterDevice, Mode::RUSR, null);
    fs::remove_file(&probe).ok();
    File::create(&probe).unwrap();
    let set = ["user.note", "trusted.dir"]
        .map(|name| setxattr(&probe, name, b"value", XattrFlags::empty()));
    fs::remove_file(&probe).unwrap();
    let why = match (rustix::process::geteuid().is_root(), made, set) {
        (false, ..) => "this is not root".to_owned(),
        (_, Err(error), _) => format!("device nodes: {error}"),
        (_, _, [Err(error), _] | [_, Err(error)]) => format!("extended attributes: {error}"),
        _ => return None,
    };
    writeln!(io::stderr(), "not tried: to restore metadata: {why}").unwrap();
    Some(why)
}

/// `fixtures/listing` wrote the expectation from the tree that was packed, with other tools.
#[test]
fn as_root_everything_that_is_stored_is_restored() {
    if lacks(tempfile::tempdir().unwrap().path()).is_some() {
        return;
    }
    for image in ["tar/pax.img", "squashfs/gzip.img", "cpio/newc.img"] {
        let folder = tempfile::tempdir().unwrap();
        let (image, out) = (repository().join("fixtures").join(image), folder.path());
        let run = extract(&image, out, &["--preserve", "--devices", "--setuid"]);
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        let (_, rows) = inventory(out);
        let truth = fs::read_to_string(format!("{}.tsv", image.display())).unwrap();
        for expected in truth.lines() {
            let path = expected.split('\t').next().unwrap();
            let Some(known) = rows.get(path) else {
                assert_eq!(path, "/", "{}: {told}", image.display());
                continue;
            };
            let file = out.join(known["file"].as_str().unwrap());
            assert_eq!(
                row(path, &file),
                expected,
                "{}: {known} {told}",
                image.display()
            );
            assert_eq!(known["lost"], Value::Null, "{known}");
        }
        let file = |path: &str| out.join(rows[path]["file"].as_str().unwrap());
        let inode = |path: &str| fs::metadata(file(path)).unwrap().ino();
        if image.ends_with("pax.img") {
            assert_eq!(inode("/bin/tool"), inode("/bin/tool-link"));
            assert_ne!(inode("/bin/tool"), inode("/bin/su"));
        }
    }
}

#[test]
fn nothing_that_gives_rights_is_made_unless_it_is_asked_for() {
    for flags in [&[][..], &["--preserve"]] {
        let folder = tempfile::tempdir().unwrap();
        let image = repository().join("fixtures/tar/pax.img");
        let run = extract(&image, folder.path(), flags);
        assert_eq!(run.status.code(), Some(8));
        for found in walkdir::WalkDir::new(folder.path()) {
            let found = found.unwrap();
            let meta = fs::symlink_metadata(found.path()).unwrap();
            let kind = meta.file_type();
            assert!(kind.is_dir() || kind.is_file() || kind.is_symlink());
            assert!(!kind.is_file() || meta.mode() & 0o6000 == 0, "{found:?}");
            assert!(!xattrs(found.path()).contains("security"), "{found:?}");
        }
        let (told, rows) = inventory(folder.path());
        let not_kept = told["not_kept"].to_string();
        assert!(not_kept.contains("setuid") && not_kept.contains("device nodes"));
        assert_eq!(not_kept.contains("owners"), flags.is_empty());
        assert_eq!(rows["/dev/console"]["file"], Value::Null);
        assert_eq!(rows["/dev/console"]["lost"][0]["what"], "all");
        let lost = rows["/bin/su"]["lost"].as_array().unwrap();
        assert!(lost.iter().any(|lost| lost["what"] == "setuid"), "{lost:?}");
    }
}

/// A tar archive (ustar): name, type, link, and the time of all.
fn tar(entries: &[(&str, u8, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, link) in entries {
        let content = if *kind == b'0' { name.as_bytes() } else { b"" };
        let mut head = vec![0; 512];
        let mut put = |at: usize, text: &str| {
            head[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(0, name);
        put(100, "0000644");
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", content.len()));
        put(136, &format!("{:011o}", 1_700_000_000));
        put(148, "        ");
        put(157, link);
        put(257, "ustar\x0000");
        head[156] = *kind;
        let sum: u32 = head.iter().map(|&byte| u32::from(byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(head);
        out.extend(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn extracted(entries: &[(&str, u8, &str)], flags: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.tar");
    fs::write(&image, tar(entries)).unwrap();
    let out = folder.path().join("out");
    let run = extract(&image, &out, flags);
    assert!(matches!(run.status.code(), Some(0 | 8)), "{run:?}");
    (folder, out)
}

#[test]
fn nothing_is_written_outside_whatever_the_archive_says() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("there"), "old").unwrap();
    let to = outside.path().to_str().unwrap();
    let there = format!("{to}/there");
    let entries = [
        ("../up", b'0', ""),
        ("../../../../../../tmp/up", b'0', ""),
        ("/etc/absolute", b'0', ""),
        ("link", b'2', to),
        ("link/through", b'0', ""),
        ("up", b'2', ".."),
        ("up/through", b'0', ""),
        ("file", b'2', there.as_str()),
        ("file", b'0', ""),
        ("hard", b'1', there.as_str()),
        ("hard", b'0', ""),
        ("folder", b'2', to),
        ("folder/", b'5', ""),
        ("folder/in", b'0', ""),
    ];
    for flags in [&[][..], &["--preserve", "--setuid", "--devices"]] {
        let (folder, out) = extracted(&entries, flags);
        let names = |path: &Path| fs::read_dir(path).unwrap().count();
        assert_eq!(names(outside.path()), 1);
        assert_eq!(fs::read_to_string(&there).unwrap(), "old");
        assert_eq!(names(folder.path()), 2, "the image and the output");
        assert_eq!(names(&out), 2, "one tree and the inventory");
        let tree = out.join("tar@0x0");
        let read = |path: &str| fs::read_to_string(tree.join(path)).unwrap();
        assert_eq!(read(".%2e/up"), "../up");
        assert_eq!(read("etc/absolute"), "/etc/absolute");
        let time = fs::symlink_metadata(tree.join("etc/absolute")).unwrap();
        assert_eq!(time.mtime() == 1_700_000_000, !flags.is_empty());
    }
}

#[test]
fn names_are_kept_apart_and_can_be_turned_back() {
    let entries = [
        ("README", b'0', ""),
        ("readme", b'0', ""),
        ("Gr\u{f6}\u{df}e", b'0', ""),
        ("Gro\u{308}\u{df}e", b'0', ""),
        ("CON", b'0', ""),
        ("nul.txt", b'0', ""),
        ("a:b", b'0', ""),
        ("end.", b'0', ""),
        ("back\\slash", b'0', ""),
        ("new\nline", b'0', ""),
        ("100%", b'0', ""),
        ("Sub/x", b'0', ""),
        ("sub/x", b'0', ""),
    ];
    let (_folder, out) = extracted(&entries, &[]);
    let tree = out.join("tar@0x0");
    let (_, rows) = inventory(&out);
    for ((stored, ..), written) in entries.iter().zip([
        "README",
        "readme%~1",
        // Names are given in the order of their bytes.
        "Gr\u{f6}\u{df}e%~1",
        "Gro\u{308}\u{df}e",
        "%43ON",
        "%6eul.txt",
        "a%3ab",
        "end%2e",
        "back%5cslash",
        "new%0aline",
        "100%25",
        "Sub/x",
        "sub%~1/x",
    ]) {
        assert_eq!(fs::read_to_string(tree.join(written)).unwrap(), *stored);
        let path = format!("/{}", escape(stored.as_bytes()));
        let told = rows[&path]["file"].as_str().unwrap();
        assert_eq!(told, format!("tar@0x0/{written}"));
    }
}
