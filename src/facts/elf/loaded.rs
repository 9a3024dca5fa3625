//! A program as it stands in memory before its first instruction: segments at their addresses, with what the loader puts into them.

use std::cell::OnceCell;

use goblin::elf::SectionHeader;
use goblin::elf::header::{EM_MIPS, ET_DYN, ET_EXEC};
use goblin::elf::program_header::{PF_W, PF_X, PT_LOAD};
use goblin::elf::section_header::{SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS};

use super::dynamic::Dynamic;
use super::pointers::Pointers;
use super::relocation::{self, Slot};
use super::symbols::{self, Table};
use super::view::{View, clip};
use crate::facts::machine::Machine;
use crate::facts::meter::Meter;
use crate::read::{Endian, index, length};

/// Segments that are loaded; more make no program.
const MOST_PIECES: usize = 64;

/// One loaded segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    /// Its virtual address.
    pub(crate) address: u64,
    /// Where it stands in the file, in bytes from its start.
    pub(crate) offset: u64,
    /// What the file holds of it.
    pub(crate) bytes: &'a [u8],
    /// Its length in memory, in bytes.
    pub(crate) size: u64,
    pub(crate) executable: bool,
    pub(crate) writable: bool,
}

/// A function that a symbol names. On ARM bit 0 of the address says that it is Thumb code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named<'a> {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) name: &'a [u8],
}

/// A program in memory.
pub(crate) struct Loaded<'a> {
    pub(crate) machine: Machine,
    pub(crate) endian: Endian,
    /// Bytes of an address: 4 or 8.
    pub(crate) word: u8,
    /// In the order of their addresses.
    pub(crate) pieces: Vec<Piece<'a>>,
    /// What the loader writes, by address.
    slots: Vec<(u64, Slot<'a>)>,
    /// Functions by their address.
    pub(crate) functions: Vec<Named<'a>>,
    /// Where execution starts; 0 where it does not.
    pub(crate) entry: u64,
    /// The address of the global offset table, as `DT_PLTGOT` states it.
    pub(crate) table: Option<u64>,
    /// Functions that the loader calls before and after.
    pub(crate) called: Vec<u64>,
    /// Where the tables of unwinders stand: `PT_GNU_EH_FRAME` and `PT_ARM_EXIDX`, address and length.
    pub(crate) frames: Option<(u64, u64)>,
    pub(crate) exceptions: Option<(u64, u64)>,
    /// Whether it stands at the addresses that it names, and nowhere else.
    pub(crate) is_fixed: bool,
    /// Whether a loader links it with libraries.
    pub(crate) is_dynamic: bool,
    /// Where the file's own headers stand, from where to where: they hold no texts.
    headers: (u64, u64),
    /// Where its code stands, from where to where: what is executable and no section says that it is data.
    pub(crate) code: Vec<(u64, u64)>,
    /// Where sections say that the linkage table's code stands, from where to where.
    pub(crate) linkage: Vec<(u64, u64)>,
    /// Whether code is little-endian whatever data is (`EF_ARM_BE8`).
    pub(crate) has_little_code: bool,
    /// Where its data holds its own addresses; looked for when that is first asked.
    pointers: OnceCell<Pointers>,
}

const EF_ARM_BE8: u32 = 0x0080_0000;

const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_ARM_EXIDX: u32 = 0x7000_0001;

