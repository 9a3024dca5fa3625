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

/// What the regions of a format say of themselves.
fn said(image: &str, format: &str, name: &str) -> Option<String> {
    let found = unpack_bytes(fs::read(repository().join("fixtures").join(image)).unwrap());
    assert!(found.problems.is_empty(), "{:#?}", found.problems);
    let mut regions = found.regions.iter();
    let region = regions.find(|region| region.format.id == format)?;
    region.properties.get(name).cloned()
}

#[test]
fn members_of_a_cabinet_are_told_with_the_names_that_they_get() {
    for (image, format, name, path) in [
        (
            "ce-setup/cabinet.img",
            "ce-setup",
            "file.001",
            r"%CE1%\\Monitor\\monitor.exe",
        ),
        (
            "ce-setup-xml/cabinet.img",
            "ce-setup-xml",
            "file.MONITO~1.001",
            r"%CE1%\\Monitor\\monitor & alarm.exe",
        ),
    ] {
        assert_eq!(said(image, format, name).as_deref(), Some(path));
    }
}

#[test]
fn a_changed_value_of_the_registry_is_told_by_its_name() {
    for (image, from, to, name) in [
        (
            "regf/grown.img.gz",
            "monitor5.exe",
            "backdoor.exe",
            "/ControlSet001/Services/Service05/ImagePath%expand-sz",
        ),
        (
            "wince-hive/boot.img.gz",
            "device.exe",
            "hidden.exe",
            "/HKLM/init/Launch20%sz",
        ),
    ] {
        let packed = fs::read(repository().join("fixtures").join(image)).unwrap();
        let mut sound = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(&packed[..]);
        std::io::Read::read_to_end(&mut decoder, &mut sound).unwrap();
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (from, to): (Vec<u8>, Vec<u8>) = (wide(from), wide(to));
        let at = sound.windows(from.len()).position(|part| part == from);
        let mut changed = sound.clone();
        let at = at.unwrap();
        changed[at..at + to.len()].copy_from_slice(&to);
        let reference = baseline(&sound);
        assert_eq!(judge(&reference, &sound).0, 0);
        let (_, comparison) = judge(&reference, &changed);
        let paths: Vec<_> = comparison
            .changes
            .iter()
            .map(|one| one.path.clone())
            .collect();
        assert_eq!(paths, [Some(name.to_owned())]);
    }
}
