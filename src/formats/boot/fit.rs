//! The FIT image: a device tree whose `/images` are the parts and whose `/configurations` say which belong together.
//!
//! Data stands in a property of each image, or behind the tree ("external"). Hashes are verified. Signatures are
//! shown: the keys to verify them with are in the boot loader.

mod hash;
mod model;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::model::{Image, Model};
use super::flat_tree::{Header, MAGIC, has_node};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
};
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// The FIT image.
pub(in crate::formats) struct Fit;

impl Format for Fit {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "fit",
            title: "flattened image tree (FIT)",
            kind: Kind::Boot,
            spec: "Flat Image Tree Specification; U-Boot boot/image-fit.c",
            reads: "embedded and external data; configurations, hashes and signatures as properties",
            verifies: "crc32, md5, sha1, sha256, sha384 and sha512 of each image that states one; configurations against images",
            limits: &[
                "signatures are shown, not verified: their keys are in the boot loader",
                "encrypted images are named",
                "other hash algorithms are told as unsupported",
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
        let header =
            Header::parse(rest).or(Err(Reject::Coincidence("no device tree, so no FIT image")))?;
        if !has_node(&header, rest, b"images") {
            return Err(Reject::Coincidence("a device tree without images"));
        }
        let mut walk = header.walk(rest);
        let model = Model::read(&mut walk);
        let ends = model.images.iter().filter_map(|image| image.range(&header));
        let len = ends.map(|range| range.end).fold(header.total, u64::max);
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut walk = header.walk(&region);
        let model = Model::read(&mut walk);
        let (spans, mut problems) = header.account(walk);
        let mut properties = Properties::new();
        model.tell(&mut properties);
        let mut parts = Vec::new();
        for image in &model.images {
            if let Err(problem) = budget.spend_entries(1) {
                problems.push(problem);
                break;
            }
            parts.extend(part(
                image,
                &header,
                &region,
                budget,
                &mut properties,
                &mut problems,
            ));
        }
        problems.extend(model.unbound());
        if model.is_cut {
            problems.push(Problem::limit(
                "more images or configurations than are read",
            ));
        }
        Opened {
            content: Content::Layout(parts),
            spans,
            problems,
            properties,
        }
    }
}

/// The part that an image is, with its hashes verified.
fn part(
    image: &Image,
    header: &Header,
    region: &Bytes,
    budget: &Budget,
    properties: &mut Properties,
    problems: &mut Vec<Problem>,
) -> Option<Part> {
    let name = String::from_utf8_lossy(&image.name).into_owned();
    let Some(range) = image.range(header) else {
        if image.has_data() {
            let detail = format!("image {name}: its data is not where a FIT image can be");
            problems.push(Problem::corrupt(detail));
        }
        return None;
    };
    if image.is_ambiguous() {
        let detail = format!("image {name} states in several ways where its data is");
        problems.push(Problem::corrupt(detail).at(range.start));
    }
    let end = range.end.min(length(region));
    let data = clip(region, range.start, range.end.saturating_sub(range.start));
    if range.end > end {
        let detail = format!("image {name}: its data reaches past the end");
        problems.push(Problem::corrupt(detail).at(range.start.min(end)));
    } else if image.is_encrypted {
        let detail = format!("image {name} is encrypted");
        problems.push(Problem::new(ProblemKind::Encrypted, detail).at(range.start));
    }
    for hash in &image.hashes {
        // Images may share their data, so that hashing is work without end unless it is spent.
        if let Err(problem) = budget.spend_decoded(length(&data)) {
            problems.push(problem);
            break;
        }
        let verdict = hash.verify(&data);
        let said = [&hash.algorithm[..], b" ", verdict.word().as_bytes()].concat();
        properties.set(image.said_as(&hash.node), said);
        if let Some(problem) = verdict.problem(&name, &hash.algorithm) {
            problems.push(problem.at(range.start));
        }
    }
    Some(Part {
        name: image.name.clone(),
        bytes: PartBytes::Range(range.start.min(end)..end),
    })
}
