//! How far some work is: counted by those who do it, told by those who wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes of work that are known of, and those that are done. Shared by all threads.
#[derive(Debug, Default)]
pub struct Pace {
    known: AtomicU64,
    done: AtomicU64,
}

impl Pace {
    /// So many bytes more are to be worked through.
    pub fn found(&self, bytes: u64) {
        self.known.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many of them are done.
    pub fn did(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes done, and bytes known of.
    pub fn so_far(&self) -> (u64, u64) {
        let done = self.done.load(Ordering::Relaxed);
        (done, self.known.load(Ordering::Relaxed).max(done))
    }

    /// How long the rest takes at the pace so far, given how long the work took until now; `None` before anything is done.
    pub fn left(&self, so_far: Duration) -> Option<Duration> {
        let (done, known) = self.so_far();
        let left = known.saturating_sub(done);
        let millis = so_far
            .as_millis()
            .saturating_mul(left.into())
            .checked_div(done.into())?;
        Some(Duration::from_millis(u64::try_from(millis).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_goes_on_as_it_went_so_far() {
        let pace = Pace::default();
        assert_eq!(pace.left(Duration::from_secs(3)), None);
        pace.found(400);
        pace.did(100);
        assert_eq!(pace.so_far(), (100, 400));
        assert_eq!(
            pace.left(Duration::from_secs(3)),
            Some(Duration::from_secs(9))
        );
        pace.did(300);
        assert_eq!(pace.left(Duration::from_secs(9)), Some(Duration::ZERO));
    }
}
