use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Jffs2;
use super::node::crc;
use crate::budget::{Budget, Limits};
use crate::entry::{Data, Fault, Node};
use crate::formats::{Content, Format, Length, Opened, Proof, Reject, Tree};
use crate::problem::{Problem, ProblemKind};

const IMAGES: [&str; 6] = [
    "little-zlib",
    "little-rtime",
    "little-summary",
    "big-lzo",
    "big-stored",
    "crafted",
];

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/fixtures/jffs2/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("{name}.img"))
}

fn measured(bytes: &[u8]) -> Result<u64, Reject> {
    let extent = Jffs2.measure(&Bytes::copy_from_slice(bytes))?;
    assert_eq!(extent.proof, Proof::Checksum);
    match extent.len {
        Length::Known(len) => Ok(len),
        Length::Decoded => panic!("a length is known"),
    }
}

fn open(bytes: &[u8]) -> (Tree, Opened) {
    let mut opened = Jffs2.open(
        Bytes::copy_from_slice(bytes),
        &Budget::new(Limits::default()),
    );
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

/// What a file, link or device holds, as the listings write it.
fn shown(node: &Node) -> Result<String, Problem> {
    Ok(match node {
        Node::File(file) => return digest(&*file.data, file.size),
        Node::Symlink(target) => String::from_utf8_lossy(target).into_owned(),
        Node::Char(device) | Node::Block(device) => format!("{}:{}", device.major, device.minor),
        _ => "-".into(),
    })
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

/// Path to mode, owner, content and extended attributes; only paths that the listings do not escape.
fn listed(tree: &Tree) -> BTreeMap<String, String> {
    let rows = tree.entries.iter().filter_map(|entry| {
        let path = String::from_utf8(entry.path.as_bytes().to_vec()).ok()?;
        let meta = &entry.meta;
        let attributes: Vec<String> = meta
            .xattrs
            .iter()
            .map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), hex(value)))
            .collect();
        let attributes = if attributes.is_empty() {
            "-".into()
        } else {
            attributes.join(",")
        };
        let content = shown(&entry.node).unwrap_or_else(|problem| problem.detail);
        let (mode, uid, gid) = (meta.mode?, meta.uid?, meta.gid?);
        Some((
            path,
            format!("{mode:04o} {uid}:{gid} {content} {attributes}"),
        ))
    });
    rows.filter(|(path, _)| plain(path)).collect()
}

fn plain(path: &str) -> bool {
    path.chars()
        .all(|char| char.is_ascii_graphic() && char != '\\')
}

fn expected(name: &str) -> BTreeMap<String, String> {
    let text = String::from_utf8(fixture(&format!("{name}.img.tsv"))).unwrap();
    let rows = text.lines().map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let content = if cells[6] == "-" { cells[7] } else { cells[6] };
        let row = format!(
            "{} {}:{} {content} {}",
            cells[2], cells[3], cells[4], cells[8]
        );
        (cells[0].to_owned(), row)
    });
    rows.filter(|(path, _)| plain(path)).collect()
}

/// The bytes that no span explains.
fn unexplained(bytes: &[u8], opened: &Opened) -> Vec<bool> {
    let mut left = vec![true; bytes.len()];
    for span in &opened.spans {
        let at = usize::try_from(span.at).unwrap();
        left[at..at + usize::try_from(span.len).unwrap()].fill(false);
    }
    left
}

#[test]
fn images_of_the_real_tools_come_out_exactly() {
    for name in IMAGES {
        let bytes = image(name);
        assert_eq!(
            measured(&bytes),
            Ok(u64::try_from(bytes.len()).unwrap()),
            "{name}"
        );
        let (tree, opened) = open(&bytes);
        assert_eq!(listed(&tree), expected(name), "{name}");
        assert_eq!(opened.problems, [], "{name}");
        let left = unexplained(&bytes, &opened);
        assert!(
            bytes
                .iter()
                .zip(left)
                .all(|(&byte, left)| !left || byte == 0xff),
            "{name}"
        );
    }
}

