//! What a changed executable differs in, as far as its baseline's fingerprint tells. It explains; it never excuses.
//!
//! The most important comes first: where execution starts and what is loaded, then code that is new or changed, then what only looks different.

mod code;
mod layout;
mod matching;

use self::code::Functions;
use super::create::rows::fingerprint;
use super::model::ElfRow;
use super::outline::{CodeRow, Layout};
use crate::entry::Node;
use crate::extract::Found;
use crate::facts::code::Outline;
use crate::facts::elf::{Elf, Structure};

/// A file above so many bytes is not explained (64 MiB).
const LARGEST: u64 = 64 << 20;

/// What the file found differs in from the executable that was expected.
pub(super) fn explain(expected: &ElfRow, found: &Found) -> Vec<String> {
    let (Node::File(file), Some(sha256)) = (&found.entry.node, found.sha256) else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    if file.size > LARGEST || file.data.copy_to(&mut bytes).is_err() {
        return Vec::new();
    }
    match fingerprint(&bytes, sha256) {
        Some(now) => differences(expected, &now, &bytes),
        None => vec!["it was an ELF file and is none now".to_owned()],
    }
}

fn differences(expected: &ElfRow, now: &ElfRow, bytes: &[u8]) -> Vec<String> {
    let mut told = Vec::new();
    if expected.machine != now.machine {
        told.push(format!(
            "it is for another processor: {} instead of {}",
            now.machine.as_deref().unwrap_or("none"),
            expected.machine.as_deref().unwrap_or("none")
        ));
        return told;
    }
    told.extend(layout::linkage(expected, now));
    let elf = Elf::parse(bytes, &mut Vec::new());
    match (&expected.code, Outline::of(bytes), elf) {
        (Some(code), Ok(outline), Some(elf)) => {
            let is_text = expected.text.is_some() && expected.text == now.text;
            told.extend(of_code(expected, code, &outline, (&elf, is_text), bytes));
        }
        _ => told.extend(coarse(expected, now, told.is_empty())),
    }
    told
}

/// What the fingerprints of functions tell.
fn of_code(
    expected: &ElfRow,
    row: &CodeRow,
    outline: &Outline,
    (elf, is_text): (&Elf, bool),
    bytes: &[u8],
) -> Vec<String> {
    let functions = Functions::new(row, outline, bytes);
    let structure = Structure::of(bytes);
    let layout = Layout::of(bytes, elf, structure.as_ref());
    let now = CodeRow::of(outline, elf, layout);
    if is_text && row.layout.is_stripped(now.layout) {
        // Without symbols other functions are found in the same code.
        let mut told = layout::redirected(outline);
        told.extend(layout::entry_of_stripped(row, &now));
        told.extend(layout::layout(row, &now, structure.as_ref(), bytes));
        told.extend(layout::data(row, elf));
        told.extend(layout::harmless(expected, row, &now, elf));
        told.push("its program code (.text) is the expected one".to_owned());
        return told;
    }
    let mut told = layout::starts(row, outline, &functions);
    told.extend(layout::redirected(outline));
    told.extend(layout::layout(row, &now, structure.as_ref(), bytes));
    told.extend(functions.told());
    if row.stubs != now.stubs {
        told.push("the stubs through which it calls libraries (its linkage table) have other instructions".to_owned());
    }
    let imports = elf
        .imports
        .iter()
        .filter(|name| functions.is_new_import(name.as_bytes()));
    told.extend(layout::list(
        "it uses functions of libraries that the expected one did not: ",
        imports.map(ToString::to_string).collect(),
    ));
    let is_same = functions.is_same() && row.stubs == now.stubs;
    let data = layout::data(row, elf);
    if is_same || !functions.is_changed() {
        told.extend(data.clone());
    }
    told.extend(layout::harmless(expected, row, &now, elf));
    told.push(if is_same && told.is_empty() {
        "its code and data are the expected ones, as far as fingerprints tell; only what linkers add differs".to_owned()
    } else if is_same && data.is_some() {
        "its program code is the expected one; only data differs".to_owned()
    } else {
        functions.summary()
    });
    told
}

/// What digests of whole parts tell, for baselines without fingerprints of functions.
fn coarse(expected: &ElfRow, now: &ElfRow, is_alone: bool) -> Vec<String> {
    let parts = [
        (
            expected.text != now.text,
            "its program code (.text) differs",
        ),
        (
            expected.imports != now.imports,
            "it calls other library functions than before",
        ),
        (
            expected.exports != now.exports,
            "it offers other functions than before",
        ),
        (
            expected.sections != now.sections,
            "its sections have other names, sizes or flags",
        ),
    ];
    let differing = parts.iter().filter(|(differs, _)| *differs);
    let mut told: Vec<String> = differing.map(|(_, text)| (*text).to_owned()).collect();
    if told.is_empty() && is_alone {
        told.push("its program code is the expected one; only data differs".to_owned());
    }
    told
}
