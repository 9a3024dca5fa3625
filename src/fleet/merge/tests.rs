//! What may be joined, and what is told of the rest.

use super::*;
use crate::fleet::inventory::Device;
use crate::fleet::record::SCHEMA;
use crate::fleet::results::By;
use crate::report::verify::Tool;

const DEVICES: u64 = 40;

fn head(shard: Option<ShardRow>) -> Audit {
    let sha256 = Digest::of(b"");
    Audit {
        schema: SCHEMA.to_owned(),
        tool: Tool::default(),
        judged_at: "2026-11-22T00:00:00Z".to_owned(),
        devices: DEVICES,
        shard,
        in_order: shard.is_none(),
        by: By {
            inventory: sha256,
            baselines: sha256,
            trust: sha256,
            rules: sha256,
            options: sha256,
        },
    }
}

fn line(position: u64) -> Vec<u8> {
    let device = Device {
        image: format!("{position}.bin"),
        ..Device::default()
    };
    let record = Record::error(position, &device, 66, "cannot be read");
    Line::Device(Box::new(record)).write().unwrap()
}

fn first(audit: Audit) -> Vec<u8> {
    Line::Audit(Box::new(audit)).write().unwrap()
}

/// What one machine writes.
fn whole() -> Vec<u8> {
    let lines = (0..DEVICES).map(line);
    std::iter::once(first(head(None)))
        .chain(lines)
        .collect::<Vec<_>>()
        .concat()
}

/// The lines of each shard, the first line first and the others backwards.
fn shards(of: u64) -> Vec<Vec<Vec<u8>>> {
    let shard = |index| {
        let shard = Shard::new(index, of).unwrap();
        let mine = (0..DEVICES).filter(|position| shard.holds(&format!("{position}.bin")));
        let lines: Vec<Vec<u8>> = mine.rev().map(line).collect();
        let head = first(head(Some(shard.row(lines.len()))));
        std::iter::once(head).chain(lines).collect()
    };
    (0..of).map(shard).collect()
}

/// What comes of files; those that are merged, as they are written.
fn merged(files: &[Vec<u8>]) -> Result<Result<Vec<u8>, Incomplete>, String> {
    let mut merge = Merge::default();
    for (number, file) in files.iter().enumerate() {
        let read = merge.read(format!("file{number}"), file.as_slice());
        read.map_err(|error| error.to_string())?;
    }
    let finished = merge.finish().map_err(|error| error.to_string())?;
    Ok(finished.map(|merged| {
        assert_eq!(merged.exit_code, 66);
        let mut out = first(merged.head);
        for place in merged.places {
            let file = files.get(place.file).unwrap();
            let start = usize::try_from(place.start).unwrap();
            let line = file.get(start..start + place.length).unwrap();
            assert!(place.holds(line));
            assert!(!place.holds(&line[1..]));
            out.extend(line);
        }
        out
    }))
}

fn joined(shards: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
    shards.iter().map(|lines| lines.concat()).collect()
}

#[test]
fn shards_in_any_order_are_what_one_machine_writes() {
    for of in [1, 2, 3, 7, 60] {
        let mut files = joined(&shards(of));
        let middle = files.len() / 2;
        files.rotate_left(middle);
        assert_eq!(merged(&files), Ok(Ok(whole())), "{of}");
    }
    assert_eq!(merged(&[whole()]), Ok(Ok(whole())));
}

#[test]
fn what_is_missing_is_told() {
    let mut files = joined(&shards(7));
    files.remove(5);
    files.remove(2);
    files.remove(1);
    let incomplete = merged(&files).unwrap().unwrap_err();
    assert_eq!(incomplete.missing, [(1, 2), (5, 5)]);
    assert_eq!((incomplete.of, incomplete.exit_code), (7, 8));
    let gone = incomplete.devices.iter();
    let gone: Vec<u64> = gone.flat_map(|&(first, last)| first..=last).collect();
    let held = |position: &u64| {
        let first = Shard::new(0, 7).unwrap();
        [1, 2, 5].contains(&first.that_holds(&format!("{position}.bin")).index())
    };
    assert_eq!(gone, (0..DEVICES).filter(held).collect::<Vec<u64>>());
    let nothing = merged(&[]).unwrap().unwrap_err();
    assert!(nothing.devices.is_empty() && nothing.missing.is_empty());
}

