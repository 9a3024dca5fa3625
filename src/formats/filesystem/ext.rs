//! ext2, ext3 and ext4: one family, one superblock; what differs is told by feature bits.

use std::sync::Arc;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

mod attributes;
pub(in crate::formats) mod checksum;
mod content;
mod copies;
mod deleted;
mod directory;
mod extents;
mod fast;
mod former;
mod former_names;
mod indirect;
mod inode;
mod journal;
mod layout;
mod listing;
mod log;
mod map;
mod recover;
mod service;
mod superblock;
mod survey;
mod taken;
mod tally;
mod volume;
mod walk;
mod xattr;

#[cfg(test)]
mod tests;

use copies::Copies;
use deleted::Deleted;
use inode::Sort;
use log::Log;
use superblock::{SUPERBLOCK, Superblock};
use volume::Volume;
use walk::{ROOT, Walk};

/// ext2, ext3 and ext4.
pub(in crate::formats) struct Ext;

impl Format for Ext {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ext",
            title: "ext2, ext3, ext4",
            kind: Kind::Filesystem,
            spec: "Linux Documentation/filesystems/ext4",
            reads: "blocks of 1 to 64 KiB, block lists and extents, inline data, bigalloc, meta_bg, 64bit, hash trees, sparse files, extended attributes in inodes, blocks and inodes of their own",
            verifies: "metadata_csum (CRC-32C of superblock, descriptors, bitmaps, inodes, directories, extents, attributes), gdt_csum (CRC-16), all three kinds of checksums of the journal, inode bitmap against names",
            limits: &[
                "the journal is replayed, but fast commits behind its last transaction are told, not replayed",
                "encrypted files (fscrypt) and compressed files (e2compr) are listed and not read",
                "deleted files are shown when their inode (the journal may hold a copy of it) and all their blocks are as they were left; of others that the journal knows only name, size and time are shown; names and maps in inodes of deleted files that were kept inline are not",
                "an external journal is named and not read",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x53, 0xef],
            at: 1080,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let block = superblock(rest).ok_or(Reject::Coincidence("no room for a superblock"))??;
        let proof = proof(&block);
        if block.journal_dev() {
            return if journal_device(rest, &block) {
                Ok(Extent::known(block.len(), proof))
            } else {
                Err(Reject::Coincidence("no journal behind the superblock"))
            };
        }
        let len = block.len();
        let start = clip(rest, 0, len);
        let volume = Volume {
            region: start,
            block,
            groups: Vec::new(),
        };
        // A copy of the superblock (there is one in most journals) is followed by something else.
        match holds_together(&volume) {
            Some(true) => Ok(Extent::known(len, proof)),
            Some(false) if proof == Proof::Checksum => Ok(Extent::known(len, Proof::Magic)),
            Some(false) => Err(Reject::NearMiss(
                "an ext superblock without a root directory",
            )),
            None => Err(Reject::NearMiss(
                "an ext superblock without group descriptors",
            )),
        }
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(Ok(block)) = superblock(&region) else {
            return Opened::unread(Problem::corrupt("no ext superblock"));
        };
        if block.journal_dev() {
            return external_journal();
        }
        let mut problems = overall(&block);
        let mut properties = Properties::new();
        let needs_recovery = block.needs_recovery();
        let mut volume = Volume::read(region, block, &mut problems);
        if needs_recovery {
            match replayed(&volume, budget, &mut properties) {
                Ok((region, behind)) => {
                    // What is wrong with the older structures the kernel never sees.
                    let block = match superblock(&region) {
                        Some(Ok(block)) => block,
                        _ => volume.block,
                    };
                    problems = overall(&block);
                    problems.extend(behind);
                    volume = Volume::read(region, block, &mut problems);
                }
                Err(problem) => {
                    let detail = "the file system was not unmounted and its journal is not replayed; contents and names may be older than what the device would show";
                    problems.push(Problem::unsupported(detail).at(SUPERBLOCK));
                    problems.push(problem);
                }
            }
        }
        if volume.is_cut() {
            let (wanted, found) = (volume.block.len(), length(&volume.region));
            let detail = format!("the file system has {wanted} bytes, of which {found} are there");
            problems.push(Problem::corrupt(detail));
        }
        Opened {
            properties,
            ..read_tree(&Arc::new(volume), budget, problems)
        }
    }
}

