//! Registry hives of Windows CE: `boot.hv`, `default.hv`, `system.hv`, `user.hv`.
//!
//! Nobody has specified them; itsme's hvtool reads and writes them, and the header is that of `fslog.h`, which Microsoft's Platform Builder has. A
//! header of one page, a list of sections, and sections: tables of 1024 records each, whose records name each other by number.

mod heap;
mod record;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::heap::Heap;
use self::walk::Walk;
use super::bounded;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::digest::hex;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, cut};

/// Registry hives of Windows CE.
pub(in crate::formats) struct WinceHive;

const MAGIC: &[u8] = b"EKIM";
/// The version of the header, which is its first word.
const VERSION: u32 = 0x400;
/// Bytes of the header that are fields; the log of what was being done follows, up to the end of the page.
const FIELDS: u64 = 0xfc;
/// The handle that leads nowhere.
const NONE: u32 = u32::MAX;

impl Format for WinceHive {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "wince-hive",
            title: "Windows CE registry hive",
            kind: Kind::Filesystem,
            spec: "itsme's hvtool; fslog.h of Windows CE",
            reads: "keys as directories, values as files with their type behind a `%`",
            verifies: "that sections and records are where they should be and each has one owner",
            limits: &[
                "`default.fdf`, the registry of systems without hives: no description of it was found",
                "database volumes (`.vol`), which have the same header, are named and bounded",
                "what a hive takes from the hive in ROM that it names",
                "the signature in the header: it names a hive to another, and how it comes about is not documented",
                "free records and the log in the header, which are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: MAGIC,
            at: 8,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no header of a hive"))?;
        if heap::section(rest, 0).is_none() {
            return Err(Reject::NearMiss("a hive without its first section"));
        }
        Ok(Extent::known(header.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        if header.registry == NONE {
            let mut properties = Properties::new();
            properties.set("signature", hex(&header.signature));
            let span = Span::metadata(0, FIELDS);
            return bounded::unread("a database volume of Windows CE", span, properties);
        }
        let mut harvest = Harvest::new(budget);
        header.tell(&region, &mut harvest);
        let mut heap = Heap::scan(&region, &header, &mut harvest);
        Walk::new(&mut heap, &mut harvest).run(header.registry);
        heap.tell(&mut harvest);
        harvest.finish()
    }
}

/// What the header states.
struct Header {
    /// Names it, where another hive builds on it.
    signature: [u8; 16],
    /// The signature of the hive in ROM that it builds on; zeros for none.
    rom: [u8; 16],
    /// Its length in bytes.
    len: u64,
    /// The handle of the record that leads to the roots.
    registry: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let header = Self {
            signature: fields.slice(12, 16)?.try_into().ok()?,
            len: fields.u32(0x20)?.into(),
            rom: fields.slice(0x28, 16)?.try_into().ok()?,
            registry: fields.u32(0xf0)?,
        };
        let known = fields.u32(0)? == VERSION && bytes.get(8..12)? == MAGIC;
        (known && header.len > heap::START).then_some(header)
    }

    fn tell(&self, region: &Bytes, harvest: &mut Harvest<'_>) {
        harvest.properties.set("signature", hex(&self.signature));
        if self.rom != [0; 16] {
            harvest.properties.set("rom-signature", hex(&self.rom));
        }
        harvest.account.metadata(0, FIELDS);
        if let Some(log) = cut(region, FIELDS, heap::LIST.saturating_sub(FIELDS)) {
            harvest.account.padded(FIELDS, &log, 0, 0);
        }
    }
}
