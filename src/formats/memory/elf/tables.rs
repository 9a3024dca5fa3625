//! The tables of an ELF file, as far as loading needs them.

use std::ops::Range;

use bytes::Bytes;

use crate::memory::Function;
use crate::read::{Endian, Fields, clip, index};

/// So many segments, sections and symbols are read of one table.
const MOST: u64 = 1 << 20;
/// A function whose name has more bytes is not named.
const LONGEST_NAME: usize = 256;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
const NO_BITS: u32 = 8;
const SYMBOLS: u32 = 2;
const ALLOCATED: u64 = 2;
const FUNCTION: u8 = 2;

/// The header.
pub(super) struct Header {
    endian: Endian,
    is_wide: bool,
    pub(super) machine: u16,
    pub(super) entry: u64,
    program_at: u64,
    program_count: u64,
    section_at: u64,
    section_count: u64,
}

/// A segment.
pub(super) struct Segment {
    kind: u32,
    pub(super) at: u64,
    /// Bytes of it in the file.
    pub(super) len: u64,
    virtual_address: u64,
    /// Where it is loaded.
    pub(super) physical: u64,
}

/// A section.
pub(super) struct Section {
    kind: u32,
    flags: u64,
    pub(super) address: u64,
    pub(super) at: u64,
    pub(super) len: u64,
    /// The section that its own entries refer to.
    link: u32,
}

impl Header {
    /// Reads the header of an executable.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let ident = Fields::little(bytes);
        let is_wide = match ident.u8(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let endian = match ident.u8(5)? {
            1 => Endian::Little,
            2 => Endian::Big,
            _ => return None,
        };
        let fields = Fields::new(bytes, endian);
        let executable = fields.slice(0, 4)? == b"\x7fELF" && fields.u16(16)? == 2;
        executable.then_some(())?;
        let (entry, program_at, section_at, counts) = if is_wide {
            (fields.u64(24)?, fields.u64(32)?, fields.u64(40)?, 54)
        } else {
            let wide = |at| Some(u64::from(fields.u32(at)?));
            (wide(24)?, wide(28)?, wide(32)?, 42)
        };
        let count = |nth: usize| Some(u64::from(fields.u16(nth.checked_add(counts)?)?));
        let header = Self {
            endian,
            is_wide,
            machine: fields.u16(18)?,
            entry,
            program_at,
            program_count: count(2)?,
            section_at,
            section_count: if section_at == 0 { 0 } else { count(6)? },
        };
        let sizes = (count(0)?, count(4)?);
        let sound = (header.program_count == 0 || sizes.0 == header.segment_size())
            && (header.section_count == 0 || sizes.1 == header.section_size());
        sound.then_some(header)
    }

    fn segment_size(&self) -> u64 {
        if self.is_wide { 56 } else { 32 }
    }

    fn section_size(&self) -> u64 {
        if self.is_wide { 64 } else { 40 }
    }

    /// Where the header and its tables stand.
    pub(super) fn tables(&self) -> impl Iterator<Item = Range<u64>> {
        let own = if self.is_wide { 64 } else { 52 };
        let programs = self.program_count.saturating_mul(self.segment_size());
        let sections = self.section_count.saturating_mul(self.section_size());
        [
            0..own,
            self.program_at..self.program_at.saturating_add(programs),
            self.section_at..self.section_at.saturating_add(sections),
        ]
        .into_iter()
        .filter(|table| table.start == 0 || !table.is_empty())
    }

