//! Programs, scripts and what tells of software.

use vitalsign::facts::banner;
use vitalsign::facts::code::{Code, Outline};
use vitalsign::facts::elf::{Elf, Structure};
use vitalsign::facts::hidden::Hidden;
use vitalsign::facts::masked;
use vitalsign::facts::packages::Database;
use vitalsign::facts::pe::Pe;
use vitalsign::facts::script::Script;

/// Whatever is said of a program in the form of Linux.
pub(super) fn elf(bytes: &[u8]) {
    let mut problems = Vec::new();
    let _ = Elf::parse(bytes, &mut problems);
    let _ = Structure::of(bytes);
    let _ = Hidden::of(bytes);
    let _ = banner::banners(bytes);
    let _ = Code::of(bytes);
    let _ = Outline::of(bytes);
}

/// Instructions: the first byte says of which processor, the others are the code of a program that is whole.
pub(super) fn code(bytes: &[u8]) {
    let Some((&processor, code)) = bytes.split_first() else {
        return;
    };
    let program = program(usize::from(processor), code);
    let _ = Code::of(&program);
    let _ = Outline::of(&program);
}

/// Class (1: 32 bits, 2: 64), order (1: little-endian, 2: big), `e_machine`, and whether it starts as Thumb code.
const PROCESSORS: &[(u8, u8, u16, bool)] = &[
    (1, 1, 40, false),
    (1, 1, 40, true),
    (1, 2, 40, false),
    (2, 1, 183, false),
    (1, 1, 8, false),
    (1, 2, 8, false),
    (1, 2, 20, false),
    (1, 1, 3, false),
    (2, 1, 62, false),
];

/// A static program of one segment, which starts with the code.
fn program(processor: usize, code: &[u8]) -> Vec<u8> {
    let (class, order, machine, is_thumb) = PROCESSORS[processor % PROCESSORS.len()];
    let (is_wide, is_big) = (class == 2, order == 2);
    let mut file = vec![0x7f, b'E', b'L', b'F', class, order, 1];
    file.resize(16, 0);
    let mut put = |value: u64, bytes: usize| {
        let all = value.to_be_bytes();
        let mut field = all[8 - bytes..].to_vec();
        if !is_big {
            field.reverse();
        }
        file.extend(field);
    };
    let word = if is_wide { 8 } else { 4 };
    let (header, segment) = if is_wide { (64, 56) } else { (52, 32) };
    let (base, length) = (0x1_0000_u64, (header + segment + code.len()) as u64);
    let entry = base + (header + segment) as u64 + u64::from(is_thumb);
    for (value, bytes) in [
        (2, 2),
        (machine.into(), 2),
        (1, 4),
        (entry, word),
        (header as u64, word),
        (0, word),
        (0x0500_0000, 4),
    ] {
        put(value, bytes);
    }
    for value in [header, segment, 1, 0, 0, 0] {
        put(value as u64, 2);
    }
    // PT_LOAD, readable and executable.
    put(1, 4);
    if is_wide {
        put(5, 4);
    }
    for value in [0, base, base, length, length] {
        put(value, word);
    }
    if !is_wide {
        put(5, 4);
    }
    put(0x1000, word);
    file.extend_from_slice(code);
    file
}

pub(super) fn pe(bytes: &[u8]) {
    let mut problems = Vec::new();
    let _ = Pe::parse(bytes, &mut problems);
}

/// A text, as a script and as something that may hold secrets: what is hidden in it stays as many lines.
pub(super) fn script(bytes: &[u8]) {
    let _ = Script::parse(bytes);
    assert_eq!(masked::lines(bytes).len(), masked::split(bytes).count());
}

pub(super) fn packages(bytes: &[u8]) {
    for database in [Database::Dpkg, Database::Opkg, Database::Apk, Database::Rpm] {
        let _ = database.read(bytes);
    }
}
