//! Which bytes of an ELF file its own tables explain.

use std::ops::Range;

use goblin::elf::header::ET_REL;

use super::view::View;
use crate::facts::extent::Explained;
use crate::read::{Fields, length};

/// What ends a signed kernel module (Linux, `include/linux/module_signature.h`).
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// The record before it, in bytes.
const SIGNATURE_RECORD: u64 = 12;

/// The ranges of the file that header, tables, segments and sections name. What reaches past the file's end
/// explains nothing: a made-up size must not hide what lies behind the real content.
pub(in crate::facts) fn explained(bytes: &[u8]) -> Option<Explained<'_>> {
    let view = View::parse(bytes).ok()?;
    let header = &view.header;
    let (header_len, segment_len, section_len) = if view.is_64() {
        (64, 56, 64)
    } else {
        (52, 32, 40)
    };
    let table = |at: u64, count: usize, size: u64| {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        (at, count.saturating_mul(size))
    };
    let mut explained = Explained::new(bytes);
    explained.add(0, header_len);
    for (at, len) in [
        table(header.e_phoff, view.segments.len(), segment_len),
        table(header.e_shoff, view.sections.len(), section_len),
    ] {
        explained.add(at, len);
    }
    for segment in &view.segments {
        explained.add(segment.p_offset, segment.p_filesz);
    }
    for section in &view.sections {
        if view.section_range(section).is_some() {
            explained.add(section.sh_offset, section.sh_size);
        }
    }
    if header.e_type == ET_REL
        && let Some(signature) = signature(bytes, explained.end())
    {
        explained.add(
            signature.start,
            signature.end.saturating_sub(signature.start),
        );
    }
    Some(explained)
}

/// The signature that the kernel's build appends to a module: only when it fills exactly what follows `end`.
fn signature(bytes: &[u8], end: u64) -> Option<Range<u64>> {
    let body = bytes.strip_suffix(SIGNED)?;
    let record_at = length(body).checked_sub(SIGNATURE_RECORD)?;
    let record = Fields::big(body).tail(crate::read::index(record_at))?;
    let len = Fields::big(record).u32(8)?;
    (record_at.checked_sub(len.into())? == end).then(|| end..length(bytes))
}
