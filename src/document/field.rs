//! Reading TOML tables key by key, so that every complaint knows its line and nothing unknown is passed over.

use std::borrow::Cow;
use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::malformed::Fault;
use super::source::Source;
use crate::digest::{self, Digest};
use crate::entry::EntryPath;
use crate::place;

const MOMENT: &str = "a date and time with offset, such as 2026-11-02T09:00:00Z, without quotes";

/// One table, whose keys are taken out one after the other.
pub(crate) struct Table<'i> {
    /// Where it starts, in bytes from the text's start.
    pub(crate) at: usize,
    frame: Frame<'i>,
    entries: Vec<Entry<'i>>,
}

/// A key and its value, with where in their frame they start.
#[derive(Debug)]
pub(super) struct Entry<'i> {
    pub(super) key: Cow<'i, str>,
    pub(super) key_at: usize,
    pub(super) value: Value<'i>,
    pub(super) at: usize,
}

/// What a text says.
#[derive(Debug)]
pub(super) enum Value<'i> {
    /// A string that stands there as it is.
    Text(&'i str),
    /// A decimal number.
    Digits(&'i str),
    /// Whatever the TOML reader read.
    Toml(DeValue<'i>),
}

/// The entries of a table that the TOML reader read.
pub(super) fn entries(table: DeTable<'_>) -> Vec<Entry<'_>> {
    let entries = table.into_iter().map(|(key, value)| Entry {
        key_at: key.span().start,
        key: key.into_inner(),
        at: value.span().start,
        value: Value::Toml(value.into_inner()),
    });
    entries.collect()
}

/// The text that values come from, and where the row starts that their offsets count from; `None` for what stands in no row.
#[derive(Clone, Copy)]
struct Frame<'i> {
    source: &'i Source<'i>,
    row: Option<usize>,
}

impl Frame<'_> {
    /// Where in the text an offset of this frame is, in bytes from its start.
    fn place(self, at: usize) -> usize {
        self.row
            .map_or_else(|| self.source.place(at), |row| row.saturating_add(at))
    }
}

impl<'i> Table<'i> {
    /// The top level of a text.
    pub(crate) fn top(source: &'i Source<'i>) -> Result<Self, Fault> {
        let entries = entries(source.table()?.into_inner());
        Ok(Self {
            at: 0,
            frame: Frame { source, row: None },
            entries,
        })
    }

    /// Takes the value of a key that may be absent.
    pub(crate) fn maybe<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Field<'i>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(index) = self.entries.iter().position(|entry| entry.key == key) else {
            return Ok(None);
        };
        let Entry { value, at, .. } = self.entries.remove(index);
        read(Field::new(key, value, at, self.frame)).map(Some)
    }

    /// Takes the value of a key that must be there.
    pub(crate) fn need<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Field<'i>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.maybe(key, read)?
            .ok_or_else(|| Fault::new(self.at, format!("`{key}` is missing")))
    }

    /// Refuses whatever was not taken.
    pub(crate) fn end(self, what: &str) -> Result<(), Fault> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => {
                let name = place::escape(entry.key.as_bytes());
                let at = self.frame.place(entry.key_at);
                Err(Fault::new(at, format!("{what} knows no key `{name}`")))
            }
        }
    }
}

/// Where a value stands, and under which key.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    name: &'static str,
    /// In bytes from the text's start.
    pub(crate) at: usize,
}

impl Spot {
    /// The complaint that the value here is not what it must be.
    pub(crate) fn fault(self, must: impl std::fmt::Display) -> Fault {
        Fault::new(self.at, format!("`{}` must be {must}", self.name))
    }
}

/// One value.
pub(crate) struct Field<'i> {
    pub(crate) spot: Spot,
    frame: Frame<'i>,
    value: Value<'i>,
}

impl<'i> Field<'i> {
    fn new(name: &'static str, value: Value<'i>, at: usize, frame: Frame<'i>) -> Self {
        let at = frame.place(at);
        Self {
            spot: Spot { name, at },
            frame,
            value,
        }
    }

