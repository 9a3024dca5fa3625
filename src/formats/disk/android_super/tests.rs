use std::io::Read;

use sha2::{Digest, Sha256};

use super::*;
use crate::formats::disk::assemble::tests::{cut_everywhere, fixture, hurt, open, poked};
use crate::problem::ProblemKind::{ChecksumMismatch, Corrupt};

fn image() -> Vec<u8> {
    fixture("android-super/two-slots.img.gz")
}

/// The parts by name, and their bytes.
fn parts(image: &[u8], opened: Opened) -> Vec<(String, Vec<u8>)> {
    let Content::Layout(parts) = opened.content else {
        panic!("not a layout");
    };
    let bytes = |bytes| match bytes {
        PartBytes::Range(range) => image[range.start as usize..range.end as usize].to_vec(),
        PartBytes::Stream(mut stream) => {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            bytes
        }
        PartBytes::Decoded(_) => panic!("not decoded"),
    };
    let part = |part: Part| (String::from_utf8(part.name).unwrap(), bytes(part.bytes));
    parts.into_iter().map(part).collect()
}

#[test]
fn extents_are_put_together_in_order() {
    let image = image();
    let opened = open(&AndroidSuper, &image).unwrap();
    assert!(opened.problems.is_empty());
    let said: Vec<_> = opened.properties.iter().collect();
    // The other slot calls the same bytes by another name.
    assert!(said.contains(&(&b"slot1-vendor_b.same-as"[..], &b"vendor_a"[..])));
    assert!(said.contains(&(&b"system_a.group"[..], &b"main_a"[..])));
    let parts = parts(&image, opened);
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["system_a", "vendor_a", "zeros_a"]);
    // A SquashFS, whose superblock states its length; an ext2 of 256 KiB; two extents of 4 KiB of zeros.
    assert!(parts[0].1.starts_with(b"hsqs"));
    let len = u64::from_le_bytes(parts[0].1[40..48].try_into().unwrap());
    assert_eq!(parts[0].1.len() as u64, len.next_multiple_of(4096));
    assert_eq!(parts[1].1.len(), 256 << 10);
    assert_eq!(parts[2].1, [0; 8192]);
}

#[test]
fn damaged_copies_are_told_and_the_others_read() {
    let sound = image();
    for (what, pokes, wanted) in [
        (
            "the first geometry",
            &[(4096 + 44, &[9_u8][..])][..],
            vec![ChecksumMismatch],
        ),
        (
            "the other geometry",
            &[(8192 + 44, &[9])],
            vec![ChecksumMismatch],
        ),
        ("a header", &[(12288 + 6, &[9])], vec![ChecksumMismatch]),
        ("a table", &[(12288 + 300, &[9])], vec![ChecksumMismatch]),
        (
            "both copies of a slot",
            &[(12288 + 6, &[9]), (28672 + 6, &[9])],
            vec![ChecksumMismatch; 2],
        ),
    ] {
        let mutant = poked(&sound, pokes);
        let opened = open(&AndroidSuper, &mutant).unwrap();
        let kinds: Vec<_> = opened.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, wanted, "{what}");
        assert_eq!(parts(&mutant, opened).len(), 3, "{what}");
    }
    // The copy of the first slot is that of the second.
    let mut other = sound.clone();
    other.copy_within(20480..28672, 28672);
    let opened = open(&AndroidSuper, &other).unwrap();
    assert_eq!(opened.problems[0].kind, Corrupt);
    let slots = [12288, 20480, 28672, 36864].map(|at| (at + 6, &[9_u8][..]));
    let none = poked(&sound, &slots);
    assert!(matches!(
        AndroidSuper.measure(&none.into()),
        Err(Reject::NearMiss(_))
    ));
}

#[test]
fn a_copy_of_a_geometry_is_not_another_disk() {
    let image = Bytes::from(image());
    let mut earlier = vec![0; 4096];
    earlier.extend_from_slice(&image);
    assert!(AndroidSuper.measure(&earlier.into()).is_err());
}

#[test]
fn damage_is_survived() {
    let sound = image();
    cut_everywhere(&AndroidSuper, &sound);
    hurt(&AndroidSuper, &sound, 100);
}

#[test]
fn partitions_that_share_their_extents_are_no_memory_without_end() {
    let sound = image();
    let at = 12288;
    let field = |at: usize| u32::from_le_bytes(sound[at..at + 4].try_into().unwrap());
    // As many partitions as fit, each of which has all extents.
    let (partitions, extents) = (400_u32, 1000_u32);
    let mut tables = Vec::new();
    for number in 0..partitions {
        let mut row = format!("p{number}").into_bytes();
        row.resize(36, 0);
        row.extend([0, 0, extents, 0].map(u32::to_le_bytes).concat());
        tables.extend(row);
    }
    let extents_at = tables.len() as u32;
    for number in 0..u64::from(extents) {
        tables.extend(1_u64.to_le_bytes());
        tables.extend(0_u32.to_le_bytes());
        tables.extend((2048 + number * 2).to_le_bytes());
        tables.extend(0_u32.to_le_bytes());
    }
    let rest_at = tables.len() as u32;
    let header_len = field(at + 8) as usize;
    let rest = field(at + 104) as usize + at + header_len;
    let end = at + header_len + field(at + 44) as usize;
    tables.extend(&sound[rest..end]);
    let mut header = sound[at..at + header_len].to_vec();
    let moved = rest_at.wrapping_sub(field(at + 104));
    let devices = field(at + 116).wrapping_add(moved);
    for (field, value) in [
        (44, tables.len() as u32),
        (80, 0),
        (84, partitions),
        (92, extents_at),
        (96, extents),
        (104, rest_at),
        (116, devices),
    ] {
        header[field..field + 4].copy_from_slice(&value.to_le_bytes());
    }
    header[48..80].copy_from_slice(&Sha256::digest(&tables));
    header[12..44].fill(0);
    let seal = Sha256::digest(&header);
    header[12..44].copy_from_slice(&seal);
    let table = Table::parse(&Bytes::from([header, tables].concat())).unwrap();
    let found: Vec<_> = table.partitions().collect();
    assert_eq!(found.len(), partitions as usize);
    let whole = found.iter().flatten().count();
    assert_eq!(whole, 1, "the others share what the first has");
}
