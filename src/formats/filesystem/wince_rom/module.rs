//! A module as a PE file again.
//!
//! `romimage` drops the headers of a module and keeps `e32_rom`, and an `o32_rom` a section; the sections lie in the ROM where they run.
//! The file is put together by these rules alone, so that equal modules are equal files:
//! - a DOS header of 64 bytes of which only the magic and the offset of the PE header (64) are set;
//! - the PE and the optional header (PE32) with what `e32_rom` keeps; alignments of 0x1000 and 0x200; everything else zero;
//! - a section header for each `o32_rom`, without a name; the flag that says it is compressed is cleared;
//! - the bytes of each section as stored, or as they were before they were compressed, aligned to 0x200 with zeros.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::super::account::Account;
use super::Header;
use super::packed::Packed;
use crate::budget::Budget;
use crate::entry::{Data, Fault, File};
use crate::formats::Role;
use crate::problem::Problem;
use crate::read::{Fields, cut, index, length};

/// Bytes of `e32_rom` as Windows CE 3 and 4 have it; later ones have 4 more for a time stamp in front of the directories.
const E32: u64 = 106;
const STAMP: u64 = 4;
/// Bytes of `o32_rom`.
const O32: u64 = 24;
/// How many data directories a ROM keeps: the first nine, and apart from them the fourteenth, of .NET.
const DIRECTORIES: usize = 9;
const DOT_NET: usize = 14;
/// The flag of a compressed section.
const COMPRESSED: u32 = 0x2000;

/// Bytes of the headers of a PE file.
const DOS: usize = 64;
const COFF: usize = 24;
const OPTIONAL: usize = 224;
const SECTION: usize = 40;
/// Sections start at multiples of so many bytes.
const ALIGN: u64 = 0x200;

/// The zeros between sections.
static PADDING: [u8; 0x200] = [0; 0x200];

/// A module that is a PE file again.
pub(super) struct Module {
    head: Vec<u8>,
    sections: Vec<Content>,
    /// Where each section lies when the module runs.
    addresses: Vec<u32>,
    /// Why some of it is missing.
    problem: Option<Problem>,
}

/// The bytes of a section.
enum Content {
    Stored(Bytes),
    Packed(Packed),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Self::Stored(bytes) => length(bytes),
            Self::Packed(packed) => packed.size(),
        }
    }
}

/// One section.
struct Section {
    virtual_size: u32,
    rva: u32,
    stored: u32,
    pointer: u32,
    address: u32,
    flags: u32,
}

impl Section {
    fn read(fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            virtual_size: fields.u32(0)?,
            rva: fields.u32(4)?,
            stored: fields.u32(8)?,
            pointer: fields.u32(12)?,
            address: fields.u32(16)?,
            flags: fields.u32(20)?,
        })
    }
}

impl Module {
    /// Reads the module whose `e32_rom` and first `o32_rom` have these addresses.
    pub(super) fn read(
        region: &Bytes,
        header: &Header,
        e32: u32,
        o32: u32,
        budget: &Budget,
        account: &mut Account,
    ) -> Result<Self, Problem> {
        let gone = || Problem::corrupt("its headers do not lie in the ROM");
        let e32_at = header.place(e32).ok_or_else(gone)?;
        let o32_at = header.place(o32).ok_or_else(gone)?;
        let kept = Kept::read(region, e32_at, o32_at)
            .ok_or_else(|| Problem::unsupported("its headers are of a layout that is not known"))?;
        let count = u64::from(kept.sections);
        budget.spend_entries(count)?;
        let table = cut(region, o32_at, count.saturating_mul(O32)).ok_or_else(gone)?;
        account.metadata(e32_at, kept.len);
        account.metadata(o32_at, length(&table));
        let rows = table.chunks(index(O32));
        let sections: Vec<Section> = rows
            .filter_map(|row| Section::read(Fields::little(row)))
            .collect();
        let mut module = Self {
            head: Vec::new(),
            sections: Vec::new(),
            addresses: sections.iter().map(|section| section.address).collect(),
            problem: None,
        };
        for section in &sections {
            match section.content(region, header, account) {
                Ok(content) => module.sections.push(content),
                Err(problem) => {
                    module.problem.get_or_insert(problem);
                    break;
                }
            }
        }
        module.head = kept.head(header.machine, &sections, &module.sections);
        Ok(module)
    }

