//! ISO 9660, the file system of service discs, with Rock Ridge, Joliet and zisofs.
//!
//! A disc may hold several trees over the same files: the primary one, in which Rock Ridge adds POSIX names and rights, and a
//! Joliet one. The tree that Linux would show is listed: Rock Ridge, else Joliet, else the primary. What stands only in
//! the other tree is listed too, since another system would show it.

mod attributes;
mod content;
mod descriptor;
mod names;
mod path_table;
mod record;
mod sessions;
mod susp;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;

use bytes::Bytes;

use self::descriptor::Volume;
use self::names::Names;
use self::walk::{Walked, walk};
use crate::budget::Budget;
use crate::entry::{Node, Superseded};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::{Problem, ProblemKind};
use crate::read::length;

/// ISO 9660.
pub(in crate::formats) struct Iso9660;

/// Where the volume descriptors start, behind the system area (bytes).
const DESCRIPTORS: u64 = 0x8000;

impl Format for Iso9660 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "iso9660",
            title: "ISO 9660",
            kind: Kind::Filesystem,
            spec: "ECMA-119 (ISO 9660); SUSP 1.12 and RRIP 1.12 (Rock Ridge); the Joliet specification of 1995; zisofs of zisofs-tools",
            reads: "Rock Ridge, ISO 9660:1999, Joliet and plain names; relocated directories, files of several extents, zisofs; extended attributes of libisofs (AAIP); contents of earlier sessions that were replaced or removed",
            verifies: "the two byte orders of each number, path tables against directories, the checksum of the boot catalog; \
                       files carry no checksum",
            limits: &[
                "interleaved files",
                "access control lists of libisofs (AAIP) are told, not read; XA attributes stay unexplained",
                "sessions of discs that cannot be overwritten: the first one is read, and those behind it are regions of their own",
                "boot images that no tree names stay unexplained",
                "zisofs 2",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"\x01CD001\x01",
            at: DESCRIPTORS,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let volume = Volume::primary(rest).ok_or(Reject::Coincidence("no volume descriptor"))?;
        volume.check().map_err(Reject::NearMiss)?;
        if !walk::has_root(rest, &volume) {
            return Err(Reject::NearMiss(
                "an ISO 9660 volume whose root directory is not where it says",
            ));
        }
        Ok(Extent::known(volume.len(), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let set = descriptor::read(&region);
        let Some(primary) = &set.primary else {
            return Opened::unread(Problem::corrupt("the primary volume descriptor is cut off"));
        };
        let mut ledger = set.ledger;
        let mut problems = set.problems;
        let mut properties = set.properties;
        if length(&region) < primary.len() {
            let detail = format!("{} of {} bytes are there", region.len(), primary.len());
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        let rock_ridge = walk::rock_ridge(&region, primary);
        let names = rock_ridge.map_or(Names::Plain, Names::RockRidge);
        properties.set("names", names.word());
        let first = walk(&region, primary, names, budget, &mut ledger, &mut problems);
        let history = sessions::read(&region, primary, &first, budget, &mut ledger);
        let second = set.joliet.as_ref().map(|joliet| {
            walk(
                &region,
                joliet,
                Names::Joliet,
                budget,
                &mut ledger,
                &mut problems,
            )
        });
        let (shown, other) = match second {
            Some(joliet) if matches!(names, Names::Plain) => {
                properties.set("names", Names::Joliet.word());
                (joliet, Some(first))
            }
            other => (first, other),
        };
        let entries = with_others(shown, other, &mut problems);
        opened(entries, history, ledger, problems, properties)
    }
}

fn opened(
    entries: Vec<crate::entry::Entry>,
    history: Vec<Superseded>,
    ledger: Ledger,
    problems: Problems,
    properties: Properties,
) -> Opened {
    Opened {
        content: Content::Tree(Tree { entries, history }),
        spans: ledger.into_spans(),
        problems: problems.into_vec(),
        properties,
    }
}

/// The entries of the shown tree, and those files of the other one whose content the shown tree does not name.
fn with_others(
    shown: Walked,
    other: Option<Walked>,
    problems: &mut Problems,
) -> Vec<crate::entry::Entry> {
    let mut entries = shown.entries;
    let Some(other) = other else {
        return entries;
    };
    let known: BTreeSet<_> = shown.extents.into_iter().flatten().collect();
    for (entry, extent) in other.entries.into_iter().zip(other.extents) {
        let is_new = extent.is_some_and(|extent| !known.contains(&extent));
        if matches!(entry.node, Node::File(_)) && is_new {
            let detail = "stands in another tree of the disc only, which other systems show";
            problems.push(Problem::new(ProblemKind::Name, detail).about(&entry.path));
            entries.push(entry);
        }
    }
    entries
}
