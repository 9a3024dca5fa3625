//! Which bytes of a PE file its own tables explain.

use super::CERTIFICATES;
use super::image::{Image, SECTION_LEN};
use crate::facts::extent::Explained;

/// The ranges that headers, sections, symbols and certificates name. What reaches past the file's end explains
/// nothing.
pub(in crate::facts) fn explained(bytes: &[u8]) -> Option<Explained<'_>> {
    let image = Image::parse(bytes, &mut Vec::new())?;
    let mut explained = Explained::new(bytes);
    let sections_len = length_of(image.sections.len()).saturating_mul(SECTION_LEN);
    explained.add(0, image.sections_at.saturating_add(sections_len));
    for section in &image.sections {
        explained.add(section.offset.into(), section.size.into());
    }
    if let Some((at, len)) = image.strings() {
        let symbols_at = u64::from(image.symbols_at);
        explained.add(
            symbols_at,
            at.saturating_add(len).saturating_sub(symbols_at),
        );
    }
    // Of all directories this one alone is placed by its offset in the file.
    if let Some((at, len)) = image.directory(CERTIFICATES) {
        explained.add(at.into(), len.into());
    }
    Some(explained)
}

fn length_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
