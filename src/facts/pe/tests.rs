//! Fixtures against what `objdump` says of them, and what must come out when they are damaged.

use super::{Pe, Subsystem};
use crate::digest::Digest;
use crate::facts::{FileType, Machine, Name};
use crate::problem::Problem;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/pe/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn parse(bytes: &[u8]) -> (Option<Pe>, Vec<Problem>) {
    let mut problems = Vec::new();
    (Pe::parse(bytes, &mut problems), problems)
}

fn sound(name: &str) -> Pe {
    let (pe, problems) = parse(&file(name));
    assert_eq!(problems, []);
    pe.unwrap()
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(Name::to_string).collect()
}

#[test]
fn sections_are_those_of_objdump() {
    for name in ["program.exe", "demo.dll"] {
        let bytes = file(name);
        let report = String::from_utf8(file(&format!("{name}.objdump"))).unwrap();
        let (_, table) = report.split_once("Idx Name").unwrap();
        let pe = sound(name);
        // "  0 .text  00000036  0000000140001000  ...": number, name, size, address, load address, offset.
        let lines = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut count = 0;
        for words in lines.filter(|words| words.len() == 7 && words[0].parse::<u8>().is_ok()) {
            let section = &pe.sections[words[0].parse::<usize>().unwrap()];
            let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
            assert_eq!(section.name.to_string(), words[1]);
            assert_eq!(u64::from(section.address) + pe.image_base, hex(words[3]));
            assert_eq!(u64::from(section.offset), hex(words[5]));
            let at = section.offset as usize;
            let digest = Digest::of(&bytes[at..at + section.size as usize]);
            assert_eq!(section.sha256, Some(digest));
            count += 1;
        }
        assert_eq!(count, pe.sections.len());
        assert!(count > 1);
    }
}

#[test]
fn a_program_for_windows_ce() {
    let program = sound("program.exe");
    assert_eq!((program.bits, program.machine), (64, Machine::X86_64));
    assert_eq!(program.subsystem.to_string(), "windows-ce");
    assert_eq!((program.entry, program.timestamp), (0x1000, 0));
    assert!(!program.dll && !program.hardening.aslr && !program.hardening.nx);
    let imports: Vec<_> = program
        .imports
        .iter()
        .map(|import| (import.dll.to_string(), texts(&import.names)))
        .collect();
    let expected = [
        ("KERNEL32.dll".to_owned(), vec!["ExitProcess".to_owned()]),
        ("demo.dll".to_owned(), vec!["demo_call".to_owned()]),
    ];
    assert_eq!(imports.len(), 2);
    assert!(expected.iter().all(|import| imports.contains(import)));
}

#[test]
fn a_library() {
    let library = sound("demo.dll");
    assert!(library.dll && library.hardening.aslr && library.hardening.nx);
    assert_eq!(texts(&library.exports), ["demo_call", "demo_value"]);
    assert_eq!(
        library.export_name.map(|name| name.to_string()).as_deref(),
        Some("demo.dll")
    );
    assert_eq!(library.subsystem, Subsystem(3));
}

#[test]
fn certificates_end_a_file_and_what_follows_is_a_tail() {
    let mut bytes = file("program.exe");
    let len = bytes.len() as u64;
    assert_eq!(FileType::Pe.end_of(&bytes), Some(len));
    assert_eq!(FileType::Pe.holes(&bytes), []);
    bytes.extend_from_slice(b"certified");
    let tail = len..len + 9;
    assert_eq!(FileType::Pe.holes(&bytes), [tail]);
    let pe_at = bytes[0x3c] as usize;
    // Directory 4 of a 64-bit file: 24 bytes of headers, 112 of the optional header, 8 a directory.
    let entry = pe_at + 24 + 112 + 4 * 8;
    bytes[entry..entry + 4].copy_from_slice(&(len as u32).to_le_bytes());
    bytes[entry + 4] = 9;
    assert_eq!(FileType::Pe.end_of(&bytes), Some(len + 9));
    let certificates = parse(&bytes).0.unwrap().certificates.unwrap();
    assert_eq!(certificates.size, 9);
}

/// goblin reads the same sound files; a second opinion on headers, imports and exports.
#[test]
fn goblin_agrees() {
    for name in ["program.exe", "demo.dll"] {
        let bytes = file(name);
        let theirs = goblin::pe::PE::parse(&bytes).unwrap();
        let ours = sound(name);
        assert_eq!(
            (ours.entry, ours.image_base),
            (theirs.entry, theirs.image_base)
        );
        assert_eq!(ours.sections.len(), theirs.sections.len());
        let imports: usize = ours.imports.iter().map(|import| import.names.len()).sum();
        assert_eq!(imports, theirs.imports.len());
        assert_eq!(ours.exports.len(), theirs.exports.len());
    }
}

#[test]
fn nothing_panics_when_damaged() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 8).unwrap()
    };
    for name in ["program.exe", "demo.dll"] {
        let whole = file(name);
        for len in 0..whole.len() {
            check(&whole[..len]);
        }
        for _ in 0..5000 {
            let mut bytes = whole.clone();
            for _ in 0..=next() % 4 {
                let at = next() % bytes.len();
                bytes[at] = [0xff, 0x7f, 0x80, 0, 1][next() % 5];
            }
            check(&bytes);
        }
    }
}

fn check(bytes: &[u8]) {
    parse(bytes);
    assert!(FileType::Pe.end_of(bytes).unwrap_or(0) <= bytes.len() as u64);
    FileType::Pe.holes(bytes);
}
