use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use crate::budget::{Budget, Limits};
use crate::entry::{Device, Entry, Fault, File, Node};
use crate::formats::archive::cpio::Cpio;
use crate::formats::{Content, Extent, Format, Length, Opened, Proof, Reject};
use crate::problem::ProblemKind;

/// One member, built from the text of the specification and not from the reader's types.
#[derive(Clone)]
struct Member {
    name: Vec<u8>,
    mode: u32,
    ino: u32,
    nlink: u32,
    size: u32,
    rdev: (u32, u32),
    check: u32,
    body: Vec<u8>,
}

impl Member {
    fn new(name: &[u8], mode: u32, body: &[u8]) -> Self {
        Self {
            name: [name, b"\0"].concat(),
            mode,
            ino: 0,
            nlink: 1,
            size: u32::try_from(body.len()).unwrap(),
            rdev: (0, 0),
            check: body.iter().map(|&byte| u32::from(byte)).sum(),
            body: body.to_vec(),
        }
    }

    fn file(name: &[u8], body: &[u8]) -> Self {
        Self::new(name, 0o100_644, body)
    }

    fn linked(name: &[u8], ino: u32, body: &[u8]) -> Self {
        Self {
            ino,
            nlink: 2,
            ..Self::file(name, body)
        }
    }

    fn trailer() -> Self {
        Self::new(b"TRAILER!!!", 0, b"")
    }

    fn newc(self, magic: &str) -> Vec<u8> {
        let name_len = u32::try_from(self.name.len()).unwrap();
        let mut text = magic.to_owned();
        for field in [
            self.ino,
            self.mode,
            1000,
            100,
            self.nlink,
            1_700_000_000,
            self.size,
            8,
            1,
            self.rdev.0,
            self.rdev.1,
            name_len,
            self.check,
        ] {
            write!(text, "{field:08X}").unwrap();
        }
        let mut bytes = text.into_bytes();
        for part in [self.name, self.body] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }
}

fn archive(magic: &str, members: impl IntoIterator<Item = Member>) -> Vec<u8> {
    let members = members.into_iter().chain([Member::trailer()]);
    members.flat_map(|member| member.newc(magic)).collect()
}

fn open(bytes: &[u8]) -> (Vec<Entry>, Opened) {
    let budget = Budget::new(Limits::default());
    let mut opened = Cpio.open(Bytes::copy_from_slice(bytes), &budget);
    let content = std::mem::replace(&mut opened.content, Content::Unread);
    let Content::Tree(tree) = content else {
        panic!("a cpio is a tree");
    };
    (tree.entries, opened)
}

fn measured(bytes: &[u8]) -> Result<u64, Reject> {
    let extent = Cpio.measure(&Bytes::copy_from_slice(bytes))?;
    match extent.len {
        Length::Known(len) => Ok(len),
        Length::Decoded => panic!("a cpio states its length"),
    }
}

fn file(entry: &Entry) -> &File {
    match &entry.node {
        Node::File(file) => file,
        node => panic!("a file was expected, not {node:?}"),
    }
}

fn read(entry: &Entry) -> Result<Vec<u8>, Fault> {
    let file = file(entry);
    let mut out = Vec::new();
    file.data.copy_to(&mut out)?;
    assert_eq!(u64::try_from(out.len()).unwrap(), file.size);
    Ok(out)
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
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cpio");
    for variant in ["newc", "crc", "odc", "bin", "bin-big"] {
        let image = std::fs::read(format!("{folder}/{variant}.img")).unwrap();
        let truth = std::fs::read_to_string(format!("{folder}/{variant}.img.tsv")).unwrap();
        let len = measured(&image).unwrap_or_else(|why| panic!("{variant}: {why:?}"));
        let (entries, opened) = open(&image[..usize::try_from(len).unwrap()]);
        assert_eq!(opened.problems, [], "{variant}");
        let mut found: Vec<String> = entries
            .iter()
            .map(|entry| {
                let meta = &entry.meta;
                let owner = format!(
                    "{:04o} {} {}",
                    meta.mode.unwrap(),
                    meta.uid.unwrap(),
                    meta.gid.unwrap()
                );
                match &entry.node {
                    Node::File(_) => {
                        let digest = sha2::Sha256::digest(read(entry).unwrap());
                        format!("{owner} {} -", hex(&digest))
                    }
                    Node::Symlink(target) => {
                        format!("{owner} - {}", String::from_utf8_lossy(target))
                    }
                    Node::Char(device) | Node::Block(device) => {
                        format!("{owner} - {}:{}", device.major, device.minor)
                    }
                    _ => format!("{owner} - -"),
                }
            })
            .collect();
        let rows = truth.lines().map(|row| row.split('\t').collect::<Vec<_>>());
        let mut wanted: Vec<String> = rows
            .map(|row| format!("{} {} {} {} {}", row[2], row[3], row[4], row[6], row[7]))
            .collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{variant}");
    }
}

