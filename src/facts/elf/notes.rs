//! Notes: the build id that the linker gave the file.

use goblin::elf::note::NT_GNU_BUILD_ID;
use goblin::elf::program_header::PT_NOTE;
use goblin::elf::section_header::SHT_NOTE;

use super::view::View;
use crate::read::index;

/// Most note segments or sections that are looked into, and most notes of each.
const NOTES_MAX: usize = 256;
/// Longest build id that is believed, in bytes; real ones have 8 to 32.
const BUILD_ID_MAX: usize = 64;

/// The build id as hex digits: from the segments that are loaded, else from the sections.
pub(super) fn build_id(view: &View<'_>) -> Option<String> {
    let segments = view
        .segments
        .iter()
        .filter(|segment| segment.p_type == PT_NOTE)
        .map(|segment| (view.segment_bytes(segment), segment.p_align));
    let sections = view
        .sections
        .iter()
        .filter(|section| section.sh_type == SHT_NOTE)
        .map(|section| (view.section_bytes(section), section.sh_addralign));
    segments
        .take(NOTES_MAX)
        .chain(sections.take(NOTES_MAX))
        .find_map(|(bytes, align)| build_id_in(view, bytes, align))
}

fn build_id_in(view: &View<'_>, mut bytes: &[u8], align: u64) -> Option<String> {
    let align = if align == 8 { 8 } else { 4 };
    for _ in 0..NOTES_MAX {
        let fields = view.fields(bytes);
        let (name_len, len, kind) = (fields.u32(0)?, fields.u32(4)?, fields.u32(8)?);
        let body_at = padded(12_u64.checked_add(name_len.into())?, align)?;
        let next_at = padded(body_at.checked_add(len.into())?, align)?;
        if kind == NT_GNU_BUILD_ID && fields.slice(12, index(name_len.into())) == Some(b"GNU\0") {
            let id = fields.slice(index(body_at), index(len.into()))?;
            return (1..=BUILD_ID_MAX).contains(&id.len()).then(|| hex(id));
        }
        bytes = bytes.get(index(next_at)..)?;
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('?');
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

fn padded(len: u64, align: u64) -> Option<u64> {
    len.checked_next_multiple_of(align)
}
