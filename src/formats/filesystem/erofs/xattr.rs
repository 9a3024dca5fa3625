//! Extended attributes: some behind the inode, others shared by several inodes.

use std::collections::BTreeMap;

use super::Volume;
use super::inode::Inode;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{Fields, clip, index};

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
        let used = entry(rest, found)?;
        ledger.metadata(start, u64::try_from(used).unwrap_or_default());
    }
    let mut rest = body
        .get(shared.saturating_mul(4).saturating_add(12)..)
        .ok_or_else(damaged)?;
    while rest.len() >= 4 && rest.iter().take(4).any(|&byte| byte != 0) {
        let used = entry(rest, found)?;
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(())
}

/// Reads the attribute at the start of `bytes`; returns how many bytes it takes with its padding.
fn entry(bytes: &[u8], found: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Result<usize, Problem> {
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
    let prefix: &[u8] = match prefix {
        1 => b"user.",
        2 => b"system.posix_acl_access",
        3 => b"system.posix_acl_default",
        4 => b"trusted.",
        6 => b"security.",
        prefix if prefix & 0x80 != 0 => {
            let detail = "an extended attribute with a long prefix";
            return Err(Problem::unsupported(detail));
        }
        prefix => {
            let detail = format!("an extended attribute of the unknown class {prefix}");
            return Err(Problem::unsupported(detail));
        }
    };
    found.insert([prefix, name].concat(), value.to_vec());
    Ok(used)
}
