use super::*;
use crate::formats::filesystem::trial::{fixture, open, poke};
use crate::formats::{Length, Role};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("wince-hive/{name}.img.gz"))
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Where the record starts of the key or value with this name, whose records have `head` bytes in front of it.
fn record(image: &[u8], head: usize, name: &str) -> usize {
    memchr::memmem::find(image, &wide(name)).unwrap() - head - 12
}

#[test]
fn every_hive_is_measured_and_whole() {
    for name in ["boot", "many"] {
        let sound = image(name);
        let extent = Extent::known(sound.len() as u64, Proof::Structure);
        assert_eq!(WinceHive.measure(&Bytes::from(sound.clone())), Ok(extent));
        let trial = open(&WinceHive, &sound);
        assert_eq!(trial.problems, [""; 0], "{name}");
        let used = sound.iter().rposition(|&byte| byte != 0).unwrap();
        for at in 0..=used {
            let what = trial.explains(at as u64, 1);
            assert!(what.is_some(), "{name}: {at:#x}");
        }
        let dll = memchr::memmem::find(&sound, &wide("com16550")).unwrap();
        assert_eq!(trial.explains(dll as u64, 2), Some(Role::Content));
    }
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("boot");
    let (serial, init) = (record(&sound, 16, "Serial"), record(&sound, 16, "init"));
    let (dll, launch) = (record(&sound, 10, "Dll"), record(&sound, 10, "Launch20"));
    let handle = |at: usize| (sound[at + 8]).to_le_bytes().to_vec();
    for (at, bytes, words) in [
        (0xf0, vec![9], "the record of the roots is missing"),
        (serial + 12 + 8, vec![0xff, 0xff], "should be a value"),
        (serial + 12 + 4, handle(init), "used twice"),
        (serial + 12, handle(dll), "should be a key"),
        (serial + 12 + 12, vec![0xff], "should be a key"),
        (dll + 12, handle(dll), "used twice"),
        (dll + 12 + 6, vec![0xff, 0xff], "should be a value"),
        (dll + 8, handle(launch), "stands twice"),
        (dll, vec![0xff, 0xff, 0xff], "no record where one should be"),
        (
            0x1004,
            vec![0, 0x10, 0, 0],
            "no section where one should be",
        ),
        (0x20, vec![0, 0xff], "cut off"),
    ] {
        let trial = open(&WinceHive, &poke(&sound, at, &bytes));
        assert!(trial.tells(words), "{words}: {:?}", trial.problems);
    }
}

#[test]
fn what_nothing_leads_to_is_open() {
    let sound = image("boot");
    let dll = record(&sound, 10, "Dll");
    let serial = record(&sound, 16, "Serial");
    let trial = open(&WinceHive, &poke(&sound, serial + 12 + 8, &[0; 4]));
    assert_eq!(trial.explains(dll as u64, 30), None);
    let mut properties = trial.opened.properties.iter();
    assert!(
        properties.any(|(name, value)| name == b"allocated-and-not-used" && value == b"2 records")
    );
}

#[test]
fn hostile_hives_end() {
    let sound = image("boot");
    for len in (0..sound.len()).step_by(61) {
        let cut = Bytes::copy_from_slice(&sound[..len]);
        if let Ok(extent) = WinceHive.measure(&cut) {
            assert_eq!(extent.len, Length::Known(sound.len() as u64));
            assert!(open(&WinceHive, &cut).tells("cut off"));
        }
    }
    for at in (0..sound.len()).filter(|at| sound[*at] != 0) {
        let mut mutant = sound.clone();
        mutant[at] ^= 1 << (at % 8);
        open(&WinceHive, &mutant);
    }
    // A list of sections that all are the first one.
    let full = poke(&sound, 0x1000, &[1_u8, 0, 0, 0].repeat(4096));
    assert!(open(&WinceHive, &full).tells("no section"));
}

#[test]
fn records_that_overlap_are_no_work_without_end() {
    let mut sound = image("boot");
    // Each slot leads to a record that reaches to the end, 12 bytes behind the one before.
    let start = sound.len();
    for number in 0..0x400_u32 {
        let at = 12 * number;
        let len = 0x3000 + 12 * (0x3ff - number);
        for word in [0xd000_0000 | len, 0, 100 + number] {
            sound.extend_from_slice(&word.to_le_bytes());
        }
        let place = (start - 0x5000) as u32 + at + 1;
        let slot = 0x5000 + 12 + 4 * number as usize;
        sound[slot..slot + 4].copy_from_slice(&place.to_le_bytes());
    }
    sound.resize(sound.len() + 0x3000, 0);
    let len = (sound.len() as u32).to_le_bytes();
    let hostile = poke(&sound, 0x20, &len);
    assert!(open(&WinceHive, &hostile).tells("records of more bytes than there are"));
}

#[test]
fn other_things_with_the_same_header_are_told_apart() {
    let sound = image("boot");
    let volume = poke(&sound, 0xf0, &[0xff; 4]);
    assert!(open(&WinceHive, &volume).tells("a database volume"));
    let measured = |image: Vec<u8>| WinceHive.measure(&Bytes::from(image));
    assert!(matches!(
        measured(poke(&sound, 0, &[1])),
        Err(Reject::Coincidence(_))
    ));
    assert!(matches!(
        measured(poke(&sound, 0x20, &[0, 0, 0, 0])),
        Err(Reject::Coincidence(_))
    ));
    assert!(matches!(
        measured(poke(&sound, 0x5000, &[1])),
        Err(Reject::NearMiss(_))
    ));
}