impl<'a> Loaded<'a> {
    /// A program or library; `None` for what is neither, or of which nothing is executable.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut view = View::parse(bytes).ok()?;
        if !matches!(view.header.e_type, ET_EXEC | ET_DYN) {
            return None;
        }
        let pieces = pieces(&view);
        if !pieces.iter().any(|piece| piece.executable) {
            return None;
        }
        let dynamic = Dynamic::parse(&mut view);
        let table = dynamic
            .as_ref()
            .map(|dynamic| Table::dynamic(&mut view, dynamic));
        let mut slots = match (&dynamic, &table) {
            (Some(dynamic), Some(table)) => relocation::slots(&view, dynamic, table),
            _ => Vec::new(),
        };
        slots.sort_by_key(|&(address, _)| address);
        slots.dedup_by_key(|&mut (address, _)| address);
        let functions = functions(&mut view, table.as_ref());
        let segment = |kind: u32| {
            let found = view.segments.iter().find(|it| it.p_type == kind)?;
            Some((found.p_vaddr, found.p_memsz))
        };
        let mut loaded = Self {
            machine: Machine::from_elf(view.header.e_machine),
            endian: view.endian(),
            word: if view.is_64() { 8 } else { 4 },
            pieces,
            slots,
            functions,
            entry: view.header.e_entry,
            table: dynamic.as_ref().and_then(|dynamic| dynamic.table),
            called: Vec::new(),
            frames: segment(PT_GNU_EH_FRAME),
            exceptions: (view.header.e_machine != EM_MIPS)
                .then(|| segment(PT_ARM_EXIDX))
                .flatten(),
            is_fixed: view.header.e_type == ET_EXEC,
            is_dynamic: dynamic.is_some(),
            headers: headers(&view),
            code: code(&view),
            linkage: linkage(&view),
            has_little_code: view.header.e_flags & EF_ARM_BE8 != 0,
            pointers: OnceCell::new(),
        };
        if let Some(dynamic) = &dynamic {
            loaded.called = loaded.called_by_loader(dynamic);
        }
        Some(loaded)
    }

    /// The segment that an address lies in.
    pub(crate) fn piece(&self, address: u64) -> Option<&Piece<'a>> {
        self.pieces.iter().find(|piece| {
            address
                .checked_sub(piece.address)
                .is_some_and(|inside| inside < piece.size)
        })
    }

    /// What the file holds from an address to the end of its segment; empty where it holds nothing.
    pub(crate) fn bytes(&self, address: u64) -> &'a [u8] {
        let piece = self.piece(address);
        piece
            .and_then(|piece| {
                piece
                    .bytes
                    .get(index(address.checked_sub(piece.address)?)..)
            })
            .unwrap_or_default()
    }

    /// Where in the file an address stands, in bytes from its start; 0 where it does not.
    pub(crate) fn offset(&self, address: u64) -> u64 {
        let piece = self.piece(address);
        let offset = piece.and_then(|piece| {
            address
                .checked_sub(piece.address)?
                .checked_add(piece.offset)
        });
        offset.unwrap_or(0)
    }

    /// Whether the file's own headers stand at an address.
    pub(crate) fn is_header(&self, address: u64) -> bool {
        let (from, to) = self.headers;
        (from..to).contains(&address)
    }

    /// The bytes up to the NUL behind a text at an address; `None` where there is none within `most` bytes.
    pub(crate) fn text(&self, address: u64, most: usize) -> Option<&'a [u8]> {
        if self.is_header(address) {
            return None;
        }
        let bytes = self.bytes(address);
        let bytes = bytes.get(..most).unwrap_or(bytes);
        let end = memchr::memchr(0, bytes)?;
        bytes.get(..end)
    }

    /// What the loader puts at an address.
    pub(crate) fn slot(&self, address: u64) -> Option<Slot<'a>> {
        let at = self
            .slots
            .binary_search_by_key(&address, |&(at, _)| at)
            .ok()?;
        self.slots.get(at).map(|&(_, slot)| slot)
    }

    /// The name of what the loader takes from a library and puts at an address.
    pub(crate) fn import(&self, slot: u64) -> Option<&'a [u8]> {
        match self.slot(slot)? {
            Slot::Import(name) => Some(name),
            Slot::Address(_) => None,
        }
    }

    /// The address that a word holds once the loader is done; `None` where it is in a library, or not known.
    pub(crate) fn pointer(&self, address: u64) -> Option<u64> {
        match self.slot(address) {
            Some(Slot::Address(value)) => Some(value),
            Some(Slot::Import(_)) => None,
            None => self.number(address, self.word).filter(|&value| value != 0),
        }
    }

    /// Places of words that hold an address, as many as `most`, in data that is no code.
    pub(crate) fn places_of(&self, address: u64, most: usize) -> Vec<u64> {
        let pointers = self.pointers.get_or_init(|| Pointers::of(self));
        pointers.places_of(address).take(most).collect()
    }

    /// All that the loader writes, by address.
    pub(crate) fn slots(&self) -> &[(u64, Slot<'a>)] {
        &self.slots
    }

    /// An unsigned number of 1, 2, 4 or 8 bytes at an address, as the file holds it.
    pub(crate) fn number(&self, address: u64, size: u8) -> Option<u64> {
        number(self.bytes(address), size, self.endian)
    }

    /// Whether code can be executed at an address.
    pub(crate) fn is_code(&self, address: u64) -> bool {
        self.code_end(address) > address
    }

    /// Where the code that an address lies in ends; the address itself where there is none.
    pub(crate) fn code_end(&self, address: u64) -> u64 {
        let after = self.code.partition_point(|&(from, _)| from <= address);
        let range = after.checked_sub(1).and_then(|at| self.code.get(at));
        range.map_or(address, |&(_, to)| to.max(address))
    }

    /// The names of what it uses from elsewhere, as its relocations tell them.
    pub(crate) fn imports(&self) -> impl Iterator<Item = &'a [u8]> {
        self.slots.iter().filter_map(|(_, slot)| match slot {
            Slot::Import(name) => Some(*name),
            Slot::Address(_) => None,
        })
    }

    fn called_by_loader(&self, dynamic: &Dynamic<'_>) -> Vec<u64> {
        let mut called: Vec<u64> = dynamic.calls.clone();
        for &(address, size) in &dynamic.arrays {
            let word = u64::from(self.word);
            let count = size.checked_div(word).unwrap_or(0).min(4096);
            for at in 0..count {
                let place = address.saturating_add(at.saturating_mul(word));
                match self.slot(place) {
                    Some(Slot::Address(function)) => called.push(function),
                    Some(Slot::Import(_)) => {}
                    None => called.extend(self.number(place, self.word)),
                }
            }
        }
        called
    }
}

