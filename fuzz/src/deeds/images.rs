//! Readers of formats, one kind at a time; and whole images.

use std::io::Read as _;

use bytes::Bytes;
use vitalsign::baseline::compare::{compare, measure};
use vitalsign::baseline::create::create;
use vitalsign::baseline::{Baseline, Device, Firmware};
use vitalsign::budget::{Budget, Limits};
use vitalsign::entry::Node;
use vitalsign::extract::{Inventory, unpack};
use vitalsign::formats::{self, Content, Decode, Doc, Format, Kind, Length, PartBytes, Tree};
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

/// File systems for raw flash: they are logs, and go with what lies below them.
const ON_FLASH: &[&str] = &["jffs2", "qnx-efs", "qnx-etfs", "ubifs", "yaffs2"];

/// Registries of Windows, which are read as trees.
const HIVES: &[&str] = &["regf", "wince-hive"];

pub(super) fn archive(bytes: &[u8]) {
    read_all(bytes, |doc| doc.kind == Kind::Archive);
}

pub(super) fn boot(bytes: &[u8]) {
    read_all(bytes, |doc| doc.kind == Kind::Boot);
}

pub(super) fn compression(bytes: &[u8]) {
    read_all(bytes, |doc| doc.kind == Kind::Compression);
}

pub(super) fn disk(bytes: &[u8]) {
    read_all(bytes, |doc| doc.kind == Kind::Disk);
}

pub(super) fn filesystem(bytes: &[u8]) {
    let is_other = |doc: &Doc| !ON_FLASH.contains(&doc.id) && !HIVES.contains(&doc.id);
    read_all(bytes, |doc| doc.kind == Kind::Filesystem && is_other(doc));
}

pub(super) fn flash(bytes: &[u8]) {
    read_all(bytes, |doc| {
        doc.kind == Kind::Flash || ON_FLASH.contains(&doc.id)
    });
}

pub(super) fn hive(bytes: &[u8]) {
    read_all(bytes, |doc| HIVES.contains(&doc.id));
}

pub(super) fn memory(bytes: &[u8]) {
    read_all(bytes, |doc| doc.kind == Kind::Memory);
}

/// Reads all that the chosen formats see in the bytes.
fn read_all(bytes: &[u8], is_chosen: impl Fn(&Doc) -> bool) {
    let bytes = Bytes::copy_from_slice(bytes);
    for format in formats::ALL.iter().filter(|it| is_chosen(it.doc())) {
        read(*format, &bytes);
    }
}

/// Reads what one format sees at the start of the bytes.
pub(super) fn read(format: &dyn Format, bytes: &Bytes) {
    let Ok(extent) = format.measure(bytes) else {
        return;
    };
    let length = match extent.len {
        Length::Known(length) => usize::try_from(length).unwrap_or(usize::MAX),
        Length::Decoded => usize::MAX,
    };
    let region = bytes.slice(..length.min(bytes.len()));
    let budget = Budget::new(LIMITS);
    match format.open(region, &budget).content {
        Content::Stream(decoder) => drain(decoder),
        Content::Tree(tree) => files(&tree),
        Content::Layout(parts) => {
            for part in parts {
                if let PartBytes::Stream(decoder) = part.bytes {
                    drain(decoder);
                }
            }
        }
        Content::Memory(_) | Content::Unread => {}
    }
}

/// What a decoder yields, and how it went; it may not be asked for ever, as the budget is the caller's.
fn drain(mut decoder: Box<dyn Decode>) {
    let _ = std::io::copy(
        &mut (&mut decoder).take(LIMITS.decoded),
        &mut std::io::sink(),
    );
    let _ = decoder.finish();
}

/// Takes so many bytes, for the same reason, and no more.
struct Bounded(u64);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = self.0.checked_sub(bytes.len() as u64);
        self.0 = left.ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn files(tree: &Tree) {
    let mut sink = Bounded(LIMITS.decoded);
    for entry in &tree.entries {
        if let Node::File(file) = &entry.node {
            let _ = file.data.copy_to(&mut sink);
        }
    }
}

/// Everything in an image; each of its bytes is accounted for, and it is what it is.
pub(super) fn carve(bytes: &[u8]) {
    let found = everything(bytes);
    let baseline = baseline(&found);
    if baseline.components.is_empty() {
        // Nothing to hold on to: `baseline create` makes none of it.
        return;
    }
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
