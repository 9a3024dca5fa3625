//! The only code that knows the time.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one file that may ask for the time"
)]

use std::time::{Duration, Instant};

/// A question that is answered with yes once `seconds` have passed.
pub(super) fn deadline(seconds: Option<u64>) -> Box<dyn Fn() -> bool + Send + Sync> {
    let start = Instant::now();
    match seconds.map(Duration::from_secs) {
        Some(limit) => Box::new(move || start.elapsed() > limit),
        None => Box::new(|| false),
    }
}

/// The time now, in whole seconds.
pub(super) fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}
