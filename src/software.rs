//! The software that an image holds: packages with the places that show them, and files with their digests. It is what a bill of
//! materials is made of.

mod databases;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::databases::Databases;
use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::FileType;
use crate::facts::elf;
use crate::facts::packages::{self, LONGEST, Source};
use crate::place::Place;

/// So many places of one package are told.
const MOST: usize = 64;

/// A package, and where it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, as the source has it.
    pub version: String,
    /// Who says so.
    pub source: Source,
    /// The processor that it is for, as the source calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The package of sources that it was built from, where that has another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Its licence, as the source has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Its package URL, where its kind has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// A candidate for its CPE, for people to check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    /// Where that shows, 64 places at most.
    pub seen: Vec<Seen>,
    /// At how many further places it shows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// A place that shows a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// The file, gap or database.
    pub place: String,
    /// Where in it, in bytes from its start.
    pub at: u64,
    /// The text that shows it; empty where a database states it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// A file, and by what it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it is.
    pub place: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest; absent where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The linker's id of this build, where it is an ELF file that has one, as hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
}

/// The software of an image.
#[derive(Clone, Debug, Default)]
pub struct Software {
    /// The packages, sorted by name, version and source.
    pub packages: Vec<Package>,
    /// The files, in the order of the inventory.
    pub files: Vec<File>,
    /// What was not looked at, and why.
    pub not_checked: Vec<(Place, String)>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What one content shows of itself.
#[derive(Default)]
struct Shown {
    packages: Vec<packages::Package>,
    build_id: Option<String>,
}

/// The software of an image. Each content is read once, wherever it stands.
pub fn software(found: &Inventory) -> Software {
    let mut software = Software::default();
    let mut all = Packages::default();
    let shown = contents(found, &mut software.not_checked);
    let databases = Databases::read(found, &mut software.not_checked);
    for (place, package, release) in databases.packages() {
        let purl = packages::purl(package, release);
        all.add(package, purl, place);
    }
    for entry in &found.entries {
        let Node::File(file) = &entry.entry.node else {
            continue;
        };
        let shown = entry.sha256.and_then(|digest| shown.get(&digest));
        for package in shown.iter().flat_map(|shown| &shown.packages) {
            all.add(package, None, &entry.place);
        }
        software.files.push(File {
            place: entry.place.to_string(),
            size: file.size,
            sha256: entry.sha256,
            build_id: shown.and_then(|shown| shown.build_id.clone()),
        });
    }
    let gaps = found.gaps.par_iter().filter(|gap| gap.kind.is_unknown());
    let gaps: Vec<_> = gaps
        .map(|gap| (&gap.place, packages::shown(&gap.bytes)))
        .collect();
    for (place, packages) in gaps {
        for package in &packages {
            all.add(package, None, place);
        }
    }
    software.packages = all.done();
    software
}

/// What each content shows, by its digest.
fn contents(found: &Inventory, not_checked: &mut Vec<(Place, String)>) -> BTreeMap<Digest, Shown> {
    let mut first: BTreeMap<Digest, &Found> = BTreeMap::new();
    for entry in &found.entries {
        if let (true, Some(digest)) = (packages::is_shown(entry.content), entry.sha256) {
            first.entry(digest).or_insert(entry);
        }
    }
    let mut wanted: Vec<(Digest, &Found)> = first.into_iter().collect();
    wanted.retain(|(_, entry)| {
        let is_long = matches!(&entry.entry.node, Node::File(file) if file.size > LONGEST);
        if is_long {
            let reason = "packages: this file is too long to be searched for texts with a version";
            not_checked.push((entry.place.clone(), reason.to_owned()));
        }
        !is_long
    });
    let shown = wanted.into_par_iter().filter_map(|(digest, entry)| {
        let bytes = bytes(entry)?;
        let mut shown = Shown {
            packages: packages::shown(&bytes),
            build_id: None,
        };
        if entry.content == Some(FileType::Elf) {
            shown.packages.extend(packages::note(&bytes));
            shown.build_id = elf::build_id_of(&bytes);
        }
        Some((digest, shown))
    });
    shown.collect::<Vec<_>>().into_iter().collect()
}

/// The content of a file, where it can be read; that it cannot is told elsewhere.
fn bytes(entry: &Found) -> Option<bytes::Bytes> {
    let Node::File(file) = &entry.entry.node else {
        return None;
    };
    if let Some(bytes) = file.data.bytes() {
        return Some(bytes);
    }
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    Some(bytes.into())
}

/// What makes two packages the same one.
type Key = (String, String, Source, Option<String>, Option<String>);

/// Packages that are put together from many places.
#[derive(Default)]
struct Packages(BTreeMap<Key, Package>);

impl Packages {
    fn add(&mut self, package: &packages::Package, purl: Option<String>, place: &Place) {
        let key = (
            package.name.clone(),
            package.version.clone(),
            package.source,
            package.architecture.clone(),
            purl.clone(),
        );
        let row = self.0.entry(key).or_insert_with(|| Package {
            name: package.name.clone(),
            version: package.version.clone(),
            source: package.source,
            architecture: package.architecture.clone(),
            origin: package.origin.clone(),
            license: package.license.clone(),
            purl,
            cpe: packages::cpe(package),
            seen: Vec::new(),
            more: 0,
        });
        if row.seen.len() < MOST {
            row.seen.push(Seen {
                place: place.to_string(),
                at: package.at,
                text: package.text.clone(),
            });
        } else {
            row.more = row.more.saturating_add(1);
        }
    }

    fn done(self) -> Vec<Package> {
        self.0.into_values().collect()
    }
}
