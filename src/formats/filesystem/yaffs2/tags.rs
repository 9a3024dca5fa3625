//! What a page's spare bytes say about the page: whose it is and which piece, with the Hamming code over it.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use crate::read::{Endian, Fields};

/// The largest object number that YAFFS gives.
const MOST_OBJECTS: u32 = 0x3_ffff;
/// The sequence numbers that blocks of files may have.
const SEQUENCES: RangeInclusive<u32> = 0x1000..=0xefff_ff00;
/// The sequence number of blocks that hold a checkpoint.
const CHECKPOINT: u32 = 0x21;
/// The object that summaries of blocks belong to.
const SUMMARY: u32 = 0x10;
/// The piece number's bit that says that the tags repeat parts of the object header.
const EXTRA: u32 = 1 << 31;
const SHRINK: u32 = 1 << 30;

/// The length of the tags of YAFFS2 in bytes, and with their code.
pub(super) const PLAIN: usize = 16;
pub(super) const CODED: usize = 28;

/// What the tags say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) object: u32,
    /// Which piece of the object: 0 for its header, then from 1.
    pub(super) number: u32,
    /// How many bytes of the page count; says nothing of a header.
    pub(super) bytes: u32,
    /// The age of the block in YAFFS2, the two-bit counter of the piece in YAFFS1.
    pub(super) sequence: u32,
    /// Parent and type of the object, where the tags of a header repeat them.
    pub(super) extra: Option<(u32, u32)>,
    /// The header cuts the file down to its size, as the tags say.
    pub(super) shrink: bool,
    /// YAFFS1 marked the page as deleted.
    pub(super) deleted: bool,
    /// One bit was wrong and was put right.
    pub(super) corrected: bool,
}

/// What kind of page it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// An object's header or a piece of a file.
    Object,
    /// A piece of a checkpoint: what the driver had in memory when it was unmounted.
    Checkpoint,
    /// A piece of the summary of a block's tags.
    Summary,
}

impl Tags {
    /// The tags of YAFFS2 in `raw`; `coded` says that a Hamming code follows them.
    pub(super) fn yaffs2(raw: &[u8; CODED], endian: Endian, coded: bool) -> Option<Self> {
        let mut raw = *raw;
        let corrected = coded && correct(&mut raw, endian)?;
        let fields = Fields::new(&raw, endian);
        let (sequence, object) = (fields.u32(0)?, fields.u32(4)?);
        let (number, bytes) = (fields.u32(8)?, fields.u32(12)?);
        let extra = number & EXTRA != 0;
        let tags = Self {
            object: if extra { object & 0x0fff_ffff } else { object },
            number: if extra { 0 } else { number },
            bytes,
            sequence,
            extra: extra.then_some((number & 0x0fff_ffff, object >> 28)),
            shrink: extra && number & SHRINK != 0,
            deleted: false,
            corrected,
        };
        (SEQUENCES.contains(&sequence) || sequence == CHECKPOINT).then_some(tags)
    }

    /// The tags of YAFFS1 in the 16 bytes of its spare: 64 bits of bit fields, with a code of 12 bits among them.
    ///
    /// Pages of 512 bytes leave the two highest bits of the number of bytes as they happen to be.
    pub(super) fn yaffs1(spare: &[u8], page: usize, endian: Endian) -> Option<Self> {
        let status = *spare.get(4)?;
        let mut raw = gather_one(spare)?;
        let mut words = Words::new(raw, endian)?;
        let wrong = words.code() ^ words.stored_code(endian);
        let corrected = wrong != 0;
        if corrected {
            let bit = usize::from(wrong).checked_sub(1).filter(|&bit| bit < 64)?;
            *raw.get_mut(bit / 8)? ^= 1 << (bit % 8);
            words = Words::new(raw, endian)?;
        }
        let tags = match endian {
            Endian::Little => Self {
                object: words.second & 0x3_ffff,
                number: words.first & 0xf_ffff,
                bytes: words.first >> 22 | (words.second >> 30) << 10,
                sequence: words.first >> 20 & 3,
                ..Self::BLANK
            },
            Endian::Big => Self {
                object: words.second >> 14,
                number: words.first >> 12,
                bytes: words.first & 0x3ff | (words.second & 3) << 10,
                sequence: words.first >> 10 & 3,
                ..Self::BLANK
            },
        };
        Some(Self {
            bytes: if page < 1024 {
                tags.bytes & 0x3ff
            } else {
                tags.bytes
            },
            deleted: status.count_ones() < 7,
            corrected,
            ..tags
        })
    }

