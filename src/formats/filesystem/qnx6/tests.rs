//! Fixtures, and damage at one place each. Where things stand in `little` was read off with a hex dump and `mkqnx6`.

use super::*;
use crate::entry::{Fault, Node};
use crate::formats::filesystem::trial::{Trial, fixture, poke};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("qnx6/{name}.img.gz"))
}

/// What is told, of contents too.
fn told(image: &[u8]) -> (Trial, Vec<String>) {
    let read = crate::formats::filesystem::trial::open(&Qnx6, image);
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
fn both_byte_orders_are_measured_and_whole() {
    for name in ["little", "big"] {
        let image = image(name);
        let extent = Extent::known(image.len() as u64, Proof::Checksum);
        assert_eq!(
            Qnx6.measure(&Bytes::from(image.clone())),
            Ok(extent),
            "{name}"
        );
        assert_eq!(told(&image).1, [""; 0], "{name}");
    }
}

/// Where a superblock's field stands in `little`; the sum is made right again by `sealed`.
const FIRST: usize = 0x2000;

/// The image with a change in its first superblock, whose CRC is made right again with a table-driven CRC of its own.
fn sealed(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = poke(image, FIRST + at, bytes);
    let mut crc: u64 = 0;
    for &byte in &image[FIRST + 8..FIRST + 512] {
        crc ^= u64::from(byte) << 24;
        for _ in 0..8 {
            crc <<= 1;
            if crc >> 32 != 0 {
                crc ^= 0x1_04c1_1db7;
            }
        }
    }
    image[FIRST + 4..FIRST + 8].copy_from_slice(&u32::try_from(crc).unwrap().to_le_bytes());
    image
}

/// Where the file of inodes starts in `little`: its first own pointer.
fn inodes(image: &[u8]) -> usize {
    let pointer: [u8; 4] = image[FIRST + 80..FIRST + 84].try_into().unwrap();
    let levels = image[FIRST + 72 + 72];
    assert_eq!(levels, 0);
    0x3000 + usize::try_from(u32::from_le_bytes(pointer)).unwrap() * 1024
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("little");
    let table = inodes(&sound);
    // The first file with a block: the type is regular and the first pointer is none of a hole.
    let file = (1..40).map(|number| table + number * 128);
    let file = file.clone().find(|&at| {
        sound[at + 33] & 0xf0 == 0x80 && sound[at] != 0 && sound[at + 36..at + 40] != [0xff; 4]
    });
    let file = file.unwrap();
    let root = [sound[table + 36], sound[table + 37], 0, 0];
    for (what, damaged, words) in [
        (
            "a block that is not there",
            poke(&sound, file + 36, &[0xf0; 4]),
            "there is no block",
        ),
        (
            "a block of another file",
            poke(&sound, file + 36, &root),
            "belongs to another file",
        ),
        (
            "a size too large",
            poke(&sound, file + 4, &[1]),
            "do not fit in",
        ),
        (
            "a deep tree",
            poke(&sound, file + 100, &[6]),
            "a tree of 6 levels",
        ),
        (
            "a type",
            poke(&sound, file + 33, &[0xf1]),
            "no type of file",
        ),
        (
            "a device",
            poke(&sound, file + 33, &[0x21]),
            "a device node",
        ),
        (
            "the second superblock",
            poke(&sound, sound.len() - 4000, &[9]),
            "CRC-32 of a superblock",
        ),
        (
            "no second superblock",
            poke(&sound, sound.len() - 4096, &[9]),
            "no second superblock",
        ),
        (
            "no inodes",
            sealed(&sound, 52, &[0; 4]),
            "there is no inode 1",
        ),
        (
            "no long names",
            sealed(&sound, 232, &[0; 8]),
            "a long name is not where",
        ),
    ] {
        let (_, told) = told(&damaged);
        assert!(
            told.iter().any(|told| told.contains(words)),
            "{what}: {told:#?}"
        );
    }
}

#[test]
fn a_long_name_with_another_sum_is_told_and_kept() {
    let sound = image("little");
    let at = memchr::memmem::rfind(&sound, &[b'n'; 200]).unwrap();
    let (read, told) = told(&poke(&sound, at + 5, b"m"));
    assert!(
        told.iter()
            .any(|told| told.contains("the sum of a long name")),
        "{told:?}"
    );
    assert!(read.rows().iter().any(|row| row.contains("nnnnnmnnnn")));
}

#[test]
fn the_other_superblock_serves_where_one_is_damaged() {
    let (read, told) = told(&poke(&image("little"), FIRST + 300, &[1]));
    // The older one describes an empty volume, which has no root.
    let words = [
        "checksum-mismatch: the CRC-32 of a superblock is wrong",
        "corrupt: there is no inode 1",
    ];
    assert_eq!(told, words);
    assert!(read.tree.entries.is_empty());
}

#[test]
fn a_wrong_crc_is_a_near_miss_only_without_the_other() {
    let sound = image("little");
    let damaged = poke(&sound, FIRST + 300, &[1]);
    assert!(Qnx6.measure(&Bytes::from(damaged.clone())).is_ok());
    let cut = Bytes::from(damaged[..20000].to_vec());
    assert!(matches!(Qnx6.measure(&cut), Err(Reject::NearMiss(_))));
    let nonsense = poke(&sound, FIRST + 48, &[3]);
    assert!(matches!(
        Qnx6.measure(&Bytes::from(nonsense)),
        Err(Reject::Coincidence(_))
    ));
}

#[test]
fn a_directory_that_contains_itself_is_told_and_not_followed() {
    let sound = image("little");
    // `..` of a directory becomes a name for the root.
    let at = memchr::memmem::rfind(&sound, b"\x01\0\0\0\x02..\0").unwrap();
    let (_, told) = told(&poke(&sound, at + 5, b"up"));
    assert!(
        told.iter().any(|told| told.contains("not entered again")),
        "{told:?}"
    );
}

#[test]
fn cut_images_and_mutants_are_read_without_a_panic() {
    let sound = image("big");
    // Behind the second superblock is only room.
    for len in (0..sound.len() - 0x1000 + 512).step_by(1009) {
        let cut = &sound[..len];
        if Qnx6.measure(&Bytes::copy_from_slice(cut)).is_ok() {
            assert!(!told(cut).1.is_empty(), "{len} bytes");
        }
    }
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    for _ in 0..150 {
        let mut image = sound.clone();
        for _ in 0..6 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let at = 0x3000 + usize::try_from(seed >> 8).unwrap() % (sound.len() - 0x4000);
            image[at] ^= 1 << (seed & 7);
        }
        told(&image);
    }
}
