use std::path::Path;

use super::*;
use crate::budget::Limits;
use crate::formats::Content;
use crate::memory::Memory;

fn fixture(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(fixtures.join(name)).unwrap()
}

fn opened(text: Vec<u8>) -> (Memory, Vec<Problem>) {
    let opened = Tekhex.open(text.into(), &Budget::new(Limits::default()));
    match opened.content {
        Content::Memory(memory) => (memory, opened.problems),
        _ => panic!("no memory"),
    }
}

#[test]
fn what_srec_cat_wrote_is_the_program() {
    let program = fixture("binary/program.bin");
    let (memory, problems) = opened(fixture("tekhex/program.tek"));
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(memory.runs.len(), 3);
    for run in &memory.runs {
        let at = (run.address - 0x0800_0000) as usize;
        assert_eq!(run.bytes, program[at..at + run.bytes.len()]);
    }
}

#[test]
fn symbols_are_passed_over() {
    // objcopy writes where sections run, not where they are loaded.
    let (memory, problems) = opened(fixture("tekhex/objcopy.tek"));
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(memory.at(0x2000_0000, 8).is_some());
    let program = fixture("binary/program.bin");
    assert_eq!(memory.at(0x0800_0000, 64).unwrap(), program[..64]);
}

#[test]
fn a_wrong_line_is_told() {
    let text = String::from_utf8(fixture("tekhex/program.tek")).unwrap();
    let (_, problems) = opened(text.replacen("005000", "005001", 1).into_bytes());
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let lines: Vec<&str> = text.lines().collect();
    let (_, problems) = opened(lines[..lines.len() - 1].join("\n").into_bytes());
    assert!(problems[0].detail.contains("ends the file"));
    assert!(Tekhex.measure(&Bytes::from_static(b"%50 off\n")).is_err());
}
