//! Entries of a directory: 32 bytes each, the long names in entries of their own before the short one.

use super::super::dos;
use crate::read::Fields;

/// The attribute bits of a part of a long name, and the mask that tells them.
const LONG: u8 = 0x0f;
const LONG_MASK: u8 = 0x3f;
/// The first byte of a deleted entry.
pub(super) const DELETED: u8 = 0xe5;
/// What stands for a first byte of 0xe5 that is part of a name.
const KANJI: u8 = 0x05;
/// What no short name holds.
const FORBIDDEN: &[u8] = b"\"*+,./:;<=>?[\\]|\x7f";
/// Units of UTF-16 in one part of a long name.
const PART: usize = 13;

/// What an entry of a directory is.
pub(super) enum Record {
    /// Not in use, and none was behind it when it was written.
    End,
    /// A part of a long name.
    Long(Long),
    /// A file, a directory or the volume's label.
    Short(Short),
}

/// A part of a long name.
#[derive(Clone)]
pub(super) struct Long {
    /// Which part it is; the parts stand from the last to the first. `None` when it is deleted.
    pub(super) number: Option<u8>,
    /// Whether it is the last part, and so stands first.
    pub(super) last: bool,
    /// The checksum of the short name that it belongs to.
    pub(super) sum: u8,
    /// Its units.
    pub(super) units: [u16; PART],
}

/// An entry with a short name.
#[derive(Clone)]
pub(super) struct Short {
    /// The name as stored: eight bytes and an ending of three, padded with blanks.
    pub(super) name: [u8; 11],
    /// The attribute bits.
    pub(super) attributes: u8,
    /// Which parts of the name are shown in lower case.
    pub(super) lower: u8,
    /// Its first cluster; 0 when it has none.
    pub(super) cluster: u32,
    /// The size in bytes.
    pub(super) size: u32,
    /// When it was last written, in seconds since 1970 as if the stored time were UTC.
    pub(super) mtime: Option<i64>,
}

impl Record {
    /// Reads an entry of 32 bytes; `wide` says whether cluster numbers have more than 16 bits.
    pub(super) fn parse(raw: &[u8], wide: bool) -> Option<Self> {
        let fields = Fields::little(raw);
        let first = fields.u8(0)?;
        if first == 0 {
            return Some(Self::End);
        }
        let attributes = fields.u8(11)?;
        if attributes & LONG_MASK == LONG {
            let mut units = [0; PART];
            let stored = [
                fields.slice(1, 10)?,
                fields.slice(14, 12)?,
                fields.slice(28, 4)?,
            ];
            let stored = stored.into_iter().flat_map(dos::units);
            for (unit, stored) in units.iter_mut().zip(stored) {
                *unit = stored;
            }
            return Some(Self::Long(Long {
                number: (first != DELETED).then_some(first & 0x3f),
                last: first & 0x40 != 0,
                sum: fields.u8(13)?,
                units,
            }));
        }
        let high = if wide { fields.u16(20)? } else { 0 };
        Some(Self::Short(Short {
            name: fields.slice(0, 11)?.try_into().ok()?,
            attributes,
            lower: fields.u8(12)?,
            cluster: u32::from(high) << 16 | u32::from(fields.u16(26)?),
            size: fields.u32(28)?,
            mtime: dos::seconds(fields.u16(24)?, fields.u16(22)?),
        }))
    }
}

impl Short {
    /// Whether it was deleted.
    pub(super) fn is_deleted(&self) -> bool {
        self.name.first() == Some(&DELETED)
    }

    /// Whether it is a directory.
    pub(super) fn is_dir(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Whether it is the label of the volume.
    pub(super) fn is_label(&self) -> bool {
        self.attributes & 0x18 == 0x08
    }

    /// Whether it is the entry of a directory for itself or for the one above it.
    pub(super) fn is_dots(&self) -> bool {
        matches!(&self.name, b".          " | b"..         ") && self.is_dir()
    }

    /// Whether its name and attributes are such as a system writes them. The first byte of a deleted name is lost.
    pub(super) fn is_possible(&self) -> bool {
        let [first, rest @ ..] = &self.name;
        let legal = |byte: &u8| *byte >= b' ' && !FORBIDDEN.contains(byte);
        let starts = matches!(*first, DELETED | KANJI) || *first != b' ' && legal(first);
        let one_kind = self.attributes & 0x18 != 0x18;
        starts && rest.iter().all(legal) && one_kind && self.attributes & 0xc0 == 0
    }

    /// The name as it is shown: in the bytes of the volume's code page, which is stored nowhere.
    pub(super) fn shown(&self) -> Vec<u8> {
        let (stem, ending) = self.name.split_at(8);
        let mut shown = part(stem, self.lower & 0x08 != 0);
        if let Some(first) = shown.first_mut()
            && *first == KANJI
        {
            *first = DELETED;
        }
        let ending = part(ending, self.lower & 0x10 != 0);
        if !ending.is_empty() {
            shown.push(b'.');
            shown.extend_from_slice(&ending);
        }
        shown
    }

    /// The checksum that the parts of its long name repeat.
    pub(super) fn sum(&self) -> u8 {
        self.name
            .iter()
            .fold(0_u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte))
    }

    /// The entry with the first byte that its name must have had for the checksum of its long name to be `sum`. There is always
    /// one such byte, so that the checksum itself proves nothing here.
    pub(super) fn with_first_for(&self, sum: u8) -> Self {
        let mut entry = self.clone();
        for first in 0..=u8::MAX {
            if let Some(byte) = entry.name.first_mut() {
                *byte = first;
            }
            if entry.sum() == sum {
                break;
            }
        }
        entry
    }
}

/// A part of a short name without its padding.
fn part(stored: &[u8], lower: bool) -> Vec<u8> {
    let end = stored
        .iter()
        .rposition(|&byte| byte != b' ')
        .map_or(0, |last| last.saturating_add(1));
    let mut shown = stored.get(..end).unwrap_or_default().to_vec();
    if lower {
        shown.make_ascii_lowercase();
    }
    shown
}

/// The long name whose parts are `parts`, from the first part on.
pub(super) fn long_name<'a>(parts: impl Iterator<Item = &'a Long>) -> Vec<u8> {
    let units = parts
        .flat_map(|part| part.units)
        .take_while(|&unit| unit != 0);
    dos::utf8(units)
}