#[test]
fn all_names_of_an_inode_share_the_content_that_one_of_them_carries() {
    let (entries, opened) = open(&archive(
        "070701",
        [
            Member::linked(b"a", 7, b""),
            Member::file(b"other", b"other"),
            Member::linked(b"b", 7, b"content"),
        ],
    ));
    assert_eq!(opened.problems, []);
    assert_eq!(read(&entries[0]).unwrap(), b"content");
    assert!(Arc::ptr_eq(
        &file(&entries[0]).data,
        &file(&entries[2]).data
    ));
    let (entries, opened) = open(&archive(
        "070701",
        [
            Member::linked(b"a", 7, b"one"),
            Member::linked(b"b", 7, b"two"),
        ],
    ));
    assert!(told(&opened, ProblemKind::Corrupt, "different contents"));
    assert_eq!(
        (read(&entries[0]).unwrap(), read(&entries[1]).unwrap()),
        (b"one".to_vec(), b"two".to_vec())
    );
    let (_, opened) = open(&archive("070701", [Member::linked(b"a", 7, b"")]));
    assert!(told(&opened, ProblemKind::Corrupt, "1 of 2 names"));
}

#[test]
fn a_sum_that_is_wrong_is_told_with_its_path() {
    let mut bytes = archive(
        "070702",
        [Member::file(b"a", b"content"), Member::file(b"b", b"more")],
    );
    let (_, opened) = open(&bytes);
    assert_eq!(opened.problems, []);
    let at = memchr::memmem::find(&bytes, b"more").unwrap();
    bytes[at] ^= 1;
    let (_, opened) = open(&bytes);
    assert!(told(&opened, ProblemKind::ChecksumMismatch, "sum"));
    assert_eq!(opened.problems[0].path.as_ref().unwrap().as_bytes(), b"/b");
}

#[test]
fn each_archive_of_several_ends_behind_its_trailer() {
    let one = archive("070701", [Member::file(b"first", b"1")]);
    let two = archive("070701", [Member::file(b"second", b"22")]);
    let mut bytes = one.clone();
    bytes.resize(512, 0);
    bytes.extend(&two);
    bytes.extend(b"payload");
    assert_eq!(measured(&bytes), Ok(u64::try_from(one.len()).unwrap()));
    assert_eq!(
        measured(&bytes[512..]),
        Ok(u64::try_from(two.len()).unwrap())
    );
    let open_end = [one.clone(), b"payload".to_vec()].concat();
    let without = &open_end[..one.len() - 124];
    let (entries, opened) = open(without);
    assert_eq!(entries.len(), 1);
    assert!(told(&opened, ProblemKind::Corrupt, "without its trailer"));
}

#[test]
fn a_damaged_header_costs_its_own_member_only() {
    let members = [
        Member::file(b"a", b"1"),
        Member::file(b"b", b"lost"),
        Member::file(b"c", b"3"),
    ];
    let good = archive("070701", members);
    let second = memchr::memmem::find(&good[1..], b"070701").unwrap() + 1;
    let name_len = second + 6 + 11 * 8;
    for (at, bytes, why) in [
        (second, &b"070709"[..], "no member's header"),
        (second + 6, b"x", "no member's header"),
        (second, b"070702", "another variant"),
        (name_len, b"00000000", "impossible length"),
        (name_len, b"FFFFFFFF", "impossible length"),
        (name_len, b"00000001", "impossible length"),
        (name_len + 16, b"\0", "is empty"),
        (name_len + 17, b"x", "does not end with a zero byte"),
    ] {
        let mut poked = good.clone();
        poked[at..at + bytes.len()].copy_from_slice(bytes);
        let (entries, opened) = open(&poked);
        let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_bytes()).collect();
        assert_eq!(paths, [b"/a", b"/c"], "{why}");
        assert!(
            told(&opened, ProblemKind::Corrupt, why),
            "{:?}",
            opened.problems
        );
        assert!(!named(&opened, second), "what was skipped is a gap");
        let rejected = measured(&poked[second..]);
        assert!(
            !poked[second..].starts_with(b"070701")
                || matches!(rejected, Err(Reject::NearMiss(_) | Reject::Coincidence(_)))
        );
    }
}

#[test]
fn a_size_that_lies_is_told() {
    let lying = Member {
        size: u32::MAX,
        ..Member::file(b"a", b"body")
    };
    let bytes = archive("070701", [lying]);
    assert_eq!(measured(&bytes), Ok(112 + (1 << 32)));
    let (entries, opened) = open(&bytes);
    assert_eq!(file(&entries[0]).size, u64::from(u32::MAX));
    assert!(matches!(read(&entries[0]), Err(Fault::Problem(_))));
    assert!(told(&opened, ProblemKind::Corrupt, "the archive ends"));
}

