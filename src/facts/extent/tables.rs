//! Where files end that point at their parts from tables: fonts, databases, message catalogues, bytecode.

use crate::read::{Endian, Fields, index, length};

/// TrueType and OpenType: the end of the last table.
pub(super) fn font(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::big(bytes);
    let directories = if fields.slice(0, 4)? == b"ttcf" {
        let count = usize::try_from(fields.u32(8)?).ok()?;
        let offsets = fields.slice(12, count.checked_mul(4)?)?;
        // A collection holds few fonts; they share most tables.
        offsets
            .chunks_exact(4)
            .take(64)
            .filter_map(|offset| Fields::big(offset).u32(0))
            .collect()
    } else {
        vec![0]
    };
    let ends = directories
        .iter()
        .map(|&at| font_tables(&fields, index(at.into())));
    let end = ends.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
    // Tables are padded to 32 bits, the last one usually too.
    Some(end.next_multiple_of(4).min(length(bytes)).max(end))
}

fn font_tables(fields: &Fields<'_>, at: usize) -> Option<u64> {
    let count = usize::from(fields.u16(at.checked_add(4)?)?);
    let tables = fields.slice(at.checked_add(12)?, count.checked_mul(16)?)?;
    tables
        .chunks_exact(16)
        .map(|table| {
            let table = Fields::big(table);
            u64::from(table.u32(8)?).checked_add(table.u32(12)?.into())
        })
        .collect::<Option<Vec<u64>>>()?
        .into_iter()
        .max()
}

/// Dalvik bytecode: the size that its header states, which its map must lie in.
pub(super) fn dex(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let (size, map_at) = (fields.u32(32)?, fields.u32(52)?);
    (map_at < size).then(|| size.into())
}

/// `SQLite` 3 (file format, 1.3): page size times page count, when the count is current.
pub(super) fn sqlite(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::big(bytes);
    let page = match fields.u16(16)? {
        1 => 65_536,
        size => u64::from(size),
    };
    // The count is only kept by versions that also write the change counter twice.
    let current = fields.u32(24)? == fields.u32(92)?;
    let pages = u64::from(fields.u32(28)?);
    (current && pages > 0).then(|| page.checked_mul(pages))?
}

/// gettext catalogues: the end of the last string or table.
pub(super) fn gettext_mo(bytes: &[u8]) -> Option<u64> {
    let little = bytes.first() == Some(&0xde);
    let endian = if little { Endian::Little } else { Endian::Big };
    let fields = Fields::new(bytes, endian);
    let count = fields.u32(8)?;
    let mut end = part_end(fields.u32(24)?, fields.u32(20)?, 4)?.max(28);
    for table_at in [fields.u32(12)?, fields.u32(16)?] {
        end = end.max(part_end(table_at, count, 8)?);
        for string in records(&fields, table_at, count, 8)? {
            let string = Fields::new(string, endian);
            // Each string is closed by a NUL that its length does not count.
            end = end.max(part_end(string.u32(4)?, string.u32(0)?, 1)?.checked_add(1)?);
        }
    }
    // Minor revision 0.
    if matches!(fields.u32(4)?, 0 | 0x1_0000) {
        return Some(end);
    }
    Some(end.max(system_dependent(&fields, endian)?))
}

/// Minor revision 1 has strings that are put together from pieces, some of which depend on the system.
fn system_dependent(fields: &Fields<'_>, endian: Endian) -> Option<u64> {
    let (segments, segments_at) = (fields.u32(28)?, fields.u32(32)?);
    let mut end = part_end(segments_at, segments, 8)?.max(48);
    for segment in records(fields, segments_at, segments, 8)? {
        let segment = Fields::new(segment, endian);
        end = end.max(part_end(segment.u32(4)?, segment.u32(0)?, 1)?);
    }
    let count = fields.u32(36)?;
    for table_at in [fields.u32(40)?, fields.u32(44)?] {
        end = end.max(part_end(table_at, count, 4)?);
        for record in records(fields, table_at, count, 4)? {
            let at = Fields::new(record, endian).u32(0)?;
            end = end.max(pieces_end(fields, at)?);
        }
    }
    Some(end)
}

/// The end of one string in pieces: where its fixed text starts, then the lengths of its parts up to a closing mark.
fn pieces_end(fields: &Fields<'_>, at: u32) -> Option<u64> {
    const LAST: u32 = u32::MAX;
    let mut text_end = u64::from(fields.u32(index(at.into()))?);
    let mut piece_at = u64::from(at).checked_add(4)?;
    // printf has few conversions that depend on the system; a message uses some of them.
    for _ in 0..64 {
        text_end = text_end.checked_add(fields.u32(index(piece_at))?.into())?;
        let kind = fields.u32(index(piece_at.checked_add(4)?))?;
        piece_at = piece_at.checked_add(8)?;
        if kind == LAST {
            return Some(text_end.max(piece_at));
        }
    }
    None
}

/// Where `count` records of `size` bytes at `at` end; 0 when there are none.
fn part_end(at: u32, count: u32, size: u64) -> Option<u64> {
    if count == 0 {
        return Some(0);
    }
    u64::from(count).checked_mul(size)?.checked_add(at.into())
}

/// The `count` records of `size` bytes at `at`.
fn records<'a>(
    fields: &Fields<'a>,
    at: u32,
    count: u32,
    size: usize,
) -> Option<std::slice::ChunksExact<'a, u8>> {
    let len = index(count.into()).checked_mul(size)?;
    let bytes = if count == 0 {
        &[]
    } else {
        fields.slice(index(at.into()), len)?
    };
    Some(bytes.chunks_exact(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found() {
        let mo = b"\xde\x12\x04\x95\0\0\0\0\x01\0\0\0\x1c\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x2c\0\0\0\x02\0\0\0\x2e\0\0\0a\0bc\0tail";
        assert_eq!(gettext_mo(mo), Some(mo.len() as u64 - 4));
        let mut database = b"SQLite format 3\0".to_vec();
        database.resize(100, 0);
        (database[16], database[31]) = (2, 3);
        assert_eq!(sqlite(&database), Some(512 * 3));
        database[27] = 1;
        assert_eq!(sqlite(&database), None, "the page count is not current");
        let mut otf = b"OTTO\0\x01\0\0\0\0\0\0cmap\0\0\0\0\0\0\0\x1c\0\0\0\x03abc\0tail".to_vec();
        assert_eq!(font(&otf), Some(32));
        otf[24] = 0xff;
        assert!(font(&otf) > Some(otf.len() as u64), "it is cut off");
    }
}
