//! The extended attributes of one inode, from behind it, from a block they share, and from inodes of their own.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::checksum::crc32c;
use super::inode::Inode;
use super::survey::Use;
use super::volume::Volume;
use super::walk::Walk;
use super::xattr::{Attribute, Table, Value, access_list, full_name, is_internal};

use crate::problem::Problem;
use crate::read::{Fields, cut, index, length};

const MAGIC: u32 = 0xea02_0000;
/// Bytes before the attributes of a block of their own.
const HEADER: usize = 32;
/// More bytes than the kernel gives one attribute.
const LONGEST: u64 = 64 << 10;

/// What stands behind an inode.
#[derive(Default)]
pub(super) struct Behind {
    /// Its attributes under their full names.
    pub(super) list: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The rest of an inline content: where it starts, in bytes from the region's start, and its length.
    pub(super) inline: Option<(u64, u64)>,
    /// What went wrong.
    pub(super) problems: Vec<Problem>,
}

impl Walk<'_> {
    /// Reads the attributes of `inode`. With `naming`, names the inode and what belongs to it.
    pub(super) fn attributes(&mut self, volume: &Volume, inode: &Inode, naming: bool) -> Behind {
        let mut behind = Behind::default();
        let raw = volume
            .bytes(inode.at, volume.block.inode_size)
            .unwrap_or_default();
        let (at, room) = inode.attributes_at(volume);
        let first = index(at.saturating_sub(inode.at));
        let mut used = Vec::new();
        used.push(0..first);
        if room >= 4 && Fields::little(raw).u32(first) == Some(MAGIC) {
            let first = first.saturating_add(4);
            let table = Table::parse(raw, first, first);
            used.extend(table.used.iter().cloned());
            used.push(first.saturating_sub(4)..first);
            self.take(volume, &table, raw, inode.at, &mut behind);
        }
        if naming {
            self.name_used(inode.at, raw, used);
        }
        if inode.xattr_block != 0 {
            self.attribute_block(volume, inode.xattr_block, &mut behind);
        }
        behind
    }

    fn attribute_block(&mut self, volume: &Volume, number: u64, behind: &mut Behind) {
        let raw = if volume.holds(number, 1) {
            volume.block(number)
        } else {
            None
        };
        let Some(raw) = raw else {
            let detail = format!("the attribute block {number} lies outside the image");
            behind.problems.push(Problem::corrupt(detail));
            return;
        };
        let at = volume.at(number);
        let fields = Fields::little(raw);
        if fields.u32(0) != Some(MAGIC) {
            let detail = format!("block {number} is no attribute block");
            behind.problems.push(Problem::corrupt(detail).at(at));
            return;
        }
        let table = Table::parse(raw, HEADER, 0);
        self.take(volume, &table, raw, at, behind);
        // Equal attributes of many inodes stand in one block.
        if !self.attribute_blocks.insert(number) {
            return;
        }
        let mut used = table.used;
        used.push(0..HEADER);
        self.name_used(at, raw, used);
        if volume.block.metadata_csum() && block_checksum(volume, number, raw) != fields.u32(16) {
            let detail = format!("the checksum of attribute block {number} does not hold");
            behind.problems.push(Problem::checksum(detail).at(at));
        }
    }

    /// Names the used ranges of a structure, and what is empty between them.
    fn name_used(&mut self, at: u64, raw: &[u8], mut used: Vec<Range<usize>>) {
        used.sort_unstable_by_key(|range| (range.start, range.end));
        let ends = used
            .iter()
            .skip(1)
            .map(|range| range.start)
            .chain([raw.len()]);
        for (range, end) in used.iter().zip(ends) {
            let piece = raw.get(range.start..end).unwrap_or_default();
            let start = at.saturating_add(u64::try_from(range.start).unwrap_or(u64::MAX));
            let len = u64::try_from(range.len()).unwrap_or(u64::MAX);
            self.account.padded(start, piece, len, 0);
        }
    }

    fn take(&mut self, volume: &Volume, table: &Table, raw: &[u8], at: u64, behind: &mut Behind) {
        if table.broken {
            let problem = Problem::corrupt("the extended attributes end in something that is none");
            behind.problems.push(problem.at(at));
        }
        for attribute in &table.attributes {
            let name = raw.get(attribute.name.clone()).unwrap_or_default();
            if attribute.prefix == 7 && name == b"data" {
                if let Value::Here(range) = &attribute.value {
                    let start = at.saturating_add(u64::try_from(range.start).unwrap_or(u64::MAX));
                    behind.inline = Some((start, u64::try_from(range.len()).unwrap_or(0)));
                }
            } else if let Some(full) = full_name(attribute.prefix, name) {
                match self.value(volume, attribute, raw, behind) {
                    Ok(value) => {
                        behind.list.insert(full, value);
                    }
                    Err(problem) => behind.problems.push(problem),
                }
            } else if !is_internal(attribute.prefix, name) {
                let detail = format!(
                    "an extended attribute has the unknown prefix {}",
                    attribute.prefix
                );
                behind.problems.push(Problem::unsupported(detail).at(at));
            }
        }
    }

    fn value(
        &mut self,
        volume: &Volume,
        attribute: &Attribute,
        raw: &[u8],
        behind: &mut Behind,
    ) -> Result<Vec<u8>, Problem> {
        let value = match &attribute.value {
            Value::Here(range) => {
                let stored = raw.get(range.clone()).unwrap_or_default();
                self.charge(length(stored))?;
                stored.to_vec()
            }
            Value::Inode { number, size } => self.value_inode(volume, *number, *size, behind)?,
        };
        Ok(match attribute.prefix {
            2 | 3 => access_list(&value),
            _ => value,
        })
    }

    /// Reads a value that is too long for a block.
    fn value_inode(
        &mut self,
        volume: &Volume,
        number: u32,
        size: u64,
        behind: &mut Behind,
    ) -> Result<Vec<u8>, Problem> {
        let inode = volume.inode(number)?;
        if !inode.is_attribute() || inode.mapping.size != size || size > LONGEST {
            return Err(Problem::corrupt(format!(
                "inode {number} is not the extended attribute of {size} bytes that it should be"
            )));
        }
        self.charge(size)?;
        if self.reach(volume, number) {
            // Its own attributes, if it had any, would lead on without end.
            let raw = volume
                .bytes(inode.at, volume.block.inode_size)
                .unwrap_or_default();
            let fixed = inode.attributes_at(volume).0.saturating_sub(inode.at);
            self.account.padded(inode.at, raw, fixed, 0);
            let found = self.survey(volume, &inode.mapping, Use::Metadata);
            behind.problems.extend(found.problems);
        }
        let mut value = Vec::new();
        self.blocks(inode.mapping)
            .copy_to(&mut value)
            .map_err(|_fault| {
                Problem::corrupt(format!(
                    "the extended attribute in inode {number} cannot be read"
                ))
            })?;
        Ok(value)
    }
}

/// The content that stands in the inode itself: in the map's place, and behind it. What the size counts beyond that is zero.
pub(super) fn inline(volume: &Volume, inode: &Inode, behind: &Behind) -> Option<Bytes> {
    let size = inode.mapping.size;
    let map_at = inode.at.checked_add(super::inode::MAP_AT)?;
    let head = cut(&volume.region, map_at, size.min(super::inode::MAP))?;
    let more = size.saturating_sub(super::inode::MAP);
    if more == 0 {
        return Some(head);
    }
    let (at, len) = behind.inline?;
    let rest = cut(&volume.region, at, more.min(len))?;
    Some([&head[..], &rest[..]].concat().into())
}

fn block_checksum(volume: &Volume, number: u64, raw: &[u8]) -> Option<u32> {
    let crc = crc32c(volume.block.seed, &number.to_le_bytes());
    let crc = crc32c(crc32c(crc, raw.get(..16)?), &[0; 4]);
    Some(crc32c(crc, raw.get(20..)?))
}