#[test]
fn what_was_overwritten_replaced_and_deleted_is_history() {
    let (tree, _) = open(&image("crafted"));
    let mut rows = String::new();
    for old in &tree.history {
        let path = String::from_utf8_lossy(old.path.as_bytes());
        let digest = digest(&*old.file.data, old.file.size).unwrap();
        writeln!(rows, "{path}\t{}\t{}\t{digest}", old.why, old.file.size).unwrap();
    }
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_unstable();
    let want = String::from_utf8(fixture("crafted.img.history.tsv")).unwrap();
    assert_eq!(rows, want.lines().collect::<Vec<_>>());
}

#[test]
fn hard_links_share_their_content() {
    let (tree, _) = open(&image("little-zlib"));
    let tool = |path: &[u8]| {
        let entry = tree
            .entries
            .iter()
            .find(|entry| entry.path.as_bytes() == path)
            .unwrap();
        match &entry.node {
            Node::File(file) => std::sync::Arc::clone(&file.data),
            _ => panic!("a file"),
        }
    };
    assert!(std::sync::Arc::ptr_eq(
        &tool(b"/bin/tool"),
        &tool(b"/a/b/tool-again")
    ));
}

#[test]
fn bytes_hidden_in_erased_flash_and_in_padding_are_not_explained() {
    let mut bytes = image("crafted");
    let end = bytes.len();
    bytes[end - 4096..end - 96].fill(0x5a);
    let padding = bytes
        .windows(4)
        .position(|node| node == [0x85, 0x19, 0x04, 0x20])
        .unwrap();
    bytes[padding + 14] = 1;
    assert_eq!(measured(&bytes), Ok(u64::try_from(end - 4096).unwrap()));
    let (_, opened) = open(&bytes);
    let left = unexplained(&bytes, &opened);
    assert!(left[end - 4096..end - 96].iter().all(|&left| left));
    assert!(left[padding + 14]);
    assert!(
        opened
            .problems
            .iter()
            .any(|problem| problem.kind == ProblemKind::Corrupt)
    );
}

#[test]
fn a_damaged_node_is_told_with_the_path_and_never_read() {
    let bytes = image("big-lzo");
    let (tree, _) = open(&bytes);
    let data = bytes
        .windows(4)
        .position(|node| node == [0x19, 0x85, 0xe0, 0x02])
        .unwrap();
    assert!(!tree.entries.is_empty());
    // Poke every field of some nodes: header, fields, data.
    for node in (data..bytes.len() - 12)
        .step_by(4)
        .filter(|&at| bytes[at..at + 2] == [0x19, 0x85])
        .take(60)
    {
        for poke in [0, 3, 7, 9, 13, 17, 40, 68] {
            let mut bytes = bytes.clone();
            bytes[node + poke] ^= 0x40;
            let (after, opened) = open(&bytes);
            let told = !opened.problems.is_empty();
            let faults = after
                .entries
                .iter()
                .any(|entry| shown(&entry.node).is_err());
            let same = listed(&after) == listed(&tree);
            assert!(told || faults || same, "{node:#x}+{poke}");
        }
    }
}

#[test]
fn a_summary_that_differs_from_its_block_is_told() {
    let mut bytes = image("little-summary");
    let at = bytes
        .windows(4)
        .position(|node| node == [0x85, 0x19, 0x06, 0x20])
        .unwrap();
    let len = usize::try_from(u32::from_le_bytes(
        bytes[at + 4..at + 8].try_into().unwrap(),
    ))
    .unwrap();
    // The inode of the first entry, a directory entry: what Linux would open under that name.
    bytes[at + 32 + 18] ^= 1;
    let sum = crc(&bytes[at + 32..at + len]);
    bytes[at + 24..at + 28].copy_from_slice(&sum.to_le_bytes());
    let sum = crc(&bytes[at..at + 24]);
    bytes[at + 28..at + 32].copy_from_slice(&sum.to_le_bytes());
    let (_, opened) = open(&bytes);
    let problem = opened
        .problems
        .iter()
        .find(|problem| problem.at == Some(u64::try_from(at).unwrap()));
    assert!(
        problem.unwrap().detail.contains("summary"),
        "{:?}",
        opened.problems
    );
}

