use std::path::Path;

use super::*;
use crate::budget::Limits;

fn fixture(name: &str) -> Bytes {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(fixtures.join(name)).unwrap().into()
}

fn opened(bytes: Bytes) -> (Memory, Vec<Problem>) {
    let opened = Elf.open(bytes, &Budget::new(Limits::default()));
    match opened.content {
        Content::Memory(memory) => (memory, opened.problems),
        _ => panic!("no memory"),
    }
}

#[test]
fn sections_are_loaded_where_objcopy_has_them() {
    let (memory, problems) = opened(fixture("elf/program.elf"));
    assert!(problems.is_empty(), "{problems:#?}");
    let program = fixture("binary/program.bin");
    assert_eq!(memory.runs.len(), 3);
    for run in &memory.runs {
        let at = run.address - 0x0800_0000;
        assert_eq!(run.bytes, clip(&program, at, length(&run.bytes)));
    }
    let names: Vec<&[u8]> = memory.functions.iter().map(|it| &it.name[..]).collect();
    let expected: [&[u8]; 6] = [b"dose", b"show", b"main", b"reset", b"fault", b"timer"];
    assert_eq!(names.len(), expected.len());
    assert!(expected.iter().all(|name| names.contains(name)));
}

#[test]
fn programs_of_an_operating_system_are_files() {
    for name in [
        "libdemo.so",
        "program",
        "bare",
        "static",
        "big-endian",
        "x86-64",
        "sectionless",
        "object.o",
    ] {
        assert!(
            Elf.measure(&fixture(&format!("elf/{name}"))).is_err(),
            "{name}"
        );
    }
}

#[test]
fn every_length_and_many_flips_of_a_file_are_read() {
    let whole = fixture("elf/program.elf");
    for len in (0..whole.len()).step_by(7) {
        let _ = Elf.measure(&whole.slice(..len));
        let _ = Elf.open(whole.slice(..len), &Budget::new(Limits::default()));
    }
    for at in (0..64).chain(whole.len() - 600..whole.len()) {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 0xff;
        let flipped = Bytes::from(flipped);
        let _ = Elf.measure(&flipped);
        let _ = Elf.open(flipped, &Budget::new(Limits::default()));
    }
}
