//! Extended attributes: names and values in metadata blocks, one run of them for all inodes with the same set.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::problem::Problem;
use crate::read::{cut, index, length};

use super::metadata::{Cursor, Metadata, Table};
use super::superblock::Reference;

/// The attributes of one image.
pub(super) struct Xattrs {
    /// First block of names and values, in bytes from the region's start.
    values: u64,
    sets: Table,
    /// How many bytes of names and values all entries together may still have.
    left: u64,
}

/// Length of the table's header in bytes.
const HEADER: u64 = 16;

/// The bit of an attribute's type that says that its value lies elsewhere.
const ELSEWHERE: u16 = 1 << 8;

/// A value longer than this (64 KiB) is none: Linux allows no longer ones.
const LONGEST: u64 = 1 << 16;

/// All attributes together may take so many bytes of memory (64 MiB): one set can stand at millions of inodes.
const MOST: u64 = 64 << 20;

impl Xattrs {
    /// The table whose header is at `at`, in bytes from the region's start.
    ///
    /// # Errors
    /// The header is cut off or points behind itself.
    pub(super) fn read(
        region: &Bytes,
        at: u64,
        metadata: &mut Metadata<'_>,
    ) -> Result<Self, Problem> {
        let header = cut(region, at, HEADER);
        let fields = header.as_deref().map(|header| metadata.fields(header));
        let (values, count) = fields
            .and_then(|fields| Some((fields.u64(0)?, fields.u32(8)?)))
            .filter(|&(values, _)| values <= at)
            .ok_or_else(|| {
                Problem::corrupt("the header of the extended attributes is damaged").at(at)
            })?;
        metadata.seen.add(at, HEADER);
        Ok(Self {
            values,
            sets: Table {
                index_at: at.saturating_add(HEADER),
                pointer: 8,
                entry: 16,
                count: u64::from(count),
            },
            left: MOST,
        })
    }

    /// The attributes of set `number`, as far as they can be read, and what was wrong with the rest.
    pub(super) fn set(
        &mut self,
        number: u32,
        metadata: &mut Metadata<'_>,
    ) -> (BTreeMap<Vec<u8>, Vec<u8>>, Option<Problem>) {
        let mut found = BTreeMap::new();
        let problem = self.fill(number, metadata, &mut found).err();
        (found, problem)
    }

    fn fill(
        &mut self,
        number: u32,
        metadata: &mut Metadata<'_>,
        found: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Result<(), Problem> {
        if self.left == 0 {
            return Err(full());
        }
        let set = self.sets.entry(u64::from(number), metadata)?;
        let fields = metadata.fields(&set);
        let (start, count) = fields
            .u64(0)
            .zip(fields.u32(8))
            .ok_or_else(|| self.corrupt("a set of attributes is cut off"))?;
        let mut cursor = self.cursor(start);
        for _ in 0..count {
            let (name, value) = self.pair(&mut cursor, metadata)?;
            let size = length(&name).saturating_add(length(&value));
            let left = self.left.checked_sub(size);
            self.left = left.unwrap_or(0);
            left.ok_or_else(full)?;
            if found.insert(name, value).is_some() {
                return Err(self.corrupt("an extended attribute stands twice"));
            }
        }
        Ok(())
    }

    /// One name and its value.
    fn pair(
        &self,
        cursor: &mut Cursor,
        metadata: &mut Metadata<'_>,
    ) -> Result<(Vec<u8>, Vec<u8>), Problem> {
        let head = metadata.read(cursor, 4)?;
        let fields = metadata.fields(&head);
        let (kind, len) = fields
            .u16(0)
            .zip(fields.u16(2))
            .ok_or_else(|| self.corrupt("an extended attribute is cut off"))?;
        let prefix: &[u8] = match kind & !ELSEWHERE {
            0 => b"user.",
            1 => b"trusted.",
            2 => b"security.",
            _ => return Err(self.corrupt("an extended attribute of an unknown kind")),
        };
        let mut name = prefix.to_vec();
        name.extend(metadata.read(cursor, usize::from(len))?);
        let mut value = self.value(cursor, metadata)?;
        if kind & ELSEWHERE != 0 {
            let reference = metadata
                .fields(&value)
                .u64(0)
                .filter(|_| value.len() == 8)
                .ok_or_else(|| self.corrupt("an attribute's reference is not 8 bytes long"))?;
            value = self.value(&mut self.cursor(reference), metadata)?;
        }
        Ok((name, value))
    }

    /// A value behind its 4-byte length.
    fn value(&self, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Result<Vec<u8>, Problem> {
        let head = metadata.read(cursor, 4)?;
        let len = metadata
            .fields(&head)
            .u32(0)
            .map(u64::from)
            .filter(|&len| len <= LONGEST)
            .ok_or_else(|| self.corrupt("an attribute's value is longer than 64 KiB"))?;
        metadata.read(cursor, index(len))
    }

    fn cursor(&self, reference: u64) -> Cursor {
        // The names and values end where the table's header starts, or before.
        let end = self.sets.index_at.saturating_sub(HEADER);
        Cursor::new(Reference::new(reference), self.values, end)
    }

    fn corrupt(&self, detail: &str) -> Problem {
        Problem::corrupt(detail).at(self.sets.index_at)
    }
}

fn full() -> Problem {
    Problem::limit("more than 64 MiB of extended attributes in one file system")
}
