//! Tests of the xar reader.

use super::*;
use crate::entry::Node;
use crate::formats::archive::trial;

const VARIANTS: [&str; 5] = ["zlib", "bzip2", "lzma", "xz", "stored"];

fn fixture(name: &str) -> Vec<u8> {
    trial::fixture(&format!("xar/{name}.img"))
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    trial::open(&Xar, bytes)
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
        let explained = trial::explained(&opened);
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

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive without a checksum of its table; `more` stands behind the end of the packed table.
fn archive(files: &str, more: &[u8], heap: &[u8]) -> Vec<u8> {
    let toc = format!("<xar><toc>{files}</toc></xar>");
    let packed = [&zlib(toc.as_bytes())[..], more].concat();
    let mut image = b"xar!\0\x1c\0\x01".to_vec();
    image.extend((packed.len() as u64).to_be_bytes());
    image.extend((toc.len() as u64).to_be_bytes());
    image.extend([0; 4]);
    [&image[..], &packed, heap].concat()
}

fn member(more: &str) -> String {
    format!(
        "<file id=\"1\"><name>a</name><type>file</type><data><offset>0</offset>{more}</data></file>"
    )
}

fn first_detail(files: &str) -> String {
    let (_, _, opened) = open(archive(files, b"", &[b'x'; 100])).unwrap();
    let mut details = opened.problems.iter().map(|problem| problem.detail.clone());
    details.next().unwrap_or_default()
}

#[test]
fn what_stands_behind_the_packed_table_stays_open() {
    let image = archive(&member("<size>9</size>"), &[b'h'; 1000], &[b'x'; 9]);
    let (len, _, opened) = open(image).unwrap();
    let explained = trial::explained(&opened);
    assert_eq!(explained, len - 1000);
}

#[test]
fn sizes_checksums_and_links_that_do_not_hold_are_told() {
    let sum = |kind: &str, digits: &str| {
        let sum = format!("<extracted-checksum style=\"{kind}\">{digits}</extracted-checksum>");
        first_detail(&member(&format!("<size>4</size>{sum}")))
    };
    // printf xxxx | sha256sum
    let right = "2481a63c85a62cf889d2b149f1a52e985a9341750173fe01eff50cc27b5941b5";
    assert_eq!(sum("sha256", right), "");
    assert!(sum("sha256", &right.replace('5', "6")).contains("is another"));
    assert!(sum("md4", right).contains("not known: md4"));
    let long = member("<size>4</size><length>90</length>");
    assert!(first_detail(&long).contains("4 bytes are stated, 90 are stored"));
    let link = "<file id=\"2\"><name>b</name><type link=\"7\">hardlink</type></file>";
    assert!(first_detail(link).contains("a hard link to a file that is not there"));
    assert!(first_detail(&member("")).contains("nothing tells where"));
}
