//! The databases of package managers in an image, and the distribution that the tree of each says it is.

use std::collections::BTreeMap;

use super::bytes;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::packages::{Database, LONGEST, Package, Release, Stated};
use crate::place::Place;

/// A longer file is no `os-release`, in bytes.
const SHORT: u64 = 64 << 10;

/// What the databases of an image state.
pub(super) struct Databases<'a> {
    stated: Vec<(&'a Found, Stated)>,
    /// By the region whose tree it is.
    releases: BTreeMap<Option<usize>, Release>,
}

impl<'a> Databases<'a> {
    /// Reads every database. What is not read is told.
    pub(super) fn read(found: &'a Inventory, not_checked: &mut Vec<(Place, String)>) -> Self {
        let mut databases = Self {
            stated: Vec::new(),
            releases: BTreeMap::new(),
        };
        for entry in &found.entries {
            let (Node::File(file), path) = (&entry.entry.node, entry.entry.path.as_bytes()) else {
                continue;
            };
            if Release::is_at(path)
                && file.size <= SHORT
                && let Some(release) = bytes(entry).and_then(|bytes| Release::read(&bytes))
            {
                databases.releases.entry(entry.region).or_insert(release);
            }
            let Some(database) = Database::at(path) else {
                continue;
            };
            if file.size > LONGEST {
                let reason = "packages: this database is too long to be read";
                not_checked.push((entry.place.clone(), reason.to_owned()));
                continue;
            }
            let Some(bytes) = bytes(entry) else {
                continue;
            };
            let stated = database.read(&bytes);
            let unread = stated.unread.map(str::to_owned);
            let left_out = (stated.left_out > 0).then(|| {
                format!(
                    "packages: {} records of this database could not be read",
                    stated.left_out
                )
            });
            let reasons = unread.into_iter().chain(left_out);
            not_checked.extend(reasons.map(|reason| (entry.place.clone(), reason)));
            databases.stated.push((entry, stated));
        }
        databases
    }

    /// Every package, where it is stated, and the distribution of that tree.
    pub(super) fn packages(&self) -> impl Iterator<Item = (&Place, &Package, Option<&Release>)> {
        self.stated.iter().flat_map(|(entry, stated)| {
            let release = self.releases.get(&entry.region);
            let packages = stated.packages.iter();
            packages.map(move |package| (&entry.place, package, release))
        })
    }
}
