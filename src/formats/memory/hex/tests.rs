use super::*;
use crate::budget::Limits;
use crate::formats::{Content, Length};
use crate::memory::Memory;
use crate::problem::ProblemKind;

fn opened(text: &str) -> (Memory, Vec<Problem>) {
    let opened = Hex.open(
        Bytes::copy_from_slice(text.as_bytes()),
        &Budget::new(Limits::default()),
    );
    match opened.content {
        Content::Memory(memory) => (memory, opened.problems),
        _ => panic!("no memory"),
    }
}

fn runs(text: &str) -> Vec<(u64, Vec<u8>)> {
    let (memory, problems) = opened(text);
    assert!(problems.is_empty(), "{problems:#?}");
    let runs = memory.runs.into_iter();
    runs.map(|run| (run.address, run.bytes.to_vec())).collect()
}

/// A line with its checksum.
fn line(kind: u8, address: u16, data: &[u8]) -> String {
    let mut bytes = vec![data.len() as u8];
    bytes.extend(address.to_be_bytes());
    bytes.push(kind);
    bytes.extend(data);
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
    bytes.push(sum);
    format!(":{}\r\n", crate::digest::hex(&bytes).to_uppercase())
}

const LAST: &str = ":00000001FF\r\n";

#[test]
fn addresses_count_from_what_was_said_last() {
    let text = [
        &line(DATA, 0x10, b"low"),
        &line(LINEAR, 0, &[0x08, 0]),
        &line(DATA, 0xffff, b"over"),
        &line(SEGMENT, 0, &[0x10, 0]),
        &line(DATA, 0xfffe, b"wrap"),
        &line(START_LINEAR, 0, &[8, 0, 1, 2]),
        LAST,
    ]
    .concat();
    let expected = [
        (0x10, b"low".to_vec()),
        (0x1_0000, b"ap".to_vec()),
        (0x1_fffe, b"wr".to_vec()),
        (0x0800_ffff, b"over".to_vec()),
    ];
    assert_eq!(runs(&text), expected);
}

#[test]
fn a_wrong_line_is_told_and_the_rest_is_kept() {
    let good = line(DATA, 0, b"good");
    let bad = line(DATA, 4, b"evil").replace("6576", "6577");
    let (memory, problems) = opened(&[&good, &bad, LAST].concat());
    assert_eq!(memory.runs[0].bytes.len(), 8);
    let [problem] = &problems[..] else {
        panic!("{problems:#?}");
    };
    assert_eq!(
        (problem.kind, problem.at),
        (ProblemKind::ChecksumMismatch, Some(21))
    );
    let (_, problems) = opened(&good);
    assert!(problems[0].detail.contains("ends the file"));
    let (_, problems) = opened(&[&good, &line(DATA, 2, b"xx"), LAST].concat());
    assert!(problems[0].detail.contains("differs from what was loaded"));
}

#[test]
fn only_records_are_claimed() {
    let measure = |text: &str| Hex.measure(&Bytes::copy_from_slice(text.as_bytes()));
    let text = [&line(DATA, 0, b"good"), LAST].concat();
    let with_tail = format!("{text}tail");
    assert_eq!(
        measure(&with_tail).map(|extent| extent.len),
        Ok(Length::Known(length(text.as_bytes())))
    );
    for other in [
        "",
        ":",
        ":00000001FF\n",
        ":zz",
        ": plain text\n",
        ":0400000000000000FF\n",
    ] {
        assert!(measure(other).is_err(), "{other}");
    }
    let endless = format!(":{}", "00".repeat(10_000));
    assert!(measure(&endless).is_err());
}