    const BLANK: Self = Self {
        object: 0,
        number: 0,
        bytes: 0,
        sequence: 0,
        extra: None,
        shrink: false,
        deleted: false,
        corrected: false,
    };

    /// Whether they can be those of a page with `page` bytes of data.
    pub(super) fn plausible(&self, page: usize) -> bool {
        let object = (1..=MOST_OBJECTS).contains(&self.object);
        let bytes = usize::try_from(self.bytes).is_ok_and(|bytes| bytes <= page);
        let kind = self.extra.is_none_or(|(_, kind)| (1..=5).contains(&kind));
        object && kind && (self.number == 0 || bytes && self.number < EXTRA)
    }

    /// What the page is for.
    pub(super) fn purpose(&self) -> Use {
        if self.sequence == CHECKPOINT {
            Use::Checkpoint
        } else if self.object == SUMMARY && self.number > 0 {
            Use::Summary
        } else {
            Use::Object
        }
    }
}

/// Where in the spare bytes of YAFFS1 its eight bytes of tags stand.
const PLACES: [usize; 8] = [0, 1, 2, 3, 6, 7, 11, 12];

/// The tags of YAFFS1, one after another.
pub(super) fn gather_one(spare: &[u8]) -> Option<[u8; 8]> {
    let mut raw = [0; 8];
    for (byte, place) in raw.iter_mut().zip(PLACES) {
        *byte = *spare.get(place)?;
    }
    Some(raw)
}

/// The two words that the bit fields of YAFFS1 fill, and the bytes they stand in.
struct Words {
    first: u32,
    second: u32,
    raw: [u8; 8],
}

impl Words {
    fn new(mut raw: [u8; 8], endian: Endian) -> Option<Self> {
        let fields = Fields::new(&raw, endian);
        let (first, second) = (fields.u32(0)?, fields.u32(4)?);
        let cleared = match endian {
            Endian::Little => (second & !(0xfff << 18)).to_le_bytes(),
            Endian::Big => (second & !(0xfff << 2)).to_be_bytes(),
        };
        raw.get_mut(4..)?.copy_from_slice(&cleared);
        Some(Self { first, second, raw })
    }

    fn stored_code(&self, endian: Endian) -> u16 {
        let code = match endian {
            Endian::Little => self.second >> 18,
            Endian::Big => self.second >> 2,
        };
        u16::try_from(code & 0xfff).unwrap_or_default()
    }

    /// The exclusive or of the numbers of all bits that are set, counted from 1.
    fn code(&self) -> u16 {
        let mut code = 0;
        let mut number = 0_u16;
        for byte in self.raw {
            for bit in 0..8 {
                number = number.saturating_add(1);
                if byte >> bit & 1 == 1 {
                    code ^= number;
                }
            }
        }
        code
    }
}

/// For each byte its column parities in bits 2 to 7, and its own parity in bit 0.
static COLUMNS: LazyLock<[u8; 256]> = LazyLock::new(|| {
    let weights = [0x55, 0x59, 0x65, 0x69, 0x95, 0x99, 0xa5, 0xa9];
    std::array::from_fn(|byte| {
        let bits = weights.iter().enumerate();
        bits.filter(|(bit, _)| byte >> bit & 1 == 1)
            .fold(0, |sum, (_, weight)| sum ^ weight)
    })
});

/// Column parities and line parities of some bytes: the code of `SmartMedia` cards, for any length.
fn parities(bytes: &[u8]) -> (u8, u32, u32) {
    let (mut column, mut line, mut prime) = (0, 0, 0);
    let columns = &*COLUMNS;
    for (number, &byte) in (0_u32..).zip(bytes) {
        let parity = columns.get(usize::from(byte)).copied().unwrap_or_default();
        column ^= parity;
        if parity & 1 == 1 {
            line ^= number;
            prime ^= !number;
        }
    }
    (column, line, prime)
}

