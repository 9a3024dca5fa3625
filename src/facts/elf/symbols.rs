//! Symbols: what a file imports and exports, and its functions.

use goblin::elf::header::ET_REL;
use goblin::elf::section_header::{SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB};
use goblin::elf::sym::{
    STB_LOCAL, STT_FILE, STT_FUNC, STT_GNU_IFUNC, STT_SECTION, STV_HIDDEN, STV_INTERNAL, Sym,
    Symtab,
};
use serde::Serialize;

use super::dynamic::{Dynamic, Relocations};
use super::view::{View, clip, fitting};
use crate::facts::meter::{Meter, SYMBOL_MAX, string_at};
use crate::facts::name::Name;
use crate::problem::Problem;
use crate::read::{index, length};

/// How many symbols a file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Symbols {
    /// Entries of the symbol table that linkers and debuggers use.
    pub full: u64,
    /// Entries of the dynamic symbol table that the loader uses.
    pub dynamic: u64,
    /// Whether the full table was taken out.
    pub stripped: bool,
}

/// One function that a symbol names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Function {
    /// Its virtual address as stored (in a relocatable file: bytes from its section's start). On ARM bit 0 is set
    /// when it is Thumb code.
    pub address: u64,
    /// Its length in bytes; 0 when the symbol does not say.
    pub size: u64,
    /// Its name.
    pub name: Name,
}

/// A symbol table and its strings, clipped to the file.
pub(super) struct Table<'a> {
    symbols: Option<Symtab<'a>>,
    pub(super) count: usize,
    strings: &'a [u8],
}

impl<'a> Table<'a> {
    /// No symbols.
    fn none() -> Self {
        Self {
            symbols: None,
            count: 0,
            strings: &[],
        }
    }

    /// The table that linkers use, by its section; `None` when the file has been stripped of it.
    pub(super) fn full(view: &mut View<'a>) -> Option<Self> {
        let section = view
            .sections
            .iter()
            .find(|section| section.sh_type == SHT_SYMTAB)?
            .clone();
        let strings = view
            .sections
            .get(index(section.sh_link.into()))
            .map_or(&[][..], |strings| view.section_bytes(strings));
        let count = fitting(section.sh_size, symbol_size(view));
        Some(Self::at(view, section.sh_offset, count, strings))
    }

    /// The table that the loader uses, by the dynamic segment.
    pub(super) fn dynamic(view: &mut View<'a>, dynamic: &Dynamic<'a>) -> Self {
        let Some(address) = dynamic.symtab else {
            return Self::none();
        };
        let Some(at) = view.offset_of(address) else {
            view.report(Problem::corrupt(format!(
                "the dynamic symbols at address {address:#x} are in no segment"
            )));
            return Self::none();
        };
        let size = symbol_size(view);
        let by_section = view
            .sections
            .iter()
            .find(|section| section.sh_type == SHT_DYNSYM)
            .map(|section| (section.sh_offset, fitting(section.sh_size, size)));
        if by_section.is_some_and(|(offset, _)| offset != at) {
            view.report(
                Problem::corrupt(
                    "the section table names other dynamic symbols than the loader uses",
                )
                .at(at),
            );
        }
        let count = [
            by_section
                .filter(|&(offset, _)| offset == at)
                .map(|(_, count)| count),
            dynamic.mips_symbols,
            dynamic.hash.and_then(|address| hashed(view, address)),
            dynamic
                .gnu_hash
                .and_then(|address| gnu_hashed(view, address)),
            relocated(view, &dynamic.relocations),
        ];
        let count = count.into_iter().flatten().max().unwrap_or(0);
        Self::at(view, at, count, dynamic.strings)
    }

    fn at(view: &mut View<'a>, at: u64, claimed: u64, strings: &'a [u8]) -> Self {
        let room = fitting(length(view.bytes).saturating_sub(at), symbol_size(view));
        if claimed > room {
            view.report(
                Problem::corrupt(format!("{claimed} symbols, room for {room} in the file")).at(at),
            );
        }
        let count = index(claimed.min(room));
        // goblin takes an offset at the very end for an error; a table without symbols is none.
        let symbols = (count > 0)
            .then(|| Symtab::parse(view.bytes, index(at), count, view.ctx).ok())
            .flatten();
        Self {
            count: if symbols.is_some() { count } else { 0 },
            symbols,
            strings,
        }
    }

    /// Every symbol after the null one that opens the table, with its name, as long as the meter lasts.
    pub(super) fn named(&self, meter: &mut Meter) -> impl Iterator<Item = (&'a [u8], Sym)> {
        self.symbols
            .iter()
            .flat_map(Symtab::iter)
            .skip(1)
            .filter_map(|symbol| {
                let name = string_at(self.strings, symbol.st_name, SYMBOL_MAX)?;
                Some((name, symbol))
            })
            .filter(|(name, _)| !name.is_empty())
            .take_while(|(name, _)| meter.take(length(name)))
    }
}

impl<'a> Table<'a> {
    /// A symbol by its number, with its name; `None` where there is none.
    pub(super) fn symbol(&self, number: u64) -> Option<(&'a [u8], Sym)> {
        let symbol = self.symbols.as_ref()?.get(index(number))?;
        let name = string_at(self.strings, symbol.st_name, SYMBOL_MAX).unwrap_or_default();
        Some((name, symbol))
    }
}

