//! Tests of the xar reader.

use std::path::Path;

use super::*;
use crate::budget::Limits;
use crate::entry::Node;
use crate::formats::Length;

const VARIANTS: [&str; 5] = ["zlib", "bzip2", "lzma", "xz", "stored"];

fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/xar");
    std::fs::read(root.join(format!("{name}.img"))).unwrap()
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    let bytes = bytes.into();
    let Length::Known(len) = Xar.measure(&bytes).ok()?.len else {
        panic!("the table tells the length");
    };
    let mut opened = Xar.open(clip(&bytes, 0, len), &Budget::new(Limits::default()));
    let Content::Tree(tree) = std::mem::replace(&mut opened.content, Content::Unread) else {
        panic!("xar is a tree");
    };
    Some((len, tree, opened))
}

/// Whether every content comes out.
fn is_whole(tree: &Tree) -> bool {
    let mut files = tree.entries.iter().filter_map(|entry| match &entry.node {
        Node::File(file) => Some(file),
        _ => None,
    });
    files.all(|file| file.data.copy_to(&mut std::io::sink()).is_ok())
}

#[test]
fn every_variant_is_explained_to_its_end() {
    for variant in VARIANTS {
        let image = fixture(variant);
        let (len, tree, opened) = open([&image[..], b"behind"].concat()).unwrap();
        // libarchive leaves 20 bytes behind that nothing refers to.
        assert_eq!(len as usize, image.len() - 20, "{variant}");
        assert!(
            opened.problems.is_empty(),
            "{variant}: {:?}",
            opened.problems
        );
        let explained: u64 = opened.spans.iter().map(|span| span.len).sum();
        assert_eq!(explained, len, "{variant}");
        assert!(is_whole(&tree) && tree.entries.len() > 20);
    }
}

#[test]
fn every_flipped_bit_is_told() {
    for variant in VARIANTS {
        let sound = fixture(variant);
        for at in (0..sound.len() - 20).step_by(17) {
            let mut image = sound.clone();
            image[at] ^= 1;
            let told = open(image)
                .is_none_or(|(_, tree, opened)| !opened.problems.is_empty() || !is_whole(&tree));
            assert!(told || at < 28, "{variant} {at}");
        }
    }
}
