mod hostile;

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use crate::budget::{Budget, Limits};
use crate::entry::{Entry, Fault, File, Node};
use crate::formats::archive::tar::Tar;
use crate::formats::{Content, Extent, Format, Length, Opened, Proof, Reject};
use crate::problem::ProblemKind;

/// One member, built from the text of the specification and not from the reader's types.
struct Member {
    block: Vec<u8>,
    body: Vec<u8>,
}

impl Member {
    fn new(name: &[u8], kind: u8, body: &[u8]) -> Self {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..107].copy_from_slice(b"0000644");
        block[108..115].copy_from_slice(b"0001750");
        block[116..123].copy_from_slice(b"0000144");
        block[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        block[136..147].copy_from_slice(b"14524677000");
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        Self {
            block,
            body: body.to_vec(),
        }
    }

    fn link(name: &[u8], target: &[u8]) -> Self {
        Self::new(name, b'1', b"").with(157, target)
    }

    fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        self.block[148..156].fill(b' ');
        let sum: u64 = self.block.iter().map(|&byte| u64::from(byte)).sum();
        self.block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.body.resize(self.body.len().next_multiple_of(512), 0);
        [self.block, self.body].concat()
    }
}

fn record(key: &str, value: &str) -> String {
    let tail = format!(" {key}={value}\n");
    let len = (1..999).find(|len: &usize| len - len.to_string().len() == tail.len());
    format!("{}{tail}", len.unwrap())
}

fn extended(records: &[(&str, &str)]) -> Member {
    let body: String = records
        .iter()
        .map(|(key, value)| record(key, value))
        .collect();
    Member::new(b"./PaxHeaders/x", b'x', body.as_bytes())
}

fn archive(members: impl IntoIterator<Item = Member>) -> Vec<u8> {
    let mut bytes: Vec<u8> = members.into_iter().flat_map(Member::bytes).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn open(bytes: &[u8]) -> (Vec<Entry>, Opened) {
    let budget = Budget::new(Limits::default());
    let mut opened = Tar.open(Bytes::copy_from_slice(bytes), &budget);
    let content = std::mem::replace(&mut opened.content, Content::Unread);
    let Content::Tree(tree) = content else {
        panic!("a tar is a tree");
    };
    (tree.entries, opened)
}

fn read(entry: &Entry) -> Result<Vec<u8>, Fault> {
    let file = file(entry);
    let mut out = Vec::new();
    file.data.copy_to(&mut out)?;
    assert_eq!(u64::try_from(out.len()).unwrap(), file.size);
    Ok(out)
}

fn file(entry: &Entry) -> &File {
    match &entry.node {
        Node::File(file) => file,
        node => panic!("a file was expected, not {node:?}"),
    }
}

fn paths(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|entry| entry.path.as_bytes()).collect()
}

fn told(opened: &Opened, kind: ProblemKind, words: &str) -> bool {
    let fits = |detail: &str| detail.contains(words);
    opened
        .problems
        .iter()
        .any(|problem| problem.kind == kind && fits(&problem.detail))
}

