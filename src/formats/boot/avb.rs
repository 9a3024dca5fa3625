//! Android Verified Boot: the signed structure that says what partitions must hold, alone (the vbmeta partition) or behind the image
//! of a partition, with a footer at the partition's end that leads to it.

mod descriptor;
mod header;
#[cfg(test)]
mod tests;
mod verity;

use bytes::Bytes;
use sha2::{Digest as _, Sha256, Sha512};

use self::descriptor::Descriptor;
use self::header::{FOOTER_LEN, Footer, Vbmeta};
use crate::budget::Budget;
use crate::digest::Digest;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{cut, length};

/// Android Verified Boot.
pub(in crate::formats) struct Avb;

impl Format for Avb {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "avb",
            title: "Android Verified Boot",
            kind: Kind::Boot,
            spec: "AOSP external/avb: libavb/avb_vbmeta_image.h, avb_footer.h and the descriptors",
            reads: "vbmeta images; partitions with a footer; hash, hashtree, chain, property and kernel command line descriptors",
            verifies: "the SHA-256 or SHA-512 of header and descriptors; of a partition with a footer, its salted hash or its whole hash tree",
            limits: &[
                "signatures are shown, not verified: their keys are in the boot loader",
                "what the descriptors of a vbmeta image say of other partitions is shown, not compared with them",
                "error correction data (FEC) of hash trees stay unexplained",
                "a partition with a footer is known when its bytes end where the partition does",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: header::MAGIC,
            at: 0,
        }]
    }

    fn is_asked_at_start(&self) -> bool {
        // A partition starts with its image, and says at its end that it has a footer.
        true
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let (vbmeta, len) = match find(rest) {
            Some((vbmeta, None)) => {
                let len = vbmeta.len();
                (vbmeta, len)
            }
            Some((vbmeta, Some(_))) => (vbmeta, length(rest)),
            None => return Err(Reject::Coincidence("no structure of verified boot")),
        };
        let proof = match hash_holds(&vbmeta) {
            Some(true) => Proof::Checksum,
            _ => Proof::Structure,
        };
        Ok(Extent::known(len, proof))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some((vbmeta, footer)) = find(&region) else {
            return Opened::unread(Problem::corrupt("the structure is cut off"));
        };
        let mut opened = Opened {
            content: Content::Layout(Vec::new()),
            spans: Vec::new(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        say(&vbmeta, &mut opened);
        let start = footer.as_ref().map_or(0, |footer| footer.vbmeta_at);
        vbmeta.explain(start, &mut opened.spans);
        let descriptors = descriptor::read(&vbmeta, &mut opened.problems);
        for descriptor in &descriptors {
            descriptor.say(&mut opened.properties);
        }
        if let Some(footer) = footer {
            let at = length(&region).saturating_sub(FOOTER_LEN);
            opened.spans.push(Span::metadata(at, FOOTER_LEN));
            opened.content = Content::Layout(vec![Part {
                name: b"image".to_vec(),
                bytes: PartBytes::Range(0..footer.image_len),
            }]);
            verify(&descriptors, &region, &mut opened);
        }
        opened
    }
}

/// The structure that a region starts with, or that its footer leads to.
fn find(region: &Bytes) -> Option<(Vbmeta, Option<Footer>)> {
    if let Some(vbmeta) = Vbmeta::read(region) {
        return Some((vbmeta, None));
    }
    let footer = Footer::read(region)?;
    let raw = cut(region, footer.vbmeta_at, footer.vbmeta_len)?;
    Some((Vbmeta::read(&raw)?, Some(footer)))
}

/// Whether the hash of header and descriptors is the one stated; `None` where none is.
fn hash_holds(vbmeta: &Vbmeta) -> Option<bool> {
    let algorithm = vbmeta.algorithm?;
    let (head, auxiliary) = (vbmeta.head(), vbmeta.auxiliary());
    Some(if algorithm.is_long {
        Sha512::new_with_prefix(&head)
            .chain_update(&auxiliary)
            .finalize()[..]
            == vbmeta.hash[..]
    } else {
        Sha256::new_with_prefix(&head)
            .chain_update(&auxiliary)
            .finalize()[..]
            == vbmeta.hash[..]
    })
}

/// Says what the header does, and whether its hash holds.
fn say(vbmeta: &Vbmeta, opened: &mut Opened) {
    let properties = &mut opened.properties;
    properties.set(
        "algorithm",
        vbmeta.algorithm.map_or("none", |known| known.name),
    );
    properties.set("release", vbmeta.release.clone());
    properties.set("rollback-index", vbmeta.rollback_index.to_string());
    properties.set("rollback-location", vbmeta.rollback_location.to_string());
    let flags = [(1, "hashtree-disabled"), (2, "verification-disabled")];
    let set = flags.iter().filter(|(bit, _)| vbmeta.flags & bit != 0);
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    if !set.is_empty() {
        properties.set("flags", set.join(", "));
    }
    if !vbmeta.key.is_empty() {
        properties.set("key.sha256", Digest::of(&vbmeta.key).to_string());
    }
    if !vbmeta.signature.is_empty() {
        properties.set("signature", crate::digest::hex(&vbmeta.signature));
    }
    match hash_holds(vbmeta) {
        Some(true) => properties.set("hash", "verified"),
        Some(false) => {
            properties.set("hash", "WRONG");
            let detail = "the hash of the header and the descriptors is not the one stated";
            opened.problems.push(Problem::checksum(detail));
        }
        None => properties.set("hash", "none"),
    }
}

/// Compares the image of a partition with what the descriptors behind it say of it.
fn verify(descriptors: &[Descriptor], region: &Bytes, opened: &mut Opened) {
    for descriptor in descriptors {
        let (name, verdict) = match descriptor {
            Descriptor::Hash(hash) => (&hash.partition, hash.verify(region)),
            Descriptor::Tree(tree) => (
                &tree.partition,
                verity::verify(tree, region, &mut opened.spans),
            ),
            _ => continue,
        };
        let name = name.escape_ascii().to_string();
        match verdict {
            Ok(()) => opened.properties.set(format!("image.{name}"), "verified"),
            Err(problem) => {
                opened
                    .properties
                    .set(format!("image.{name}"), "NOT VERIFIED");
                opened.problems.push(Problem {
                    detail: format!("partition {name}: {}", problem.detail),
                    ..problem
                });
            }
        }
    }
}
