//! One header block: 512 bytes of text fields and octal or base-256 numbers, with a checksum.

use std::ops::Range;

use crate::read::{Fields, index, length};

/// The unit of a tar archive, in bytes.
pub(super) const BLOCK: u64 = 512;

const NAME: Range<usize> = 0..100;
const CHKSUM: Range<usize> = 148..156;
const LINKNAME: Range<usize> = 157..257;
const UNAME: Range<usize> = 265..297;
const GNAME: Range<usize> = 297..329;

/// What stands at a block where a header is due.
pub(super) enum Block<'a> {
    /// A header whose checksum holds.
    Header(Header<'a>),
    /// Nothing but zeros: half of the end of the archive.
    Zero,
    /// Neither, and why.
    Damaged(&'static str),
    /// The archive ends here, so many bytes into the block.
    Missing(u64),
}

impl<'a> Block<'a> {
    /// The block at `at` (bytes from the archive's start).
    pub(super) fn read(archive: &'a [u8], at: u64) -> Self {
        let left = length(archive).saturating_sub(at);
        let Some(bytes) = Fields::big(archive).slice(index(at), 512) else {
            return Self::Missing(left);
        };
        if bytes.iter().all(|&byte| byte == 0) {
            return Self::Zero;
        }
        match Header::parse(bytes) {
            Ok(header) => Self::Header(header),
            Err(why) => Self::Damaged(why),
        }
    }
}

/// Which tar wrote a header, which says what its bytes from 257 on mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Before POSIX: nothing there.
    V7,
    /// POSIX ustar, and pax: a prefix of 155 bytes.
    Ustar,
    /// star: a prefix of 131 bytes, then times.
    Star,
    /// GNU: times and a sparse map, no prefix.
    Gnu,
}

/// A header block whose checksum holds.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    block: &'a [u8],
    /// Whose header it is.
    pub(super) dialect: Dialect,
    /// Bytes of body behind the header, before any extended header says otherwise.
    pub(super) size: u64,
}

/// A number as a header stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// The field is empty.
    Blank,
    /// What it says.
    Value(i128),
    /// No number.
    Bad,
}

impl<'a> Header<'a> {
    fn parse(block: &'a [u8]) -> Result<Self, &'static str> {
        if !sum_holds(block) {
            return Err("the header's checksum does not hold");
        }
        let header = Self {
            block,
            dialect: dialect(block),
            size: 0,
        };
        let size = match header.number(124..136) {
            Number::Blank => Some(0),
            Number::Value(size) => i64::try_from(size).ok().and_then(|s| u64::try_from(s).ok()),
            Number::Bad => None,
        };
        let size = size.ok_or("the header states no possible size")?;
        Ok(Self { size, ..header })
    }

    /// The type flag.
    pub(super) fn kind(&self) -> u8 {
        self.block.get(156).copied().unwrap_or(0)
    }

    /// The stored name, with the prefix where the dialect has one.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(self.field(NAME));
        let prefix = match self.prefix() {
            Some(range) => text(self.field(range)),
            None => b"",
        };
        if prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// The stored link target.
    pub(super) fn linkname(&self) -> &'a [u8] {
        text(self.field(LINKNAME))
    }

    /// Permission bits, and in old archives the type above them.
    pub(super) fn mode(&self) -> Number {
        self.number(100..108)
    }

    /// Numeric owner.
    pub(super) fn uid(&self) -> Number {
        self.number(108..116)
    }

    /// Numeric group.
    pub(super) fn gid(&self) -> Number {
        self.number(116..124)
    }

    /// Modification time in seconds since 1970.
    pub(super) fn mtime(&self) -> Number {
        self.number(136..148)
    }

    /// Major and minor device number; blank where the dialect has none.
    pub(super) fn device(&self) -> (Number, Number) {
        if self.dialect == Dialect::V7 {
            return (Number::Blank, Number::Blank);
        }
        (self.number(329..337), self.number(337..345))
    }

    /// GNU: how many bytes the whole file has, of which the body holds a part.
    pub(super) fn real_size(&self) -> Number {
        self.number(483..495)
    }

    /// GNU: where in the whole file this volume goes on.
    pub(super) fn offset(&self) -> Number {
        self.number(369..381)
    }

