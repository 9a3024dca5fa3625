//! What Windows devices are updated with, end to end: images of Windows CE in all forms, and installer packages.

use std::fs;

use vitalsign::entry::Node;

use crate::reference::{baseline, code, judge};
use crate::samples::{repository, unpack_bytes};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(repository().join("fixtures/b000ff").join(name)).unwrap()
}

/// The image in a flash, in front of erased blocks.
fn flash() -> Vec<u8> {
    let mut flash = fixture("plain.img");
    flash.resize(0x20000, 0xff);
    flash
}

#[test]
fn a_baseline_of_one_form_verifies_the_others() {
    let forms = [fixture("NK.bin"), fixture("plain.img"), flash()];
    for (number, reference) in forms.iter().enumerate() {
        let baseline = baseline(reference);
        for (other, form) in forms.iter().enumerate() {
            let (code, comparison) = judge(&baseline, form);
            assert_eq!(code, 0, "{number}, {other}: {:#?}", comparison.changes);
        }
    }
}

#[test]
fn records_are_no_rom_of_their_own_and_nothing_is_told_of_them() {
    for form in [fixture("NK.bin"), fixture("plain.img"), flash()] {
        let found = unpack_bytes(form);
        assert!(found.problems.is_empty(), "{:#?}", found.problems);
        let roms = found.regions.iter();
        assert_eq!(
            roms.filter(|region| region.format.id == "wince-rom")
                .count(),
            1
        );
        let files = found.entries.iter();
        let files = files.filter(|found| matches!(found.entry.node, Node::File(_)));
        assert_eq!(files.count(), 3);
    }
}

#[test]
fn several_roms_in_one_flash_are_all_read() {
    let mut flash = flash();
    flash.extend(fs::read(repository().join("fixtures/wince-rom/packed.img")).unwrap());
    let found = unpack_bytes(flash);
    assert!(found.problems.is_empty(), "{:#?}", found.problems);
    let roms = found.regions.iter();
    let roms = roms.filter(|region| region.format.id == "wince-rom");
    assert_eq!(
        roms.map(|region| region.at).collect::<Vec<_>>(),
        [0, 0x20000]
    );
    assert_eq!(found.entries.len(), 3 + 5);
}

#[test]
fn a_changed_instruction_header_or_copy_table_is_told() {
    let reference = baseline_of_the_records();
    let sound = fixture("plain.img");
    assert_eq!(judge(&reference, &sound).0, 0);
    // The jump at the start, the first byte of code, the entry point of a module, and the table of what is copied.
    let at = |needle: &[u8]| sound.windows(needle.len()).position(|part| part == needle);
    let entry = at(b"ECEC").unwrap() + 8;
    let header = u32::from_le_bytes(sound[entry..entry + 4].try_into().unwrap()) as usize;
    let word = |at: usize| u32::from_le_bytes(sound[at..at + 4].try_into().unwrap()) as usize;
    let e32 = word(header + 84 + 20) - 0x8004_0000;
    let copies = word(header + 36) - 0x8004_0000;
    for place in [0, 0x1000, e32 + 4, copies + 4] {
        let mut changed = sound.clone();
        changed[place] ^= 4;
        assert_ne!(judge(&reference, &changed).0, 0, "{place:#x}");
    }
}

fn baseline_of_the_records() -> vitalsign::baseline::Baseline {
    assert_ne!(code(&fixture("NK.bin"), b"something else"), 0);
    baseline(&fixture("NK.bin"))
}

#[test]
fn what_an_installer_package_installs_is_found() {
    let folder = repository().join("fixtures/cfb");
    let found = unpack_bytes(fs::read(folder.join("package.img.gz")).unwrap());
    let installs = fs::read_to_string(folder.join("package.installs")).unwrap();
    assert_eq!(installs.lines().count(), 2);
    for line in installs.lines() {
        let digest = line.split_whitespace().next().unwrap();
        let same = |sha256: &vitalsign::digest::Digest| sha256.to_string() == digest;
        let mut entries = found.entries.iter();
        let entry = entries.find(|entry| entry.sha256.as_ref().is_some_and(same));
        let place = entry.unwrap().place.to_string();
        assert!(place.contains("/monitor.cab:cab@0x0:/"), "{place}");
    }
}
