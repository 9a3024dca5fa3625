//! The journal: which of its blocks belong to a transaction. It is accounted for and not replayed.

use super::map::Run;
use super::volume::Volume;
use crate::formats::filesystem::account::Account;
use crate::read::{Fields, length};

/// What every block of the journal that is not logged data starts with; the journal is big-endian.
const MAGIC: u32 = 0xc03b_3998;
const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const SUPERBLOCKS: [u32; 2] = [3, 4];
const REVOKE: u32 = 5;
/// Bytes before the tags of a descriptor.
const HEADER: usize = 12;
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
                    let (count, used) = format.count(raw);
                    logged = count;
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

/// How the tags of descriptors look.
#[derive(Clone, Copy)]
struct Tags {
    len: usize,
    /// Bytes of the checksum at the end of descriptors and revoke blocks.
    tail: usize,
    /// Whether the flags are 32 bits wide.
    wide_flags: bool,
}

impl Tags {
    /// The form that the journal's superblock tells.
    fn of(superblock: &[u8]) -> Self {
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
        }
    }

    /// How many blocks a descriptor says will follow, and how many of its bytes say so.
    fn count(self, raw: &[u8]) -> (u64, u64) {
        let fields = Fields::big(raw);
        let (mut at, mut count) = (HEADER, 0_u64);
        while let Some(tag) = fields.slice(at, self.len) {
            let tag = Fields::big(tag);
            let flags = if self.wide_flags {
                tag.u32(4)
            } else {
                tag.u16(6).map(u32::from)
            };
            let flags = flags.unwrap_or(0);
            let uuid = if flags & 2 == 0 { 16 } else { 0 };
            at = at.saturating_add(self.len).saturating_add(uuid);
            count = count.saturating_add(1);
            if flags & 8 != 0 {
                break;
            }
        }
        (count, u64::try_from(at.min(raw.len())).unwrap_or(0))
    }
}
