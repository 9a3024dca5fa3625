//! The header of a sparse extent, and where the extent ends.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use bytes::Bytes;

use super::descriptor::Descriptor;
use super::{MAGIC, SECTOR};
use crate::formats::{Opened, Span};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// Flags: the redundant directory is used; a table's entry 1 means zeros; grains are compressed; they have markers.
const REDUNDANT: u32 = 1 << 1;
const ZEROS: u32 = 1 << 2;
const COMPRESSED: u32 = 1 << 16;
const MARKERS: u32 = 1 << 17;

/// The directory's place is told by the footer.
const AT_END: u64 = u64::MAX;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header {
    flags: u32,
    /// The disk's size and that of a grain, in sectors.
    capacity: u64,
    grain: u64,
    descriptor: (u64, u64),
    /// Entries of a grain table.
    pub(super) entries: NonZeroU64,
    redundant_at: u64,
    /// Where the grain directory stands (sectors).
    directory: u64,
    overhead: u64,
    unclean: bool,
    pub(super) compression: u16,
    /// Where a footer was read, in bytes.
    footer_at: Option<u64>,
}

impl Header {
    pub(super) fn parse(bytes: &Bytes) -> Option<Self> {
        let header = Self::at(bytes, 0)?;
        if header.directory != AT_END {
            return Some(header);
        }
        // A stream ends with a copy of the header that knows where the directory is.
        let (_, footer_at) = header.walk(bytes);
        let footer = footer_at.and_then(|at| Some((Self::at(bytes, at)?, at)));
        Some(match footer {
            Some((footer, at)) if footer.directory != AT_END => Self {
                directory: footer.directory,
                footer_at: Some(at),
                ..header
            },
            _ => header,
        })
    }

    fn at(bytes: &Bytes, at: u64) -> Option<Self> {
        let header = clip(bytes, at, SECTOR);
        let fields = Fields::little(&header);
        let found = Self {
            flags: fields.u32(8)?,
            capacity: fields.u64(12)?,
            grain: fields.u64(20)?,
            descriptor: (fields.u64(28)?, fields.u64(36)?),
            entries: NonZeroU64::new(u64::from(fields.u32(44)?))?,
            redundant_at: fields.u64(48)?,
            directory: fields.u64(56)?,
            overhead: fields.u64(64)?,
            unclean: fields.u8(72)? != 0,
            compression: fields.u16(77)?,
            footer_at: None,
        };
        let known = fields.slice(0, 4)? == MAGIC && (1..=3).contains(&fields.u32(4)?);
        let sane = found.grain.is_power_of_two()
            && (1..=32768).contains(&found.grain)
            && found.entries.get() <= 4096
            && found.capacity < 1 << 45
            && found.overhead < 1 << 45;
        (known && sane).then_some(found)
    }

    /// The disk's size, and that of a grain (bytes).
    pub(super) fn size(&self) -> u64 {
        self.capacity.saturating_mul(SECTOR)
    }

    pub(super) fn grain_len(&self) -> u64 {
        self.grain.saturating_mul(SECTOR)
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.flags & COMPRESSED != 0
    }

    pub(super) fn has_markers(&self) -> bool {
        self.flags & MARKERS != 0
    }

    pub(super) fn has_zeros(&self) -> bool {
        self.flags & ZEROS != 0
    }

    /// Where the directory stands that is read (bytes); `None`: nowhere.
    pub(super) fn directory_at(&self) -> Option<u64> {
        (self.directory != AT_END).then(|| self.directory.saturating_mul(SECTOR))
    }

    /// How many tables the directory names.
    fn tables(&self) -> u64 {
        self.capacity
            .div_ceil(self.grain.saturating_mul(self.entries.get()).max(1))
    }

    /// The length of a grain table in bytes.
    fn table_len(&self) -> u64 {
        self.entries.get().saturating_mul(4)
    }

    pub(super) fn descriptor_at(&self) -> u64 {
        self.descriptor.0.saturating_mul(SECTOR)
    }

    /// The text that describes the disk.
    pub(super) fn descriptor(&self, bytes: &Bytes) -> Option<Descriptor> {
        let len = self.descriptor.1.saturating_mul(SECTOR);
        Descriptor::parse(bytes, self.descriptor_at(), len).filter(|_| self.descriptor.0 != 0)
    }

    /// The length of a compressed grain with its marker, in bytes.
    fn packed_len(bytes: &[u8], at: u64) -> Option<u64> {
        let size = Fields::little(bytes).u32(index(at.checked_add(8)?))?;
        u64::from(size)
            .checked_add(12)?
            .checked_next_multiple_of(SECTOR)
    }

    /// Where a stream of markers ends, and where its footer stands (bytes).
    fn walk(&self, bytes: &Bytes) -> (u64, Option<u64>) {
        let fields = Fields::little(bytes);
        let mut at = self.overhead.max(1).saturating_mul(SECTOR);
        let mut footer = None;
        loop {
            map::visited();
            let marker = clip(bytes, at, 16);
            let (Some(value), Some(size)) = (
                fields.u64(index(at)),
                fields.u32(index(at.saturating_add(8))),
            ) else {
                return (at.min(length(bytes)), footer);
            };
            if size > 0 {
                let len = Self::packed_len(bytes, at).unwrap_or(SECTOR);
                at = at.saturating_add(len);
                continue;
            }
            let body = at.saturating_add(SECTOR);
            match Fields::little(&marker).u32(12) {
                Some(0) => return (body, footer),
                Some(1..=2) => at = body.saturating_add(value.saturating_mul(SECTOR)),
                Some(3) => {
                    footer = Some(body);
                    at = body.saturating_add(SECTOR);
                }
                _ => return (at, footer),
            }
        }
    }

