use super::*;
use crate::formats::compression::trial::Seeded;

/// A block of `fixtures/imgfs`, as the compressors of Samba (plain) and wimlib (Huffman) made it, and what it was.
fn block(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/fixtures/imgfs/blocks/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

type Decoder = fn(&[u8], usize) -> Option<Decoded>;
const BOTH: [(&str, Decoder); 2] = [("xpr", plain), ("xph", huffman)];

#[test]
fn blocks_of_other_compressors_are_read_to_their_end() {
    for (kind, decode) in BOTH {
        for name in ["text", "runs", "code", "far"] {
            let was = block(&format!("{name}.raw"));
            let stored = block(&format!("{name}.{kind}"));
            let made = decode(&stored, was.len()).unwrap();
            assert!(made.bytes == was, "{name}.{kind}");
            // A word of the Huffman code may be written that is not needed any more.
            let left = stored.len() - made.used;
            assert!(left == 0 || kind == "xph" && left == 2, "{name}.{kind}");
            // What follows is neither read nor counted.
            let longer = [&stored[..], &[0xa5; 9]].concat();
            let made = decode(&longer, was.len()).unwrap();
            assert!(made.bytes == was && made.used <= stored.len() + 2);
        }
    }
}

/// The two examples of \[MS-XCA\] 3.1 (plain and Huffman).
#[test]
fn the_examples_of_the_specification_are_read() {
    let alphabet = b"abcdefghijklmnopqrstuvwxyz";
    let mut stored = vec![0x3f, 0, 0, 0];
    stored.extend(alphabet);
    assert_eq!(plain(&stored, 26).unwrap().bytes, alphabet);
    let hundreds = [
        0xff, 0xff, 0xff, 0x1f, b'a', b'b', b'c', 0x17, 0, 0x0f, 0xff, 0x26, 1,
    ];
    let made = plain(&hundreds, 300).unwrap();
    assert_eq!(made.bytes, b"abc".repeat(100));
    assert_eq!(made.used, hundreds.len());
}

#[test]
fn a_block_that_is_cut_off_or_too_long_is_refused() {
    for (kind, decode) in BOTH {
        let was = block("text.raw");
        let stored = block(&format!("text.{kind}"));
        for cut in 0..stored.len() {
            if let Some(made) = decode(&stored[..cut], was.len()) {
                // A few bits that are zeros may be missing at the end.
                assert!(kind == "xph" && cut + 4 >= stored.len() && made.bytes.len() == was.len());
            }
        }
        for len in [was.len() - 1, was.len() + 1, 1 << 17, usize::MAX] {
            if let Some(made) = decode(&stored, len) {
                assert_eq!(made.bytes.len(), len);
            }
        }
        assert!(decode(&[], 1).is_none());
        assert!(decode(&[], 0).is_none_or(|made| made.bytes.is_empty()));
    }
}

#[test]
fn damage_and_noise_end() {
    let mut seed = Seeded(0x5eed_0fad_d1ce);
    for (kind, decode) in BOTH {
        for name in ["text", "far"] {
            let len = block(&format!("{name}.raw")).len();
            let stored = block(&format!("{name}.{kind}"));
            for at in (0..stored.len()).step_by(1 + stored.len() / 500) {
                let mut mutant = stored.clone();
                mutant[at] ^= 1 << (seed.number() % 8);
                let made = decode(&mutant, len);
                assert!(made.is_none_or(|made| made.bytes.len() == len));
            }
        }
        for _ in 0..300 {
            let noise = seed.bytes(600);
            assert!(decode(&noise, 4096).is_none_or(|made| made.bytes.len() == 4096));
        }
    }
}

/// Matches longer than the block, by each of the three forms of a length.
#[test]
fn lengths_that_lead_out_of_the_block_are_refused() {
    let start = |tail: &[u8]| [&[0, 0, 0, 0x40, b'a'], tail].concat();
    // Nibble, byte, two bytes, four bytes.
    for tail in [
        &[7, 0, 0x0e][..],
        &[7, 0, 0x0f, 0xfe],
        &[7, 0, 0x0f, 0xff, 0xff, 0xff],
        &[7, 0, 0x0f, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff],
        // Less than what is known already.
        &[7, 0, 0x0f, 0xff, 3, 0],
    ] {
        assert!(plain(&start(tail), 20).is_none());
    }
    assert_eq!(plain(&start(&[7, 0, 0x00]), 11).unwrap().bytes, [b'a'; 11]);
    // Further back than there is anything.
    assert!(plain(&start(&[8, 0]), 20).is_none());
}
