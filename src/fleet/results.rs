//! The file of results: one line of JSON for the audit itself, then one a device, each written when it is done.
//!
//! A crash or a power cut leaves whole lines and at most one that is torn. That one is cut off, and the audit goes on behind it.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{Record, SCHEMA};
use super::shard::ShardRow;
use crate::digest::Digest;
use crate::place::{escape, visible};
use crate::report::verify::{Tool, show};

/// A line is at most so long (1 MiB).
const LONGEST: u64 = 1 << 20;

/// One line of a file of results.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// The first: which audit it is.
    Audit(Box<Audit>),
    /// Each other.
    Device(Box<Record>),
}

/// Which audit it is. It may be gone on with only by one that says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// [`SCHEMA`].
    pub schema: String,
    /// The program.
    pub tool: Tool,
    /// The time that every device is judged by.
    pub judged_at: String,
    /// How many devices the inventory names.
    pub devices: u64,
    /// Which of them the file holds, where it is not to hold all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRow>,
    /// Whether records stand in its order.
    pub in_order: bool,
    /// What the verdicts depend on, by digests.
    pub by: By,
}

/// What verdicts depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// What the inventory says.
    pub inventory: Digest,
    /// The baselines.
    pub baselines: Digest,
    /// Whose word counts about them.
    pub trust: Digest,
    /// Packs of rules, YARA rules and the key of fingerprints.
    pub rules: Digest,
    /// All other options that a verdict depends on.
    pub options: Digest,
}

/// Why an audit cannot go on with a file of results.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line is none of an audit.
    #[error("line {0} is no record of an audit: {1}")]
    Line(u64, String),
    /// It has no first line, or another.
    #[error("its first line does not say which audit it is")]
    NoAudit,
    /// It is of another audit.
    #[error("it is of another audit, with other {0}")]
    Other(&'static str),
    /// It is of another part of the fleet.
    #[error("it holds {}, and this is {}", part(*.0), part(*.1))]
    Shard(Option<ShardRow>, Option<ShardRow>),
}

fn part(shard: Option<ShardRow>) -> String {
    match shard {
        Some(shard) => format!("shard {}/{}", shard.index, shard.of),
        None => "a whole fleet".to_owned(),
    }
}

impl Line {
    /// Reads a line; hidden characters, which no record has, are shown as what they are.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let malformed = |error: serde_json::Error| escape(error.to_string().as_bytes());
        let text = std::str::from_utf8(bytes).map_err(|_not| "it is not UTF-8".to_owned())?;
        let is_plain = !text.contains("\\u") && visible(text) == text;
        let line: Self = if is_plain {
            serde_json::from_str(text).map_err(malformed)?
        } else {
            let mut value: Value = serde_json::from_str(text).map_err(malformed)?;
            show(&mut value);
            serde_json::from_value(value).map_err(malformed)?
        };
        let schema = match &line {
            Self::Audit(audit) => &audit.schema,
            Self::Device(record) => &record.schema,
        };
        if schema == SCHEMA {
            Ok(line)
        } else {
            Err(format!("its schema is {schema}, not {SCHEMA}"))
        }
    }

    /// The line as it is written, with its end.
    ///
    /// # Errors
    /// None that is known: a record is texts and numbers alone.
    pub fn write(&self) -> serde_json::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// What a file of results holds in whole lines.
#[derive(Debug)]
pub struct Whole {
    /// Which audit it is; absent where not even that was written whole.
    pub audit: Option<Audit>,
    /// The length of the whole lines, in bytes.
    pub whole: u64,
    /// Whether a torn line follows.
    pub is_torn: bool,
}

/// Where a record stands in its file.
#[derive(Clone, Copy, Debug)]
pub struct At<'l> {
    /// The number of its line, from 1.
    pub number: u64,
    /// The start of its line, in bytes from the file's start.
    pub start: u64,
    /// The line, with its end.
    pub line: &'l [u8],
}

