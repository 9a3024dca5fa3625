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
    let fields = Fields::new(bytes, if little { Endian::Little } else { Endian::Big });
    let count = u64::from(fields.u32(8)?);
    let (hash_len, hash_at) = (u64::from(fields.u32(20)?), u64::from(fields.u32(24)?));
    let mut end = if hash_len == 0 {
        28
    } else {
        hash_at.checked_add(hash_len.checked_mul(4)?)?
    };
    for table_at in [fields.u32(12)?, fields.u32(16)?] {
        let len = count.checked_mul(8)?;
        let table = fields.slice(index(table_at.into()), index(len))?;
        end = end.max(u64::from(table_at).checked_add(len)?);
        for string in table.chunks_exact(8) {
            let string = Fields::new(string, if little { Endian::Little } else { Endian::Big });
            // Each string is closed by a NUL that its length does not count.
            let string_end = u64::from(string.u32(4)?)
                .checked_add(string.u32(0)?.into())?
                .checked_add(1)?;
            end = end.max(string_end);
        }
    }
    Some(end)
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
