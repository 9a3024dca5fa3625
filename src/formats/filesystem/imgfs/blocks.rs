//! What a record describes: blocks that a table lists, each compressed for itself or stored as it is.

use std::io::Write;

use bytes::Bytes;

use crate::entry::{Data, Fault};
use crate::formats::compression::xpress;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, is_all, length};

/// Bytes of a row of a table.
pub(super) const ROW: u64 = 8;
/// So many bytes behind what a decoder took are what a compressor filled its last word with.
const WORD: usize = 4;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// XPRESS without a Huffman code.
    Plain,
    /// XPRESS with a Huffman code.
    Huffman,
    /// Something else, by its name in the header. Blocks that are stored as they are can be read all the same.
    Other([u8; 4]),
}

impl Method {
    /// The method of this name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"XPR\0" => Self::Plain,
            b"XPH\0" => Self::Huffman,
            _ => Self::Other(name.try_into().unwrap_or_default()),
        }
    }

    /// Its name.
    pub(super) fn name(self) -> Vec<u8> {
        match self {
            Self::Plain => b"XPR".to_vec(),
            Self::Huffman => b"XPH".to_vec(),
            Self::Other(name) => name.into_iter().take_while(|&byte| byte != 0).collect(),
        }
    }

    /// What a compressed block becomes.
    fn decode(self, stored: &[u8], size: usize) -> Result<Vec<u8>, Problem> {
        let decoded = match self {
            Self::Plain => xpress::plain(stored, size),
            Self::Huffman => xpress::huffman(stored, size),
            Self::Other(_) => {
                let name = self.name().escape_ascii().to_string();
                let detail = format!("its blocks are compressed with {name}, which is not read");
                return Err(Problem::unsupported(detail));
            }
        };
        let decoded = decoded.ok_or_else(|| Problem::corrupt("a compressed block is damaged"))?;
        let rest = stored.get(decoded.used..).unwrap_or_default();
        if rest.len() > WORD && !is_all(rest, 0) {
            let detail = format!(
                "{} bytes behind a compressed block belong to none",
                rest.len()
            );
            return Err(Problem::corrupt(detail));
        }
        Ok(decoded.bytes)
    }
}

/// A table of blocks.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) at: u64,
    /// Its length in bytes, with the rows that are not used.
    pub(super) len: u64,
    /// Whether the record says that another table follows.
    pub(super) goes_on: bool,
}

/// A block.
pub(super) struct Row {
    /// Where it is.
    pub(super) at: u64,
    /// How many bytes are stored, and how many they become.
    pub(super) stored: u64,
    pub(super) size: u64,
}

impl Table {
    /// Its rows, up to the first that is empty or not there.
    pub(super) fn rows(self, region: &Bytes) -> impl Iterator<Item = Row> + use<> {
        let raw = clip(region, self.at, self.len);
        let starts = (0..).step_by(index(ROW));
        starts.map_while(move |at| {
            let fields = Fields::little(&raw);
            let row = Row {
                stored: fields.u16(at)?.into(),
                size: fields.u16(at.checked_add(2)?)?.into(),
                at: fields.u32(at.checked_add(4)?)?.into(),
            };
            (row.at != 0 || row.stored != 0 || row.size != 0).then_some(row)
        })
    }
}

/// The content of a file or section.
#[derive(Clone)]
pub(super) struct Blocks {
    pub(super) region: Bytes,
    pub(super) table: Table,
    pub(super) method: Method,
    /// Its length in bytes, as stated.
    pub(super) size: u64,
}

impl Blocks {
    /// The content in memory. The caller knows that it is small.
    pub(super) fn read(&self) -> Option<Bytes> {
        let mut content = Vec::new();
        self.copy_to(&mut content).ok()?;
        Some(content.into())
    }
}

impl Data for Blocks {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut made = 0_u64;
        for row in self.table.rows(&self.region) {
            let stored = cut(&self.region, row.at, row.stored).filter(|_| row.at != 0);
            let stored = stored.ok_or_else(|| {
                Problem::corrupt("a block does not lie in the file system").at(self.table.at)
            })?;
            made = made.saturating_add(row.size);
            if row.stored > row.size || made > self.size {
                let detail = "the sizes of its blocks cannot be";
                return Err(Problem::corrupt(detail).at(self.table.at).into());
            }
            if row.stored == row.size {
                out.write_all(&stored)?;
                continue;
            }
            let decoded = self.method.decode(&stored, index(row.size));
            out.write_all(&decoded.map_err(|problem| problem.at(row.at))?)?;
        }
        if self.table.goes_on {
            let detail = "its table of blocks goes on in another, which is not read";
            return Err(Problem::unsupported(detail).at(self.table.at).into());
        }
        if made != self.size {
            let detail = format!("{made} of {} bytes have a block", self.size);
            return Err(Problem::corrupt(detail).at(self.table.at).into());
        }
        Ok(())
    }

    fn bytes(&self) -> Option<Bytes> {
        let mut rows = self.table.rows(&self.region);
        let only = rows.next().filter(|row| row.stored == row.size)?;
        let whole = rows.next().is_none() && only.size == self.size && !self.table.goes_on;
        cut(&self.region, only.at, only.stored).filter(|_| whole && only.at != 0)
    }
}

/// How many bytes of padding follow a piece of `len` bytes at `at`, up to the next multiple of `chunk`; 0 where they are not
/// all the same fill, or not there.
pub(super) fn padding(region: &Bytes, at: u64, len: u64, chunk: u64) -> u64 {
    let end = at.saturating_add(len);
    let count = end
        .checked_next_multiple_of(chunk)
        .unwrap_or(end)
        .saturating_sub(end);
    let bytes = cut(region, end, count).unwrap_or_default();
    let is_fill = is_all(&bytes, 0) || is_all(&bytes, 0xff);
    if is_fill { length(&bytes) } else { 0 }
}
