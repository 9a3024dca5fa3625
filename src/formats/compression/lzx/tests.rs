use super::*;

/// The stream of the one block of `fixtures/cab/runs.img`, and what it becomes.
fn runs() -> (Vec<u8>, usize) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cab/");
    let cabinet = std::fs::read(format!("{root}runs.img")).unwrap();
    let field = |at: usize| usize::from(u16::from_le_bytes([cabinet[at], cabinet[at + 1]]));
    let block = field(36);
    (cabinet[block + 8..].to_vec(), field(block + 6))
}

#[test]
fn runs_of_more_than_257_bytes_are_read() {
    let (stream, len) = runs();
    let made = Lzx::new(16).unwrap().chunk(&stream, len).unwrap();
    assert_eq!(made.len(), len);
    assert!(made.starts_with(b"1\n2\n3\n") && made.ends_with(&[b'x'; 5000]));
    assert!(made.windows(9000).any(|part| part == [0; 9000]));
}

#[test]
fn damage_and_short_streams_end() {
    let (stream, len) = runs();
    for cut in 0..stream.len() - 2 {
        assert!(Lzx::new(16).unwrap().chunk(&stream[..cut], len).is_none());
    }
    for at in 0..stream.len() {
        let mut mutant = stream.clone();
        mutant[at] ^= 1 << (at % 8);
        if let Some(made) = Lzx::new(16).unwrap().chunk(&mutant, len) {
            assert_eq!(made.len(), len);
        }
    }
    assert!(Lzx::new(14).is_none() && Lzx::new(22).is_none());
    assert!(Lzx::new(15).unwrap().chunk(&[], 1).is_none());
}

#[test]
fn a_stored_block_is_read_as_specified() {
    // Type 3, 5 bytes; the words from the highest bit down: 0 011 000000000000 | 000000000101 and padding.
    let mut stream = vec![0x00, 0x30, 0x50, 0x00];
    for recent in [1_u32, 1, 1] {
        stream.extend(recent.to_le_bytes());
    }
    stream.extend(b"hello\0");
    let mut lzx = Lzx::new(15).unwrap();
    assert_eq!(lzx.chunk(&stream, 5).unwrap(), b"hello");
    assert!(lzx.chunk(&stream[..4], 5).is_none());
}

#[test]
fn calls_are_relative_again() {
    let mut code = vec![0x90; 30];
    code[3..8].copy_from_slice(&[0xe8, 0x03, 0x01, 0, 0]);
    code[24..29].copy_from_slice(&[0xe8, 9, 0, 0, 0]);
    relative(&mut code, 0x100, 0x1000);
    // The call at 0x103 of 0x103 itself; the last ten bytes stay as they are.
    assert_eq!(code[3..8], [0xe8, 0, 0, 0, 0]);
    assert_eq!(code[24..29], [0xe8, 9, 0, 0, 0]);
}
