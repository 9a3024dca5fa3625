//! Programs that were followed before: what several images hold is followed once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::program::Followed;
use crate::digest::Digest;

/// No more is kept in memory than so many functions, calls and texts, which take up to about 100 MB.
const MOST: usize = 250_000;

/// Where it is kept from one run to the next what programs show.
pub trait Shelf: Send + Sync {
    /// The row of a program, as it was put there by this version of vitalsign.
    fn program(&self, digest: Digest) -> Option<Vec<u8>>;
    /// Keeps a row.
    fn put_program(&self, digest: Digest, row: &[u8]);
}

/// What programs show, by their digests. What is known of one depends on its bytes alone, so that it does not matter who found it out.
#[derive(Default)]
pub struct Programs {
    kept: Mutex<Kept>,
    shelf: Option<Arc<dyn Shelf>>,
}

#[derive(Default)]
struct Kept {
    programs: BTreeMap<Digest, Followed>,
    weight: usize,
}

impl Programs {
    /// What other runs found out is on a shelf, and what this one does goes there.
    pub fn on(shelf: Option<Arc<dyn Shelf>>) -> Self {
        Self {
            kept: Mutex::default(),
            shelf,
        }
    }

    /// What is known of a program, or is found out now. The first that are seen stay in memory: they are what most images hold.
    pub(super) fn of(
        &self,
        digest: Digest,
        follow: impl FnOnce() -> Option<Followed>,
    ) -> Option<Followed> {
        let known = self.kept(|kept| kept.programs.get(&digest).cloned());
        if known.is_some() {
            return known;
        }
        let found = self.on_shelf(digest).or_else(|| {
            let found = follow()?;
            self.put_on_shelf(digest, &found);
            Some(found)
        });
        // What could not be read here may be read elsewhere.
        if let Some(found) = &found {
            self.kept(|kept| kept.keep(digest, found));
        }
        found
    }

    fn on_shelf(&self, digest: Digest) -> Option<Followed> {
        let row = self.shelf.as_ref()?.program(digest)?;
        ciborium::from_reader(row.as_slice()).ok()
    }

    fn put_on_shelf(&self, digest: Digest, found: &Followed) {
        let mut row = Vec::new();
        if let Some(to) = &self.shelf
            && ciborium::into_writer(found, &mut row).is_ok()
        {
            to.put_program(digest, &row);
        }
    }

    fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
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

    #[derive(Default)]
    struct Rows(Mutex<BTreeMap<Digest, Vec<u8>>>);

    impl Shelf for Rows {
        fn program(&self, digest: Digest) -> Option<Vec<u8>> {
            self.0.lock().unwrap().get(&digest).cloned()
        }

        fn put_program(&self, digest: Digest, row: &[u8]) {
            self.0.lock().unwrap().insert(digest, row.to_vec());
        }
    }

    fn times(programs: &Programs, digest: Digest, followed: Option<&Followed>) -> usize {
        let mut times = 0;
        for _ in 0..3 {
            let told = programs.of(digest, || {
                times += 1;
                followed.cloned()
            });
            assert_eq!(told.as_ref(), followed);
        }
        times
    }

    #[test]
    fn a_program_is_followed_once_as_long_as_there_is_room() {
        let (programs, nothing) = (Programs::default(), Followed::default());
        let [one, other, third] = [b"1", b"2", b"3"].map(|text| Digest::of(text));
        assert_eq!(times(&programs, one, Some(&nothing)), 1);
        assert_eq!(times(&programs, other, None), 3, "it could not be read");
        programs.kept(|kept| kept.weight = MOST);
        assert_eq!(times(&programs, third, Some(&nothing)), 3);
        assert_eq!(times(&programs, one, Some(&nothing)), 0);
    }

    #[test]
    fn what_real_programs_show_is_the_same_from_a_shelf() {
        let rows = Arc::new(Rows::default());
        let again = || Programs::on(Some(Arc::<Rows>::clone(&rows)));
        let (mut calls, mut texts) = (0, 0);
        for path in walkdir::WalkDir::new("fixtures").sort_by_file_name() {
            let path = path.unwrap();
            if !path.file_type().is_file() || path.metadata().unwrap().len() > 200_000 {
                continue;
            }
            let bytes = std::fs::read(path.path()).unwrap();
            let Some(followed) = bytes.starts_with(b"\x7fELF").then(|| Followed::of(&bytes)) else {
                continue;
            };
            let code = followed.code.iter().flat_map(|code| &code.functions);
            calls += code.map(|function| function.calls.len()).sum::<usize>();
            texts += followed
                .makeup
                .iter()
                .map(|it| it.hidden.texts.len())
                .sum::<usize>();
            let digest = Digest::of(&bytes);
            again().of(digest, || Some(followed.clone()));
            assert_eq!(
                times(&again(), digest, Some(&followed)),
                0,
                "{}",
                path.path().display()
            );
        }
        assert!(calls > 100 && texts > 0, "{calls} calls, {texts} texts");
    }

    #[test]
    fn a_row_that_is_none_is_found_out_anew() {
        let (rows, nothing) = (Arc::new(Rows::default()), Followed::default());
        let programs = Programs::on(Some(Arc::<Rows>::clone(&rows)));
        let digest = Digest::of(b"1");
        for row in [&b""[..], b"\xff", b"\xa1\x64code\x01"] {
            rows.put_program(digest, row);
            programs.kept(|kept| kept.programs.clear());
            assert_eq!(times(&programs, digest, Some(&nothing)), 1);
        }
    }
}
