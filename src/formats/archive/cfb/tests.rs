use std::io::Read as _;

use bytes::Bytes;

use super::Cfb;
use crate::entry::Node;
use crate::formats::archive::trial::{fixture, open};
use crate::formats::{Format, Length, Reject};

fn compound(name: &str) -> Vec<u8> {
    let mut file = Vec::new();
    let stored = fixture(&format!("cfb/{name}.img.gz"));
    let mut decoder = flate2::read::GzDecoder::new(&stored[..]);
    decoder.read_to_end(&mut file).unwrap();
    file
}

/// Paths and contents.
type Streams = Vec<(String, Vec<u8>)>;

/// The streams that can be read in full, and what is told.
fn streams(file: &[u8]) -> Option<(Streams, Vec<String>)> {
    let (_, tree, opened) = open(&Cfb, file.to_vec())?;
    let mut found = Vec::new();
    for entry in tree.entries {
        if let Node::File(file) = entry.node {
            let mut bytes = Vec::new();
            if file.data.copy_to(&mut bytes).is_ok() {
                assert_eq!(bytes.len() as u64, file.size);
                let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
                found.push((path, bytes));
            }
        }
    }
    let told = opened.problems.into_iter().map(|problem| problem.detail);
    Some((found, told.collect()))
}

fn poked(file: &[u8], at: usize, words: &[u32]) -> Vec<u8> {
    let mut file = file.to_vec();
    for (number, word) in words.iter().enumerate() {
        file[at + 4 * number..at + 4 * number + 4].copy_from_slice(&word.to_le_bytes());
    }
    file
}

fn word(file: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(file[at..at + 4].try_into().unwrap())
}

/// Where the record of this name stands.
fn record(file: &[u8], name: &str) -> usize {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let units = [&units[..], &[0, 0]].concat();
    file.windows(units.len())
        .position(|part| part == units)
        .unwrap()
}

#[test]
fn every_byte_is_explained_and_what_follows_is_not_its_own() {
    for name in ["package", "more", "scattered", "version4"] {
        let sound = compound(name);
        let longer = [&sound[..], &[7; 5000]].concat();
        let (len, _, opened) = open(&Cfb, longer).unwrap();
        assert_eq!(len, sound.len() as u64, "{name}");
        assert!(opened.problems.is_empty());
        let mut spans = opened.spans;
        spans.sort_by_key(|span| span.at);
        let mut reached = 0;
        for span in spans {
            // What is free of the small sectors is empty.
            let gap = &sound[reached.min(span.at as usize)..span.at as usize];
            assert!(gap.iter().all(|&byte| byte == 0), "{name}");
            reached = reached.max((span.at + span.len) as usize);
        }
        assert_eq!(reached, sound.len(), "{name}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_or_said_to_be() {
    for name in ["package", "scattered"] {
        let sound = compound(name);
        for len in 0..sound.len() {
            let cut = Bytes::copy_from_slice(&sound[..len]);
            if let Ok(extent) = Cfb.measure(&cut) {
                assert_eq!(extent.len, Length::Known(sound.len() as u64));
                if len % 61 == 0 {
                    streams(&cut);
                }
            }
        }
    }
}

#[test]
fn damage_is_told_or_leaves_the_streams_as_they_are_or_changes_a_content() {
    let sound = compound("scattered");
    for at in 0..sound.len() {
        if at % 7 == 0 || at < 600 || sound[at] == 0xff {
            let mut mutant = sound.clone();
            mutant[at] ^= 1 << (at % 8);
            streams(&mutant);
        }
    }
}

#[test]
fn loops_and_shared_sectors_end_and_are_told() {
    let sound = compound("scattered");
    let table = 512 * (1 + word(&sound, 76) as usize);
    let (first, second) = (record(&sound, "first"), record(&sound, "second"));
    // A stream whose second sector is its first.
    let start = word(&sound, first + 116);
    let looped = poked(&sound, table + 4 * start as usize, &[start]);
    let (found, told) = streams(&looped).unwrap();
    assert!(!told.is_empty() && found.iter().all(|(path, _)| path != "/first"));
    // Two streams that start alike.
    let shared = poked(&sound, second + 116, &[start]);
    let (found, told) = streams(&shared).unwrap();
    assert!(!told.is_empty() && found.len() == streams(&sound).unwrap().0.len() - 1);
    // A chain that goes on behind the end.
    let long = poked(&sound, first + 120, &[4096]);
    let (_, told) = streams(&long).unwrap();
    assert!(
        told.iter()
            .any(|told| told.contains("go on behind its end"))
    );
    // A storage that holds itself, and a record that nothing leads to.
    let inner = record(&sound, "deep");
    let circle = poked(&sound, inner + 76, &[1]);
    let (_, told) = streams(&circle).unwrap();
    assert!(told.iter().any(|told| told.contains("twice")));
    assert!(told.iter().any(|told| told.contains("no storage leads to")));
    // A size that is not there.
    let endless = poked(&sound, first + 120, &[0xffff_fff0]);
    let (found, told) = streams(&endless).unwrap();
    assert!(!told.is_empty() && found.iter().all(|(path, _)| path != "/first"));
}

#[test]
fn a_table_that_does_not_name_itself_is_a_near_miss() {
    let sound = compound("scattered");
    let measured = |file: Vec<u8>| Cfb.measure(&Bytes::from(file));
    for (at, words) in [(76, [0_u32]), (44, [400]), (44, [u32::MAX])] {
        let hostile = measured(poked(&sound, at, &words));
        assert!(matches!(hostile, Err(Reject::NearMiss(_))), "{at}");
    }
    for (at, words) in [(28, [0_u32]), (56, [64]), (30, [0x0006_000c])] {
        let other = measured(poked(&sound, at, &words));
        assert!(matches!(other, Err(Reject::Coincidence(_))), "{at}");
    }
    // A list of tables that leads back to itself.
    let huge = compound("huge");
    let list = 512 * (1 + word(&huge, 68) as usize);
    let looped = poked(&huge, list + 508, &[word(&huge, 68)]);
    assert!(measured(poked(&looped, 44, &[5000])).is_err());
}
