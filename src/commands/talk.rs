//! What a command says besides its result: on standard error, and not with `--quiet`.

use std::sync::atomic::{AtomicBool, Ordering};
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

/// What [`progress`] shows.
pub(super) struct Progress(ProgressBar);

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
