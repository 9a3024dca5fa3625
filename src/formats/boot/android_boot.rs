//! The Android boot image: a header of one page, then kernel, ramdisk and others, each from a page of its own.

mod header;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use sha1::{Digest as _, Sha1};

use self::header::{Image, Section};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// The Android boot image.
pub(in crate::formats) struct AndroidBoot;

/// The length of one entry of a vendor's table of ramdisks (bytes).
const RAMDISK_ENTRY: u64 = 108;

/// So many ramdisks a vendor's table may have.
const RAMDISKS: u64 = 1024;

impl Format for AndroidBoot {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "android-boot",
            title: "Android boot image",
            kind: Kind::Boot,
            spec: "AOSP system/tools/mkbootimg, include/bootimg/bootimg.h",
            reads: "boot images of version 0 to 4, with the device trees that some vendors add to version 0; vendor_boot of version 3 and 4 with its ramdisk table and bootconfig",
            verifies: "the SHA-1 of the parts that versions 0 to 2 state",
            limits: &[
                "versions 3 and 4 and vendor_boot have no checksum",
                "signatures of verified boot are not verified",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: header::BOOT,
                at: 0,
            },
            Magic {
                bytes: header::VENDOR,
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let image = Image::read(rest)?;
        // The padding of the last part is often cut away.
        let here = length(rest);
        let len = if (image.end..image.padded_end).contains(&here) {
            image.end
        } else {
            image.padded_end
        };
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok(image) = Image::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut opened = Opened {
            content: Content::Unread,
            spans: image.spans.clone(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        for (name, value) in &image.said {
            opened.properties.set(*name, value.clone());
        }
        let mut parts = Vec::new();
        for section in &image.sections {
            match section.name {
                "ramdisk-table" => {}
                "ramdisk" if image.has_table() => {
                    ramdisks(&image, section, &region, budget, &mut opened, &mut parts);
                }
                name => parts.push(part(name.as_bytes(), section.at, section.len)),
            }
        }
        opened.content = Content::Layout(parts);
        if let Some(id) = &image.id
            && length(&region) >= image.end
        {
            verify(&image, id, &region, &mut opened);
        }
        opened
    }
}

/// The ramdisks that a vendor's table names inside the one section that holds them all.
fn ramdisks(
    image: &Image,
    section: &Section,
    region: &Bytes,
    budget: &Budget,
    opened: &mut Opened,
    parts: &mut Vec<Part>,
) {
    let table = image
        .sections
        .iter()
        .find(|section| section.name == "ramdisk-table");
    let table = table.and_then(|table| Some((table.at, cut(region, table.at, table.len)?)));
    let Some((at, table)) = table else {
        let problem = Problem::corrupt("the table of ramdisks is cut off");
        opened.problems.push(problem);
        return parts.push(part(b"ramdisk", section.at, section.len));
    };
    for number in 0..image.ramdisks.min(RAMDISKS) {
        let from = number.saturating_mul(RAMDISK_ENTRY);
        let entry = clip(&table, from, RAMDISK_ENTRY);
        let fields = Fields::little(&entry);
        let (Some(len), Some(offset), Some(name)) =
            (fields.u32(0), fields.u32(4), fields.slice(12, 32))
        else {
            let problem = Problem::corrupt("the table of ramdisks is too short");
            opened.problems.push(problem.at(at));
            break;
        };
        if let Err(problem) = budget.spend_entries(1) {
            opened.problems.push(problem);
            break;
        }
        opened
            .spans
            .push(Span::metadata(at.saturating_add(from), RAMDISK_ENTRY));
        let text = name.split(|&byte| byte == 0).next().unwrap_or_default();
        let mut name = b"ramdisk".to_vec();
        if !text.is_empty() {
            name.push(b'.');
            name.extend_from_slice(text);
        }
        let (offset, len) = (u64::from(offset), u64::from(len));
        if offset.saturating_add(len) > section.len {
            let detail = format!("ramdisk {number} reaches past the ramdisks");
            opened.problems.push(Problem::corrupt(detail).at(at));
        }
        let start = section.at.saturating_add(offset.min(section.len));
        let len = len.min(section.len.saturating_sub(offset));
        parts.push(part(&name, start, len));
    }
}

/// Verifies the digest of the parts: each of them and its size, one after another, the empty ones too.
fn verify(image: &Image, id: &[u8; 20], region: &Bytes, opened: &mut Opened) {
    let mut hasher = Sha1::new();
    for section in &image.sections {
        for chunk in clip(region, section.at, section.len).chunks(1 << 20) {
            hasher.update(chunk);
            map::touched(length(chunk));
        }
        let [len @ .., _, _, _, _] = section.len.to_le_bytes();
        hasher.update(len);
    }
    if hasher.finalize()[..] == id[..] {
        opened.properties.set("id", "sha1 verified");
    } else {
        opened.properties.set("id", "sha1 WRONG");
        let problem = Problem::checksum("the SHA-1 in the header is not that of the parts");
        opened.problems.push(problem.at(header::ID));
    }
}

fn part(name: &[u8], at: u64, len: u64) -> Part {
    Part {
        name: name.to_vec(),
        bytes: PartBytes::Range(at..at.saturating_add(len)),
    }
}

/// The bytes of a fixed field up to its first NUL.
fn text(bytes: &[u8], at: u64, len: usize) -> Option<&[u8]> {
    let field = bytes.get(index(at)..index(at).checked_add(len)?)?;
    field.split(|&byte| byte == 0).next()
}
