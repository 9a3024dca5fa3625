//! The device tree blob: what hardware there is, and with it which partitions the flash has and how Linux is started.

mod partitions;
mod properties;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;

use self::partitions::Frame;
pub use self::properties::{Property, properties};
use super::flat_tree::{Event, Header, MAGIC, has_node};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject,
};
use crate::problem::Problem;

/// The device tree blob.
pub(in crate::formats) struct Dtb;

impl Format for Dtb {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "dtb",
            title: "device tree blob",
            kind: Kind::Boot,
            spec: "Devicetree Specification 0.4, chapter 5",
            reads: "versions 1 to 17; model, compatible, kernel arguments and partitions as properties",
            verifies: "all tokens, names and blocks against each other; the format has no checksum",
            limits: &[
                "the other properties of its nodes are accounted for, not shown",
                "nodes nested more than 64 deep",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest)?;
        if has_node(&header, rest, b"images") {
            return Err(Reject::Coincidence("a FIT image"));
        }
        Ok(Extent::known(header.total, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut properties = Properties::new();
        properties.set("version", header.version.to_string());
        if let Some(cpu) = header.boot_cpu.filter(|&cpu| cpu != 0) {
            properties.set("boot-cpu", cpu.to_string());
        }
        let mut walk = header.walk(&region);
        let mut frames: Vec<Frame> = Vec::new();
        let mut labels = BTreeMap::new();
        let mut limit = None;
        while let Some(event) = walk.next() {
            match event {
                Event::Node(name) => frames.push(Frame::below(frames.last(), name)),
                Event::Property(property) => {
                    if let Some(said) = shown(&frames, property.name) {
                        properties.set(said, property.text());
                    }
                    if let Some(frame) = frames.last_mut() {
                        frame.take(&property);
                    }
                }
                Event::End => {
                    let partition = frames.pop().and_then(Frame::into_partition);
                    let Some(partition) = partition.filter(|_| limit.is_none()) else {
                        continue;
                    };
                    match budget.spend_entries(1) {
                        Ok(()) => partition.tell(&mut labels, &mut properties),
                        Err(problem) => limit = Some(problem),
                    }
                }
            }
        }
        let (spans, mut problems) = header.account(walk);
        problems.extend(limit);
        Opened {
            content: Content::Layout(Vec::new()),
            spans,
            problems,
            properties,
        }
    }
}

/// Under which name a property is shown, when it is one of those that say what the device is and how it starts.
fn shown(frames: &[Frame], property: &[u8]) -> Option<&'static str> {
    let parent = frames.get(1).map(Frame::name);
    match (frames.len(), parent, property) {
        (1, _, b"model") => Some("model"),
        (1, _, b"compatible") => Some("compatible"),
        (2, Some(b"chosen"), b"bootargs") => Some("bootargs"),
        (2, Some(b"chosen"), b"stdout-path") => Some("stdout-path"),
        _ => None,
    }
}
