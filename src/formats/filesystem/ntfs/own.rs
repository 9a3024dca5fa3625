//! The volume's own files, as far as they say something about it.

use super::record::kind;
use super::volume::Attributes;
use crate::formats::filesystem::dos;
use crate::formats::filesystem::harvest::Harvest;
use crate::read::Fields;

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