#[test]
fn nodes_where_linux_does_not_look_are_told_and_not_read() {
    let mut bytes = image("crafted");
    let start = bytes.len() - 16384;
    let name = bytes
        .windows(7)
        .position(|name| name == b"monitor")
        .unwrap()
        - 40;
    // A copy of a directory entry behind the erased start of the last block, whose cleanmarker says that it is clean.
    bytes.copy_within(name..name + 48, start + 1024);
    let (_, opened) = open(&bytes);
    let problem = opened
        .problems
        .iter()
        .find(|problem| problem.detail.contains("Linux does not look"));
    assert_eq!(
        problem.unwrap().at,
        Some(u64::try_from(start + 1024).unwrap())
    );
    assert!(
        unexplained(&bytes, &opened)[start + 1024..start + 1072]
            .iter()
            .all(|&left| left)
    );
}

#[test]
fn two_file_systems_side_by_side_are_two() {
    let first = image("crafted");
    let mut both = first.clone();
    both.extend(image("little-zlib"));
    let len = measured(&both).unwrap();
    assert_eq!(len, u64::try_from(first.len()).unwrap());
}

#[test]
fn damage_up_to_a_block_is_bridged_and_junk_around_is_not_claimed() {
    let whole = image("crafted");
    let len = u64::try_from(whole.len()).unwrap();
    let mut bytes = whole.clone();
    bytes[0x1000..0x2000].fill(0x33);
    assert_eq!(measured(&bytes), Ok(len));
    bytes.extend([0x33; 4096]);
    assert_eq!(measured(&bytes), Ok(len));
    assert_eq!(measured(&whole[12..]), Ok(len - 12));
}

#[test]
fn what_is_no_file_system_is_rejected() {
    let lone = [
        &[0x85, 0x19, 3, 0x20, 12, 0, 0, 0, 0xb1, 0xb0, 0x1e, 0xe4][..],
        &[7; 100],
    ]
    .concat();
    assert!(matches!(measured(&lone), Err(Reject::Coincidence(_))));
    let erased = [&lone[..12], &[0xff; 8180]].concat();
    assert_eq!(measured(&erased), Ok(4096));
    let mut broken = image("little-zlib");
    broken[8] ^= 1;
    assert!(matches!(measured(&broken), Err(Reject::NearMiss(_))));
    assert!(matches!(
        measured(&[0x85, 0x19, 1, 0xe0, 7, 7, 7, 7, 7, 7, 7, 7]),
        Err(Reject::Coincidence(_))
    ));
    assert!(matches!(measured(&[0x85]), Err(Reject::Coincidence(_))));
}

#[test]
fn the_old_magic_is_recognised() {
    let mut bytes = image("crafted");
    let nodes: Vec<usize> = (0..bytes.len() - 12)
        .step_by(4)
        .filter(|&at| bytes[at..at + 2] == [0x85, 0x19])
        .collect();
    for at in nodes {
        bytes[at] = 0x84;
        let sum = crc(&bytes[at..at + 8]);
        bytes[at + 8..at + 12].copy_from_slice(&sum.to_le_bytes());
    }
    assert!(measured(&bytes).is_ok());
    let (_, opened) = open(&bytes);
    assert_eq!(opened.problems[0].kind, ProblemKind::Unsupported);
}

#[test]
fn an_image_cut_anywhere_is_read_as_far_as_it_goes() {
    let bytes = image("crafted");
    for len in (0..bytes.len()).step_by(61) {
        let bytes = &bytes[..len];
        if measured(bytes).is_ok() {
            let (tree, _) = open(bytes);
            assert!(
                tree.entries
                    .iter()
                    .filter(|entry| shown(&entry.node).is_err())
                    .count()
                    < 3
            );
        }
    }
}
