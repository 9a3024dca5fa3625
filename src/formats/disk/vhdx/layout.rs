//! Headers, region tables and metadata: where things are, and how large the disk is.

use std::num::NonZeroU64;

use bytes::Bytes;

use super::{MIB, blocks_end};
use crate::formats::crc32c::{START, crc32c};
use crate::formats::{Opened, Span};
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, is_all, length};

/// Where the two headers and the two region tables stand, and how long they are (bytes).
pub(super) const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const HEADER: u64 = 4096;
const TABLES: [u64; 2] = [192 << 10, 256 << 10];
const TABLE: u64 = 64 << 10;

/// What a table of 64 KiB has room for.
const MOST_REGIONS: u64 = 2047;

type Guid = [u8; 16];

/// GUIDs as they are stored: the first three fields little-endian.
const BLOCKS: Guid = [
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08,
];
const METADATA: Guid = [
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
];
const PARAMETERS: Guid = [
    0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b,
];
const SIZE: Guid = [
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8,
];
const SECTOR: Guid = [
    0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f,
];

pub(super) struct Header {
    sequence: u64,
    /// Whether there are writes in the log that the disk does not show yet.
    pub(super) has_log: bool,
    log: (u64, u64),
}

/// A structure at `at` that starts with `magic` and whose CRC-32C, at 4, is right.
fn checked(bytes: &Bytes, at: u64, len: u64, magic: &[u8]) -> Option<Bytes> {
    let whole = cut(bytes, at, len)?;
    let fields = Fields::little(&whole);
    if fields.slice(0, 4)? != magic {
        return None;
    }
    let crc = crc32c(START, fields.slice(0, 4)?);
    let crc = crc32c(crc, &[0; 4]);
    let crc = !crc32c(crc, fields.tail(8)?);
    (crc == fields.u32(4)?).then_some(whole)
}

fn header(bytes: &Bytes, at: u64) -> Option<Header> {
    let header = checked(bytes, at, HEADER, b"head")?;
    let fields = Fields::little(&header);
    Some(Header {
        sequence: fields.u64(8)?,
        has_log: !is_all(fields.slice(48, 16)?, 0),
        log: (fields.u64(72)?, u64::from(fields.u32(68)?)),
    })
}

/// The header that was written last, of those whose checksum is right.
pub(super) fn newest_header(bytes: &Bytes) -> Option<Header> {
    let headers = HEADERS.into_iter().filter_map(|at| header(bytes, at));
    headers.max_by_key(|header| header.sequence)
}

/// The first region table whose checksum is right, and how many regions it names.
pub(super) fn regions(bytes: &Bytes) -> Option<(Bytes, u64)> {
    TABLES.into_iter().find_map(|at| {
        let table = checked(bytes, at, TABLE, b"regi")?;
        let count = u64::from(Fields::little(&table).u32(8)?);
        (count <= MOST_REGIONS).then_some((table, count))
    })
}

/// Where the parts of the file are.
pub(super) struct Layout {
    /// The table of blocks, in bytes from the file's start.
    pub(super) table_at: u64,
    table_len: u64,
    metadata: (u64, u64),
    /// Bytes in a block, and in the disk.
    pub(super) block: u64,
    pub(super) size: u64,
    sector: u64,
    pub(super) has_parent: bool,
    /// The items of the metadata that are read (bytes from the file's start, and length).
    items: Vec<(u64, u64)>,
}

impl Layout {
    pub(super) fn parse(bytes: &Bytes) -> Option<Self> {
        let (table, count) = regions(bytes)?;
        let fields = Fields::little(&table);
        let region = |wanted: Guid| {
            (0..count).find_map(|number| {
                let at = index(number.saturating_mul(32).saturating_add(16));
                let entry = Fields::little(fields.slice(at, 32)?);
                let found = entry.slice(0, 16)? == wanted;
                found.then_some((entry.u64(16)?, u64::from(entry.u32(24)?)))
            })
        };
        let (table_at, table_len) = region(BLOCKS)?;
        let metadata = region(METADATA)?;
        let mut layout = Self {
            table_at,
            table_len,
            metadata,
            block: 0,
            size: 0,
            sector: 0,
            has_parent: false,
            items: Vec::new(),
        };
        layout.read_metadata(bytes)?;
        let sane = layout.block.is_power_of_two()
            && (MIB..=256 * MIB).contains(&layout.block)
            && matches!(layout.sector, 512 | 4096)
            && layout.entries().checked_mul(8)? <= table_len;
        sane.then_some(layout)
    }

    fn read_metadata(&mut self, bytes: &Bytes) -> Option<()> {
        let (at, len) = self.metadata;
        let all = clip(bytes, at, len);
        let fields = Fields::little(&all);
        if fields.slice(0, 8)? != b"metadata" {
            return None;
        }
        let count = usize::from(fields.u16(10)?).min(2047);
        for number in 0..count {
            let entry_at = number.checked_mul(32)?.checked_add(32)?;
            let entry = Fields::little(fields.slice(entry_at, 32)?);
            let guid: Guid = entry.slice(0, 16)?.try_into().ok()?;
            let (item_at, item_len) = (entry.u32(16)?, entry.u32(20)?);
            let item_at = usize::try_from(item_at).ok()?;
            let known = match guid {
                PARAMETERS => {
                    self.block = u64::from(fields.u32(item_at)?);
                    self.has_parent = fields.u32(item_at.checked_add(4)?)? & 2 != 0;
                    true
                }
                SIZE => {
                    self.size = fields.u64(item_at)?;
                    true
                }
                SECTOR => {
                    self.sector = u64::from(fields.u32(item_at)?);
                    true
                }
                _ => item_len <= 16,
            };
            if known {
                let start = at.saturating_add(u64::try_from(item_at).ok()?);
                self.items.push((start, u64::from(item_len).min(16)));
            }
        }
        self.items.push((
            at,
            u64::try_from(count)
                .ok()?
                .saturating_mul(32)
                .saturating_add(32),
        ));
        Some(())
    }

