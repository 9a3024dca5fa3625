//! What the file systems of DOS and Windows share: names in UTF-16, times, GUIDs, and the attribute bits.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::read::Fields;

/// The extended attribute under which the attribute bits are told: no other system has a name for them.
pub(super) const ATTRIBUTES: &[u8] = b"dos.attributes";

/// The bits that say how a file is treated. What a file is, and whether it was backed up, are not among them.
const TOLD: [(u32, &str); 3] = [(0x1, "readonly"), (0x2, "hidden"), (0x4, "system")];

/// The attribute bits as an extended attribute, such as `hidden,system`; none where no bit is set.
pub(super) fn attributes(bits: u32) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let words = TOLD.iter().filter(|(bit, _)| bits & bit != 0);
    let words: Vec<&str> = words.map(|&(_, word)| word).collect();
    if words.is_empty() {
        return BTreeMap::new();
    }
    BTreeMap::from([(ATTRIBUTES.to_vec(), words.join(",").into_bytes())])
}

/// A time as DOS stores it (a date and a time of day in 2 seconds), in seconds since 1970 as if it were UTC: the zone is
/// not stored. `None` for what is no time.
pub(super) fn seconds(date: u16, time: u16) -> Option<i64> {
    let year = i16::try_from(date >> 9).ok()?.checked_add(1980)?;
    let small = |bits: u16| i8::try_from(bits).ok();
    let date_time = DateTime::new(
        year,
        small(date >> 5 & 0xf)?,
        small(date & 0x1f)?,
        small(time >> 11)?,
        small(time >> 5 & 0x3f)?,
        small((time & 0x1f).checked_mul(2)?)?,
        0,
    );
    let zoned = date_time.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

/// A time as Windows stores it (steps of 100 ns since 1601, UTC), in seconds since 1970. `None` for zero, which is no time.
pub(in crate::formats) fn filetime(ticks: u64) -> Option<i64> {
    /// Seconds between the two.
    const EPOCH: i64 = 11_644_473_600;
    let seconds = i64::try_from(ticks / 10_000_000).ok()?;
    (ticks > 0).then(|| seconds.saturating_sub(EPOCH))
}

/// A GUID as people write it: the first three fields are stored little-endian.
pub(in crate::formats) fn guid(bytes: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*bytes);
    let fields = Fields::little(bytes);
    let first = fields.u32(0).unwrap_or_default();
    let short = |at| fields.u16(at).unwrap_or_default();
    let (second, third) = (short(4), short(6));
    let (fourth, fifth) = (number >> 48 & 0xffff, number & 0xffff_ffff_ffff);
    format!("{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}")
}

/// UTF-16 as UTF-8. A surrogate without its other half becomes three bytes that are no UTF-8 (as WTF-8 has it), so that no two
/// names become one.
pub(in crate::formats) fn utf8(units: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                let middle = (high & 0xf) << 2 | low >> 6;
                bytes.extend_from_slice(&[0xe0 | high >> 4, 0x80 | middle, 0x80 | low & 0x3f]);
            }
        }
    }
    bytes
}

/// The little-endian 16-bit units of a stored text.
pub(in crate::formats) fn units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.iter().map(|&pair| u16::from_le_bytes(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_is_kept() {
        assert_eq!(utf8([0x67, 0xfc, 0xd83d, 0xde00]), "gü😀".as_bytes());
        assert_eq!(utf8([0xd83d, 0x41, 0xdfff]), b"\xed\xa0\xbdA\xed\xbf\xbf");
    }

    #[test]
    fn times_are_told_as_stored() {
        // 2023-11-14 22:13:20, the second that is 1700000000 in UTC.
        let date = (2023 - 1980) * 512 + 11 * 32 + 14;
        assert_eq!(seconds(date, 22 * 2048 + 13 * 32 + 10), Some(1_700_000_000));
        assert_eq!(seconds(0, 0), None);
        assert_eq!(seconds(date, 31 * 2048), None);
        assert_eq!(filetime(133_444_735_000_000_000), Some(1_699_999_900));
        assert_eq!(filetime(0), None);
    }

    #[test]
    fn attributes_are_told_where_there_are_any() {
        assert!(attributes(0x30).is_empty());
        let told = attributes(0x27);
        assert_eq!(told.get(ATTRIBUTES).unwrap(), b"readonly,hidden,system");
    }
}
