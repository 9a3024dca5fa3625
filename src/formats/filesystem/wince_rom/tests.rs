use bytes::Bytes;
use goblin::pe::PE;

use super::WinceRom;
use crate::entry::Node;
use crate::formats::filesystem::trial::{Trial, open, poke, stored};
use crate::formats::{Format, Length, Reject};

fn rom() -> Vec<u8> {
    stored("wince-rom/modules.img")
}

/// The content of the entry of this path, as far as it can be read.
fn content(trial: &Trial, path: &str) -> (Vec<u8>, bool) {
    let mut entries = trial.tree.entries.iter();
    let entry = entries.find(|entry| entry.path.as_bytes() == path.as_bytes());
    let Some(Node::File(file)) = entry.map(|entry| &entry.node) else {
        panic!("{path} is no file");
    };
    let mut bytes = Vec::new();
    let whole = file.data.copy_to(&mut bytes).is_ok();
    assert!(!whole || bytes.len() as u64 == file.size);
    (bytes, whole)
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Where the header stands, and where the first record of a module.
fn tables(rom: &[u8]) -> (usize, usize) {
    let header = word(rom, 0x48);
    (header, header + 84)
}

#[test]
fn modules_are_the_files_of_the_compiler_again() {
    for rom in ["wince-rom/modules.img", "wince-rom/stamped.img"] {
        let trial = open(&WinceRom, &stored(rom));
        assert!(trial.problems.is_empty(), "{:?}", trial.problems);
        for name in ["nk.exe", "coredll.dll"] {
            let original = stored(&format!("wince-rom/{name}"));
            let (bytes, whole) = content(&trial, &format!("/{name}"));
            assert!(whole);
            let (first, again) = (PE::parse(&original).unwrap(), PE::parse(&bytes).unwrap());
            let (one, two) = (&first.header.coff_header, &again.header.coff_header);
            assert_eq!(one.machine, two.machine);
            assert_eq!(one.characteristics, two.characteristics);
            if rom.contains("stamped") {
                assert_eq!(one.time_date_stamp, two.time_date_stamp);
            }
            let (one, two) = (
                first.header.optional_header.unwrap(),
                again.header.optional_header.unwrap(),
            );
            assert_eq!(first.entry, again.entry);
            assert_eq!(first.image_base, again.image_base);
            let (fields, kept) = (one.windows_fields, two.windows_fields);
            assert_eq!(fields.subsystem, kept.subsystem);
            assert_eq!(fields.size_of_image, kept.size_of_image);
            assert_eq!(fields.size_of_stack_reserve, kept.size_of_stack_reserve);
            assert_eq!(fields.major_subsystem_version, kept.major_subsystem_version);
            let places = |directories: goblin::pe::data_directories::DataDirectories| {
                let places = directories.data_directories.into_iter();
                let nine = places.take(9).flatten().map(|(_, directory)| directory);
                nine.map(|directory| (directory.virtual_address, directory.size))
                    .collect::<Vec<_>>()
            };
            assert_eq!(places(one.data_directories), places(two.data_directories));
            assert_eq!(first.sections.len(), again.sections.len());
            for (one, two) in first.sections.iter().zip(&again.sections) {
                assert_eq!(one.virtual_address, two.virtual_address);
                assert_eq!(one.virtual_size, two.virtual_size);
                assert_eq!(one.characteristics, two.characteristics);
                assert_eq!(one.size_of_raw_data, two.size_of_raw_data);
                let raw = |bytes: &[u8], at: u32, len: u32| {
                    bytes[at as usize..(at + len) as usize].to_vec()
                };
                assert_eq!(
                    raw(&original, one.pointer_to_raw_data, one.size_of_raw_data),
                    raw(&bytes, two.pointer_to_raw_data, two.size_of_raw_data)
                );
            }
        }
    }
}

#[test]
fn times_attributes_and_addresses_are_told() {
    let trial = open(&WinceRom, &rom());
    let entry = |path: &str| {
        let mut entries = trial.tree.entries.iter();
        let entry = entries.find(|entry| entry.path.as_bytes() == path.as_bytes());
        entry.unwrap().meta.clone()
    };
    // As the script set it: 2009-03-01 12:00:00 UTC.
    assert_eq!(entry("/nk.exe").mtime, Some(1_235_908_800));
    assert_eq!(entry("/secret.txt").mtime, Some(1_235_908_800));
    let attribute = |path: &str| entry(path).xattrs.get(&b"dos.attributes"[..]).cloned();
    assert_eq!(attribute("/secret.txt").unwrap(), b"hidden");
    assert_eq!(attribute("/boot.reg"), None);
    assert_eq!(attribute("/nk.exe").unwrap(), b"readonly,hidden,system");
    let sections = entry("/nk.exe").xattrs[&b"wince.sections"[..]].clone();
    let sections = String::from_utf8(sections).unwrap();
    // Code runs where it lies; data is copied to memory.
    assert!(sections.starts_with("0x80041000,0x0100"), "{sections}");
}

#[test]
fn what_is_compressed_is_named_and_never_made_up() {
    let sound = rom();
    let (header, first) = tables(&sound);
    let files = first + 32 * word(&sound, header + 16);
    let short = (word(&sound, files + 16) as u32 - 9).to_le_bytes();
    let trial = open(&WinceRom, &poke(&sound, files + 16, &short));
    assert_eq!(content(&trial, "/boot.reg"), (Vec::new(), false));
    // The flag of a section of the first module.
    let section = word(&sound, first + 24) - 0x8004_0000;
    let flags = word(&sound, section + 20) as u32 | 0x2000;
    let trial = open(&WinceRom, &poke(&sound, section + 20, &flags.to_le_bytes()));
    let (bytes, whole) = content(&trial, "/nk.exe");
    assert!(!whole && bytes.len() == 0x200);
    assert!(content(&trial, "/coredll.dll").1);
}

#[test]
fn pointers_out_of_the_rom_are_told() {
    let sound = rom();
    let (header, first) = tables(&sound);
    let files = first + 32 * word(&sound, header + 16);
    for (what, at) in [
        ("e32", first + 20),
        ("o32", first + 24),
        ("name", first + 48),
    ] {
        for address in [0_u32, 0x8003_fffc, 0xffff_fff0] {
            let trial = open(&WinceRom, &poke(&sound, at, &address.to_le_bytes()));
            let wholes = ["/nk.exe", "/coredll.dll"].map(|path| {
                let known = |entry: &crate::entry::Entry| entry.path.as_bytes() == path.as_bytes();
                trial.tree.entries.iter().any(known) && content(&trial, path).1
            });
            assert_eq!(wholes, [what == "name", what != "name"], "{what}");
            assert_eq!(trial.tree.entries.len(), 5);
        }
    }
    let trial = open(&WinceRom, &poke(&sound, files + 24, &[0xff; 4]));
    assert_eq!(content(&trial, "/boot.reg"), (Vec::new(), false));
    // A content that goes on behind the end.
    let trial = open(
        &WinceRom,
        &poke(&sound, files + 12, &[0, 0, 0x10, 0, 0, 0, 0x10, 0]),
    );
    let (bytes, whole) = content(&trial, "/boot.reg");
    assert!(!whole && bytes.starts_with(b"[HKEY_LOCAL_MACHINE"));
}

#[test]
fn counts_that_cannot_be_are_refused() {
    let sound = rom();
    let (header, first) = tables(&sound);
    let measured = |bytes: Vec<u8>| WinceRom.measure(&Bytes::from(bytes));
    for at in [header + 16, header + 48] {
        for count in [0x1000_u32, u32::MAX] {
            let hostile = poke(&sound, at, &count.to_le_bytes());
            assert!(matches!(measured(hostile), Err(Reject::NearMiss(_))));
        }
    }
    // So many sections that their table would not fit.
    let e32 = word(&sound, first + 20) - 0x8004_0000;
    let trial = open(&WinceRom, &poke(&sound, e32, &[0xff, 0xff]));
    assert!(!content(&trial, "/nk.exe").1);
    // A header that is not where it is said to be.
    let wrong = poke(&sound, 0x48, &0x100_u32.to_le_bytes());
    assert!(matches!(measured(wrong), Err(Reject::NearMiss(_))));
}

#[test]
fn a_rom_that_is_cut_off_anywhere_is_refused_or_said_to_be() {
    for name in ["wince-rom/modules.img", "wince-rom/files.img"] {
        let sound = stored(name);
        for len in 0..sound.len() {
            let cut = Bytes::copy_from_slice(&sound[..len]);
            if let Ok(extent) = WinceRom.measure(&cut) {
                assert_eq!(extent.len, Length::Known(sound.len() as u64));
            }
            if len % 97 == 0 {
                open(&WinceRom, &cut);
            }
        }
    }
}

#[test]
fn damage_is_survived() {
    let sound = rom();
    let used: Vec<usize> = (0..sound.len()).filter(|&at| sound[at] != 0).collect();
    for (number, at) in used.into_iter().enumerate() {
        let flipped = poke(&sound, at, &[sound[at] ^ 1 << (number % 8)]);
        if WinceRom.measure(&Bytes::copy_from_slice(&flipped)).is_ok() {
            for row in open(&WinceRom, &flipped).rows() {
                assert!(row.starts_with('/'));
            }
        }
    }
}

#[test]
fn what_is_compressed_becomes_what_it_was() {
    let plain = open(&WinceRom, &rom());
    for name in ["packed-modules", "older-modules"] {
        let packed = open(&WinceRom, &stored(&format!("wince-rom/{name}.img")));
        for path in ["/nk.exe", "/coredll.dll"] {
            assert_eq!(content(&packed, path), content(&plain, path), "{name}");
        }
    }
}

#[test]
fn tables_of_windows_ce_3_that_make_no_sense_are_not_read() {
    let sound = stored("wince-rom/older.img");
    // The size, and where each of three pages ends.
    let table = sound
        .windows(3)
        .position(|part| part == [0, 0x20, 0])
        .unwrap();
    let path = "/whole.nls";
    assert!(content(&open(&WinceRom, &sound), path).1);
    for (at, bytes) in [
        (table, [0, 0x10, 0]),
        (table, [0, 0, 0]),
        (table + 3, [0, 0, 0]),
        (table + 3, [0xff, 0xff, 0xff]),
        (table + 9, [0xff, 0xff, 0xff]),
    ] {
        let trial = open(&WinceRom, &poke(&sound, at, &bytes));
        assert_eq!(content(&trial, path), (Vec::new(), false), "{at:#x}");
    }
    for at in table + 12..table + 400 {
        let (bytes, whole) = content(&open(&WinceRom, &poke(&sound, at, &[0xff])), path);
        assert_eq!(whole, bytes.len() == 8192);
    }
}

#[test]
fn a_damaged_page_is_told_or_another_content_of_the_same_size() {
    let sound = stored("wince-rom/packed.img");
    let pages = &[16, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let starts = (0..sound.len()).filter(|&at| sound[at..].starts_with(pages));
    let starts: Vec<usize> = starts.collect();
    assert!(starts.len() > 5);
    for at in starts {
        for bit in 0..8 {
            // The window and the size of a page, and its first bytes.
            for place in [at, at + 4, at + 16, at + 17, at + 40] {
                let mutant = poke(&sound, place, &[sound[place] ^ 1 << bit]);
                open(&WinceRom, &mutant).rows();
            }
        }
    }
    // A table that leads out of the file, and a size that its pages do not have.
    let first = sound.windows(16).position(|part| part == pages).unwrap();
    let table = first - 3 * 6;
    for at in [table, table + 3, table + 6] {
        let trial = open(&WinceRom, &poke(&sound, at, &[0xff, 0xff, 0xff]));
        assert!(trial.rows().iter().any(|row| row.ends_with("\t-")));
    }
}
