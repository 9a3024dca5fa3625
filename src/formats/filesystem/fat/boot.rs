//! The boot sector: where everything is.

use super::super::clusters::Width;
use crate::formats::Reject;
use crate::read::{Fields, index, length};

/// The boot sector as far as it is defined, whatever the size of a sector (bytes).
pub(super) const SECTOR: u64 = 512;
/// Bytes of a directory entry.
pub(super) const RECORD: u64 = 32;
/// What FAT12 has fewer clusters than; and FAT16.
const LIMITS: [u64; 2] = [4085, 65525];

/// A boot sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boot {
    /// Bytes of a sector.
    pub(super) sector: u64,
    /// Bytes of a cluster.
    pub(super) cluster: u64,
    /// Sectors before the first table.
    pub(super) reserved: u64,
    /// How many copies of the table there are.
    pub(super) tables: u64,
    /// Bytes of a table.
    pub(super) table_len: u64,
    /// Entries of the root directory where it has a place of its own; else 0.
    pub(super) root_entries: u64,
    /// Bytes of the file system.
    pub(super) len: u64,
    /// The media descriptor, which the table repeats.
    pub(super) media: u8,
    /// The size of the table's entries.
    pub(super) width: Width,
    /// How many clusters there are.
    pub(super) count: u32,
    /// What only FAT32 has.
    pub(super) wide: Option<Wide>,
    /// Whether its fields from the volume's number on are there.
    pub(super) extended: bool,
    /// How many of the three marks of a boot sector are there: a jump, the word FAT, the signature at the end.
    pub(super) marks: u32,
}

/// What only FAT32 has in its boot sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wide {
    /// The only table in use, where they are not kept equal.
    pub(super) only_table: Option<u64>,
    /// The first cluster of the root directory.
    pub(super) root: u32,
    /// The sector with the count of free clusters; none is 0 or all ones.
    pub(super) info: u64,
    /// The sector with the copy of the boot sector; none is 0 or all ones.
    pub(super) backup: u64,
}

