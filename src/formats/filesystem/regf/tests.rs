//! Fixtures, and damage at one place each. The places are found by names and marks, as a hex editor would.

use super::*;
use crate::entry::Node;
use crate::formats::filesystem::trial::{Trial, fixture, open, poke};
use crate::formats::{Content, Length, Role};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("regf/{name}.img.gz"))
}

fn find(image: &[u8], words: &[u8]) -> usize {
    memchr::memmem::find(image, words).unwrap()
}

/// Where the record of a key or value starts that has this name and no other behind it in the file.
fn record(image: &[u8], mark: &[u8], head: usize, name: &[u8]) -> usize {
    let found = memchr::memmem::find_iter(image, name);
    let mut starts = found.map(|at| at - head);
    starts
        .find(|&at| {
            let len = usize::from(u16::from_le_bytes([image[at + 72], image[at + 73]]));
            image[at..].starts_with(mark) && (head != 76 || len == name.len())
        })
        .unwrap()
}

fn key(image: &[u8], name: &[u8]) -> usize {
    record(image, b"nk", 76, name)
}

fn value(image: &[u8], name: &[u8]) -> usize {
    record(image, b"vk", 20, name)
}

/// The bytes of a file in the tree; what could be read of it.
fn content(trial: &Trial, path: &str) -> Option<Vec<u8>> {
    let entry = trial
        .tree
        .entries
        .iter()
        .find(|entry| entry.path.as_bytes() == path.as_bytes());
    let Node::File(file) = &entry?.node else {
        return None;
    };
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    Some(bytes)
}

#[test]
fn every_hive_is_measured_and_whole() {
    for name in ["grown", "every", "old"] {
        let sound = image(name);
        let extent = Extent::known(sound.len() as u64, Proof::Checksum);
        assert_eq!(Regf.measure(&Bytes::from(sound.clone())), Ok(extent));
        let trial = open(&Regf, &sound);
        assert_eq!(trial.problems, [""; 0], "{name}");
    }
}

