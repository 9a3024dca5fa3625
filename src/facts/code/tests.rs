//! Programs that somebody damaged: whatever they say of themselves, following them ends.

use super::{Code, Unfollowed};

/// One program for each kind of decoder, and one that holds its C library.
const PROGRAMS: [&[u8]; 8] = [
    include_bytes!(
        "../../../fixtures/implants/files/opt/bin/strcat_i686_glibc_dynamic_O0_stripped"
    ),
    include_bytes!(
        "../../../fixtures/implants/files/opt/bin/native_x86_64_glibc_dynamic_Os_stripped"
    ),
    include_bytes!(
        "../../../fixtures/implants/files/opt/bin/sprintf_armv7_glibc_dynamic_O2_stripped"
    ),
    include_bytes!("../../../fixtures/implants/files/opt/bin/wget_thumb_glibc_dynamic_Os_stripped"),
    include_bytes!(
        "../../../fixtures/implants/files/opt/bin/needed_aarch64_glibc_dynamic_O2_stripped"
    ),
    include_bytes!(
        "../../../fixtures/implants/files/opt/bin/wrapper_mips_glibc_dynamic_O2_stripped"
    ),
    include_bytes!(
        "../../../fixtures/implants/files/opt/bin/snprintf_powerpc_glibc_dynamic_O2_stripped"
    ),
    STATIC,
];

/// It holds its C library, without names.
const STATIC: &[u8] = include_bytes!(
    "../../../fixtures/implants/files/opt/bin/three-functions_mipsel_musl_static_O0_stripped"
);

/// Numbers that look like no pattern (xorshift).
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

#[test]
fn truncated_programs_are_followed_to_where_they_end() {
    for program in PROGRAMS {
        assert!(Code::of(program).is_ok());
        for part in 0..48 {
            let _ = Code::of(&program[..program.len() * part / 48]);
        }
        assert_eq!(Code::of(&program[..3]), Err(Unfollowed::NotLoaded));
    }
}

#[test]
fn flipped_bits_and_words_at_the_bounds_of_their_type_are_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for program in PROGRAMS {
        let mut bytes = program.to_vec();
        for _ in 0..100 {
            // The header and the tables behind it say where everything lies.
            let place = if next(&mut state).is_multiple_of(2) {
                next(&mut state) % 512
            } else {
                next(&mut state) % bytes.len()
            };
            bytes[place] ^= 1 << (next(&mut state) % 8);
            let _ = Code::of(&bytes);
            bytes[place] = program[place];
        }
        for word in 0..64 {
            for value in [0_u32, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
                let place = word * 4..word * 4 + 4;
                bytes[place.clone()].copy_from_slice(&value.to_le_bytes());
                let _ = Code::of(&bytes);
                bytes[place.clone()].copy_from_slice(&program[place]);
            }
        }
    }
}

#[test]
fn a_library_that_is_not_recognised_is_told() {
    assert!(!Code::of(STATIC).unwrap().opaque);
    // Every instruction becomes `nop`.
    let mut bytes = STATIC.to_vec();
    bytes.iter_mut().skip(0x200).for_each(|byte| *byte = 0);
    let code = Code::of(&bytes).unwrap();
    assert!(code.opaque && code.functions.is_empty());
}

#[test]
fn code_that_leads_nowhere_ends() {
    // All of the text of a program becomes the same instruction, many times over: jumps to themselves, calls of themselves, and what no decoder knows.
    for word in [
        0xeaff_fffe_u32,
        0xebff_fffe,
        0x1000_ffff,
        0xe7fe_e7fe,
        0xffff_ffff,
        0,
    ] {
        for program in PROGRAMS {
            let mut bytes = program.to_vec();
            for four in bytes
                .iter_mut()
                .skip(0x400)
                .collect::<Vec<_>>()
                .chunks_exact_mut(4)
            {
                for (byte, new) in four.iter_mut().zip(word.to_le_bytes()) {
                    **byte = new;
                }
            }
            let _ = Code::of(&bytes);
        }
    }
}
