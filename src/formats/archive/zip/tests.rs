//! Tests of the zip reader.

use super::*;
use crate::budget::Limits;
use crate::entry::{Entry, Fault, Node};
use crate::formats::Tree;
use crate::formats::archive::trial;
use crate::problem::{Problem, ProblemKind};

const VARIANTS: [&str; 9] = [
    "info-zip",
    "zip64",
    "descriptors",
    "bzip2",
    "libarchive",
    "deflate64",
    "lzma",
    "ppmd",
    "methods",
];

fn fixture(name: &str) -> Vec<u8> {
    trial::fixture(&format!("zip/{name}.img"))
}

/// An archive, opened, with its length.
fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    trial::open(&Zip, bytes)
}

fn content(entry: &Entry) -> Result<Vec<u8>, Problem> {
    let Node::File(file) = &entry.node else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    match file.data.copy_to(&mut out) {
        Ok(()) => Ok(out),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => panic!("{error}"),
    }
}

fn paths(tree: &Tree) -> Vec<String> {
    let paths = tree.entries.iter().map(|entry| entry.path.as_bytes());
    paths
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect()
}

fn details(opened: &Opened) -> String {
    let details = opened.problems.iter().map(|problem| problem.detail.clone());
    details.collect::<Vec<_>>().join("\n")
}

/// The bytes of a region that no span explains.
fn unexplained(len: u64, opened: &Opened) -> Vec<u64> {
    let mut open = vec![true; usize::try_from(len).unwrap()];
    for span in &opened.spans {
        let range = usize::try_from(span.at).unwrap()..usize::try_from(span.at + span.len).unwrap();
        open[range].fill(false);
    }
    (0..len)
        .filter(|&at| open[usize::try_from(at).unwrap()])
        .collect()
}

#[test]
fn every_variant_ends_where_its_comment_does() {
    for variant in VARIANTS {
        let image = fixture(variant);
        let padding = if variant == "libarchive" {
            image.iter().rev().take_while(|&&byte| byte == 0).count() - 4
        } else {
            0
        };
        let mut followed = image.clone();
        followed.extend_from_slice(b"PK, and something else");
        let (len, _, opened) = open(followed).unwrap();
        assert_eq!(len as usize, image.len() - padding, "{variant}");
        assert_eq!(details(&opened), "", "{variant}");
        // What of Info-ZIP's fields and libarchive's is not known to readers.
        if variant != "libarchive" {
            assert_eq!(unexplained(len, &opened).len(), 0, "{variant}");
        }
    }
}

#[test]
fn the_comment_is_shown() {
    let (_, _, opened) = open(fixture("info-zip")).unwrap();
    let told: Vec<_> = opened.properties.iter().collect();
    let comment: (&[u8], &[u8]) = (b"comment", b"A comment of the archive.");
    assert_eq!(told, [comment]);
}

#[test]
fn owners_and_times_are_those_of_the_tree() {
    let (_, tree, _) = open(fixture("info-zip")).unwrap();
    let notes = tree
        .entries
        .iter()
        .find(|entry| entry.path.as_bytes() == b"/home/notes");
    let meta = &notes.unwrap().meta;
    assert_eq!((meta.uid, meta.gid), (Some(1000), Some(100)));
    assert_eq!((meta.mode, meta.mtime), (Some(0o640), Some(1_700_000_000)));
}

#[test]
fn hidden_members_gaps_and_disagreements_are_told() {
    let image = fixture("odd");
    let (len, tree, opened) = open(image[1280..].to_vec()).unwrap();
    assert_eq!(len as usize, image.len() - 1280);
    let expected = ["/gr\u{fc}\u{df}", "/other-name", "/../climbs", "/unlisted"];
    assert_eq!(paths(&tree), expected);
    let told = details(&opened);
    for detail in ["this-name", "does not list this member", "climbs out"] {
        assert!(told.contains(detail), "{told}");
    }
    // The gap, and the end of a name whose accents are in no alphabet.
    assert_eq!(unexplained(len, &opened).len(), 4096);
    let size = |entry: &Entry| content(entry).unwrap().len();
    assert_eq!(
        tree.entries
            .iter()
            .map(size)
            .filter(|&size| size == 4090)
            .count(),
        3
    );
}

