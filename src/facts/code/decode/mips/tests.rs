use super::*;

const BIG: Mips = Mips {
    endian: Endian::Big,
};
const LITTLE: Mips = Mips {
    endian: Endian::Little,
};

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
            0x1_0000..0x2_0000 => index,
            _ => random(&mut state),
        };
        let mut code = word.to_be_bytes().to_vec();
        code.extend((0..6).flat_map(|_| random(&mut state).to_be_bytes()));
        for reader in [BIG, LITTLE] {
            let mut mode = index.to_le_bytes()[0];
            ops.clear();
            let length = reader.decode(&code, 0xffff_fffc, &mut mode, &mut ops);
            assert!(matches!(length, None | Some(4 | 8)), "{word:#x}");
            assert!(ops.iter().all(|op| written(op) != Some(ZERO)), "{word:#x}");
        }
    }
}

#[test]
fn code_that_ends_is_not_read_past_its_end() {
    // `jal`, `lwl`.
    let code = [0x0c, 0, 1, 2, 0x88, 0x82, 0, 0];
    for length in 0..8 {
        let (mut ops, mut mode) = (Vec::new(), 0);
        let read = BIG.decode(&code[..length], 0, &mut mode, &mut ops);
        assert_eq!(read, None, "{length}");
        let read = BIG.decode(&code[4..4 + length.min(4)], 0, &mut mode, &mut ops);
        assert_eq!(read, (length >= 4).then_some(4), "{length}");
    }
    assert_eq!(BIG.decode(&code, 0, &mut 0, &mut Vec::new()), Some(8));
}
