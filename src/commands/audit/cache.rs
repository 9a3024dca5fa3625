//! What was found out before about images and programs: a second unit with the same bytes costs their digest, and of one that differs in a few
//! programs, only those are followed.
//!
//! It is only ever a cache. A row is kept under everything that its answer depends on, and carries a digest of both, so that a damaged row is
//! none. A store that cannot be read at all is moved aside and begun anew. Whoever can write to it can forge answers, so it belongs to whoever
//! audits.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use anyhow::{Context, Result};
use redb::{Database, DatabaseError, Durability, ReadableDatabase, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::check::Shelf;
use crate::commands::{talk, trust};
use crate::digest::Digest;
use crate::fleet::record::Judged;
use crate::report::verify::Report;

/// Rows by their keys. Another form of rows needs another name.
type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;
const ROWS: Table = TableDefinition::new("vitalsign results 1");
const PROGRAMS: Table = TableDefinition::new("vitalsign programs 1");
/// So much of the store is held in memory (16 MiB).
const HELD: usize = 16 << 20;
/// The length of a digest.
const DIGEST: usize = 32;

/// What is kept of an image.
#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) judged: Judged,
    /// The whole report, where reports were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<Report>,
}

/// The store.
pub(super) struct Cache {
    path: PathBuf,
    /// Gone once it failed: the audit goes on without it.
    store: Mutex<Option<Database>>,
    /// What some worker is finding out now.
    working: Mutex<BTreeSet<Digest>>,
    done: Condvar,
}

/// That one worker finds something out, which others wait for.
pub(super) struct Turn<'c> {
    cache: &'c Cache,
    key: Digest,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let working = self.cache.working.lock();
        working
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
        self.cache.done.notify_all();
    }
}

impl Cache {
    /// Opens a store, or begins one.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let store = match opened(path) {
            Ok(store) => Some(store),
            Err(Broken::InUse) => {
                let path = trust::shown(path);
                talk::say(&format!(
                    "note: {path} is in use; this audit goes on without it"
                ));
                None
            }
            Err(Broken::Unreadable(why)) => {
                move_aside(path, &why)?;
                let begun = opened(path).map_err(|broken| anyhow::anyhow!("{broken:?}"));
                Some(begun.with_context(|| trust::shown(path))?)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            store: Mutex::new(store),
            working: Mutex::default(),
            done: Condvar::new(),
        })
    }

    /// Waits until nobody else is finding this out.
    pub(super) fn turn(&self, key: Digest) -> Turn<'_> {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        while !working.insert(key) {
            let waited = self.done.wait(working);
            working = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Turn { cache: self, key }
    }

    /// What is known under a key. A row that is damaged is not.
    pub(super) fn get(&self, key: Digest) -> Option<Row> {
        serde_json::from_slice(&self.sealed(ROWS, key)?).ok()
    }

    /// Keeps a row.
    pub(super) fn put(&self, key: Digest, row: &Row) {
        let Ok(text) = serde_json::to_vec(row) else {
            return;
        };
        self.put_sealed(ROWS, key, &text, Durability::Immediate);
    }

    fn sealed(&self, table: Table, key: Digest) -> Option<Vec<u8>> {
        let row = self.with(|store| {
            let table = match store.begin_read()?.open_table(table) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                table => table?,
            };
            let row = table.get(key.as_bytes().as_slice())?;
            Ok(row.map(|row| row.value().to_vec()))
        });
        let row = row??;
        let (digest, text) = row.split_at_checked(DIGEST)?;
        (seal(key, text).as_bytes() == digest).then(|| text.to_vec())
    }

    fn put_sealed(&self, table: Table, key: Digest, text: &[u8], durability: Durability) {
        let mut sealed = seal(key, text).as_bytes().to_vec();
        sealed.extend_from_slice(text);
        self.with(|store| {
            let mut writing = store.begin_write()?;
            writing.set_durability(durability)?;
            writing
                .open_table(table)?
                .insert(key.as_bytes().as_slice(), sealed.as_slice())?;
            Ok(writing.commit()?)
        });
    }

    /// Does something with the store. Once that fails, or panics on a store that is damaged, it is moved aside, and the audit goes on
    /// without.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Option<T> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let open = store.as_ref()?;
        let why = match catch_unwind(AssertUnwindSafe(|| work(open))) {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it is damaged".to_owned(),
        };
        let broken = store.take();
        // What is damaged may fail once more as it is closed.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
        if let Err(error) = move_aside(&self.path, &why) {
            talk::say(&format!("note: {error:#}"));
        }
        None
    }
}

impl Shelf for Cache {
    fn program(&self, digest: Digest) -> Option<Vec<u8>> {
        self.sealed(PROGRAMS, program(digest))
    }

    /// It reaches the disk with the row of the image, which costs one wait instead of hundreds.
    fn put_program(&self, digest: Digest, row: &[u8]) {
        self.put_sealed(PROGRAMS, program(digest), row, Durability::None);
    }
}

/// The key of a program's row: another version may see more in it.
fn program(digest: Digest) -> Digest {
    let text = format!("vitalsign program 1 {} {digest}", env!("CARGO_PKG_VERSION"));
    Digest::of(text.as_bytes())
}

/// Why a store cannot be used.
#[derive(Debug)]
enum Broken {
    InUse,
    Unreadable(String),
}

