//! One compressed block of a disk image, of which only the largest stored length is known.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::zstd_safe::{DCtx, InBuffer, OutBuffer};

/// How a block is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Deflate without a header.
    Deflate,
    /// Deflate with a zlib header.
    Zlib,
    /// One Zstandard frame.
    Zstd,
}

impl Packing {
    /// Decodes `stored`, which may have other bytes behind its end, to `len` bytes; tells how many of `stored` were used.
    ///
    /// # Errors
    /// The block is damaged, or holds fewer than `len` bytes.
    pub(super) fn unpack(self, stored: &[u8], len: usize) -> io::Result<(Vec<u8>, usize)> {
        let mut out = vec![0; len];
        let (used, made) = match self {
            Self::Deflate => inflate(stored, &mut out, false)?,
            Self::Zlib => inflate(stored, &mut out, true)?,
            Self::Zstd => unzstd(stored, &mut out)?,
        };
        if made < len {
            return Err(invalid(format!("the block holds {made} of {len} bytes")));
        }
        Ok((out, used))
    }
}

fn inflate(stored: &[u8], out: &mut [u8], header: bool) -> io::Result<(usize, usize)> {
    let mut inflate = Decompress::new(header);
    let status = inflate.decompress(stored, out, FlushDecompress::Finish);
    let count = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
    match status {
        // Only the end of a stream with a header has a checksum; one without may end where the block is full.
        Ok(Status::Ok | Status::BufError) if header => Err(invalid(
            "the block is longer than it should be, or cut off".to_owned(),
        )),
        Ok(_) => Ok((count(inflate.total_in()), count(inflate.total_out()))),
        Err(error) => Err(invalid(error.to_string())),
    }
}

fn unzstd(stored: &[u8], out: &mut [u8]) -> io::Result<(usize, usize)> {
    let mut context = DCtx::create();
    let mut input = InBuffer::around(stored);
    let mut output = OutBuffer::around(out);
    loop {
        let before = (input.pos(), output.pos());
        let left = context
            .decompress_stream(&mut output, &mut input)
            .map_err(|code| invalid(zstd::zstd_safe::get_error_name(code).to_owned()))?;
        if left == 0 || before == (input.pos(), output.pos()) {
            return Ok((input.pos(), output.pos()));
        }
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
