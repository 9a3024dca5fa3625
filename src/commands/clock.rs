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

/// The time now.
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
