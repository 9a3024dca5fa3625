//! Notes: the build id that the linker gave the file, and the package that it was built for.

use goblin::elf::note::NT_GNU_BUILD_ID;
use goblin::elf::program_header::PT_NOTE;
use goblin::elf::section_header::SHT_NOTE;

use super::view::View;
use crate::digest::hex;
use crate::read::index;

/// Most note segments or sections that are looked into, and most notes of each.
const NOTES_MAX: usize = 256;
/// Longest build id that is believed, in bytes; real ones have 8 to 32.
const BUILD_ID_MAX: usize = 64;
/// The type of the note about a package (systemd, "Package Metadata for Executable Files").
const FDO_PACKAGE: u32 = 0xcafe_1a7e;

/// One note.
struct Note<'a> {
    /// The owner's name, with the zero byte that ends it.
    owner: &'a [u8],
    kind: u32,
    body: &'a [u8],
    /// Where the body stands, in bytes from the file's start.
    at: u64,
}

/// What a note says about the package of a file.
pub(crate) struct PackageNote<'a> {
    /// The JSON, and zero bytes behind it.
    pub(crate) json: &'a [u8],
    /// Where it stands, in bytes from the file's start.
    pub(crate) at: u64,
}

/// The build id of a file as hex digits.
pub(crate) fn build_id_of(bytes: &[u8]) -> Option<String> {
    build_id(&View::parse(bytes).ok()?)
}

/// The build id as hex digits: from the segments that are loaded, else from the sections.
pub(super) fn build_id(view: &View<'_>) -> Option<String> {
    let id = find(view, |note| {
        note.kind == NT_GNU_BUILD_ID && note.owner == b"GNU\0"
    })?
    .body;
    (1..=BUILD_ID_MAX).contains(&id.len()).then(|| hex(id))
}

/// What the file says about the package that it was built for.
pub(crate) fn package_note(bytes: &[u8]) -> Option<PackageNote<'_>> {
    let view = View::parse(bytes).ok()?;
    let note = find(&view, |note| {
        note.kind == FDO_PACKAGE && note.owner == b"FDO\0"
    })?;
    Some(PackageNote {
        json: note.body,
        at: note.at,
    })
}

/// The first note that is wanted: of the segments that are loaded, else of the sections.
fn find<'a>(view: &View<'a>, is_wanted: impl Fn(&Note<'a>) -> bool) -> Option<Note<'a>> {
    let segments = view
        .segments
        .iter()
        .filter(|segment| segment.p_type == PT_NOTE)
        .map(|it| (view.segment_bytes(it), it.p_align, it.p_offset));
    let sections = view
        .sections
        .iter()
        .filter(|section| section.sh_type == SHT_NOTE)
        .map(|it| (view.section_bytes(it), it.sh_addralign, it.sh_offset));
    segments
        .take(NOTES_MAX)
        .chain(sections.take(NOTES_MAX))
        .find_map(|(bytes, align, at)| find_in(view, bytes, align, at, &is_wanted))
}

fn find_in<'a>(
    view: &View<'a>,
    mut bytes: &'a [u8],
    align: u64,
    mut at: u64,
    is_wanted: &impl Fn(&Note<'a>) -> bool,
) -> Option<Note<'a>> {
    let align = if align == 8 { 8 } else { 4 };
    for _ in 0..NOTES_MAX {
        let fields = view.fields(bytes);
        let (name_len, len, kind) = (fields.u32(0)?, fields.u32(4)?, fields.u32(8)?);
        let body_at = padded(12_u64.checked_add(name_len.into())?, align)?;
        let next_at = padded(body_at.checked_add(len.into())?, align)?;
        let note = Note {
            owner: fields.slice(12, index(name_len.into()))?,
            kind,
            body: fields.slice(index(body_at), index(len.into()))?,
            at: at.checked_add(body_at)?,
        };
        if is_wanted(&note) {
            return Some(note);
        }
        bytes = bytes.get(index(next_at)..)?;
        at = at.checked_add(next_at)?;
    }
    None
}

fn padded(len: u64, align: u64) -> Option<u64> {
    len.checked_next_multiple_of(align)
}
