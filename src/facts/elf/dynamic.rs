//! The dynamic segment: what the loader is told, found the way the loader finds it.

use goblin::elf::dynamic as dt;
use goblin::elf::program_header::PT_DYNAMIC;

use super::view::{View, clip};
use crate::facts::meter::{NAME_MAX, string_at};
use crate::facts::name::Name;
use crate::problem::Problem;
use crate::read::index;

/// Most libraries or search paths that are kept of one file.
const NAMES: usize = 1024;

const DT_MIPS_LOCAL_GOTNO: u64 = 0x7000_000a;
const DT_MIPS_SYMTABNO: u64 = 0x7000_0011;
const DT_MIPS_GOTSYM: u64 = 0x7000_0013;
const DT_MIPS_RLD_MAP: u64 = 0x7000_0016;
const DT_MIPS_RLD_MAP_REL: u64 = 0x7000_0035;

/// What the dynamic segment says. Numbers are as stored: addresses are virtual, sizes in bytes.
#[derive(Debug, Default)]
pub(super) struct Dynamic<'a> {
    pub(super) needed: Vec<Name>,
    pub(super) soname: Option<Name>,
    pub(super) rpath: Vec<Name>,
    pub(super) runpath: Vec<Name>,
    /// All symbols must be bound before the program starts.
    pub(super) bind_now: bool,
    /// Marked as a position-independent executable.
    pub(super) pie: bool,
    /// Has the slot that debuggers use, which only programs have.
    pub(super) debug_slot: bool,
    pub(super) strings: &'a [u8],
    pub(super) symtab: Option<u64>,
    pub(super) hash: Option<u64>,
    pub(super) gnu_hash: Option<u64>,
    pub(super) mips_symbols: Option<u64>,
    /// The first of the dynamic symbols that have a word in the global offset table, and how many words stand before it.
    pub(super) mips_first_symbol: Option<u64>,
    pub(super) mips_local_words: Option<u64>,
    /// The global offset table.
    pub(super) table: Option<u64>,
    /// Functions that the loader calls, and arrays of such: address and size in bytes.
    pub(super) calls: Vec<u64>,
    pub(super) arrays: Vec<(u64, u64)>,
    /// Relocation tables: address, size, and whether entries carry an addend.
    pub(super) relocations: [Relocations; 3],
}

/// One relocation table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Relocations {
    pub(super) address: Option<u64>,
    pub(super) size: u64,
    pub(super) addend: bool,
}

/// String offsets that wait for the string table.
#[derive(Default)]
struct Waiting {
    needed: Vec<u64>,
    soname: Option<u64>,
    rpath: Vec<u64>,
    runpath: Vec<u64>,
    table: Option<u64>,
    table_len: u64,
    arrays: Vec<(u64, u64)>,
    array_sizes: Vec<(u64, u64)>,
}

impl Waiting {
    /// The arrays of functions whose address and size are both told: address and size.
    fn arrays(&self) -> Vec<(u64, u64)> {
        let pairs = [
            (dt::DT_PREINIT_ARRAY, dt::DT_PREINIT_ARRAYSZ),
            (dt::DT_INIT_ARRAY, dt::DT_INIT_ARRAYSZ),
            (dt::DT_FINI_ARRAY, dt::DT_FINI_ARRAYSZ),
        ];
        let of = |all: &[(u64, u64)], tag: u64| {
            let found = all.iter().rev().find(|known| known.0 == tag);
            found.map(|known| known.1)
        };
        let both = |(tag, size)| Some((of(&self.arrays, tag)?, of(&self.array_sizes, size)?));
        pairs.into_iter().filter_map(both).collect()
    }
}

impl<'a> Dynamic<'a> {
    /// Reads the dynamic segment; `None` when the file has none.
    pub(super) fn parse(view: &mut View<'a>) -> Option<Self> {
        let bytes = segment(view)?;
        let mut dynamic = Self::default();
        dynamic.relocations[1].addend = true;
        let mut waiting = Waiting::default();
        for (tag, value) in entries(view, bytes) {
            dynamic.take(tag, value, &mut waiting);
        }
        if let Some(address) = waiting.table {
            match view.offset_of(address) {
                Some(at) => dynamic.strings = clip(view.bytes, at, waiting.table_len),
                None => view.report(Problem::corrupt(format!(
                    "the dynamic strings at address {address:#x} are in no segment"
                ))),
            }
        }
        dynamic.arrays = waiting.arrays();
        dynamic.soname = dynamic
            .names(view, &waiting.soname.into_iter().collect::<Vec<_>>())
            .pop();
        dynamic.needed = dynamic.names(view, &waiting.needed);
        dynamic.rpath = dynamic.names(view, &waiting.rpath);
        dynamic.runpath = dynamic.names(view, &waiting.runpath);
        Some(dynamic)
    }

