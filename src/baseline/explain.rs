//! What a changed executable differs in, as far as its baseline's fingerprint tells. It explains; it never excuses.
//!
//! The most important comes first: where execution starts and what is loaded, then code that is new or changed, then what only looks different.

mod code;
mod layout;
mod listing;
mod matching;

use self::code::{Functions, Linkage};
use super::create::rows::fingerprint;
use super::model::ElfRow;
use super::outline::{CodeRow, Layout};
use super::own::Own;
use crate::entry::Node;
use crate::extract::Found;
use crate::facts::code::Outline;
use crate::facts::elf::{Elf, Structure};

/// A file above so many bytes is not explained (64 MiB).
const LARGEST: u64 = 64 << 20;

/// What is told of a changed executable.
#[derive(Default)]
pub(super) struct Explained {
    /// What it differs in, one clause each.
    pub(super) clauses: Vec<String>,
    /// Which of its code is the expected one's, where fingerprints tell.
    pub(super) own: Option<Own>,
}

/// What the file found differs in from the executable that was expected; `reference`: that one itself, where it is at hand.
pub(super) fn explain(expected: &ElfRow, found: &Found, reference: Option<&Found>) -> Explained {
    let (Some(sha256), Some(bytes)) = (found.sha256, read(found)) else {
        return Explained::default();
    };
    let reference = reference.and_then(read);
    match fingerprint(&bytes, sha256) {
        Some(now) => differences(expected, &now, &bytes, reference.as_deref()),
        None => Explained {
            clauses: vec!["it was an ELF file and is none now".to_owned()],
            own: None,
        },
    }
}

fn read(found: &Found) -> Option<Vec<u8>> {
    let Node::File(file) = &found.entry.node else {
        return None;
    };
    let mut bytes = Vec::new();
    let is_read = file.size <= LARGEST && file.data.copy_to(&mut bytes).is_ok();
    is_read.then_some(bytes)
}

fn differences(
    expected: &ElfRow,
    now: &ElfRow,
    bytes: &[u8],
    reference: Option<&[u8]>,
) -> Explained {
    let mut told = Vec::new();
    let mut own = None;
    if expected.machine != now.machine {
        told.push(format!(
            "it is for another processor: {} instead of {}",
            now.machine.as_deref().unwrap_or("none"),
            expected.machine.as_deref().unwrap_or("none")
        ));
        return Explained { clauses: told, own };
    }
    told.extend(layout::linkage(expected, now));
    let elf = Elf::parse(bytes, &mut Vec::new());
    match (&expected.code, Outline::of(bytes), elf) {
        (Some(code), Ok(outline), Some(elf)) => {
            let is_text = expected.text.is_some() && expected.text == now.text;
            let of_code = of_code(
                expected,
                code,
                &outline,
                (&elf, is_text),
                (bytes, reference),
            );
            told.extend(of_code.clauses);
            own = of_code.own;
        }
        _ => told.extend(coarse(expected, now, told.is_empty())),
    }
    Explained { clauses: told, own }
}

/// What the fingerprints of functions tell.
fn of_code(
    expected: &ElfRow,
    row: &CodeRow,
    outline: &Outline,
    (elf, is_text): (&Elf, bool),
    (bytes, reference): (&[u8], Option<&[u8]>),
) -> Explained {
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
        return Explained {
            clauses: told,
            own: None,
        };
    }
    let mut told = layout::starts(row, outline, &functions);
    told.extend(layout::redirected(outline));
    told.extend(layout::layout(row, &now, structure.as_ref(), bytes));
    told.extend(functions.told());
    if let Some(reference) = reference {
        told.extend(listing::listed(&functions, bytes, reference));
    }
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
    let own = functions.own(Linkage {
        is_same: row.stubs == now.stubs && outline.redirected.is_empty(),
        has_same_data: !row.data.is_empty() && row.data == now.data,
    });
    Explained {
        clauses: told,
        own: Some(own),
    }
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
