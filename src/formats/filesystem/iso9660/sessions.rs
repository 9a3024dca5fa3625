//! Earlier sessions of a disc: their descriptors stay where they were written, and their trees show what was replaced since.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::descriptor::{self, SECTOR, Volume};
use super::names::Names;
use super::walk::{self, Walked};
use crate::budget::Budget;
use crate::entry::{Node, Superseded};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::image::map;
use crate::read::{clip, length, rest};

/// The first sector of descriptors, from the start of a session.
const DESCRIPTORS: u64 = 16;
/// So many earlier sessions are read.
const MOST: usize = 64;
/// What became of an older content.
const WHY: &str = "in an earlier session of the disc; later ones name another content, or none";

/// The contents of earlier sessions that none of the later ones has. `known` are those of the tree that is shown.
pub(super) fn read(
    region: &Bytes,
    newest: &Volume,
    known: &Walked,
    budget: &Budget,
    ledger: &mut Ledger,
) -> Vec<Superseded> {
    let mut history = Vec::new();
    let mut known: BTreeSet<_> = known.extents.iter().flatten().copied().collect();
    let mut found = starts(region, newest);
    // The last that was written comes first.
    found.reverse();
    for (at, volume) in found.into_iter().take(MOST) {
        let mut untold = Problems::default();
        let mut own = Ledger::default();
        let names = walk::rock_ridge(region, &volume).map_or(Names::Plain, Names::RockRidge);
        let walked = super::walk(region, &volume, names, budget, &mut own, &mut untold);
        // A tree that is damaged is none of an earlier session, or not there any more.
        if !untold.into_vec().is_empty() {
            continue;
        }
        ledger.append(descriptor::read_at(region, at).ledger);
        ledger.append(own);
        for (entry, extent) in walked.entries.into_iter().zip(walked.extents) {
            if let (Node::File(file), Some(extent)) = (entry.node, extent)
                && known.insert(extent)
            {
                history.push(Superseded {
                    path: entry.path,
                    mtime: entry.meta.mtime,
                    why: WHY,
                    file,
                });
            }
        }
    }
    history
}

/// The primary volume descriptors behind the first, whose root directories are where they say.
fn starts(region: &Bytes, newest: &Volume) -> Vec<(u64, Volume)> {
    let mut found: Vec<(u64, Volume)> = Vec::new();
    let end = length(region) / SECTOR;
    for sector in DESCRIPTORS.saturating_add(1)..end {
        let at = sector.saturating_mul(SECTOR);
        if sector.is_multiple_of(512) {
            map::visited();
        }
        if clip(region, at, 7)[..] != *b"\x01CD001\x01" {
            continue;
        }
        let start = at.saturating_sub(DESCRIPTORS.saturating_mul(SECTOR));
        let Some(volume) = Volume::primary(&rest(region, start)) else {
            continue;
        };
        let root = |volume: &Volume| volume.root.as_ref().map(|root| root.extent);
        let is_new = root(&volume) != root(newest)
            && found.iter().all(|(_, known)| root(known) != root(&volume));
        if is_new && volume.check().is_ok() && walk::has_root(region, &volume) {
            found.push((at, volume));
        }
    }
    found
}
