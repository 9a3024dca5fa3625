//! What a changed executable or text differs in, as far as its baseline tells. It explains; it never excuses.
//!
//! The most important comes first: where execution starts and what is loaded, then code that is new or changed, then what only looks different.

pub(super) mod boot;
pub(super) mod bytes;
mod code;
mod layout;
mod lines;
mod listing;
mod matching;
mod text;
mod tree;

use self::code::{Functions, Linkage};
use super::create::rows::fingerprint;
use super::model::ElfRow;
use super::originals::Originals;
use super::outline::{CodeRow, Layout};
use super::own::Own;
use super::text::{self as rows, TextRow};
use super::tree::{self as blobs, TreeRow};
use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::Found;
use crate::facts::code::Outline;
use crate::facts::elf::{Elf, Structure};
use crate::facts::masked;

/// A file above so many bytes is not explained (64 MiB).
pub(super) const LARGEST: u64 = 64 << 20;

/// What is told of a changed executable.
#[derive(Default)]
pub(super) struct Explained {
    /// What it differs in, one clause each.
    pub(super) clauses: Vec<String>,
    /// Which of its code is the expected one's, where fingerprints tell.
    pub(super) own: Option<Own>,
}

/// What the file found differs in from the executable that was expected; `reference`: that one itself, where it is at hand.
pub(super) fn explain(expected: &ElfRow, found: &Found, reference: Option<&[u8]>) -> Explained {
    let (Some(sha256), Some(bytes)) = (found.sha256, read(found, LARGEST)) else {
        return Explained::default();
    };
    match fingerprint(&bytes, sha256) {
        Some(now) => differences(expected, &now, &bytes, reference),
        None => Explained {
            clauses: vec!["it was an ELF file and is none now".to_owned()],
            own: None,
        },
    }
}

/// What a changed text differs in; nothing for what was no text, or too long for a baseline to keep its lines.
pub(super) fn explain_text(
    texts: &[TextRow],
    originals: &Originals<'_>,
    of: Option<Digest>,
    found: &Found,
) -> Vec<String> {
    let Node::File(file) = &found.entry.node else {
        return Vec::new();
    };
    let path = found.entry.path.as_bytes();
    if masked::is_secret_file(path) {
        return Vec::new();
    }
    let old = originals.read(of, rows::LONGEST);
    // A baseline without the row explains as much where the content itself is at hand.
    let own = old
        .as_deref()
        .zip(of)
        .and_then(|(old, of)| TextRow::of(path, old, of));
    let Some(row) = row_of(texts, of).or(own.as_ref()) else {
        return explain_bytes(originals, of, found);
    };
    if file.size > text::LONGEST {
        return vec![format!(
            "it was a text and has {} bytes now: too many to be told line by line",
            file.size
        )];
    }
    match read(found, text::LONGEST) {
        Some(now) => text::explain(row, path, &now, old.as_deref()),
        None => Vec::new(),
    }
}

/// What a content of no known sort differs in; that takes both of them.
fn explain_bytes(originals: &Originals<'_>, of: Option<Digest>, found: &Found) -> Vec<String> {
    let old = originals.read(of, bytes::LARGEST);
    match old.zip(read(found, bytes::LARGEST)) {
        Some((old, now)) => bytes::explain(&old, &now),
        None => Vec::new(),
    }
}

/// What a changed device tree differs in, where it is a file; `None` for what was none.
pub(super) fn explain_tree(
    trees: &[TreeRow],
    originals: &Originals<'_>,
    of: Option<Digest>,
    found: &Found,
) -> Option<Vec<String>> {
    let at = trees.binary_search_by_key(&of?, |row| row.of).ok()?;
    let row = trees.get(at)?;
    let now = read(found, blobs::LARGEST)?;
    let old = originals.read(of, blobs::LARGEST);
    Some(tree::explain(row, &now, old.as_deref()))
}

/// What the variable of a boot loader is now, and what is new in it.
pub(super) fn explain_variable(
    texts: &[TextRow],
    originals: &Originals<'_>,
    of: Option<Digest>,
    found: &Found,
) -> Vec<String> {
    let Some(now) = read(found, text::LONGEST) else {
        return Vec::new();
    };
    let path = found.entry.path.as_bytes();
    let name = path.strip_prefix(b"/").unwrap_or(path);
    let old = originals.read(of, rows::LONGEST);
    text::explain_value(row_of(texts, of), name, &now, old.as_deref())
}

fn row_of(texts: &[TextRow], of: Option<Digest>) -> Option<&TextRow> {
    let of = of?;
    let at = texts.binary_search_by_key(&of, |row| row.of).ok()?;
    texts.get(at)
}

/// The content of a file of at most so many bytes; `None` for a longer one, and for what cannot be read.
fn read(found: &Found, most: u64) -> Option<Vec<u8>> {
    let Node::File(file) = &found.entry.node else {
        return None;
    };
    let mut bytes = Vec::new();
    let is_read = file.size <= most && file.data.copy_to(&mut bytes).is_ok();
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