/// The file system as it is once its journal is replayed, and what of the journal is not.
fn replayed(
    volume: &Volume,
    budget: &Budget,
    properties: &mut Properties,
) -> Result<(Bytes, Option<Problem>), Problem> {
    let replay = recover::read(volume)?;
    let (transactions, blocks) = (replay.transactions, replay.len());
    let said = format!("replayed: {transactions} transactions, {blocks} blocks");
    properties.set("journal", said);
    Ok((replay.apply(volume, budget)?, replay.behind))
}

/// Reads everything that the superblock leads to.
fn read_tree(volume: &Arc<Volume>, budget: &Budget, mut problems: Vec<Problem>) -> Opened {
    let mut walk = Walk::new(Arc::clone(volume), budget);
    layout::name_structures(volume, &mut walk.account, &mut problems);
    walk.service_inodes();
    // A journal that cannot be read is told where it matters: when it has to be replayed.
    if volume.block.has_journal()
        && volume.block.journal_inode != 0
        && let Ok(log) = Log::of(volume)
    {
        walk.copies = Arc::new(Copies::read(&log));
    }
    walk.run();
    let mut deleted = Deleted::default();
    if !walk.was_stopped() {
        walk.compare_bitmaps();
        deleted = walk.deleted();
        walk.former(&mut deleted);
    }
    problems.extend(walk.problems());
    let (mut spans, twice) = walk.account.finish();
    spans.extend(deleted.spans);
    if let Some(at) = twice
        && !volume.block.shared_blocks()
    {
        problems.push(Problem::corrupt("two structures or files claim the same bytes").at(at));
    }
    Opened {
        content: Content::Tree(Tree {
            entries: walk.entries,
            history: deleted.history,
        }),
        spans,
        problems,
        properties: Properties::new(),
    }
}

/// The superblock of a region; `None` where there is no room for one.
fn superblock(region: &[u8]) -> Option<Result<Superblock, Reject>> {
    let start = index(SUPERBLOCK);
    let raw = region.get(start..start.checked_mul(2)?)?;
    Some(Superblock::parse(raw))
}

fn proof(block: &Superblock) -> Proof {
    match block.sound {
        Some(true) => Proof::Checksum,
        _ => Proof::Structure,
    }
}

/// Whether group 0 has the root directory where its descriptor says; `None` where the descriptor makes no sense. What lies behind the
/// end of the image cannot be asked, and does not count against it.
fn holds_together(volume: &Volume) -> Option<bool> {
    let at = volume.at(volume.descriptor_block(0));
    let Some(raw) = volume.bytes(at, volume.block.descriptor_size) else {
        return Some(true);
    };
    let group = volume.group(raw)?;
    group.inode_table?;
    let first = Volume {
        region: volume.region.clone(),
        block: volume.block.clone(),
        groups: vec![group],
    };
    let root = first.inode(ROOT);
    Some(root.map_or(true, |root| root.sort == Some(Sort::Dir)))
}

/// Whether a journal starts in the block behind the superblock of a journal device.
fn journal_device(rest: &[u8], block: &Superblock) -> bool {
    let at = block.block_size.max(SUPERBLOCK.saturating_mul(2));
    let start = rest.get(index(at)..).unwrap_or_default();
    block.block_count > 0
        && journal::is_journal(start)
        && Fields::big(start).u32(12).map(u64::from) == Some(block.block_size)
}

/// What can be said of a journal that lies on a device of its own.
fn external_journal() -> Opened {
    let detail =
        "the journal of an ext file system on another device; its transactions are not read";
    Opened {
        content: Content::Unread,
        spans: vec![Span::metadata(SUPERBLOCK, SUPERBLOCK)],
        problems: vec![Problem::unsupported(detail)],
        properties: Properties::new(),
    }
}

/// What the superblock alone tells of trouble.
fn overall(block: &Superblock) -> Vec<Problem> {
    let mut problems = Vec::new();
    if block.sound == Some(false) {
        let detail = "the checksum of the superblock does not hold";
        problems.push(Problem::checksum(detail).at(SUPERBLOCK));
    }
    if block.unread_features() != 0 {
        let detail = format!(
            "the incompatible features {:#x} are not known",
            block.unread_features()
        );
        problems.push(Problem::unsupported(detail).at(SUPERBLOCK));
    }
    if block.has_journal() && block.journal_inode == 0 {
        let uuid = u128::from_be_bytes(block.journal_uuid);
        let detail =
            format!("the journal lies on another device ({uuid:032x}), which was not read");
        problems.push(Problem::unsupported(detail).at(SUPERBLOCK));
    }
    problems
}
