//! The embedded transaction file system (ETFS) that QNX keeps in NAND flash, little-endian.
//!
//! A page of the flash (a cluster) holds a piece of a file, and a transaction behind it says of which file it is, which piece, and how
//! new. The file with the number 1 is the table of all files; its second entry is its own, which is what betrays the file system.

mod geometry;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

use bytes::Bytes;

use self::geometry::{Geometry, NAME, NAME_AT};
use self::scan::Scan;
use self::tree::Objects;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;

/// ETFS.
pub(in crate::formats) struct QnxEtfs;

impl Format for QnxEtfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx-etfs",
            title: "QNX embedded transaction file system (ETFS)",
            kind: Kind::Filesystem,
            spec: "QNX fs/etfs.h and mkxfs (mk_et_fsys.c); the spare bytes as drivers of QNX's board packages have them (devio.h, Apache 2.0); qnxmount's etfs parser",
            reads: "images of mketfs and etfsctl, with 16 bytes of transaction behind a page; dumps with the 64 and more spare bytes of the \
                    usual drivers; files, directories, links and pipes; older contents that are still there in full",
            verifies: "the file table against itself; what transactions say of damaged pages; that no piece of a file is missing",
            limits: &[
                "CRC and ECC in the spare bytes, of whose polynomial no document tells; spare bytes that other drivers lay out otherwise",
                "dumps without spare bytes, of which nothing says which page belongs to which file",
                "the lists of bad blocks and of erase counts are named only",
                "of a file the newest 8 older contents; which name a deleted file had is known from older pages of the table alone",
                "a region ends with the last page whose transaction makes sense, and its erased pages behind that are a gap",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: NAME,
            at: NAME_AT,
        }]
    }

    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        geometry::locate(stream, hit)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let geometry = Geometry::find(rest).ok_or(Reject::Coincidence("no file table"))?;
        Ok(Extent::known(geometry.reach(rest), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(geometry) = Geometry::find(&region) else {
            return Opened::unread(Problem::corrupt("no page with the start of the file table"));
        };
        let mut harvest = Harvest::new(budget);
        harvest.properties.set("page", geometry.page.to_string());
        harvest.properties.set("spare", geometry.spare.to_string());
        let scan = Scan::new(&region, geometry, &mut harvest);
        Objects::new(region, scan, harvest).run()
    }
}