    /// GNU, type `S`: the first four pairs of the sparse map.
    pub(super) fn sparse_slots(&self) -> &'a [u8] {
        self.field(386..482)
    }

    /// GNU, type `S`: whether more of the map follows in blocks of its own.
    pub(super) fn is_extended(&self) -> bool {
        self.block.get(482).is_some_and(|&flag| flag != 0)
    }

    /// Whether the fields look like a header that was written as one: what a checksum alone, a sum of bytes,
    /// does not show where there is no magic either.
    pub(super) fn is_plausible(&self) -> bool {
        let numbers = [self.mode(), self.uid(), self.gid(), self.mtime()];
        self.block.first().is_some_and(|&byte| byte != 0)
            && matches!(self.kind(), 0 | b'0'..=b'7' | b'A'..=b'Z' | b'g' | b'x')
            && !numbers.contains(&Number::Bad)
    }

    /// Ranges of the block that nothing reads and that are not zero, ascending.
    pub(super) fn slack(&self) -> Vec<Range<u64>> {
        let mut ranges = vec![after_text(self.field(NAME), NAME)];
        if matches!(self.kind(), b'1' | b'2' | b'K') {
            ranges.push(after_text(self.field(LINKNAME), LINKNAME));
        } else {
            ranges.push(LINKNAME);
        }
        if self.dialect == Dialect::V7 {
            // GNU tar writes device numbers of zero here all the same.
            let is_zero = |range| matches!(self.number(range), Number::Blank | Number::Value(0));
            ranges.push(257..329);
            if !(is_zero(329..337) && is_zero(337..345)) {
                ranges.push(329..345);
            }
            ranges.push(345..512);
        } else {
            ranges.push(after_text(self.field(UNAME), UNAME));
            ranges.push(after_text(self.field(GNAME), GNAME));
        }
        if let Some(prefix) = self.prefix() {
            ranges.push(after_text(self.field(prefix.clone()), prefix));
        }
        match (self.dialect, self.kind()) {
            (Dialect::V7, _) => {}
            (Dialect::Ustar, _) => ranges.push(500..512),
            (Dialect::Star, _) => ranges.push(500..508),
            (Dialect::Gnu, b'S') => ranges.extend([369..386, 495..512]),
            (Dialect::Gnu, b'M') => ranges.extend([381..483, 495..512]),
            (Dialect::Gnu, _) => ranges.push(369..512),
        }
        ranges.retain(|range| self.field(range.clone()).iter().any(|&byte| byte != 0));
        let wide = |at: usize| u64::try_from(at).unwrap_or(BLOCK);
        let widen = |range: Range<usize>| wide(range.start)..wide(range.end);
        ranges.into_iter().map(widen).collect()
    }

    fn prefix(&self) -> Option<Range<usize>> {
        match self.dialect {
            Dialect::Ustar => Some(345..500),
            Dialect::Star => Some(345..476),
            Dialect::V7 | Dialect::Gnu => None,
        }
    }

    fn number(&self, range: Range<usize>) -> Number {
        number(self.field(range))
    }

    fn field(&self, range: Range<usize>) -> &'a [u8] {
        self.block.get(range).unwrap_or_default()
    }
}

impl Number {
    /// The value where there is one that fits.
    pub(super) fn value<T: TryFrom<i128>>(self) -> Option<T> {
        match self {
            Self::Value(value) => T::try_from(value).ok(),
            Self::Blank | Self::Bad => None,
        }
    }
}

/// Reads a numeric field: octal digits up to a space or NUL, or base-256 (two's complement, big-endian) where the
/// highest bit is set.
pub(super) fn number(field: &[u8]) -> Number {
    let Some((&first, low)) = field.split_first() else {
        return Number::Blank;
    };
    if first & 0x80 != 0 {
        // The flag bit is the sign's neighbour: 0x80 starts a positive number, 0xff a negative one.
        let head = i128::from(first & 0x3f).saturating_sub(i128::from(first & 0x40));
        let wide = low.iter().try_fold(head, |sum, &byte| {
            sum.checked_mul(256)?.checked_add(i128::from(byte))
        });
        return wide.map_or(Number::Bad, Number::Value);
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|&byte| matches!(byte, 0 | b' '));
    let digits = digits
        .get(..end.unwrap_or(digits.len()))
        .unwrap_or_default();
    if digits.is_empty() {
        return Number::Blank;
    }
    let value = digits.iter().try_fold(0_i128, |sum, &byte| match byte {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(i128::from(byte & 7)),
        _ => None,
    });
    value.map_or(Number::Bad, Number::Value)
}

/// A text field up to its first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field.get(..end).unwrap_or_default()
}

fn after_text(field: &[u8], range: Range<usize>) -> Range<usize> {
    let start = range.start.saturating_add(text(field).len());
    start.min(range.end)..range.end
}

/// Who wrote a header, as its magic says.
pub(super) fn dialect(block: &[u8]) -> Dialect {
    let from = |at: usize| block.get(at..).unwrap_or_default();
    // GNU tar writes the header of a file that goes on from another volume without a magic.
    if from(257).starts_with(b"ustar  ") || block.get(156) == Some(&b'M') {
        Dialect::Gnu
    } else if !from(257).starts_with(b"ustar") {
        Dialect::V7
    } else if from(508) == b"tar\0" {
        Dialect::Star
    } else {
        Dialect::Ustar
    }
}

/// Whether the stored sum is that of the block's bytes with the sum's own field as spaces. Some old writers
/// summed signed bytes.
fn sum_holds(block: &[u8]) -> bool {
    let Number::Value(stored) = number(block.get(CHKSUM).unwrap_or_default()) else {
        return false;
    };
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| i128::from(byte)).sum::<i128>();
    let spaces = i128::from(b' ').saturating_mul(8);
    let own = block.get(CHKSUM).map_or(0, sum);
    let unsigned = block.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let unsigned = i128::from(unsigned)
        .saturating_sub(own)
        .saturating_add(spaces);
    if stored == unsigned {
        return true;
    }
    let outside = block
        .get(..CHKSUM.start)
        .into_iter()
        .chain(block.get(CHKSUM.end..));
    let high: i128 = outside.flatten().map(|&byte| i128::from(byte >> 7)).sum();
    stored == unsigned.saturating_sub(high.saturating_mul(256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        for (field, wanted) in [
            (&b"0000644\0"[..], Number::Value(0o644)),
            (b"  644 \0\0", Number::Value(0o644)),
            (b"77777777777", Number::Value(0o77_777_777_777)),
            (b"\0\0\0\0", Number::Blank),
            (b"    ", Number::Blank),
            (b"0008\0", Number::Bad),
            (b"-1\0", Number::Bad),
            (b"\x80\0\0\x02\0", Number::Value(512)),
            (b"\xff\xff\xff\xfe", Number::Value(-2)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", Number::Value(1 << 63)),
        ] {
            assert_eq!(number(field), wanted, "{field:?}");
        }
        assert_eq!(Number::Value(-2).value::<u32>(), None);
    }
}
