//! Tests of the ar reader.

use super::*;
use crate::formats::archive::trial;
use crate::problem::ProblemKind;

const VARIANTS: [&str; 4] = ["gnu", "bsd", "system-v", "deb"];

fn fixture(name: &str) -> Vec<u8> {
    trial::fixture(&format!("ar/{name}.img"))
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    trial::open(&Ar, bytes)
}

#[test]
fn every_variant_is_read_to_its_end_and_explained() {
    for variant in VARIANTS {
        let image = fixture(variant);
        let mut followed = image.clone();
        followed.extend_from_slice(b"something else behind it");
        let (len, tree, opened) = open(followed).unwrap();
        assert_eq!(len as usize, image.len(), "{variant}");
        assert!(
            opened.problems.is_empty(),
            "{variant} {:?}",
            opened.problems
        );
        let explained = trial::explained(&opened);
        assert_eq!(explained, len, "{variant}");
        assert!(tree.entries.len() >= 3);
    }
}

#[test]
fn a_thin_archive_names_what_it_does_not_hold() {
    let (_, tree, opened) = open(fixture("thin")).unwrap();
    let paths: Vec<_> = tree
        .entries
        .iter()
        .map(|entry| entry.path.as_bytes())
        .collect();
    assert_eq!(paths, [&b"/empty"[..], b"/one"]);
    let kinds: Vec<_> = opened.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Unsupported; 2]);
    assert_eq!(opened.properties.iter().count(), 1);
}

#[test]
fn a_damaged_header_loses_one_member() {
    let sound = fixture("gnu");
    let (_, tree, _) = open(sound.clone()).unwrap();
    let mut image = sound;
    let at = memchr::memmem::find(&image, b"empty/").unwrap();
    image[at + 58] ^= 1;
    let (_, rest, opened) = open(image).unwrap();
    assert_eq!(rest.entries.len(), tree.entries.len() - 1);
    assert_eq!(opened.problems.len(), 1);
    assert_eq!(opened.problems[0].at, Some(at as u64));
}

#[test]
fn every_truncation_within_a_member_is_told() {
    let image = fixture("gnu");
    let (_, whole, _) = open(image.clone()).unwrap();
    for len in 0..image.len() {
        let Some((end, tree, opened)) = open(image[..len].to_vec()) else {
            continue;
        };
        let told = end > len as u64 || !opened.problems.is_empty();
        // A cut between two members, or within a header, leaves an archive, and what is left of the header behind it.
        assert!(told || end + 60 > len as u64, "{len}");
        assert!(tree.entries.len() <= whole.entries.len());
    }
}

#[test]
fn mutants_do_not_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut number = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 1).unwrap()
    };
    for variant in VARIANTS {
        let sound = fixture(variant);
        for _ in 0..1000 {
            let mut image = sound.clone();
            for _ in 0..=number() % 4 {
                let at = number() % image.len();
                image[at] = u8::try_from(number() & 0xff).unwrap();
            }
            open(image);
        }
    }
}

/// The sound archive with another member behind it.
fn with_member(name: &str, body: &[u8]) -> (Vec<u8>, usize) {
    let mut image = fixture("gnu");
    let at = image.len();
    let header = format!(
        "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
        0,
        0,
        0,
        644,
        body.len()
    );
    image.extend(header.as_bytes());
    image.extend_from_slice(body);
    (image, at + 60)
}

fn unexplained(image: &[u8], opened: &Opened) -> usize {
    let explained = trial::explained(opened);
    image.len() - explained as usize
}

#[test]
fn tables_explain_no_more_than_their_symbols() {
    let table = [&[0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8][..], b"one\0two\0"].concat();
    let (image, _) = with_member("/", &table);
    assert_eq!(unexplained(&image, &open(image.clone()).unwrap().2), 0);
    for (name, table) in [
        ("/", [&table[..], b"hidden".repeat(50).as_slice()].concat()),
        ("/", b"hidden".repeat(50)),
        ("__.SYMDEF", b"hidden".repeat(50)),
        ("//", b"hidden/\n".repeat(38)),
    ] {
        let (image, _) = with_member(name, &table);
        let (_, _, opened) = open(image.clone()).unwrap();
        assert!(unexplained(&image, &opened) >= 300, "{name}");
    }
    // What only starts like the name of a table is a member.
    let (image, at) = with_member("#1/20", b"__.SYMDEF of mine\0\0\0evil");
    let (_, tree, opened) = open(image.clone()).unwrap();
    assert_eq!(
        tree.entries.last().unwrap().path.as_bytes(),
        b"/__.SYMDEF of mine"
    );
    assert_eq!(unexplained(&image, &opened), 0);
    let mut image = image;
    image[at + 19] = b'h';
    let (_, _, opened) = open(image.clone()).unwrap();
    assert_eq!(unexplained(&image, &opened), 3);
}
