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
