//! What the loader is told to do, and how a program lies in its file, as steps.

use std::collections::BTreeSet;

use super::super::act::{Act, Trait};
use super::super::paths;
use super::super::scene::Content;
use super::super::unit::{Spot, Step};
use crate::facts::Name;
use crate::facts::elf::{OddityKind, Structure};
use crate::place::escape;

/// Where systems have their loaders.
const LOADERS: &[&[u8]] = &[
    b"/lib",
    b"/usr/lib",
    b"/libexec",
    b"/system/bin/linker",
    b"/system/lib",
    b"/usr/libexec",
    b"/rescue",
    b"/apex/",
];
/// What stands for the folder of the file itself in search paths.
const ORIGIN: [&[u8]; 2] = [b"$ORIGIN", b"${ORIGIN}"];

/// The steps that the structure of a program tells.
pub(super) fn steps(file: &Content, structure: &Structure) -> Vec<Step> {
    let step = |act, traits: BTreeSet<Trait>, spot, text: String| Step {
        act,
        traits,
        place: file.place.clone(),
        path: file.path.clone(),
        spot,
        function: None,
        text,
        secrets: Vec::new(),
        code: None,
    };
    let mut steps = Vec::new();
    let mut by_loader = |act, mut traits: BTreeSet<Trait>, text: String| {
        traits.insert(Trait::ByLoader);
        steps.push(step(act, traits, Spot::Whole, text));
    };
    if let Some(path) = structure.interpreter.as_ref().map(Name::as_bytes) {
        let from = origin(path);
        if !from.is_empty() || !LOADERS.iter().any(|known| path.starts_with(known)) {
            by_loader(
                Act::Run,
                from,
                format!("the loader it asks for (PT_INTERP) is {}", escape(path)),
            );
        }
    }
    for path in structure
        .needed
        .iter()
        .map(Name::as_bytes)
        .filter(|path| path.contains(&b'/'))
    {
        let from = origin(path);
        if !from.is_empty() {
            by_loader(
                Act::LoadLibrary,
                from,
                format!("a library that it needs (DT_NEEDED) is {}", escape(path)),
            );
        } else if path.first() != Some(&b'/') {
            by_loader(
                Act::SearchPath,
                from,
                format!(
                    "a library that it needs (DT_NEEDED) is {}, from the current folder",
                    escape(path)
                ),
            );
        }
    }
    for list in structure.search.iter().map(Name::as_bytes) {
        for folder in list.split(|&byte| byte == b':') {
            let whole = resolved(folder, file);
            let from = origin(&whole);
            let shown = escape(folder);
            if !from.is_empty() {
                by_loader(
                    Act::SearchPath,
                    from,
                    format!("libraries are looked for in {shown} (RPATH or RUNPATH)"),
                );
            } else if whole.first() != Some(&b'/') && whole.first() != Some(&b'$') {
                by_loader(
                    Act::SearchPath,
                    from,
                    format!(
                        "libraries are looked for in \"{shown}\", below the current folder (RPATH or RUNPATH)"
                    ),
                );
            }
        }
    }
    for oddity in &structure.oddities {
        let sort = match oddity.kind {
            OddityKind::CodeOutside | OddityKind::StartOutside | OddityKind::TableOutside => {
                Trait::OutsideSections
            }
            OddityKind::SegmentAdded => Trait::AddedSegment,
            OddityKind::WritableCode => Trait::WritableCode,
            OddityKind::Appended => Trait::Appended,
        };
        let spot = match oddity.kind {
            OddityKind::Appended => Spot::Whole,
            _ => Spot::Code {
                address: oddity.address,
                offset: oddity.offset,
            },
        };
        steps.push(step(
            Act::Structure,
            BTreeSet::from([sort]),
            spot,
            oddity.detail.clone(),
        ));
    }
    steps
}

/// Whose folder a path lies in, where others can write to it.
fn origin(path: &[u8]) -> BTreeSet<Trait> {
    let path = paths::normal(path);
    let medium = paths::is_medium(&path).then_some(Trait::FromMedium);
    let temporary = paths::is_temporary(&path).then_some(Trait::FromTemporary);
    medium.into_iter().chain(temporary).collect()
}

/// A folder of a search path, with the folder of the file itself where it is meant.
fn resolved(folder: &[u8], file: &Content) -> Vec<u8> {
    let Some(rest) = ORIGIN
        .iter()
        .find_map(|origin| folder.strip_prefix(*origin))
    else {
        return folder.to_vec();
    };
    let path = file.path.as_bytes();
    let end = memchr::memrchr(b'/', path).unwrap_or(0);
    let own = path.get(..end).unwrap_or_default();
    // A program that stands in an open folder itself says nothing by looking beside it.
    let whole = paths::normal(&[own, b"/", rest].concat());
    if origin(own).is_empty() {
        whole
    } else {
        b"/".to_vec()
    }
}
