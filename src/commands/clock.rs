//! The only code that knows the time.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one file that may ask for the time"
)]

use std::time::{Duration, Instant};

use crate::advisories::Table;

/// A question that is answered with yes once `seconds` have passed.
pub(super) fn deadline(seconds: Option<u64>) -> Box<dyn Fn() -> bool + Send + Sync> {
    let start = Instant::now();
    match seconds.map(Duration::from_secs) {
        Some(limit) => Box::new(move || start.elapsed() > limit),
        None => Box::new(|| false),
    }
}

/// How many days before `now` the table of advisories was read.
pub(super) fn table_age(now: jiff::Timestamp) -> Option<i64> {
    const DAY: i64 = 24 * 60 * 60;
    let read = Table::built_in()?.read;
    Some(now.duration_since(read).as_secs().div_euclid(DAY))
}

/// The time now, in whole seconds.
pub(super) fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Tells now and then that a time has passed.
pub(super) struct Every {
    time: Duration,
    last: Instant,
}

impl Every {
    /// From now on, once each `time`.
    pub(super) fn new(time: Duration) -> Self {
        let last = Instant::now();
        Self { time, last }
    }

    /// Whether it has passed since it last did.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.last.elapsed() >= self.time;
        if is_due {
            self.last = Instant::now();
        }
        is_due
    }
}
