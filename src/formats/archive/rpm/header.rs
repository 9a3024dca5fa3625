//! A header of RPM: an index of tags, and a store of their values.

use crate::digest::hex;
use crate::formats::stored::Ledger;
use crate::read::{Fields, index};

/// What starts a header in a file.
pub(crate) const MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 1];

/// The lengths of what starts a header, and of an entry of its index (bytes).
const START: u64 = 16;
const ENTRY: u64 = 16;

/// The largest index and store, those of rpm itself.
const ENTRIES: u32 = 0xffff;
const STORE: u32 = 256 << 20;

/// Types of values.
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRINGS: u32 = 8;
const TEXTS: u32 = 9;

/// Room that is left for signatures.
const RESERVED_SPACE: u32 = 1008;

/// Where a header and its parts stand, in bytes from the region's start.
pub(crate) struct Header {
    pub(super) at: u64,
    entries: u32,
    store_at: u64,
    pub(super) end: u64,
}

/// An entry of the index.
struct Entry {
    tag: u32,
    kind: u32,
    /// Where its value stands, in bytes from the region's start.
    at: u64,
    count: u32,
}

/// A value.
pub(crate) enum Value {
    Numbers(Vec<u64>),
    /// One text, or the first of several.
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

impl Header {
    /// The header at `at`; `None` where there is none, or not all of it.
    pub(crate) fn parse(region: &[u8], at: u64) -> Option<Self> {
        let fields = Fields::big(region.get(index(at)..)?);
        let (entries, store) = (fields.u32(8)?, fields.u32(12)?);
        if fields.slice(0, 4)? != MAGIC || entries == 0 || entries > ENTRIES || store > STORE {
            return None;
        }
        let index_len = u64::from(entries).checked_mul(ENTRY)?;
        let store_at = at.checked_add(START)?.checked_add(index_len)?;
        let end = store_at.checked_add(u64::from(store))?;
        region.get(index(at)..index(end))?;
        Some(Self {
            at,
            entries,
            store_at,
            end,
        })
    }

    fn entries<'a>(&'a self, region: &'a [u8]) -> impl Iterator<Item = Entry> + 'a {
        (0..self.entries).filter_map(move |number| {
            let from = u64::from(number).checked_mul(ENTRY)?;
            let at = self.at.checked_add(START)?.checked_add(from)?;
            let fields = Fields::big(region.get(index(at)..)?);
            Some(Entry {
                tag: fields.u32(0)?,
                kind: fields.u32(4)?,
                at: self.store_at.checked_add(u64::from(fields.u32(8)?))?,
                count: fields.u32(12)?,
            })
        })
    }

    /// The bytes of a value, and its length; `None` where it reaches past the store.
    fn stored<'a>(&self, region: &'a [u8], entry: &Entry) -> Option<&'a [u8]> {
        let store = region.get(index(entry.at)..index(self.end))?;
        let count = usize::try_from(entry.count).ok()?;
        let len = match entry.kind {
            0 => 0,
            1 | 2 | BINARY => count,
            3 => count.checked_mul(2)?,
            4 => count.checked_mul(4)?,
            5 => count.checked_mul(8)?,
            STRING => memchr::memchr(0, store)?.checked_add(1)?,
            STRINGS | TEXTS => {
                let mut ends = memchr::memchr_iter(0, store);
                let last = count.checked_sub(1)?;
                ends.nth(last)?.checked_add(1)?
            }
            _ => return None,
        };
        store.get(..len)
    }

    /// The value of a tag.
    pub(crate) fn value(&self, region: &[u8], tag: u32) -> Option<Value> {
        let entry = self.entries(region).find(|entry| entry.tag == tag)?;
        let stored = self.stored(region, &entry)?;
        let numbers = |len: usize| {
            let number = |bytes: &[u8]| {
                let bytes = bytes.iter();
                bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
            };
            Value::Numbers(stored.chunks_exact(len).map(number).collect())
        };
        Some(match entry.kind {
            1 | 2 => numbers(1),
            3 => numbers(2),
            4 => numbers(4),
            5 => numbers(8),
            STRING | STRINGS | TEXTS => {
                let text = stored.split(|&byte| byte == 0).next();
                Value::Text(text.unwrap_or_default().to_vec())
            }
            BINARY => Value::Bytes(stored.to_vec()),
            _ => return None,
        })
    }

    /// Names the start, the index and every value of a tag that rpm knows. What stands between values, and room that is left for
    /// signatures, explains nothing.
    pub(super) fn name(&self, region: &[u8], ledger: &mut Ledger) {
        ledger.metadata(self.at, self.store_at.saturating_sub(self.at));
        // Values do not overlap. Entries that share theirs would be work without end.
        let mut room = self.end.saturating_sub(self.store_at).saturating_mul(4);
        for entry in self.entries(region) {
            let is_known =
                matches!(entry.tag, 61..=64 | 100 | 256..=279 | 1000..=1200 | 5000..=5199);
            let stored = self.stored(region, &entry);
            let looked_at = match stored {
                Some(stored) => crate::read::length(stored),
                None => self.end.saturating_sub(entry.at),
            };
            let Some(left) = room.checked_sub(looked_at) else {
                break;
            };
            room = left;
            if let Some(stored) = stored
                && is_known
                && (entry.tag != RESERVED_SPACE || entry.kind != BINARY)
            {
                // Numbers stand at multiples of their length, behind zeros.
                let alignment: u64 = match entry.kind {
                    3 => 1,
                    4 => 3,
                    5 => 7,
                    _ => 0,
                };
                let len = crate::read::length(stored);
                ledger.metadata(entry.at, len);
                let before = entry.at.saturating_sub(alignment).max(self.store_at);
                ledger.padding(region, before..entry.at);
            }
        }
    }
}

impl Value {
    /// As a person reads it.
    pub(super) fn shown(&self) -> Vec<u8> {
        match self {
            Self::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                numbers.join(", ").into_bytes()
            }
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => hex(bytes).into_bytes(),
        }
    }

    /// Whether it is this digest, as bytes or in hexadecimal.
    pub(super) fn is_digest(&self, digest: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == digest,
            Self::Text(text) => text.eq_ignore_ascii_case(hex(digest).as_bytes()),
            Self::Numbers(_) => false,
        }
    }
}
