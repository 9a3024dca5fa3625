//! Android's super partition: logical partitions made of extents, told by tables in several slots.

mod metadata;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use self::metadata::{Geometry, Source, Table};
use super::assemble::{Disk, Map, Piece};
use crate::budget::Budget;
use crate::formats::compression::notes::Notes;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::length;

/// Android's super partition.
pub(in crate::formats) struct AndroidSuper;

const MAGIC: [u8; 4] = *b"gDla";

/// Where the geometry and its copy stand (bytes).
const GEOMETRIES: [u64; 2] = [4096, 8192];

impl Format for AndroidSuper {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "android-super",
            title: "Android super partition",
            kind: Kind::Disk,
            spec: "AOSP system/core/fs_mgr/liblp/include/liblp/metadata_format.h",
            reads: "linear and zero extents; every slot, the copy where the first is damaged",
            verifies: "SHA-256 of the geometry, of each header and of its tables; that slots and copies agree",
            limits: &[
                "extents on other block devices",
                "partitions of other slots are parts of their own only where they differ from the first slot's",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &MAGIC,
                at: 4096,
            },
            Magic {
                bytes: &MAGIC,
                at: 8192,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let geometry = Geometry::parse(rest).ok_or(Reject::Coincidence("no sound geometry"))?;
        let mut slots = (0..geometry.slots).flat_map(|slot| geometry.copies(rest, slot));
        let table = slots.find_map(|(_, table)| table);
        match table.and_then(|table| table.device_len()) {
            Some(len) => Ok(Extent::known(len, Proof::Checksum)),
            // The copy of a geometry, seen as the first, has no tables behind it.
            None if Geometry::at(rest, GEOMETRIES[0]).is_some()
                && Geometry::at(rest, GEOMETRIES[1]).is_some() =>
            {
                Err(Reject::NearMiss(
                    "an Android super partition of which no table is sound",
                ))
            }
            None => Err(Reject::Coincidence("no tables behind the geometry")),
        }
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(geometry) = Geometry::parse(&region) else {
            return Opened::unread(Problem::corrupt("the geometry is cut off"));
        };
        let mut opened = Opened {
            content: Content::Unread,
            spans: Vec::new(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        for at in GEOMETRIES {
            if Geometry::at(&region, at).is_some() {
                opened.spans.push(Span::metadata(at, Geometry::LEN));
            } else {
                let detail = "the SHA-256 of a geometry is wrong";
                opened.problems.push(Problem::checksum(detail).at(at));
            }
        }
        opened.properties.set("slots", geometry.slots.to_string());
        let mut known = Known::default();
        let mut parts = Vec::new();
        for slot in 0..geometry.slots {
            let Some(table) = take_slot(&region, &geometry, slot, &mut opened) else {
                continue;
            };
            for partition in table.partitions() {
                let Some(partition) = partition else {
                    let detail = format!(
                        "a partition of slot {slot} has extents that are not there or belong to another"
                    );
                    opened.problems.push(Problem::corrupt(detail));
                    break;
                };
                if let Err(problem) = budget.spend_entries(1) {
                    opened.problems.push(problem);
                    break;
                }
                let name = if slot == 0 {
                    partition.name
                } else if known.names.get(&partition.name) == Some(&partition.extents) {
                    continue;
                } else {
                    [format!("slot{slot}-").as_bytes(), &partition.name].concat()
                };
                let say = |what: &str| [&name[..], b".", what.as_bytes()].concat();
                let attributes = format!("{:#x}", partition.attributes);
                opened.properties.set(say("attributes"), attributes);
                opened.properties.set(say("group"), partition.group);
                let same = known.extents.get(&partition.extents);
                if let Some(other) = same.filter(|_| !partition.extents.is_empty()) {
                    // The same bytes under another name are read once.
                    opened.properties.set(say("same-as"), other.clone());
                } else if !partition.extents.is_empty() {
                    parts.extend(part(&region, name.clone(), &partition.extents, &mut opened));
                }
                known.add(name, partition.extents);
            }
        }
        opened.content = Content::Layout(parts);
        opened
    }
}

/// The partitions so far.
#[derive(Default)]
struct Known {
    names: BTreeMap<Vec<u8>, Vec<(Source, u64)>>,
    /// Who was the first with these extents.
    extents: BTreeMap<Vec<(Source, u64)>, Vec<u8>>,
}

impl Known {
    fn add(&mut self, name: Vec<u8>, extents: Vec<(Source, u64)>) {
        self.extents
            .entry(extents.clone())
            .or_insert_with(|| name.clone());
        self.names.entry(name).or_insert(extents);
    }
}

/// The table of a slot; names both copies and tells what is wrong with them.
fn take_slot(region: &Bytes, geometry: &Geometry, slot: u64, opened: &mut Opened) -> Option<Table> {
    let copies = geometry.copies(region, slot);
    for (at, table) in &copies {
        match table {
            Some(table) => opened.spans.push(Span::metadata(*at, table.len())),
            None if *at >= length(region) => {}
            None => {
                let detail = format!("the SHA-256 of a copy of slot {slot} is wrong");
                opened.problems.push(Problem::checksum(detail).at(*at));
            }
        }
    }
    let [(_, first), (other_at, second)] = copies;
    if let (Some(first), Some(second)) = (&first, &second)
        && !first.agrees(second)
    {
        let detail = format!("the two copies of slot {slot} differ; the first is read");
        opened.problems.push(Problem::corrupt(detail).at(other_at));
    }
    first.or(second)
}

/// A logical partition as a part; none where its bytes are on another device.
fn part(
    region: &Bytes,
    name: Vec<u8>,
    extents: &[(Source, u64)],
    opened: &mut Opened,
) -> Option<Part> {
    if extents
        .iter()
        .any(|(source, _)| *source == Source::Elsewhere)
    {
        let detail = "a partition has extents on another block device";
        opened.problems.push(Problem::unsupported(detail));
        return None;
    }
    let bytes = match *extents {
        [(Source::At(at), len)] => PartBytes::Range(at..at.saturating_add(len)),
        _ => PartBytes::Stream(Box::new(Disk::new(
            region.clone(),
            Extents(extents.to_vec().into()),
        ))),
    };
    Some(Part { name, bytes })
}

/// Gives extent after extent.
struct Extents(VecDeque<(Source, u64)>);

impl Map for Extents {
    fn next(&mut self, _notes: &mut Notes) -> Option<Piece> {
        self.0.pop_front().map(|(source, len)| match source {
            Source::At(at) => Piece::Stored { at, len },
            Source::Zeros | Source::Elsewhere => Piece::hole(len),
        })
    }
}
