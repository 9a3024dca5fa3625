use std::path::Path;

use super::*;
use crate::budget::Limits;
use crate::memory::Memory;

fn fixture(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/esp");
    std::fs::read(fixtures.join(name)).unwrap()
}

fn opened(bytes: Vec<u8>) -> (Memory, Vec<Problem>) {
    let opened = Esp.open(bytes.into(), &Budget::new(Limits::default()));
    match opened.content {
        Content::Memory(memory) => (memory, opened.problems),
        _ => panic!("no memory"),
    }
}

#[test]
fn the_segments_that_esptool_was_given_are_read() {
    let data = (0..64_u8).collect::<Vec<u8>>().repeat(4);
    let code = b"code".repeat(100);
    for (name, data_at, code_at) in [
        ("esp8266.img", 0x3ffe_8000, 0x4010_0000),
        ("esp32.img", 0x3ffb_0000, 0x4008_0000),
    ] {
        let (memory, problems) = opened(fixture(name));
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        assert_eq!(memory.at(data_at, 256).unwrap(), data, "{name}");
        assert_eq!(memory.at(code_at, 400).unwrap(), code, "{name}");
    }
}

#[test]
fn a_flipped_bit_is_told_or_no_image() {
    for name in ["esp8266.img", "esp32.img"] {
        let whole = fixture(name);
        let extent = Esp.measure(&Bytes::from(whole.clone())).unwrap();
        assert_eq!(
            extent,
            Extent::known(length(&whole), Proof::Checksum),
            "{name}"
        );
        let mut flipped = whole.clone();
        flipped[100] ^= 4;
        assert!(Esp.measure(&flipped.into()).is_err(), "{name}");
        for len in 0..whole.len() {
            let cut = Bytes::copy_from_slice(&whole[..len]);
            let _ = Esp.open(cut, &Budget::new(Limits::default()));
        }
    }
    let mut wrong = fixture("esp32.img");
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    assert!(opened(wrong).1[0].detail.contains("SHA-256"));
}
