//! What the loader writes into a program before it starts: addresses of its own, and of what it uses from libraries.
//!
//! Specification: the processor supplements of the System V ABI. Every relocation that puts an address of a symbol, or of the program itself, into a
//! word is understood; those of thread-local storage and copies of variables are left out.

use goblin::elf::header as em;
use goblin::elf::section_header::SHN_UNDEF;
use goblin::elf::sym::{STT_TLS, Sym};

use super::dynamic::{Dynamic, Relocations};
use super::symbols::{self, Table};
use super::view::{View, clip};
use crate::facts::meter::{Meter, SYMBOL_MAX};
use crate::read::Fields;

/// So many words of one file are followed.
const MOST: usize = 1 << 20;

/// What a word holds once the loader is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    /// The address of something in a library.
    Import(&'a [u8]),
    /// An address of the program itself.
    Address(u64),
}

/// One entry of a relocation table.
struct Entry {
    at: u64,
    kind: u32,
    symbol: u64,
    /// `None` where it stands in the word itself.
    addend: Option<u64>,
}

/// All words that the loader writes, in the order of the tables.
pub(super) fn slots<'a>(
    view: &View<'a>,
    dynamic: &Dynamic<'a>,
    table: &Table<'a>,
) -> Vec<(u64, Slot<'a>)> {
    let mut meter = Meter::new(view.bytes, 4);
    let mut slots = Vec::new();
    for relocations in &dynamic.relocations {
        for entry in entries(view, relocations).into_iter().flatten() {
            if slots.len() >= MOST {
                return slots;
            }
            slots.extend(slot(view, table, &entry, &mut meter).map(|slot| (entry.at, slot)));
        }
    }
    if view.header.e_machine == em::EM_MIPS {
        mips_table(view, dynamic, table, &mut meter, &mut slots);
    }
    slots
}

fn entries<'v>(
    view: &'v View<'_>,
    table: &Relocations,
) -> Option<impl Iterator<Item = Entry> + use<'v>> {
    let (is_64, addend) = (view.is_64(), table.addend);
    let size = match (is_64, addend) {
        (false, false) => 8,
        (false, true) => 12,
        (true, false) => 16,
        (true, true) => 24,
    };
    let bytes = clip(view.bytes, view.offset_of(table.address?)?, table.size);
    let entries = bytes.chunks_exact(size);
    Some(entries.filter_map(move |entry| read(&view.fields(entry), is_64, addend)))
}

fn read(fields: &Fields<'_>, is_64: bool, addend: bool) -> Option<Entry> {
    if is_64 {
        let info = fields.u64(8)?;
        return Some(Entry {
            at: fields.u64(0)?,
            kind: u32::try_from(info & 0xffff_ffff).ok()?,
            symbol: info >> 32,
            addend: if addend { Some(fields.u64(16)?) } else { None },
        });
    }
    let info = fields.u32(4)?;
    Some(Entry {
        at: fields.u32(0)?.into(),
        kind: info & 0xff,
        symbol: (info >> 8).into(),
        addend: if addend {
            Some(fields.u32(8)?.into())
        } else {
            None
        },
    })
}

fn slot<'a>(
    view: &View<'a>,
    table: &Table<'a>,
    entry: &Entry,
    meter: &mut Meter,
) -> Option<Slot<'a>> {
    if is_copy(view.header.e_machine, entry.kind) {
        return None;
    }
    let in_place = || {
        let size = if view.is_64() { 8 } else { 4 };
        let bytes = clip(view.bytes, view.offset_of(entry.at)?, size);
        super::loaded::number(bytes, u8::try_from(size).ok()?, view.endian())
    };
    if entry.symbol == 0 {
        let address = match entry.addend {
            Some(addend) => addend,
            None => in_place()?,
        };
        return (address != 0).then_some(Slot::Address(address));
    }
    let (name, symbol) = table.symbol(entry.symbol)?;
    let addend = match entry.addend {
        Some(addend) => addend,
        None if is_absolute(view.header.e_machine, entry.kind) => in_place()?,
        None => 0,
    };
    of_symbol(name, &symbol, addend, meter)
}

fn of_symbol<'a>(name: &'a [u8], symbol: &Sym, addend: u64, meter: &mut Meter) -> Option<Slot<'a>> {
    if symbol.st_type() == STT_TLS {
        return None;
    }
    if symbols::index_of(symbol) != SHN_UNDEF {
        return Some(Slot::Address(symbol.st_value.wrapping_add(addend)));
    }
    let length = u64::try_from(name.len()).ok()?;
    (!name.is_empty() && name.len() < SYMBOL_MAX && meter.take(length))
        .then_some(Slot::Import(name))
}

/// The part of the global offset table of MIPS that no relocation tells of: one word for each of the last dynamic symbols.
fn mips_table<'a>(
    view: &View<'a>,
    dynamic: &Dynamic<'a>,
    table: &Table<'a>,
    meter: &mut Meter,
    slots: &mut Vec<(u64, Slot<'a>)>,
) {
    let (Some(start), Some(local), Some(first)) = (
        dynamic.table,
        dynamic.mips_local_words,
        dynamic.mips_first_symbol,
    ) else {
        return;
    };
    let word: u64 = if view.is_64() { 8 } else { 4 };
    let end = u64::try_from(table.count).unwrap_or(u64::MAX);
    for symbol in first..end {
        let words = local.saturating_add(symbol.saturating_sub(first));
        let at = start.saturating_add(words.saturating_mul(word));
        if slots.len() >= MOST || view.offset_of(at).is_none() {
            return;
        }
        let found = table.symbol(symbol);
        let slot = found.and_then(|(name, symbol)| of_symbol(name, &symbol, 0, meter));
        slots.extend(slot.map(|slot| (at, slot)));
    }
}

/// Whether a relocation copies a variable out of a library, or belongs to storage of threads.
fn is_copy(machine: u16, kind: u32) -> bool {
    let copies = match machine {
        em::EM_ARM => 20,
        em::EM_AARCH64 => 1024,
        em::EM_386 | em::EM_X86_64 => 5,
        em::EM_PPC => 19,
        em::EM_MIPS => 126,
        _ => return false,
    };
    kind == copies
}

/// Whether what stands in the word is added to the symbol's address.
fn is_absolute(machine: u16, kind: u32) -> bool {
    match machine {
        em::EM_ARM => kind == 2,
        em::EM_386 => kind == 1,
        em::EM_MIPS => kind == 3,
        _ => false,
    }
}