/// An unsigned number of 1, 2, 4 or 8 bytes at the start of some bytes.
pub(crate) fn number(bytes: &[u8], size: u8, endian: Endian) -> Option<u64> {
    let fields = crate::read::Fields::new(bytes, endian);
    match size {
        1 => fields.u8(0).map(u64::from),
        2 => fields.u16(0).map(u64::from),
        4 => fields.u32(0).map(u64::from),
        8 => fields.u64(0),
        _ => None,
    }
}

fn pieces<'a>(view: &View<'a>) -> Vec<Piece<'a>> {
    let loads = view.segments.iter().filter(|it| it.p_type == PT_LOAD);
    let mut pieces: Vec<Piece<'a>> = loads
        .take(MOST_PIECES)
        .map(|segment| {
            let bytes = clip(view.bytes, segment.p_offset, segment.p_filesz);
            Piece {
                address: segment.p_vaddr,
                offset: segment.p_offset,
                bytes,
                size: segment.p_memsz.max(length(bytes)),
                executable: segment.p_flags & PF_X != 0,
                writable: segment.p_flags & PF_W != 0,
            }
        })
        .collect();
    pieces.sort_by_key(|piece| piece.address);
    pieces
}

/// Where the file's header and program headers are loaded to, from where to where; nowhere if no segment has them.
fn headers(view: &View<'_>) -> (u64, u64) {
    let header = &view.header;
    let table = u64::from(header.e_phnum).saturating_mul(header.e_phentsize.into());
    let end = header.e_phoff.saturating_add(table);
    let mut loads = view.segments.iter().filter(|it| it.p_type == PT_LOAD);
    let first = loads.find(|it| it.p_offset == 0);
    first.map_or((0, 0), |it| (it.p_vaddr, it.p_vaddr.saturating_add(end)))
}

/// What is executable, without sections that are loaded and say that they are not.
fn code(view: &View<'_>) -> Vec<(u64, u64)> {
    let data = view.sections.iter().filter(|section| {
        let flags = section.sh_flags;
        flags & u64::from(SHF_ALLOC) != 0
            && flags & u64::from(SHF_EXECINSTR) == 0
            && section.sh_size > 0
            && section.sh_type != SHT_NOBITS
    });
    let mut data: Vec<(u64, u64)> = data
        .map(|section| {
            (
                section.sh_addr,
                section.sh_addr.saturating_add(section.sh_size),
            )
        })
        .collect();
    let headers = view.header.e_phoff.saturating_add(
        u64::from(view.header.e_phnum).saturating_mul(u64::from(view.header.e_phentsize)),
    );
    let first = view
        .segments
        .iter()
        .find(|it| it.p_type == PT_LOAD && it.p_offset == 0);
    data.extend(first.map(|it| (it.p_vaddr, it.p_vaddr.saturating_add(headers))));
    data.sort_unstable();
    let mut code = Vec::new();
    for piece in pieces(view).iter().filter(|piece| piece.executable) {
        let mut from = piece.address;
        let end = piece.address.saturating_add(length(piece.bytes));
        for &(start, stop) in &data {
            if start >= end || stop <= from {
                continue;
            }
            code.push((from, start.max(from)));
            from = stop;
        }
        code.push((from, end));
    }
    code.retain(|&(from, to)| from < to);
    code.sort_unstable();
    code
}

/// The sections of the linkage table's code.
fn linkage(view: &View<'_>) -> Vec<(u64, u64)> {
    let is_linkage = |section: &&SectionHeader| {
        let name = view.section_name(section);
        section.sh_flags & u64::from(SHF_EXECINSTR) != 0
            && (name.starts_with(b".plt") || matches!(name, b".iplt" | b".MIPS.stubs"))
    };
    let sections = view.sections.iter().filter(is_linkage);
    sections
        .map(|it| (it.sh_addr, it.sh_addr.saturating_add(it.sh_size)))
        .collect()
}

fn functions<'a>(view: &mut View<'a>, dynamic: Option<&Table<'a>>) -> Vec<Named<'a>> {
    let full = Table::full(view);
    let mut meter = Meter::new(view.bytes, 4);
    let mut functions = Vec::new();
    for table in full.iter().chain(dynamic) {
        let defined = table
            .named(&mut meter)
            .filter(|(_, symbol)| symbols::is_function(symbol));
        functions.extend(defined.map(|(name, symbol)| Named {
            address: symbol.st_value,
            size: symbol.st_size,
            name,
        }));
    }
    functions.sort_unstable();
    functions.dedup();
    functions
}
