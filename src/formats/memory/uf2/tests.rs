use std::path::Path;

use super::*;
use crate::budget::Limits;

fn fixture() -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/uf2");
    std::fs::read(fixtures.join("program.uf2")).unwrap()
}

fn opened(bytes: Vec<u8>) -> Opened {
    Uf2.open(bytes.into(), &Budget::new(Limits::default()))
}

fn details(bytes: Vec<u8>) -> Vec<String> {
    let problems = opened(bytes).problems.into_iter();
    problems.map(|problem| problem.detail).collect()
}

#[test]
fn blocks_that_are_missing_or_not_for_the_flash_are_told() {
    let whole = fixture();
    assert!(details(whole.clone()).is_empty());
    assert!(details(whole[..1024].to_vec())[0].contains("2 of"));
    let dropped = [&whole[..512], &whole[1024..]].concat();
    assert!(details(dropped)[0].contains("block 2 of"));
    let mut other = whole.clone();
    other[512 + 28] ^= 1;
    assert!(details(other)[0].contains("another family"));
    let mut twice = [&whole[..512], &whole[..512]].concat();
    twice[512 + 20] = 1;
    for block in [0, 512] {
        twice[block + 24] = 2;
    }
    twice[512 + 40] ^= 1;
    assert!(details(twice)[0].contains("differs from what was loaded"));
}

#[test]
fn what_stands_behind_the_data_of_a_block_stays_open() {
    let explained = |bytes: Vec<u8>| -> u64 {
        let spans = opened(bytes).spans.into_iter();
        spans.map(|span| span.len).sum()
    };
    let whole = fixture();
    assert_eq!(explained(whole.clone()), length(&whole));
    let mut hidden = whole.clone();
    hidden[500] = 1;
    assert_eq!(explained(hidden), length(&whole) - 220);
}
