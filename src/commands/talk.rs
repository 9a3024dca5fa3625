//! What a command says besides its result: on standard error, and not with `--quiet`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use indicatif::ProgressBar;

static QUIET: AtomicBool = AtomicBool::new(false);

/// Says nothing but errors from now on.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Says one line.
pub(super) fn say(line: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        anstream::eprintln!("{line}");
    }
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