fn named(opened: &Opened, at: usize) -> bool {
    let at = u64::try_from(at).unwrap();
    opened
        .spans
        .iter()
        .any(|span| (span.at..span.at + span.len).contains(&at))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn every_variant_yields_what_was_packed() {
    use sha2::Digest;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tar");
    for variant in [
        "v7",
        "ustar",
        "gnu",
        "oldgnu",
        "pax",
        "pax-sparse-0.0",
        "pax-sparse-0.1",
    ] {
        let image = std::fs::read(format!("{folder}/{variant}.img")).unwrap();
        let truth = std::fs::read_to_string(format!("{folder}/{variant}.img.tsv")).unwrap();
        let Ok(extent) = Tar.measure(&Bytes::copy_from_slice(&image)) else {
            panic!("{variant} is not recognised");
        };
        let Extent {
            len: Length::Known(len),
            proof: Proof::Checksum,
        } = extent
        else {
            panic!("{variant} is not measured");
        };
        let (entries, opened) = open(&image[..usize::try_from(len).unwrap()]);
        assert_eq!(opened.problems, [], "{variant}");
        let mut found: Vec<String> = entries
            .iter()
            .filter(|entry| matches!(entry.node, Node::File(_)))
            .map(|entry| {
                let digest = sha2::Sha256::digest(read(entry).unwrap());
                let meta = &entry.meta;
                format!(
                    "{:04o} {} {} {}",
                    meta.mode.unwrap(),
                    meta.uid.unwrap(),
                    meta.gid.unwrap(),
                    hex(&digest)
                )
            })
            .collect();
        let rows = truth.lines().map(|row| row.split('\t').collect::<Vec<_>>());
        let mut wanted: Vec<String> = rows
            .filter(|row| row[1] == "file")
            .map(|row| format!("{} {} {} {}", row[2], row[3], row[4], row[6]))
            .collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{variant}");
        assert_eq!(entries.len(), truth.lines().count(), "{variant}");
    }
}

#[test]
fn links_share_one_content_and_may_only_point_back() {
    let (entries, opened) = open(&archive([
        Member::new(b"a", b'0', b"content"),
        Member::link(b"b", b"./a"),
        Member::link(b"c", b"b"),
        Member::link(b"self", b"self"),
        Member::link(b"x", b"y"),
        Member::link(b"y", b"x"),
        Member::new(b"late", b'0', b""),
    ]));
    assert!(Arc::ptr_eq(
        &file(&entries[0]).data,
        &file(&entries[2]).data
    ));
    assert_eq!(read(&entries[1]).unwrap(), b"content");
    assert!(matches!(read(&entries[3]), Err(Fault::Problem(_))));
    assert!(matches!(read(&entries[4]), Err(Fault::Problem(_))));
    assert!(matches!(read(&entries[5]), Err(Fault::Problem(_))));
    assert_eq!(
        opened.problems.len(),
        2,
        "a link to a broken link is one more name of it"
    );
    assert!(told(&opened, ProblemKind::Corrupt, "no earlier member"));
}

#[test]
fn names_come_in_full_and_climbing_ones_are_told() {
    let long = [b'n'; 100];
    let (entries, opened) = open(&archive([
        Member::new(&long, b'0', b"").with(345, b"prefix"),
        Member::new(b"../up", b'0', b""),
        Member::new(b"/etc/passwd", b'0', b""),
        Member::new(b"dir/", 0, b""),
        Member::new(b"././@LongLink", b'L', b"long\0").with(257, b"ustar  \0"),
        Member::new(b"short", b'2', b"").with(157, b"target"),
    ]));
    assert_eq!(
        entries[0].path.as_bytes(),
        [&b"/prefix/"[..], &long].concat()
    );
    assert_eq!(
        paths(&entries[1..]),
        [&b"/../up"[..], b"/etc/passwd", b"/dir", b"/long"]
    );
    assert!(matches!(entries[3].node, Node::Dir));
    assert!(matches!(&entries[4].node, Node::Symlink(target) if target == b"target"));
    let (_, with_zero) = open(&archive([
        extended(&[("path", "a\0b")]),
        Member::new(b"a", b'0', b""),
    ]));
    assert!(told(&with_zero, ProblemKind::Corrupt, "zero byte"));
    let names = opened
        .problems
        .iter()
        .filter(|problem| problem.kind == ProblemKind::Name);
    assert_eq!(names.count(), 2);
}

#[test]
fn an_old_sparse_map_goes_on_in_blocks_of_its_own() {
    let pair = |at: u64| format!("{at:011o}\0{:011o}\0", 1).into_bytes();
    let slots: Vec<u8> = (0..4).flat_map(|at| pair(at * 10)).collect();
    let more: Vec<u8> = (4..25).flat_map(|at| pair(at * 10)).collect();
    let mut bytes = Member::new(b"s", b'S', b"")
        .with(257, b"ustar  \0")
        .with(124, format!("{:011o}", 26).as_bytes())
        .with(386, &slots)
        .with(482, b"\x01")
        .with(483, format!("{:011o}\0", 300).as_bytes())
        .bytes();
    for (pairs, is_extended) in [(more, 1), (pair(250), 0)] {
        bytes.extend(pairs);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        let flag = bytes.len() - 8;
        bytes[flag] = is_extended;
    }
    bytes.extend([b'x'; 26]);
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    let (entries, opened) = open(&bytes);
    assert_eq!(opened.problems, []);
    let wanted: Vec<u8> = (0..300)
        .map(|at| if at % 10 == 0 && at < 260 { b'x' } else { 0 })
        .collect();
    assert_eq!(read(&entries[0]).unwrap(), wanted);
}

#[test]
fn what_no_reader_looks_at_is_not_explained() {
    let comment = "hidden\u{1}";
    let mut bytes = archive([
        Member::new(b"a\0hidden", b'0', b"body")
            .with(500, b"hidden")
            .with(200, b"hidden"),
        extended(&[("VENDOR.key", "hidden"), ("comment", comment)]),
        Member::new(b"d", b'5', b"hidden, since a directory has no body"),
    ]);
    bytes[512 + 400..512 + 406].copy_from_slice(b"hidden");
    let (entries, opened) = open(&bytes);
    assert_eq!(entries.len(), 2);
    let found: Vec<usize> = memchr::memmem::find_iter(&bytes, b"hidden").collect();
    assert_eq!(found.len(), 7);
    for at in found {
        assert!(!named(&opened, at), "the bytes at {at} are explained");
    }
    assert!(named(&opened, 0) && named(&opened, 512) && named(&opened, bytes.len() - 1));
    assert!(told(&opened, ProblemKind::Corrupt, "can have none"));
}

#[test]
fn an_archive_ends_with_its_two_zero_blocks() {
    let members = || {
        [
            Member::new(b"a", b'0', b"body"),
            Member::new(b"b", b'0', b""),
        ]
    };
    let mut bytes = archive(members());
    let len = bytes.len();
    bytes.resize(10_240, 0);
    bytes.extend(b"payload");
    let measured = Tar.measure(&Bytes::from(bytes));
    assert_eq!(
        measured,
        Ok(Extent::known(u64::try_from(len).unwrap(), Proof::Checksum))
    );
    let [a, b] = members();
    let lone = [
        a.bytes(),
        vec![0; 512],
        b.bytes(),
        vec![0; 512],
        b"payload".repeat(99),
    ]
    .concat();
    let (entries, opened) = open(&lone);
    assert_eq!(paths(&entries), [b"/a", b"/b"]);
    assert!(told(&opened, ProblemKind::Corrupt, "a single zero block"));
    assert!(told(&opened, ProblemKind::Corrupt, "not with two"));
}
