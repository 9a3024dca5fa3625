use super::*;
use crate::budget::Limits;
use crate::formats::Content;
use crate::memory::Memory;

fn opened(text: &str) -> (Memory, Vec<Problem>) {
    let opened = Srec.open(
        Bytes::copy_from_slice(text.as_bytes()),
        &Budget::new(Limits::default()),
    );
    match opened.content {
        Content::Memory(memory) => (memory, opened.problems),
        _ => panic!("no memory"),
    }
}

/// The example of the Programmer's Reference Manual, C.5: 16 bits of address, a header, a count... and its end.
const EXAMPLE: &str = "S00600004844521B\r\nS1130000285F245F2212226A000424290008237C2A\r\nS11300100002000800082629001853812341001813\r\n\
S113002041E900084E42234300182342000824A952\r\nS107003000144ED492\r\nS5030004F8\r\nS9030000FC\r\n";

#[test]
fn the_manuals_example_is_read() {
    let (memory, problems) = opened(EXAMPLE);
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!((memory.runs.len(), memory.runs[0].address), (1, 0));
    assert_eq!(memory.runs[0].bytes.len(), 52);
    assert!(memory.runs[0].bytes.ends_with(&[0, 0x14, 0x4e, 0xd4]));
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    let without = |part: &str| EXAMPLE.replace(part, "");
    for (text, told) in [
        (without("S107003000144ED492\r\n"), "counted"),
        (without("S9030000FC\r\n"), "ends the file"),
        (EXAMPLE.replace("144ED492", "144ED592"), "checksum"),
        (
            EXAMPLE.replace("S5030004F8\r\n", "S4030004F8\r\n"),
            "no record",
        ),
    ] {
        let (memory, problems) = opened(&text);
        assert_eq!(problems.len(), 1, "{told}: {problems:#?}");
        assert!(problems[0].detail.contains(told), "{told}: {problems:#?}");
        assert_eq!(memory.runs[0].address, 0);
    }
}