/// Reads a file of results line by line; `each` is given every record. A last line that is torn is passed over.
///
/// # Errors
/// [`Unusable`]: a line that is not the last is no record. Errors of `each` go through.
pub fn read<E: From<Unusable>>(
    from: impl BufRead,
    mut each: impl FnMut(&Audit, Record) -> Result<(), E>,
) -> Result<Whole, E> {
    read_lines(from, |audit, record, _| each(audit, record))
}

/// The same, where `each` is also told where the record stands.
///
/// # Errors
/// As those of [`read`].
pub fn read_lines<E: From<Unusable>>(
    mut from: impl BufRead,
    mut each: impl FnMut(&Audit, Record, At<'_>) -> Result<(), E>,
) -> Result<Whole, E> {
    let mut read = Whole {
        audit: None,
        whole: 0,
        is_torn: false,
    };
    let (mut number, mut line) = (0_u64, Vec::new());
    loop {
        line.clear();
        let taken = (&mut from).take(LONGEST).read_until(b'\n', &mut line);
        let length = u64::try_from(taken.map_err(Unusable::from)?).unwrap_or(u64::MAX);
        if length == 0 {
            return Ok(read);
        }
        number = number.saturating_add(1);
        let parsed = match line.strip_suffix(b"\n") {
            Some(line) => Line::parse(line),
            None => Err("it has no end".to_owned()),
        };
        match (parsed, &read.audit) {
            (Ok(Line::Audit(audit)), None) => read.audit = Some(*audit),
            (Ok(Line::Device(record)), Some(audit)) => {
                let (start, line) = (read.whole, line.as_slice());
                let at = At {
                    number,
                    start,
                    line,
                };
                each(audit, *record, at)?;
            }
            (Ok(Line::Device(_)), None) => return Err(Unusable::NoAudit.into()),
            (Ok(Line::Audit(_)), Some(_)) => {
                let what = "a second audit begins".to_owned();
                return Err(Unusable::Line(number, what).into());
            }
            (Err(what), _) => {
                let is_last = from.fill_buf().map_err(Unusable::from)?.is_empty();
                if !is_last {
                    return Err(Unusable::Line(number, what).into());
                }
                read.is_torn = true;
                return Ok(read);
            }
        }
        read.whole = read.whole.saturating_add(length);
    }
}

impl Audit {
    /// Refuses to go on with an audit that is not this one. The times may differ: an audit that goes on is judged by its own.
    ///
    /// # Errors
    /// [`Unusable::Other`].
    pub fn must_be(&self, other: &Self) -> Result<(), Unusable> {
        let pairs = [
            ("versions of vitalsign", self.tool != other.tool),
            (
                "devices in its inventory",
                self.by.inventory != other.by.inventory,
            ),
            ("baselines", self.by.baselines != other.by.baselines),
            ("keys or another keyring", self.by.trust != other.by.trust),
            ("rules", self.by.rules != other.by.rules),
            ("options", self.by.options != other.by.options),
            ("records as to --in-order", self.in_order != other.in_order),
            ("devices", self.devices != other.devices),
        ];
        match pairs.iter().find(|(_, differs)| *differs) {
            Some((what, _)) => Err(Unusable::Other(what)),
            None => self.must_hold(other.shard),
        }
    }

    /// Refuses a file of another part of the fleet.
    ///
    /// # Errors
    /// [`Unusable::Shard`].
    pub fn must_hold(&self, shard: Option<ShardRow>) -> Result<(), Unusable> {
        if self.shard == shard {
            Ok(())
        } else {
            Err(Unusable::Shard(self.shard, shard))
        }
    }

    /// Refuses a part of another audit than this one is a part of, with other times too.
    ///
    /// # Errors
    /// [`Unusable::Other`].
    pub fn must_be_with(&self, other: &Self) -> Result<(), Unusable> {
        self.whole().must_be(&other.whole())?;
        if self.judged_at == other.judged_at {
            Ok(())
        } else {
            Err(Unusable::Other("times (--now)"))
        }
    }

    /// The audit of the whole fleet, in order, that this one is a part of.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self {
            shard: None,
            in_order: true,
            ..self.clone()
        }
    }

    /// How many devices have their records in the file, once it is whole.
    pub fn expected(&self) -> u64 {
        self.shard.map_or(self.devices, |shard| shard.devices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::inventory::Device;

    fn audit() -> Audit {
        let sha256 = Digest::of(b"");
        Audit {
            schema: SCHEMA.to_owned(),
            tool: Tool::default(),
            judged_at: "2026-11-22T00:00:00Z".to_owned(),
            devices: 2,
            shard: None,
            in_order: true,
            by: By {
                inventory: sha256,
                baselines: sha256,
                trust: sha256,
                rules: sha256,
                options: sha256,
            },
        }
    }

    fn record(position: u64, told: &str) -> Record {
        let device = Device {
            image: format!("{position}.bin"),
            version: Some("1".to_owned()),
            ..Device::default()
        };
        Record::error(position, &device, 66, told)
    }

    fn written() -> Vec<u8> {
        let mut text = Line::Audit(Box::new(audit())).write().unwrap();
        for position in 0..2 {
            let line = Line::Device(Box::new(record(position, "cannot be read")));
            text.extend(line.write().unwrap());
        }
        text
    }

    fn parsed(text: &[u8]) -> Result<(Vec<Record>, Whole), Unusable> {
        let mut records = Vec::new();
        let whole = read(text, |_, record| {
            records.push(record);
            Ok::<(), Unusable>(())
        })?;
        Ok((records, whole))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (records, whole) = parsed(&written()).unwrap();
        assert_eq!(
            records,
            [record(0, "cannot be read"), record(1, "cannot be read")]
        );
        assert_eq!(whole.audit, Some(audit()));
        assert!(!whole.is_torn);
    }

    #[test]
    fn wherever_it_was_torn_whole_lines_count() {
        let text = written();
        let ends: Vec<usize> = (1..=text.len())
            .filter(|end| text.get(end - 1) == Some(&b'\n'))
            .collect();
        for cut in 0..=text.len() {
            let (records, whole) = parsed(text.get(..cut).unwrap()).unwrap();
            let last = ends.iter().filter(|end| **end <= cut).max().copied();
            assert_eq!(whole.whole, last.unwrap_or(0) as u64, "{cut}");
            let lines = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(records.len(), lines.saturating_sub(1), "{cut}");
            assert_eq!(whole.is_torn, last.unwrap_or(0) < cut, "{cut}");
            assert_eq!(whole.audit.is_some(), lines > 0, "{cut}");
        }
    }

    #[test]
    fn what_is_no_file_of_results_is_refused() {
        let text = written();
        let twice = [text.as_slice(), &text].concat();
        assert!(matches!(parsed(&twice), Err(Unusable::Line(4, _))));
        let (_, headless) = text.split_at(text.iter().position(|it| *it == b'\n').unwrap() + 1);
        assert!(matches!(parsed(headless), Err(Unusable::NoAudit)));
        let middle = [headless, b"\n", headless].concat();
        assert!(parsed(&middle).is_err());
        let zeros = [text.as_slice(), &[0; 4096]].concat();
        assert!(parsed(&zeros).unwrap().1.is_torn);
        let long = [text.as_slice(), &vec![b' '; 2 << 20]].concat();
        assert!(parsed(&long).is_err());
    }

    #[test]
    fn hidden_characters_in_a_file_are_shown() {
        let mut record = record(0, "x");
        record.device.asset = Some("\u{1b}[31m".to_owned());
        let text = [
            Line::Audit(Box::new(audit())).write().unwrap(),
            Line::Device(Box::new(record)).write().unwrap(),
        ];
        let (records, _) = parsed(&text.concat()).unwrap();
        assert_eq!(
            records.first().unwrap().device.asset.as_deref(),
            Some("\\x1b[31m")
        );
    }

    #[test]
    fn another_audit_is_told_by_what_differs() {
        let mut other = audit();
        assert!(audit().must_be(&other).is_ok());
        other.by.rules = Digest::of(b"other");
        let told = audit().must_be(&other).unwrap_err().to_string();
        assert_eq!(told, "it is of another audit, with other rules");
    }
}
