//! Directory listings: headers, each with up to 256 entries whose inodes lie in one metadata block.

use crate::problem::Problem;

use super::metadata::{Cursor, Metadata};
use super::superblock::Reference;

/// Length in bytes of a header, and of an entry before its name, in each version from the first.
const LENGTHS: [(usize, usize); 4] = [(4, 3), (4, 3), (9, 5), (12, 8)];

/// How many entries one header may have.
const MOST_ENTRIES: u32 = 256;

/// The longest name in bytes.
const LONGEST_NAME: usize = 256;

/// One entry of a directory.
pub(super) struct DirEntry {
    /// Its name as stored.
    pub(super) name: Vec<u8>,
    /// Where its inode is in the inode table.
    pub(super) inode: Reference,
    /// Its inode's number; versions 1 and 2 have none.
    pub(super) number: Option<u32>,
    /// Its kind, as the number of the basic inode.
    pub(super) kind: u16,
}

/// Reads a directory's listing entry by entry.
pub(super) struct Listing {
    cursor: Cursor,
    /// How many bytes of the listing are left.
    left: u64,
    header: Option<Header>,
}

struct Header {
    /// How many of its entries are left.
    entries: u32,
    /// The metadata block of their inodes.
    block: u64,
    /// The inode number that the entries count from; versions 1 and 2 have none.
    number: Option<u32>,
}

impl Listing {
    /// The listing of `len` bytes at `cursor`.
    pub(super) fn new(cursor: Cursor, len: u32) -> Self {
        Self {
            cursor,
            left: u64::from(len),
            header: None,
        }
    }

    /// The next entry; `None` when the listing is at its end.
    ///
    /// # Errors
    /// The listing is damaged: what follows cannot be told.
    pub(super) fn next(
        &mut self,
        metadata: &mut Metadata<'_>,
    ) -> Result<Option<DirEntry>, Problem> {
        let mut header = match self.header.take() {
            Some(header) => header,
            None if self.left == 0 => return Ok(None),
            None => self.read_header(metadata)?,
        };
        let entry = self.read_entry(&header, metadata)?;
        header.entries = header.entries.saturating_sub(1);
        self.header = (header.entries > 0).then_some(header);
        Ok(Some(entry))
    }

    fn read_header(&mut self, metadata: &mut Metadata<'_>) -> Result<Header, Problem> {
        let (len, _) = lengths(metadata);
        let bytes = self.take(len, metadata)?;
        let (fields, mut bits) = (metadata.fields(&bytes), metadata.bits(&bytes));
        let mut read = || {
            let (count, block, number) = match metadata.edition().version {
                4 => (fields.u32(0)?, fields.u32(4)?, Some(fields.u32(8)?)),
                3 => (bits.take(8)?, bits.take(32)?, Some(bits.take(32)?)),
                _ => (bits.take(8)?, bits.take(24)?, None),
            };
            Some(Header {
                entries: count.saturating_add(1),
                block: u64::from(block),
                number,
            })
        };
        read()
            .filter(|header| header.entries <= MOST_ENTRIES)
            .ok_or_else(|| self.corrupt("a directory header counts more than 256 entries"))
    }

    fn read_entry(
        &mut self,
        header: &Header,
        metadata: &mut Metadata<'_>,
    ) -> Result<DirEntry, Problem> {
        let (_, len) = lengths(metadata);
        let bytes = self.take(len, metadata)?;
        let (fields, mut bits) = (metadata.fields(&bytes), metadata.bits(&bytes));
        let mut read = || {
            let (offset, kind, len, delta) = if metadata.edition().version == 4 {
                (
                    fields.u16(0)?,
                    fields.u16(4)?,
                    fields.u16(6)?,
                    fields.u16(2)?,
                )
            } else {
                let mut take = |len| u16::try_from(bits.take(len)?).ok();
                (take(13)?, take(3)?, take(8)?, take(16).unwrap_or(0))
            };
            let counted = |from: u32| from.wrapping_add_signed(i32::from(delta.cast_signed()));
            let entry = DirEntry {
                name: Vec::new(),
                inode: Reference {
                    block: header.block,
                    offset,
                },
                number: header.number.map(counted),
                kind,
            };
            // The stored length is one less than the name's.
            let len = usize::from(len).checked_add(1)?;
            (len <= LONGEST_NAME).then_some((entry, len))
        };
        let (mut entry, len) =
            read().ok_or_else(|| self.corrupt("a directory entry's name is too long"))?;
        entry.name = self.take(len, metadata)?;
        Ok(entry)
    }

    fn take(&mut self, len: usize, metadata: &mut Metadata<'_>) -> Result<Vec<u8>, Problem> {
        let wanted = u64::try_from(len).unwrap_or(u64::MAX);
        self.left = self
            .left
            .checked_sub(wanted)
            .ok_or_else(|| self.corrupt("a directory's last entry runs over its end"))?;
        metadata.read(&mut self.cursor, len)
    }

    fn corrupt(&self, detail: &str) -> Problem {
        Problem::corrupt(detail).at(self.cursor.at())
    }
}

/// Length of a header and of an entry in the image's version.
fn lengths(metadata: &Metadata<'_>) -> (usize, usize) {
    let version = usize::from(metadata.edition().version);
    let lengths = LENGTHS.get(version.saturating_sub(1));
    lengths.copied().unwrap_or_default()
}
