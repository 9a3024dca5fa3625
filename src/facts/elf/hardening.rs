//! Hardening: which protections a file was built with.

use goblin::elf::header::{ET_DYN, ET_EXEC};
use goblin::elf::program_header::{PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK, PT_INTERP, PT_LOAD};
use serde::Serialize;

use super::dynamic::Dynamic;
use super::symbols::Table;
use super::view::View;
use crate::facts::meter::Meter;
use crate::facts::name::Name;

/// Which protections a file was built with. What cannot be told, or means nothing for its type, is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hardening {
    /// The stack is not executable. A program that does not say so gets an executable one on most machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nx: Option<bool>,
    /// How much of the linkage tables is read-only once the program runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relro: Option<Relro>,
    /// Programs only: it can be loaded at any address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pie: Option<bool>,
    /// Functions check a canary on the stack. Unknown in a static program without symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<bool>,
    /// It calls checked variants of C library functions (`__strcpy_chk`). Unknown where `canary` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fortify: Option<bool>,
    /// A segment is writable and executable at once.
    pub writable_code: bool,
}

/// How much of the linkage tables is read-only once the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relro {
    /// Nothing.
    None,
    /// All but the table of functions that are bound late.
    Partial,
    /// All of them.
    Full,
}

impl Hardening {
    /// Judges a file by its segments, its dynamic segment and the names it imports.
    pub(super) fn of(
        view: &View<'_>,
        dynamic: Option<&Dynamic<'_>>,
        full: Option<&Table<'_>>,
        imports: &[Name],
    ) -> Self {
        let loaded = matches!(view.header.e_type, ET_EXEC | ET_DYN);
        let (canary, fortify) = checks(view, dynamic.is_some() || !loaded, full, imports);
        Self {
            nx: loaded.then(|| stack_flags(view).is_some_and(|flags| flags & PF_X == 0)),
            relro: loaded.then(|| relro(view, dynamic)),
            pie: pie(view, dynamic),
            canary,
            fortify,
            writable_code: view.segments.iter().any(|segment| {
                segment.p_type == PT_LOAD && segment.p_flags & (PF_W | PF_X) == PF_W | PF_X
            }),
        }
    }
}

fn stack_flags(view: &View<'_>) -> Option<u32> {
    let mut segments = view.segments.iter();
    segments
        .find(|segment| segment.p_type == PT_GNU_STACK)
        .map(|segment| segment.p_flags)
}

fn relro(view: &View<'_>, dynamic: Option<&Dynamic<'_>>) -> Relro {
    let mut segments = view.segments.iter();
    if !segments.any(|segment| segment.p_type == PT_GNU_RELRO) {
        Relro::None
    } else if dynamic.is_some_and(|dynamic| dynamic.bind_now) {
        Relro::Full
    } else {
        Relro::Partial
    }
}

/// A shared object is a program when it is marked as one, or has what only programs have.
fn pie(view: &View<'_>, dynamic: Option<&Dynamic<'_>>) -> Option<bool> {
    let program = |dynamic: &Dynamic<'_>| {
        let interpreted = view
            .segments
            .iter()
            .any(|segment| segment.p_type == PT_INTERP);
        dynamic.pie || dynamic.debug_slot || (interpreted && dynamic.soname.is_none())
    };
    match view.header.e_type {
        ET_EXEC => Some(false),
        ET_DYN => dynamic.is_some_and(program).then_some(true),
        _ => None,
    }
}

/// Whether canaries and checked functions are in use: by the imports, or in a static program by all its symbols.
fn checks(
    view: &View<'_>,
    linked: bool,
    full: Option<&Table<'_>>,
    imports: &[Name],
) -> (Option<bool>, Option<bool>) {
    let (mut canary, mut fortify) = (false, false);
    let mut look = |name: &[u8]| {
        canary |= name.starts_with(b"__stack_chk_") || name == b"__intel_security_cookie";
        fortify |= name.starts_with(b"__") && name.ends_with(b"_chk");
    };
    if linked {
        for name in imports {
            look(name.as_bytes());
        }
    } else if let Some(table) = full {
        let mut meter = Meter::new(view.bytes, 4);
        table.named(&mut meter).for_each(|(name, _)| look(name));
    } else {
        return (None, None);
    }
    (Some(canary), Some(fortify))
}