#[test]
fn what_a_poke_does_is_told() {
    let sound = fixture("methods");
    let end = sound.len() - 22;
    let directory = usize::try_from(u32::from_le_bytes(
        sound[end + 16..end + 20].try_into().unwrap(),
    ))
    .unwrap();
    for (at, bit, told) in [
        (14, 1, "disagree: flags 0000, method 0, CRC-32"),
        (18, 1, "disagree"),
        (6, 1, "disagree"),
        (30, 1, "the name there is rtored"),
        (0, 1, ""),
        (directory + 16, 1, "disagree"),
        (
            directory + 42,
            1,
            "no local header where the directory says",
        ),
        (end + 10, 1, "2 members are stated, 3 are listed"),
        (end + 4, 1, "split over several"),
        (end, 1, "the archive ends without its directory"),
        (directory, 1, "the archive ends without its directory"),
    ] {
        let mut image = sound.clone();
        image[at] ^= bit;
        let Some((_, tree, opened)) = open(image) else {
            assert_eq!(told, "", "{at}");
            continue;
        };
        assert!(
            details(&opened).contains(told),
            "{at}: {}",
            details(&opened)
        );
        assert!(tree.entries.len() >= 3, "{at}");
    }
}

#[test]
fn damaged_content_is_no_content() {
    for variant in ["methods", "info-zip", "lzma", "deflate64", "bzip2"] {
        let sound = fixture(variant);
        let (len, tree, opened) = open(sound.clone()).unwrap();
        // What is not needed may be changed (a reserved bit, say): the content is right, or something is told.
        let right: Vec<_> = tree.entries.iter().map(content).collect();
        let is_content = |at: u64| {
            let mut spans = opened.spans.iter();
            spans.any(|span| {
                span.role == crate::formats::Role::Content
                    && at >= span.at
                    && at < span.at + span.len
            })
        };
        for at in (0..len).step_by(7).filter(|&at| is_content(at)) {
            let mut image = sound.clone();
            image[usize::try_from(at).unwrap()] ^= 0x10;
            let (_, tree, hurt) = open(image).unwrap();
            let silent =
                tree.entries.iter().zip(&right).any(|(entry, right)| {
                    content(entry).is_ok_and(|content| Ok(content) != *right)
                });
            assert!(!silent || !hurt.problems.is_empty(), "{variant} {at}");
        }
    }
}

#[test]
fn every_truncation_is_told() {
    for variant in ["methods", "descriptors", "zip64", "libarchive"] {
        let image = fixture(variant);
        let (whole, _, _) = open(image.clone()).unwrap();
        for len in (0..whole).step_by(3) {
            let cut = image[..usize::try_from(len).unwrap()].to_vec();
            let Some((end, tree, opened)) = open(cut) else {
                continue;
            };
            let missing = end > len;
            let told = opened
                .problems
                .iter()
                .any(|problem| problem.kind.hides_content());
            assert!(missing || told, "{variant} {len}");
            assert!(!tree.entries.is_empty());
        }
    }
}

#[test]
fn encrypted_members_are_named() {
    let mut image = fixture("methods");
    let end = image.len() - 22;
    let directory = usize::try_from(u32::from_le_bytes(
        image[end + 16..end + 20].try_into().unwrap(),
    ))
    .unwrap();
    image[6] |= 1;
    image[directory + 8] |= 1;
    let (_, tree, opened) = open(image).unwrap();
    assert_eq!(opened.problems[0].kind, ProblemKind::Encrypted);
    assert_eq!(
        content(&tree.entries[0]).unwrap_err().kind,
        ProblemKind::Encrypted
    );
    assert!(content(&tree.entries[1]).is_ok());
}

#[test]
fn mutants_neither_panic_nor_lose_their_bounds() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut number = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 1).unwrap()
    };
    for variant in VARIANTS.into_iter().chain(["odd"]) {
        let sound = fixture(variant);
        for _ in 0..40 {
            let mut image = sound.clone();
            for _ in 0..=number() % 4 {
                let at = number() % image.len();
                image[at] = u8::try_from(number() & 0xff).unwrap();
            }
            if let Some((len, tree, opened)) = open(image) {
                tree.entries.iter().for_each(|entry| drop(content(entry)));
                assert!(opened.spans.iter().all(|span| span.at + span.len <= len));
            }
        }
    }
}

