use bytes::Bytes;

use super::Imgfs;
use crate::entry::Node;
use crate::formats::filesystem::trial::{Trial, open, poke, stored};
use crate::formats::filesystem::wince_rom::WinceRom;
use crate::formats::{Format, Length, Reject, Role};

const BLOCK: usize = 0x800;
const RECORD: usize = 52;

fn image() -> Vec<u8> {
    stored("imgfs/xpr.img")
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The places of all records of this kind in the first directory block.
fn records(image: &[u8], kind: u32) -> Vec<usize> {
    let slots = (BLOCK + 8..2 * BLOCK - RECORD).step_by(RECORD);
    slots.filter(|&at| word(image, at) == kind).collect()
}

fn files(image: &[u8]) -> Vec<usize> {
    records(image, 0xffff_f6fe)
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

/// The reader of the ROM is held against the compiler's files; all it knows besides is the processor.
#[test]
fn modules_are_those_of_the_rom_without_a_processor() {
    let here = open(&Imgfs, &stored("imgfs/modules.img"));
    assert!(here.problems.is_empty(), "{:?}", here.problems);
    let rom = open(&WinceRom, &stored("wince-rom/stamped.img"));
    for path in ["/nk.exe", "/coredll.dll"] {
        let (mut same, whole) = content(&rom, path);
        assert!(whole && same[68..70] == [0x4c, 0x01]);
        same[68..70].fill(0);
        assert_eq!(content(&here, path), (same, true), "{path}");
    }
    let meta = |path: &str| {
        let mut entries = here.tree.entries.iter();
        let entry = entries.find(|entry| entry.path.as_bytes() == path.as_bytes());
        entry.unwrap().meta.clone()
    };
    // As the script set it: 2009-03-01 12:00:00 UTC.
    assert_eq!(meta("/nk.exe").mtime, Some(1_235_908_800));
    let attribute = |path: &str| meta(path).xattrs.get(&b"dos.attributes"[..]).cloned();
    assert_eq!(attribute("/secret.txt").unwrap(), b"readonly,hidden");
    assert_eq!(attribute("/wince.nls"), None);
    let sections = meta("/nk.exe").xattrs[&b"wince.sections"[..]].clone();
    assert!(sections.starts_with(b"0x00401000,"), "{sections:?}");
}

#[test]
fn every_byte_is_explained() {
    for name in ["xpr", "xph", "nul", "modules"] {
        let image = stored(&format!("imgfs/{name}.img"));
        let mut trial = open(&Imgfs, &image);
        let mut reached = 0;
        trial.opened.spans.sort_unstable();
        for span in &trial.opened.spans {
            let between = &image[reached as usize..span.at as usize];
            assert!(
                between.iter().all(|&byte| byte == 0xff),
                "{name} {reached:#x}"
            );
            reached = span.at + span.len;
        }
        assert_eq!(reached, image.len() as u64, "{name}");
    }
}

#[test]
fn other_methods_are_named_and_only_stored_blocks_are_read() {
    let renamed = poke(&image(), 0x2c, b"LZX\0");
    let trial = open(&Imgfs, &renamed);
    assert_eq!(trial.rows().len(), open(&Imgfs, &image()).rows().len());
    assert!(!content(&trial, "/wince.nls").1);
    let (bytes, whole) = content(&trial, "/a.rg");
    assert!(whole == bytes.starts_with(b"[HKEY"));
    let entry = trial.tree.entries.iter();
    let wince = entry
        .clone()
        .find(|entry| entry.path.as_bytes() == b"/wince.nls");
    let Node::File(file) = &wince.unwrap().node else {
        panic!("no file");
    };
    let told = format!("{:?}", file.data.copy_to(&mut Vec::new()).unwrap_err());
    assert!(told.contains("LZX, which is not read"), "{told}");
}

#[test]
fn chains_that_loop_or_lead_nowhere_end() {
    let sound = image();
    let all = open(&Imgfs, &sound).rows().len();
    for next in [BLOCK as u32, 0x1234, 8, u32::MAX] {
        let trial = open(&Imgfs, &poke(&sound, BLOCK + 4, &next.to_le_bytes()));
        assert!(trial.tells("the chain of directory blocks"));
        assert!((1..all).contains(&trial.rows().len()));
    }
    let modules = stored("imgfs/modules.img");
    let module = records(&modules, 0xffff_fefe)[0];
    let section = word(&modules, module + 8);
    for (at, next) in [
        // A section whose next one is itself, one that is the module, and one that is none.
        (section as usize + 8, section),
        (section as usize + 8, module as u32),
        (module + 8, 0x40),
    ] {
        let trial = open(&Imgfs, &poke(&modules, at, &next.to_le_bytes()));
        assert!(trial.tells("the chain of a module's sections"));
        assert!(trial.tells("a module whose headers do not fit its sections"));
    }
}

#[test]
fn parts_of_a_module_that_do_not_fit_are_shown() {
    let modules = stored("imgfs/modules.img");
    let sound = open(&Imgfs, &modules).rows().len();
    let module = records(&modules, 0xffff_fefe)[0];
    // The headers end in the middle of those of the sections.
    let size = word(&modules, module + 24) - 24;
    let table = word(&modules, module + 44) as usize;
    let mut short = poke(&modules, module + 24, &size.to_le_bytes());
    short[table + 2..table + 4].copy_from_slice(&(size as u16).to_le_bytes());
    let trial = open(&Imgfs, &short);
    assert!(trial.tells("do not fit its sections"));
    assert!(trial.rows().len() > sound);
    assert!(content(&trial, "/nk.exe.S000").1);
}

#[test]
fn sizes_and_places_that_cannot_be_are_told() {
    let sound = image();
    let record = files(&sound)[3];
    let path = open(&Imgfs, &sound).tree.entries[3].path.clone();
    let path = std::str::from_utf8(path.as_bytes()).unwrap();
    let whole = content(&open(&Imgfs, &sound), path);
    assert!(whole.1);
    let table = word(&sound, record + 44) as usize;
    let one_more = (whole.0.len() as u32 + 1).to_le_bytes();
    let one_less = (whole.0.len() as u32 - 1).to_le_bytes();
    for (at, bytes) in [
        (record + 24, &one_more[..]),
        (record + 24, &one_less),
        (record + 24, &[0xff; 4]),
        (record + 44, &[0xff; 4]),
        (record + 48, &[0; 4]),
        // A block that is not there, that becomes smaller, and another table.
        (table + 4, &[0xff; 4]),
        (table + 4, &[0; 4]),
        (table + 2, &[1, 0]),
        (record + 4, &[0x40, 0, 0, 0]),
    ] {
        let trial = open(&Imgfs, &poke(&sound, at, bytes));
        assert!(!content(&trial, path).1, "{at:#x} {bytes:?}");
    }
    let shared = poke(&sound, record + 44, &sound[files(&sound)[2] + 44..][..8]);
    assert!(open(&Imgfs, &shared).tells("bytes belong to two"));
    // Names that are nowhere, and one that is too long for its record.
    for name in [[0, 0, 0, 0], [9, 0, 0, 0], [25, 0, 2, 0]] {
        let mut nameless = poke(&sound, record + 12, &name);
        nameless[record + 20..record + 24].fill(0);
        assert!(open(&Imgfs, &nameless).tells("a file without a name"));
    }
}

#[test]
fn what_follows_in_the_last_bytes_of_a_block_is_not_explained_away() {
    let sound = image();
    let record = files(&sound)[0];
    let data = word(&sound, word(&sound, record + 44) as usize + 4) as usize;
    let len = u16::from_le_bytes([
        sound[word(&sound, record + 44) as usize],
        sound[word(&sound, record + 44) as usize + 1],
    ]) as usize;
    assert_eq!(sound[data + len], 0);
    let trial = open(&Imgfs, &poke(&sound, data + len, b"!"));
    assert_eq!(trial.explains((data + len) as u64, 1), None);
    assert_eq!(trial.explains(data as u64, 1), Some(Role::Content));
}

#[test]
fn headers_without_a_directory_are_refused() {
    let sound = image();
    let measured = |bytes: Vec<u8>| Imgfs.measure(&Bytes::from(bytes));
    assert_eq!(
        measured(sound.clone()).unwrap().len,
        Length::Known(sound.len() as u64)
    );
    let behind = [&sound[..], &[0xa5; 5000]].concat();
    assert_eq!(
        measured(behind).unwrap().len,
        Length::Known(sound.len() as u64)
    );
    for (at, bytes) in [
        (BLOCK, &[0; 4][..]),
        (0x1c, &[53, 0, 0, 0]),
        (0x18, &[2, 0, 0, 0]),
    ] {
        let refused = measured(poke(&sound, at, bytes));
        assert!(matches!(refused, Err(Reject::NearMiss(_))), "{at:#x}");
    }
    for (at, bytes) in [(0x20, [0; 4]), (0x24, [0; 4]), (0x24, [0xff; 4])] {
        let refused = measured(poke(&sound, at, &bytes));
        assert!(matches!(refused, Err(Reject::Coincidence(_))), "{at:#x}");
    }
}

/// Every record a file with the largest table there can be.
#[test]
fn more_blocks_than_there_can_be_are_refused_soon() {
    let mut hostile = vec![1; 8 << 20];
    hostile[..2 * BLOCK].copy_from_slice(&image()[..2 * BLOCK]);
    for at in (BLOCK + 8..2 * BLOCK - RECORD).step_by(RECORD) {
        hostile[at..at + 4].copy_from_slice(&0xffff_f6fe_u32.to_le_bytes());
        hostile[at + 44..at + 48].copy_from_slice(&0x1000_u32.to_le_bytes());
        hostile[at + 48..at + 52].copy_from_slice(&(8_u32 << 20).to_le_bytes());
    }
    let refused = Imgfs.measure(&Bytes::from(hostile.clone()));
    assert!(matches!(refused, Err(Reject::NearMiss(_))));
    assert!(open(&Imgfs, &hostile).tells("paths and attributes"));
}

#[test]
fn cuts_and_damage_are_survived() {
    let sound = stored("imgfs/modules.img");
    let rows = open(&Imgfs, &sound).rows();
    for len in (0..sound.len()).step_by(61) {
        let cut = &sound[..len];
        if Imgfs.measure(&Bytes::copy_from_slice(cut)).is_ok() {
            // The last bytes are padding.
            let differs = open(&Imgfs, cut).rows() != rows;
            assert!(differs || len + 64 > sound.len(), "{len}");
        }
    }
    // The header and the records in use.
    for at in (0..60).chain(BLOCK..BLOCK + 800) {
        let flipped = poke(&sound, at, &[sound[at] ^ 1 << (at % 8)]);
        if Imgfs.measure(&Bytes::copy_from_slice(&flipped)).is_ok() {
            for row in open(&Imgfs, &flipped).rows() {
                assert!(row.starts_with('/'));
            }
        }
    }
}
