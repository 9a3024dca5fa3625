//! The header, and where the file ends.

use bytes::Bytes;

use super::{MAGIC, OFFSET, entry_bits, last_used};
use crate::formats::Opened;
use crate::formats::disk::packed::Packing;
use crate::formats::stored::Ledger;
use crate::read::{Fields, clip, cut, index, length};

/// Incompatible features.
pub(super) const DIRTY: u64 = 1;
pub(super) const EXTERNAL: u64 = 1 << 2;
pub(super) const EXTENDED: u64 = 1 << 4;

/// QEMU's own limits: 32 MiB of first-level table, 8 MiB of reference count table.
const MOST_L1: u64 = 4 << 20;
const MOST_REFERENCES: u64 = 8 << 20;

pub(super) struct Header {
    pub(super) version: u32,
    pub(super) cluster_bits: u32,
    /// The disk's size in bytes.
    pub(super) size: u64,
    pub(super) encryption: u32,
    /// Where the first-level table stands, and how many entries it has.
    pub(super) l1_at: u64,
    pub(super) l1_len: u64,
    pub(super) features: u64,
    /// How compressed clusters are; `None`: in a way that is not known.
    pub(super) packing: Option<Packing>,
    pub(super) snapshots: u64,
    pub(super) snapshots_at: u64,
    backing: (u64, u64),
    references_at: u64,
    /// Length of the table of reference count blocks, in bytes.
    references_len: u64,
    /// Bits of one reference count, as a power of two.
    reference_order: u32,
    len: u64,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let version = fields.u32(4)?;
        let (features, order, len) = if version == 2 {
            (0, 4, 72)
        } else {
            (
                fields.u64(72)?,
                fields.u32(96)?,
                u64::from(fields.u32(100)?),
            )
        };
        let cluster_bits = fields.u32(20)?;
        if fields.slice(0, 4)? != MAGIC
            || !matches!(version, 2 | 3)
            || !(9..=21).contains(&cluster_bits)
            || order > 6
            || len < 72
        {
            return None;
        }
        let cluster = 1_u64 << cluster_bits;
        let packing = if len > 104 { fields.u8(104)? } else { 0 };
        let header = Self {
            version,
            cluster_bits,
            size: fields.u64(24)?,
            encryption: fields.u32(32)?,
            l1_at: fields.u64(40)?,
            l1_len: u64::from(fields.u32(36)?),
            features,
            packing: match packing {
                0 => Some(Packing::Deflate),
                1 => Some(Packing::Zstd),
                _ => None,
            },
            snapshots: u64::from(fields.u32(60)?),
            snapshots_at: fields.u64(64)?,
            backing: (fields.u64(8)?, u64::from(fields.u32(16)?)),
            references_at: fields.u64(48)?,
            references_len: u64::from(fields.u32(56)?).checked_mul(cluster)?,
            reference_order: order,
            len,
        };
        let sane = len <= cluster
            && header.encryption <= 2
            && header.l1_len <= MOST_L1
            && header.references_len <= MOST_REFERENCES
            && header.l1_at.is_multiple_of(cluster)
            && header.references_at.is_multiple_of(cluster)
            && header.size.div_ceil(header.covered()) <= header.l1_len
            && header.snapshots <= 65536;
        sane.then_some(header)
    }

    /// Bytes in a cluster.
    pub(super) fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// How many reference counts a block of them has.
    fn counts(&self) -> u64 {
        (self.cluster().saturating_mul(8) >> self.reference_order).max(1)
    }

    /// Bytes of the disk that one second-level table covers.
    fn covered(&self) -> u64 {
        (self.cluster() >> entry_bits(self.features)).saturating_mul(self.cluster())
    }

    /// Whether the disk is laid over another file.
    pub(super) fn has_backing(&self) -> bool {
        self.backing.0 != 0
    }

    /// The name of the backing file, if there is one.
    pub(super) fn backing<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (at, len) = self.backing;
        if at == 0 || len > 1023 {
            return None;
        }
        Fields::big(bytes).slice(index(at), index(len))
    }

    /// Where the file ends: behind the last cluster that is counted as used, and behind every table.
    pub(super) fn end(&self, bytes: &Bytes) -> u64 {
        let here = length(bytes);
        let cluster = self.cluster();
        let l1_end = self.l1_at.saturating_add(self.l1_len.saturating_mul(8));
        let references_end = self.references_at.saturating_add(self.references_len);
        let mut end = l1_end.max(references_end).max(cluster);
        let last = last_used(bytes, self.references_at, self.references_len);
        let Some(last) = last.filter(|_| self.features & DIRTY == 0) else {
            // Without true counts nothing tells; what is not explained stays a gap.
            return here.max(end);
        };
        let table = Fields::big(bytes);
        let slot = last / 8;
        let at = self.references_at.saturating_add(slot.saturating_mul(8));
        let block = table.u64(index(at)).unwrap_or_default() & OFFSET;
        end = end.max(block.saturating_add(cluster));
        let counts = self.counts();
        if let Some(last) = last_used(bytes, block, cluster) {
            let before = slot.saturating_mul(counts);
            let own = last
                .saturating_add(1)
                .saturating_mul(8)
                .div_ceil(1 << self.reference_order);
            end = end.max(before.saturating_add(own).saturating_mul(cluster));
        }
        // The last cluster need not be there to its end.
        if end.saturating_sub(here) < cluster {
            end.min(here)
        } else {
            end
        }
    }

    /// Names the header, its extensions and the tables, and tells what they say.
    pub(super) fn explain(&self, bytes: &Bytes, ledger: &mut Ledger, opened: &mut Opened) {
        let properties = &mut opened.properties;
        properties.set("version", self.version.to_string());
        properties.set("size", self.size.to_string());
        properties.set("cluster-size", self.cluster().to_string());
        ledger.metadata(0, self.len.min(112));
        self.explain_extensions(bytes, ledger, opened);
        if self.backing(bytes).is_some() {
            ledger.metadata(self.backing.0, self.backing.1);
        }
        // What the disk needs of both tables, and the rest where it is empty.
        let needed = self.size.div_ceil(self.covered()).saturating_mul(8);
        let l1_end = self.l1_at.saturating_add(self.l1_len.saturating_mul(8));
        ledger.metadata(self.l1_at, needed);
        ledger.padding(bytes, self.l1_at.saturating_add(needed)..l1_end);
        let clusters = length(bytes).div_ceil(self.cluster());
        let needed = clusters.div_ceil(self.counts()).saturating_mul(8);
        let needed = needed.min(self.references_len);
        let references_end = self.references_at.saturating_add(self.references_len);
        ledger.metadata(self.references_at, needed);
        ledger.padding(
            bytes,
            self.references_at.saturating_add(needed)..references_end,
        );
        let table = clip(bytes, self.references_at, needed);
        let (blocks, _) = table.as_chunks::<8>();
        for block in blocks {
            let at = u64::from_be_bytes(*block) & OFFSET;
            if at != 0 {
                ledger.metadata(at, self.cluster());
            }
        }
    }

    fn explain_extensions(&self, bytes: &Bytes, ledger: &mut Ledger, opened: &mut Opened) {
        let fields = Fields::big(bytes);
        let mut at = self.len;
        while at < self.cluster() {
            let (Some(kind), Some(len)) = (
                fields.u32(index(at)),
                fields.u32(index(at.saturating_add(4))),
            ) else {
                return;
            };
            let body = at.saturating_add(8);
            let next = body.saturating_add(u64::from(len).next_multiple_of(8));
            if kind == 0 || next > self.cluster() {
                return;
            }
            let name = match kind {
                0xe279_2aca => Some("backing-format"),
                0x4441_5441 => Some("data-file"),
                _ => None,
            };
            let text = cut(bytes, body, u64::from(len)).unwrap_or_default();
            if let Some(name) = name {
                opened.properties.set(name, text.to_vec());
            }
            // The names of features, where the key is, and where the bitmaps are; others are not known.
            let known = name.is_some() || matches!(kind, 0x6803_f857 | 0x0537_be77 | 0x2385_2875);
            ledger.metadata(at, 8);
            if known {
                ledger.metadata(body, u64::from(len));
            }
            at = next;
        }
    }
}