#[test]
fn kinds_and_names_are_kept() {
    let device = Member {
        rdev: (0xfff, 0x000f_ffff),
        ..Member::new(b"dev", 0o060_660, b"")
    };
    let (entries, opened) = open(&archive(
        "070701",
        [
            Member::new(b".", 0o040_711, b""),
            device,
            Member::new(b"socket", 0o140_777, b""),
            Member::new(b"link", 0o120_777, b"target"),
            Member::new(b"../up", 0o010_600, b""),
            Member::new(b"odd", 0o030_600, b"x"),
        ],
    ));
    assert_eq!(
        (entries[0].path.as_bytes(), entries[0].meta.mode),
        (&b"/"[..], Some(0o711))
    );
    let wanted = Device {
        major: 0xfff,
        minor: 0x000f_ffff,
    };
    assert!(matches!(entries[1].node, Node::Block(device) if device == wanted));
    assert!(matches!(entries[2].node, Node::Socket));
    assert!(matches!(&entries[3].node, Node::Symlink(target) if target == b"target"));
    assert!(told(&opened, ProblemKind::Name, "climbs"));
    assert!(told(&opened, ProblemKind::Unsupported, "type 30000"));
    assert_eq!(
        (entries[1].meta.uid, entries[1].meta.mtime),
        (Some(1000), Some(1_700_000_000))
    );
}

#[test]
fn what_no_reader_looks_at_is_not_explained() {
    let mut bytes = archive(
        "070701",
        [
            Member::file(b"a\0hidden", b"body!"),
            Member::new(b"dir", 0o040_755, b"hidden"),
            Member::new(b"link", 0o120_777, b"target\0hidden"),
        ],
    );
    let padding = memchr::memmem::find(&bytes, b"body!").unwrap() + 5;
    bytes[padding] = b'!';
    let (entries, opened) = open(&bytes);
    assert!(matches!(&entries[2].node, Node::Symlink(target) if target == b"target"));
    assert!(told(&opened, ProblemKind::Corrupt, "can have none"));
    let hidden: Vec<usize> = memchr::memmem::find_iter(&bytes, b"hidden").collect();
    assert_eq!(hidden.len(), 3);
    for at in hidden.into_iter().chain([padding]) {
        assert!(!named(&opened, at), "the bytes at {at} are explained");
    }
    assert!(named(&opened, 0) && named(&opened, padding - 1) && named(&opened, bytes.len() - 1));
}

#[test]
fn a_cut_anywhere_is_told_and_never_panics() {
    for variant in ["newc", "crc", "odc", "bin", "bin-big"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cpio");
        let image = std::fs::read(format!("{folder}/{variant}.img")).unwrap();
        for len in (0..2500).chain((2500..image.len()).step_by(97)) {
            let cut = &image[..len.min(image.len())];
            let Ok(known) = measured(cut) else {
                assert!(len < 600, "{variant} cut at {len}");
                continue;
            };
            let is_whole = known <= u64::try_from(len).unwrap();
            let (entries, opened) = open(cut);
            assert!(!entries.is_empty());
            assert!(
                is_whole || !opened.problems.is_empty(),
                "{variant} cut at {len}"
            );
        }
    }
}

#[test]
fn chance_is_not_believed() {
    // A linear congruence: deterministic, and full of the two bytes of the binary magic.
    let mut state = 1_u32;
    let mut noise: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    noise[..6].copy_from_slice(b"070707");
    let noise = Bytes::from(noise);
    for magic in Cpio.magics() {
        for at in memchr::memmem::find_iter(&noise, magic.bytes) {
            let rejected = Cpio.measure(&noise.slice(at..));
            assert!(matches!(rejected, Err(Reject::Coincidence(_))), "{at}");
        }
    }
    let trailer = Member::trailer().newc("070701");
    let extent = Cpio.measure(&Bytes::from(trailer));
    assert_eq!(
        extent,
        Ok(Extent::known(124, Proof::Structure)),
        "an empty archive is one"
    );
}

#[test]
fn a_hundred_thousand_entries_cost_little() {
    let mut bytes = Member::file(b"tiny", b"").newc("070701").repeat(100_000);
    bytes.extend(Member::trailer().newc("070701"));
    let (entries, opened) = open(&bytes);
    assert_eq!((entries.len(), opened.spans.len()), (100_000, 1));
    let budget = Budget::new(Limits {
        entries: 10,
        ..Limits::default()
    });
    let opened = Cpio.open(Bytes::from(bytes), &budget);
    assert!(matches!(opened.content, Content::Tree(tree) if tree.entries.len() == 10));
    assert_eq!(opened.problems.len(), 1);
}
