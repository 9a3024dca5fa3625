use std::path::Path;

use super::*;
use crate::budget::Limits;
use crate::formats::{Content, Length};

fn measured(text: &str) -> Option<u64> {
    match Titxt
        .measure(&Bytes::copy_from_slice(text.as_bytes()))
        .ok()?
        .len
    {
        Length::Known(len) => Some(len),
        Length::Decoded => None,
    }
}

#[test]
fn what_srec_cat_wrote_is_the_program() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let text = std::fs::read(fixtures.join("titxt/program.txt")).unwrap();
    let program = std::fs::read(fixtures.join("binary/program.bin")).unwrap();
    let opened = Titxt.open(text.into(), &Budget::new(Limits::default()));
    let Content::Memory(memory) = opened.content else {
        panic!("no memory");
    };
    assert!(opened.problems.is_empty(), "{:#?}", opened.problems);
    assert_eq!(memory.runs.len(), 3);
    for run in &memory.runs {
        let at = (run.address - 0x0800_0000) as usize;
        assert_eq!(run.bytes, program[at..at + run.bytes.len()]);
    }
}

#[test]
fn other_text_is_not_claimed() {
    assert_eq!(measured("@F000\n01 02 03\nq\nbehind"), Some(17));
    assert_eq!(measured("@F000\n01 02 03\n@10\n04\nq\n"), Some(24));
    for other in [
        "",
        "@",
        "@F000\n",
        "@F000\nq\n",
        "@F000\n@F001\n01\n",
        "01 02\nq\n",
        "@F000\n1 2\n",
        "@alice\nhello\n",
    ] {
        assert_eq!(measured(other), None, "{other}");
    }
}
