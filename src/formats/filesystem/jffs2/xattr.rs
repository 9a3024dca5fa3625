//! Extended attributes: values by number, and which inode has which of them.

use std::collections::BTreeMap;

use super::body::{Xdatum, Xref};
use crate::problem::Problem;
use crate::read::{Endian, Fields, length};

/// The version that marks a value as deleted.
const DELETED: u32 = u32::MAX;

type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// The extended attributes of every inode that has any, and what is wrong with them.
pub(super) fn collect(
    data: &[Xdatum],
    references: &[Xref],
    endian: Endian,
) -> (BTreeMap<u32, Attributes>, Vec<(u32, Problem)>) {
    let mut values: BTreeMap<u32, &Xdatum> = BTreeMap::new();
    for datum in data {
        let newest = values.entry(datum.xid).or_insert(datum);
        if datum.version > newest.version {
            *newest = datum;
        }
    }
    let mut newest: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for reference in references {
        let sequence = newest.entry((reference.ino, reference.xid)).or_default();
        *sequence = (*sequence).max(reference.sequence);
    }
    let mut ordered: Vec<_> = newest
        .into_iter()
        .map(|((ino, xid), sequence)| (ino, sequence, xid))
        .collect();
    ordered.sort_unstable();
    let mut attributes: BTreeMap<u32, Attributes> = BTreeMap::new();
    let mut problems = Vec::new();
    for (ino, sequence, xid) in ordered {
        // The lowest bit of a reference's sequence number says that it removes the attribute.
        if sequence & 1 == 1 {
            continue;
        }
        let Some(datum) = values.get(&xid).filter(|datum| datum.version != DELETED) else {
            problems.push((
                ino,
                Problem::corrupt("the value of an extended attribute is nowhere"),
            ));
            continue;
        };
        match attribute(datum, endian) {
            Ok((name, value)) => {
                attributes.entry(ino).or_default().insert(name, value);
            }
            Err(problem) => problems.push((ino, problem)),
        }
    }
    (attributes, problems)
}

/// The full name and the value as programs see them.
fn attribute(datum: &Xdatum, endian: Endian) -> Result<(Vec<u8>, Vec<u8>), Problem> {
    let prefix: &[u8] = match datum.prefix {
        1 => b"user.",
        2 => b"security.",
        3 => b"system.posix_acl_access",
        4 => b"system.posix_acl_default",
        5 => b"trusted.",
        other => {
            return Err(Problem::unsupported(format!(
                "extended attributes with prefix number {other} are not known"
            )));
        }
    };
    if matches!(datum.prefix, 3 | 4) {
        let list = access_list(&datum.value, endian)
            .ok_or_else(|| Problem::corrupt("an access control list does not hold together"))?;
        return Ok((prefix.to_vec(), list));
    }
    Ok(([prefix, &datum.name].concat(), datum.value.to_vec()))
}

/// An access control list as JFFS2 stores it (version 1, short entries) in the form of the attribute (version 2).
fn access_list(stored: &[u8], endian: Endian) -> Option<Vec<u8>> {
    const NOBODY: u32 = u32::MAX;
    let fields = Fields::new(stored, endian);
    if fields.u32(0)? != 1 {
        return None;
    }
    let mut list = 2_u32.to_le_bytes().to_vec();
    let mut at = 4_usize;
    while at < stored.len() {
        let tag = fields.u16(at)?;
        let named = matches!(tag, 0x02 | 0x08);
        let id = if named {
            fields.u32(at.checked_add(4)?)?
        } else {
            NOBODY
        };
        list.extend_from_slice(&tag.to_le_bytes());
        list.extend_from_slice(&fields.u16(at.checked_add(2)?)?.to_le_bytes());
        list.extend_from_slice(&id.to_le_bytes());
        at = at.checked_add(if named { 8 } else { 4 })?;
    }
    (length(stored) >= 4).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn datum(xid: u32, version: u32, value: &'static [u8]) -> Xdatum {
        Xdatum {
            xid,
            version,
            prefix: 1,
            name: Bytes::from_static(b"note"),
            value: Bytes::from_static(value),
        }
    }

    #[test]
    fn the_newest_value_and_the_newest_reference_count() {
        let data = [
            datum(1, 2, b"new"),
            datum(1, 1, b"old"),
            datum(2, DELETED, b""),
            datum(3, 1, b"x"),
        ];
        let reference = |ino, xid, sequence| Xref { ino, xid, sequence };
        let references = [
            reference(5, 1, 2),
            reference(6, 3, 2),
            reference(6, 3, 5),
            reference(7, 2, 2),
            reference(8, 9, 2),
        ];
        let (found, problems) = collect(&data, &references, Endian::Little);
        assert_eq!(found.len(), 1);
        assert_eq!(found[&5][&b"user.note"[..]], b"new");
        assert_eq!(
            problems.iter().map(|(ino, _)| *ino).collect::<Vec<_>>(),
            [7, 8]
        );
    }

    #[test]
    fn an_access_list_gets_the_form_that_programs_see() {
        let stored = [
            1, 0, 0, 0, 1, 0, 6, 0, 2, 0, 7, 0, 0xe8, 3, 0, 0, 0x20, 0, 4, 0,
        ];
        let list = access_list(&stored, Endian::Little).unwrap();
        assert_eq!(list.len(), 4 + 3 * 8);
        assert_eq!(list[12..20], [2, 0, 7, 0, 0xe8, 3, 0, 0]);
        assert_eq!(list[4..12], [1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff]);
        assert!(access_list(&stored[..18], Endian::Little).is_none());
    }
}
