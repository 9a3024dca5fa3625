//! The code of the programs in an image, each content followed once.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::FileType;
use crate::facts::code::{Code, Unfollowed};
use crate::place::Place;

/// A larger program is not followed (64 MiB).
const LONGEST: u64 = 64 << 20;

/// What one program's code calls, or why that is not known.
type Followed = Result<Arc<Code>, &'static str>;

/// The programs of an image by the first place where each stands. What could not be followed is told.
pub(super) fn followed(
    found: &Inventory,
    not_checked: &mut Vec<(Place, String)>,
) -> BTreeMap<Place, Arc<Code>> {
    let mut first: BTreeMap<Digest, &Found> = BTreeMap::new();
    for entry in &found.entries {
        if let (Some(FileType::Elf), Some(digest)) = (entry.content, entry.sha256) {
            first.entry(digest).or_insert(entry);
        }
    }
    let mut programs: Vec<&Found> = first.into_values().collect();
    programs.sort_by(|one, other| one.place.cmp(&other.place));
    let followed: Vec<Option<Followed>> = programs.par_iter().map(|entry| follow(entry)).collect();
    let mut known = BTreeMap::new();
    for (entry, followed) in programs.into_iter().zip(followed) {
        match followed {
            None => {}
            Some(Ok(code)) => {
                if code.cut {
                    let reason =
                        "the code of this program was not followed wholly: there is too much of it";
                    not_checked.push((entry.place.clone(), reason.to_owned()));
                }
                known.insert(entry.place.clone(), code);
            }
            Some(Err(reason)) => not_checked.push((entry.place.clone(), reason.to_owned())),
        }
    }
    known
}

/// `None` for what holds nothing that can be followed.
fn follow(entry: &Found) -> Option<Followed> {
    let Node::File(file) = &entry.entry.node else {
        return None;
    };
    if file.size > LONGEST {
        return Some(Err(
            "the code of this program was not followed: it is too long",
        ));
    }
    let mut bytes = Vec::new();
    if file.data.copy_to(&mut bytes).is_err() {
        // That it could not be read is told elsewhere.
        return None;
    }
    match Code::of(&bytes) {
        Ok(code) => Some(Ok(Arc::new(code))),
        Err(Unfollowed::Processor) => Some(Err(
            "the code of this program was not followed: no decoder knows its processor",
        )),
        Err(Unfollowed::NotLoaded | Unfollowed::Nothing) => None,
    }
}
