//! The index: which baselines are current, as somebody says whose word travels faster than baselines do.
//!
//! Carried in on a stick, it is the offline stand-in for a server that says what is newest.

use jiff::Timestamp;

use crate::digest::Digest;
use crate::document::write::{Row, array, push, quoted};
use crate::document::{self, Fault, Field, Malformed};

/// What an index says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its number, higher than that of the one before it.
    pub sequence: u64,
    /// When it was made, as its signers claim.
    pub issued: Timestamp,
    /// From when on it is stale.
    pub expires: Timestamp,
    /// The current baselines; several of one model where several are current.
    pub current: Vec<Current>,
}

/// A baseline that is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The vendor of the device.
    pub vendor: String,
    /// Its model.
    pub model: String,
    /// The firmware version.
    pub version: String,
    /// The baseline's number.
    pub sequence: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Versions below this one are superseded.
    pub security_floor: Option<String>,
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        document::read(bytes, document::Kind::Index, |top| {
            Ok(Self {
                sequence: top.need("sequence", Field::number)?,
                issued: top.need("issued", Field::time)?,
                expires: top.need("expires", Field::time)?,
                current: top.need("current", rows)?,
            })
        })
    }

    /// The text of this index; [`Index::parse`] reads it back.
    pub fn write(&self) -> String {
        let mut out = String::new();
        for (key, value) in [
            ("format", quoted(document::Kind::Index.format())),
            ("schema", "1".to_owned()),
            ("sequence", self.sequence.to_string()),
            ("issued", self.issued.to_string()),
            ("expires", self.expires.to_string()),
        ] {
            push(&mut out, &[key, " = ", &value, "\n"]);
        }
        array(&mut out, "current", self.current.iter().map(write_row));
        out
    }

    /// What it says of a model.
    pub fn of<'a>(&'a self, vendor: &str, model: &str) -> impl Iterator<Item = &'a Current> {
        let (vendor, model) = (vendor.to_owned(), model.to_owned());
        self.current
            .iter()
            .filter(move |row| row.vendor == vendor && row.model == model)
    }
}

fn rows(field: Field<'_>) -> Result<Vec<Current>, Fault> {
    let mut rows: Vec<Current> = Vec::new();
    for field in field.list()? {
        let mut row = field.table()?;
        rows.push(Current {
            vendor: row.need("vendor", Field::plain)?,
            model: row.need("model", Field::plain)?,
            version: row.need("version", Field::plain)?,
            sequence: row.need("sequence", Field::number)?,
            sha256: row.need("sha256", Field::digest)?,
            security_floor: row.maybe("security_floor", Field::plain)?,
        });
        row.end("a row of `current`")?;
    }
    Ok(rows)
}

fn write_row(current: &Current) -> Row {
    Row::default()
        .text("vendor", &current.vendor)
        .text("model", &current.model)
        .text("version", &current.version)
        .number("sequence", Some(current.sequence))
        .digest("sha256", Some(current.sha256))
        .maybe(current.security_floor.as_deref(), |row, floor| {
            row.text("security_floor", floor)
        })
}
