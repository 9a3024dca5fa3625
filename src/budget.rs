//! How much work one image may cause. Spending it is a problem in the report, never a silent cut.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::entry::{Entry, EntryPath};
use crate::image::spool::Spool;
use crate::pace::Pace;
use crate::problem::Problem;
use crate::read::length;

/// The limits of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep containers may be nested.
    pub depth: usize,
    /// How many entries all trees together may have.
    pub entries: u64,
    /// How many bytes all decoding together may yield.
    pub decoded: u64,
    /// How many bytes one stored byte may become, once a stream has yielded [`Limits::RATIO_FLOOR`] bytes.
    pub ratio: u64,
    /// How many bytes of decoded streams are held in memory before they go to a temporary file.
    pub memory: u64,
}

impl Limits {
    /// The ratio is not looked at below so many decoded bytes (256 MiB).
    pub const RATIO_FLOOR: u64 = 256 << 20;
    /// Nor is it for the whole image below so many (1 GiB).
    pub const IMAGE_FLOOR: u64 = 1 << 30;
    /// Bytes that paths and attributes of all entries together may take (48 MiB): deep chains of long names would grow without
    /// relation to the image.
    pub const HELD: u64 = 48 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 32,
            entries: 400_000,
            decoded: 16 << 30,
            ratio: 250,
            memory: 64 << 20,
        }
    }
}

/// What is left of the limits, shared by all threads.
pub struct Budget {
    limits: Limits,
    entries: AtomicU64,
    decoded: AtomicU64,
    /// What all decoding together may still yield by the image's length, in bytes.
    in_proportion: AtomicU64,
    /// Bytes that paths and attributes may still take.
    held: AtomicU64,
    pace: Pace,
    expired: Box<dyn Fn() -> bool + Send + Sync>,
    spool: Spool,
}

impl Budget {
    /// A fresh budget that never runs out of time.
    pub fn new(limits: Limits) -> Self {
        Self::with_deadline(limits, Box::new(|| false))
    }

    /// A fresh budget; `expired` tells when the time is up, since nothing below the commands knows the time.
    pub fn with_deadline(limits: Limits, expired: Box<dyn Fn() -> bool + Send + Sync>) -> Self {
        Self {
            limits,
            entries: AtomicU64::new(limits.entries),
            decoded: AtomicU64::new(limits.decoded),
            in_proportion: AtomicU64::new(u64::MAX),
            held: AtomicU64::new(Limits::HELD),
            pace: Pace::default(),
            expired,
            spool: Spool::new(limits.memory),
        }
    }

    /// The limits it started with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Says how many bytes the image has: many small streams side by side, or one inside another, may not yield more from it
    /// than one stream of that length could.
    pub fn weigh(&self, stored: u64) {
        let most = stored
            .saturating_mul(self.limits.ratio)
            .max(Limits::IMAGE_FLOOR);
        self.in_proportion.store(most, Ordering::Relaxed);
    }

    /// How many entries and how many decoded bytes were spent so far.
    pub fn spent(&self) -> (u64, u64) {
        let spent = |all: u64, left: &AtomicU64| all.saturating_sub(left.load(Ordering::Relaxed));
        (
            spent(self.limits.entries, &self.entries),
            spent(self.limits.decoded, &self.decoded),
        )
    }

    /// How many bytes of files were found, and read.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Where decoded streams go.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Spends `count` entries. A format calls this before it makes them, and stops when it is refused.
    ///
    /// # Errors
    /// A problem of kind `limit`.
    pub fn spend_entries(&self, count: u64) -> Result<(), Problem> {
        if spend(&self.entries, count) {
            return Ok(());
        }
        Err(Problem::limit(format!(
            "more than {} entries; raise --max-entries to read on",
            self.limits.entries
        )))
    }

    /// Spends one entry called `name` in the directory `parent`, and what its path takes. A walk of directories asks this: in a deep
    /// one, every short name is a long path.
    ///
    /// # Errors
    /// A problem of kind `limit`.
    pub fn spend_entry(&self, parent: &EntryPath, name: &[u8]) -> Result<(), Problem> {
        self.spend_entries(1)?;
        self.spend_held(length(parent.as_bytes()).saturating_add(length(name)))
    }

    /// Spends what the entries from number `from` on hold besides their paths: names of one inode may share much of it.
    ///
    /// # Errors
    /// A problem of kind `limit`.
    pub fn spend_attached(&self, entries: &[Entry], from: usize) -> Result<(), Problem> {
        let new = entries.get(from..).unwrap_or_default();
        self.spend_held(new.iter().map(Entry::attached).fold(0, u64::saturating_add))
    }

    /// Spends `count` decoded bytes.
    ///
    /// # Errors
    /// A problem of kind `limit`.
    pub fn spend_decoded(&self, count: u64) -> Result<(), Problem> {
        if (self.expired)() {
            return Err(Problem::limit(
                "the time is up; raise --max-seconds to read on",
            ));
        }
        if !spend(&self.decoded, count) {
            return Err(Problem::limit(format!(
                "more than {} decoded bytes; raise --max-decoded to read on",
                self.limits.decoded
            )));
        }
        if !spend(&self.in_proportion, count) {
            return Err(Problem::limit(
                "the image became too many times its bytes; raise --max-ratio to read on",
            ));
        }
        Ok(())
    }

    /// Spends `count` bytes of paths and attributes that are kept in memory.
    ///
    /// # Errors
    /// A problem of kind `limit`.
    pub fn spend_held(&self, count: u64) -> Result<(), Problem> {
        if spend(&self.held, count) {
            return Ok(());
        }
        let detail = format!("paths and attributes of more than {} bytes", Limits::HELD);
        Err(Problem::limit(detail))
    }

    /// Whether `stored` bytes may become `decoded` bytes.
    ///
    /// # Errors
    /// A problem of kind `limit`.
    pub fn check_ratio(&self, stored: u64, decoded: u64) -> Result<(), Problem> {
        if decoded > Limits::RATIO_FLOOR && decoded > stored.saturating_mul(self.limits.ratio) {
            return Err(Problem::limit(format!(
                "{stored} stored bytes became more than {decoded} bytes; raise --max-ratio to read on"
            )));
        }
        Ok(())
    }
}

fn spend(left: &AtomicU64, count: u64) -> bool {
    let take = |have: u64| have.checked_sub(count);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_refuses_and_names_the_flag() {
        let budget = Budget::new(Limits {
            entries: 2,
            ..Limits::default()
        });
        assert!(budget.spend_entries(2).is_ok());
        let problem = budget.spend_entries(1).unwrap_err();
        assert!(problem.detail.contains("--max-entries"));
    }

    #[test]
    fn many_streams_yield_no_more_than_one_could() {
        let budget = Budget::new(Limits::default());
        budget.weigh(8 << 20);
        assert!(budget.spend_decoded(2000 << 20).is_ok());
        let problem = budget.spend_decoded(1 << 20).unwrap_err();
        assert!(problem.detail.contains("--max-ratio"));
    }

    #[test]
    fn the_ratio_counts_only_above_the_floor() {
        let budget = Budget::new(Limits::default());
        assert!(budget.check_ratio(1, Limits::RATIO_FLOOR).is_ok());
        assert!(budget.check_ratio(1 << 20, 1 << 30).is_err());
        assert!(budget.check_ratio(1 << 23, 1 << 30).is_ok());
    }
}
