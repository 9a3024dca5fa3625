//! Frame headers, block headers and skippable frames.

use crate::problem::Problem;
use crate::read::{Fields, index, length};

pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window that is allocated (128 MiB, which is libzstd's own limit).
const WINDOW: u64 = 128 << 20;

/// The largest block (128 KiB).
const BLOCK: u64 = 128 << 10;

/// The length of a skippable frame's header (bytes).
pub(super) const SKIPPABLE: u64 = 8;

/// The length of the payload in which pzstd states the length of the frame behind it (bytes).
pub(super) const PZSTD: u64 = 4;

/// The payload length of a skippable frame, when one starts here.
pub(super) fn skippable(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let of_skippable = fields.u32(0)? & 0xffff_fff0 == 0x184d_2a50;
    of_skippable.then(|| fields.u32(4).map(u64::from))?
}

/// Whether the skippable frame at the start of `bytes` states the length of the frame behind it, as pzstd does.
pub(super) fn states_next(bytes: &[u8]) -> bool {
    let stated = || {
        let stated = u64::from(Fields::little(bytes).u32(8)?);
        let next = bytes.get(index(SKIPPABLE.checked_add(PZSTD)?)..)?;
        let frame = Frame::parse(next)?;
        // One header decides, not the walk: a hostile stream could make every hit walk far.
        Some(stated >= frame.len && stated <= length(next).max(frame.len))
    };
    stated().unwrap_or(false)
}

/// A frame's header.
pub(super) struct Frame {
    /// Its length in bytes.
    pub(super) len: u64,
    /// The window in bytes that decoding needs.
    pub(super) window: u64,
    /// The dictionary that is needed; 0 for none.
    pub(super) dictionary: u32,
    /// Whether a checksum stands at its end.
    pub(super) checksum: bool,
}

impl Frame {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let descriptor = fields.u8(4)?;
        // Bit 3 is reserved and zero.
        if fields.slice(0, 4)? != MAGIC || descriptor & 8 != 0 {
            return None;
        }
        let single = descriptor & 0x20 != 0;
        let mut at: usize = 5;
        let mut window = 0;
        if !single {
            let byte = u64::from(fields.u8(at)?);
            let base = 1_u64.checked_shl(u32::try_from(byte >> 3).ok()?.checked_add(10)?)?;
            window = base.checked_add((base / 8).checked_mul(byte & 7)?)?;
            at = at.checked_add(1)?;
        }
        let dictionary = match descriptor & 3 {
            0 => 0,
            1 => u32::from(fields.u8(at)?),
            2 => u32::from(fields.u16(at)?),
            _ => fields.u32(at)?,
        };
        at = at.checked_add([0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?)?;
        let size = match descriptor >> 6 {
            0 if !single => None,
            0 => Some((u64::from(fields.u8(at)?), 1)),
            1 => Some((u64::from(fields.u16(at)?).checked_add(256)?, 2)),
            2 => Some((u64::from(fields.u32(at)?), 4)),
            _ => Some((fields.u64(at)?, 8)),
        };
        if let Some((size, width)) = size {
            at = at.checked_add(width)?;
            window = if single { size } else { window };
        }
        Some(Self {
            len: u64::try_from(at).ok()?,
            window,
            dictionary,
            checksum: descriptor & 4 != 0,
        })
    }
}

impl Frame {
    /// Why the frame cannot be decoded, when that is plain from its header.
    pub(super) fn refusal(&self) -> Option<Problem> {
        if self.dictionary != 0 {
            let detail = format!("made with dictionary {}", self.dictionary);
            return Some(Problem::unsupported(detail));
        }
        let detail = format!("needs a window of {} bytes; 128 MiB are given", self.window);
        (self.window > WINDOW).then(|| Problem::limit(detail))
    }
}

/// Walks the block headers of a frame.
pub(super) struct Blocks<'a> {
    pub(super) bytes: &'a [u8],
    /// The next block's header, from the frame's start.
    pub(super) at: u64,
    /// Whether the last block was walked.
    pub(super) last: bool,
    /// Whether a header was none.
    pub(super) bad: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(bytes: &'a [u8], frame: &Frame) -> Self {
        Self {
            bytes,
            at: frame.len,
            last: false,
            bad: false,
        }
    }
}

impl Iterator for Blocks<'_> {
    /// The stored length of a block without its header of 3 bytes.
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.last || self.bad {
            return None;
        }
        let header = self.bytes.get(index(self.at)..)?.first_chunk::<3>()?;
        let [low, middle, high] = header.map(u32::from);
        let header = low | middle << 8 | high << 16;
        let size = u64::from(header >> 3);
        let stored = match header >> 1 & 3 {
            0 | 2 => size,
            1 => 1,
            _ => u64::MAX,
        };
        if size > BLOCK || stored > BLOCK {
            self.bad = true;
            return None;
        }
        self.last = header & 1 != 0;
        self.at = self.at.checked_add(3)?.checked_add(stored)?;
        Some(stored)
    }
}
