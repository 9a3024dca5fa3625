//! One instruction of a function that is gone through.

use crate::facts::code::op::Part;

/// An instruction, or bytes that are none.
pub(in super::super) struct Line {
    pub(in super::super) at: u64,
    pub(super) bytes: [u8; 16],
    /// How many bytes it has; 0 for a way of a `switch`.
    pub(in super::super) length: usize,
    pub(super) parts: [Option<Part>; 2],
    pub(super) moves: bool,
}

impl Line {
    /// Its bytes without what a linker writes, zeros behind them.
    pub(in super::super) fn fixed(&self) -> [u8; 16] {
        let mut bytes = self.bytes;
        for part in self.parts.iter().flatten().filter(|_| self.moves) {
            for (byte, mask) in bytes.iter_mut().zip(part.mask) {
                *byte &= !mask;
            }
        }
        bytes
    }

    /// Its bytes as they stand in the file.
    pub(in super::super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
