//! What this machine has seen: the highest numbers, the latest time, the last keyring, every revocation.
//!
//! The file is not signed: it protects against old documents, not against whoever can write on this machine.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::PublicKey;
use super::keyring::Pinned;
use super::revocation::{self, Revocation};
use crate::digest::Digest;
use crate::document::write::{Row, array, push, quoted};
use crate::document::{self, Fault, Field, Malformed};

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The latest time at which something was judged.
    pub last_seen: Option<Timestamp>,
    /// The last keyring.
    pub keyring: Option<Pinned>,
    /// The highest number of an index.
    pub index: u64,
    /// The baselines with the highest numbers, one for each vendor, model and key.
    pub seen: BTreeMap<Line, Seen>,
    /// Every key that anything trusted has revoked.
    pub revoked: Vec<Revocation>,
}

/// What baselines are numbered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The vendor of the device.
    pub vendor: String,
    /// Its model.
    pub model: String,
    /// The fingerprint of the key that signed: a thief's high number must not outlive the key.
    pub key: Digest,
}

/// The baseline with the highest number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub sequence: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// The version below which it says that others are superseded.
    pub security_floor: Option<String>,
}

impl State {
    /// Reads a state file.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        document::read(bytes, document::Kind::State, |top| {
            Ok(Self {
                last_seen: top.maybe("last_seen", Field::time)?,
                keyring: top.maybe("keyring", pinned)?,
                index: top.maybe("index", Field::number)?.unwrap_or_default(),
                seen: top.maybe("seen", seen)?.unwrap_or_default(),
                revoked: top.maybe("revoked", revocation::rows)?.unwrap_or_default(),
            })
        })
    }

    /// The text of this state; [`State::parse`] reads it back.
    pub fn write(&self) -> String {
        let mut out = String::new();
        let mut line = |key: &str, value: &str| push(&mut out, &[key, " = ", value, "\n"]);
        line("format", &quoted(document::Kind::State.format()));
        line("schema", "1");
        if let Some(time) = self.last_seen {
            line("last_seen", &time.to_string());
        }
        if let Some(pinned) = &self.keyring {
            line("keyring", &pinned_row(pinned).inline());
        }
        line("index", &self.index.to_string());
        array(&mut out, "seen", self.seen.iter().map(seen_row));
        revocation::write_rows(&mut out, &self.revoked);
        out
    }

    /// Takes down a baseline: the highest number of its line stays.
    pub fn note(&mut self, line: Line, seen: Seen) {
        let known = self.seen.entry(line).or_insert_with(|| seen.clone());
        if seen.sequence > known.sequence {
            *known = seen;
        }
    }

    /// The baseline with the highest number of a model, whoever signed it. Lines of revoked keys do not count.
    pub fn highest(&self, vendor: &str, model: &str) -> Option<&Seen> {
        self.of(vendor, model).max_by_key(|seen| seen.sequence)
    }

    /// What was seen of a model, but for lines of revoked keys.
    pub fn of<'a>(&'a self, vendor: &str, model: &str) -> impl Iterator<Item = &'a Seen> {
        let (vendor, model) = (vendor.to_owned(), model.to_owned());
        let counts = |line: &Line, seen: &Seen| {
            let row = self.revoked.iter().find(|row| row.key == line.key);
            row.is_none_or(|row| row.keep_sha256.contains(&seen.sha256))
        };
        self.seen
            .iter()
            .filter(move |(line, seen)| {
                line.vendor == vendor && line.model == model && counts(line, seen)
            })
            .map(|(_, seen)| seen)
    }
}

fn seen(field: Field<'_>) -> Result<BTreeMap<Line, Seen>, Fault> {
    let mut rows = BTreeMap::new();
    for field in field.list()? {
        let spot = field.spot;
        let mut row = field.table()?;
        let line = Line {
            vendor: row.need("vendor", Field::plain)?,
            model: row.need("model", Field::plain)?,
            key: row.need("key", Field::digest)?,
        };
        let seen = Seen {
            sequence: row.need("sequence", Field::number)?,
            sha256: row.need("sha256", Field::digest)?,
            security_floor: row.maybe("security_floor", Field::plain)?,
        };
        row.end("a row of `seen`")?;
        if rows.insert(line, seen).is_some() {
            return Err(spot.fault("a list that names no vendor, model and key twice"));
        }
    }
    Ok(rows)
}

fn seen_row((line, seen): (&Line, &Seen)) -> Row {
    Row::default()
        .text("vendor", &line.vendor)
        .text("model", &line.model)
        .digest("key", Some(line.key))
        .number("sequence", Some(seen.sequence))
        .digest("sha256", Some(seen.sha256))
        .maybe(seen.security_floor.as_deref(), |row, floor| {
            row.text("security_floor", floor)
        })
}

fn pinned(field: Field<'_>) -> Result<Pinned, Fault> {
    let mut row = field.table()?;
    let pinned = Pinned {
        sequence: row.need("sequence", Field::number)?,
        sha256: row.need("sha256", Field::digest)?,
        threshold: row.need("threshold", |field| {
            let spot = field.spot;
            let number = NonZeroU8::new(field.number()?);
            number.ok_or_else(|| spot.fault("at least 1"))
        })?,
        roots: row.need("roots", |field| field.list()?.map(root).collect())?,
    };
    row.end("`keyring`")?;
    Ok(pinned)
}

fn root(field: Field<'_>) -> Result<PublicKey, Fault> {
    let spot = field.spot;
    let bytes = STANDARD.decode(field.string()?.as_bytes()).ok();
    bytes
        .and_then(|bytes| PublicKey::new(bytes.try_into().ok()?).ok())
        .ok_or_else(|| spot.fault("the 32 bytes of a sound Ed25519 key in base64"))
}

fn pinned_row(pinned: &Pinned) -> Row {
    let roots: Vec<String> = pinned
        .roots
        .iter()
        .map(|root| quoted(&STANDARD.encode(root.as_bytes())))
        .collect();
    Row::default()
        .number("sequence", Some(pinned.sequence))
        .digest("sha256", Some(pinned.sha256))
        .raw("threshold", &pinned.threshold.to_string())
        .raw("roots", &format!("[{}]", roots.join(", ")))
}
