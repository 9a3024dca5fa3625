use super::*;

/// Numbers that look random and are the same every time (xorshift).
fn random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

#[test]
fn any_words_are_read_within_their_bounds() {
    let (mut state, mut ops) = (0x1234_5678, Vec::new());
    for index in 0..1_000_000_u32 {
        // Every opcode and function is tried, with what is random in between.
        let word = match index {
            0..0x1_0000 => index << 16 | random(&mut state) & 0xffff,
            0x1_0000..0x2_0000 => 31 << 26 | random(&mut state) & 0x03ff_f800 | index & 0x7ff,
            _ => random(&mut state),
        };
        let code = [word, random(&mut state)].map(u32::to_be_bytes).concat();
        let mut mode = index.to_le_bytes()[0];
        ops.clear();
        let length = Powerpc.decode(&code, 0xffff_fffc, &mut mode, &mut ops);
        assert!(matches!(length, None | Some(4)), "{word:#x}");
    }
}

#[test]
fn code_that_ends_is_not_read_past_its_end() {
    // `bl`, of which the next instruction is looked at.
    let code = [0x48, 0, 1, 1];
    for length in 0..4 {
        let read = Powerpc.decode(&code[..length], 0, &mut 0, &mut Vec::new());
        assert_eq!(read, None, "{length}");
    }
    assert_eq!(Powerpc.decode(&code, 0, &mut 0, &mut Vec::new()), Some(4));
}
