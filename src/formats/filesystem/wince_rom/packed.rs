//! What `CECompressROM` makes smaller: pages of 4 KiB, each compressed for itself.
//!
//! A table of 3-byte numbers, little-endian: the size of it all, and where each page ends; then the pages. Each is a stream of LZX,
//! in front of which the window stands as a power of two, its size (4 bytes each) and 8 bytes that are not documented; or all of
//! them are blocks as Windows CE 3 has them, without such heads. Then an empty one follows a last page that is full.

use std::io::Write;

use bytes::Bytes;

use super::older;
use crate::entry::{Data, Fault};
use crate::formats::compression::lzx::Lzx;
use crate::problem::Problem;
use crate::read::{Fields, cut, index, length};

/// Bytes of a page.
const PAGE: u64 = 4096;
/// Bytes in front of the stream of a page.
const HEAD: u64 = 16;

/// Compressed bytes.
pub(super) struct Packed {
    stored: Bytes,
    size: u64,
    method: Method,
}

/// How the pages are compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    /// Each is a stream of LZX.
    Lzx,
    /// As Windows CE 3 does it.
    Older,
}

impl Packed {
    /// Compressed bytes that look as they should.
    ///
    /// # Errors
    /// `Unsupported`: they are of no known compression.
    pub(super) fn new(stored: &Bytes) -> Result<Self, Problem> {
        let size = number(stored, 0).unwrap_or_default();
        let of = |method| Self {
            stored: stored.clone(),
            size,
            method,
        };
        let packed = [Method::Lzx, Method::Older].map(of);
        let sound = packed.into_iter().find(Self::is_sound);
        sound.ok_or_else(|| Problem::unsupported("compressed in a way that is not known"))
    }

    /// Whether the first page is what its method makes. That of Windows CE 3 has no heads: all of its table must make sense.
    fn is_sound(&self) -> bool {
        let first = self.page(0);
        match self.method {
            _ if self.size == 0 => false,
            Method::Lzx => first.and_then(|page| page.head()).is_some(),
            Method::Older => {
                let ends = (0..=self.pages()).map(|page| match page {
                    0 => self.start(),
                    _ => number(&self.stored, page),
                });
                let ascends = ends.clone().is_sorted() && ends.clone().all(|end| end.is_some());
                let reached = ends.last().flatten() == Some(length(&self.stored));
                ascends && reached && first.and_then(|page| page.decode()).is_some()
            }
        }
    }

    /// How many bytes it becomes, as it says.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn pages(&self) -> u64 {
        match self.method {
            Method::Lzx => self.size.div_ceil(PAGE),
            Method::Older => (self.size / PAGE).saturating_add(1),
        }
    }

    /// Where the first page starts: behind the table.
    fn start(&self) -> Option<u64> {
        self.pages().checked_add(1)?.checked_mul(3)
    }

    /// The page of this number.
    fn page(&self, page: u64) -> Option<Page> {
        let start = match page {
            0 => self.start()?,
            _ => number(&self.stored, page)?,
        };
        let end = number(&self.stored, page.checked_add(1)?)?;
        let before = page.checked_mul(PAGE)?;
        Some(Page {
            stored: cut(&self.stored, start, end.checked_sub(start)?)?,
            len: self.size.checked_sub(before)?.min(PAGE),
            method: self.method,
        })
    }

    /// Writes all of it.
    pub(super) fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        for number in 0..self.pages() {
            let page = self.page(number).and_then(|page| page.decode());
            let Some(page) = page else {
                let detail = format!("its compressed page {number} is damaged or not known");
                return Err(Fault::Problem(Problem::corrupt(detail)));
            };
            out.write_all(&page)?;
        }
        Ok(())
    }
}

impl Data for Packed {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        self.copy_to(out)
    }
}

/// A page as it is stored.
struct Page {
    stored: Bytes,
    /// How many bytes it should become.
    len: u64,
    method: Method,
}

impl Page {
    /// A decoder for it, where it is a stream of LZX.
    fn head(&self) -> Option<Lzx> {
        let fields = Fields::little(&self.stored);
        let window = fields.u32(0)?;
        let same = u64::from(fields.u32(4)?) == self.len && length(&self.stored) > HEAD;
        same.then(|| Lzx::new(window)).flatten()
    }

    fn decode(&self) -> Option<Vec<u8>> {
        if self.method == Method::Older {
            return older::decode(&self.stored, index(self.len));
        }
        let stream = self.stored.get(index(HEAD)..)?;
        self.head()?.chunk(stream, index(self.len))
    }
}

/// A number of the table.
fn number(stored: &Bytes, at: u64) -> Option<u64> {
    let bytes = cut(stored, at.checked_mul(3)?, 3)?;
    match bytes[..] {
        [low, middle, high] => Some(u32::from_le_bytes([low, middle, high, 0]).into()),
        _ => None,
    }
}
