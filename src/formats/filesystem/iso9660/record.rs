//! Directory records. ECMA-119 section 9.1.

use crate::read::Fields;

/// The length of a record without its name (bytes).
pub(super) const FIXED: usize = 33;

const DIRECTORY: u8 = 2;
const ASSOCIATED: u8 = 4;
const MORE_EXTENTS: u8 = 0x80;

/// One directory record.
#[derive(Clone)]
pub(super) struct Record {
    /// Where the content starts (blocks).
    pub(super) extent: u32,
    /// How many blocks of attributes stand in front of the content.
    pub(super) attributes: u8,
    /// The length of the content (bytes).
    pub(super) size: u32,
    /// When it was recorded, in seconds since 1970.
    pub(super) time: Option<i64>,
    flags: u8,
    /// The lengths of pieces and gaps (blocks); zero unless the file is interleaved.
    interleave: (u8, u8),
    pub(super) name: Vec<u8>,
    /// What stands behind the name: `SUSP` fields, as a range of the record's bytes.
    pub(super) system_use: std::ops::Range<usize>,
    /// Whether both byte orders of its numbers agree.
    pub(super) agrees: bool,
}

impl Record {
    /// The record at the start of `bytes`; `None` when it does not fit.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let len = usize::from(fields.u8(0)?);
        let name_len = usize::from(fields.u8(32)?);
        let name_end = FIXED.checked_add(name_len)?;
        // A name of even length is followed by a zero byte, so that the area behind it starts at an even offset.
        let padded = name_end.checked_add(name_end % 2)?;
        if name_len == 0 || name_end > len || len > bytes.len() {
            return None;
        }
        let (extent, size) = (both_u32(bytes, 2), both_u32(bytes, 10));
        Some(Self {
            extent: extent.or_else(|| fields.u32(2))?,
            attributes: fields.u8(1)?,
            size: size.or_else(|| fields.u32(10))?,
            time: time(fields.slice(18, 7)?),
            flags: fields.u8(25)?,
            interleave: (fields.u8(26)?, fields.u8(27)?),
            name: fields.slice(FIXED, name_len)?.to_vec(),
            system_use: padded.min(len)..len,
            agrees: extent.is_some() && size.is_some(),
        })
    }

    pub(super) fn is_dir(&self) -> bool {
        self.flags & DIRECTORY != 0
    }

    /// Whether it is the part of a file that only Apple's systems look at.
    pub(super) fn is_associated(&self) -> bool {
        self.flags & ASSOCIATED != 0
    }

    /// Whether the next record goes on with the same file.
    pub(super) fn goes_on(&self) -> bool {
        self.flags & MORE_EXTENTS != 0
    }

    pub(super) fn is_interleaved(&self) -> bool {
        self.interleave != (0, 0)
    }

    /// Whether it stands for the directory itself or its parent.
    pub(super) fn is_dots(&self) -> bool {
        matches!(self.name.as_slice(), [0 | 1])
    }
}

/// A number stored in both byte orders, 4 bytes each; `None` when they differ.
pub(super) fn both_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let little = Fields::little(bytes).u32(at)?;
    let big = Fields::big(bytes).u32(at.checked_add(4)?)?;
    (little == big).then_some(little)
}

/// A number stored in both byte orders, 2 bytes each; `None` when they differ.
pub(super) fn both_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let little = Fields::little(bytes).u16(at)?;
    let big = Fields::big(bytes).u16(at.checked_add(2)?)?;
    (little == big).then_some(little)
}

/// The 7 bytes of a recording time: years since 1900, month, day, hour, minute, second, quarters of an hour from UTC.
pub(super) fn time(bytes: &[u8]) -> Option<i64> {
    let [year, month, day, hour, minute, second, zone] = *bytes.first_chunk::<7>()?;
    let part = |part: u8| i8::try_from(part).ok();
    let zone = i32::from(zone.cast_signed()).checked_mul(15 * 60)?;
    let year = i16::from(year).checked_add(1900)?;
    let civil = jiff::civil::DateTime::new(
        year,
        part(month)?,
        part(day)?,
        part(hour)?,
        part(minute)?,
        part(second)?,
        0,
    );
    let offset = jiff::tz::Offset::from_seconds(zone).ok()?;
    Some(offset.to_timestamp(civil.ok()?).ok()?.as_second())
}
