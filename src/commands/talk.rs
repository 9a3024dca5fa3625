//! What a command says besides its result: on standard error, and not with `--quiet`.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::pace::Pace;
use crate::report::text;

static QUIET: AtomicBool = AtomicBool::new(false);

/// Says nothing but errors from now on.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Says one line.
pub(super) fn say(line: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        err(line);
    }
}

/// Writes one line to standard error, with `--quiet` too. Where nobody can read it, the work is no worse for that.
pub(super) fn err(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Shows on a terminal that something takes time, until it is dropped; elsewhere nothing.
pub(super) fn progress(message: &str) -> Progress {
    let bar = if QUIET.load(Ordering::Relaxed) {
        ProgressBar::hidden()
    } else {
        ProgressBar::new_spinner()
    };
    bar.set_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    Progress(bar)
}

/// How often what is told of the work is renewed.
const OFTEN: Duration = Duration::from_millis(250);

impl Progress {
    /// Does some work, and tells meanwhile on a terminal how far it is: `told` is given the seconds since it began.
    pub(super) fn during<T>(
        &self,
        told: impl Fn(Duration) -> String + Sync,
        work: impl FnOnce() -> T,
    ) -> T {
        if self.0.is_hidden() {
            return work();
        }
        let done = AtomicBool::new(false);
        let (done, told) = (&done, &told);
        std::thread::scope(|scope| {
            let teller = scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    std::thread::park_timeout(OFTEN);
                    self.0.set_message(told(self.0.elapsed()));
                }
            });
            // Also when the work panics: the thread is waited for.
            let _stop = Stop(done, teller.thread().clone());
            work()
        })
    }
}

/// Bytes a second.
pub(super) fn rate(bytes: u64, time: Duration) -> u64 {
    let bytes = u128::from(bytes).saturating_mul(1000);
    let rate = bytes.checked_div(time.as_millis());
    rate.and_then(|rate| u64::try_from(rate).ok())
        .unwrap_or_default()
}

/// How long the rest of what is known of takes, behind what was said before it.
pub(super) fn rest(pace: &Pace, time: Duration) -> String {
    match pace.left(time) {
        Some(left) if left.as_secs() >= 60 => format!(", {} min left", left.as_secs().div_ceil(60)),
        Some(left) => format!(", {} s left", left.as_secs()),
        None => String::new(),
    }
}

/// Looks for known risk, and tells meanwhile how far that is.
pub(super) fn during_checks<T>(pace: &Pace, work: impl FnOnce() -> T) -> T {
    let head = "looking for known risk";
    let told = |time: Duration| {
        let (done, known) = pace.so_far();
        format!(
            "{head}: {} of {} of programs followed{}",
            text::size(done),
            text::size(known),
            rest(pace, time)
        )
    };
    progress(head).during(told, work)
}

/// Ends a thread that tells of work.
struct Stop<'a>(&'a AtomicBool, Thread);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}

/// What [`progress`] shows.
pub(super) struct Progress(ProgressBar);

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
