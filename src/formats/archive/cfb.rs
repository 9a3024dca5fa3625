//! Compound files: the structured storage of OLE, which Windows Installer packages (`.msi`) are.
//!
//! \[MS-CFB\]. A file of sectors, chained by a table, with a directory of storages (folders) and streams (files); small streams share one
//! stream of their own in sectors of 64 bytes.

mod directory;
mod sectors;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::directory::Directory;
use self::sectors::Sectors;
use crate::budget::Budget;
use crate::formats::filesystem::dos;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, length};

/// Compound files.
pub(in crate::formats) struct Cfb;

const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Bytes of the header.
const HEADER: u64 = 512;

impl Format for Cfb {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "cfb",
            title: "Compound file (Windows Installer package, OLE)",
            kind: Kind::Archive,
            spec: "[MS-CFB]",
            reads: "versions 3 and 4; storages and streams, with the names of Windows Installer decoded",
            verifies: "that table and directory name themselves; that no sector is in two streams and no stream too short",
            limits: &[
                "tables of a Windows Installer database are files; what they say is not read",
                "the order of names in a storage",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no compound file header"))?;
        let sectors = Sectors::places(rest, &header);
        let len = sectors
            .used(rest, &header)
            .ok_or(Reject::NearMiss("a compound file without its sector table"))?;
        if !sectors.names_itself(rest, &header) {
            return Err(Reject::NearMiss(
                "a compound file whose sector table does not name itself",
            ));
        }
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut directory = Directory::new(&region, &header);
        directory.read(budget);
        let mut properties = Properties::new();
        properties.set("version", header.version.to_string());
        if let Some(class) = directory.class {
            properties.set("class", dos::guid(&class));
        }
        let (entries, spans, problems) = directory.finish();
        Opened {
            content: Content::Tree(Tree {
                entries,
                history: Vec::new(),
            }),
            spans,
            problems,
            properties,
        }
    }
}

/// What the header states.
struct Header {
    version: u16,
    /// The length of a sector as a power of two.
    shift: u32,
    /// How many sectors the table takes up.
    table_sectors: u32,
    /// The first sectors of the directory, of the table of small sectors, and of the list of where the table is.
    directory: u32,
    small_table: u32,
    list: u32,
    small_table_sectors: u32,
    /// Streams of fewer bytes are small.
    cutoff: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let header = Self {
            version: fields.u16(26)?,
            shift: fields.u16(30)?.into(),
            table_sectors: fields.u32(44)?,
            directory: fields.u32(48)?,
            small_table: fields.u32(60)?,
            list: fields.u32(68)?,
            small_table_sectors: fields.u32(64)?,
            cutoff: fields.u32(56)?,
        };
        let known = matches!((header.version, header.shift), (3, 9) | (4, 12))
            && fields.u16(28)? == 0xfffe
            && fields.u16(32)? == 6
            && header.cutoff == 4096
            && header.table_sectors > 0;
        (known && bytes.starts_with(&MAGIC) && length(bytes) >= HEADER).then_some(header)
    }

    /// Bytes of a sector.
    fn sector(&self) -> u64 {
        1 << self.shift
    }

    /// How many sectors fit in a region, that of the header among them.
    fn count(&self, region: &Bytes) -> u64 {
        length(region) >> self.shift
    }

    /// Where a sector stands, in bytes from the region's start: the header takes up one of its own.
    fn place(&self, sector: u32) -> u64 {
        u64::from(sector)
            .saturating_add(1)
            .saturating_mul(self.sector())
    }
}
