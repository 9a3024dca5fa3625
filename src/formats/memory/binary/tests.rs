use std::path::Path;

use super::*;

fn program() -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/binary");
    std::fs::read(fixtures.join("program.bin")).unwrap()
}

/// The program, as if it were linked for another base.
fn moved(by: u32) -> Vec<u8> {
    let mut program = program();
    for vector in 1..16 {
        let field = &mut program[vector * 4..][..4];
        let value = u32::from_le_bytes(field.try_into().unwrap());
        if value != 0 {
            field.copy_from_slice(&(value + by).to_le_bytes());
        }
    }
    program
}

#[test]
fn the_base_follows_from_the_vectors() {
    let base = |program: &[u8]| Vectors::read(program).and_then(|vectors| vectors.base(program));
    assert_eq!(base(&program()), Some(0x0800_0000));
    assert_eq!(base(&moved(0x5800_0000)), Some(0x6000_0000));
    // Behind a boot loader: nothing but the code that handlers start with tells the base.
    assert_eq!(base(&moved(0x4000)), Some(0x0800_4000));
}

#[test]
fn what_has_no_vector_table_is_not_claimed() {
    let measure = |bytes: Vec<u8>| Binary.measure(&bytes.into());
    let no_stack = [&[0; 4], &program()[4..]].concat();
    let arm = [&program()[..4], &[0xfe, 0xff, 0xff, 0xea], &program()[8..]].concat();
    for other in [
        Vec::new(),
        vec![0; 4096],
        vec![0xff; 4096],
        program()[..60].to_vec(),
        no_stack,
        arm,
    ] {
        assert!(measure(other).is_err());
    }
    let text: Vec<u8> = b"plain text is no program ".repeat(100);
    assert!(measure(text).is_err());
}
