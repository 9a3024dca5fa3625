//! The journal: which of its blocks belong to a transaction. Here it is accounted for.

use super::map::Run;
use super::volume::Volume;
use crate::formats::filesystem::account::Account;
use crate::read::{Fields, length};

/// What every block of the journal that is not logged data starts with; the journal is big-endian.
pub(super) const MAGIC: u32 = 0xc03b_3998;
pub(super) const DESCRIPTOR: u32 = 1;
pub(super) const COMMIT: u32 = 2;
const SUPERBLOCKS: [u32; 2] = [3, 4];
pub(super) const REVOKE: u32 = 5;
/// The bit of a tag that says that its block starts with the journal's magic, which zeros stand for in the journal.
pub(super) const ESCAPED: u32 = 1;
/// Bytes before the tags of a descriptor.
pub(super) const HEADER: usize = 12;
/// Bytes of a journal superblock.
const SUPERBLOCK: u64 = 1024;

/// Whether `raw` starts a journal.
pub(super) fn is_journal(raw: &[u8]) -> bool {
    kind(raw).is_some_and(|kind| SUPERBLOCKS.contains(&kind))
}

/// Names the journal in `runs`: its superblock, and the blocks of every transaction that can be followed from a descriptor.
/// What lies between them is stale or was never used, and stays unnamed.
pub(super) fn name(volume: &Volume, runs: &[Run], account: &mut Account) {
    let mut tags = None;
    let mut logged: u64 = 0;
    for run in runs {
        for block in run.block..run.block.saturating_add(run.count) {
            let Some(raw) = volume.block(block) else {
                return;
            };
            let at = volume.at(block);
            if logged > 0 {
                logged = logged.saturating_sub(1);
                account.metadata(at, volume.block.block_size);
                continue;
            }
            let format = *tags.get_or_insert_with(|| Tags::of(raw));
            let used = match kind(raw) {
                Some(DESCRIPTOR) => {
                    let (tags, used) = format.read(raw);
                    logged = u64::try_from(tags.len()).unwrap_or(u64::MAX);
                    used
                }
                Some(COMMIT) => 64,
                Some(REVOKE) => Fields::big(raw).u32(HEADER).map_or(0, u64::from),
                Some(kind) if SUPERBLOCKS.contains(&kind) => SUPERBLOCK,
                _ => continue,
            };
            let body = raw.len().saturating_sub(if kind(raw) == Some(COMMIT) {
                0
            } else {
                format.tail
            });
            let (body, tail) = raw.split_at_checked(body).unwrap_or((raw, &[]));
            account.padded(at, body, used, 0);
            account.metadata(at.saturating_add(length(body)), length(tail));
        }
    }
}

fn kind(raw: &[u8]) -> Option<u32> {
    let fields = Fields::big(raw);
    (fields.u32(0)? == MAGIC).then(|| fields.u32(4))?
}

/// One tag of a descriptor: what a block of the journal is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// The block of the file system.
    pub(super) block: u64,
    /// Its flags.
    pub(super) flags: u32,
    /// The checksum of the copy.
    pub(super) sum: u32,
    /// Which bits of the checksum are stored.
    pub(super) sum_bits: u32,
}

/// How the tags of descriptors look.
#[derive(Clone, Copy)]
pub(super) struct Tags {
    len: usize,
    /// Bytes of the checksum at the end of descriptors and revoke blocks.
    tail: usize,
    /// Whether the flags are 32 bits wide.
    wide_flags: bool,
    /// Whether the numbers of blocks have 64 bits.
    wide: bool,
}

impl Tags {
    /// The form that the journal's superblock tells.
    pub(super) fn of(superblock: &[u8]) -> Self {
        let features = Fields::big(superblock).u32(0x28).unwrap_or(0);
        let (wide, sums, third) = (
            features & 0x2 != 0,
            features & 0x8 != 0,
            features & 0x10 != 0,
        );
        let len = match (third, wide, sums) {
            (true, _, _) => 16,
            (_, true, true) => 14,
            (_, true, false) => 12,
            (_, false, true) => 10,
            (_, false, false) => 8,
        };
        Self {
            len,
            tail: if sums || third { 4 } else { 0 },
            wide_flags: third,
            wide,
        }
    }

    /// The tags of a descriptor, one for each block that follows, and how many of its bytes say so.
    pub(super) fn read(self, raw: &[u8]) -> (Vec<Tag>, u64) {
        let fields = Fields::big(raw);
        let (mut at, mut tags) = (HEADER, Vec::new());
        while let Some(tag) = fields
            .slice(at, self.len)
            .and_then(|tag| self.tag(&Fields::big(tag)))
        {
            let uuid = if tag.flags & 2 == 0 { 16 } else { 0 };
            at = at.saturating_add(self.len).saturating_add(uuid);
            tags.push(tag);
            if tag.flags & 8 != 0 {
                break;
            }
        }
        (tags, u64::try_from(at.min(raw.len())).unwrap_or(0))
    }

    fn tag(self, fields: &Fields<'_>) -> Option<Tag> {
        let high = if self.wide { fields.u32(8)? } else { 0 };
        let (flags, sum, sum_bits) = if self.wide_flags {
            (fields.u32(4)?, fields.u32(12)?, u32::MAX)
        } else {
            let (sum, flags) = (fields.u16(4)?, fields.u16(6)?);
            (u32::from(flags), u32::from(sum), 0xffff)
        };
        Some(Tag {
            block: u64::from(high) << 32 | u64::from(fields.u32(0)?),
            flags,
            sum,
            sum_bits,
        })
    }
}
