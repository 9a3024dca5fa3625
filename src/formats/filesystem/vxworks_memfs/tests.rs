//! Fixtures, and damage at one place each.

use super::*;
use crate::entry::Fault;
use crate::formats::filesystem::trial::{Trial, fixture, open, poke};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("vxworks-memfs/{name}.bin.gz"))
}

/// What is told, of contents too.
fn told(image: &[u8]) -> (Trial, Vec<String>) {
    let read = open(&VxworksMemfs, image);
    let mut told = read.problems.clone();
    for entry in &read.tree.entries {
        if let Node::File(file) = &entry.node
            && let Err(Fault::Problem(problem)) = file.data.copy_to(&mut std::io::sink())
        {
            told.push(problem.detail);
        }
    }
    (read, told)
}

#[test]
fn both_kinds_are_measured_and_whole() {
    for name in ["plain", "packed"] {
        let image = image(name);
        let extent = Extent::known(image.len() as u64, Proof::Structure);
        assert_eq!(
            VxworksMemfs.measure(&Bytes::from(image.clone())),
            Ok(extent)
        );
        let (read, told) = told(&image);
        assert_eq!(told, [""; 0], "{name}");
        assert_eq!(read.tree.entries.len(), 12, "{name}");
    }
}

/// The first two files as a dump of a router's image shows them, on devttys0.com.
#[test]
fn the_published_dump_is_read() {
    let mut image = b"owowowowowowowowowowowowowowowow\0\0\0\x01\0\0\0\x8c\0\0\x6f\x30".to_vec();
    let mut entry = |name: &[u8], len: u32, at: u32| {
        let mut raw = name.to_vec();
        raw.resize(40, 0);
        raw.extend(len.to_be_bytes());
        raw.extend(at.to_be_bytes());
        image.extend(raw);
    };
    entry(b"common.js", 0x5bb, 0x1a6c);
    entry(b"css_help.css", 0x1e0, 0x2028);
    let list = List::parse(&image).unwrap();
    assert!(list.compressed);
    assert_eq!((list.count, list.contents()), (140, 0x1a6c));
    assert!(list.follows(&Bytes::from(image)));
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("plain");
    for (at, bytes, words) in [
        (44 + 48 + 44, [0, 0, 0, 9], "starts inside the list"),
        (44 + 48 + 40, [9, 0, 0, 0], "content is cut off"),
        (36, [0, 0, 0x7f, 0], "list of files is cut off"),
    ] {
        let (_, told) = told(&poke(&sound, at, &bytes));
        assert!(told.iter().any(|told| told.contains(words)), "{told:?}");
    }
    let (read, _) = told(&poke(&sound, 44 + 20, b"hidden"));
    assert_eq!(read.explains(44 + 20, 6), None);
}

#[test]
fn the_mark_alone_is_no_file_system() {
    let sound = image("plain");
    // The web server itself holds the mark, between other strings.
    let text =
        Bytes::from_static(b"owowowowowowowowowowowowowowowow\0Wind River web server\0\0\0\0\0\0");
    assert!(matches!(
        VxworksMemfs.measure(&text),
        Err(Reject::Coincidence(_))
    ));
    let other = Bytes::from(poke(&sound, 44 + 47, &[1]));
    assert!(matches!(
        VxworksMemfs.measure(&other),
        Err(Reject::NearMiss(_))
    ));
}

#[test]
fn cut_images_are_told_wherever_they_end() {
    let sound = image("plain");
    for len in 44..sound.len() {
        assert!(!told(&sound[..len]).1.is_empty(), "{len} bytes");
    }
}
