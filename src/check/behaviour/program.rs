//! The code of the programs in an image, each content followed once.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::behaviour::Makeup;
use crate::check::Basis;
use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::FileType;
use crate::facts::code::{Code, Unfollowed};
use crate::facts::elf::Structure;
use crate::facts::hidden::Hidden;
use crate::place::Place;

/// A larger program is not followed (64 MiB).
const LONGEST: u64 = 64 << 20;

/// What is known of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Followed {
    /// What its code calls, where that was followed.
    pub(super) code: Option<Arc<Code>>,
    /// What else its bytes tell, if it is a program.
    pub(super) makeup: Option<Arc<Makeup>>,
    /// What could not be looked at.
    gaps: Vec<Gap>,
}

/// What could not be looked at in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Gap {
    Long,
    Code,
    Library,
    Processor,
    Hidden,
}

impl Gap {
    fn words(self) -> &'static str {
        match self {
            Self::Long => "the code of this program was not followed: it is too long",
            Self::Code => {
                "the code of this program was not followed wholly: there is too much of it"
            }
            Self::Library => {
                "what this program calls is not known: it holds its own library without names, and none of that was recognised"
            }
            Self::Processor => {
                "the code of this program was not followed: no decoder knows its processor"
            }
            Self::Hidden => {
                "hidden texts were not looked for in all of this program: too much of it looks like one"
            }
        }
    }
}

impl Followed {
    /// What the bytes of a program show.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut followed = Self::default();
        match Code::of(bytes) {
            Ok(code) => {
                if code.cut {
                    followed.gaps.push(Gap::Code);
                }
                if code.opaque {
                    followed.gaps.push(Gap::Library);
                }
                followed.code = Some(Arc::new(code));
            }
            Err(Unfollowed::Processor) => followed.gaps.push(Gap::Processor),
            Err(Unfollowed::NotLoaded | Unfollowed::Nothing) => {}
        }
        if let Some(structure) = Structure::of(bytes) {
            let hidden = Hidden::of(bytes);
            if hidden.cut {
                followed.gaps.push(Gap::Hidden);
            }
            followed.makeup = Some(Arc::new(Makeup { structure, hidden }));
        }
        followed
    }

    /// How much it is to keep: functions, calls and texts.
    pub(super) fn weight(&self) -> usize {
        let functions = self.code.iter().flat_map(|code| &code.functions);
        let code = functions.map(|it| it.calls.len().saturating_add(1));
        let texts = self.makeup.iter().map(|it| it.hidden.texts.len());
        code.chain(texts).fold(1, usize::saturating_add)
    }
}

/// The programs of an image by the first place where each stands. What could not be followed is told.
pub(super) fn followed(
    found: &Inventory,
    basis: &Basis,
    not_checked: &mut Vec<(Place, String)>,
) -> BTreeMap<Place, Followed> {
    let mut first: BTreeMap<Digest, &Found> = BTreeMap::new();
    for entry in &found.entries {
        if let (Some(FileType::Elf), Some(digest)) = (entry.content, entry.sha256) {
            first.entry(digest).or_insert(entry);
        }
    }
    let mut programs: Vec<(Digest, &Found)> = first.into_iter().collect();
    programs.sort_by(|(_, one), (_, other)| one.place.cmp(&other.place));
    for (_, entry) in &programs {
        basis.pace.found(size(entry));
    }
    let followed = programs.par_iter().map(|(digest, entry)| {
        let followed = basis.programs.of(*digest, || follow(entry));
        basis.pace.did(size(entry));
        followed
    });
    let followed: Vec<Option<Followed>> = followed.collect();
    let mut known = BTreeMap::new();
    for ((_, entry), followed) in programs.into_iter().zip(followed) {
        let Some(followed) = followed else {
            continue;
        };
        let gaps = followed.gaps.iter();
        not_checked.extend(gaps.map(|gap| (entry.place.clone(), gap.words().to_owned())));
        known.insert(entry.place.clone(), followed);
    }
    known
}

/// Its length in bytes.
fn size(entry: &Found) -> u64 {
    match &entry.entry.node {
        Node::File(file) => file.size,
        _ => 0,
    }
}

/// `None` for what cannot be read.
fn follow(entry: &Found) -> Option<Followed> {
    let Node::File(file) = &entry.entry.node else {
        return None;
    };
    if file.size > LONGEST {
        return Some(Followed {
            gaps: vec![Gap::Long],
            ..Followed::default()
        });
    }
    let mut bytes = Vec::new();
    // That it could not be read is told elsewhere.
    file.data.copy_to(&mut bytes).ok()?;
    Some(Followed::of(&bytes))
}
