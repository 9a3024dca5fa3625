//! What ranges of bytes differ in a content of which nothing else is known, and what stands there now: how even the bytes are, and texts.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::extract::entropy_of;
use crate::facts::masked;
use crate::facts::pe::Pe;
use crate::place::escape;
use crate::read::length;

/// A larger content is not compared byte by byte (64 MiB).
pub(super) const LARGEST: u64 = 64 << 20;
/// So many ranges, and so many names, are told.
const MOST: usize = 8;
/// Equal bytes between two ranges that are told as one.
const APART: usize = 32;
/// So many texts of one range are told, of so many bytes at least and at most.
const TEXTS: usize = 4;
const SHORTEST: usize = 6;
const LONGEST: usize = 60;
/// How far before a range the text may start that stands across its start.
const FAR: usize = 256;
/// The entropy of fewer bytes says nothing.
const FEW: usize = 64;

/// How many bytes there are, how even they are, and which texts stand in them. A text that may start before them is not shown: what it starts with
/// says whether it is a secret.
pub(in crate::baseline) fn describe(bytes: &[u8]) -> String {
    let start = bytes.iter().position(|byte| !is_printable(*byte));
    let texts = bytes.get(start.unwrap_or(bytes.len())..);
    described(bytes, texts.unwrap_or_default())
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

fn described(bytes: &[u8], texts: &[u8]) -> String {
    let mut parts = vec![format!("{} bytes", bytes.len())];
    if bytes.len() >= FEW {
        let entropy = entropy_of(bytes);
        parts.push(format!("{entropy:.1} bits of entropy a byte"));
    }
    let runs = texts.split(|byte| !is_printable(*byte));
    let runs = runs
        .map(<[u8]>::trim_ascii)
        .filter(|run| run.len() >= SHORTEST);
    let texts: Vec<String> = runs
        .take(TEXTS)
        .map(|run| {
            let shown = masked::one(run).shown;
            let more = if shown.len() > LONGEST { "..." } else { "" };
            let cut = shown.get(..LONGEST).unwrap_or(&shown);
            format!("\"{}{more}\"", escape(cut))
        })
        .collect();
    if !texts.is_empty() {
        parts.push(format!("with {}", texts.join(", ")));
    }
    parts.join(", ")
}

/// What `now` differs in from `old`, both whole.
pub(super) fn explain(old: &[u8], now: &[u8]) -> Vec<String> {
    let sides = [old, now].map(|bytes| Pe::parse(bytes, &mut Vec::new()));
    let mut told = Vec::new();
    let mut sections = Vec::new();
    if let [Some(old), Some(now)] = &sides {
        told.extend(programs(old, now));
        sections.clone_from(&now.sections);
    }
    let mut found = ranges(old, now);
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    for range in found {
        let at = length(old.get(..range.start).unwrap_or(old));
        let within = sections.iter().find(|section| {
            let start = u64::from(section.offset);
            (start..start.saturating_add(section.size.into())).contains(&at)
        });
        let within = within.map(|section| format!(" (in {})", section.name));
        let bytes = now.get(range.clone()).unwrap_or_default();
        let before = now.get(..range.start).unwrap_or_default();
        let start = before.iter().rposition(|byte| !is_printable(*byte));
        let start = start.map_or(0, |at| at.saturating_add(1));
        let texts = now.get(start.max(range.start.saturating_sub(FAR))..range.end);
        let is_cut = range.start.saturating_sub(start) > FAR;
        let shown = if is_cut {
            describe(bytes)
        } else {
            described(bytes, texts.unwrap_or_default())
        };
        told.push(format!(
            "bytes {:#x} to {:#x} differ{}: {}",
            range.start,
            range.end.saturating_sub(1),
            within.unwrap_or_default(),
            shown
        ));
    }
    if more > 0 {
        told.push(format!("{more} more ranges differ"));
    }
    if old.len() > now.len() {
        told.push(format!(
            "it ends {} bytes earlier",
            old.len().saturating_sub(now.len())
        ));
    }
    told
}

/// What Windows programs import and hold, and did not.
fn programs(old: &Pe, now: &Pe) -> Vec<String> {
    let mut told = Vec::new();
    if old.entry != now.entry {
        told.push(format!(
            "execution starts at {:#x} instead of {:#x}",
            now.entry, old.entry
        ));
    }
    let libraries = |pe: &Pe| -> BTreeSet<String> {
        let imports = pe.imports.iter();
        imports.map(|import| import.dll.to_string()).collect()
    };
    let sections = |pe: &Pe| -> BTreeSet<String> {
        pe.sections.iter().map(|it| it.name.to_string()).collect()
    };
    for (what, old, now) in [
        ("library", libraries(old), libraries(now)),
        ("section", sections(old), sections(now)),
    ] {
        for name in now.difference(&old).take(MOST) {
            told.push(format!("a {what} is new: {name}"));
        }
        for name in old.difference(&now).take(MOST) {
            told.push(format!("a {what} is gone: {name}"));
        }
    }
    let changed = now.sections.iter().filter(|section| {
        let mut before = old.sections.iter();
        before.any(|it| it.name == section.name && it.sha256 != section.sha256)
    });
    let changed: Vec<String> = changed.take(MOST).map(|it| it.name.to_string()).collect();
    if !changed.is_empty() {
        told.push(format!("its sections {} differ", changed.join(", ")));
    }
    told
}

/// The ranges of `now` that differ from `old` at the same place; where the lengths differ and the ends agree, the one range between.
fn ranges(old: &[u8], now: &[u8]) -> Vec<Range<usize>> {
    let head = old.iter().zip(now).take_while(|(a, b)| a == b).count();
    let shorter = old.len().min(now.len()).saturating_sub(head);
    let ends = old.iter().rev().zip(now.iter().rev()).take(shorter);
    let tail = ends.take_while(|(a, b)| a == b).count();
    let end = now.len().saturating_sub(tail);
    if old.len() != now.len() && tail > shorter.checked_div(2).unwrap_or(0) {
        return Vec::from_iter((head < end).then_some(head..end));
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let pairs = old.iter().zip(now).enumerate().skip(head);
    let differing = pairs.filter(|(_, (a, b))| a != b).map(|(at, _)| at);
    for at in differing.chain(old.len()..now.len()) {
        let next = at.saturating_add(1);
        match ranges.last_mut() {
            Some(last) if at.saturating_sub(last.end) <= APART => last.end = next,
            _ => ranges.push(at..next),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_that_differ() {
        let old: Vec<u8> = (0..200).collect();
        let mut now = old.clone();
        now[10] = 0;
        now[12] = 0;
        now[100] = 0;
        assert_eq!(ranges(&old, &now), [10..13, 100..101]);
        now.truncate(150);
        assert_eq!(ranges(&old, &now), [10..13, 100..101]);
        let mut longer = old.clone();
        longer.splice(20..20, [7; 9]);
        assert_eq!(ranges(&old, &longer).first(), Some(&(20..29)));
        let mut appended = old.clone();
        appended.extend([1; 3]);
        assert_eq!(ranges(&old, &appended).first(), Some(&(200..203)));
        assert!(ranges(&old, &old).is_empty());
    }

    #[test]
    fn what_stands_there_is_described() {
        let mut bytes = b"\0\x01/bin/sh -i\0psk=geheim12\0abc\x1b[2J".to_vec();
        assert_eq!(
            describe(&bytes),
            "33 bytes, with \"/bin/sh -i\", \"psk=***\""
        );
        bytes.resize(128, 0);
        assert!(
            describe(&bytes).starts_with("128 bytes, 1."),
            "{}",
            describe(&bytes)
        );
    }

    /// The program of `fixtures/pe`, with a byte of its code changed: where it is, objdump says.
    #[test]
    fn a_windows_program_is_told_by_its_sections() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pe/program.exe");
        let old = std::fs::read(path).unwrap();
        let listed = std::fs::read_to_string(format!("{path}.objdump")).unwrap();
        let row = listed
            .lines()
            .find(|line| line.contains(" .text "))
            .unwrap();
        let fields: Vec<&str> = row.split_whitespace().collect();
        let at = usize::from_str_radix(fields[5], 16).unwrap();
        let mut now = old.clone();
        now[at] ^= 1;
        let told = explain(&old, &now);
        assert_eq!(told[0], "its sections .text differ");
        assert_eq!(
            told[1],
            format!("bytes {at:#x} to {at:#x} differ (in .text): 1 bytes")
        );
    }

    #[test]
    fn no_part_of_a_secret_is_shown() {
        let old = b"\0\0psk=first12345\0\0".to_vec();
        let now = b"\0\0psk=geheim1234\0\0".to_vec();
        let told = explain(&old, &now).join(" ");
        assert!(!told.contains("eheim"), "{told}");
        assert_eq!(
            describe(b"geheim1234\0abcdefgh"),
            "19 bytes, with \"abcdefgh\""
        );
    }

    #[test]
    fn any_bytes_are_taken() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pe/demo.dll");
        let old = std::fs::read(path).unwrap();
        for end in (0..old.len()).step_by(97) {
            explain(&old, &old[..end]);
            explain(&old[..end], &old);
        }
    }
}
