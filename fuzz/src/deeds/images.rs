//! Readers of formats, one kind at a time; and whole images.

use std::io::Read as _;

use bytes::Bytes;
use vitalsign::baseline::compare::{compare, measure};
use vitalsign::baseline::create::create;
use vitalsign::baseline::{Baseline, Device, Firmware};
use vitalsign::budget::{Budget, Limits};
use vitalsign::entry::Node;
use vitalsign::extract::{Inventory, unpack};
use vitalsign::formats::{self, Content, Kind, Length, PartBytes, Tree};
use vitalsign::image::Image;

use super::mend;

/// Little enough for thousands of images a second, and more than any limit that is to be met.
const LIMITS: Limits = Limits {
    depth: 8,
    entries: 5_000,
    decoded: 32 << 20,
    ratio: 250,
    memory: 8 << 20,
};

pub(super) fn archive(bytes: &[u8]) {
    read(bytes, Kind::Archive);
}

pub(super) fn boot(bytes: &[u8]) {
    read(bytes, Kind::Boot);
}

pub(super) fn compression(bytes: &[u8]) {
    read(bytes, Kind::Compression);
}

pub(super) fn disk(bytes: &[u8]) {
    read(bytes, Kind::Disk);
}

pub(super) fn filesystem(bytes: &[u8]) {
    read(bytes, Kind::Filesystem);
}

pub(super) fn flash(bytes: &[u8]) {
    read(bytes, Kind::Flash);
}

pub(super) fn memory(bytes: &[u8]) {
    read(bytes, Kind::Memory);
}

/// Reads all that formats of a kind see in the bytes.
fn read(bytes: &[u8], kind: Kind) {
    let bytes = Bytes::copy_from_slice(bytes);
    for format in formats::ALL {
        if format.doc().kind != kind {
            continue;
        }
        let Ok(extent) = format.measure(&bytes) else {
            continue;
        };
        let length = match extent.len {
            Length::Known(length) => usize::try_from(length).unwrap_or(usize::MAX),
            Length::Decoded => usize::MAX,
        };
        let region = bytes.slice(..length.min(bytes.len()));
        let budget = Budget::new(LIMITS);
        match format.open(region, &budget).content {
            Content::Stream(mut decoder) => drain(&mut decoder),
            Content::Tree(tree) => files(&tree),
            Content::Layout(parts) => {
                for part in parts {
                    if let PartBytes::Stream(mut decoder) = part.bytes {
                        drain(&mut decoder);
                    }
                }
            }
            Content::Memory(_) | Content::Unread => {}
        }
    }
}

/// What a decoder yields; it may not be asked for ever, as the budget is the caller's.
fn drain(decoder: &mut dyn std::io::Read) {
    let _ = std::io::copy(&mut decoder.take(LIMITS.decoded), &mut std::io::sink());
}

fn files(tree: &Tree) {
    for entry in &tree.entries {
        if let Node::File(file) = &entry.node {
            let _ = file.data.copy_to(&mut std::io::sink());
        }
    }
}

/// Everything in an image; each of its bytes is accounted for, and it is what it is.
pub(super) fn carve(bytes: &[u8]) {
    let found = everything(bytes);
    let baseline = baseline(&found);
    let baseline = Baseline::parse(&baseline.write()).unwrap();
    let comparison = compare(&baseline, &found);
    assert_eq!(comparison.changes, [], "an image is not what it is");
    let measured = measure(&baseline, &found);
    assert_eq!(
        (measured.changes, measured.checked),
        (comparison.changes, comparison.checked)
    );
}

/// The same behind the checksums that guard headers: they are made to be right first, whatever became of what they guard.
pub(super) fn mended(bytes: &[u8]) {
    let mut image = bytes.to_vec();
    mend::mend(&mut image);
    everything(&image);
}

fn everything(bytes: &[u8]) -> Inventory {
    let image = Image::from_bytes("fuzzed", Bytes::copy_from_slice(bytes));
    let found = unpack(&image, &Budget::new(LIMITS));
    let coverage = found.coverage;
    let told = coverage.content + coverage.metadata + coverage.fill + coverage.unknown;
    assert_eq!(told, coverage.bytes, "bytes are told twice, or not at all");
    assert_eq!(coverage.bytes, u64::try_from(bytes.len()).unwrap());
    found
}

fn baseline(found: &Inventory) -> Baseline {
    let draft = create(found);
    Baseline {
        sequence: 1,
        issued: "2026-01-01T00:00:00Z".parse().unwrap(),
        expires: "2036-01-01T00:00:00Z".parse().unwrap(),
        device: Device {
            vendor: "example-medical".to_owned(),
            model: "VSM-9000".to_owned(),
            ..Device::default()
        },
        firmware: Firmware {
            version: "1".to_owned(),
            ..Firmware::default()
        },
        origin: None,
        components: draft.components,
        files: draft.files,
        pages: draft.pages,
        functions: draft.functions,
        elf: draft.elf,
        texts: draft.texts,
        boot: draft.boot,
        trees: draft.trees,
        mutable: Vec::new(),
    }
}
