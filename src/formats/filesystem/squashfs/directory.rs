//! Directory listings: headers, each with up to 256 entries whose inodes lie in one metadata block.

use crate::problem::Problem;

use super::metadata::{Cursor, Metadata};
use super::superblock::Reference;

/// Length of a header in bytes.
const HEADER: usize = 12;

/// Length of an entry before its name, in bytes.
const ENTRY: usize = 8;

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
    /// Its inode's number.
    pub(super) number: u32,
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
    /// The inode number that the entries count from.
    number: u32,
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
        let bytes = self.take(HEADER, metadata)?;
        let fields = metadata.fields(&bytes);
        let read = || {
            Some(Header {
                entries: fields.u32(0)?.saturating_add(1),
                block: u64::from(fields.u32(4)?),
                number: fields.u32(8)?,
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
        let bytes = self.take(ENTRY, metadata)?;
        let fields = metadata.fields(&bytes);
        let read = || {
            let delta = fields.u16(2)?.cast_signed();
            let entry = DirEntry {
                name: Vec::new(),
                inode: Reference {
                    block: header.block,
                    offset: fields.u16(0)?,
                },
                number: header.number.wrapping_add_signed(i32::from(delta)),
                kind: fields.u16(4)?,
            };
            // The stored length is one less than the name's.
            let len = usize::from(fields.u16(6)?).checked_add(1)?;
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
