//! The checksums that guard headers, made to be right: so that bytes that nobody meant get behind the first look.

use crc32fast::Hasher;

/// So many bytes are summed in one image.
const MOST: usize = 16 << 20;

/// What guards one kind of structure: how it begins, and what mends it at an offset; yields how many bytes were summed.
type Guard = (&'static [u8], fn(&mut [u8], usize) -> Option<usize>);

const GUARDS: &[Guard] = &[
    (b"UBI#", ubi),
    (b"UBI!", ubi),
    (b"\x31\x18\x10\x06", ubifs),
    (b"\x85\x19", jffs2_little),
    (b"\x19\x85", jffs2_big),
    (b"\x27\x05\x19\x56", uimage),
    (b"EFI PART", gpt),
    (b"HDR0", trx),
    (b"\x45\x3d\xcd\x28", cramfs),
];

/// Mends every checksum of a structure that stands at a multiple of four bytes.
pub(super) fn mend(image: &mut [u8]) {
    let mut left = MOST;
    for at in (0..image.len()).step_by(4) {
        for (magic, guard) in GUARDS {
            if image[at..].starts_with(magic)
                && let Some(summed) = guard(image, at)
            {
                left = left.saturating_sub(summed.max(64));
            }
        }
        if left == 0 {
            return;
        }
    }
}

/// The CRC-32 of zip and Ethernet.
fn crc(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The same register without its last step, from a start of one's own: that of Linux.
fn raw(start: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(!start);
    hasher.update(bytes);
    !hasher.finalize()
}

fn little(image: &[u8], at: usize) -> Option<usize> {
    let bytes = image.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

fn big(image: &[u8], at: usize) -> Option<usize> {
    let bytes = image.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*bytes)).ok()
}

fn range(image: &[u8], from: usize, len: usize) -> Option<&[u8]> {
    image.get(from..from.checked_add(len)?)
}

fn put(image: &mut [u8], at: usize, sum: [u8; 4]) -> Option<()> {
    *image.get_mut(at..)?.first_chunk_mut()? = sum;
    Some(())
}

fn ubi(image: &mut [u8], at: usize) -> Option<usize> {
    let sum = raw(!0, range(image, at, 60)?);
    put(image, at + 60, sum.to_be_bytes())?;
    Some(60)
}

fn ubifs(image: &mut [u8], at: usize) -> Option<usize> {
    let len = little(image, at + 16)?.checked_sub(8)?;
    let sum = raw(!0, range(image, at + 8, len)?);
    put(image, at + 4, sum.to_le_bytes())?;
    Some(len)
}

fn jffs2_little(image: &mut [u8], at: usize) -> Option<usize> {
    jffs2(image, at, little, u32::to_le_bytes)
}

fn jffs2_big(image: &mut [u8], at: usize) -> Option<usize> {
    jffs2(image, at, big, u32::to_be_bytes)
}

fn jffs2(
    image: &mut [u8],
    at: usize,
    word: fn(&[u8], usize) -> Option<usize>,
    stored: fn(u32) -> [u8; 4],
) -> Option<usize> {
    let kind = word(image, at)?;
    // The magic and the kind are one word; which half is which depends on the order.
    let kind = if kind & 0xffff == 0x1985 {
        kind >> 16
    } else {
        kind & 0xffff
    };
    let (fixed, node, data, len, sum) = match kind {
        0xe001 => (32, 32, 40, usize::from(*image.get(at + 28)?), 36),
        0xe002 => (60, 64, 68, word(image, at + 48)?, 60),
        _ => (0, 0, 0, 0, 0),
    };
    let head = raw(0, range(image, at, 8)?);
    put(image, at + 8, stored(head))?;
    if fixed > 0 {
        let content = raw(0, range(image, at + data, len)?);
        put(image, at + sum, stored(content))?;
        let own = raw(0, range(image, at, fixed)?);
        put(image, at + node, stored(own))?;
    }
    Some(fixed + len)
}

fn uimage(image: &mut [u8], at: usize) -> Option<usize> {
    let len = big(image, at + 12)?;
    if let Some(data) = range(image, at + 64, len) {
        let sum = crc(data);
        put(image, at + 24, sum.to_be_bytes())?;
    }
    put(image, at + 4, [0; 4])?;
    let sum = crc(range(image, at, 64)?);
    put(image, at + 4, sum.to_be_bytes())?;
    Some(64 + len.min(image.len()))
}

fn gpt(image: &mut [u8], at: usize) -> Option<usize> {
    let (first, count, size) = (
        little(image, at + 72)?,
        little(image, at + 80)?,
        little(image, at + 84)?,
    );
    let entries = range(image, first.checked_mul(512)?, count.checked_mul(size)?);
    if let Some(sum) = entries.map(crc) {
        put(image, at + 88, sum.to_le_bytes())?;
    }
    let len = little(image, at + 12)?;
    put(image, at + 16, [0; 4])?;
    let sum = crc(range(image, at, len)?);
    put(image, at + 16, sum.to_le_bytes())?;
    Some(len)
}

fn trx(image: &mut [u8], at: usize) -> Option<usize> {
    let len = little(image, at + 4)?.checked_sub(12)?;
    let sum = raw(!0, range(image, at + 12, len)?);
    put(image, at + 8, sum.to_le_bytes())?;
    Some(len)
}

fn cramfs(image: &mut [u8], at: usize) -> Option<usize> {
    let len = little(image, at + 4)?;
    range(image, at, len.max(36))?;
    put(image, at + 32, [0; 4])?;
    let sum = crc(range(image, at, len)?);
    put(image, at + 32, sum.to_le_bytes())?;
    Some(len)
}