    fn take(&mut self, tag: u64, value: u64, waiting: &mut Waiting) {
        let [rel, rela, plt] = &mut self.relocations;
        match tag {
            dt::DT_NEEDED => waiting.needed.push(value),
            dt::DT_SONAME => waiting.soname = Some(value),
            dt::DT_RPATH => waiting.rpath.push(value),
            dt::DT_RUNPATH => waiting.runpath.push(value),
            dt::DT_STRTAB => waiting.table = Some(value),
            dt::DT_STRSZ => waiting.table_len = value,
            dt::DT_SYMTAB => self.symtab = Some(value),
            dt::DT_HASH => self.hash = Some(value),
            dt::DT_GNU_HASH => self.gnu_hash = Some(value),
            DT_MIPS_SYMTABNO => self.mips_symbols = Some(value),
            DT_MIPS_GOTSYM => self.mips_first_symbol = Some(value),
            DT_MIPS_LOCAL_GOTNO => self.mips_local_words = Some(value),
            dt::DT_PLTGOT => self.table = Some(value),
            dt::DT_INIT | dt::DT_FINI => self.calls.push(value),
            dt::DT_INIT_ARRAY | dt::DT_FINI_ARRAY | dt::DT_PREINIT_ARRAY => {
                waiting.arrays.push((tag, value));
            }
            dt::DT_INIT_ARRAYSZ | dt::DT_FINI_ARRAYSZ | dt::DT_PREINIT_ARRAYSZ => {
                waiting.array_sizes.push((tag, value));
            }
            dt::DT_REL => rel.address = Some(value),
            dt::DT_RELSZ => rel.size = value,
            dt::DT_RELA => rela.address = Some(value),
            dt::DT_RELASZ => rela.size = value,
            dt::DT_JMPREL => plt.address = Some(value),
            dt::DT_PLTRELSZ => plt.size = value,
            dt::DT_PLTREL => plt.addend = value == dt::DT_RELA,
            dt::DT_BIND_NOW => self.bind_now = true,
            dt::DT_FLAGS => self.bind_now |= value & dt::DF_BIND_NOW != 0,
            dt::DT_FLAGS_1 => {
                self.bind_now |= value & dt::DF_1_NOW != 0;
                self.pie |= value & dt::DF_1_PIE != 0;
            }
            dt::DT_DEBUG | DT_MIPS_RLD_MAP | DT_MIPS_RLD_MAP_REL => self.debug_slot = true,
            _ => {}
        }
    }

    fn names(&self, view: &mut View<'a>, offsets: &[u64]) -> Vec<Name> {
        if offsets.len() > NAMES {
            view.report(Problem::limit(format!(
                "{} libraries or paths, {NAMES} read",
                offsets.len()
            )));
        }
        let mut names = Vec::new();
        let mut missing = false;
        for &at in offsets.iter().take(NAMES) {
            match string_at(self.strings, index(at), NAME_MAX) {
                Some(name) => names.push(Name::new(name)),
                None => missing = true,
            }
        }
        if missing {
            view.report(Problem::corrupt(
                "a name of the dynamic segment is outside its string table",
            ));
        }
        names
    }
}

/// The bytes of the dynamic segment. The loader takes the last one, by its address; the offset should say the same.
fn segment<'a>(view: &mut View<'a>) -> Option<&'a [u8]> {
    let mut all = view
        .segments
        .iter()
        .filter(|segment| segment.p_type == PT_DYNAMIC);
    let segment = all.next_back()?.clone();
    if all.next().is_some() {
        view.report(Problem::corrupt("more than one dynamic segment"));
    }
    let loaded_at = view.offset_of(segment.p_vaddr);
    if loaded_at.is_some_and(|at| at != segment.p_offset) {
        view.report(
            Problem::corrupt(
                "the dynamic segment lies elsewhere by its address than by its offset; the address was followed",
            )
            .at(segment.p_offset),
        );
    }
    let bytes = clip(
        view.bytes,
        loaded_at.unwrap_or(segment.p_offset),
        segment.p_filesz,
    );
    if crate::read::length(bytes) < segment.p_filesz {
        view.report(Problem::corrupt("the dynamic segment is cut off").at(segment.p_offset));
    }
    Some(bytes)
}

/// Tags and values up to the closing null entry.
fn entries<'a>(view: &View<'a>, bytes: &'a [u8]) -> impl Iterator<Item = (u64, u64)> + use<'a> {
    let is_64 = view.is_64();
    let endian = view.endian();
    bytes
        .chunks_exact(if is_64 { 16 } else { 8 })
        .map_while(move |entry| {
            let fields = crate::read::Fields::new(entry, endian);
            if is_64 {
                Some((fields.u64(0)?, fields.u64(8)?))
            } else {
                Some((fields.u32(0)?.into(), fields.u32(4)?.into()))
            }
        })
        .take_while(|&(tag, _)| tag != dt::DT_NULL)
}
