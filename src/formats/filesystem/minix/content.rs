//! Inodes, and the content of a file: seven zones of its own, then zones that list zones.

use std::io::Write;

use bytes::Bytes;

use super::Super;
use crate::entry::{Data, Fault};
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// So many zones an inode names itself.
const DIRECT: usize = 7;

/// An image and how it is laid out.
#[derive(Clone)]
pub(super) struct Zones {
    pub(super) region: Bytes,
    pub(super) head: Super,
}

/// An inode.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) mode: u32,
    pub(super) links: u16,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The length in bytes.
    pub(super) size: u32,
    pub(super) mtime: u32,
    /// Zone numbers: seven of content, then one that lists zones, one that lists such, and from version 2 on one more.
    pub(super) zones: Vec<u32>,
}

impl Zones {
    pub(super) fn new(region: &Bytes, head: &Super) -> Self {
        Self {
            region: region.clone(),
            head: head.clone(),
        }
    }

    /// Where an inode stands, in bytes from the start.
    pub(super) fn inode_at(&self, number: u32) -> Option<u64> {
        let before = number.checked_sub(1)?;
        let into = u64::from(before).checked_mul(self.head.inode_len())?;
        (number <= self.head.inodes).then_some(self.head.table().checked_add(into)?)
    }

    pub(super) fn inode(&self, number: u32) -> Option<Inode> {
        let raw = cut(&self.region, self.inode_at(number)?, self.head.inode_len())?;
        let fields = Fields::new(&raw, self.head.endian);
        if self.head.version == 1 {
            let zones = (14..32).step_by(2).map(|at| Some(fields.u16(at)?.into()));
            return Some(Inode {
                mode: fields.u16(0)?.into(),
                links: fields.u8(13)?.into(),
                uid: fields.u16(2)?.into(),
                gid: fields.u8(12)?.into(),
                size: fields.u32(4)?,
                mtime: fields.u32(8)?,
                zones: zones.collect::<Option<_>>()?,
            });
        }
        let zones = (24..64).step_by(4).map(|at| fields.u32(at));
        Some(Inode {
            mode: fields.u16(0)?.into(),
            links: fields.u16(2)?,
            uid: fields.u16(4)?.into(),
            gid: fields.u16(6)?.into(),
            size: fields.u32(8)?,
            mtime: fields.u32(16)?,
            zones: zones.collect::<Option<_>>()?,
        })
    }

    /// Where a zone starts, in bytes; `None` where there is no such zone for contents.
    pub(super) fn at(&self, zone: u32) -> Option<u64> {
        let there = u64::from(zone) >= self.head.first_zone && zone < self.head.zones;
        there.then(|| u64::from(zone).saturating_mul(self.head.block))
    }

    /// The number of zones that a zone lists.
    fn listed(&self) -> u64 {
        self.head.block >> if self.head.version == 1 { 1 } else { 2 }
    }

    /// Visits the zones of an inode in the order of its content: `visit` is told each zone, how many zones deep it lists
    /// others (0: it is content), and how many blocks of content lie before it. Zones that are holes are passed over.
    ///
    /// # Errors
    /// What `visit` makes of it, and numbers of zones that are not there.
    pub(super) fn visit<E: From<Problem>>(
        &self,
        inode: &Inode,
        visit: &mut dyn FnMut(u32, u32, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = u64::from(inode.size).div_ceil(self.head.block);
        let mut block = 0;
        for (number, &zone) in inode.zones.iter().enumerate() {
            let depth = number.saturating_add(1).saturating_sub(DIRECT);
            let depth = u32::try_from(depth).unwrap_or_default();
            self.below(zone, depth, block, end, visit)?;
            block = block.saturating_add(self.listed().saturating_pow(depth));
        }
        Ok(())
    }

    fn below<E: From<Problem>>(
        &self,
        zone: u32,
        depth: u32,
        block: u64,
        end: u64,
        visit: &mut dyn FnMut(u32, u32, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if zone == 0 || block >= end {
            return Ok(());
        }
        let Some(at) = self.at(zone) else {
            let detail = format!("zone {zone} is none that can hold content");
            return Err(Problem::corrupt(detail).into());
        };
        visit(zone, depth, block)?;
        let Some(above) = depth.checked_sub(1) else {
            return Ok(());
        };
        let raw = clip(&self.region, at, self.head.block);
        let fields = Fields::new(&raw, self.head.endian);
        let step = self.listed().saturating_pow(above);
        for number in 0..self.listed() {
            let listed = match self.head.version {
                1 => fields.u16(index(number.saturating_mul(2))).map(u32::from),
                _ => fields.u32(index(number.saturating_mul(4))),
            };
            let Some(listed) = listed else {
                let detail = format!("zone {zone}, which lists others, is cut off");
                return Err(Problem::corrupt(detail).at(at).into());
            };
            let block = block.saturating_add(number.saturating_mul(step));
            self.below(listed, above, block, end, visit)?;
        }
        Ok(())
    }
}

/// The content of a file.
pub(super) struct Content {
    pub(super) zones: Zones,
    pub(super) inode: Inode,
    /// Why it cannot be right, if that is known.
    pub(super) problem: Option<Problem>,
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone().into());
        }
        let size = u64::from(self.inode.size);
        let block_len = self.zones.head.block;
        let mut done = 0;
        self.zones.visit(&self.inode, &mut |zone, depth, block| {
            if depth > 0 {
                return Ok(());
            }
            let start = block.saturating_mul(block_len);
            zeros(out, start.saturating_sub(done))?;
            let wanted = size.saturating_sub(start).min(block_len);
            let at = self.zones.at(zone).unwrap_or(u64::MAX);
            let bytes = clip(&self.zones.region, at, wanted);
            out.write_all(&bytes)?;
            if length(&bytes) < wanted {
                return Err(Problem::corrupt("the content is cut off").at(at).into());
            }
            done = start.saturating_add(wanted);
            Ok::<(), Fault>(())
        })?;
        zeros(out, size.saturating_sub(done))
    }
}
