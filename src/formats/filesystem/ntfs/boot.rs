//! The boot sector, and its copy in the volume's last sector.

use crate::read::{Fields, index, length};

/// Bytes of a boot sector that have a meaning; boot code follows.
pub(super) const FIELDS: u64 = 84;

/// A boot sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boot {
    /// Bytes of a sector.
    pub(super) sector: u64,
    /// Bytes of a cluster.
    pub(super) cluster: u64,
    /// Sectors of the volume without the last one, which holds the copy.
    pub(super) sectors: u64,
    /// The first cluster of the table of files.
    pub(super) table: u64,
    /// The first cluster of the copy of its first records.
    pub(super) mirror: u64,
    /// Bytes of a record of that table.
    pub(super) record: u64,
    /// The volume's number.
    pub(super) serial: u64,
}

impl Boot {
    /// Reads the boot sector at the start of `bytes`; `None` where its numbers make no sense.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..512)?;
        let fields = Fields::little(head);
        let sector = u64::from(fields.u16(11)?);
        let marked =
            fields.slice(3, 8)? == b"NTFS    " && matches!(sector, 512 | 1024 | 2048 | 4096);
        // Nothing of FAT is there: no reserved sectors, tables, root entries, and no short count of sectors.
        let empty = fields
            .slice(14, 7)?
            .iter()
            .chain(fields.slice(22, 2)?)
            .all(|&byte| byte == 0);
        let per_cluster = match fields.u8(13)? {
            count @ 1..=128 if count.is_power_of_two() => u64::from(count),
            count @ 244..=255 => 1_u64 << 256_u32.checked_sub(count.into())?,
            _ => return None,
        };
        let cluster = sector
            .checked_mul(per_cluster)
            .filter(|&bytes| bytes <= 2 << 20)?;
        let record = match fields.u8(64)? {
            count @ 1..=64 => cluster.checked_mul(count.into())?,
            count @ 244..=247 => 1_u64 << 256_u32.checked_sub(count.into())?,
            _ => return None,
        };
        let boot = Self {
            sector,
            cluster,
            sectors: fields.u64(40)?,
            table: fields.u64(48)?,
            mirror: fields.u64(56)?,
            record,
            serial: fields.u64(72)?,
        };
        let clusters = boot.clusters();
        let fits = matches!(record, 512..=4096)
            && boot.sectors.checked_mul(sector)? < 1 << 60
            && (1..clusters).contains(&boot.table)
            && boot.mirror < clusters;
        (marked && empty && fits).then_some(boot)
    }

    /// How many clusters there are.
    pub(super) fn clusters(&self) -> u64 {
        let bytes = self.sectors.saturating_mul(self.sector);
        bytes.checked_div(self.cluster).unwrap_or(0)
    }

    /// Bytes of the volume.
    pub(super) fn len(&self) -> u64 {
        self.copy_at().saturating_add(self.sector)
    }

    /// Where the copy of the boot sector is, in bytes from the start.
    pub(super) fn copy_at(&self) -> u64 {
        self.sectors.saturating_mul(self.sector)
    }

    /// Whether a record of the table of files starts where one should in `bytes`; `None` where that is not there.
    pub(super) fn has_table(&self, bytes: &[u8]) -> Option<bool> {
        let at = index(self.table.checked_mul(self.cluster)?);
        Some(bytes.get(at..at.checked_add(4)?)? == b"FILE")
    }
}

/// The boot sector that tells where everything is in `region`, and whether it is the copy at the end.
pub(super) fn find(region: &[u8]) -> Option<(Boot, bool)> {
    if let Some(boot) = Boot::parse(region) {
        return Some((boot, false));
    }
    let mut copies = [512, 1024, 2048, 4096].into_iter().filter_map(|sector| {
        let at = length(region).checked_sub(sector)?;
        let boot = Boot::parse(region.get(index(at)..)?)?;
        let fits = boot.copy_at() == at && boot.has_table(region) == Some(true);
        fits.then_some((boot, true))
    });
    copies.next()
}
