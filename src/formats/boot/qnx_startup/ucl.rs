//! NRV2B, the method of UCL that QNX uses: literal bytes and matches, told apart by bits that stand among them.

/// Why a block is not decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// It ends before its end mark, or goes on behind it.
    Length,
    /// A match starts before the block.
    Match,
    /// It holds more than it may.
    TooLong,
}

/// Matches further back than this are longer by one byte.
const FAR: usize = 0xd00;
/// No distance is larger, in bytes.
const FARTHEST: usize = 0x00ff_ffff;

/// Decodes `block` into `out`, which is emptied first and may not become longer than `limit` bytes.
///
/// # Errors
/// The block is damaged, or holds more.
pub(super) fn decode(block: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
    out.clear();
    let mut input = Input {
        block,
        at: 0,
        bits: 0,
    };
    let mut last = 1_usize;
    loop {
        while input.bit()? == 1 {
            push(out, input.byte()?, limit)?;
        }
        let prefix = input.number(FARTHEST)?;
        let distance = if prefix == 2 {
            last
        } else {
            let low = usize::from(input.byte()?);
            let high = prefix.saturating_sub(3);
            // The end mark is the largest distance of 32 bits.
            if high == 0x00ff_ffff && low == 0xff {
                break;
            }
            last = high
                .saturating_mul(256)
                .saturating_add(low)
                .saturating_add(1);
            last
        };
        let mut len = input.bit()?.saturating_mul(2).saturating_add(input.bit()?);
        if len == 0 {
            len = input.number(limit)?.saturating_add(2);
        }
        len = len
            .saturating_add(1)
            .saturating_add(usize::from(distance > FAR));
        copy(out, distance, len, limit)?;
    }
    (input.at == block.len())
        .then_some(())
        .ok_or(Damage::Length)
}

fn push(out: &mut Vec<u8>, byte: u8, limit: usize) -> Result<(), Damage> {
    if out.len() >= limit {
        return Err(Damage::TooLong);
    }
    out.push(byte);
    Ok(())
}

/// Repeats `len` bytes that stand `distance` bytes back; they may overlap what they become.
fn copy(out: &mut Vec<u8>, distance: usize, len: usize, limit: usize) -> Result<(), Damage> {
    let mut from = out.len().checked_sub(distance).ok_or(Damage::Match)?;
    for _ in 0..len {
        let byte = *out.get(from).ok_or(Damage::Match)?;
        push(out, byte, limit)?;
        from = from.saturating_add(1);
    }
    Ok(())
}

/// The compressed bytes, of which some are read bit by bit.
struct Input<'a> {
    block: &'a [u8],
    at: usize,
    /// The bits left of the byte that was read last, with a mark below them.
    bits: u32,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, Damage> {
        let byte = *self.block.get(self.at).ok_or(Damage::Length)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    fn bit(&mut self) -> Result<usize, Damage> {
        self.bits = if self.bits.trailing_zeros() >= 7 {
            u32::from(self.byte()?) << 1 | 1
        } else {
            self.bits << 1
        };
        Ok(usize::from(self.bits & 0x100 != 0))
    }

    /// A number of at least 2: a bit of it, and one that says whether it goes on, in turn.
    fn number(&mut self, most: usize) -> Result<usize, Damage> {
        let mut number = 1_usize;
        loop {
            number = number.saturating_mul(2).saturating_add(self.bit()?);
            if self.bit()? == 1 {
                return Ok(number);
            }
            if number > most.saturating_add(3) {
                return Err(Damage::Match);
            }
        }
    }
}
