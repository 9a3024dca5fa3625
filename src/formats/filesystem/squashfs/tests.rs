//! Fixtures of mksquashfs against what the packed tree held, and what happens when bytes of them change.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Squashfs;
use crate::budget::{Budget, Limits};
use crate::entry::{Entry, Fault, Node};
use crate::formats::{Content, Extent, Format, Length, Opened, Proof, Reject, Role};
use crate::problem::ProblemKind;

const VARIANTS: [&str; 8] = [
    "gzip", "xz", "lzma", "lzo", "lz4", "zstd", "plain", "shared",
];

/// Images of our own builder, whose structures unsquashfs reads too; their versions, and whether they are big-endian.
const OLDER: [(&str, u16, bool); 18] = [
    ("v1-little", 1, false),
    ("v1-big", 1, true),
    ("v1-odd", 1, false),
    ("v2-little", 2, false),
    ("v2-big", 2, true),
    ("v2-bare", 2, true),
    ("v2-7zip", 2, false),
    ("v3-little", 3, false),
    ("v3-big", 3, true),
    ("v3-marked", 3, false),
    ("broadcom-little", 3, false),
    ("broadcom-big", 3, true),
    ("ddwrt-little", 3, false),
    ("ddwrt-big", 3, true),
    ("sqlz-little", 3, false),
    ("sqlz-big", 3, true),
    ("v4-alone", 4, false),
    ("avm", 4, true),
];

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/squashfs");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn number(image: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(image[at..at + 8].try_into().unwrap())).unwrap()
}

/// The image as far as its superblock says that it goes.
fn region(name: &str) -> Vec<u8> {
    let mut image = fixture(&format!("{name}.img"));
    image.truncate(number(&image, 40));
    image
}

fn open(image: Vec<u8>) -> Opened {
    Squashfs.open(image.into(), &Budget::new(Limits::default()))
}

fn entries(opened: Opened) -> Vec<Entry> {
    match opened.content {
        Content::Tree(tree) => tree.entries,
        _ => Vec::new(),
    }
}

fn kinds(opened: &Opened) -> Vec<ProblemKind> {
    opened.problems.iter().map(|problem| problem.kind).collect()
}

fn read(node: &Node) -> Option<Result<Vec<u8>, Fault>> {
    let Node::File(file) = node else { return None };
    let mut out = Vec::new();
    let result = file.data.copy_to(&mut out).map(|()| out);
    if let Ok(bytes) = &result {
        assert_eq!(u64::try_from(bytes.len()).unwrap(), file.size);
    }
    Some(result)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Columns 3 to 9 of the listing: mode, owner, group, size, digest, target, attributes.
fn row(entry: &Entry) -> String {
    let (mut size, mut digest, mut target) = ("-".into(), "-".into(), "-".into());
    match &entry.node {
        Node::File(file) => {
            size = file.size.to_string();
            digest = hex(&Sha256::digest(read(&entry.node).unwrap().unwrap()));
        }
        Node::Symlink(bytes) => target = String::from_utf8_lossy(bytes).into_owned(),
        Node::Char(device) | Node::Block(device) => {
            target = format!("{}:{}", device.major, device.minor);
        }
        _ => {}
    }
    let pairs = entry.meta.xattrs.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", name.escape_ascii(), hex(value)))
        .collect();
    let xattrs = if pairs.is_empty() {
        "-".into()
    } else {
        pairs.join(",")
    };
    let meta = &entry.meta;
    format!(
        "{:04o}\t{}\t{}\t{size}\t{digest}\t{target}\t{xattrs}",
        meta.mode.unwrap(),
        meta.uid.unwrap(),
        meta.gid.unwrap()
    )
}

fn compare(variant: &str, opened: Opened) {
    assert_eq!(opened.problems, [], "{variant}");
    let found: BTreeMap<String, String> = entries(opened)
        .iter()
        .map(|entry| {
            (
                String::from_utf8_lossy(entry.path.as_bytes()).into(),
                row(entry),
            )
        })
        .collect();
    let listing = String::from_utf8(fixture(&format!("{variant}.img.tsv"))).unwrap();
    assert_eq!(listing.lines().count(), found.len(), "{variant}");
    for line in listing.lines() {
        let mut columns = line.splitn(3, '\t');
        let path = columns.next().unwrap();
        // Names that the listing escapes are compared by the suite over all formats.
        if !path.contains('\\') {
            assert_eq!(found[path], columns.nth(1).unwrap(), "{variant}: {path}");
        }
    }
}

#[test]
fn every_compressor_yields_the_tree_that_was_packed() {
    for variant in VARIANTS {
        compare(variant, open(region(variant)));
    }
}

/// Length of the file system as the superblock of each version stores it.
fn bytes_used(image: &[u8], version: u16, big: bool) -> usize {
    let (at, len) = [(8, 4), (8, 4), (63, 8), (40, 8)][usize::from(version) - 1];
    let bytes = image[at..at + len].iter().rev();
    let bytes: Vec<u8> = bytes.copied().collect();
    let bytes = if big { &image[at..at + len] } else { &bytes };
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | usize::from(byte))
}

