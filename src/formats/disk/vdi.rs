//! `VirtualBox` disks: one table of blocks.

use bytes::Bytes;

use super::assemble::{Blocks, Disk, Even, Piece};
use crate::budget::Budget;
use crate::formats::compression::notes::Notes;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// `VirtualBox` disks.
pub(in crate::formats) struct Vdi;

/// Entries of the table from here on are no block: never written, or zeros.
const NOWHERE: u32 = 0xffff_fffe;

/// The length of the header of version 1.1 in bytes.
const HEADER: u64 = 456;

impl Format for Vdi {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "vdi",
            title: "VirtualBox disk image (VDI)",
            kind: Kind::Disk,
            spec: "VirtualBox src/VBox/Storage/VDICore.h; QEMU block/vdi.c",
            reads: "dynamic and static disks of version 1.1",
            verifies: "that blocks lie inside the file; the format has no checksums",
            limits: &["differencing disks: what only the parent holds is read as zeros"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x7f, 0x10, 0xda, 0xbe, 1, 0, 1, 0],
            at: 64,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no VDI header"))?;
        let stored = header.allocated.saturating_mul(header.block);
        let end = header.data_at.saturating_add(stored);
        let table_end = header
            .table_at
            .saturating_add(header.blocks.saturating_mul(4));
        // A static image ends where the disk does.
        let missing = end.saturating_sub(length(rest));
        let end = if missing < header.block && header.kind == 2 {
            end.min(length(rest))
        } else {
            end
        };
        Ok(Extent::known(end.max(table_end), Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut properties = Properties::new();
        properties.set("size", header.size.to_string());
        let mut problems = Vec::new();
        if header.extra > 0 {
            let detail = "blocks with more in front of them than the disk's bytes";
            problems.push(Problem::unsupported(detail).at(380));
        }
        if header.kind == 4 {
            let detail = "a differencing disk: what only its parent holds is read as zeros";
            problems.push(Problem::unsupported(detail).at(76));
        }
        let spans = vec![
            Span::metadata(0, 84),
            Span::metadata(340, HEADER.saturating_sub(340)),
            Span::metadata(header.table_at, header.table_len()),
        ];
        let (block, size) = (header.block, header.size);
        let table = Table {
            region: region.clone(),
            header,
        };
        let disk = Disk::new(region, Even::new(table, block, size));
        Opened {
            content: Content::Stream(Box::new(disk)),
            spans,
            problems,
            properties,
        }
    }
}

struct Header {
    /// 1: dynamic, 2: static, 4: differencing.
    kind: u32,
    table_at: u64,
    data_at: u64,
    /// The disk's size in bytes, and that of a block.
    size: u64,
    block: u64,
    /// What stands in front of each block, in bytes.
    extra: u32,
    blocks: u64,
    allocated: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let header = Self {
            kind: fields.u32(76)?,
            table_at: u64::from(fields.u32(340)?),
            data_at: u64::from(fields.u32(344)?),
            size: fields.u64(368)?,
            block: u64::from(fields.u32(376)?),
            extra: fields.u32(380)?,
            blocks: u64::from(fields.u32(384)?),
            allocated: u64::from(fields.u32(388)?),
        };
        let known = fields.u32(64)? == 0xbeda_107f && fields.u32(68)? == 0x0001_0001;
        let sane = matches!(header.kind, 1 | 2 | 4)
            && header.block.is_power_of_two()
            && header.block >= 4096
            && header.table_at >= 512
            && header.data_at > header.table_at
            && header.allocated <= header.blocks
            && header.size.div_ceil(header.block) <= header.blocks;
        (known && sane).then_some(header)
    }

    /// The length of the part of the table that the disk needs, in bytes. What follows is read by nobody.
    fn table_len(&self) -> u64 {
        self.size.div_ceil(self.block.max(1)).saturating_mul(4)
    }
}

struct Table {
    region: Bytes,
    header: Header,
}

impl Blocks for Table {
    fn block(&mut self, number: u64, notes: &mut Notes) -> Piece {
        let header = &self.header;
        let at = header.table_at.saturating_add(number.saturating_mul(4));
        match Fields::little(&self.region).u32(index(at)) {
            None => {
                notes.problem(Problem::corrupt("the table of blocks is cut off").at(at));
                Piece::hole(header.block)
            }
            Some(NOWHERE..) => Piece::hole(header.block),
            Some(slot) => Piece::Stored {
                at: header
                    .data_at
                    .saturating_add(u64::from(slot).saturating_mul(header.block)),
                len: header.block,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::disk::assemble::tests::{
        cut_everywhere, decode, fixture, hurt, open, poked,
    };
    use crate::problem::ProblemKind;

    #[test]
    fn dynamic_and_static_disks_hold_the_same() {
        let grown = decode(&Vdi, &fixture("vdi/static-off.img.gz")).unwrap();
        let whole = decode(&Vdi, &fixture("vdi/static-on.img.gz")).unwrap();
        assert!(grown.problems.is_empty() && whole.problems.is_empty());
        assert_eq!(grown.bytes.len(), 8 << 20);
        assert!(grown.bytes == whole.bytes);
    }

    #[test]
    fn damage_is_told_or_refused() {
        let sound = fixture("vdi/static-off.img.gz");
        for (what, at, poke) in [
            ("type", 76, &[9][..]),
            ("block size", 376, &[1]),
            ("more blocks than there are", 388, &[0xff; 4]),
            ("a disk larger than its blocks", 372, &[1]),
        ] {
            assert!(
                open(&Vdi, &poked(&sound, &[(at, poke)])).is_none(),
                "{what}"
            );
        }
        let differencing = decode(&Vdi, &poked(&sound, &[(76, &[4])])).unwrap();
        assert_eq!(differencing.kinds(), [ProblemKind::Unsupported]);
        // The first block is said to lie far away.
        let table = index(u64::from(Fields::little(&sound).u32(340).unwrap()));
        let read = decode(&Vdi, &poked(&sound, &[(table + 2, &[9])])).unwrap();
        assert_eq!(read.kinds(), [ProblemKind::Corrupt]);
    }

    #[test]
    fn a_table_is_as_long_as_the_disk_needs() {
        let sound = fixture("vdi/static-off.img.gz");
        // Twice as many entries as the disk has blocks: what stands there is read by nobody.
        let blocks = Fields::little(&sound).u32(384).unwrap();
        let more = (blocks * 2).to_le_bytes();
        let read = decode(&Vdi, &poked(&sound, &[(384, &more)])).unwrap();
        let table = u64::from(Fields::little(&sound).u32(340).unwrap());
        let span = read.spans.iter().find(|span| span.at == table);
        assert_eq!(span.unwrap().len, u64::from(blocks) * 4);
    }

    #[test]
    fn damage_is_survived() {
        let sound = fixture("vdi/static-off.img.gz");
        cut_everywhere(&Vdi, &sound);
        hurt(&Vdi, &sound, 15);
    }
}
