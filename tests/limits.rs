//! Each limit of the budget, and an image made to break it: the list says so, it is incomplete, and the program stays small, as the system measures it.
//!
//! A test binary of its own, so that it has no children but these.

#![cfg(target_os = "linux")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests compute with numbers they chose themselves"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

/// A limit, and what goes beyond it.
struct Row {
    /// Its name in `src/budget.rs`.
    limit: &'static str,
    /// An image that breaks it.
    image: fn() -> Vec<u8>,
    flags: &'static [&'static str],
    /// What a problem of kind `limit` says; empty where nothing has to end, as it is only kept elsewhere.
    told: &'static str,
    /// The largest resident set, in MB.
    most: i64,
}

/// In the order of what they take.
const ROWS: &[Row] = &[
    Row {
        limit: "depth",
        image: nested,
        flags: &[],
        told: "deep",
        most: 64,
    },
    Row {
        limit: "entries",
        image: many_entries,
        flags: &["--max-entries", "1000"],
        told: "--max-entries",
        most: 64,
    },
    Row {
        limit: "decoded",
        image: || gzip(&vec![0; 64 << 20]),
        flags: &["--max-decoded", "16777216"],
        told: "--max-decoded",
        most: 128,
    },
    Row {
        limit: "expired",
        image: endless,
        flags: &["--max-seconds", "1", "--max-ratio", "1000000"],
        told: "--max-seconds",
        most: 256,
    },
    Row {
        limit: "memory",
        image: || gzip(&noise(16 << 10).repeat(12 << 10)),
        flags: &["--max-memory", "16777216"],
        told: "",
        most: 256,
    },
    Row {
        limit: "ratio",
        image: bomb,
        flags: &[],
        told: "--max-ratio",
        most: 256,
    },
    Row {
        limit: "RATIO_FLOOR",
        image: bomb,
        flags: &["--max-ratio", "1"],
        told: "--max-ratio",
        most: 256,
    },
    Row {
        limit: "IMAGE_FLOOR",
        image: bombs_side_by_side,
        flags: &[],
        told: "became too many times its bytes",
        most: 320,
    },
    Row {
        limit: "HELD",
        image: long_paths,
        flags: &[],
        told: "paths and attributes",
        most: 400,
    },
];

#[test]
fn each_limit_ends_what_would_break_it() {
    let folder = tempfile::tempdir().unwrap();
    for row in ROWS {
        let image = folder.path().join("image");
        fs::write(&image, (row.image)()).unwrap();
        let listed = folder.path().join("list.json");
        let run = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
            .args(["list", "--format", "json", "--output"])
            .args([&listed, &image])
            .args(row.flags)
            .output()
            .unwrap();
        // Of all of them so far: so that each is below its own, the rows are sorted.
        let most = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024;
        println!("{}: {most} MB", row.limit);
        let listed: Value = serde_json::from_slice(&fs::read(&listed).unwrap()).unwrap();
        let problems = listed["problems"].as_array().unwrap();
        let limits = problems.iter().filter(|it| it["kind"] == "limit");
        let limits: Vec<&str> = limits.filter_map(|it| it["detail"].as_str()).collect();
        if row.told.is_empty() {
            assert!(limits.is_empty(), "{}: {limits:?}", row.limit);
        } else {
            let is_told = limits.iter().any(|detail| detail.contains(row.told));
            assert!(is_told, "{}: {problems:?}", row.limit);
            assert_eq!(run.status.code(), Some(8), "{}", row.limit);
        }
        assert!(most <= row.most, "{}: {most} MB", row.limit);
    }
}

#[test]
fn each_limit_has_its_image_and_its_row() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join("src/budget.rs")).unwrap();
    let page = fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let body = source.split("pub struct Limits {").nth(1).unwrap();
    let fields = body.split('}').next().unwrap().lines();
    let fields = fields.filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next());
    let constants = source.split("pub const ").skip(1);
    let constants = constants.filter_map(|rest| rest.split(':').next());
    let mut limits: Vec<&str> = fields.chain(constants).collect();
    // The deadline is no number of the budget's.
    limits.push("expired");
    for limit in &limits {
        let rows = ROWS.iter().filter(|row| row.limit == *limit).count();
        assert_eq!(rows, 1, "images that break {limit}");
        assert!(page.contains(&format!("\n| `{limit}` |")), "{limit}");
    }
    assert_eq!(limits.len(), ROWS.len());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Repeatable bytes that do not pack.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x5eed_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..len.div_ceil(8)).flat_map(|_| next()).collect()
}

/// A hundred streams, one inside another.
fn nested() -> Vec<u8> {
    (0..100).fold(b"innermost".to_vec(), |inner, _| gzip(&inner))
}

/// A cpio archive of empty files.
fn many_entries() -> Vec<u8> {
    let mut archive = Vec::new();
    let mut add = |name: String, mode: u32| {
        let len = name.len() + 1;
        archive.extend_from_slice(b"070701");
        for field in [1, mode, 0, 0, 1, 0, 0, 0, 0, 0, 0, len as u32, 0] {
            archive.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        archive.extend_from_slice(name.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
    };
    for number in 0..5000 {
        add(format!("f{number}"), 0o100_644);
    }
    add("TRAILER!!!".to_owned(), 0);
    archive
}

/// 300 KB that become 300 MiB.
fn bomb() -> Vec<u8> {
    gzip(&vec![0; 300 << 20])
}

/// Streams that each stay below what one may yield unasked; together they are 1.3 GB.
fn bombs_side_by_side() -> Vec<u8> {
    let one = [gzip(&vec![0; 255 << 20]), b"between two streams".to_vec()].concat();
    one.repeat(5)
}

/// One stream of 64 GiB, in members of 64 MiB.
fn endless() -> Vec<u8> {
    gzip(&vec![0; 64 << 20]).repeat(1024)
}

/// A romfs with one directory, whose name is as long as a path may be, and 400,000 empty files in it: 13 MB, whose paths would take 1.6 GB.
fn long_paths() -> Vec<u8> {
    const FILES: usize = 390_000;
    let mut image = b"-rom1fs-".to_vec();
    image.resize(32, 0);
    // The word for the next header with the kind, one that depends on the kind, the length, the checksum, and the name with a zero behind.
    let mut add = |is_last: bool, kind: u32, name: &[u8]| {
        let mut header = vec![0; 16];
        header.extend_from_slice(name);
        header.push(0);
        header.resize(header.len().next_multiple_of(16), 0);
        let after = image.len() + header.len();
        let after = (after as u32).to_be_bytes();
        if kind == 1 {
            header[4..8].copy_from_slice(&after);
        }
        if !is_last {
            header[..4].copy_from_slice(&after);
        }
        header[3] |= kind as u8;
        let sum = sum(&header);
        header[12..16].copy_from_slice(&sum.wrapping_neg().to_be_bytes());
        image.extend_from_slice(&header);
    };
    add(true, 1, &[b'd'; 4000]);
    for number in 0..FILES {
        add(number == FILES - 1, 2, b"f");
    }
    let len = image.len() as u32;
    image[8..12].copy_from_slice(&len.to_be_bytes());
    let sum = sum(&image[..512]);
    image[12..16].copy_from_slice(&sum.wrapping_neg().to_be_bytes());
    image
}

/// The sum of big-endian words.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks_exact(4);
    words.fold(0, |sum: u32, word| {
        sum.wrapping_add(u32::from_be_bytes(word.try_into().unwrap()))
    })
}
