//! What stands in a record: roots, keys, values.

use bytes::Bytes;

use super::heap::{RECORD, Record};
use crate::formats::Role;
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::filesystem::registry;
use crate::read::{Fields, cut, index, is_all, length};

/// Kinds of records.
pub(super) const ROOTS: u32 = 0xb;
const KEY: u32 = 0xc;
const VALUE: u32 = 0xd;
/// Bytes in front of the name of a key and of a value.
const KEY_HEAD: u64 = 16;
const VALUE_HEAD: u64 = 10;
/// Records end at multiples of this.
const UNIT: u64 = 4;

/// A key: handles of the next key in the key above, of its first subkey, of its first value; 0 for none.
pub(super) struct Key {
    pub(super) next: u32,
    pub(super) subkey: u32,
    pub(super) value: u32,
    /// Its name, as UTF-8.
    pub(super) name: Vec<u8>,
}

/// A value, with the handle of the next one of its key.
pub(super) struct Value {
    pub(super) next: u32,
    pub(super) kind: u32,
    /// Its name, as UTF-8.
    pub(super) name: Vec<u8>,
    pub(super) data: Bytes,
}

impl Record {
    /// The handles of the roots; `None` where it is no such record.
    pub(super) fn roots(&self, harvest: &mut Harvest<'_>) -> Option<Vec<u32>> {
        let (words, _) = self.bytes.as_chunks::<4>();
        let roots: Vec<u32> = words.iter().map(|&word| u32::from_le_bytes(word)).collect();
        (self.kind == ROOTS).then(|| {
            self.explain(length(&self.bytes), 0, harvest);
            roots
        })
    }

    /// The key in it.
    pub(super) fn key(&self, harvest: &mut Harvest<'_>) -> Option<Key> {
        let fields = Fields::little(&self.bytes);
        let name_len = u64::from(fields.u8(12)?).saturating_mul(2);
        let name = cut(&self.bytes, KEY_HEAD, name_len)?;
        let key = Key {
            next: fields.u32(0)?,
            subkey: fields.u32(4)?,
            value: fields.u32(8)?,
            name: registry::name(&name, false),
        };
        (self.kind == KEY).then(|| {
            self.explain(KEY_HEAD.saturating_add(name_len), 0, harvest);
            key
        })
    }

    /// The value in it.
    pub(super) fn value(&self, harvest: &mut Harvest<'_>) -> Option<Value> {
        let fields = Fields::little(&self.bytes);
        let data_len = u64::from(fields.u16(6)?);
        let name_len = u64::from(fields.u16(8)?).saturating_mul(2);
        let name = cut(&self.bytes, VALUE_HEAD, name_len)?;
        let head = VALUE_HEAD.saturating_add(name_len);
        let value = Value {
            next: fields.u32(0)?,
            kind: fields.u16(4)?.into(),
            name: registry::name(&name, false),
            data: cut(&self.bytes, head, data_len)?,
        };
        (self.kind == VALUE).then(|| {
            self.explain(head, data_len, harvest);
            value
        })
    }

    /// Explains `head` bytes of the record and the `data` behind them; and the rest of it where that is empty or less than a unit.
    fn explain(&self, head: u64, data: u64, harvest: &mut Harvest<'_>) {
        let account = &mut harvest.account;
        account.metadata(self.at, RECORD.saturating_add(head));
        let start = self.at.saturating_add(RECORD);
        account.name(start.saturating_add(head), data, Role::Content);
        let used = head.saturating_add(data);
        let rest = self.bytes.get(index(used)..).unwrap_or_default();
        if length(rest) < UNIT || is_all(rest, 0) {
            account.metadata(start.saturating_add(used), length(rest));
        }
    }
}
