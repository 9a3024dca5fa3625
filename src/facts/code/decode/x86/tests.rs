use super::*;

const NARROW: X86 = X86 { bits: 32 };
const WIDE: X86 = X86 { bits: 64 };

/// Numbers that look random and are the same every time (xorshift).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn any_bytes_are_read_within_their_bounds() {
    let (mut state, mut ops) = (0x1234_5678_9abc_def1, Vec::new());
    for index in 0..1_000_000_u64 {
        let mut code = [random(&mut state), random(&mut state)]
            .map(u64::to_le_bytes)
            .concat();
        // Every pair of bytes is tried, with what is random behind it.
        if let Some(start) = u16::try_from(index).ok() {
            code[..2].copy_from_slice(&start.to_be_bytes());
        }
        for reader in [NARROW, WIDE] {
            let mut mode = index.to_le_bytes()[0];
            ops.clear();
            let length = reader.decode(&code, u64::MAX - 7, &mut mode, &mut ops);
            assert!(matches!(length, None | Some(1..=15)), "{code:x?}");
        }
    }
}

#[test]
fn code_that_ends_is_not_read_past_its_end() {
    // `movabs rax, 0x1122334455667788`.
    let code = [0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11];
    for length in 0..code.len() {
        let read = WIDE.decode(&code[..length], 0, &mut 0, &mut Vec::new());
        assert_eq!(read, None, "{length}");
    }
    assert_eq!(WIDE.decode(&code, 0, &mut 0, &mut Vec::new()), Some(10));
}
