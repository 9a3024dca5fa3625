//! Records of the table of files, and the attributes in them.

use super::runs::{Run, runs};
use crate::formats::filesystem::dos;
use crate::read::{Fields, index};

/// Every so many bytes of a record, the last two were replaced to tell whether all of it was written.
pub(super) const STRIDE: usize = 512;

/// Kinds of attributes.
pub(super) mod kind {
    /// Times and flags.
    pub(in super::super) const STANDARD: u32 = 0x10;
    /// Which other records hold attributes of the file.
    pub(in super::super) const LIST: u32 = 0x20;
    /// A name and the directory it stands in.
    pub(in super::super) const NAME: u32 = 0x30;
    /// Who may do what.
    pub(in super::super) const SECURITY: u32 = 0x50;
    /// The label of the volume.
    pub(in super::super) const LABEL: u32 = 0x60;
    /// Flags of the volume.
    pub(in super::super) const VOLUME: u32 = 0x70;
    /// Content.
    pub(in super::super) const DATA: u32 = 0x80;
    /// The root of a directory's index.
    pub(in super::super) const ROOT: u32 = 0x90;
    /// Blocks of a directory's index.
    pub(in super::super) const INDEX: u32 = 0xa0;
    /// Which blocks of an index, or records, are in use.
    pub(in super::super) const BITS: u32 = 0xb0;
    /// What to do instead of opening the file.
    pub(in super::super) const REPARSE: u32 = 0xc0;
    /// Extended attributes.
    pub(in super::super) const EA: u32 = 0xe0;
}

/// A record of the table of files, its replaced bytes put back.
pub(super) struct Record {
    /// Its bytes.
    bytes: Vec<u8>,
    /// Whether all of it was written.
    pub(super) whole: bool,
    /// How often the record was used again.
    pub(super) sequence: u16,
    /// Whether it is in use.
    pub(super) in_use: bool,
    /// Whether it is a directory.
    pub(super) is_dir: bool,
    /// The record that this one belongs to; 0: to none.
    pub(super) base: u64,
    /// How many of its bytes say something.
    pub(super) used: u64,
}

/// What an attribute holds.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Its value, in the record itself.
    Resident(Vec<u8>),
    /// Clusters.
    Outside(Outside),
}

/// A value in clusters, or a part of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside {
    /// Which cluster of the value is the first here.
    pub(super) first: u64,
    /// Where the clusters are; `None` where the list of them makes no sense.
    pub(super) runs: Option<Vec<Run>>,
    /// The size in bytes.
    pub(super) size: u64,
    /// So many bytes were written; the rest reads as zeros.
    pub(super) valid: u64,
    /// How many clusters are compressed together, as a power of two; 0: none are.
    pub(super) unit: u32,
}

/// An attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    /// What it is.
    pub(super) kind: u32,
    /// Its name in UTF-16.
    pub(super) name: Vec<u16>,
    /// Compressed, encrypted, sparse.
    pub(super) flags: u16,
    /// What it holds.
    pub(super) body: Body,
}

impl Attribute {
    /// Whether its content is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 0x4000 != 0
    }
}

/// Puts back the replaced bytes of a structure; whether all of it was written. `None` where it cannot have been one.
pub(super) fn restore(bytes: &mut [u8]) -> Option<bool> {
    let fields = Fields::little(bytes);
    let at = usize::from(fields.u16(4)?);
    let count = usize::from(fields.u16(6)?).checked_sub(1)?;
    let (mark, saved) = fields
        .slice(at, count.checked_add(1)?.checked_mul(2)?)?
        .to_vec()
        .split_at_checked(2)
        .map(|(mark, saved)| (mark.to_vec(), saved.to_vec()))?;
    if count == 0 || count.checked_mul(STRIDE)? != bytes.len() {
        return None;
    }
    let mut whole = true;
    for (block, saved) in bytes.chunks_exact_mut(STRIDE).zip(saved.chunks_exact(2)) {
        let end = block.get_mut(STRIDE.checked_sub(2)?..)?;
        whole &= *end == *mark;
        end.copy_from_slice(saved);
    }
    Some(whole)
}

impl Record {
    /// Reads a record; `None` for what is none.
    pub(super) fn parse(raw: &[u8]) -> Option<Self> {
        if !raw.starts_with(b"FILE") {
            return None;
        }
        let mut bytes = raw.to_vec();
        let whole = restore(&mut bytes)?;
        let fields = Fields::little(&bytes);
        let flags = fields.u16(22)?;
        Some(Self {
            whole,
            sequence: fields.u16(16)?,
            in_use: flags & 1 != 0,
            is_dir: flags & 2 != 0,
            base: fields.u64(32)? & 0xffff_ffff_ffff,
            used: u64::from(fields.u32(24)?).min(crate::read::length(raw)),
            bytes,
        })
    }

    /// Where its attributes end, in bytes from its start, with the mark that says so.
    pub(super) fn end(&self) -> u64 {
        let fields = Fields::little(&self.bytes);
        let mut at = fields.u16(20).map_or(0, usize::from);
        loop {
            let len = match fields.u32(at) {
                Some(u32::MAX) => break at.saturating_add(8),
                _ => fields.u32(at.saturating_add(4)),
            };
            match len.map(|len| index(len.into())) {
                Some(len) if len >= 16 => at = at.saturating_add(len),
                _ => break at,
            }
        }
        .try_into()
        .unwrap_or(u64::MAX)
    }

    /// Its attributes, and whether they end as they should.
    pub(super) fn attributes(&self) -> (Vec<Attribute>, bool) {
        let mut found = Vec::new();
        let fields = Fields::little(&self.bytes);
        let mut at = fields.u16(20).map_or(0, usize::from);
        loop {
            match fields.u32(at) {
                Some(u32::MAX) => return (found, true),
                Some(0) | None => return (found, false),
                Some(_) => {}
            }
            let len = fields.u32(at.saturating_add(4)).unwrap_or(0);
            let len = index(len.into());
            let raw = fields.slice(at, len);
            let Some(attribute) = raw.filter(|_| len >= 16).and_then(Attribute::parse) else {
                return (found, false);
            };
            found.push(attribute);
            at = at.saturating_add(len);
        }
    }
}

impl Attribute {
    fn parse(raw: &[u8]) -> Option<Self> {
        let fields = Fields::little(raw);
        let name_len = usize::from(fields.u8(9)?).checked_mul(2)?;
        let name = fields.slice(usize::from(fields.u16(10)?), name_len);
        let name = if name_len == 0 { &[] } else { name? };
        let body = if fields.u8(8)? == 0 {
            let len = index(fields.u32(16)?.into());
            Body::Resident(fields.slice(fields.u16(20)?.into(), len)?.to_vec())
        } else {
            let first = fields.u64(16)?;
            let last = fields.u64(24)?;
            let stored = fields.tail(fields.u16(32)?.into())?;
            // A sparse value states a unit too, and its clusters are stored as they are.
            let is_compressed = fields.u16(12)? & 0xff == 1;
            let unit = u32::from(fields.u8(34)?);
            Body::Outside(Outside {
                first,
                runs: runs(stored, first, last),
                size: fields.u64(48)?,
                valid: fields.u64(56)?,
                unit: if is_compressed { unit.min(8) } else { 0 },
            })
        };
        Some(Self {
            kind: fields.u32(0)?,
            name: dos::units(name).collect(),
            flags: fields.u16(12)?,
            body,
        })
    }
}
