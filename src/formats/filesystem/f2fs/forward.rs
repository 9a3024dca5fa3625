//! What was synced after the newest checkpoint: nodes in a chain that starts where the next node of its log would go. Linux reads them
//! when it mounts the volume (fs/f2fs/recovery.c); here they are found and told, not read.

use std::collections::{BTreeMap, BTreeSet};

use super::BLOCK;
use super::volume::Volume;
use crate::problem::Problem;
use crate::read::{Fields, index};

/// Where in a node its footer starts, in bytes.
const FOOTER: usize = 4072;
/// The flag in a footer of a node that was synced.
const SYNCED: u32 = 2;
/// Where in an inode the length of its name stands, in bytes; the name follows it.
const NAME_LEN: usize = 88;
/// Files that are told one by one.
const SHOWN: usize = 8;

/// Where the chain starts, and the version that its nodes carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) block: u64,
    pub(super) version: u64,
    /// The bits of the version that count.
    pub(super) mask: u64,
}

/// Tells what was synced after the checkpoint.
pub(super) fn told(volume: &Volume, start: Start) -> Option<Problem> {
    let mut files: BTreeMap<u32, Option<String>> = BTreeMap::new();
    let (mut nodes, mut at, mut first) = (0_u64, start.block, None);
    let mut seen = BTreeSet::new();
    // A chain that comes back to one of its blocks ends there.
    while seen.insert(at) {
        let main = u32::try_from(at).ok().filter(|&at| volume.is_main(at));
        let Some(raw) = main.and_then(|at| volume.block(at.into())) else {
            break;
        };
        let fields = Fields::little(&raw);
        let word = |number: usize| fields.u32(FOOTER.saturating_add(number));
        let (Some(node), Some(owner), Some(flags), Some(version), Some(next)) = (
            word(0),
            word(4),
            word(8),
            fields.u64(FOOTER.saturating_add(12)),
            word(20),
        ) else {
            break;
        };
        if (version ^ start.version) & start.mask != 0 {
            break;
        }
        if flags & SYNCED != 0 {
            nodes = nodes.saturating_add(1);
            first.get_or_insert(at);
            let name = files.entry(owner).or_default();
            if node == owner {
                let len = fields.u32(NAME_LEN).unwrap_or_default().min(255);
                let stored = fields.slice(NAME_LEN.saturating_add(4), index(len.into()));
                *name = stored.map(|name| name.escape_ascii().to_string());
            }
        }
        at = next.into();
    }
    let first = first?;
    let names = files.iter().take(SHOWN).map(|(inode, name)| match name {
        Some(name) => format!("{name} (inode {inode})"),
        None => format!("inode {inode}"),
    });
    let names: Vec<String> = names.collect();
    let more = if files.len() > SHOWN { ", ..." } else { "" };
    let detail = format!(
        "{nodes} nodes of {} files were synced after the last checkpoint and are not read: {}{more}; contents and names may be older than what the device would show",
        files.len(),
        names.join(", ")
    );
    Some(Problem::unsupported(detail).at(first.saturating_mul(BLOCK)))
}