    /// After so many blocks the table has an entry for a bitmap.
    fn ratio(&self) -> NonZeroU64 {
        let blocks = (1_u64 << 23)
            .saturating_mul(self.sector)
            .checked_div(self.block);
        blocks.and_then(NonZeroU64::new).unwrap_or(NonZeroU64::MIN)
    }

    /// How many entries the table of blocks has.
    pub(super) fn entries(&self) -> u64 {
        let blocks = self.size.div_ceil(self.block.max(1));
        if self.has_parent {
            let bitmaps = blocks.div_ceil(self.ratio().get());
            bitmaps.saturating_mul(self.ratio().saturating_add(1).get())
        } else {
            blocks.saturating_add(blocks.saturating_sub(1) / self.ratio())
        }
    }

    pub(super) fn is_bitmap(&self, entry: u64) -> bool {
        let group = self.ratio().saturating_add(1);
        entry % group == self.ratio().get()
    }

    /// Where the entry of a block stands (bytes from the file's start).
    pub(super) fn entry_at(&self, block: u64) -> u64 {
        let entry = block.saturating_add(block / self.ratio());
        self.table_at.saturating_add(entry.saturating_mul(8))
    }

    /// Where the file ends.
    pub(super) fn end(&self, bytes: &Bytes) -> u64 {
        let table_end = self.table_at.saturating_add(self.table_len);
        let metadata_end = self.metadata.0.saturating_add(self.metadata.1);
        let log =
            newest_header(bytes).map_or(0, |header| header.log.0.saturating_add(header.log.1));
        blocks_end(self, bytes)
            .max(table_end)
            .max(metadata_end)
            .max(log)
    }

    /// Names the entries of the log that are whole, be they current or left over from earlier writes.
    fn explain_log(bytes: &Bytes, opened: &mut Opened) {
        let Some(header) = newest_header(bytes) else {
            return;
        };
        let (mut at, len) = header.log;
        let end = at.saturating_add(len.min(256 * MIB)).min(length(bytes));
        // Entries that are none could each claim all that follows.
        let mut patience = end.saturating_sub(at).saturating_mul(4);
        while at < end {
            let stated = Fields::little(bytes).u32(index(at.saturating_add(8)));
            let stated = u64::from(stated.unwrap_or_default());
            let fits = stated >= HEADER
                && stated <= end.saturating_sub(at)
                && stated.is_multiple_of(HEADER)
                && stated <= patience;
            if fits {
                patience = patience.saturating_sub(stated);
            }
            if fits && checked(bytes, at, stated, b"loge").is_some() {
                opened.spans.push(Span::metadata(at, stated));
                at = at.saturating_add(stated);
            } else {
                at = at.saturating_add(HEADER);
            }
        }
    }

    /// Names headers and tables, and tells those that are damaged.
    pub(super) fn explain(&self, bytes: &Bytes, opened: &mut Opened) {
        let name = |opened: &mut Opened, at, len| opened.spans.push(Span::metadata(at, len));
        for at in HEADERS {
            if header(bytes, at).is_some() {
                // Behind these fields the header is reserved.
                name(opened, at, 80);
            } else {
                let detail = "the CRC-32C of a header is wrong";
                opened.problems.push(Problem::checksum(detail).at(at));
            }
        }
        for at in TABLES {
            if let Some(table) = checked(bytes, at, TABLE, b"regi") {
                let count = Fields::little(&table).u32(8).unwrap_or_default();
                let len = u64::from(count).saturating_mul(32).saturating_add(16);
                name(opened, at, len.min(TABLE));
            } else {
                let detail = "the CRC-32C of a region table is wrong";
                opened.problems.push(Problem::checksum(detail).at(at));
            }
        }
        if clip(bytes, TABLES[0], TABLE) != clip(bytes, TABLES[1], TABLE) {
            let detail = "the two region tables differ; the first sound one is read";
            opened.problems.push(Problem::corrupt(detail).at(TABLES[1]));
        }
        for (at, len) in self.items.iter().copied() {
            name(opened, at, len);
        }
        Self::explain_log(bytes, opened);
        name(opened, self.table_at, self.entries().saturating_mul(8));
        if self.table_at.saturating_add(self.table_len) > length(bytes) {
            let detail = "the table of blocks is cut off";
            opened
                .problems
                .push(Problem::corrupt(detail).at(self.table_at));
        }
        opened.properties.set("size", self.size.to_string());
        opened.properties.set("block-size", self.block.to_string());
        let creator = clip(bytes, 8, 512);
        let (units, _) = creator.as_chunks::<2>();
        let units = units.iter().map(|pair| u16::from_le_bytes(*pair));
        let text = char::decode_utf16(units.take_while(|&unit| unit != 0));
        let text: String = text
            .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        let named = u64::try_from(text.encode_utf16().count()).unwrap_or_default();
        name(opened, 8, named.saturating_mul(2));
        opened.properties.set("creator", text);
    }
}