    /// Where the sections lie when the module runs.
    pub(super) fn load_addresses(&self) -> Vec<u8> {
        let addresses = self.addresses.iter();
        let addresses: Vec<String> = addresses
            .map(|address| format!("{address:#010x}"))
            .collect();
        addresses.join(",").into_bytes()
    }

    pub(super) fn into_file(self) -> File {
        let ends = self.sections.iter().map(|section| aligned(section.len()));
        let size = ends.fold(length(&self.head), u64::saturating_add);
        File {
            size,
            data: Arc::new(self),
        }
    }
}

impl Data for Module {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        out.write_all(&self.head)?;
        for section in &self.sections {
            match section {
                Content::Stored(bytes) => out.write_all(bytes)?,
                Content::Packed(packed) => packed.copy_to(out)?,
            }
            let gap = aligned(section.len()).saturating_sub(section.len());
            out.write_all(PADDING.get(..index(gap)).unwrap_or_default())?;
        }
        match &self.problem {
            Some(problem) => Err(Fault::Problem(problem.clone())),
            None => Ok(()),
        }
    }
}

impl Section {
    /// Its stored bytes.
    fn content(
        &self,
        region: &Bytes,
        header: &Header,
        account: &mut Account,
    ) -> Result<Content, Problem> {
        if self.stored == 0 {
            return Ok(Content::Stored(Bytes::new()));
        }
        let place = header.place(self.pointer);
        let content = place.and_then(|place| cut(region, place, self.stored.into()));
        let (Some(place), Some(content)) = (place, content) else {
            let detail = format!("its section at {:#x} does not lie in the ROM", self.rva);
            return Err(Problem::corrupt(detail));
        };
        account.name(place, self.stored.into(), Role::Content);
        if self.flags & COMPRESSED == 0 {
            return Ok(Content::Stored(content));
        }
        let packed = Packed::new(content).map_err(|problem| {
            let detail = format!(
                "its section at {:#x} is {}: {} bytes for {}",
                self.rva, problem.detail, self.stored, self.virtual_size
            );
            Problem::unsupported(detail).at(place)
        })?;
        Ok(Content::Packed(packed))
    }
}

/// What a ROM keeps of the headers of a module.
struct Kept {
    /// Its own length in bytes.
    len: u64,
    sections: u16,
    flags: u16,
    entry: u32,
    base: u32,
    major: u16,
    minor: u16,
    stack: u32,
    size: u32,
    stamp: u32,
    subsystem: u16,
    /// Address and length of each data directory.
    directories: [(u32, u32); DIRECTORIES],
    dot_net: (u32, u32),
}

impl Kept {
    /// Reads it in whichever of the two layouts makes sense. What follows it tells, or that all directories lie in the module.
    fn read(region: &Bytes, at: u64, sections_at: u64) -> Option<Self> {
        let layouts = [STAMP, 0].map(|stamp| Self::parse(region, at, stamp));
        let layouts = layouts.into_iter().flatten();
        let sound: Vec<Self> = layouts.filter(Self::is_sound).collect();
        let followed = |kept: &Self| {
            // Padded to 4 bytes.
            let end = at.saturating_add(kept.len).checked_next_multiple_of(4);
            end == Some(sections_at)
        };
        let told = sound.iter().position(followed).unwrap_or_default();
        sound.into_iter().nth(told)
    }