/// Names of symbols that come from elsewhere, and of those that others can use: sorted, each once.
pub(super) fn imports_and_exports(
    view: &mut View<'_>,
    table: &Table<'_>,
) -> (Vec<Name>, Vec<Name>) {
    let mut meter = Meter::new(view.bytes, 4);
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    for (name, symbol) in table.named(&mut meter) {
        let linked = symbol.st_bind() != STB_LOCAL
            && !matches!(symbol.st_type(), STT_FILE | STT_SECTION)
            && !matches!(symbol.st_visibility(), STV_HIDDEN | STV_INTERNAL);
        let list = match index_of(&symbol) {
            SHN_UNDEF => &mut imports,
            _ if linked => &mut exports,
            _ => continue,
        };
        list.push(name);
    }
    if let Some(problem) = meter.problem("imports and exports are") {
        view.report(problem);
    }
    (unique(imports), unique(exports))
}

/// The functions that the symbol tables of a file name, by address and name.
///
/// Reads the file anew: facts do not keep them. What is broken or over a limit is left out here; the file's
/// [`Elf`](super::Elf) has the problem.
pub fn functions(bytes: &[u8]) -> Vec<Function> {
    let Ok(mut view) = View::parse(bytes) else {
        return Vec::new();
    };
    let full = Table::full(&mut view);
    let dynamic = Dynamic::parse(&mut view).map(|dynamic| Table::dynamic(&mut view, &dynamic));
    let mut meter = Meter::new(bytes, 4);
    let mut functions = Vec::new();
    for table in full.iter().chain(&dynamic) {
        let defined = table
            .named(&mut meter)
            .filter(|(_, symbol)| is_function(symbol));
        functions.extend(defined.map(|(name, symbol)| Function {
            address: symbol.st_value,
            size: symbol.st_size,
            name: Name::new(name),
        }));
    }
    functions.sort_unstable();
    functions.dedup();
    functions
}

/// Whether a symbol is a function of the file's own.
pub(super) fn is_function(symbol: &Sym) -> bool {
    matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC) && index_of(symbol) != SHN_UNDEF
}

/// Which table a file's imports and exports are in: a kernel module has no dynamic one.
pub(super) fn linking<'t, 'a>(
    view: &View<'_>,
    full: Option<&'t Table<'a>>,
    dynamic: Option<&'t Table<'a>>,
) -> Option<&'t Table<'a>> {
    if view.header.e_type == ET_REL {
        full
    } else {
        dynamic
    }
}

fn unique(mut names: Vec<&[u8]>) -> Vec<Name> {
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(Name::new).collect()
}

pub(super) fn index_of(symbol: &Sym) -> u32 {
    u32::try_from(symbol.st_shndx).unwrap_or(u32::MAX)
}

fn symbol_size(view: &View<'_>) -> u64 {
    if view.is_64() { 24 } else { 16 }
}

/// The number of symbols that a System V hash table covers.
fn hashed(view: &View<'_>, address: u64) -> Option<u64> {
    let table = clip(view.bytes, view.offset_of(address)?, 8);
    view.fields(table).u32(4).map(u64::from)
}

/// The number of symbols that a GNU hash table covers: its highest chain, followed to its end.
fn gnu_hashed(view: &View<'_>, address: u64) -> Option<u64> {
    let table = view.fields(clip(view.bytes, view.offset_of(address)?, u64::MAX));
    let (buckets, first, bloom) = (table.u32(0)?, table.u32(4)?, table.u32(8)?);
    let word: u64 = if view.is_64() { 8 } else { 4 };
    let buckets_at = u64::from(bloom).checked_mul(word)?.checked_add(16)?;
    let buckets_len = u64::from(buckets).checked_mul(4)?;
    let highest = table
        .slice(index(buckets_at), index(buckets_len))?
        .chunks_exact(4)
        .filter_map(|bucket| view.fields(bucket).u32(0))
        .max()?;
    let Some(inside) = highest.checked_sub(first) else {
        return Some(first.into());
    };
    let chain_at = buckets_at
        .checked_add(buckets_len)?
        .checked_add(u64::from(inside).checked_mul(4)?)?;
    let last = table
        .tail(index(chain_at))?
        .chunks_exact(4)
        .position(|hash| view.fields(hash).u32(0).is_some_and(|hash| hash & 1 == 1))?;
    u64::from(highest)
        .checked_add(u64::try_from(last).ok()?)?
        .checked_add(1)
}

/// One more than the highest symbol that a relocation uses: the loader does not ask the hash table.
fn relocated(view: &View<'_>, tables: &[Relocations]) -> Option<u64> {
    tables
        .iter()
        .filter_map(|table| {
            let bytes = clip(view.bytes, view.offset_of(table.address?)?, table.size);
            let size = match (view.is_64(), table.addend) {
                (false, false) => 8,
                (false, true) => 12,
                (true, false) => 16,
                (true, true) => 24,
            };
            let highest = bytes
                .chunks_exact(size)
                .filter_map(|entry| relocation_symbol(view, entry))
                .max()?;
            // Symbol 0 means none.
            (highest > 0).then(|| highest.checked_add(1))?
        })
        .max()
}

fn relocation_symbol(view: &View<'_>, entry: &[u8]) -> Option<u64> {
    let fields = view.fields(entry);
    if !view.is_64() {
        return Some(u64::from(fields.u32(4)? >> 8));
    }
    // 64-bit MIPS stores the symbol first, so that in little-endian files it is the low half.
    let mips = view.header.e_machine == goblin::elf::header::EM_MIPS;
    if mips && view.ctx.is_little_endian() {
        return fields.u32(8).map(u64::from);
    }
    Some(fields.u64(8)? >> 32)
}