/// Puts a single wrong bit of coded tags right; whether there was one. `None` when more are wrong.
fn correct(raw: &mut [u8; CODED], endian: Endian) -> Option<bool> {
    let (column, line, prime) = parities(raw.get(..PLAIN)?);
    let stored = Fields::new(raw, endian);
    let column = (column >> 2 & 0x3f) ^ stored.u8(16)?;
    let (line, prime) = (line ^ stored.u32(20)?, prime ^ stored.u32(24)?);
    let weight = column
        .count_ones()
        .checked_add(line.count_ones())?
        .checked_add(prime.count_ones())?;
    if weight == 0 {
        return Some(false);
    }
    if line == !prime && (column ^ column >> 1) & 0x15 == 0x15 {
        let bit = column >> 3 & 4 | column >> 2 & 2 | column >> 1 & 1;
        let byte = raw.get_mut(..PLAIN)?.get_mut(usize::try_from(line).ok()?)?;
        *byte ^= 1 << bit;
        return Some(true);
    }
    (weight == 1).then_some(true)
}

/// The three bytes of code over 256 bytes of data, as YAFFS1 keeps them.
pub(super) fn code_256(data: &[u8]) -> [u8; 3] {
    let (column, line, prime) = parities(data);
    // Bits of the line parity and of its counterpart take turns, the highest first.
    let woven = (0..8).rev().fold(0_u16, |woven, bit| {
        let of = |parity: u32| u16::from(parity >> bit & 1 == 1);
        woven << 2 | of(line) << 1 | of(prime)
    });
    let [high, low] = (!woven).to_be_bytes();
    [low, high, !column | 3]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of the first page of `yaffs2_be.img` and `yaffs2_le.img` in the test suite of `FACT_extractor`.
    const BIG: [u8; CODED] = [
        0, 0, 0x10, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x25, 0xff, 0xff, 0xff, 0, 0, 0,
        3, 0xff, 0xff, 0xff, 0xfc,
    ];
    const LITTLE: [u8; CODED] = [
        0, 0x10, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0x25, 0xff, 0xff, 0xff, 0, 0, 0,
        0, 0xff, 0xff, 0xff, 0xff,
    ];

    #[test]
    fn the_code_corrects_each_single_bit_and_refuses_two() {
        for (raw, endian) in [(BIG, Endian::Big), (LITTLE, Endian::Little)] {
            let sound = Tags::yaffs2(&raw, endian, true).unwrap();
            assert_eq!((sound.object, sound.number, sound.bytes), (257, 0, 0xffff));
            assert!(!sound.corrected);
            for bit in 0..128 {
                let mut raw = raw;
                raw[bit / 8] ^= 1 << (bit % 8);
                let read = Tags::yaffs2(&raw, endian, true).unwrap();
                assert!(read.corrected);
                assert_eq!(read.object, sound.object);
                raw[(bit / 8 + 5) % 16] ^= 1 << ((bit + 1) % 8);
                assert_eq!(Tags::yaffs2(&raw, endian, true), None);
            }
        }
    }

    #[test]
    fn tags_that_repeat_the_header_are_taken_apart() {
        // Object 300, a directory (3), below object 5, with the shrink flag.
        let mut raw = [0xff; CODED];
        for (at, word) in [0x1234, 0x3000_012c, EXTRA | SHRINK | 5, 0_u32]
            .iter()
            .enumerate()
        {
            raw[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        let tags = Tags::yaffs2(&raw, Endian::Little, false).unwrap();
        assert_eq!((tags.object, tags.number, tags.sequence), (300, 0, 0x1234));
        assert_eq!((tags.extra, tags.shrink), (Some((5, 3)), true));
        assert!(tags.plausible(2048));
    }

    #[test]
    fn the_data_code_is_that_of_smartmedia() {
        // Worked by hand from yaffs_ecc.c: nothing set, and the lowest bit of byte 0 set.
        assert_eq!(code_256(&[0; 256]), [0xff; 3]);
        let mut data = [0; 256];
        data[0] = 1;
        assert_eq!(code_256(&data), [0xaa, 0xaa, 0xab]);
        data[0] = 0;
        data[255] = 0x80;
        assert_eq!(code_256(&data), [0x55, 0x55, 0x57]);
    }
}
