//! Programs as linkers make them, and the same after a patch by hand.

use super::*;

fn image(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/elf/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn kinds(bytes: &[u8]) -> Vec<OddityKind> {
    let structure = Structure::of(bytes).unwrap();
    structure.oddities.iter().map(|odd| odd.kind).collect()
}

/// Stores a number of four bytes.
fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

/// Where the program headers of `program` stand, by readelf: 32 bytes each; its code segment is the third, its note the sixth.
const HEADERS: usize = 52;
const CODE: usize = HEADERS + 2 * 32;
const NOTE: usize = HEADERS + 5 * 32;
/// Instructions of ARM: `push {r4, lr}`, `ldr r0, [pc, #12]`, and so on.
const PAYLOAD: [u32; 6] = [
    0xe92d_4010,
    0xe59f_000c,
    0xebff_ffa0,
    0xe59f_0008,
    0xebff_ff9e,
    0xe8bd_8010,
];

/// `program` with code in the fill behind its last section, which ends at 0x2de.
fn with_cave() -> Vec<u8> {
    let mut bytes = image("program");
    for (at, word) in (0x2e0..).step_by(4).zip(PAYLOAD) {
        put(&mut bytes, at, word);
    }
    put(&mut bytes, CODE + 16, 0x2f8);
    put(&mut bytes, CODE + 20, 0x2f8);
    bytes
}

#[test]
fn what_linkers_make_is_not_odd() {
    for name in [
        "program",
        "libdemo.so",
        "x86-64",
        "big-endian",
        "sectionless",
    ] {
        assert_eq!(kinds(&image(name)), [], "{name}");
    }
    // One segment for all, as `-N` makes it: `RWE` by readelf.
    assert_eq!(kinds(&image("static")), [OddityKind::WritableCode]);
    assert_eq!(Structure::of(&image("object.o")), None);
    let program = Structure::of(&image("program")).unwrap();
    assert_eq!(program.interpreter, Some(Name::new("/lib/ld-linux.so.3")));
    assert_eq!(
        program.needed,
        [Name::new("libdemo.so.1"), Name::new("libc.so.6")]
    );
    assert_eq!(program.address_of(0xf24), Some(0x1f24));
    assert_eq!(program.address_of(0x1000), None);
}

#[test]
fn code_in_the_fill() {
    let bytes = with_cave();
    let structure = Structure::of(&bytes).unwrap();
    let [cave] = structure.oddities.as_slice() else {
        panic!("{:?}", structure.oddities);
    };
    assert_eq!(
        (cave.kind, cave.address, cave.offset),
        (OddityKind::CodeOutside, 0x2e0, 0x2e0)
    );
    assert_eq!(
        cave.detail,
        "24 executable bytes at 0x2e0 stand in no section"
    );
    let mut fill = bytes.clone();
    for at in (0x2e0..0x2f8).step_by(4) {
        put(&mut fill, at, 0xe1a0_0000);
    }
    assert_eq!(kinds(&fill), [], "instructions that do nothing are fill");
    let mut start = bytes.clone();
    put(&mut start, 24, 0x2e0);
    assert_eq!(
        kinds(&start),
        [OddityKind::CodeOutside, OddityKind::StartOutside]
    );
    // A word of the global offset table, which stands at the end of the data segment.
    let mut table = bytes;
    put(&mut table, 0xffc, 0x2e0);
    assert_eq!(
        kinds(&table),
        [OddityKind::CodeOutside, OddityKind::TableOutside]
    );
}

#[test]
fn segments_that_were_added() {
    let mut bytes = image("program");
    let end = u32::try_from(bytes.len()).unwrap();
    bytes.extend(PAYLOAD.iter().flat_map(|word| word.to_le_bytes()));
    put(&mut bytes, NOTE, 1);
    put(&mut bytes, NOTE + 4, end);
    put(&mut bytes, NOTE + 8, 0x5000 + end);
    put(&mut bytes, NOTE + 16, 24);
    put(&mut bytes, NOTE + 20, 24);
    put(&mut bytes, NOTE + 24, 5);
    let kinds_of = kinds(&bytes);
    assert_eq!(
        kinds_of,
        [
            OddityKind::SegmentAdded,
            OddityKind::SegmentAdded,
            OddityKind::CodeOutside
        ]
    );
    put(&mut bytes, NOTE + 24, 7);
    assert!(kinds(&bytes).contains(&OddityKind::WritableCode));
}

#[test]
fn what_stands_behind_the_end() {
    let mut bytes = image("program");
    bytes.extend_from_slice(b"\0\0#!/bin/sh\ntelnetd\n");
    assert_eq!(kinds(&bytes), [OddityKind::Appended]);
    let mut other = image("program");
    other.extend_from_slice(b"signature follows");
    assert_eq!(kinds(&other), []);
}

#[test]
fn damaged_files_are_bounded() {
    let bytes = with_cave();
    for end in 0..bytes.len() {
        if let Some(structure) = Structure::of(&bytes[..end]) {
            assert!(structure.oddities.len() < 40);
        }
    }
    for at in 0..0x140 {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0xff;
        if let Some(structure) = Structure::of(&bytes) {
            assert!(structure.oddities.len() < 40);
        }
    }
}
