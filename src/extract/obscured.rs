//! Unknown bytes that were XORed with a short key: told by the format that shows when that is undone.

use bytes::Bytes;

use super::search;
use crate::formats::{Length, Magic, Proof, xor};
use crate::read::{clip, index, length, rest};

/// Fewer bytes are not tried.
pub(super) const LEAST: u64 = 16 << 10;
/// So many bytes of a gap are tried.
const TRIED: u64 = 1 << 20;
/// Of so many all keys of one byte are tried.
const HEAD: u64 = 4 << 10;
/// In so many at the end fill is looked for.
const TAIL: u64 = 4 << 10;
/// So many magics of a trial are measured.
const MEASURED: usize = 256;
/// A magic of fewer bytes is no sign.
const LONG_MAGIC: usize = 4;
/// A region of fewer bytes is no sign.
const TELLING: u64 = 1024;

/// The key of a gap, and what shows with it.
pub(super) struct Recognised {
    pub(super) key: Vec<u8>,
    pub(super) format: &'static str,
    /// Where it starts, in bytes from the gap's start.
    pub(super) at: u64,
}

/// The key that bytes were XORed with, if a known format shows when it is undone.
pub(super) fn recognise(bytes: &Bytes) -> Option<Recognised> {
    let sample = clip(bytes, 0, TRIED);
    let head = clip(bytes, 0, HEAD);
    // What is packed has fill at its end only; the key of one byte is found without any.
    let tail = length(bytes).saturating_sub(TAIL);
    let at_end = xor::keys(&rest(bytes, tail)).into_iter();
    let at_end = at_end.map(|key| from_start(key, tail));
    let shown = |key: Vec<u8>, sample: &Bytes| {
        let plain = Bytes::from(xor::plain(sample, &key));
        let (at, format) = shown(&plain)?;
        Some(Recognised { key, format, at })
    };
    let mut known = xor::keys(bytes).into_iter().chain(at_end);
    known
        .find_map(|key| shown(key, &sample))
        .or_else(|| (1..=u8::MAX).find_map(|byte| shown(vec![byte], &head)))
}

/// A key that was found in bytes from `at` on, as it stands at the start.
fn from_start(mut key: Vec<u8>, at: u64) -> Vec<u8> {
    let phase = at.checked_rem(length(&key)).unwrap_or_default();
    key.rotate_right(index(phase));
    key
}

/// The first region in some bytes that is more than a magic.
fn shown(plain: &Bytes) -> Option<(u64, &'static str)> {
    let (hits, _) = search::search(plain);
    hits.iter().take(MEASURED).find_map(|hit| {
        let format = hit.format()?;
        let start = rest(plain, hit.at);
        // With so many keys, a short magic stands somewhere in any noise.
        let long = |magic: &&Magic| magic.bytes.len() >= LONG_MAGIC;
        let stands = |magic: &Magic| rest(&start, magic.at).starts_with(magic.bytes);
        let is_sign = format.magics().iter().filter(long).any(stands);
        let extent = is_sign.then(|| format.measure(&start).ok()).flatten()?;
        let large = match extent.len {
            Length::Known(len) => len >= TELLING,
            Length::Decoded => extent.proof == Proof::Checksum,
        };
        let told = extent.proof >= Proof::Structure && large && hit.at < length(plain);
        told.then(|| (hit.at, format.doc().id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_hides_nothing() {
        let mut state = 1_u64;
        let noise = (0..1 << 20).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        assert!(recognise(&noise.collect::<Vec<u8>>().into()).is_none());
    }
}