#[test]
fn every_version_order_and_vendor_yields_the_tree_and_every_byte_is_named() {
    for (variant, version, big) in OLDER {
        let image = fixture(&format!("{variant}.img"));
        let used = bytes_used(&image, version, big);
        let extent = Extent::known(used.try_into().unwrap(), Proof::Structure);
        assert_eq!(
            Squashfs.measure(&image.clone().into()),
            Ok(extent),
            "{variant}"
        );
        let opened = open(image);
        let mut named = vec![false; used];
        for span in &opened.spans {
            let at = usize::try_from(span.at).unwrap();
            named[at..at + usize::try_from(span.len).unwrap()].fill(true);
        }
        assert!(named.iter().all(|&named| named), "{variant}");
        let mtimes: Vec<_> = match &opened.content {
            Content::Tree(tree) => tree.entries.iter().map(|entry| entry.meta.mtime).collect(),
            _ => Vec::new(),
        };
        assert!(mtimes.contains(&Some(1_700_000_000)), "{variant}");
        // Before version 3 links and devices have no time.
        assert_eq!(mtimes.contains(&None), version < 3, "{variant}");
        compare(variant, opened);
    }
}

#[test]
fn a_damaged_superblock_of_an_older_version_is_a_near_miss() {
    let cases: [(&str, usize, u8, &str); 6] = [
        ("v3-little", 28, 9, "the version is not 3"),
        ("v2-big", 34, 9, "the block size and its logarithm disagree"),
        ("v1-little", 37, 0, "there are no owners or no inodes"),
        (
            "v3-big",
            87,
            9,
            "the tables are not in order within the bytes used",
        ),
        (
            "v2-little",
            48,
            9,
            "the root inode lies outside the inode table",
        ),
        (
            "v2-little",
            52,
            9,
            "the block size is no power of two that the version allows",
        ),
    ];
    for (variant, at, byte, told) in cases {
        let mut image = fixture(&format!("{variant}.img"));
        image[at] = byte;
        assert_eq!(
            Squashfs.measure(&image.into()),
            Err(Reject::NearMiss(told)),
            "{variant} {at}"
        );
    }
}

#[test]
fn older_images_that_are_cut_off_or_damaged_are_told() {
    for (variant, version, big) in OLDER {
        let whole = fixture(&format!("{variant}.img"));
        let used = bytes_used(&whole, version, big);
        let good: BTreeMap<_, _> = entries(open(whole.clone()))
            .iter()
            .map(|entry| (entry.path.clone(), read(&entry.node).map(Result::unwrap)))
            .collect();
        for len in (0..used).step_by(1009) {
            let opened = open(whole[..len].to_vec());
            assert!(
                kinds(&opened).contains(&ProblemKind::Corrupt),
                "{variant} {len}"
            );
        }
        // Not the owners at the end: nothing can tell that they were others.
        for at in (128..used - 64).step_by(1511) {
            let mut image = whole.clone();
            image[at] ^= 0x10;
            let opened = open(image);
            let told = !opened.problems.is_empty();
            for entry in entries(opened) {
                let now = read(&entry.node);
                let silent = !told && matches!(&now, None | Some(Ok(_)));
                if silent
                    && version < 4
                    && !variant.contains("odd")
                    && let Some(Ok(bytes)) = now
                {
                    assert_eq!(good.get(&entry.path), Some(&Some(bytes)), "{variant} {at}");
                }
            }
        }
    }
}

#[test]
fn what_is_hidden_in_decoded_blocks_is_told() {
    let opened = open(fixture("hidden.sqsh"));
    let told: Vec<&str> = opened
        .problems
        .iter()
        .map(|problem| problem.detail.as_str())
        .collect();
    assert_eq!(told, ["108 bytes in a metadata block belong to nothing"]);
    let faults: Vec<String> = entries(opened)
        .iter()
        .filter_map(|entry| match read(&entry.node) {
            Some(Err(Fault::Problem(problem))) => Some(problem.detail),
            _ => None,
        })
        .collect();
    let hidden = "data block: 4096 bytes of the decoded fragment block belong to no file";
    assert_eq!(faults, [hidden]);
}

#[test]
fn links_and_equal_files_are_read_once() {
    let data = |entries: &[Entry], path: &str| {
        let entry = entries
            .iter()
            .find(|entry| entry.path.as_bytes() == path.as_bytes());
        match &entry.unwrap().node {
            Node::File(file) => std::sync::Arc::as_ptr(&file.data).addr(),
            _ => panic!("{path} is no file"),
        }
    };
    let linked = entries(open(region("xz")));
    assert_eq!(data(&linked, "/bin/tool"), data(&linked, "/a/b/tool-again"));
    let shared = entries(open(region("shared")));
    assert_eq!(data(&shared, "/file1"), data(&shared, "/file2"));
    assert_ne!(data(&shared, "/file0"), data(&shared, "/file1"));
}

