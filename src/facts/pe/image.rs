//! The headers and sections of a PE file, and which file offset an address has.
//!
//! Read field by field: goblin's PE reader gives all or nothing, and follows some tables without a limit.

use crate::facts::meter::{NAME_MAX, string_at};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// Most sections that are read: the loader of Windows allows 96.
const SECTIONS_MAX: u16 = 1024;
/// Most data directories: their number is part of the format.
const DIRECTORIES_MAX: u32 = 16;
/// Bytes of the section header.
pub(super) const SECTION_LEN: u64 = 40;
/// The loader rounds where sections start in the file down to a multiple of this, in bytes.
const SECTOR: u32 = 512;

/// The headers of one file.
pub(super) struct Image<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) machine: u16,
    pub(super) timestamp: u32,
    pub(super) symbols_at: u32,
    pub(super) symbols: u32,
    pub(super) characteristics: u16,
    /// Absent in object files only.
    pub(super) optional: Option<Optional>,
    pub(super) sections: Vec<Header<'a>>,
    /// Where the section table starts.
    pub(super) sections_at: u64,
}

/// The optional header, which programs and libraries always have.
pub(super) struct Optional {
    pub(super) is_64: bool,
    pub(super) entry: u32,
    pub(super) image_base: u64,
    pub(super) headers_len: u32,
    pub(super) subsystem: u16,
    pub(super) dll_characteristics: u16,
    /// Address and size of each data directory; both 0 where there is none.
    directories: Vec<(u32, u32)>,
}

/// One section header.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) name: &'a [u8],
    pub(super) virtual_size: u32,
    pub(super) address: u32,
    pub(super) size: u32,
    pub(super) offset: u32,
    pub(super) characteristics: u32,
}

impl<'a> Image<'a> {
    /// Reads the headers; what is wrong with them goes to `problems`. `None` when there is no COFF header.
    pub(super) fn parse(bytes: &'a [u8], problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = Fields::little(bytes);
        let pe_at = index(fields.u32(0x3c)?.into());
        if fields.slice(pe_at, 4)? != b"PE\0\0" {
            return None;
        }
        let coff_at = pe_at.checked_add(4)?;
        let coff = Fields::little(fields.slice(coff_at, 20)?);
        let optional_at = coff_at.checked_add(20)?;
        let optional_len = usize::from(coff.u16(16)?);
        let sections_at = optional_at.checked_add(optional_len)?;
        let mut image = Self {
            bytes,
            machine: coff.u16(0)?,
            timestamp: coff.u32(4)?,
            symbols_at: coff.u32(8)?,
            symbols: coff.u32(12)?,
            characteristics: coff.u16(18)?,
            optional: None,
            sections: Vec::new(),
            sections_at: u64::try_from(sections_at).ok()?,
        };
        image.optional = fields
            .slice(optional_at, optional_len)
            .and_then(|bytes| Optional::parse(&Fields::little(bytes)));
        if image.optional.is_none() {
            problems.push(Problem::corrupt("the optional header is broken or cut off"));
        }
        image.read_sections(coff.u16(2)?, sections_at, problems);
        Some(image)
    }

