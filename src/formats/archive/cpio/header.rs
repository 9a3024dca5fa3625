//! One member's header, in five variants of the same fields.

use crate::entry::Device;
use crate::read::{Endian, Fields, index};

/// No path is longer, its NUL included (bytes); Linux skips what claims to be.
const NAME_MOST: u64 = 4096;

/// The name of the entry that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// How a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// `070701`: hexadecimal text.
    Newc,
    /// `070702`: the same with a sum over each file's bytes.
    Crc,
    /// `070707`: octal text, POSIX.1.
    Odc,
    /// 0o070707 as a 16-bit number; all numbers are 16-bit words, the more significant word first.
    Bin(Endian),
}

impl Variant {
    fn of(bytes: &[u8]) -> Option<Self> {
        match (bytes.get(..6), bytes.get(..2)) {
            (Some(b"070701"), _) => Some(Self::Newc),
            (Some(b"070702"), _) => Some(Self::Crc),
            (Some(b"070707"), _) => Some(Self::Odc),
            (_, Some([0xc7, 0x71])) => Some(Self::Bin(Endian::Little)),
            (_, Some([0x71, 0xc7])) => Some(Self::Bin(Endian::Big)),
            _ => None,
        }
    }

    /// The length of the header in bytes, without the name.
    pub(super) fn header_len(self) -> u64 {
        match self {
            Self::Newc | Self::Crc => 110,
            Self::Odc => 76,
            Self::Bin(_) => 26,
        }
    }

    /// Names and bodies end at a multiple of so many bytes from the archive's start.
    pub(super) fn alignment(self) -> u64 {
        match self {
            Self::Newc | Self::Crc => 4,
            Self::Odc => 1,
            Self::Bin(_) => 2,
        }
    }
}

/// The fields of a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) variant: Variant,
    /// Inode and device numbers: what links to one file share.
    pub(super) inode: (u32, u32, u32),
    /// Type and permission bits.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) nlink: u32,
    /// Seconds since 1970.
    pub(super) mtime: u32,
    /// Length of the body in bytes.
    pub(super) size: u64,
    /// The numbers of a device node.
    pub(super) rdev: Device,
    /// Length of the name in bytes, with its NUL.
    pub(super) name_len: u64,
    /// The sum of the body's bytes; 0 but in [`Variant::Crc`].
    pub(super) check: u32,
}

impl Header {
    /// The header at the start of `bytes`; `None` where there is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let variant = Variant::of(bytes)?;
        match variant {
            Variant::Newc | Variant::Crc => Self::hexadecimal(bytes, variant),
            Variant::Odc => Self::octal(bytes),
            Variant::Bin(endian) => Self::binary(bytes, endian),
        }
    }

    fn hexadecimal(bytes: &[u8], variant: Variant) -> Option<Self> {
        let text = bytes.get(6..110)?;
        let mut fields = [0_u32; 13];
        for (field, digits) in fields.iter_mut().zip(text.chunks_exact(8)) {
            *field = u32::try_from(digits_of(digits, 16)?).ok()?;
        }
        let [
            ino,
            mode,
            uid,
            gid,
            nlink,
            mtime,
            size,
            dev_major,
            dev_minor,
            major,
            minor,
            name,
            check,
        ] = fields;
        Some(Self {
            variant,
            inode: (ino, dev_major, dev_minor),
            mode,
            uid,
            gid,
            nlink,
            mtime,
            size: u64::from(size),
            rdev: Device { major, minor },
            name_len: u64::from(name),
            check,
        })
    }

    fn octal(bytes: &[u8]) -> Option<Self> {
        let field = |at: usize, len: usize| digits_of(Fields::big(bytes).slice(at, len)?, 8);
        let short = |at| u32::try_from(field(at, 6)?).ok();
        Some(Self {
            variant: Variant::Odc,
            inode: (short(12)?, 0, short(6)?),
            mode: short(18)?,
            uid: short(24)?,
            gid: short(30)?,
            nlink: short(36)?,
            rdev: device(short(42)?),
            // 11 octal digits are 33 bits.
            mtime: u32::try_from(field(48, 11)?).ok()?,
            name_len: field(59, 6)?,
            size: field(65, 11)?,
            check: 0,
        })
    }

    fn binary(bytes: &[u8], endian: Endian) -> Option<Self> {
        let fields = Fields::new(bytes, endian);
        let short = |at| fields.u16(at).map(u32::from);
        let long = |at: usize| Some(short(at)? << 16 | short(at.checked_add(2)?)?);
        Some(Self {
            variant: Variant::Bin(endian),
            inode: (short(4)?, 0, short(2)?),
            mode: short(6)?,
            uid: short(8)?,
            gid: short(10)?,
            nlink: short(12)?,
            rdev: device(short(14)?),
            mtime: long(16)?,
            name_len: u64::from(short(20)?),
            size: u64::from(long(22)?),
            check: 0,
        })
    }

    /// The type bits of the mode.
    pub(super) fn kind(&self) -> u32 {
        self.mode & 0o170_000
    }

    /// Whether the mode names a type that exists.
    fn has_kind(&self) -> bool {
        matches!(
            self.kind() >> 12,
            0o1 | 0o2 | 0o4 | 0o6 | 0o10 | 0o12 | 0o14
        )
    }
}

