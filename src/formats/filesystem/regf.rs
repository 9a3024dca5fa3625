//! Registry hives of Windows NT: SYSTEM, SOFTWARE, NTUSER.DAT, BCD.
//!
//! "Windows registry file format specification" by M. Suhanov; "Windows NT Registry File (REGF) format" of libregf. A base block with a
//! checksum, then bins of cells; keys, values, lists and data are cells, found by their offset.

mod base;
mod cells;
mod key;
mod log;
#[cfg(test)]
mod tests;
mod value;
mod walk;

use bytes::Bytes;

use self::base::{Base, FileType};
use self::cells::Cells;
use self::walk::Walk;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::cut;

/// Registry hives of Windows NT.
pub(in crate::formats) struct Regf;

const MAGIC: &[u8] = b"regf";

impl Format for Regf {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "regf",
            title: "Windows NT registry hive",
            kind: Kind::Filesystem,
            spec: "Windows registry file format specification (M. Suhanov); libregf, Windows NT Registry File (REGF) format",
            reads: "versions 1.3 to 1.6: keys as directories, values as files with their type behind a `%`, class names, security descriptors, big data",
            verifies: "the checksum of the base block and that no write was under way; that every cell is allocated and has one owner; the hashes of names; the number of subkeys and values; the parents of keys",
            limits: &[
                "transaction logs are named, and not applied to their hive",
                "deleted keys and values are not put together again: their cells stay unexplained",
                "a key's security descriptor is told where it is another than that of the key above",
                "the up to 7 bytes behind a record that only fill its cell up are not looked at",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let base = Base::parse(rest).ok_or(Reject::Coincidence("no base block of a hive"))?;
        if base.file_type == FileType::Log {
            let len = log::measure(rest, &base);
            let len = len.ok_or(Reject::Coincidence("no log of a hive"))?;
            return Ok(Extent::known(len, Proof::Checksum));
        }
        let first = cut(rest, base::LEN, 4);
        if first.as_deref() != Some(cells::BIN) {
            return Err(Reject::NearMiss("a hive without its first bin"));
        }
        let proof = if base.is_sound {
            Proof::Checksum
        } else {
            Proof::Structure
        };
        Ok(Extent::known(base.end(), proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(base) = Base::parse(&region) else {
            return Opened::unread(Problem::corrupt("the base block is cut off"));
        };
        if base.file_type == FileType::Log {
            return log::open(&region, &base);
        }
        let mut harvest = Harvest::new(budget);
        base.tell(&region, &mut harvest);
        let mut cells = Cells::scan(&region, &base, &mut harvest);
        let mut walk = Walk::new(&base, &mut cells, &mut harvest);
        walk.run();
        cells.tell(&mut harvest);
        harvest.finish()
    }
}
