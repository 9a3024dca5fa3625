//! Fixtures, and damage at one place each. The places are found by names and marks, as a hex editor would.

use super::*;
use crate::entry::{Fault, Node};
use crate::formats::filesystem::trial::{Trial, fixture, poke};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("qnx4/{name}.img.gz"))
}

/// What is told, of contents too.
fn told(image: &[u8]) -> (Trial, Vec<String>) {
    let read = crate::formats::filesystem::trial::open(&Qnx4, image);
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

/// Where the entry of a short name starts.
fn entry(image: &[u8], name: &[u8]) -> usize {
    let mut padded = name.to_vec();
    padded.resize(16, 0);
    let mut found = memchr::memmem::find_iter(image, &padded);
    found.find(|at| at % 64 == 0 && *at >= 1024).unwrap()
}

#[test]
fn every_layout_is_measured_and_whole() {
    for name in ["plain", "scattered"] {
        let image = image(name);
        let extent = Extent::known(image.len() as u64, Proof::Structure);
        assert_eq!(
            Qnx4.measure(&Bytes::from(image.clone())),
            Ok(extent),
            "{name}"
        );
        assert_eq!(told(&image).1, [""; 0], "{name}");
    }
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("plain");
    let file = entry(&sound, b"zeros");
    let other = entry(&sound, b"hole");
    let first: [u8; 4] = sound[other + 20..other + 24].try_into().unwrap();
    let link = entry(&sound, b"tool-link");
    for (what, at, bytes, words) in [
        (
            "a block behind the end",
            file + 20,
            &[0xff; 4][..],
            "not all there",
        ),
        ("block 0", file + 20, &[0; 4], "not all there"),
        (
            "a block of another file",
            file + 20,
            &first,
            "belongs to another file",
        ),
        (
            "a size too large",
            file + 16,
            &[0xff; 4],
            "bytes in extents of",
        ),
        ("more extents", file + 48, &[9, 0], "extents in block 0"),
        ("a type", file + 51, &[0xf0], "no type of file"),
        ("a device", file + 51, &[0x20], "a device node"),
        ("a link to no inode", link + 52, &[8], "a link to no inode"),
        (
            "a link behind the end",
            link + 48,
            &[0xff; 3],
            "there is no inode",
        ),
        (
            "a link to nothing",
            link + 48,
            &[1, 0, 0, 0],
            "there is no inode",
        ),
        (
            "a long name",
            link + 53,
            &[0xff; 3],
            "behind the end of the image",
        ),
    ] {
        let (_, told) = told(&poke(&sound, at, bytes));
        let found = told.iter().any(|told| told.contains(words));
        assert!(found, "{what}: {told:#?}");
    }
    let scattered = image("scattered");
    let chain = memchr::memmem::find(&scattered, b"IamXblk").unwrap() - 496;
    for (what, at, bytes, words) in [
        ("a mark", chain + 496, &b"i"[..], "lists no extents"),
        ("a count", chain + 8, &[61], "lists no extents"),
        (
            "an empty extent",
            chain + 20,
            &[0],
            "an extent of no blocks",
        ),
        (
            "the loader's block",
            chain + 16,
            &[1, 0],
            "belongs to another file",
        ),
    ] {
        let (_, told) = told(&poke(&scattered, at, bytes));
        assert!(
            told.iter().any(|told| told.contains(words)),
            "{what}: {told:#?}"
        );
    }
}

#[test]
fn a_chain_that_leads_to_itself_ends() {
    let sound = image("scattered");
    let chain = memchr::memmem::find(&sound, b"IamXblk").unwrap() - 496;
    let number = u32::try_from(chain / 512 + 1).unwrap().to_le_bytes();
    let (_, told) = told(&poke(&sound, chain, &number));
    assert!(
        told.iter()
            .any(|told| told.contains("belongs to another file")),
        "{told:#?}"
    );
}

#[test]
fn a_directory_that_contains_itself_is_told_and_not_followed() {
    let sound = image("plain");
    // A link in `bin` becomes a name for the inode of `bin`, which stands in the root directory.
    let bin = entry(&sound, b"bin");
    let link = entry(&sound, b"tool-link");
    let mut target = u32::try_from(bin / 512 + 1).unwrap().to_le_bytes().to_vec();
    target.push(u8::try_from(bin % 512 / 64).unwrap());
    let (_, told) = told(&poke(&sound, link + 48, &target));
    assert!(
        told.iter().any(|told| told.contains("not entered again")),
        "{told:#?}"
    );
}

#[test]
fn what_is_no_root_block_is_nothing_and_a_missing_bitmap_a_near_miss() {
    let sound = image("plain");
    for (at, bytes) in [(512 + 51, [0x81]), (512 + 24, [0]), (512 + 63, [0])] {
        let image = Bytes::from(poke(&sound, at, &bytes));
        assert!(matches!(Qnx4.measure(&image), Err(Reject::Coincidence(_))));
    }
    let bitmap = entry(&sound, b".bitmap");
    let image = Bytes::from(poke(&sound, bitmap, b"_"));
    assert!(matches!(Qnx4.measure(&image), Err(Reject::NearMiss(_))));
}

#[test]
fn what_a_deleted_file_left_behind_is_not_explained() {
    let sound = image("plain");
    let at = entry(&sound, b"zeros");
    let (read, _) = told(&poke(&sound, at + 63, &[0]));
    assert_eq!(read.explains(at as u64, 64), None);
}

#[test]
fn cut_images_and_mutants_are_read_without_a_panic() {
    let sound = image("scattered");
    for len in (0..sound.len() - 4096).step_by(1009) {
        let cut = &sound[..len];
        if Qnx4.measure(&Bytes::copy_from_slice(cut)).is_ok() {
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
            let at = 512 + usize::try_from(seed >> 8).unwrap() % (sound.len() - 512);
            image[at] ^= 1 << (seed & 7);
        }
        told(&image);
    }
}
