//! Where execution starts, what is loaded, how the file is laid out, and what of it is data.

use super::code::Functions;
use crate::baseline::model::ElfRow;
use crate::baseline::outline::{CodeRow, Layout, data as data_of};
use crate::digest::Digest;
use crate::facts::FileType;
use crate::facts::code::Outline;
use crate::facts::elf::{Elf, Structure};
use crate::read::length;

/// So many names of one sort are told.
const MOST: usize = 12;

/// Loader, libraries, and where they are looked for.
pub(super) fn linkage(expected: &ElfRow, now: &ElfRow) -> Vec<String> {
    let mut told = Vec::new();
    if expected.interpreter != now.interpreter {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".to_owned());
        told.push(format!(
            "it asks for another loader: {} instead of {}",
            name(&now.interpreter),
            name(&expected.interpreter)
        ));
    }
    for library in now.needed.iter().filter(|it| !expected.needed.contains(it)) {
        told.push(format!(
            "it needs {library}, which the expected one did not"
        ));
    }
    for library in expected.needed.iter().filter(|it| !now.needed.contains(it)) {
        told.push(format!("it no longer needs {library}"));
    }
    if expected.search != now.search && expected.code.is_some() {
        let list = |list: &[String]| match list {
            [] => "the usual folders".to_owned(),
            list => list.join(":"),
        };
        told.push(format!(
            "it looks for libraries in {} first, instead of {}",
            list(&now.search),
            list(&expected.search)
        ));
    }
    told
}

/// Where execution starts, and what the loader calls.
pub(super) fn starts(row: &CodeRow, outline: &Outline, functions: &Functions<'_>) -> Vec<String> {
    let mut told = Vec::new();
    let old_of = |number: Option<usize>| {
        let pair = functions.matching.old_of.get(number?)?;
        pair.map(|(old, _)| old)
    };
    let label = |number: Option<usize>| match number.and_then(|it| outline.functions.get(it)) {
        Some(function) => functions.label(function),
        None => "what is no known function".to_owned(),
    };
    if row.entry.is_some() && old_of(outline.entry) != row.entry {
        told.push(format!(
            "execution starts elsewhere: with {}",
            label(outline.entry)
        ));
    }
    for (at, &called) in outline.called.iter().enumerate() {
        let old = old_of(called);
        let is_known = match old {
            Some(old) => row.called.contains(&Some(old)),
            None => called.is_none() && row.called.get(at) == Some(&None),
        };
        if !is_known {
            told.push(format!(
                "the loader calls {} when the program starts or ends, which is new",
                label(called)
            ));
        }
    }
    let is_called = |old: usize| outline.called.iter().any(|&it| old_of(it) == Some(old));
    let gone = row.called.iter().flatten().filter(|&&old| !is_called(old));
    let gone = gone.count();
    if gone > 0 {
        told.push(format!(
            "{gone} of the functions that the loader called when the program started or ended are called no more"
        ));
    }
    told.truncate(MOST);
    told
}

/// Whether a stripped program starts with another function, by what that does.
pub(super) fn entry_of_stripped(row: &CodeRow, now: &CodeRow) -> Option<String> {
    let start = |row: &CodeRow| {
        let print = row.entry.and_then(|it| row.functions.get(it));
        print.map(|print| print.code)
    };
    (start(row) != start(now)).then(|| "execution starts elsewhere".to_owned())
}

/// Words for functions of libraries that lead elsewhere.
pub(super) fn redirected(outline: &Outline) -> Vec<String> {
    let told = outline.redirected.iter().map(|one| {
        format!(
            "the word for `{}` in its table of addresses, at {:#x}, leads to code of the program at {:#x}",
            one.name, one.at, one.to
        )
    });
    told.take(MOST).collect()
}

/// What is odd in how the file is laid out, and was not in the expected one.
pub(super) fn layout(
    row: &CodeRow,
    now: &CodeRow,
    structure: Option<&Structure>,
    bytes: &[u8],
) -> Vec<String> {
    let oddities = structure
        .map(|it| it.oddities.as_slice())
        .unwrap_or_default();
    let new = oddities
        .iter()
        .filter(|it| row.layout.odd & Layout::bit(it.kind) == 0);
    let mut told: Vec<String> = new.map(|it| it.detail.clone()).take(MOST).collect();
    if now.layout.loads != row.layout.loads {
        let notes = match row.layout.notes.checked_sub(now.layout.notes) {
            Some(fewer) if fewer > 0 && now.layout.loads > row.layout.loads => {
                "; it has fewer segments of notes: such a one may have been made one that is loaded"
            }
            _ => "",
        };
        told.push(format!(
            "{} of its segments are loaded instead of {}{notes}",
            now.layout.loads, row.layout.loads
        ));
    }
    let is_new = |bit: u8| now.layout.odd & bit != 0 && row.layout.odd & bit == 0;
    if is_new(Layout::OVERLAY)
        && let Some(end) = FileType::Elf.end_of(bytes)
    {
        told.push(format!(
            "{} bytes stand behind the end of the file's own content, at byte {end}",
            length(bytes).saturating_sub(end)
        ));
    }
    told
}

/// Which sections of data differ.
pub(super) fn data(row: &CodeRow, elf: &Elf) -> Option<String> {
    let now = data_of(elf);
    let names: Vec<String> = now
        .iter()
        .filter(|(_, print)| !row.data.contains(print))
        .map(|(name, _)| name.clone())
        .collect();
    list("its data differs in ", names)
}

/// What differs without doing anything.
pub(super) fn harmless(expected: &ElfRow, row: &CodeRow, now: &CodeRow, elf: &Elf) -> Vec<String> {
    let mut told = Vec::new();
    let had_sections = expected.sections.is_some_and(|it| it != Digest::of(b""));
    if elf.sections.is_empty() && had_sections {
        told.push("its table of sections was removed".to_owned());
    }
    if row.layout.is_stripped(now.layout) {
        told.push("its table of symbols was removed (stripped)".to_owned());
    }
    let build_id = elf.build_id.as_deref().and_then(crate::digest::unhex);
    if expected.build_id != build_id {
        told.push("its build id differs: it is another build".to_owned());
    }
    told
}

/// Some names behind some words; `None` without names.
pub(super) fn list(words: &str, names: Vec<String>) -> Option<String> {
    let more = names.len().saturating_sub(MOST);
    let shown: Vec<String> = names.into_iter().take(MOST).collect();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!shown.is_empty()).then(|| format!("{words}{}{more}", shown.join(", ")))
}
