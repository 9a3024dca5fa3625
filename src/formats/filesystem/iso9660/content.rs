//! The content of a file: its extents one after another, or zisofs blocks in them.

use std::io::Write;

use bytes::Bytes;

use super::susp::Zisofs;
use crate::entry::{Data, Fault};
use crate::formats::codec::Codec;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

const ZISOFS_MAGIC: &[u8] = &[0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07];

/// The extents of a file, in order.
pub(super) struct Extents {
    /// What is there of each.
    pub(super) pieces: Vec<Bytes>,
    /// How many bytes are missing because they lie past the end of the image.
    pub(super) missing: u64,
}

impl Data for Extents {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        for piece in &self.pieces {
            out.write_all(piece)?;
        }
        match self.missing {
            0 => Ok(()),
            missing => {
                let detail = format!("{missing} bytes lie past the end of the image");
                Err(Problem::corrupt(detail).into())
            }
        }
    }

    fn bytes(&self) -> Option<Bytes> {
        match self.pieces.as_slice() {
            [only] if self.missing == 0 => Some(only.clone()),
            _ => None,
        }
    }
}

/// A file that zisofs compressed.
pub(super) struct Compressed {
    /// The stored bytes: a header, a table of offsets, blocks of zlib data.
    pub(super) stored: Bytes,
    pub(super) form: Zisofs,
}

impl Compressed {
    /// The bytes at which block `number` ends or the next one starts.
    fn offset(&self, number: u64) -> Option<u64> {
        let at = self.form.header.checked_add(number.checked_mul(4)?)?;
        Some(u64::from(Fields::little(&self.stored).u32(index(at))?))
    }

    fn write_block(
        &self,
        number: u64,
        len: usize,
        buffer: &mut Vec<u8>,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let damaged = |what| Problem::corrupt(format!("zisofs block {number} {what}"));
        let bounds = self
            .offset(number)
            .zip(self.offset(number.saturating_add(1)));
        let (start, end) = bounds
            .filter(|&(start, end)| start <= end && end <= length(&self.stored))
            .ok_or_else(|| damaged("lies outside its file"))?;
        let block = clip(&self.stored, start, end.saturating_sub(start));
        buffer.clear();
        if block.is_empty() {
            buffer.resize(len, 0);
        } else {
            let done = Codec::Zlib.decode(&block, len, buffer);
            if done.is_err() || buffer.len() != len {
                out.write_all(buffer)?;
                return Err(damaged("does not decode to its length").into());
            }
        }
        Ok(out.write_all(buffer)?)
    }
}

impl Data for Compressed {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let fields = Fields::little(&self.stored);
        let head = fields.slice(0, 8).zip(fields.u32(8));
        if head != Some((ZISOFS_MAGIC, self.form.size)) {
            return Err(
                Problem::corrupt("the zisofs header is not the one that was announced").into(),
            );
        }
        let block = 1_u64.checked_shl(self.form.shift.into()).unwrap_or(1);
        let mut left = u64::from(self.form.size);
        let mut buffer = Vec::new();
        let mut number = 0_u64;
        while left > 0 {
            let len = left.min(block);
            self.write_block(number, index(len), &mut buffer, out)?;
            left = left.saturating_sub(len);
            number = number.saturating_add(1);
        }
        Ok(())
    }
}