#[test]
fn every_byte_that_is_used_is_named_and_no_other() {
    for variant in VARIANTS {
        let image = fixture(&format!("{variant}.img"));
        let used = number(&image, 40);
        let extent = Squashfs.measure(&image.into());
        let len = u64::try_from(used).unwrap();
        assert_eq!(
            extent,
            Ok(Extent::known(len, Proof::Structure)),
            "{variant}"
        );
        // Bytes that the superblock counts but no structure uses.
        let mut image = region(variant);
        image[40..48].copy_from_slice(&(len + 64).to_le_bytes());
        image.extend([0x5a; 64]);
        let mut named = vec![None; used + 64];
        for span in open(image).spans {
            let at = usize::try_from(span.at).unwrap();
            named[at..at + usize::try_from(span.len).unwrap()].fill(Some(span.role));
        }
        assert!(named[..used].iter().all(Option::is_some), "{variant}");
        assert!(named[used..].iter().all(Option::is_none), "{variant}");
        assert_eq!(named[95], Some(Role::Metadata));
    }
}

#[test]
fn a_superblock_that_contradicts_itself_is_told_and_noise_is_not() {
    let cases: [(usize, u8, &str); 7] = [
        (
            14,
            3,
            "the block size is no power of two that the version allows",
        ),
        (20, 99, "the compressor has no plausible number"),
        (22, 16, "the block size and its logarithm disagree"),
        (30, 1, "the version is not 4.0"),
        (37, 255, "the root inode lies outside the inode table"),
        (55, 1, "the tables are not in order within the bytes used"),
        (26, 0, "there are no owners or no inodes"),
    ];
    for (at, byte, told) in cases {
        let mut image = region("shared");
        image[at] = byte;
        assert_eq!(Squashfs.measure(&image.into()), Err(Reject::NearMiss(told)));
    }
    let mut noise = vec![0xa5; 4096];
    noise[..4].copy_from_slice(b"hsqs");
    assert!(matches!(
        Squashfs.measure(&noise.into()),
        Err(Reject::Coincidence(_))
    ));
}

#[test]
fn an_image_cut_off_anywhere_is_told() {
    let whole = region("shared");
    for len in 0..whole.len() {
        let image = Bytes::copy_from_slice(&whole[..len]);
        let Ok(extent) = Squashfs.measure(&image) else {
            assert!(len < 96);
            continue;
        };
        assert_eq!(
            extent.len,
            Length::Known(u64::try_from(whole.len()).unwrap())
        );
        let opened = open(image.into());
        assert!(kinds(&opened).contains(&ProblemKind::Corrupt), "{len}");
        for entry in entries(opened) {
            let _ = read(&entry.node);
        }
    }
}

#[test]
fn damaged_content_is_a_fault_and_never_silent() {
    for variant in ["gzip", "xz"] {
        let whole = region(variant);
        let good: Vec<_> = entries(open(whole.clone()))
            .iter()
            .map(|entry| read(&entry.node).map(Result::unwrap))
            .collect();
        for at in (96..number(&whole, 64)).step_by(997) {
            let mut image = whole.clone();
            image[at] ^= 0x10;
            for (entry, good) in entries(open(image)).iter().zip(&good) {
                // What does not compress is stored as it is, without a checksum.
                if entry.path.as_bytes() != b"/random"
                    && let Some(Ok(bytes)) = read(&entry.node)
                {
                    assert_eq!(Some(&bytes), good.as_ref(), "{variant} at {at}");
                }
            }
        }
    }
}

#[test]
fn a_directory_inside_itself_is_entered_once() {
    let mut image = region("plain");
    let table = number(&image, 64) + 2;
    let root = table + (number(&image, 32) & 0xffff);
    let (block, size) = (
        image[root + 16..root + 20].to_vec(),
        image[root + 24..root + 28].to_vec(),
    );
    let wanted = [[1, 0], 0o711_u16.to_le_bytes()].concat();
    let empty = image.windows(4).position(|bytes| bytes == wanted).unwrap();
    image[empty + 16..empty + 20].copy_from_slice(&block);
    image[empty + 24..empty + 28].copy_from_slice(&size);
    let opened = open(image);
    let loops = opened.problems.iter();
    assert!(
        loops
            .filter(|problem| problem.detail.contains("reached before"))
            .count()
            > 2
    );
    assert!(entries(opened).len() < 200);
}

#[test]
fn names_that_are_no_names_are_kept_and_told() {
    for (name, path) in [
        (&b"dang/ing"[..], &b"/dang/ing"[..]),
        (b"dang\0ing", b"/dang\0ing"),
    ] {
        let mut image = region("plain");
        let directories = number(&image, 72);
        let at = image[directories..]
            .windows(8)
            .position(|bytes| bytes == b"dangling");
        image[directories + at.unwrap()..][..8].copy_from_slice(name);
        let opened = open(image);
        assert_eq!(kinds(&opened), [ProblemKind::Name]);
        assert!(
            entries(opened)
                .iter()
                .any(|entry| entry.path.as_bytes() == path)
        );
    }
}
