use bytes::Bytes;

use super::F2fs;
use crate::budget::{Budget, Limits};
use crate::entry::{Entry, Fault, Node};
use crate::formats::{Content, Extent, Format, Opened, Proof, Reject};
use crate::problem::ProblemKind;

const IMAGES: [&str; 5] = ["plain", "checked", "lz4", "lzo", "zstd"];

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/f2fs/{name}.img.gz", env!("CARGO_MANIFEST_DIR"));
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap());
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    plain
}

fn measure(bytes: &[u8]) -> Result<Extent, Reject> {
    F2fs.measure(&Bytes::copy_from_slice(bytes))
}

fn open(bytes: Bytes) -> (Vec<Entry>, Opened) {
    let budget = Budget::new(Limits::default());
    let mut opened = F2fs.open(bytes, &budget);
    match std::mem::replace(&mut opened.content, Content::Unread) {
        Content::Tree(tree) => (tree.entries, opened),
        _ => (Vec::new(), opened),
    }
}

/// Kind of every problem, those of contents too.
fn told(bytes: Vec<u8>) -> Vec<ProblemKind> {
    let (entries, opened) = open(bytes.into());
    let mut told: Vec<_> = opened.problems.iter().map(|problem| problem.kind).collect();
    for entry in &entries {
        if let Node::File(file) = &entry.node {
            match file.data.copy_to(&mut std::io::sink()) {
                Err(Fault::Problem(problem)) => told.push(problem.kind),
                Ok(()) => {}
                Err(Fault::Sink(error)) => panic!("{error}"),
            }
        }
    }
    told
}

fn at(image: &[u8], text: &[u8]) -> usize {
    memchr::memmem::find(image, text).unwrap()
}

#[test]
fn every_image_is_measured_and_whole() {
    for name in IMAGES {
        let image = fixture(name);
        let extent = Extent::known(image.len() as u64, Proof::Checksum);
        assert_eq!(measure(&image), Ok(extent), "{name}");
        assert_eq!(told(image), [], "{name}");
    }
}

#[test]
fn what_was_synced_after_the_checkpoint_is_told() {
    let image = fixture("synced");
    let (_, opened) = open(image.clone().into());
    let [problem] = &opened.problems[..] else {
        panic!("{:?}", opened.problems);
    };
    assert_eq!(problem.kind, ProblemKind::Unsupported);
    let wanted = "2 nodes of 2 files were synced after the last checkpoint and are not read: changed (inode 5), new file (inode 6)";
    assert!(problem.detail.starts_with(wanted), "{}", problem.detail);
    // A chain that leads back to its first block ends.
    let first = usize::try_from(problem.at.unwrap()).unwrap();
    let own = u32::try_from(first / 4096).unwrap();
    let mut image = image;
    image[first + 4092..first + 4096].copy_from_slice(&own.to_le_bytes());
    let (_, opened) = open(image.into());
    assert!(opened.problems[0].detail.starts_with("1 nodes of 1 files"));
}

#[test]
fn lzo_with_runs_is_told() {
    let told = told(fixture("lzo-rle"));
    assert_eq!(told, [ProblemKind::Unsupported]);
}

#[test]
fn the_second_superblock_and_the_older_checkpoint_stand_in() {
    let sound = fixture("checked");
    let stream = Bytes::from(sound.clone());
    let magic = F2fs.magics()[0];
    assert_eq!(F2fs.locate(&stream, &magic, 1024), Some(0));
    assert_eq!(F2fs.locate(&stream, &magic, 4096 + 1024), None);
    let mut image = sound.clone();
    image[1024..1040].fill(0);
    let stream = Bytes::from(image.clone());
    assert_eq!(F2fs.locate(&stream, &magic, 4096 + 1024), Some(0));
    assert_eq!(told(image), [ProblemKind::Corrupt]);
    let mut image = sound;
    image[1024 + 130] ^= 1;
    assert_eq!(told(image), [ProblemKind::ChecksumMismatch]);
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = fixture("checked");
    // An inode by the name that it keeps, the same of which stands in its directory.
    let inode = at(&sound, b"root:x:0:0::/:/bin/sh\n") / 4096 * 4096;
    for (what, at, byte, expected) in [
        ("a mode", inode, 0xff, ProblemKind::ChecksumMismatch),
        (
            "an inline content",
            inode + 400,
            0x55,
            ProblemKind::ChecksumMismatch,
        ),
        ("whose node it is", inode + 4072, 0x55, ProblemKind::Corrupt),
    ] {
        let mut image = sound.clone();
        image[at] ^= byte;
        let told = told(image);
        assert!(told.contains(&expected), "{what}: {told:?}");
    }
    // The blocks of a cluster start with the length and the checksum of what is packed.
    let zeros = [0; 16];
    for (name, expected) in [
        ("lz4", ProblemKind::ChecksumMismatch),
        ("zstd", ProblemKind::ChecksumMismatch),
    ] {
        let mut image = fixture(name);
        let cluster = (0..image.len()).step_by(4096).rfind(|&at| {
            let len = u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
            (24..4072).contains(&len)
                && image[at + 8..at + 24] == zeros
                && image[at + 24..at + 28] != [0; 4]
        });
        image[cluster.unwrap() + 26] ^= 1;
        assert_eq!(told(image), [expected], "{name}");
    }
}

#[test]
fn a_superblock_without_a_checkpoint_is_a_near_miss() {
    let mut image = fixture("plain");
    let cp = u32::from_le_bytes(image[1024 + 76..1024 + 80].try_into().unwrap()) as usize * 4096;
    image[cp..cp + 4096].fill(0);
    image[cp + 512 * 4096..cp + 513 * 4096].fill(0);
    assert!(matches!(measure(&image), Err(Reject::NearMiss(_))));
}

#[test]
fn mutants_are_read_without_a_panic() {
    let sound = fixture("lz4");
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    // The areas that are not zero.
    let used: Vec<usize> = (0..sound.len())
        .step_by(4096)
        .filter(|&at| sound[at..at + 4096].iter().any(|&byte| byte != 0))
        .collect();
    for _ in 0..20 {
        let mut image = sound.clone();
        for _ in 0..40 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let block = used[(seed >> 20) as usize % used.len()];
            image[block + (seed >> 8) as usize % 4096] ^= 1 << (seed & 7);
        }
        if measure(&image).is_ok() {
            told(image);
        }
    }
}

#[test]
fn two_superblocks_that_hold_and_differ_are_told() {
    let mut image = fixture("plain");
    // A letter of the volume's name in the second; this image has no checksum of its superblocks.
    image[4096 + 1024 + 124] ^= 1;
    assert_eq!(told(image), [ProblemKind::Corrupt]);
}
