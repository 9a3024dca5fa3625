//! Key nodes, and the lists of their subkeys.

use super::cells::{Cell, Cells, NONE};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::filesystem::registry;
use crate::read::{Fields, index, length};

/// Bytes in front of a key's name.
const HEAD: u64 = 76;
/// Bytes in front of the elements of a list.
const LIST: u64 = 4;
/// The name has one byte for each character.
const NARROW: u16 = 0x20;

/// A key node.
pub(super) struct Key {
    /// When it was last written, in steps of 100 ns since 1601.
    pub(super) written: u64,
    /// The cells of the key above, of the list of subkeys, of the list of values, of the security descriptor, of the class name.
    pub(super) parent: u32,
    pub(super) subkeys: u32,
    pub(super) values: u32,
    pub(super) security: u32,
    pub(super) class: u32,
    /// How many subkeys and values it has.
    pub(super) subkey_count: u32,
    pub(super) value_count: u32,
    /// Bytes of the class name.
    pub(super) class_len: u16,
    /// Its name, as UTF-8.
    pub(super) name: Vec<u8>,
    /// Its hash, where the name is plain ASCII: what other letters become in upper case no hive says.
    pub(super) hash: Option<u32>,
    /// Bytes of the whole record.
    pub(super) len: u64,
}

impl Key {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        if fields.slice(0, 2)? != b"nk" {
            return None;
        }
        let name_len = fields.u16(72)?;
        let stored = fields.slice(index(HEAD), name_len.into())?;
        let name = registry::name(stored, fields.u16(2)? & NARROW != 0);
        Some(Self {
            written: fields.u64(4)?,
            parent: fields.u32(16)?,
            subkey_count: fields.u32(20)?,
            subkeys: fields.u32(28)?,
            value_count: fields.u32(36)?,
            values: fields.u32(40)?,
            security: fields.u32(44)?,
            class: fields.u32(48)?,
            class_len: fields.u16(74)?,
            hash: name.is_ascii().then(|| hash(&name)),
            name,
            len: HEAD.saturating_add(name_len.into()),
        })
    }
}

/// The hash of a name, as hash leaves have it.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0_u32, |hash, byte| {
        let upper = u32::from(byte.to_ascii_uppercase());
        hash.wrapping_mul(37).wrapping_add(upper)
    })
}

/// A key as the list of its parent has it.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    pub(super) cell: u32,
    /// The hash of its name, in lists that state it.
    pub(super) hash: Option<u32>,
}

/// The subkeys that a list leads to, or what is wrong with it.
pub(super) fn subkeys(
    list: u32,
    cells: &mut Cells<'_>,
    harvest: &mut Harvest<'_>,
) -> Result<Vec<Listed>, &'static str> {
    let mut listed = Vec::new();
    if list == NONE {
        return Ok(listed);
    }
    let cell = cells.take(list).ok_or("the list of subkeys is missing")?;
    if cell.bytes.starts_with(b"ri") {
        for one in elements(&cell, 4, harvest)? {
            let leaf = cells.take(one.cell);
            let leaf = leaf.ok_or("a part of the list of subkeys is missing")?;
            listed.append(&mut leaf_of(&leaf, harvest)?);
        }
    } else {
        listed = leaf_of(&cell, harvest)?;
    }
    Ok(listed)
}

/// The keys in a leaf.
fn leaf_of(leaf: &Cell, harvest: &mut Harvest<'_>) -> Result<Vec<Listed>, &'static str> {
    match leaf.bytes.get(..2) {
        Some(b"li") => elements(leaf, 4, harvest),
        Some(b"lf") => {
            // What stands beside the offset is the start of the name, which no reader needs.
            let mut listed = elements(leaf, 8, harvest)?;
            for one in &mut listed {
                one.hash = None;
            }
            Ok(listed)
        }
        Some(b"lh") => elements(leaf, 8, harvest),
        _ => Err("the list of subkeys is none"),
    }
}

/// The elements of a list, of 4 or 8 bytes each.
fn elements(
    list: &Cell,
    width: usize,
    harvest: &mut Harvest<'_>,
) -> Result<Vec<Listed>, &'static str> {
    let short = "the list of subkeys is longer than its cell";
    let fields = Fields::little(&list.bytes);
    let count = usize::from(fields.u16(2).ok_or(short)?);
    let body = fields.slice(index(LIST), count.saturating_mul(width));
    let body = body.ok_or(short)?;
    let used = LIST.saturating_add(length(body));
    list.is_record(used, harvest);
    let read = |element: &[u8]| {
        let element = Fields::little(element);
        Some(Listed {
            cell: element.u32(0)?,
            hash: element.u32(4),
        })
    };
    Ok(body.chunks_exact(width).filter_map(read).collect())
}
