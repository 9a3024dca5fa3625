//! ELF: what a program, library, object or kernel module says about itself.
//!
//! Specification: System V gABI, chapters 4 and 5, with the GNU extensions. Where the section table and what the
//! loader follows (segments, dynamic tags) disagree, the loader's view counts and the difference is a problem.
//! Not read: symbol versions, relocations beyond the symbols they name, compressed debug sections, core files.

mod dynamic;
mod extent;
mod fingerprint;
mod hardening;
pub(crate) mod loaded;
mod notes;
mod pointers;
mod relocation;
mod section;
mod structure;
mod symbols;
#[cfg(test)]
mod tests;
mod view;

use goblin::elf::program_header::PT_INTERP;
use serde::Serialize;

pub(super) use self::extent::explained;
pub use self::fingerprint::Fingerprint;
pub use self::hardening::{Hardening, Relro};
pub(crate) use self::loaded::Loaded;
pub(crate) use self::notes::{build_id_of, package_note};
pub(crate) use self::relocation::Slot;
pub use self::section::{Rights, Section, SectionType, Segment, SegmentType};
pub use self::structure::{Oddity, OddityKind, Structure};
pub use self::symbols::{Function, Symbols, functions};

use self::dynamic::Dynamic;
use self::symbols::Table;
use self::view::View;
use super::machine::Machine;
use super::meter::{NAME_MAX, string_at};
use super::name::Name;
use crate::problem::Problem;
use crate::read::Endian;

/// Most compiler notes that are kept, and the longest, in bytes.
const COMMENTS_MAX: usize = 16;
const COMMENT_LEN_MAX: usize = 256;

/// What an ELF file says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Elf {
    /// 32 or 64: the width of its addresses.
    pub bits: u8,
    /// Its byte order.
    pub endian: Endian,
    /// The processor it is for.
    pub machine: Machine,
    /// What sort of file it is.
    #[serde(rename = "type")]
    pub kind: ElfType,
    /// The virtual address where it starts; 0 when it does not.
    pub entry: u64,
    /// The operating system ABI, `EI_OSABI`: 0 for System V, 3 for GNU/Linux.
    pub os_abi: u8,
    /// The processor's own flags, `e_flags`.
    pub flags: u32,
    /// The loader it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Name>,
    /// The libraries it asks for, in its own order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<Name>,
    /// The name under which a library wants to be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soname: Option<Name>,
    /// Where libraries are looked for before anywhere else (`DT_RPATH`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rpath: Vec<Name>,
    /// Where libraries are looked for first (`DT_RUNPATH`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runpath: Vec<Name>,
    /// Names it uses from elsewhere: dynamic symbols, or the undefined symbols of a relocatable file. Sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Name>,
    /// Names it offers to others. Sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<Name>,
    /// How many symbols it has; [`functions`] lists those of functions.
    pub symbols: Symbols,
    /// Its sections in file order, without the null one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// Its segments in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// The linker's id of this build, as hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// Which protections it was built with.
    pub hardening: Hardening,
    /// Whether it holds debug information.
    pub debug_info: bool,
    /// What compilers left in `.comment`, each text once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Name>,
}

/// What sort of file an ELF file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElfType {
    /// Loaded at the addresses it names.
    Exec,
    /// Loaded anywhere: a library, or a position-independent program.
    Dyn,
    /// Linked before it runs: an object file or a kernel module.
    Rel,
    /// The memory of a process that died.
    Core,
    /// Some other number.
    Other(u16),
}

impl Elf {
    /// Reads what can be read; what is wrong goes to `problems`. `None` when not even the header is one.
    pub fn parse(bytes: &[u8], problems: &mut Vec<Problem>) -> Option<Self> {
        match View::parse(bytes) {
            Ok(mut view) => {
                let elf = Self::read(&mut view);
                problems.append(&mut view.problems);
                Some(elf)
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// The offset in the file of what is loaded at `address`; `None` where nothing of the file is.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            (segment.kind == SegmentType(goblin::elf::program_header::PT_LOAD)
                && inside < segment.file_size)
                .then(|| segment.offset.checked_add(inside))?
        })
    }

    fn read(view: &mut View<'_>) -> Self {
        let dynamic = Dynamic::parse(view);
        let full = Table::full(view);
        let loaded = dynamic
            .as_ref()
            .map(|dynamic| Table::dynamic(view, dynamic));
        let linking = symbols::linking(view, full.as_ref(), loaded.as_ref());
        let (imports, exports) = linking.map_or_else(Default::default, |table| {
            symbols::imports_and_exports(view, table)
        });
        let hardening = Hardening::of(view, dynamic.as_ref(), full.as_ref(), &imports);
        let dynamic = dynamic.unwrap_or_default();
        let count = |table: Option<&Table<'_>>| {
            table.map_or(0, |table| u64::try_from(table.count).unwrap_or(u64::MAX))
        };
        Self {
            bits: if view.is_64() { 64 } else { 32 },
            endian: view.endian(),
            machine: Machine::from_elf(view.header.e_machine),
            kind: ElfType::from_number(view.header.e_type),
            entry: view.header.e_entry,
            os_abi: view.header.e_ident.get(7).copied().unwrap_or(0),
            flags: view.header.e_flags,
            interpreter: interpreter(view),
            needed: dynamic.needed,
            soname: dynamic.soname,
            rpath: dynamic.rpath,
            runpath: dynamic.runpath,
            imports,
            exports,
            symbols: Symbols {
                full: count(full.as_ref()),
                dynamic: count(loaded.as_ref()),
                stripped: full.is_none(),
            },
            sections: section::sections(view),
            segments: section::segments(view),
            build_id: notes::build_id(view),
            hardening,
            debug_info: has_debug_info(view),
            comments: comments(view),
        }
    }
}

impl ElfType {
    fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Rel,
            2 => Self::Exec,
            3 => Self::Dyn,
            4 => Self::Core,
            other => Self::Other(other),
        }
    }
}

fn interpreter(view: &mut View<'_>) -> Option<Name> {
    let segment = view
        .segments
        .iter()
        .find(|segment| segment.p_type == PT_INTERP)?;
    let name = string_at(view.segment_bytes(segment), 0, NAME_MAX).unwrap_or_default();
    if name.len() >= NAME_MAX {
        view.report(Problem::corrupt("the interpreter is longer than a path"));
        return None;
    }
    Some(Name::new(name))
}

fn has_debug_info(view: &View<'_>) -> bool {
    view.sections.iter().any(|section| {
        let name = view.section_name(section);
        name.starts_with(b".debug_") || name.starts_with(b".zdebug_") || name == b".stab"
    })
}

fn comments(view: &View<'_>) -> Vec<Name> {
    let mut sections = view.sections.iter();
    let mut comments = Vec::new();
    let bytes = sections
        .find(|section| view.section_name(section) == b".comment")
        .map_or(&[][..], |section| view.section_bytes(section));
    for comment in bytes.split(|&byte| byte == 0).take(4096) {
        let name = Name::new(comment.get(..COMMENT_LEN_MAX).unwrap_or(comment));
        if !comment.is_empty() && comments.len() < COMMENTS_MAX && !comments.contains(&name) {
            comments.push(name);
        }
    }
    comments
}
