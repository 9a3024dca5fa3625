//! As much of an EFI program's header as tells how long a kernel is that carries one.

use std::ops::Range;

use crate::read::{Fields, index};

/// So many sections a kernel may have.
const SECTIONS: u16 = 32;

/// What the header says.
pub(super) struct Pe {
    /// Where the last section ends (bytes from the start).
    pub(super) end: u64,
    /// Where the certificates stand, in a signed program.
    pub(super) certificate: Option<Range<u64>>,
    /// The fields that signing changes: where each stands and its length, in order.
    pub(super) changed_by_signing: [(usize, usize); 2],
}

impl Pe {
    /// The header that the start of `bytes` points at.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let at = index(fields.u32(0x3c)?.into());
        if fields.slice(0, 2)? != b"MZ" || fields.slice(at, 4)? != b"PE\0\0" {
            return None;
        }
        let sections = fields
            .u16(at.checked_add(6)?)
            .filter(|&count| count <= SECTIONS)?;
        let optional_len = usize::from(fields.u16(at.checked_add(20)?)?);
        let optional = at.checked_add(24)?;
        // The directories stand further back where addresses have 8 bytes.
        let directories = match fields.u16(optional)? {
            0x10b => optional.checked_add(96)?,
            0x20b => optional.checked_add(112)?,
            _ => return None,
        };
        let count = fields.u32(directories.checked_sub(4)?)?;
        let security = directories.checked_add(32)?;
        let mut certificate = None;
        if count > 4 {
            let start = u64::from(fields.u32(security)?);
            let len = u64::from(fields.u32(security.checked_add(4)?)?);
            certificate = (start > 0 && len > 0).then_some(start..start.checked_add(len)?);
        }
        let table = optional.checked_add(optional_len)?;
        let mut end = 0;
        for number in 0..usize::from(sections) {
            let section = table.checked_add(number.checked_mul(40)?)?;
            let len = u64::from(fields.u32(section.checked_add(16)?)?);
            let start = u64::from(fields.u32(section.checked_add(20)?)?);
            if len > 0 {
                end = start.checked_add(len)?.max(end);
            }
        }
        Some(Self {
            end,
            certificate,
            changed_by_signing: [(optional.checked_add(64)?, 4), (security, 8)],
        })
    }
}
