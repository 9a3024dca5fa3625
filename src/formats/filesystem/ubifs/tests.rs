use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Ubifs;
use super::node::crc;
use crate::budget::{Budget, Limits};
use crate::entry::{Data, Fault, Node};
use crate::formats::{Content, Format, Length, Opened, Proof, Reject, Tree};
use crate::problem::{Problem, ProblemKind};

/// Size of an erase block of the crafted image (bytes).
const LEB: usize = 16384;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/ubifs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn image(name: &str) -> Vec<u8> {
    let packed = fixture(&format!("{name}.img.gz"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn measured(bytes: &[u8]) -> Result<(u64, Proof), Reject> {
    let extent = Ubifs.measure(&Bytes::copy_from_slice(bytes))?;
    match extent.len {
        Length::Known(len) => Ok((len, extent.proof)),
        Length::Decoded => panic!("a length is known"),
    }
}

fn open(bytes: &[u8]) -> (Tree, Opened) {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut opened = Ubifs.open(bytes, &Budget::new(Limits::default()));
    match std::mem::replace(&mut opened.content, Content::Unread) {
        Content::Tree(tree) => (tree, opened),
        _ => panic!("a tree"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn digest(data: &dyn Data, size: u64) -> Result<String, Problem> {
    let mut out = Vec::new();
    match data.copy_to(&mut out) {
        Ok(()) => assert_eq!(u64::try_from(out.len()).unwrap(), size),
        Err(Fault::Problem(problem)) => return Err(problem),
        Err(Fault::Sink(error)) => panic!("{error}"),
    }
    Ok(hex(&Sha256::digest(&out)))
}

/// Path to mode, owner, content and extended attributes.
fn listed(tree: &Tree) -> BTreeMap<String, String> {
    let rows = tree.entries.iter().map(|entry| {
        let content = match &entry.node {
            Node::File(file) => {
                digest(&*file.data, file.size).unwrap_or_else(|problem| problem.detail)
            }
            Node::Symlink(target) => String::from_utf8_lossy(target).into_owned(),
            Node::Char(device) | Node::Block(device) => {
                format!("{}:{}", device.major, device.minor)
            }
            _ => "-".into(),
        };
        let meta = &entry.meta;
        let attributes = meta.xattrs.iter();
        let mut attributes: Vec<_> = attributes
            .map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), hex(value)))
            .collect();
        if attributes.is_empty() {
            attributes.push("-".into());
        }
        let row = format!(
            "{:04o} {}:{} {content} {}",
            meta.mode.unwrap_or(0),
            meta.uid.unwrap_or(0),
            meta.gid.unwrap_or(0),
            attributes.join(",")
        );
        (crate::place::escape(entry.path.as_bytes()), row)
    });
    rows.collect()
}

fn expected(name: &str) -> BTreeMap<String, String> {
    let text = String::from_utf8(fixture(&format!("{name}.img.gz.tsv"))).unwrap();
    let rows = text.lines().map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let content = if cells[6] == "-" { cells[7] } else { cells[6] };
        let row = format!(
            "{} {}:{} {content} {}",
            cells[2], cells[3], cells[4], cells[8]
        );
        (cells[0].to_owned(), row)
    });
    rows.collect()
}

fn history(tree: &Tree) -> Vec<String> {
    let row = |old: &crate::entry::Superseded| {
        let path = crate::place::escape(old.path.as_bytes());
        let digest = digest(&*old.file.data, old.file.size).unwrap();
        let (mtime, size) = (old.mtime.unwrap(), old.file.size);
        format!("{path}\t{}\t{mtime}\t{size}\t{digest}", old.why)
    };
    let mut rows: Vec<String> = tree.history.iter().map(row).collect();
    rows.sort();
    rows
}

/// How many bytes are neither explained nor erased nor zero.
fn unknown(bytes: &[u8], opened: &Opened) -> usize {
    let mut left: Vec<u8> = bytes.to_vec();
    for span in &opened.spans {
        let at = usize::try_from(span.at).unwrap();
        let end = at + usize::try_from(span.len).unwrap();
        left[at..end].fill(0);
    }
    let used = |&&byte: &&u8| !matches!(byte, 0 | 0xff);
    left.iter().filter(used).count()
}

fn told(problems: &[Problem], words: &str) -> bool {
    problems
        .iter()
        .any(|problem| problem.detail.contains(words))
}

/// Gives the node at `at` the checksum of its bytes.
fn seal(image: &mut [u8], at: usize) {
    let len = u32::from_le_bytes(image[at + 16..at + 20].try_into().unwrap());
    let sum = crc(&image[at + 8..at + usize::try_from(len).unwrap()]);
    image[at + 4..at + 8].copy_from_slice(&sum.to_le_bytes());
}

/// Where the first node of a type stands behind `from`.
fn node(image: &[u8], from: usize, kind: u8) -> usize {
    let magic = [0x31, 0x18, 0x10, 0x06];
    let mut places = (from..image.len() - 24).step_by(8);
    places
        .find(|&at| image[at..].starts_with(&magic) && image[at + 20] == kind)
        .unwrap()
}

#[test]
fn images_of_the_real_tools_come_out_exactly_and_without_unknown_bytes() {
    for name in [
        "page-2048-lzo",
        "page-2048-none",
        "page-4096-zlib",
        "page-512-zstd",
        "big-space-table",
        "signed",
        "crafted",
    ] {
        let bytes = image(name);
        let whole = u64::try_from(bytes.len()).unwrap();
        assert_eq!(measured(&bytes), Ok((whole, Proof::Checksum)), "{name}");
        let (tree, opened) = open(&bytes);
        assert_eq!(listed(&tree), expected(name), "{name}");
        assert_eq!(opened.problems, [], "{name}");
        assert_eq!(unknown(&bytes, &opened), 0, "{name}");
    }
}

#[test]
fn what_was_overwritten_replaced_and_deleted_is_history() {
    let (tree, _) = open(&image("crafted"));
    let want = String::from_utf8(fixture("crafted.img.gz.history.tsv")).unwrap();
    assert_eq!(history(&tree), want.lines().collect::<Vec<_>>());
    assert!(history(&open(&image("page-4096-zlib")).0).is_empty());
}

#[test]
fn hard_links_share_their_content() {
    let (tree, _) = open(&image("page-2048-none"));
    let data = |path: &[u8]| {
        let mut entries = tree.entries.iter();
        let entry = entries.find(|entry| entry.path.as_bytes() == path).unwrap();
        match &entry.node {
            Node::File(file) => std::sync::Arc::clone(&file.data),
            _ => panic!("a file"),
        }
    };
    let (one, other) = (data(b"/bin/tool"), data(b"/a/b/tool-again"));
    assert!(std::sync::Arc::ptr_eq(&one, &other));
}

#[test]
fn encrypted_names_and_contents_are_listed_and_named() {
    let (tree, opened) = open(&image("encrypted"));
    assert_eq!(tree.entries.len(), 3);
    let encrypted = |problem: &Problem| problem.kind == ProblemKind::Encrypted;
    assert_eq!(opened.problems.len(), 2);
    assert!(opened.problems.iter().all(encrypted));
    let mut files = tree.entries.iter().filter_map(|entry| match &entry.node {
        Node::File(file) => Some((entry, file)),
        _ => None,
    });
    let (entry, file) = files.next().unwrap();
    assert!(encrypted(&digest(&*file.data, file.size).unwrap_err()));
    let name = &entry.path.as_bytes()[1..];
    assert!(name.len() >= 32 && name.iter().all(u8::is_ascii_hexdigit));
}

#[test]
fn the_hashes_of_an_authenticated_image_are_verified() {
    let bytes = image("signed");
    let (_, opened) = open(&bytes);
    let verified = opened
        .properties
        .iter()
        .find(|(name, _)| *name == b"hashes-verified")
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    // As many nodes of these kinds as mkfs.ubifs wrote: each is in the index once.
    let mut nodes = 0;
    let mut at = 0;
    while at + 24 <= bytes.len() {
        let is_node = bytes[at..].starts_with(&[0x31, 0x18, 0x10, 0x06]);
        // The first block but one has the signature, which is marked as an inode.
        nodes += u32::from(is_node && at > 3 * 126_976 && matches!(bytes[at + 20], 0..=3 | 9));
        at += 8;
    }
    assert_eq!(verified, Some(nodes.to_string()));
    // The owner of an inode, a name, content, an index node; each with the checksum of its bytes.
    for (kind, offset) in [(0, 96), (2, 57), (1, 48), (9, 20 + 8)] {
        let mut bytes = bytes.clone();
        let at = node(&bytes, 4 * 126_976, kind);
        bytes[at + offset] ^= 1;
        seal(&mut bytes, at);
        let (_, opened) = open(&bytes);
        let wrong = opened.problems.iter().any(|problem| {
            problem.kind == ProblemKind::ChecksumMismatch && problem.detail.contains("the hash of")
        });
        assert!(wrong, "{kind}: {:?}", opened.problems);
    }
    // Both master nodes, alike.
    let mut bytes = bytes;
    for leb in [1, 2] {
        let at = leb * 126_976;
        bytes[at + 24] ^= 1;
        seal(&mut bytes, at);
    }
    assert!(told(
        &open(&bytes).1.problems,
        "not the one that the superblock states"
    ));
}

#[test]
fn without_its_index_a_file_system_is_read_by_age() {
    let bytes = image("page-4096-zlib");
    let want = listed(&open(&bytes).0);
    for kind in [7, 9, 10] {
        let mut bytes = bytes.clone();
        let mut at = 0;
        // Both masters, the index, or the log.
        for _ in 0..2 {
            at = node(&bytes, at, kind);
            bytes[at + 30] ^= 1;
            at += 8;
            if kind == 10 {
                break;
            }
        }
        let (tree, opened) = open(&bytes);
        assert!(
            told(&opened.problems, "read by age"),
            "{kind}: {:?}",
            opened.problems
        );
        assert_eq!(listed(&tree), want, "{kind}");
    }
}

#[test]
fn a_journal_that_is_damaged_is_told() {
    let bytes = image("crafted");
    let want = listed(&open(&bytes).0);
    for (kind, from) in [(0, 10), (1, 11), (2, 10), (4, 10), (8, 3), (7, 1)] {
        let mut bytes = bytes.clone();
        let at = node(&bytes, from * LEB, kind);
        bytes[at + 25] ^= 0x40;
        let (tree, opened) = open(&bytes);
        assert!(
            listed(&tree) == want || !opened.problems.is_empty(),
            "{kind}"
        );
    }
}

#[test]
fn masters_that_differ_and_indexes_that_lead_nowhere_are_told() {
    let mut bytes = image("crafted");
    let at = LEB + 512;
    bytes[at + 32] ^= 1;
    seal(&mut bytes, at);
    assert!(told(&open(&bytes).1.problems, "two master nodes differ"));
    // A leaf of the index: the place of the first inode.
    let mut bytes = image("crafted");
    let at = node(&bytes, 13 * LEB, 9);
    bytes[at + 28 + 4] ^= 8;
    seal(&mut bytes, at);
    assert!(told(
        &open(&bytes).1.problems,
        "is not where the index says"
    ));
    // A root that is its own child.
    let mut bytes = image("crafted");
    let mut root = at;
    while bytes[root + 26] != 1 {
        root = node(&bytes, root + 8, 9);
    }
    let place = u32::try_from(root % LEB).unwrap().to_le_bytes();
    bytes[root + 32..root + 36].copy_from_slice(&place);
    seal(&mut bytes, root);
    let (tree, opened) = open(&bytes);
    assert!(told(&opened.problems, "runs in a circle"));
    assert!(tree.entries.len() > 5);
}

#[test]
fn hidden_bytes_are_not_explained() {
    let bytes = image("crafted");
    for at in [9 * LEB - 4096, 3 * LEB - 4096, 6 * LEB, 12 * LEB + 64] {
        let mut bytes = bytes.clone();
        bytes[at..at + 4096].fill(0x5a);
        let (_, opened) = open(&bytes);
        assert_eq!(unknown(&bytes, &opened), 4096, "{at:#x}");
    }
    // A whole node behind erased flash, where Linux does not look.
    let mut bytes = bytes.clone();
    let data = node(&bytes, 11 * LEB, 1);
    bytes.copy_within(data..data + 48, 12 * LEB + 800);
    let at = 12 * LEB + 800;
    bytes[at + 8] = 0xee;
    bytes[at + 16..at + 20].copy_from_slice(&48_u32.to_le_bytes());
    seal(&mut bytes, at);
    let (_, opened) = open(&bytes);
    assert!(unknown(&bytes, &opened) > 10);
}

#[test]
fn a_damaged_superblock_is_told_or_a_near_miss() {
    let mut bytes = image("crafted");
    bytes[110] ^= 1;
    assert!(matches!(measured(&bytes), Ok((_, Proof::Structure))));
    let (tree, opened) = open(&bytes);
    assert!(told(&opened.problems, "checksum of a node"));
    assert_eq!(listed(&tree), expected("crafted"));
    bytes[LEB..3 * LEB].fill(0xff);
    assert!(matches!(measured(&bytes), Err(Reject::NearMiss(_))));
    bytes[36..40].fill(0xff);
    assert!(matches!(measured(&bytes), Err(Reject::Coincidence(_))));
}

#[test]
fn sizes_and_names_that_cannot_be_are_told() {
    // The size of an inode, the name of a directory entry, the type of an inode.
    for (kind, from, at, byte, words) in [
        (0, 10, 55, 0x40, "no key can name"),
        (2, 10, 57, 0, "no program can have made"),
        (0, 8, 104, 0xff, ""),
    ] {
        let mut bytes = image("crafted");
        let node = node(&bytes, from * LEB, kind);
        bytes[node + at] = byte;
        seal(&mut bytes, node);
        let (tree, opened) = open(&bytes);
        assert!(told(&opened.problems, words) || words.is_empty(), "{words}");
        assert!(tree.entries.len() > 8);
    }
}

#[test]
fn an_image_cut_anywhere_tells_what_it_lacks() {
    let bytes = image("crafted");
    let want = listed(&open(&bytes).0);
    for end in (4096..bytes.len()).step_by(1531) {
        let (tree, opened) = open(&bytes[..end]);
        let faults = tree.entries.iter().any(|entry| match &entry.node {
            Node::File(file) => digest(&*file.data, file.size).is_err(),
            _ => false,
        });
        let whole = listed(&tree) == want;
        assert!(whole || faults || !opened.problems.is_empty(), "{end}");
    }
}