#[test]
fn what_is_free_or_not_used_is_not_explained() {
    let sound = image("every");
    let trial = open(&Regf, &sound);
    for words in [&b"nk deleted, and"[..], b"allocated, and nothing"] {
        let at = find(&sound, words) as u64;
        assert_eq!(trial.explains(at, 8), None);
    }
    let told = |trial: &Trial| {
        let mut properties = trial.opened.properties.iter();
        let told = properties.find(|(name, _)| *name == b"allocated-and-not-used");
        told.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    assert_eq!(told(&trial).unwrap(), "1 cells, 40 bytes");
    // What hivex deleted is free, and all else leads somewhere.
    let grown = open(&Regf, &image("grown"));
    assert_eq!(told(&grown), None);
    // Data is content, and everything else that is used is metadata.
    let data = find(&sound, b"\x01\x02\x03\x04\x05") as u64;
    assert_eq!(trial.explains(data, 5), Some(Role::Content));
    let inside = key(&sound, b"Inside") as u64;
    assert_eq!(trial.explains(inside, 76), Some(Role::Metadata));
}

#[test]
fn bytes_behind_a_record_are_open() {
    let sound = image("every");
    // The list of a key that had more keys before.
    let many = find(&sound, b"ri\x03\x00");
    let small = poke(&sound, many + 2, &[2, 0]);
    let trial = open(&Regf, &small);
    assert!(trial.tells("300 subkeys stated, 200 listed"));
    let elements = many as u64 + 4;
    assert_eq!(trial.explains(elements, 8), Some(Role::Metadata));
    assert_eq!(trial.explains(elements + 8, 4), None);
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("every");
    let class = key(&sound, b"Class");
    let inside = key(&sound, b"Inside");
    let guarded = key(&sound, b"Guarded");
    let start = value(&sound, b"Path");
    let big = find(&sound, b"db\x03\x00");
    let own = |at: usize| u32::try_from(at - 4 - 4096).unwrap().to_le_bytes();
    for (at, bytes, words) in [
        (508, vec![0; 4], "checksum of the base block"),
        (8, vec![9; 4], "a write was under way"),
        (36, vec![0xf8; 4], "should be a key, and is free"),
        (36, vec![32, 0, 0, 0], "should be a key, and is none"),
        (4096, vec![0], "no bin where one should be"),
        (4096 + 4, vec![1], "no bin where one should be"),
        (4096 + 32, vec![0; 4], "a cell of 0 bytes"),
        (4096 + 32, vec![7, 0, 0, 0], "a cell of 7 bytes"),
        (inside + 16, own(class).to_vec(), "names another key"),
        (guarded + 28, vec![8, 0, 0, 0], "list of subkeys is missing"),
        (
            guarded + 28,
            own(guarded).to_vec(),
            "list of subkeys is missing",
        ),
        (
            guarded + 28,
            own(find(&sound, b"allocated, and")).to_vec(),
            "list of subkeys is none",
        ),
        (guarded + 20, vec![7, 0, 0, 0], "7 subkeys stated, 1 listed"),
        (
            guarded + 44,
            vec![8, 0, 0, 0],
            "security descriptor is missing",
        ),
        (
            class + 36,
            vec![9, 9, 0, 0],
            "list of 2313 values is missing or too short",
        ),
        (class + 40, vec![8, 0, 0, 0], "list of 1 values is missing"),
        (class + 74, vec![0xff, 0xff], "name of its class is missing"),
        (start, vec![b'x'], "should be a value is none"),
        (
            start + 4,
            vec![0xff, 0xff, 0, 0],
            "cell of the data is too short",
        ),
        (
            start + 4,
            vec![9, 0, 0, 0x80],
            "more than 4 bytes in the value",
        ),
        (start + 8, vec![1, 0, 0, 0], "cell of the data is missing"),
        (big + 2, vec![2, 0], "the segments end before the data does"),
        (
            big + 2,
            vec![0xff, 0xff],
            "list of the segments is missing or too short",
        ),
        (
            big + 4,
            vec![0xff; 4],
            "list of the segments is missing or too short",
        ),
    ] {
        let trial = open(&Regf, &poke(&sound, at, &bytes));
        assert!(trial.tells(words), "{words}: {:?}", trial.problems);
    }
    // A name that its hash does not fit is enumerated and never found.
    let trial = open(&Regf, &poke(&sound, inside + 76, b"J"));
    assert!(trial.tells("the hash of the name is wrong"));
}

#[test]
fn every_owner_gets_a_cell_once_so_that_loops_end() {
    let sound = image("every");
    let (inside, guarded) = (key(&sound, b"Inside"), key(&sound, b"Guarded"));
    let list = u32::from_le_bytes(sound[guarded + 28..guarded + 32].try_into().unwrap());
    let list = list.to_le_bytes();
    // A key that is its own grandchild.
    let looped = poke(&sound, inside + 28, &list);
    let looped = poke(&looped, inside + 20, &[1, 0, 0, 0]);
    assert!(open(&Regf, &looped).tells("the list of subkeys is missing"));
    // Two values with the same data.
    let (path, list) = (value(&sound, b"Path"), value(&sound, b"List"));
    let place: Vec<u8> = sound[path + 8..path + 12].to_vec();
    let shared = open(&Regf, &poke(&sound, list + 8, &place));
    assert!(shared.tells("the cell of the data is missing"));
    assert_eq!(content(&shared, "/Values/List%multi-sz"), None);
    assert!(content(&shared, "/Values/Path%expand-sz").is_some());
}

#[test]
fn a_hive_that_is_cut_off_anywhere_is_refused_or_said_to_be() {
    let sound = image("old");
    for len in (0..sound.len()).step_by(53).chain([511, 512, 4096, 4100]) {
        let cut = Bytes::copy_from_slice(&sound[..len]);
        if let Ok(extent) = Regf.measure(&cut) {
            assert_eq!(extent.len, Length::Known(sound.len() as u64));
            assert!(open(&Regf, &cut).tells("cut off"), "{len}");
        }
    }
}

#[test]
fn no_flipped_bit_is_too_much() {
    let sound = image("old");
    let entries = open(&Regf, &sound).tree.entries.len();
    for at in (0..sound.len()).filter(|at| sound[*at] != 0 && at % 5 < 2) {
        let mut mutant = sound.clone();
        mutant[at] ^= 1 << (at % 8);
        assert!(open(&Regf, &mutant).tree.entries.len() <= entries);
    }
}

#[test]
fn logs_are_named_with_their_bounds() {
    for (name, told) in [("log-old", "pages: 8"), ("log-new", "entries: 2")] {
        let sound = image(name);
        let extent = Extent::known(sound.len() as u64, Proof::Checksum);
        let longer = [&sound[..], &[7; 600]].concat();
        assert_eq!(Regf.measure(&Bytes::from(longer)), Ok(extent), "{name}");
        let budget = Budget::new(crate::budget::Limits::default());
        let opened = Regf.open(Bytes::from(sound.clone()), &budget);
        assert!(matches!(opened.content, Content::Layout(_)));
        let mut properties = opened.properties.iter();
        let log = properties.find(|(name, _)| *name == b"log").unwrap();
        assert_eq!(log.1, told.as_bytes());
        for len in 0..sound.len() {
            let _ = Regf.measure(&Bytes::copy_from_slice(&sound[..len]));
        }
        let bare = Regf.measure(&Bytes::from(poke(&sound, 100, &[1])));
        assert!(matches!(bare, Err(Reject::Coincidence(_))));
    }
}