#[test]
fn wherever_a_shard_was_torn_it_is_not_done() {
    let files = joined(&shards(3));
    for cut in 0..files[1].len() {
        let mut torn = files.clone();
        torn[1].truncate(cut);
        let incomplete = merged(&torn).unwrap().unwrap_err();
        if incomplete.blank.is_empty() {
            let [shard] = &incomplete.unfinished[..] else {
                panic!("{cut}: {incomplete:?}");
            };
            assert_eq!((shard.index, shard.name.as_str()), (1, "file1"));
            assert!(incomplete.missing.is_empty());
            assert_eq!(incomplete.devices.is_empty(), shard.has == shard.expected);
        } else {
            assert_eq!(incomplete.blank, ["file1"], "{cut}");
            assert_eq!(incomplete.missing, [(1, 1)], "{cut}");
        }
    }
}

#[test]
fn what_is_no_shard_of_the_audit_is_refused() {
    let shards = shards(3);
    let refused = |files: &[Vec<u8>], told: &str| {
        let error = merged(files).unwrap_err();
        assert!(error.contains(told), "{error}");
    };
    let files = joined(&shards);
    let with = |file: Vec<u8>| [files[0].clone(), file, files[2].clone()];
    refused(
        &with(files[0].clone()),
        "file0 and file1 both hold shard 0/3",
    );
    let poked = |poke: fn(&mut Audit)| {
        let held = shards[1].len() - 1;
        let mut audit = head(Some(Shard::new(1, 3).unwrap().row(held)));
        poke(&mut audit);
        let lines: Vec<Vec<u8>> = shards[1][1..].to_vec();
        [vec![first(audit)], lines].concat().concat()
    };
    let later = poked(|audit| audit.judged_at = "2026-11-23T00:00:00Z".to_owned());
    refused(
        &with(later),
        "file1: it is of another audit, with other times (--now)",
    );
    let rules = poked(|audit| audit.by.rules = Digest::of(b"other"));
    refused(&with(rules), "with other rules");
    let few = poked(|audit| audit.devices = 2);
    refused(&with(few), "no device of this number");
    let other = poked(|audit| audit.shard = Some(Shard::new(1, 4).unwrap().row(40)));
    refused(&with(other), "of another shard");
    let none = poked(|audit| audit.shard.as_mut().unwrap().of = 0);
    refused(&with(none), "a fleet has 1 to 1000000 shards");
    let fewer = poked(|audit| audit.shard.as_mut().unwrap().devices = 3);
    refused(&with(fewer), "more records than devices");
    let four = first(head(Some(Shard::new(3, 4).unwrap().row(0))));
    refused(&with(four), "with other numbers of shards");
}

#[test]
fn records_that_no_audit_writes_are_refused() {
    let mut shards = shards(2);
    let files = joined(&shards);
    // The same record twice, in place of another one.
    shards[0][2] = shards[0][1].clone();
    let told = merged(&joined(&shards)).unwrap_err();
    assert!(
        told.starts_with("file0 and file0 both hold the device at position"),
        "{told}"
    );
    for (from, to) in [
        (",\"exit_code\":66", ", \"exit_code\":66"),
        ("cannot be read", "cannot \\u0062e read"),
        ("cannot be read", "\u{202e}cannot be read"),
        (",\"exit_code\":66", ",\"exit_code\":66,\"surplus\":1"),
    ] {
        let text = String::from_utf8(files[0].clone()).unwrap();
        let text = text.replacen(from, to, 1);
        let told = merged(&[text.into_bytes(), files[1].clone()]).unwrap_err();
        assert!(told.contains("line 2 is no record"), "{told}");
    }
}

#[test]
fn a_first_line_that_promises_too_much_costs_nothing() {
    let mut audit = head(Some(Shard::new(0, 1_000_000).unwrap().row(usize::MAX)));
    audit.devices = u64::MAX;
    let incomplete = merged(&[first(audit)]).unwrap().unwrap_err();
    assert_eq!(incomplete.devices, [(0, u64::MAX - 1)]);
    assert_eq!(incomplete.missing, [(1, 999_999)]);
}