    fn parse(region: &Bytes, at: u64, stamp_len: u64) -> Option<Self> {
        let len = E32.saturating_add(stamp_len);
        let raw = cut(region, at, len)?;
        let fields = Fields::little(&raw);
        let shift = index(stamp_len);
        let pair = |at: usize| Some((fields.u32(at)?, fields.u32(at.checked_add(4)?)?));
        let mut directories = [(0, 0); DIRECTORIES];
        for (number, directory) in directories.iter_mut().enumerate() {
            let at = number.checked_mul(8)?.checked_add(32)?;
            *directory = pair(at.checked_add(shift)?)?;
        }
        Some(Self {
            len,
            sections: fields.u16(0)?,
            flags: fields.u16(2)?,
            entry: fields.u32(4)?,
            base: fields.u32(8)?,
            major: fields.u16(12)?,
            minor: fields.u16(14)?,
            stack: fields.u32(16)?,
            size: fields.u32(20)?,
            dot_net: pair(24)?,
            stamp: if stamp_len == 0 { 0 } else { fields.u32(32)? },
            directories,
            subsystem: fields.u16(shift.checked_add(104)?)?,
        })
    }

    /// Whether all directories lie in the module, and its subsystem is one.
    fn is_sound(&self) -> bool {
        let inside =
            |&(rva, len): &(u32, u32)| rva.checked_add(len).is_some_and(|end| end <= self.size);
        (1..=16).contains(&self.subsystem) && self.directories.iter().all(inside)
    }

    /// The headers of the PE file, padded to where its first section starts.
    fn head(&self, machine: u16, sections: &[Section], contents: &[Content]) -> Vec<u8> {
        let len = sections
            .len()
            .saturating_mul(SECTION)
            .saturating_add(DOS.saturating_add(COFF).saturating_add(OPTIONAL));
        let head_len = aligned(u64::try_from(len).unwrap_or(u64::MAX));
        let mut head = Vec::with_capacity(index(head_len));
        let mut put = |bytes: &[u8]| head.extend_from_slice(bytes);
        let zeros = |count: usize| PADDING.get(..count).unwrap_or_default();
        put(b"MZ");
        put(zeros(58));
        put(&64_u32.to_le_bytes());
        put(b"PE\0\0");
        put(&machine.to_le_bytes());
        put(&self.sections.to_le_bytes());
        put(&self.stamp.to_le_bytes());
        put(zeros(8));
        put(&224_u16.to_le_bytes());
        put(&self.flags.to_le_bytes());
        // The optional header: magic, and the sizes of code and data, which are not kept.
        put(&0x10b_u16.to_le_bytes());
        put(zeros(14));
        put(&self.entry.to_le_bytes());
        put(zeros(8));
        put(&self.base.to_le_bytes());
        put(&0x1000_u32.to_le_bytes());
        put(&0x200_u32.to_le_bytes());
        put(zeros(8));
        put(&self.major.to_le_bytes());
        put(&self.minor.to_le_bytes());
        put(zeros(4));
        put(&self.size.to_le_bytes());
        put(&u32::try_from(head_len).unwrap_or(u32::MAX).to_le_bytes());
        put(zeros(4));
        put(&self.subsystem.to_le_bytes());
        put(zeros(2));
        put(&self.stack.to_le_bytes());
        put(zeros(16));
        put(&16_u32.to_le_bytes());
        for number in 0..16 {
            let kept = self.directories.get(number).copied();
            let (rva, len) = match kept {
                Some(kept) => kept,
                None if number == DOT_NET => self.dot_net,
                None => (0, 0),
            };
            put(&rva.to_le_bytes());
            put(&len.to_le_bytes());
        }
        let mut at = head_len;
        for (number, section) in sections.iter().enumerate() {
            let len = contents.get(number).map_or(0, Content::len);
            let pointer = if len == 0 { 0 } else { at };
            put(zeros(8));
            put(&section.virtual_size.to_le_bytes());
            put(&section.rva.to_le_bytes());
            put(&u32::try_from(aligned(len))
                .unwrap_or(u32::MAX)
                .to_le_bytes());
            put(&u32::try_from(pointer).unwrap_or(u32::MAX).to_le_bytes());
            put(zeros(12));
            put(&(section.flags & !COMPRESSED).to_le_bytes());
            at = at.saturating_add(aligned(len));
        }
        head.resize(index(head_len), 0);
        head
    }
}

/// The next multiple of the alignment.
fn aligned(len: u64) -> u64 {
    len.checked_next_multiple_of(ALIGN).unwrap_or(u64::MAX)
}
