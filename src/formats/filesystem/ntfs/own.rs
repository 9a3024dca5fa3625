//! The volume's own files: which they are, and what they say about it.

use super::file::{Name, streams};
use super::record::kind;
use super::volume::Attributes;
use crate::formats::filesystem::dos;
use crate::formats::filesystem::harvest::Harvest;
use crate::read::Fields;

/// Records up to this one are the volume's own files.
pub(super) const OWN: u64 = 24;
/// The root directory.
pub(super) const ROOT: u64 = 5;
/// The directory of more of the volume's own files.
const EXTEND: u64 = 11;
/// Alternate contents of the volume's own files that are its own too.
const OWN_STREAMS: [&[u8]; 9] = [
    b"$SDS",
    b"$Bad",
    b"$J",
    b"$Max",
    b"$Config",
    b"$Verify",
    b"$Corrupt",
    b"$T",
    b"$Info",
];

/// The files in that directory that are the volume's own.
const EXTENSIONS: [&[u8]; 6] = [
    b"$ObjId",
    b"$Quota",
    b"$Reparse",
    b"$UsnJrnl",
    b"$RmMetadata",
    b"$Deleted",
];
/// The record of the volume itself.
const VOLUME: u64 = 3;

/// Tells what the file with this number says about the volume.
pub(super) fn read(number: u64, attributes: &Attributes, harvest: &mut Harvest<'_>) {
    if number != VOLUME {
        return;
    }
    if let Some(label) = attributes
        .resident(kind::LABEL)
        .filter(|label| !label.is_empty())
    {
        harvest
            .properties
            .set("label", dos::utf8(dos::units(label)));
    }
    let Some(fields) = attributes.resident(kind::VOLUME).map(Fields::little) else {
        return;
    };
    if let Some((major, minor)) = fields.u8(8).zip(fields.u8(9)) {
        harvest
            .properties
            .set("version", format!("{major}.{minor}"));
    }
    let dirty = fields.u16(10).is_some_and(|flags| flags & 1 != 0);
    harvest
        .properties
        .set("clean", if dirty { "no" } else { "yes" });
}

/// Whether a file is one of the volume's own. Records that are set aside for more of them have no content.
pub(super) fn is_own(number: u64, names: &[Name], attributes: &Attributes) -> bool {
    let known = number <= EXTEND || number < OWN && !attributes.has_content();
    let extension = |name: &Name| name.parent == EXTEND && EXTENSIONS.contains(&&name.bytes[..]);
    number != ROOT && (known || names.iter().any(extension))
}

/// Whether one of the volume's own files has a content that is not its own.
pub(super) fn has_foreign_stream(attributes: &Attributes) -> bool {
    let names = streams(attributes).into_iter();
    let mut names = names.map(dos::utf8);
    names.any(|name| !is_own_stream(&name))
}

/// Whether an alternate content of this name belongs to one of the volume's own files.
pub(super) fn is_own_stream(name: &[u8]) -> bool {
    OWN_STREAMS.contains(&name)
}
