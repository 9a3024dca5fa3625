//! The work: several images at a time, each record written as soon as it may be.
//!
//! Each worker is a thread of its own, so that no image waits inside another one's work; what is done in parallel within an image is done
//! by the pool that all share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use anyhow::Result;

use super::bench::Audit;
use super::results::Results;
use crate::commands::talk;
use crate::fleet::record::Record;
use crate::fleet::summary::Summary;

/// In order, a worker is at most so many devices for each worker ahead of the one that is waited for, so that few records are held.
const AHEAD: usize = 16;
/// The stack of a worker, as large as that of a program's first thread (8 MiB).
const STACK: usize = 8 << 20;
/// How often a waiting worker looks whether the audit was interrupted.
const LOOK: Duration = Duration::from_millis(200);

/// How the work ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Every device has its record.
    Done,
    /// Somebody interrupted it.
    Interrupted,
    /// So many devices could not be judged.
    Failures(u64),
}

/// Which device is next.
struct Queue<'a> {
    left: &'a [usize],
    in_order: Option<usize>,
    /// How many were taken, and how many were written.
    state: Mutex<(usize, usize)>,
    moved: Condvar,
    stop: &'a AtomicBool,
}

impl Queue<'_> {
    /// The next device: its turn, and its position in the inventory.
    fn take(&self) -> Option<(usize, usize)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            let (taken, written) = *state;
            let ahead = taken.saturating_sub(written);
            if self.in_order.is_none_or(|most| ahead < most) {
                let position = *self.left.get(taken)?;
                state.0 = taken.saturating_add(1);
                return Some((taken, position));
            }
            let waited = self.moved.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn written(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = state.1.saturating_add(1);
        self.moved.notify_all();
    }
}

/// Judges every device that has no record yet.
pub(super) fn run(
    audit: &Audit<'_>,
    results: &mut Results,
    summary: &mut Summary,
    stop: &AtomicBool,
) -> Result<End> {
    let left = audit.left(results.prepared());
    let workers = rayon::current_num_threads().max(1);
    let ahead = workers.saturating_mul(AHEAD);
    let queue = Queue {
        left: &left,
        in_order: audit.in_order().then_some(ahead),
        state: Mutex::new((0, 0)),
        moved: Condvar::new(),
        stop,
    };
    let progress = talk::progress("auditing");
    let count = AtomicUsize::new(0);
    let told = |time: Duration| how_far(count.load(Ordering::Relaxed), left.len(), time);
    let failures = progress.during(told, || {
        std::thread::scope(|scope| -> Result<Option<u64>> {
            let (sender, receiver) = sync_channel(workers);
            for _ in 0..workers {
                let (queue, sender) = (&queue, sender.clone());
                let work = move || {
                    while let Some((turn, position)) = queue.take() {
                        let Some(record) = audit.device(position) else {
                            return;
                        };
                        if sender.send((turn, record)).is_err() {
                            return;
                        }
                    }
                };
                Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
            }
            drop(sender);
            let mut writer = Writer {
                queue: &queue,
                results,
                summary,
                failures: 0,
            };
            let written = writer.all(&receiver, &count, audit.max_failures());
            if written.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            drop(receiver);
            written
        })
    })?;
    Ok(match failures {
        Some(count) => End::Failures(count),
        None if stop.load(Ordering::Relaxed) => End::Interrupted,
        None => End::Done,
    })
}

/// Writes records as they come.
struct Writer<'a> {
    queue: &'a Queue<'a>,
    results: &'a mut Results,
    summary: &'a mut Summary,
    failures: u64,
}

impl Writer<'_> {
    /// Until there are no more; yields how many devices could not be judged where that was too many.
    fn all(
        &mut self,
        records: &Receiver<(usize, Record)>,
        count: &AtomicUsize,
        most: Option<u64>,
    ) -> Result<Option<u64>> {
        let (mut early, mut next) = (BTreeMap::new(), 0_usize);
        for (turn, record) in records {
            if self.queue.in_order.is_none() {
                self.one(record, count)?;
            } else {
                early.insert(turn, record);
                while let Some(record) = early.remove(&next) {
                    self.one(record, count)?;
                    next = next.saturating_add(1);
                }
            }
            if most.is_some_and(|most| self.failures >= most) {
                self.queue.stop.store(true, Ordering::Relaxed);
                return Ok(Some(self.failures));
            }
        }
        Ok(None)
    }

    fn one(&mut self, record: Record, count: &AtomicUsize) -> Result<()> {
        if record.as_judged().is_none() {
            self.failures = self.failures.saturating_add(1);
        }
        self.summary.add(&record);
        self.results.write(record)?;
        self.queue.written();
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// How many are done, how fast, and how long the rest takes at that rate.
fn how_far(done: usize, all: usize, time: Duration) -> String {
    let seconds = usize::try_from(time.as_secs()).unwrap_or(usize::MAX).max(1);
    let rate = done.saturating_mul(60).checked_div(seconds).unwrap_or(0);
    let left = all.saturating_sub(done);
    let told = match left.saturating_mul(seconds).checked_div(done) {
        Some(left) => format!(", about {} left", lasting(left)),
        None => String::new(),
    };
    format!("{done} of {all} devices, {rate} a minute{told}")
}

fn lasting(seconds: usize) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{hours} h {minutes} min")
    } else if minutes > 0 {
        format!("{minutes} min")
    } else {
        format!("{seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_estimated_by_what_was_done() {
        let told = how_far(10, 100, Duration::from_mins(1));
        assert_eq!(told, "10 of 100 devices, 10 a minute, about 9 min left");
        assert_eq!(how_far(0, 5, Duration::ZERO), "0 of 5 devices, 0 a minute");
    }

    #[test]
    fn in_order_no_worker_runs_far_ahead() {
        let (stop, left) = (AtomicBool::new(false), [3, 5, 7]);
        let queue = Queue {
            left: &left,
            in_order: Some(2),
            state: Mutex::new((0, 0)),
            moved: Condvar::new(),
            stop: &stop,
        };
        assert_eq!([queue.take(), queue.take()], [Some((0, 3)), Some((1, 5))]);
        std::thread::scope(|scope| {
            let third = scope.spawn(|| queue.take());
            queue.written();
            assert_eq!(third.join().unwrap(), Some((2, 7)));
        });
        stop.store(true, Ordering::Relaxed);
        assert_eq!(queue.take(), None);
    }
}
