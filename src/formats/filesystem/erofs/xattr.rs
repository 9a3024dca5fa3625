//! Extended attributes: some behind the inode, others shared by several inodes.

use std::collections::BTreeMap;

use super::Volume;
use super::inode::Inode;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index};

/// The attributes of an inode by full name.
///
/// # Errors
/// What could not be read of them; what could stands in `found`.
pub(super) fn read(
    volume: &Volume,
    inode: &Inode,
    ledger: &mut Ledger,
    found: &mut BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<(), Problem> {
    let (at, len) = inode.xattrs;
    if len == 0 {
        return Ok(());
    }
    let body = clip(&volume.region, at, len);
    let damaged = || Problem::corrupt("the extended attributes are damaged");
    let fields = Fields::little(&body);
    let shared = usize::from(fields.u8(4).ok_or_else(damaged)?);
    for number in 0..shared {
        let id_at = number.saturating_mul(4).saturating_add(12);
        let id = fields.u32(id_at).ok_or_else(damaged)?;
        let start = volume.block_at(volume.xattr.into());
        let start = start.saturating_add(u64::from(id).saturating_mul(4));
        let rest = volume.region.get(index(start)..).unwrap_or_default();
        let used = entry(volume, rest, found)?;
        ledger.metadata(start, u64::try_from(used).unwrap_or_default());
    }
    let mut rest = body
        .get(shared.saturating_mul(4).saturating_add(12)..)
        .ok_or_else(damaged)?;
    while rest.len() >= 4 && rest.iter().take(4).any(|&byte| byte != 0) {
        let used = entry(volume, rest, found)?;
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(())
}

/// What names of a class start with.
fn short(class: u8) -> Result<&'static [u8], Problem> {
    Ok(match class {
        1 => b"user.",
        2 => b"system.posix_acl_access",
        3 => b"system.posix_acl_default",
        4 => b"trusted.",
        6 => b"security.",
        class => {
            let detail = format!("an extended attribute of the unknown class {class}");
            return Err(Problem::unsupported(detail));
        }
    })
}

/// The long prefixes of attribute names, which stand in the packed inode where there is one: the length of each in 2 bytes, its
/// class, and what follows that.
///
/// # Errors
/// They are not all there.
pub(super) fn prefixes(volume: &Volume, ledger: &mut Ledger) -> Result<Vec<Vec<u8>>, Problem> {
    let cut_off = || Problem::corrupt("the prefixes of attribute names are cut off");
    let mut prefixes = Vec::new();
    let mut at = u64::from(volume.prefix_start).saturating_mul(4);
    let take = |at: u64, len: u64| -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        match &volume.packed {
            Some(packed) => packed
                .write(volume, at, len, &mut bytes)
                .map_err(|_fault| cut_off())?,
            None => bytes.extend(cut(&volume.region, at, len).ok_or_else(cut_off)?),
        }
        Ok(bytes)
    };
    for _ in 0..volume.prefix_count {
        let len = u64::from(Fields::little(&take(at, 2)?).u16(0).unwrap_or_default());
        let prefix = take(at.saturating_add(2), len)?;
        let (&class, infix) = prefix.split_first().ok_or_else(cut_off)?;
        if volume.packed.is_none() {
            ledger.metadata(at, len.saturating_add(2));
        }
        prefixes.push([short(class)?, infix].concat());
        at = at.saturating_add(2).saturating_add(len).saturating_add(3) & !3;
    }
    Ok(prefixes)
}

/// Reads the attribute at the start of `bytes`; returns how many bytes it takes with its padding.
fn entry(
    volume: &Volume,
    bytes: &[u8],
    found: &mut BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<usize, Problem> {
    let fields = Fields::little(bytes);
    let parts = || {
        let name_len = usize::from(fields.u8(0)?);
        let value_len = usize::from(fields.u16(2)?);
        let name = fields.slice(4, name_len)?;
        let value_at = name_len.checked_add(4)?;
        let value = fields.slice(value_at, value_len)?;
        let used = value_at.checked_add(value_len)?;
        Some((
            fields.u8(1)?,
            name,
            value,
            used.checked_next_multiple_of(4)?,
        ))
    };
    let (prefix, name, value, used) =
        parts().ok_or_else(|| Problem::corrupt("an extended attribute is cut off"))?;
    let prefix = match prefix & 0x7f {
        number if prefix & 0x80 != 0 => {
            let known = volume.prefixes.get(usize::from(number));
            known.map(Vec::as_slice).ok_or_else(|| {
                let detail = format!("an extended attribute with the unknown prefix {number}");
                Problem::corrupt(detail)
            })?
        }
        class => short(class)?,
    };
    found.insert([prefix, name].concat(), value.to_vec());
    Ok(used)
}
