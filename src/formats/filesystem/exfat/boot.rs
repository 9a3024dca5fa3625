//! The boot region: twelve sectors with a checksum, and a copy of them behind.

use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{Fields, index};

/// Sectors of the boot region, the last of which holds the checksum.
const SECTORS: u64 = 12;
/// The first two entries of the table of clusters.
const TABLE_START: u64 = 0xffff_ffff_ffff_fff8;
/// Bytes of the boot sector before the boot code.
const FIELDS: u64 = 120;
/// The shifts that sectors may have: 512 to 4096 bytes.
const SHIFTS: std::ops::RangeInclusive<u32> = 9..=12;

/// A boot sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boot {
    /// Bytes of a sector.
    pub(super) sector: u64,
    /// Bytes of a cluster.
    pub(super) cluster: u64,
    /// Bytes of the file system.
    pub(super) len: u64,
    /// Where the first table of clusters is (bytes from the start), and its length.
    pub(super) table_at: u64,
    pub(super) table_len: u64,
    /// Where the first cluster is (bytes from the start).
    pub(super) heap_at: u64,
    /// How many clusters there are.
    pub(super) count: u32,
    /// The first cluster of the root directory.
    pub(super) root: u32,
    /// The volume's number.
    pub(super) serial: u32,
    /// Flags: the second table is in use, the volume was not unmounted, the medium failed.
    pub(super) flags: u16,
    /// How many tables and bitmaps there are.
    pub(super) tables: u8,
}

impl Boot {
    /// Reads the boot sector at the start of `bytes`; `None` where its numbers make no sense.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..512)?;
        let fields = Fields::little(head);
        let marked = fields.slice(0, 11)? == b"\xeb\x76\x90EXFAT   "
            && fields.slice(11, 53)?.iter().all(|&byte| byte == 0)
            && fields.u16(510)? == 0xaa55;
        let (shift, more) = (u32::from(fields.u8(108)?), u32::from(fields.u8(109)?));
        let tables = fields.u8(110)?;
        let possible = SHIFTS.contains(&shift)
            && more <= 25_u32.saturating_sub(shift)
            && matches!(tables, 1 | 2);
        if !marked || !possible {
            return None;
        }
        let sector = 1_u64 << shift;
        let bytes = |sectors: u64| sectors.checked_mul(sector);
        let boot = Self {
            sector,
            cluster: sector << more,
            len: bytes(fields.u64(72)?)?,
            table_at: bytes(u64::from(fields.u32(80)?))?,
            table_len: bytes(u64::from(fields.u32(84)?))?,
            heap_at: bytes(u64::from(fields.u32(88)?))?,
            count: fields.u32(92)?,
            root: fields.u32(96)?,
            serial: fields.u32(100)?,
            flags: fields.u16(106)?,
            tables,
        };
        let tables_end = boot
            .table_len
            .checked_mul(u64::from(tables))?
            .checked_add(boot.table_at)?;
        let heap_end = u64::from(boot.count)
            .checked_mul(boot.cluster)?
            .checked_add(boot.heap_at)?;
        let entries = u64::from(boot.count).checked_add(2)?.checked_mul(4)?;
        let fits = boot.table_at >= bytes(SECTORS)?.checked_mul(2)?
            && boot.table_len >= entries
            && tables_end <= boot.heap_at
            && heap_end <= boot.len
            && boot.count > 0
            && boot.root >= 2
            && u64::from(boot.root) < u64::from(boot.count).checked_add(2)?;
        fits.then_some(boot)
    }

    /// Whether the checksum of the boot region at the start of `bytes` holds; `None` where it is not all there.
    pub(super) fn is_sound(&self, bytes: &[u8]) -> Option<bool> {
        let summed = SECTORS.checked_sub(1)?.checked_mul(self.sector)?;
        let region = bytes.get(..index(summed.checked_add(self.sector)?))?;
        let (summed, stored) = region.split_at_checked(index(summed))?;
        let bytes = summed.iter().enumerate();
        // The flags and the share in use change without a new checksum.
        let bytes = bytes.filter(|(at, _)| !matches!(at, 106 | 107 | 112));
        let sum = bytes.fold(0_u32, |sum, (_, &byte)| {
            sum.rotate_right(1).wrapping_add(byte.into())
        });
        let (words, _) = stored.as_chunks::<4>();
        Some(words.iter().all(|&word| u32::from_le_bytes(word) == sum))
    }

    /// Where the copy of the boot region is, in bytes from the start.
    pub(super) fn copy_at(&self) -> u64 {
        SECTORS.saturating_mul(self.sector)
    }

    /// Whether the table of clusters starts where it should in `bytes`; `None` where it is not there.
    pub(super) fn has_table(&self, bytes: &[u8]) -> Option<bool> {
        let start = bytes.get(index(self.table_at)..)?;
        Some(Fields::little(start).u64(0)? == TABLE_START)
    }

    /// The table in use: 0 or 1.
    pub(super) fn active(&self) -> u64 {
        u64::from(self.tables == 2 && self.flags & 1 != 0)
    }
}

