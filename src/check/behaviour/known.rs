//! Programs that were followed before: what several images hold is followed once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::program::Followed;
use crate::digest::Digest;

/// No more is kept than so many functions, calls and texts, which take up to about 100 MB.
const MOST: usize = 250_000;

/// What programs show, by their digests. What is known of one depends on its bytes alone, so that it does not matter who found it out.
#[derive(Default)]
pub struct Programs(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    programs: BTreeMap<Digest, Followed>,
    weight: usize,
}

impl Programs {
    /// What is known of a program, or is found out now. The first that are seen stay: they are what most images hold.
    pub(super) fn of(
        &self,
        digest: Digest,
        follow: impl FnOnce() -> Option<Followed>,
    ) -> Option<Followed> {
        let known = self.kept(|kept| kept.programs.get(&digest).cloned());
        if known.is_some() {
            return known;
        }
        let followed = follow();
        // What could not be read here may be read elsewhere.
        if let Some(found) = &followed {
            self.kept(|kept| kept.keep(digest, found));
        }
        followed
    }

    fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    fn keep(&mut self, digest: Digest, followed: &Followed) {
        let weight = self.weight.saturating_add(followed.weight());
        if weight <= MOST {
            self.weight = weight;
            self.programs.insert(digest, followed.clone());
        }
    }
}

impl fmt::Debug for Programs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.kept(|kept| kept.programs.len());
        out.debug_tuple("Programs").field(&count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(programs: &Programs, digest: Digest, followed: Option<Followed>) -> usize {
        let mut times = 0;
        for _ in 0..3 {
            let told = programs.of(digest, || {
                times += 1;
                followed.clone()
            });
            assert_eq!(told.is_some(), followed.is_some());
        }
        times
    }

    #[test]
    fn a_program_is_followed_once_as_long_as_there_is_room() {
        let programs = Programs::default();
        let [one, other, third] = [b"1", b"2", b"3"].map(|text| Digest::of(text));
        assert_eq!(times(&programs, one, Some(Followed::default())), 1);
        assert_eq!(times(&programs, other, None), 3, "it could not be read");
        programs.kept(|kept| kept.weight = MOST);
        assert_eq!(times(&programs, third, Some(Followed::default())), 3);
        assert_eq!(times(&programs, one, Some(Followed::default())), 0);
    }
}