fn opened(path: &Path) -> Result<Database, Broken> {
    let open = || Database::builder().set_cache_size(HELD).create(path);
    match catch_unwind(open) {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Err(Broken::InUse),
        Ok(Err(error)) => Err(Broken::Unreadable(error.to_string())),
        Err(_) => Err(Broken::Unreadable("it is damaged".to_owned())),
    }
}

/// Moves a store that cannot be read out of the way, and says so.
fn move_aside(path: &Path, why: &str) -> Result<()> {
    let mut aside = OsString::from(path);
    aside.push(".broken");
    let (from, to) = (trust::shown(path), trust::shown(Path::new(&aside)));
    std::fs::rename(path, &aside).with_context(|| format!("cannot move {from} to {to}"))?;
    talk::say(&format!(
        "note: {from} cannot be used ({why}); it was moved to {to}, and what it held is found out anew"
    ));
    Ok(())
}

/// What a row must begin with: a damaged row, or one under another key, does not.
fn seal(key: Digest, text: &[u8]) -> Digest {
    let mut both = key.as_bytes().to_vec();
    both.extend_from_slice(Digest::of(text).as_bytes());
    Digest::of(&both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::ImageId;
    use crate::fleet::record::Counts;
    use crate::verdict::{Integrity, Risk};

    fn row(bits: u8) -> Row {
        Row {
            judged: Judged {
                image: ImageId {
                    name: "a.bin".to_owned(),
                    size: 1,
                    sha256: Some(Digest::of(b"a")),
                    with: Vec::new(),
                    part: None,
                    second_read: None,
                    interleaved: Vec::new(),
                },
                integrity: Integrity::Match,
                risk: Risk::NoneFound,
                bits,
                baseline: None,
                is_near: false,
                counts: Counts::default(),
                changes: Vec::new(),
                findings: Vec::new(),
                parts: Vec::new(),
                programs: Vec::new(),
                keys: Vec::new(),
            },
            report: None,
        }
    }

    fn store(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("cache")
    }

    #[test]
    fn what_is_put_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = [Digest::of(b"1"), Digest::of(b"2")];
        let cache = Cache::open(&store(&folder)).unwrap();
        assert!(cache.get(keys[0]).is_none());
        cache.put(keys[0], &row(5));
        assert!(Cache::open(&store(&folder)).unwrap().get(keys[0]).is_none());
        drop(cache);
        let cache = Cache::open(&store(&folder)).unwrap();
        assert_eq!(cache.get(keys[0]).unwrap().judged, row(5).judged);
        assert!(cache.get(keys[1]).is_none());
    }

    #[test]
    fn programs_are_kept_with_the_image_that_comes_after_them() {
        let folder = tempfile::tempdir().unwrap();
        let digests = [Digest::of(b"1"), Digest::of(b"2")];
        let cache = Cache::open(&store(&folder)).unwrap();
        cache.put_program(digests[0], b"what it shows");
        assert_eq!(cache.program(digests[0]).unwrap(), b"what it shows");
        assert_eq!(cache.program(digests[1]), None);
        assert!(cache.get(program(digests[0])).is_none(), "tables are apart");
        cache.put(digests[0], &row(5));
        drop(cache);
        let cache = Cache::open(&store(&folder)).unwrap();
        assert_eq!(cache.program(digests[0]).unwrap(), b"what it shows");
        assert_eq!(cache.get(digests[0]).unwrap().judged, row(5).judged);
    }

    #[test]
    fn a_row_that_is_damaged_or_moved_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let keys = [Digest::of(b"1"), Digest::of(b"2")];
        let cache = Cache::open(&store(&folder)).unwrap();
        cache.put(keys[0], &row(5));
        cache.with(|store| {
            let reading = store.begin_read()?.open_table(ROWS)?;
            let sealed = reading.get(keys[0].as_bytes().as_slice())?;
            let sealed = sealed.unwrap().value().to_vec();
            let writing = store.begin_write()?;
            let other = keys[1].as_bytes().as_slice();
            writing.open_table(ROWS)?.insert(other, sealed.as_slice())?;
            let mut bent = sealed;
            *bent.last_mut().unwrap() ^= 1;
            let own = keys[0].as_bytes().as_slice();
            writing.open_table(ROWS)?.insert(own, bent.as_slice())?;
            Ok(writing.commit()?)
        });
        assert!(cache.get(keys[0]).is_none());
        assert!(cache.get(keys[1]).is_none());
        cache.put(keys[0], &row(6));
        assert_eq!(cache.get(keys[0]).unwrap().judged.bits, 6);
    }

    #[test]
    fn what_is_no_store_is_moved_aside_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy("Cargo.lock", store(&folder)).unwrap();
        let cache = Cache::open(&store(&folder)).unwrap();
        cache.put(Digest::of(b"1"), &row(1));
        assert!(cache.get(Digest::of(b"1")).is_some());
        let aside = std::fs::read(folder.path().join("cache.broken")).unwrap();
        assert_eq!(aside, std::fs::read("Cargo.lock").unwrap());
    }

    #[test]
    fn one_finds_out_and_the_others_wait() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&store(&folder)).unwrap();
        let key = Digest::of(b"1");
        let found_out = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _turn = cache.turn(key);
                    if cache.get(key).is_none() {
                        found_out.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        cache.put(key, &row(0));
                    }
                });
            }
        });
        assert_eq!(found_out.into_inner(), 1);
    }
}