    /// Any string.
    pub(crate) fn string(self) -> Result<Cow<'i, str>, Fault> {
        match self.value {
            Value::Text(text) => Ok(Cow::Borrowed(text)),
            Value::Toml(DeValue::String(text)) => Ok(text),
            _ => Err(self.spot.fault("a string")),
        }
    }

    /// A string that a person can read: not empty, not longer than 256 bytes, nothing hidden in it.
    pub(crate) fn plain(self) -> Result<String, Fault> {
        let spot = self.spot;
        let text = self.string()?;
        let shown = place::escape(text.replace('\\', "/").as_bytes());
        let sound =
            shown.len() == text.len() && text.trim() == text && (1..=256).contains(&text.len());
        sound.then(|| text.into_owned()).ok_or_else(|| {
            spot.fault("1 to 256 bytes of text without control or hidden characters")
        })
    }

    /// A list of such strings, each once.
    pub(crate) fn plain_list(self) -> Result<Vec<String>, Fault> {
        self.set(Self::plain)
    }

    /// Bytes in the escape form of [`place`].
    pub(crate) fn bytes(self) -> Result<Vec<u8>, Fault> {
        let spot = self.spot;
        place::unescape(&self.string()?).ok_or_else(|| {
            spot.fault(
                "escaped the one way vitalsign writes (a hidden byte is \\xHH, a backslash \\\\)",
            )
        })
    }

    /// The same, kept as text.
    pub(crate) fn escaped(self) -> Result<String, Fault> {
        let bytes = self.bytes()?;
        Ok(place::escape(&bytes))
    }

    /// The path of an entry.
    pub(crate) fn path(self) -> Result<EntryPath, Fault> {
        let spot = self.spot;
        let bytes = self.bytes()?;
        let path = EntryPath::new(&bytes);
        let canonical = path.as_bytes() == bytes && !bytes.contains(&0);
        canonical.then_some(path).ok_or_else(|| {
            spot.fault("an absolute path without empty or `.` parts, trailing `/` or NUL")
        })
    }

    /// An unsigned number.
    pub(crate) fn number<T: TryFrom<u64>>(self) -> Result<T, Fault> {
        let spot = self.spot;
        let number = match &self.value {
            Value::Digits(digits) => digits.parse().ok(),
            Value::Toml(DeValue::Integer(digits)) => {
                u64::from_str_radix(digits.as_str(), digits.radix()).ok()
            }
            _ => None,
        };
        let bits = size_of::<T>().saturating_mul(8);
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                spot.fault(format_args!(
                    "a whole number of at most {bits} bits, not negative"
                ))
            })
    }

    /// Permission bits as four octal digits.
    pub(crate) fn mode(self) -> Result<u32, Fault> {
        let spot = self.spot;
        let text = self.string()?;
        let octal = text.len() == 4 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        octal
            .then(|| u32::from_str_radix(&text, 8).ok())
            .flatten()
            .ok_or_else(|| spot.fault("four octal digits in quotes, such as \"0755\""))
    }

    /// `true` or `false`.
    pub(crate) fn flag(self) -> Result<bool, Fault> {
        match self.value {
            Value::Toml(DeValue::Boolean(flag)) => Ok(flag),
            _ => Err(self.spot.fault("true or false")),
        }
    }

    /// A SHA-256.
    pub(crate) fn digest(self) -> Result<Digest, Fault> {
        let spot = self.spot;
        let digest = self.string()?.parse().ok();
        digest.ok_or_else(|| spot.fault("a SHA-256 as 64 lower-case hexadecimal digits"))
    }

    /// Bytes as lower-case hexadecimal digits.
    pub(crate) fn hex(self) -> Result<Vec<u8>, Fault> {
        let spot = self.spot;
        digest::unhex(&self.string()?)
            .ok_or_else(|| spot.fault("bytes as lower-case hexadecimal digits, two a byte"))
    }

    /// A moment with date, time to the second and offset.
    pub(crate) fn time(self) -> Result<jiff::Timestamp, Fault> {
        let spot = self.spot;
        let Value::Toml(DeValue::Datetime(time)) = &self.value else {
            return Err(spot.fault(MOMENT));
        };
        let whole = time.date.is_some()
            && time.offset.is_some()
            && time.time.is_some_and(|it| it.second.is_some());
        whole
            .then(|| time.to_string().parse().ok())
            .flatten()
            .ok_or_else(|| spot.fault(MOMENT))
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(self, words: &[(&'static str, T)]) -> Result<T, Fault> {
        let spot = self.spot;
        let text = self.string()?;
        words
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
                spot.fault(format_args!("one of {}", names.join(", ")))
            })
    }

    /// The values of an array.
    pub(crate) fn list(self) -> Result<impl ExactSizeIterator<Item = Field<'i>>, Fault> {
        let (name, frame) = (self.spot.name, self.frame);
        match self.value {
            Value::Toml(DeValue::Array(array)) => Ok(array.into_iter().map(move |value| {
                let at = value.span().start;
                Field::new(name, Value::Toml(value.into_inner()), at, frame)
            })),
            _ => Err(self.spot.fault("an array")),
        }
    }

    /// The values of an array, each read and each there once.
    pub(crate) fn set<T: Ord + Clone>(
        self,
        read: impl Fn(Field<'i>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        for field in self.list()? {
            let spot = field.spot;
            let value = read(field)?;
            if !seen.insert(value.clone()) {
                return Err(spot.fault("a list that names nothing twice"));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// A table whose keys are known.
    pub(crate) fn table(self) -> Result<Table<'i>, Fault> {
        let (at, Frame { source, row }) = (self.spot.at, self.frame);
        let Value::Toml(DeValue::Table(table)) = self.value else {
            return Err(self.spot.fault("a table"));
        };
        // Inside a row there are no rows: its own offsets must not be taken for those of others.
        if row.is_none()
            && let Some(entries) = source.row(at)
        {
            return Ok(Table {
                at,
                frame: Frame {
                    source,
                    row: Some(at),
                },
                entries: entries?,
            });
        }
        Ok(Table {
            at,
            frame: self.frame,
            entries: entries(table),
        })
    }

    /// A table whose keys are data: each key, with its value.
    pub(crate) fn map(self) -> Result<impl Iterator<Item = (Cow<'i, str>, Field<'i>)>, Fault> {
        let name = self.spot.name;
        let Table { entries, frame, .. } = self.table()?;
        Ok(entries
            .into_iter()
            .map(move |entry| (entry.key, Field::new(name, entry.value, entry.at, frame))))
    }
}