/// An archive of one member, described twice in the same way.
fn one_member(name: &[u8], method: u16, stored: &[u8], size: u32, crc: u32) -> Vec<u8> {
    let common = |flags: u16| {
        let mut fields = [20_u16, flags, method, 0, 0].map(u16::to_le_bytes).concat();
        let sizes = [crc, stored.len() as u32, size].map(u32::to_le_bytes);
        fields.extend(sizes.concat());
        fields.extend((name.len() as u16).to_le_bytes());
        fields
    };
    let local = [&b"PK\x03\x04"[..], &common(0), &[0, 0], name, stored].concat();
    let central = [&b"PK\x01\x02\x14\x03"[..], &common(0), &[0; 16], name].concat();
    let mut end = [&b"PK\x05\x06"[..], &[0; 4], &[1, 0, 1, 0]].concat();
    end.extend((central.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

#[test]
fn content_of_a_directory_is_told_and_stays_open() {
    let hidden = b"what no reader looks at".repeat(100);
    let crc = crc32fast::hash(&hidden);
    let image = one_member(b"dir/", 0, &hidden, hidden.len() as u32, crc);
    let (len, tree, opened) = open(image).unwrap();
    assert!(matches!(tree.entries[0].node, Node::Dir));
    assert!(
        details(&opened).contains("a dir with 2300 stored bytes"),
        "{}",
        details(&opened)
    );
    assert_eq!(unexplained(len, &opened).len(), 2300);
    // Nothing, deflated, is how Java writes a directory.
    let (len, _, opened) = open(one_member(b"dir/", 8, &[3, 0], 0, 0)).unwrap();
    assert_eq!(details(&opened), "");
    assert!(unexplained(len, &opened).is_empty());
    let (_, _, opened) = open(one_member(b"dir/", 8, b"\x03\0hidden", 0, 0)).unwrap();
    assert!(details(&opened).contains("a dir with 8 stored bytes"));
}

#[test]
fn frames_that_zstd_skips_are_no_content() {
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 6, 0, 0, 0][..], b"hidden"].concat();
    let frame = zstd::bulk::compress(b"seen", 3).unwrap();
    let crc = crc32fast::hash(b"seen");
    for (stored, whole) in [
        (frame.clone(), true),
        ([&frame[..], &skipped].concat(), false),
        ([&skipped[..], &frame].concat(), false),
    ] {
        let (_, tree, _) = open(one_member(b"file", 93, &stored, 4, crc)).unwrap();
        assert_eq!(content(&tree.entries[0]).is_ok(), whole);
    }
}

#[test]
fn bytes_behind_ppmd_data_are_told() {
    let sound = fixture("ppmd");
    let (_, tree, _) = open(sound.clone()).unwrap();
    assert!(tree.entries.iter().all(|entry| content(entry).is_ok()));
    // The first member that is packed so, with more bytes behind its end than it needs.
    let packed = memchr::memmem::find_iter(&sound, b"PK\x03\x04")
        .filter_map(|at| Local::parse(&sound, at as u64))
        .find(|local| local.stated.method == 98 && local.stated.size > 0);
    let Local {
        name,
        stated,
        body_at,
        ..
    } = packed.unwrap();
    let body = &sound[body_at as usize..][..stated.stored as usize];
    let longer = [body, b"behind the end of the data"].concat();
    let image = one_member(name, stated.method, &longer, stated.size as u32, stated.crc);
    let (_, tree, _) = open(image).unwrap();
    assert!(
        content(&tree.entries[0])
            .unwrap_err()
            .detail
            .contains("behind the end")
    );
}

#[test]
fn sizes_in_front_that_no_descriptor_corrects_are_told() {
    let sound = fixture("descriptors");
    let local = Local::parse(&sound, 0).unwrap();
    assert!(local.is_open());
    for at in [14, 22] {
        let mut image = sound.clone();
        image[at] ^= 2;
        let (_, _, opened) = open(image).unwrap();
        assert!(
            details(&opened).contains("disagree"),
            "{at}: {}",
            details(&opened)
        );
    }
}

#[test]
fn members_that_share_their_bytes_are_spent() {
    let body = vec![7; 1 << 20];
    let image = one_member(b"a", 0, &body, 1 << 20, crc32fast::hash(&body));
    let at = memchr::memmem::find(&image, b"PK\x01\x02").unwrap();
    let (local, rest) = image.split_at(at);
    let (central, end) = rest.split_at(rest.len() - 22);
    let mut end = end.to_vec();
    end[8..12].copy_from_slice(&[0x10, 0x27, 0x10, 0x27]);
    end[12..16].copy_from_slice(&(central.len() as u32 * 10_000).to_le_bytes());
    let image = [local, &central.repeat(10_000), &end].concat();
    let limits = Limits {
        decoded: 64 << 20,
        ..Limits::default()
    };
    let opened = Zip.open(image.into(), &Budget::new(limits));
    assert!(
        opened
            .problems
            .iter()
            .any(|problem| problem.kind == ProblemKind::Limit)
    );
}

#[test]
fn two_ends_that_disagree_are_told() {
    let sound = fixture("zip64");
    let end = memchr::memmem::rfind(&sound, b"PK\x05\x06").unwrap();
    let (_, _, opened) = open(sound.clone()).unwrap();
    assert_eq!(details(&opened), "");
    let mut image = sound;
    image[end + 10] ^= 1;
    let (_, _, opened) = open(image).unwrap();
    assert!(
        details(&opened).contains("zip64 disagree"),
        "{}",
        details(&opened)
    );
}
