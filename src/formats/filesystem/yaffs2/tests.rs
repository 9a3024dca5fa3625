use bytes::Bytes;

use super::Yaffs2;
use crate::budget::{Budget, Limits};
use crate::entry::{Data, Fault, Node};
use crate::formats::{Content, Format, Length, Opened, Proof, Reject, Tree};
use crate::problem::ProblemKind;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/yaffs2");
    let bytes = std::fs::read(format!("{folder}/{name}")).unwrap();
    if !name.ends_with(".img.gz") {
        return bytes;
    }
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(&bytes[..]);
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    plain
}

fn measured(bytes: &[u8]) -> Result<(u64, Proof), Reject> {
    let extent = Yaffs2.measure(&Bytes::copy_from_slice(bytes))?;
    match extent.len {
        Length::Known(len) => Ok((len, extent.proof)),
        Length::Decoded => panic!("a length is known"),
    }
}

fn open(bytes: &[u8]) -> (Tree, Opened) {
    let budget = Budget::new(Limits::default());
    let mut opened = Yaffs2.open(Bytes::copy_from_slice(bytes), &budget);
    match std::mem::replace(&mut opened.content, Content::Unread) {
        Content::Tree(tree) => (tree, opened),
        _ => (Tree::default(), opened),
    }
}

fn read(data: &dyn Data) -> (Vec<u8>, Option<ProblemKind>) {
    let mut out = Vec::new();
    let kind = match data.copy_to(&mut out) {
        Ok(()) => None,
        Err(Fault::Problem(problem)) => Some(problem.kind),
        Err(Fault::Sink(_)) => panic!("a Vec takes everything"),
    };
    (out, kind)
}

#[test]
fn every_division_is_found_and_every_tree_is_whole() {
    for (name, page, spare, proof) in [
        ("2048-64", 2048, 64, Proof::Checksum),
        ("big-4096-128-at-2", 4096, 128, Proof::Checksum),
        ("512-16-no-code", 512, 16, Proof::Structure),
        ("big-1024-32", 1024, 32, Proof::Checksum),
        ("8192-448-at-9", 8192, 448, Proof::Checksum),
        ("16384-1280-no-code", 16384, 1280, Proof::Structure),
        ("2048-64-sixes", 2048, 64, Proof::Structure),
        ("inband-2048", 2032, 16, Proof::Structure),
        ("yaffs1", 512, 16, Proof::Checksum),
        ("yaffs1-big", 512, 16, Proof::Checksum),
    ] {
        let image = fixture(&format!("{name}.img.gz"));
        let (len, found) = measured(&image).unwrap();
        assert_eq!((len, found), (image.len() as u64, proof), "{name}");
        let (tree, opened) = open(&image);
        assert!(tree.entries.len() >= 2, "{name}");
        assert_eq!(opened.problems, [], "{name}");
        let said = |wanted: &str| {
            let mut pairs = opened.properties.iter();
            let found = pairs.find(|(name, _)| *name == wanted.as_bytes());
            String::from_utf8(found.unwrap().1.to_vec()).unwrap()
        };
        assert_eq!(said("page"), page.to_string(), "{name}");
        assert_eq!(said("spare"), spare.to_string(), "{name}");
        assert_eq!(said("byte-order") == "big", name.contains("big"), "{name}");
    }
}

