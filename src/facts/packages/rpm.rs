//! The database of rpm: a header for each package, as its file has one, without the magic. Since 4.16 (2020) rpm keeps them in `SQLite`, before that in a
//! hash of Berkeley DB. The form of SUSE, ndb, is not read.
//!
//! Specification: rpm, `lib/backend/sqlite.c` and `bdb_ro.c`.

mod berkeley;
mod sqlite;
#[cfg(test)]
mod tests;

use super::{Package, Source, Stated, line, word};
use crate::formats::rpm::{Header, MAGIC, Value};

/// Tags of a header.
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const LICENSE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const SOURCE: u32 = 1044;

/// A key that rpm trusts is kept as a package of this name.
const KEY: &str = "gpg-pubkey";

/// The longest header, that of rpm itself (bytes).
const LONGEST: usize = 256 << 20;

/// A record of a database.
struct Record {
    /// Where its first bytes stand, in bytes from the file's start.
    at: u64,
    /// What it holds; `None` where that is damaged.
    bytes: Option<Vec<u8>>,
}

/// The rest of a database cannot be found.
struct Lost;

/// The packages of a database.
pub(super) fn read(bytes: &[u8]) -> Stated {
    let mut stated = Stated::default();
    let each = &mut |record: Record| match record.bytes {
        Some(header) => match package(header, record.at) {
            Some(package) if package.name == KEY => {}
            package => stated.take(package),
        },
        None => stated.take(None),
    };
    let done = if bytes.is_empty() {
        Ok(())
    } else if sqlite::is_one(bytes) {
        sqlite::rows(bytes, b"Packages", each)
    } else if let Some(database) = berkeley::Database::of(bytes) {
        database.records(each)
    } else {
        stated.unread = Some(unread(bytes));
        return stated;
    };
    if done.is_err() {
        stated.unread = Some("packages: this database of rpm is damaged, and was read in part");
    }
    stated
}

/// Why none of it is read.
fn unread(bytes: &[u8]) -> &'static str {
    if sqlite::is_log(bytes) {
        "packages: what rpm changed last is not in its database yet, and is not read"
    } else if bytes.starts_with(b"RpmP") {
        "packages: the database of rpm (ndb) is not read"
    } else {
        "packages: this database of rpm is of no known form, and is not read"
    }
}

/// The package that a header is of.
fn package(mut header: Vec<u8>, at: u64) -> Option<Package> {
    header.splice(..0, MAGIC.into_iter().chain([0; 4]));
    let found = Header::parse(&header, 0)?;
    let text = |tag| match found.value(&header, tag)? {
        Value::Text(text) => Some(text),
        Value::Numbers(_) | Value::Bytes(_) => None,
    };
    let name = word(&text(NAME)?)?;
    let mut version = word(&text(VERSION)?)?;
    version = format!("{version}-{}", word(&text(RELEASE)?)?);
    if let Some(Value::Numbers(epoch)) = found.value(&header, EPOCH) {
        version = format!("{}:{version}", epoch.first()?);
    }
    let origin = text(SOURCE).and_then(|file| origin(&file));
    Some(Package {
        origin: origin.filter(|origin| *origin != name),
        name,
        version,
        source: Source::Rpm,
        architecture: text(ARCHITECTURE).and_then(|text| word(&text)),
        license: text(LICENSE).and_then(|text| line(&text)),
        at,
        text: String::new(),
    })
}

/// The name in that of a file: `openssl` of `openssl-3.0.8-2.src.rpm`.
fn origin(file: &[u8]) -> Option<String> {
    let file = word(file)?;
    let (rest, _release) = file.rsplit_once('-')?;
    let (name, _version) = rest.rsplit_once('-')?;
    Some(name.to_owned())
}

/// The pages of a database, each of which belongs to one record at most.
struct Pages<'a> {
    bytes: &'a [u8],
    /// The length of one, in bytes.
    size: usize,
    taken: Vec<bool>,
}

impl<'a> Pages<'a> {
    fn new(bytes: &'a [u8], size: usize) -> Self {
        let count = bytes.len().checked_div(size).unwrap_or_default();
        Self {
            bytes,
            size,
            taken: vec![false; count],
        }
    }

    fn count(&self) -> usize {
        self.taken.len()
    }

    /// A page by its number, from 0, and where it starts.
    fn get(&self, number: usize) -> Option<(usize, &'a [u8])> {
        let at = number.checked_mul(self.size)?;
        Some((at, self.bytes.get(at..at.checked_add(self.size)?)?))
    }

    /// The same, once: pages that lead to each other are followed no further.
    fn take(&mut self, number: u32) -> Option<(usize, &'a [u8])> {
        let number = usize::try_from(number).ok()?;
        let taken = self.taken.get_mut(number)?;
        if std::mem::replace(taken, true) {
            return None;
        }
        self.get(number)
    }
}