    /// Every table of a directory: its number and place (bytes), each place once.
    fn tables_of(&self, bytes: &Bytes, directory: u64) -> Vec<(u64, u64)> {
        let fields = Fields::little(bytes);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for number in 0..self.tables() {
            let at = directory.saturating_add(number.saturating_mul(4));
            let Some(sector) = fields.u32(index(at)) else {
                break;
            };
            if sector != 0 && seen.insert(sector) {
                found.push((number, u64::from(sector).saturating_mul(SECTOR)));
            }
        }
        found
    }

    /// Where the extent ends (bytes).
    pub(super) fn end(&self, bytes: &Bytes) -> u64 {
        if self.directory == AT_END || self.footer_at.is_some() {
            return self.walk(bytes).0.max(SECTOR);
        }
        let directory = self.directory.saturating_mul(SECTOR);
        let mut end = self.overhead.saturating_mul(SECTOR).max(SECTOR);
        let table_len = self.table_len();
        for (_, at) in self.tables_of(bytes, directory) {
            end = end.max(at.saturating_add(table_len));
            map::touched(table_len);
            let table = clip(bytes, at, table_len);
            let (entries, _) = table.as_chunks::<4>();
            let last = entries.iter().map(|entry| u32::from_le_bytes(*entry)).max();
            let last = u64::from(last.unwrap_or_default()).saturating_mul(SECTOR);
            if last > SECTOR {
                let len = if self.is_compressed() {
                    Self::packed_len(bytes, last).unwrap_or(SECTOR)
                } else {
                    self.grain_len()
                };
                end = end.max(last.saturating_add(len));
            }
        }
        // The last grain need not be there to its end when it is compressed, or when the disk ends inside it.
        let missing = end.saturating_sub(length(bytes));
        let unit = if self.is_compressed() {
            SECTOR
        } else {
            self.grain_len()
        };
        if missing < unit {
            end.min(length(bytes))
        } else {
            end
        }
    }

    /// Names the header and both directories with their tables; tells where the two differ.
    pub(super) fn explain(&self, bytes: &Bytes, opened: &mut Opened) {
        opened.spans.push(Span::metadata(0, 79));
        opened.properties.set("size", self.size().to_string());
        opened
            .properties
            .set("grain-size", self.grain_len().to_string());
        if self.unclean {
            opened.properties.set("unclean-shutdown", "yes");
        }
        if let Some(at) = self.footer_at {
            opened.spans.push(Span::metadata(at, 79));
            // All but the directory's place, and what is counted from the start, should be the same: readers take the footer.
            let alike = |header: Self| Self {
                directory: 0,
                redundant_at: 0,
                overhead: 0,
                footer_at: None,
                ..header
            };
            if Self::at(bytes, at).map(alike) != Some(alike(self.clone())) {
                let detail = "the header and the footer differ; the header is read";
                opened.problems.push(Problem::corrupt(detail).at(at));
            }
        }
        let Some(directory) = self.directory_at() else {
            let detail = "the stream has no footer that tells where its grains are";
            opened.problems.push(Problem::corrupt(detail));
            return;
        };
        let name = |opened: &mut Opened, directory: u64, tables: &[(u64, u64)]| {
            let len = self.tables().saturating_mul(4);
            opened.spans.push(Span::metadata(directory, len));
            let table_len = self.table_len();
            let spans = tables.iter().map(|&(_, at)| Span::metadata(at, table_len));
            opened.spans.extend(spans);
        };
        let tables = self.tables_of(bytes, directory);
        name(opened, directory, &tables);
        if self.footer_at.is_some() || self.has_markers() {
            self.explain_markers(bytes, opened);
        }
        if self.flags & REDUNDANT == 0 || self.redundant_at == 0 || self.footer_at.is_some() {
            return;
        }
        let other = self.redundant_at.saturating_mul(SECTOR);
        let copies = self.tables_of(bytes, other);
        name(opened, other, &copies);
        let table_len = self.table_len();
        let differs = |(one, copy): (&(u64, u64), &(u64, u64))| {
            one.0 != copy.0 || clip(bytes, one.1, table_len) != clip(bytes, copy.1, table_len)
        };
        if tables.len() != copies.len() || tables.iter().zip(&copies).any(differs) {
            let detail = "the grain directory and its redundant copy differ; the first is read";
            opened.problems.push(Problem::corrupt(detail).at(other));
        }
    }

    /// Names the markers of a stream that stand before tables, footer and end; those of grains are named with them.
    fn explain_markers(&self, bytes: &Bytes, opened: &mut Opened) {
        let Some(footer) = self.footer_at else {
            return;
        };
        opened
            .spans
            .push(Span::metadata(footer.saturating_sub(SECTOR), 16));
        opened
            .spans
            .push(Span::metadata(footer.saturating_add(SECTOR), 16));
        let directory = self.directory.saturating_mul(SECTOR);
        let tables = self.tables_of(bytes, directory);
        let places = tables.into_iter().map(|(_, at)| at).chain([directory]);
        let markers = places.map(|at| Span::metadata(at.saturating_sub(SECTOR), 16));
        opened.spans.extend(markers);
    }
}
