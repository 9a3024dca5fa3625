//! Fixtures against what `readelf` says of them, and what must come out when they are damaged.

use std::collections::BTreeSet;

use super::{Elf, ElfType, Fingerprint, Relro, functions};
use crate::digest::Digest;
use crate::facts::{FileType, Machine, Name};
use crate::problem::Problem;
use crate::read::Endian;

const FIXTURES: &[&str] = &[
    "bare",
    "big-endian",
    "libdemo.so",
    "object.o",
    "program",
    "sectionless",
    "static",
    "x86-64",
];

fn image(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/fixtures/elf/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn parse(bytes: &[u8]) -> (Option<Elf>, Vec<Problem>) {
    let mut problems = Vec::new();
    (Elf::parse(bytes, &mut problems), problems)
}

fn sound(name: &str) -> Elf {
    let (elf, problems) = parse(&image(name));
    assert_eq!(problems, [], "{name}");
    elf.unwrap()
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(Name::to_string).collect()
}

/// The values of `key` in readelf's report, between `open` and `close`.
fn listed(report: &str, key: &str, open: &str, close: &str) -> Vec<String> {
    let lines = report.lines().filter(|line| line.contains(key));
    lines
        .filter_map(|line| Some(line.split_once(open)?.1.split_once(close)?.0.to_owned()))
        .collect()
}

#[test]
fn all_fixtures_say_what_readelf_says() {
    for name in FIXTURES {
        let bytes = image(name);
        let elf = sound(name);
        let report = String::from_utf8(image(&format!("{name}.readelf"))).unwrap();
        let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
        for line in report.lines() {
            // "  [ 1] .text  PROGBITS  00008000 001000 000024 ...": number, name, type, address, offset, size.
            let Some((number, rest)) = line
                .strip_prefix("  [")
                .and_then(|line| line.split_once("] "))
            else {
                continue;
            };
            let words: Vec<&str> = rest.split_whitespace().collect();
            let Some(section) = number
                .trim()
                .parse::<usize>()
                .ok()
                .and_then(|number| number.checked_sub(1))
                .map(|number| &elf.sections[number])
            else {
                continue;
            };
            let (at, len) = (section.offset, section.size);
            assert_eq!(section.name.to_string(), words[0], "{name}");
            assert_eq!(
                [section.address, at, len],
                [hex(words[2]), hex(words[3]), hex(words[4])],
                "{name}: {line}"
            );
            let digest = (words[1] != "NOBITS")
                .then(|| Digest::of(&bytes[at as usize..(at + len) as usize]));
            assert_eq!(section.sha256, digest, "{name}: {line}");
        }
        let headers = report
            .lines()
            .find_map(|line| line.split_once("Number of section headers:"))
            .map_or(0, |(_, count)| count.trim().parse::<usize>().unwrap());
        assert_eq!(elf.sections.len(), headers.saturating_sub(1), "{name}");
        assert_eq!(
            texts(&elf.needed),
            listed(&report, "(NEEDED)", "[", "]"),
            "{name}"
        );
        assert_eq!(texts(&elf.rpath), listed(&report, "(RPATH)", "[", "]"));
        assert_eq!(texts(&elf.runpath), listed(&report, "(RUNPATH)", "[", "]"));
        let soname = listed(&report, "(SONAME)", "[", "]").pop();
        assert_eq!(elf.soname.as_ref().map(Name::to_string), soname);
        let interpreter = listed(&report, "Requesting program interpreter", ": ", "]").pop();
        assert_eq!(elf.interpreter.as_ref().map(Name::to_string), interpreter);
        let build_id = report
            .lines()
            .find_map(|line| line.split_once("Build ID: "))
            .map(|(_, id)| id.to_owned());
        assert_eq!(elf.build_id, build_id, "{name}");
        let undefined: BTreeSet<String> = report
            .lines()
            .filter_map(|line| line.split_once(" UND ").map(|(_, name)| name.to_owned()))
            .filter(|name| !name.is_empty())
            .collect();
        if elf.kind == ElfType::Rel || !elf.symbols.stripped && elf.symbols.dynamic > 0 {
            assert_eq!(texts(&elf.imports), Vec::from_iter(undefined), "{name}");
        }
    }
}

#[test]
fn what_kind_and_how_hardened() {
    let program = sound("program");
    assert_eq!((program.bits, program.endian), (32, Endian::Little));
    assert_eq!(
        (program.machine, program.kind),
        (Machine::Arm, ElfType::Dyn)
    );
    let hardening = program.hardening;
    assert_eq!(hardening.relro, Some(Relro::Full));
    for protection in [
        hardening.nx,
        hardening.pie,
        hardening.canary,
        hardening.fortify,
    ] {
        assert_eq!(protection, Some(true));
    }
    let bare = sound("bare").hardening;
    assert_eq!((bare.nx, bare.pie), (Some(false), Some(false)));
    assert_eq!(bare.relro, Some(Relro::None));
    let fixed = sound("static");
    assert!(fixed.hardening.writable_code && !hardening.writable_code);
    assert_eq!(fixed.hardening.canary, Some(false), "its symbols tell");
    assert_eq!(sound("sectionless").hardening.canary, None, "nothing tells");
    assert_eq!(sound("libdemo.so").hardening.pie, None, "a library");
    assert_eq!(sound("big-endian").endian, Endian::Big);
    assert_eq!(sound("x86-64").machine, Machine::X86_64);
    let object = sound("object.o");
    assert_eq!((object.kind, object.hardening.nx), (ElfType::Rel, None));
    assert!(object.debug_info && !program.debug_info);
}

#[test]
fn symbols_of_a_library() {
    let library = sound("libdemo.so");
    assert_eq!(
        texts(&library.exports),
        ["demo_call", "demo_value", "demo_weak"]
    );
    let functions = functions(&image("libdemo.so"));
    let names: BTreeSet<String> = functions.iter().map(|one| one.name.to_string()).collect();
    let expected = ["demo_call", "demo_hidden", "demo_weak"];
    assert_eq!(Vec::from_iter(names), expected, "inlined `secret` is gone");
    let call = functions
        .iter()
        .find(|one| one.name.as_bytes() == b"demo_call")
        .unwrap();
    let text = library
        .sections
        .iter()
        .find(|section| section.name.as_bytes() == b".text")
        .unwrap();
    let at = library.offset_of(call.address).unwrap();
    assert!((text.offset..text.offset + text.size).contains(&at));
    assert!(texts(&library.comments)[0].starts_with("GCC: "));
}

/// The loader needs no section table, so taking it out must not hide what is imported.
#[test]
fn imports_are_found_without_sections() {
    for name in ["program", "bare", "libdemo.so"] {
        let mut bytes = image(name);
        let whole = sound(name);
        bytes[32..36].fill(0);
        bytes[46..52].fill(0);
        let (elf, problems) = parse(&bytes);
        let elf = elf.unwrap();
        assert_eq!(problems, []);
        assert_eq!((elf.imports, elf.exports), (whole.imports, whole.exports));
        assert_eq!(elf.build_id, whole.build_id);
        assert!(elf.sections.is_empty());
    }
}

#[test]
fn tails_and_holes_are_seen() {
    for name in FIXTURES {
        let mut bytes = image(name);
        let len = bytes.len() as u64;
        if *name == "sectionless" {
            assert!(FileType::Elf.end_of(&bytes).unwrap() < len);
            continue;
        }
        assert_eq!(FileType::Elf.end_of(&bytes), Some(len), "{name}");
        assert_eq!(FileType::Elf.holes(&bytes), [], "{name}");
        bytes.extend_from_slice(b"hidden");
        assert_eq!(FileType::Elf.end_of(&bytes), Some(len), "{name}");
        let tail = len..len + 6;
        assert_eq!(FileType::Elf.holes(&bytes), [tail], "{name}");
    }
    // The section table moved behind a payload: no tail, but a hole.
    let mut bytes = image("bare");
    let table = u32::from_le_bytes(bytes[32..36].try_into().unwrap()) as usize;
    let headers = bytes.split_off(table);
    bytes.extend_from_slice(b"hidden payload");
    bytes.extend_from_slice(&headers);
    bytes[32..36].copy_from_slice(&(table as u32 + 14).to_le_bytes());
    assert_eq!(
        FileType::Elf.end_of(&bytes),
        Some(bytes.len() as u64),
        "it ends with its table"
    );
    let holes = FileType::Elf.holes(&bytes);
    assert_eq!(holes.len(), 1);
    assert_eq!(holes[0].end, table as u64 + 14);
}

#[test]
fn a_module_signature_is_no_tail() {
    let mut module = image("object.o");
    module.extend_from_slice(b"SIGNATURE");
    module.extend_from_slice(&[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    module.extend_from_slice(b"~Module signature appended~\n");
    assert_eq!(FileType::Elf.end_of(&module), Some(module.len() as u64));
    let at = image("object.o").len();
    module.splice(at..at, *b"x");
    assert_eq!(FileType::Elf.end_of(&module), Some(at as u64));
}

#[test]
fn fingerprints_tell_what_differs() {
    let whole = Fingerprint::of(&sound("program"));
    assert_eq!(whole.differences(&whole), [""; 0]);
    let mut bytes = image("program");
    let text = sound("program")
        .sections
        .iter()
        .find(|section| section.name.as_bytes() == b".text")
        .unwrap()
        .offset;
    bytes[text as usize] ^= 1;
    let patched = Fingerprint::of(&parse(&bytes).0.unwrap());
    assert_eq!(whole.differences(&patched), ["text"]);
    let row = toml::to_string(&whole).unwrap();
    assert_eq!(toml::from_str::<Fingerprint>(&row).unwrap(), whole);
}

#[test]
fn each_lie_is_a_problem() {
    // Offset in the file, bytes put there, words of the problem. The dynamic program, 32-bit little-endian.
    let cases: &[(usize, &[u8], &str)] = &[
        (42, &[33, 0], "program header"),
        (46, &[41, 0], "section header"),
        (44, &[0xff, 0x7f], "program headers"),
        (48, &[0xff, 0xff], "sections"),
        (50, &[0xf0, 0], "section names"),
        (32, &[0, 0, 0, 0x7f], "past the end"),
        (32, &[0, 0, 0, 0], "no section table"),
    ];
    for (at, bytes, words) in cases {
        let mut program = image("program");
        program[*at..at + bytes.len()].copy_from_slice(bytes);
        let (elf, problems) = parse(&program);
        assert!(elf.is_some());
        assert!(
            problems
                .iter()
                .any(|problem| problem.detail.contains(words)),
            "{words}: {problems:?}"
        );
    }
    let mut program = image("program");
    program[4] = 9;
    assert!(parse(&program).0.is_none());
}

#[test]
fn nothing_panics_when_damaged() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 8).unwrap()
    };
    for name in FIXTURES {
        let whole = image(name);
        for len in 0..whole.len() {
            check(&whole[..len]);
        }
        for _ in 0..2000 {
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
    let (_, problems) = parse(bytes);
    assert!(problems.len() <= 32);
    functions(bytes);
    let end = FileType::Elf.end_of(bytes).unwrap_or(0);
    assert!(end <= bytes.len() as u64);
    FileType::Elf.holes(bytes);
}