    /// The bytes of the file from what is loaded at `address` (from the image base) to the end of its section.
    pub(super) fn at(&self, address: u32) -> Option<&'a [u8]> {
        let headers = self
            .optional
            .as_ref()
            .map_or(0, |header| header.headers_len);
        if address < headers {
            return self.bytes.get(index(address.into())..index(headers.into()));
        }
        self.sections.iter().find_map(|section| {
            let inside = address.checked_sub(section.address)?;
            let start = u64::from(section.offset & !SECTOR.saturating_sub(1));
            let end = start
                .saturating_add(section.size.into())
                .min(length(self.bytes));
            (inside < section.size.min(section.virtual_size.max(1)) || section.virtual_size == 0)
                .then(|| {
                    let at = start.saturating_add(inside.into());
                    self.bytes.get(index(at)..index(end))
                })?
        })
    }

    /// The name that is loaded at `address`.
    pub(super) fn string(&self, address: u32) -> Option<&'a [u8]> {
        string_at(self.at(address)?, 0, NAME_MAX)
    }

    /// Address and size of a data directory, when the file has it.
    pub(super) fn directory(&self, number: usize) -> Option<(u32, u32)> {
        let directory = *self.optional.as_ref()?.directories.get(number)?;
        (directory.0 != 0 && directory.1 != 0).then_some(directory)
    }

    /// The bytes of a data directory, as many as its section holds.
    pub(super) fn directory_bytes(&self, number: usize) -> Option<&'a [u8]> {
        let (address, len) = self.directory(number)?;
        let bytes = self.at(address)?;
        Some(bytes.get(..index(len.into())).unwrap_or(bytes))
    }

    /// The strings behind the COFF symbols, where long section names are: their offset and length in bytes.
    pub(super) fn strings(&self) -> Option<(u64, u64)> {
        if self.symbols_at == 0 {
            return None;
        }
        let at = u64::from(self.symbols)
            .checked_mul(18)?
            .checked_add(self.symbols_at.into())?;
        // The length counts its own four bytes.
        let len = Fields::little(self.bytes).u32(index(at))?;
        Some((at, u64::from(len).max(4)))
    }

    fn read_sections(&mut self, claimed: u16, at: usize, problems: &mut Vec<Problem>) {
        let table = self.bytes.get(at..).unwrap_or_default();
        let strings = self
            .strings()
            .and_then(|(at, len)| self.bytes.get(index(at)..index(at.checked_add(len)?)));
        self.sections = table
            .chunks_exact(index(SECTION_LEN))
            .take(claimed.min(SECTIONS_MAX).into())
            .filter_map(|header| Header::parse(header, strings.unwrap_or_default()))
            .collect();
        let there = self.sections.len();
        if claimed > SECTIONS_MAX {
            problems.push(Problem::limit(format!("{claimed} sections, {there} read")));
        } else if there < claimed.into() {
            problems.push(Problem::corrupt(format!(
                "{claimed} sections, room for {there} in the file"
            )));
        }
    }
}

impl Optional {
    fn parse(fields: &Fields<'_>) -> Option<Self> {
        let is_64 = match fields.u16(0)? {
            0x10b => false,
            0x20b => true,
            _ => return None,
        };
        let directories_at = if is_64 { 112_usize } else { 96 };
        let count = fields.u32(directories_at.checked_sub(4)?)?;
        let directories = fields
            .tail(directories_at)?
            .chunks_exact(8)
            .take(index(count.min(DIRECTORIES_MAX).into()))
            .filter_map(|entry| {
                let entry = Fields::little(entry);
                Some((entry.u32(0)?, entry.u32(4)?))
            })
            .collect();
        Some(Self {
            is_64,
            entry: fields.u32(16)?,
            image_base: if is_64 {
                fields.u64(24)?
            } else {
                fields.u32(28)?.into()
            },
            headers_len: fields.u32(60)?,
            subsystem: fields.u16(68)?,
            dll_characteristics: fields.u16(70)?,
            directories,
        })
    }
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8], strings: &'a [u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let short = string_at(fields.slice(0, 8)?, 0, 8)?;
        Some(Self {
            name: long_name(short, strings).unwrap_or(short),
            virtual_size: fields.u32(8)?,
            address: fields.u32(12)?,
            size: fields.u32(16)?,
            offset: fields.u32(20)?,
            characteristics: fields.u32(36)?,
        })
    }
}

/// A name of more than 8 bytes is written `/123`: where it stands in the string table.
fn long_name<'a>(short: &[u8], strings: &'a [u8]) -> Option<&'a [u8]> {
    let digits = std::str::from_utf8(short.strip_prefix(b"/")?).ok()?;
    string_at(strings, digits.parse().ok()?, NAME_MAX)
}
