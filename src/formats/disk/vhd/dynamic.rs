//! The header and the table of blocks of a disk that grows.

use bytes::Bytes;

use super::{Footer, sum_but};
use crate::formats::compression::notes::Notes;
use crate::formats::disk::assemble::{Blocks, Piece};
use crate::formats::{Opened, Span};
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, is_all, length};

/// The length of the header in bytes; what it says ends at 768.
const HEADER: u64 = 1024;
const TOLD: u64 = 768;

/// The entry of a block that is stored nowhere.
const NOWHERE: u32 = u32::MAX;

pub(super) struct Dynamic {
    at: u64,
    table_at: u64,
    entries: u64,
    /// Bytes in a block.
    pub(super) block: u64,
    parent: Vec<u16>,
}

impl Dynamic {
    /// The header that the footer points to, if its checksum is right.
    pub(super) fn parse(bytes: &Bytes, footer: &Footer) -> Option<Self> {
        let at = footer.header_at;
        let header = cut(bytes, at, HEADER)?;
        let fields = Fields::big(&header);
        let (names, _) = fields.slice(64, 512)?.as_chunks::<2>();
        let found = Self {
            at,
            table_at: fields.u64(16)?,
            entries: u64::from(fields.u32(28)?),
            block: u64::from(fields.u32(32)?),
            parent: names.iter().map(|pair| u16::from_be_bytes(*pair)).collect(),
        };
        let known = fields.slice(0, 8)? == b"cxsparse" && sum_but(&header, 36) == fields.u32(36)?;
        let sane = found.block >= 4096
            && found.block.is_power_of_two()
            && found.table_at < length(bytes)
            && footer.size.div_ceil(found.block) <= found.entries;
        (known && sane).then_some(found)
    }

    /// The length of the bitmap before each block, in bytes.
    fn bitmap(&self) -> u64 {
        (self.block / 4096).next_multiple_of(512)
    }

    fn table_len(&self) -> u64 {
        self.entries.saturating_mul(4).next_multiple_of(512)
    }

    /// Where the last block or table ends: there stands the footer.
    pub(super) fn end(&self, bytes: &Bytes) -> u64 {
        let table = clip(bytes, self.table_at, self.entries.saturating_mul(4));
        crate::image::map::touched(length(&table));
        let (entries, _) = table.as_chunks::<4>();
        let sectors = entries.iter().map(|entry| u32::from_be_bytes(*entry));
        let last = sectors.filter(|&sector| sector != NOWHERE).max();
        let stored = last.map_or(0, |sector| {
            let start = u64::from(sector).saturating_mul(512);
            start
                .saturating_add(self.bitmap())
                .saturating_add(self.block)
        });
        let header_end = self.at.saturating_add(HEADER);
        let table_end = self.table_at.saturating_add(self.table_len());
        stored.max(header_end).max(table_end)
    }

    /// Names the header and what a disk of `size` bytes needs of the table.
    pub(super) fn explain(&self, size: u64, bytes: &Bytes, opened: &mut Opened) {
        opened.spans.push(Span::metadata(self.at, TOLD));
        let table = size.div_ceil(self.block.max(1)).saturating_mul(4);
        opened.spans.push(Span::metadata(self.table_at, table));
        if self.table_at.saturating_add(table) > length(bytes) {
            let detail = "the table of blocks is cut off";
            opened
                .problems
                .push(Problem::corrupt(detail).at(self.table_at));
        }
        opened.properties.set("block-size", self.block.to_string());
    }

    /// What the header calls the disk that this one changes.
    pub(super) fn parent_name(&self) -> String {
        let text = self.parent.iter().copied().take_while(|&unit| unit != 0);
        char::decode_utf16(text)
            .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }

    pub(super) fn blocks(self, region: Bytes, differencing: bool) -> Table {
        Table {
            region,
            differencing,
            dynamic: self,
        }
    }
}

pub(super) struct Table {
    region: Bytes,
    /// Whether sectors that the bitmap does not name are the parent's.
    differencing: bool,
    dynamic: Dynamic,
}

impl Blocks for Table {
    fn block(&mut self, number: u64, notes: &mut Notes) -> Piece {
        let dynamic = &self.dynamic;
        let at = dynamic.table_at.saturating_add(number.saturating_mul(4));
        let sector = Fields::big(&self.region).u32(index(at)).unwrap_or(NOWHERE);
        if sector == NOWHERE {
            return Piece::hole(dynamic.block);
        }
        let at = u64::from(sector).saturating_mul(512);
        let bitmap = clip(&self.region, at, dynamic.bitmap());
        if is_all(&bitmap, 0xff) || self.differencing {
            notes.metadata(at, length(&bitmap));
        }
        let data = at.saturating_add(dynamic.bitmap());
        if !self.differencing {
            return Piece::Stored {
                at: data,
                len: dynamic.block,
            };
        }
        let stored = clip(&self.region, data, dynamic.block);
        let mut block = Vec::new();
        for (number, sector) in stored.chunks(512).enumerate() {
            let bits = bitmap.get(number / 8).copied().unwrap_or_default();
            let start = u64::try_from(block.len()).unwrap_or_default();
            if bits << (number % 8) & 0x80 != 0 {
                notes.content(data.saturating_add(start), length(sector));
                block.extend_from_slice(sector);
            } else {
                block.resize(block.len().saturating_add(sector.len()), 0);
            }
        }
        Piece::Made(block)
    }
}
