//! The embedded file system (EFS, F3S) that QNX keeps in NOR flash, in the byte order of its machine.
//!
//! Erase units of one size each start with a header. One of them also holds the boot information: a signature, how many units
//! there are, and which of them it is. Where the units begin is known from that alone. What is in a unit are extents, whose headers
//! count from its end; a file or directory is a chain of them.

mod extents;
mod history;
mod record;
mod seal;
#[cfg(test)]
mod tests;
mod volume;
mod walk;

use bytes::Bytes;

use self::volume::{SIGNATURE, Volume};
use self::walk::Walk;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::Endian;

/// The QNX embedded file system.
pub(in crate::formats) struct QnxEfs;

impl Format for QnxEfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx-efs",
            title: "QNX embedded file system (EFS, F3S)",
            kind: Kind::Filesystem,
            spec: "QNX fs/f3s_spec.h (version 3, Apache 2.0) and sys/f3s_spec.h (version 2); mkxfs (mk_flash_fsys_v3.c); qnxmount's efs parser",
            reads: "versions 2 and 3, both byte orders: files, directories, links and pipes, whichever of their extents count; what was \
                    overwritten or deleted and is still there in full is history",
            verifies: "that every unit has a header of the same size and byte order, or is erased; in version 3 the sums over the numbers \
                       of logical units; that no extent belongs to two files",
            limits: &[
                "blocks that version 2 has compressed, and files that QNX's `deflate` compressed (LZO, UCL), are shown as stored",
                "the first of the three status words counts, as qnxmount has it; the code over the headers of extents is not verified",
                "version 2 and big-endian volumes were compared with no other reader, since there is none",
                "an older content may mix pieces that were overwritten at different times; parts of files that no name leads to are gaps",
                "device nodes, of which no document says where their numbers stand",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: SIGNATURE,
            at: 0,
        }]
    }

    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        Volume::locate(stream, hit)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let volume = Volume::find(rest).ok_or(Reject::Coincidence("no boot information"))?;
        if volume.are_units(rest) {
            return Ok(Extent::known(volume.len(), Proof::Structure));
        }
        Err(Reject::NearMiss("boot information among other units"))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(volume) = Volume::find(&region) else {
            return Opened::unread(Problem::corrupt("no boot information"));
        };
        let mut harvest = Harvest::new(budget);
        let properties = &mut harvest.properties;
        let order = match volume.unit.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        let boot = &volume.boot;
        properties.set("byte-order", order);
        properties.set("version", format!("{}.{}", boot.major, boot.minor));
        properties.set("unit", volume.unit.len().to_string());
        properties.set("units", boot.total.to_string());
        properties.set("spare-units", boot.spare.to_string());
        Walk::new(region, volume, harvest).run()
    }
}
