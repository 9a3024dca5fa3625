//! A module of Windows CE as a PE file again, for the ROM and for IMGFS.
//!
//! `romimage` drops the headers of a module and keeps `e32_rom`, and an `o32_rom` a section. The file is put together by these
//! rules alone, so that equal modules are equal files:
//! - a DOS header of 64 bytes of which only the magic and the offset of the PE header (64) are set;
//! - the PE and the optional header (PE32) with what `e32_rom` keeps; alignments of 0x1000 and 0x200; everything else zero;
//! - a section header for each `o32_rom`, without a name; the flag that says it is compressed is cleared;
//! - the bytes of each section as stored, or as they were before they were compressed, aligned to 0x200 with zeros.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Data, Fault, File};
use crate::problem::Problem;
use crate::read::{Fields, cut, index, length};

/// The extended attribute that tells where the sections of a module lie in memory.
pub(super) const SECTIONS: &[u8] = b"wince.sections";

/// Bytes of `e32_rom` as Windows CE 3 and 4 have it; later ones have 4 more for a time stamp in front of the directories.
const E32: u64 = 106;
const STAMP: u64 = 4;
/// Bytes of `o32_rom`.
pub(super) const O32: u64 = 24;
/// How many data directories a ROM keeps: the first nine, and apart from them the fourteenth, of .NET.
const DIRECTORIES: usize = 9;
const DOT_NET: usize = 14;
/// The flag of a compressed section.
pub(super) const COMPRESSED: u32 = 0x2000;

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
    /// The bytes of its sections, in their order.
    contents: Vec<File>,
    /// Why some of it is missing.
    problem: Option<Problem>,
}

impl Module {
    /// The file of a module for this processor (as PE files have it). `contents` are its sections up to the first that cannot be
    /// read, which `problem` tells of.
    pub(super) fn file(
        kept: &Kept,
        machine: u16,
        sections: &[Section],
        contents: Vec<File>,
        problem: Option<Problem>,
    ) -> File {
        let module = Self {
            head: kept.head(machine, sections, &contents),
            contents,
            problem,
        };
        let ends = module.contents.iter().map(|file| aligned(file.size));
        File {
            size: ends.fold(length(&module.head), u64::saturating_add),
            data: Arc::new(module),
        }
    }
}

/// Where the sections lie when the module runs.
pub(super) fn load_addresses(sections: &[Section]) -> Vec<u8> {
    let addresses = sections.iter().map(|section| section.address);
    let addresses: Vec<String> = addresses
        .map(|address| format!("{address:#010x}"))
        .collect();
    addresses.join(",").into_bytes()
}

impl Data for Module {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        out.write_all(&self.head)?;
        for content in &self.contents {
            content.data.copy_to(out)?;
            let gap = aligned(content.size).saturating_sub(content.size);
            out.write_all(PADDING.get(..index(gap)).unwrap_or_default())?;
        }
        match &self.problem {
            Some(problem) => Err(Fault::Problem(problem.clone())),
            None => Ok(()),
        }
    }
}

/// One section, as `o32_rom` describes it.
pub(super) struct Section {
    pub(super) virtual_size: u32,
    pub(super) rva: u32,
    /// How many bytes are stored.
    pub(super) stored: u32,
    /// Where.
    pub(super) pointer: u32,
    /// Where it lies when the module runs.
    pub(super) address: u32,
    pub(super) flags: u32,
}

impl Section {
    /// The sections whose headers these bytes are.
    pub(super) fn read_all(table: &[u8]) -> Vec<Self> {
        let rows = table.chunks(index(O32));
        rows.filter_map(|row| Self::read(Fields::little(row)))
            .collect()
    }

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

/// What a ROM keeps of the headers of a module.
pub(super) struct Kept {
    /// Its own length in bytes.
    pub(super) len: u64,
    /// How many sections the module has.
    pub(super) sections: u16,
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
    pub(super) fn read(region: &Bytes, at: u64, sections_at: u64) -> Option<Self> {
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
    fn head(&self, machine: u16, sections: &[Section], contents: &[File]) -> Vec<u8> {
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
            let len = contents.get(number).map_or(0, |file| file.size);
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