/// The boot sector that tells where everything is in `region`, and whether it is the copy.
pub(super) fn find(region: &[u8]) -> Option<(Boot, bool)> {
    let main = Boot::parse(region);
    if let Some(boot) = &main
        && boot.is_sound(region) == Some(true)
    {
        return main.map(|boot| (boot, false));
    }
    let mut copies = SHIFTS.filter_map(|shift| {
        let at = SECTORS.checked_shl(shift)?;
        let copy = region.get(index(at)..)?;
        let boot = Boot::parse(copy)?;
        let sound = boot.copy_at() == at && boot.is_sound(copy) == Some(true);
        (sound && boot.has_table(region) == Some(true)).then_some(boot)
    });
    copies
        .next()
        .map(|copy| (copy, true))
        .or(main.map(|boot| (boot, false)))
}

/// Explains both boot regions and compares them.
pub(super) fn read(region: &[u8], boot: &Boot, harvest: &mut Harvest<'_>) {
    for at in [0, boot.copy_at()] {
        let bytes = region.get(index(at)..).unwrap_or_default();
        let name = if at == 0 {
            "boot region"
        } else {
            "copy of the boot region"
        };
        match boot.is_sound(bytes) {
            Some(true) => {}
            Some(false) => {
                let detail = format!("the checksum of the {name} does not hold");
                harvest.tell(Problem::checksum(detail).at(at));
            }
            None => {
                let detail = format!("the {name} is not all there");
                harvest.tell(Problem::corrupt(detail).at(at));
            }
        }
        explain(bytes, at, boot, harvest);
    }
    let (main, copy) = (Boot::parse(region), region.get(index(boot.copy_at())..));
    let copy = copy.and_then(Boot::parse);
    let still = |found: &Option<Boot>| {
        found.as_ref().map(|found| Boot {
            flags: 0,
            ..found.clone()
        })
    };
    if still(&main) != still(&copy) {
        let detail = "the boot sector and its copy differ";
        harvest.tell(Problem::corrupt(detail).at(boot.copy_at()));
    }
    harvest.account.metadata(boot.table_at, 8);
    let said = &mut harvest.properties;
    said.set("cluster-bytes", boot.cluster.to_string());
    let (high, low) = (boot.serial >> 16, boot.serial & 0xffff);
    said.set("serial", format!("{high:04X}-{low:04X}"));
    said.set("clean", if boot.flags & 2 == 0 { "yes" } else { "no" });
    if boot.flags & 4 != 0 {
        said.set("medium-failed", "yes");
    }
}

/// Names what has a meaning in the boot region `bytes` at `at`, but not the code: nobody has judged that.
fn explain(bytes: &[u8], at: u64, boot: &Boot, harvest: &mut Harvest<'_>) {
    harvest.account.metadata(at, FIELDS);
    harvest.account.metadata(at.saturating_add(510), 2);
    for number in 1..SECTORS {
        let start = number.saturating_mul(boot.sector);
        let Some(raw) = bytes.get(index(start)..index(start.saturating_add(boot.sector))) else {
            return;
        };
        let at = at.saturating_add(start);
        let code = raw.get(..raw.len().saturating_sub(4)).unwrap_or_default();
        let is_empty = code.iter().all(|&byte| byte == 0);
        if number.saturating_add(1) == SECTORS || is_empty {
            harvest.account.metadata(at, boot.sector);
        } else if raw.ends_with(&[0, 0, 0x55, 0xaa]) {
            let end = at.saturating_add(boot.sector);
            harvest.account.metadata(end.saturating_sub(4), 4);
        }
    }
}