    /// The records of a table, as many as are there.
    fn records<'a>(&self, bytes: &'a Bytes, at: u64, count: u64, size: u64) -> Vec<Record<'a>> {
        let from = bytes.get(index(at)..).unwrap_or_default();
        let records = from.chunks_exact(index(size).max(1));
        let most = index(count.min(MOST));
        records
            .take(most)
            .map(|record| Record {
                fields: Fields::new(record, self.endian),
                is_wide: self.is_wide,
            })
            .collect()
    }

    pub(super) fn segments(&self, bytes: &Bytes) -> Vec<Segment> {
        let records = self.records(
            bytes,
            self.program_at,
            self.program_count,
            self.segment_size(),
        );
        let segment = |record: &Record<'_>| {
            Some(Segment {
                kind: record.fields.u32(0)?,
                at: record.word(4, 8)?,
                virtual_address: record.word(8, 16)?,
                physical: record.word(12, 24)?,
                len: record.word(16, 32)?,
            })
        };
        records.iter().filter_map(segment).collect()
    }

    pub(super) fn sections(&self, bytes: &Bytes) -> Vec<Section> {
        let records = self.records(
            bytes,
            self.section_at,
            self.section_count,
            self.section_size(),
        );
        let section = |record: &Record<'_>| {
            Some(Section {
                kind: record.fields.u32(4)?,
                flags: record.word(8, 8)?,
                address: record.word(12, 16)?,
                at: record.word(16, 24)?,
                len: record.word(20, 32)?,
                link: record.fields.u32(if self.is_wide { 40 } else { 24 })?,
            })
        };
        records.iter().filter_map(section).collect()
    }

    /// The functions of one symbol table, `most` of them at most.
    pub(super) fn functions(
        &self,
        bytes: &Bytes,
        table: &Section,
        sections: &[Section],
        most: usize,
    ) -> Vec<Function> {
        let names = sections.get(index(u64::from(table.link)));
        let names = names.map(|names| clip(bytes, names.at, names.len));
        let names = names.unwrap_or_default();
        let size = if self.is_wide { 24 } else { 16 };
        let table = clip(bytes, table.at, table.len);
        let symbols = self.records(&table, 0, MOST, size);
        let function = |symbol: &Record<'_>| self.function(symbol, &names);
        symbols.iter().filter_map(function).take(most).collect()
    }

    fn function(&self, symbol: &Record<'_>, names: &[u8]) -> Option<Function> {
        let info = symbol.fields.u8(if self.is_wide { 4 } else { 12 })?;
        let len = symbol.word(8, 16)?;
        let from = index(u64::from(symbol.fields.u32(0)?));
        let name = names.get(from..)?.split(|&byte| byte == 0).next()?;
        (info & 15 == FUNCTION && len > 0 && name.len() <= LONGEST_NAME).then_some(())?;
        // The lowest bit of a function's address says that it is Thumb.
        let code = if self.machine == super::ARM { !1 } else { !0 };
        Some(Function {
            address: symbol.word(4, 8)? & code,
            len,
            name: name.to_vec(),
        })
    }
}

/// One record of a table.
struct Record<'a> {
    fields: Fields<'a>,
    is_wide: bool,
}

impl Record<'_> {
    /// An address or a size: 4 bytes at `narrow`, or 8 bytes at `wide`.
    fn word(&self, narrow: usize, wide: usize) -> Option<u64> {
        if self.is_wide {
            self.fields.u64(wide)
        } else {
            self.fields.u32(narrow).map(u64::from)
        }
    }
}

impl Segment {
    pub(super) fn is_loaded(&self) -> bool {
        self.kind == LOAD && self.len > 0
    }

    /// Whether it asks an operating system for something.
    pub(super) fn is_for_system(&self) -> bool {
        matches!(self.kind, DYNAMIC | INTERPRETER)
    }

    /// Where a section of this segment is loaded; `None` for one of another.
    pub(super) fn load_address(&self, section: &Section) -> Option<u64> {
        let inside = section.at.checked_sub(self.at)?;
        let address = section.address.checked_sub(self.virtual_address)?;
        let end = inside.checked_add(section.len)?;
        (end <= self.len && inside == address).then(|| self.physical.saturating_add(address))
    }
}

impl Section {
    /// Whether its bytes are in the file.
    pub(super) fn is_stored(&self) -> bool {
        self.kind != NO_BITS && self.kind != 0 && self.len > 0
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.is_stored() && self.flags & ALLOCATED != 0
    }

    pub(super) fn is_symbols(&self) -> bool {
        self.kind == SYMBOLS
    }
}