impl Boot {
    /// Reads the boot sector at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        let head = bytes.get(..index(SECTOR));
        let head = head.ok_or(Reject::Coincidence("no room for a boot sector"))?;
        let other = matches!(head.get(3..11), Some(b"NTFS    " | b"EXFAT   "));
        if other {
            return Err(Reject::Coincidence(
                "the boot sector of another file system",
            ));
        }
        let marks = marks(head);
        Self::fields(head, marks).ok_or(if marks == 3 {
            Reject::NearMiss("a FAT boot sector whose numbers make no sense")
        } else {
            Reject::Coincidence("no FAT boot sector")
        })
    }

    fn fields(head: &[u8], marks: u32) -> Option<Self> {
        let fields = Fields::little(head);
        let sector = u64::from(fields.u16(11)?);
        let per_cluster = u64::from(fields.u8(13)?);
        let reserved = u64::from(fields.u16(14)?);
        let tables = u64::from(fields.u8(16)?);
        let root_entries = u64::from(fields.u16(17)?);
        let media = fields.u8(21)?;
        let possible = matches!(sector, 512 | 1024 | 2048 | 4096)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && matches!(tables, 1..=4)
            && (media == 0xf0 || media >= 0xf8);
        if !possible {
            return None;
        }
        let short = u64::from(fields.u16(22)?);
        let is_wide = short == 0;
        let table_sectors = if is_wide {
            u64::from(fields.u32(36)?)
        } else {
            short
        };
        let sectors = match fields.u16(19)? {
            0 => u64::from(fields.u32(32)?),
            short => u64::from(short),
        };
        let table_len = table_sectors.checked_mul(sector)?;
        let root_sectors = root_entries.checked_mul(RECORD)?.div_ceil(sector);
        let before = reserved
            .checked_add(tables.checked_mul(table_sectors)?)?
            .checked_add(root_sectors)?;
        let count = sectors.checked_sub(before)?.checked_div(per_cluster)?;
        let [twelve, sixteen] = LIMITS;
        let width = match count {
            0 => return None,
            _ if is_wide => Width::TwentyEight,
            _ if count < twelve => Width::Twelve,
            _ if count < sixteen => Width::Sixteen,
            _ => return None,
        };
        let fits = table_sectors > 0
            && width.bytes(count.checked_add(2)?) <= table_len
            && count < 0x0fff_fff5
            && is_wide == (root_entries == 0);
        let wide = if is_wide {
            Some(Wide::parse(&fields, count)?)
        } else {
            None
        };
        let mark_at = if is_wide { 66 } else { 38 };
        fits.then_some(Self {
            sector,
            cluster: per_cluster.checked_mul(sector)?,
            reserved,
            tables,
            table_len,
            root_entries,
            len: sectors.checked_mul(sector)?,
            media,
            width,
            count: u32::try_from(count).ok()?,
            wide,
            extended: matches!(fields.u8(mark_at)?, 0x28 | 0x29),
            marks,
        })
    }

    /// Where a table starts, in bytes from the region's start.
    pub(super) fn table_at(&self, number: u64) -> u64 {
        let before = self.reserved.saturating_mul(self.sector);
        before.saturating_add(number.saturating_mul(self.table_len))
    }

    /// Where the root directory of FAT12 and FAT16 starts, in bytes from the region's start.
    pub(super) fn root_at(&self) -> u64 {
        self.table_at(self.tables)
    }

    /// Where the first cluster starts, in bytes from the region's start.
    pub(super) fn heap_at(&self) -> u64 {
        let root = self.root_entries.saturating_mul(RECORD);
        let root = root.div_ceil(self.sector).saturating_mul(self.sector);
        self.root_at().saturating_add(root)
    }

    /// The table that is read.
    pub(super) fn table_in_use(&self) -> u64 {
        self.wide
            .as_ref()
            .and_then(|wide| wide.only_table)
            .unwrap_or(0)
    }

    /// The bytes of a table that say something.
    pub(super) fn table_used(&self) -> u64 {
        self.width.bytes(u64::from(self.count).saturating_add(2))
    }

    /// Bytes from the start that have a meaning; what follows is boot code.
    pub(super) fn fields_len(&self) -> u64 {
        let end: u64 = if self.wide.is_some() { 90 } else { 62 };
        // Without its last fields the code may start before them.
        if self.extended {
            end
        } else {
            end.saturating_sub(23)
        }
    }

    /// How many of the tables of `bytes` start as the media descriptor wants; `None` where none is all there.
    pub(super) fn sound_tables(&self, bytes: &[u8]) -> Option<u64> {
        let mut sound = None;
        for number in 0..self.tables {
            let start = bytes
                .get(index(self.table_at(number))..)
                .unwrap_or_default();
            let first = self.width.entry(start, 0).zip(self.width.entry(start, 1));
            let Some((first, second)) = first else {
                break;
            };
            let wanted = self.width.ones() & !0xff | u32::from(self.media);
            // The second entry is the end of a chain, with flags in its highest bits for an unclean shutdown.
            let fits = first == wanted && second & 0xff >= 0xf8;
            sound = Some(sound.unwrap_or(0_u64).saturating_add(u64::from(fits)));
        }
        sound
    }

    /// What the file system is called.
    pub(super) fn name(&self) -> &'static str {
        match self.width {
            Width::Twelve => "FAT12",
            Width::Sixteen => "FAT16",
            Width::TwentyEight | Width::ThirtyTwo => "FAT32",
        }
    }
}

impl Wide {
    fn parse(fields: &Fields<'_>, count: u64) -> Option<Self> {
        let flags = fields.u16(40)?;
        let root = fields.u32(44)?;
        let exists = root >= 2 && u64::from(root) < count.checked_add(2)?;
        (exists && fields.u16(42)? == 0).then_some(Self {
            only_table: (flags & 0x80 != 0).then(|| u64::from(flags & 0xf)),
            root,
            info: u64::from(fields.u16(48)?),
            backup: u64::from(fields.u16(50)?),
        })
    }
}

/// How many of the three marks of a boot sector are there.
fn marks(head: &[u8]) -> u32 {
    let jump = matches!(head, [0xeb, _, 0x90, ..] | [0xe9, ..]);
    let word = [54, 82].into_iter().any(|at| {
        let word = head.get(at..).unwrap_or_default();
        [&b"FAT12   "[..], b"FAT16   ", b"FAT32   ", b"FAT     "]
            .iter()
            .any(|known| word.starts_with(known))
    });
    let signed = head.ends_with(&[0x55, 0xaa]) && length(head) == SECTOR;
    [jump, word, signed].into_iter().map(u32::from).sum()
}
