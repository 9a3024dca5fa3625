//! The setup header of a Windows CE installation cabinet, its member with the extension `.000`: what the other members are called on the
//! device, where they go, and what is written to its registry.
//!
//! "Windows CE installation cabinet (.CAB) file format" of cabextract.

mod records;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::records::Tables;
use crate::budget::Budget;
use crate::formats::{Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject, Tree};
use crate::problem::Problem;
use crate::read::{Fields, index};

/// Setup headers of Windows CE cabinets.
pub(in crate::formats) struct CeSetup;

const MAGIC: &[u8] = b"MSCE";
/// Bytes of the header.
const HEADER: u64 = 100;

impl Format for CeSetup {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ce-setup",
            title: "Windows CE setup header (.000 of an installation cabinet)",
            kind: Kind::Archive,
            spec: "cabextract, Windows CE installation cabinet (.CAB) file format",
            reads: "application, provider, processor and versions; the path on the device of each member of the cabinet; links; registry values, as files",
            verifies: "that all tables lie in it and name what it has",
            limits: &[
                "texts are in a code page that is stored nowhere: their bytes are kept",
                "variables in registry values are not replaced",
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
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no setup header"))?;
        Ok(Extent::known(header.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut tables = Tables::new(&region, budget);
        tables.read(&header);
        let (entries, spans, problems, properties) = tables.finish();
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

/// How many records a table has, and where it starts.
#[derive(Clone, Copy)]
struct Table {
    count: u16,
    at: u64,
}

/// A text: where it stands, and its length with the zero at its end.
#[derive(Clone, Copy)]
struct Text {
    at: u64,
    len: u64,
}

/// What the header states.
struct Header {
    len: u64,
    processor: u32,
    /// Major and minor version of Windows CE, and its build: the least and the most that will do; 0 for any.
    least: (u32, u32, u32),
    most: (u32, u32, u32),
    strings: Table,
    dirs: Table,
    files: Table,
    hives: Table,
    values: Table,
    links: Table,
    application: Text,
    provider: Text,
    /// Platforms on which it is not to be installed, each with a zero at its end.
    unsupported: Text,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let len = u64::from(fields.u32(8)?);
        let table = |number: usize| {
            let count = fields.u16(number.checked_mul(2)?.checked_add(48)?)?;
            let at = u64::from(fields.u32(number.checked_mul(4)?.checked_add(60)?)?);
            (count == 0 || (HEADER..len).contains(&at)).then_some(Table { count, at })
        };
        let text = |at: usize| {
            let text = Text {
                at: fields.u16(at)?.into(),
                len: fields.u16(at.checked_add(2)?)?.into(),
            };
            let sound = text.len == 0 || text.at >= HEADER && text.at.checked_add(text.len)? <= len;
            sound.then_some(text)
        };
        let header = Self {
            len,
            processor: fields.u32(20)?,
            least: (fields.u32(24)?, fields.u32(28)?, fields.u32(40)?),
            most: (fields.u32(32)?, fields.u32(36)?, fields.u32(44)?),
            strings: table(0)?,
            dirs: table(1)?,
            files: table(2)?,
            hives: table(3)?,
            values: table(4)?,
            links: table(5)?,
            application: text(84)?,
            provider: text(88)?,
            unsupported: text(92)?,
        };
        // The name of the application is what the device lists it by: there is always one.
        let name = header.application;
        let last = index(name.at.checked_add(name.len)?.checked_sub(1)?);
        let known = bytes.starts_with(MAGIC) && len >= HEADER && name.len > 1;
        let closed = bytes.get(last).is_none_or(|&byte| byte == 0);
        (known && closed).then_some(header)
    }
}