/// The numbers of a device in 16 or 18 bits: 8 for the minor, the rest for the major.
fn device(rdev: u32) -> Device {
    Device {
        major: rdev >> 8,
        minor: rdev & 0xff,
    }
}

fn digits_of(text: &[u8], radix: u32) -> Option<u64> {
    text.iter().try_fold(0_u64, |sum, &byte| {
        let digit = char::from(byte).to_digit(radix)?;
        sum.checked_mul(u64::from(radix))?
            .checked_add(u64::from(digit))
    })
}

/// A header that holds together, and where the parts of its member stand (bytes from the archive's start).
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) header: Header,
    pub(super) at: u64,
    /// The name up to its NUL.
    pub(super) name: &'a [u8],
    pub(super) name_at: u64,
    pub(super) body_at: u64,
    /// Where the next member is due; beyond the bytes that are there when the body is cut off.
    pub(super) next: u64,
}

impl<'a> Member<'a> {
    /// The member at `at`.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn parse(archive: &'a [u8], at: u64) -> Result<Self, &'static str> {
        let bytes = archive.get(index(at)..).unwrap_or_default();
        let header = Header::parse(bytes).ok_or("no member's header where one is due")?;
        if !(2..=NAME_MOST).contains(&header.name_len) {
            return Err("a member's name has an impossible length");
        }
        let header_len = header.variant.header_len();
        let field = Fields::big(bytes).slice(index(header_len), index(header.name_len));
        let field = field.ok_or("the archive ends within a member's name")?;
        let name = field.get(..memchr::memchr(0, field).unwrap_or(field.len()));
        let name = name.unwrap_or_default();
        if name.is_empty() || field.last() != Some(&0) {
            return Err("a member's name is empty or does not end with a zero byte");
        }
        let name_at = at.saturating_add(header_len);
        let alignment = header.variant.alignment();
        let aligned = |at: u64| at.checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        let body_at = aligned(name_at.saturating_add(header.name_len));
        Ok(Self {
            header,
            at,
            name,
            name_at,
            body_at,
            next: aligned(body_at.saturating_add(header.size)),
        })
    }

    /// Whether this is the entry that ends an archive.
    pub(super) fn is_trailer(&self) -> bool {
        self.name == TRAILER
    }

    /// Whether the fields are ones that someone would write: two bytes of magic in the binary variants stand
    /// everywhere by chance.
    pub(super) fn is_plausible(&self) -> bool {
        self.is_trailer() || (self.header.has_kind() && self.header.nlink > 0)
    }
}