/// Rows of name, why, size and digest, as `craft` writes them.
fn history(tree: &Tree) -> Vec<String> {
    let rows = tree.history.iter().map(|older| {
        let (content, problem) = read(&*older.file.data);
        assert_eq!(problem, None);
        let path = String::from_utf8(older.path.as_bytes().to_vec()).unwrap();
        let sha = crate::digest::Digest::of(&content);
        format!("{path}\t{}\t{}\t{sha}", older.why, content.len())
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

#[test]
fn what_a_driver_overwrote_and_deleted_is_history() {
    for name in ["log", "log-big-extra", "log-inband", "log-yaffs1"] {
        let (tree, opened) = open(&fixture(&format!("{name}.img.gz")));
        assert_eq!(opened.problems, [], "{name}");
        let truth = String::from_utf8(fixture(&format!("{name}.img.gz.history.tsv"))).unwrap();
        let mut truth: Vec<&str> = truth.lines().collect();
        truth.sort_unstable();
        assert_eq!(history(&tree), truth, "{name}");
    }
}

/// Kind, detail and path of every problem, those of contents too.
fn told(bytes: &[u8]) -> Vec<(ProblemKind, String)> {
    let (tree, opened) = open(bytes);
    let mut told: Vec<(ProblemKind, String)> = opened
        .problems
        .iter()
        .map(|problem| (problem.kind, problem.detail.clone()))
        .collect();
    for entry in &tree.entries {
        if let Node::File(file) = &entry.node {
            let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
            told.extend(read(&*file.data).1.map(|kind| (kind, path)));
        }
    }
    told
}

#[test]
fn each_sort_of_damage_is_told() {
    const STRIDE: usize = 2048 + 64;
    let sound = fixture("2048-64.img.gz");
    // The first pages are the directories /a to /a/b/c/d/e/f, numbered from 257.
    let tags = |page: usize| page * STRIDE + 2048;
    for (name, at, bytes, expected) in [
        (
            "two bits of the tags",
            tags(3),
            &[3][..],
            "have no tags that hold",
        ),
        (
            "a header's type",
            4 * STRIDE,
            &[9],
            "does not hold together",
        ),
        ("a parent", 4 * STRIDE + 4, &[0xf0, 0xff, 1], "is gone"),
        (
            "a directory in itself",
            4 * STRIDE + 4,
            &[5, 1, 0, 0],
            "is gone",
        ),
        ("a name", 4 * STRIDE + 10, b"x/y\0", "no program"),
    ] {
        let mut image = sound.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        let told = told(&image);
        assert!(
            told.iter().any(|(_, detail)| detail.contains(expected)),
            "{name}: {told:?}"
        );
    }
    let mut image = sound;
    image[tags(3) + 4] ^= 1;
    let (tree, opened) = open(&image);
    assert_eq!(opened.problems, []);
    assert_eq!(
        tree.entries.len(),
        open(&fixture("2048-64.img.gz")).0.entries.len()
    );
}

#[test]
fn the_code_over_the_data_of_yaffs1_is_checked() {
    let mut image = fixture("log-yaffs1.img.gz");
    let at = memchr::memmem::rfind(&image, b"new").unwrap();
    image[at] ^= 4;
    assert_eq!(
        told(&image),
        [(ProblemKind::ChecksumMismatch, "/twice".to_owned())]
    );
}

#[test]
fn a_file_that_lost_pages_is_told() {
    let image = fixture("2048-64.img.gz");
    // A page of the file `blocks`, and everything after it.
    let at = memchr::memmem::find(&image, b"blocks\0").unwrap() / 2112 * 2112;
    for damaged in [
        [&image[..at + 3 * 2112], &image[at + 4 * 2112..]].concat(),
        image[..at + 3 * 2112].to_vec(),
    ] {
        assert!(told(&damaged).contains(&(ProblemKind::Corrupt, "/blocks".to_owned())));
    }
}

#[test]
fn an_erase_block_that_is_cut_off_is_told() {
    let image = fixture("log.img.gz");
    let cut = &image[..image.len() / 2112 / 2 * 2112];
    let detail = "the region ends within an erase block".to_owned();
    assert_eq!(told(cut), [(ProblemKind::Corrupt, detail)]);
}

#[test]
fn pages_in_front_of_the_first_header_belong_to_the_region() {
    let image = fixture("log.img.gz");
    let stream = Bytes::from([&[7; 5000][..], &image].concat());
    let hit = memchr::memmem::find(&stream, &[3, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]).unwrap();
    assert!(hit > 5000);
    assert_eq!(super::extent::locate(&stream, hit as u64), Some(5000));
    let later = memchr::memmem::find(&stream[hit + 10..], &[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]);
    let later = later.unwrap() + hit + 10;
    assert_eq!(super::extent::locate(&stream, later as u64), None);
}

#[test]
fn an_image_without_spare_bytes_is_named() {
    let image = fixture("2048-64.img.gz");
    let pages: Vec<&[u8]> = image.chunks(2112).map(|page| &page[..2048]).collect();
    let stripped = pages.concat();
    let (len, proof) = measured(&stripped).unwrap();
    assert_eq!(proof, Proof::Structure);
    let used = pages
        .iter()
        .filter(|page| page.iter().any(|&byte| byte != 0xff));
    assert_eq!(len, used.count() as u64 * 2048);
    let opened = open(&stripped).1;
    assert_eq!(opened.problems[0].kind, ProblemKind::Unsupported);
}

#[test]
fn a_lone_header_is_a_near_miss_and_a_pattern_is_nothing() {
    let image = fixture("2048-64.img.gz");
    let mut alone = image[..2048].to_vec();
    alone.resize(4096, 7);
    assert!(matches!(measured(&alone), Err(Reject::NearMiss(_))));
    let pattern = [&[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff][..], &[0x55; 4096]].concat();
    assert!(matches!(measured(&pattern), Err(Reject::Coincidence(_))));
}

#[test]
fn cut_images_and_mutants_are_read_without_a_panic() {
    let image = fixture("log-yaffs1.img.gz");
    for len in 0..image.len().min(4000) {
        if measured(&image[..len]).is_ok() {
            told(&image[..len]);
        }
    }
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for name in [
        "log",
        "log-big-extra",
        "log-inband",
        "log-yaffs1",
        "8192-448-at-9",
    ] {
        let sound = fixture(&format!("{name}.img.gz"));
        for _ in 0..100 {
            let mut image = sound.clone();
            for _ in 0..6 {
                let at = next() as usize % image.len();
                let word = [[0xff; 4], [0; 4], [1, 0, 0, 0], [0, 0, 1, 4]][next() as usize % 4];
                let end = image.len().min(at + 4);
                image[at..end].copy_from_slice(&word[..end - at]);
            }
            if measured(&image).is_ok() {
                told(&image);
            }
        }
    }
}

#[test]
fn file_systems_side_by_side_are_taken_apart_or_told() {
    // As a tool wrote them: three partitions, one after another.
    let one = fixture("2048-64.img.gz");
    let three = [&one[..], &one, &one].concat();
    assert_eq!(measured(&three).unwrap().0, three.len() as u64);
    let opened = Yaffs2.open(Bytes::from(three.clone()), &Budget::new(Limits::default()));
    let Content::Layout(parts) = &opened.content else {
        panic!("a layout")
    };
    let len = one.len() as u64;
    let ranges: Vec<_> = parts
        .iter()
        .map(|part| match &part.bytes {
            crate::formats::PartBytes::Range(range) => range.clone(),
            _ => panic!("a range"),
        })
        .collect();
    assert_eq!(ranges, [0..len, len..2 * len, 2 * len..3 * len]);
    let mixed = |opened: &Opened| {
        let mut problems = opened.problems.iter();
        problems.any(|problem| problem.detail.contains("more than one file system"))
    };
    // As drivers left them.
    let log = fixture("log.img.gz");
    assert!(mixed(&open(&[&log[..], &log].concat()).1));
    assert!(!mixed(&open(&log).1));
}
