//! A program for a bare processor, end to end: one baseline for all of its forms.

use std::fs;

use vitalsign::baseline::change::ChangeKind;
use vitalsign::extract::Inventory;

use crate::reference::{baseline, code, judge};
use crate::samples::{repository, unpack_bytes};

/// The same program, as every tool writes it.
const FORMS: &[&str] = &[
    "elf/program.elf",
    "hex/program.hex",
    "hex/lines.hex",
    "hex/order.hex",
    "srec/program.srec",
    "srec/headless.srec",
    "uf2/program.uf2",
    "uf2/large.uf2",
    "dfu/program.dfu",
    "dfu/elements.dfu",
    "binary/program.bin",
];

fn fixture(name: &str) -> Vec<u8> {
    fs::read(repository().join("fixtures").join(name)).unwrap()
}

fn digests(found: &Inventory) -> Vec<String> {
    let memories = found.memories.values();
    memories.map(|memory| memory.digest().to_string()).collect()
}

#[test]
fn all_forms_of_a_program_have_one_digest() {
    let expected = digests(&unpack_bytes(fixture("elf/program.elf")));
    assert_eq!(expected.len(), 1);
    for form in FORMS {
        let found = unpack_bytes(fixture(form));
        assert_eq!(digests(&found), expected, "{form}");
        assert!(found.problems.is_empty(), "{form}: {:#?}", found.problems);
    }
}

#[test]
fn a_baseline_of_one_form_verifies_all_others() {
    for reference in FORMS {
        let baseline = baseline(&fixture(reference));
        for form in FORMS {
            let (code, comparison) = judge(&baseline, &fixture(form));
            assert_eq!(code, 0, "{reference}, {form}: {:#?}", comparison.changes);
        }
    }
    // A chip that stayed erased where the sections leave something out, if only four bytes.
    for reference in ["elf/program.elf", "hex/program.hex", "srec/program.srec"] {
        assert_eq!(code(&fixture(reference), &fixture("binary/flash.bin")), 0);
    }
}

#[test]
fn patched_code_is_modified_and_its_function_is_named() {
    let baseline = baseline(&fixture("elf/program.elf"));
    let start = baseline.functions.iter().find(|row| row.name == "dose");
    let start = format!("the function dose at 0x{:08x} to ", start.unwrap().at);
    for patched in ["elf/patched.elf", "hex/patched.hex"] {
        let (code, comparison) = judge(&baseline, &fixture(patched));
        let [change] = &comparison.changes[..] else {
            panic!("{patched}: {:#?}", comparison.changes);
        };
        assert_eq!((code, change.kind), (4, ChangeKind::Modified), "{patched}");
        let [range, function] = &change.explanation[..] else {
            panic!("{patched}: {:#?}", change.explanation);
        };
        // The entropy by hand, of what objcopy takes from the file: 4.799.
        let expected = "what is loaded at 0x08000100 to 0x080001cb differs: 204 bytes, 4.8 bits of entropy a byte";
        assert_eq!(range, expected);
        assert!(function.starts_with(&start), "{function}");
    }
}

#[test]
fn what_is_loaded_elsewhere_or_missing_is_modified() {
    let hex = fixture("hex/program.hex");
    let added = [&b":020000040801F1\n:0400000001020304F2\n"[..], &hex].concat();
    let text = String::from_utf8(hex.clone()).unwrap();
    let settings = |line: &&str| !line.starts_with(":08100000");
    let removed: String = text.split_inclusive('\n').filter(settings).collect();
    for form in FORMS {
        let reference = fixture(form);
        assert_eq!(code(&reference, &added), 4, "{form}");
        assert_eq!(code(&reference, removed.as_bytes()), 4, "{form}");
    }
}

#[test]
fn zeros_and_ones_that_take_turns_are_no_fill() {
    // A table of masks where the reference loads nothing: no byte of it but could be fill.
    let table = "00FF".repeat(8);
    let added = format!(":020000040801F1\n:10000000{table}F8\n");
    let hex = String::from_utf8(fixture("hex/program.hex")).unwrap();
    let added = added + &hex;
    assert!(unpack_bytes(added.clone().into_bytes()).problems.is_empty());
    for form in FORMS {
        assert_eq!(code(&fixture(form), added.as_bytes()), 4, "{form}");
    }
    // And where the reference has it, one that differs is another.
    let other = added.replace(&format!("{table}F8"), &format!("{}F8", "FF00".repeat(8)));
    assert_eq!(code(added.as_bytes(), other.as_bytes()), 4);
    assert_eq!(code(added.as_bytes(), hex.as_bytes()), 4);
}

#[test]
fn what_a_file_holds_beside_its_program_is_not_covered() {
    let mut uf2 = fixture("uf2/program.uf2");
    uf2[512 - 100..512 - 90].copy_from_slice(b"not loaded");
    let elf = [&fixture("elf/program.elf")[..], b"behind the end"].concat();
    let hex = [&fixture("hex/program.hex")[..], b"behind the end"].concat();
    for (name, image) in [("uf2", uf2), ("elf", elf), ("hex", hex)] {
        assert_eq!(code(&fixture("elf/program.elf"), &image), 8, "{name}");
    }
}

#[test]
fn fill_counts_where_both_state_it() {
    let (code, comparison) = judge(
        &baseline(&fixture("binary/program.bin")),
        &fixture("binary/flash.bin"),
    );
    assert_eq!(code, 4);
    let told = &comparison.changes[0].explanation;
    // Erased flash: one value, and so no entropy.
    let expected = "what is loaded at 0x080002aa to 0x08000fff differs: 3414 bytes, 0.0 bits of entropy a byte";
    assert_eq!(told[1], expected);
}

/// A zip archive with one stored member.
fn zip(name: &[u8], content: &[u8]) -> Vec<u8> {
    let number = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
    let mut sums = crc32fast::hash(content).to_le_bytes().to_vec();
    sums.extend(number(content.len()).repeat(2));
    sums.extend([u8::try_from(name.len()).unwrap(), 0, 0, 0]);
    let mut zip = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\x21\0".to_vec();
    zip.extend([&sums[..], name, content].concat());
    let directory = zip.len();
    zip.extend(b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\x21\0");
    zip.extend([&sums[..], &[0; 14], name].concat());
    let len = zip.len() - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend([number(len), number(directory)].concat());
    zip.extend(b"\0\0");
    zip
}

#[test]
fn a_program_in_an_archive_is_found() {
    let zip = zip(b"a.hex", &fixture("hex/program.hex"));
    assert_eq!(code(&fixture("elf/program.elf"), &zip), 0);
    assert_eq!(code(&zip, &fixture("elf/program.elf")), 0);
}

#[test]
fn a_large_program_in_an_archive_is_no_mere_text() {
    let mut hex = String::new();
    for line in 0..4000_u16 {
        let mut bytes = vec![16];
        bytes.extend((line * 16).to_be_bytes());
        bytes.push(0);
        bytes.extend((0..16).map(|at| (line + at) as u8 | 1));
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        bytes.push(sum);
        hex.extend([":", &vitalsign::digest::hex(&bytes), "\n"]);
    }
    hex += ":00000001FF\n";
    let found = unpack_bytes(zip(b"a.hex", hex.as_bytes()));
    assert!(found.problems.is_empty(), "{:#?}", found.problems);
    let sizes: Vec<usize> = found
        .memories
        .values()
        .map(|it| it.runs[0].bytes.len())
        .collect();
    assert_eq!(sizes, [64_000]);
}
