//! BCH codes over bits: checked for every step of a page, corrected where the check fails.
//!
//! A code word is the data and behind it the remainder of their division by the code's generator polynomial, the most significant
//! bit of the first byte first, as in Linux's `lib/bch.c`. The arithmetic is that of any textbook (Lin and Costello, chapter 6).

use super::field::{Field, sum};

/// So many 64-bit words hold the longest remainder (24 bits of 14).
const WORDS: usize = 6;

/// A remainder, its highest coefficient in the highest bit of the first word.
type Remainder = [u64; WORDS];

/// A code that corrects a number of bits.
pub(super) struct Bch {
    field: Field,
    /// How many wrong bits of a step are corrected.
    strength: usize,
    /// Length of the remainder, in bits.
    bits: usize,
    /// What a byte does to the remainder when it leaves at its top.
    table: Vec<Remainder>,
    /// The remainder of erased flash, inverted: adding it makes the code of erased bytes erased too.
    mask: Vec<u8>,
}

impl Bch {
    /// The code over the field of 2 to the power `degree`, for steps of `step` bytes.
    pub(super) fn new(degree: u32, strength: usize, step: usize) -> Self {
        let field = Field::new(degree);
        let generator = field.generator(strength);
        let bits = generator.len().saturating_sub(1);
        let mut code = Self {
            field,
            strength,
            bits,
            table: table(&generator),
            mask: Vec::new(),
        };
        let erased = vec![0xff; step];
        let erased = code.remainder(&erased, false);
        code.mask = erased.iter().map(|byte| !byte).collect();
        code
    }

    /// Length of the code in bytes; bits behind its last are zero.
    pub(super) fn len(&self) -> usize {
        self.bits.div_ceil(8)
    }

    /// How many wrong bits of a step are corrected.
    pub(super) fn strength(&self) -> usize {
        self.strength
    }

    /// What makes the code of erased bytes erased.
    pub(super) fn mask(&self) -> &[u8] {
        &self.mask
    }

    /// The code of `data`; `reversed` takes the least significant bit of each byte first, and gives the code so.
    pub(super) fn remainder(&self, data: &[u8], reversed: bool) -> Vec<u8> {
        let remainder = match self.bits.div_ceil(64) {
            1 => self.divide::<1>(data, reversed),
            2 => self.divide::<2>(data, reversed),
            3 => self.divide::<3>(data, reversed),
            4 => self.divide::<4>(data, reversed),
            _ => self.divide::<WORDS>(data, reversed),
        };
        let bytes = remainder.iter().flat_map(|word| word.to_be_bytes());
        bytes
            .take(self.len())
            .map(|byte| ordered(byte, reversed))
            .collect()
    }

    /// The remainder in its first `W` words; the others are zero.
    fn divide<const W: usize>(&self, data: &[u8], reversed: bool) -> Remainder {
        let mut state = [0_u64; W];
        for &byte in data {
            let [top, ..] = state.first().copied().unwrap_or_default().to_be_bytes();
            let row = usize::from(top ^ ordered(byte, reversed));
            let Some(row) = self.table.get(row) else {
                break;
            };
            let mut next = 0;
            for (word, add) in state.iter_mut().zip(row).rev() {
                let shifted = *word << 8 | next;
                next = *word >> 56;
                *word = shifted ^ add;
            }
        }
        let mut whole = [0; WORDS];
        for (word, value) in whole.iter_mut().zip(state) {
            *word = value;
        }
        whole
    }

    /// Corrects `data` and its code, given what the code of `data` would be; tells how many bits were wrong, `None` when
    /// they are too many.
    pub(super) fn correct(
        &self,
        data: &mut [u8],
        stored: &[u8],
        computed: &[u8],
        reversed: bool,
    ) -> Option<usize> {
        let difference: Vec<usize> = (0..self.bits)
            .filter(|&bit| bit_of(stored, bit, reversed) != bit_of(computed, bit, reversed))
            .map(|bit| self.bits.saturating_sub(1).saturating_sub(bit))
            .collect();
        let locator = self.field.locator(&difference, self.strength)?;
        let data_bits = data.len().saturating_mul(8);
        let positions = data_bits.saturating_add(self.bits);
        let errors = self.field.roots(&locator, positions)?;
        for degree in &errors {
            // The bits of the data stand above those of the code.
            let Some(above) = degree.checked_sub(self.bits) else {
                continue;
            };
            let bit = data_bits.saturating_sub(1).saturating_sub(above);
            let byte = data.get_mut(bit / 8)?;
            *byte ^= ordered(0x80 >> (bit % 8), reversed);
        }
        Some(errors.len())
    }
}

fn ordered(byte: u8, reversed: bool) -> u8 {
    if reversed { byte.reverse_bits() } else { byte }
}

fn bit_of(bytes: &[u8], bit: usize, reversed: bool) -> bool {
    let byte = bytes.get(bit / 8).copied().unwrap_or_default();
    ordered(byte, reversed) & 0x80 >> (bit % 8) != 0
}

/// For every byte the remainder of it, moved above the code. `generator` is given from its lowest coefficient.
fn table(generator: &[bool]) -> Vec<Remainder> {
    // The generator without its highest coefficient, in the place of a remainder.
    let mut feedback = [0_u64; WORDS];
    for (at, _) in generator
        .iter()
        .rev()
        .skip(1)
        .enumerate()
        .filter(|(_, set)| **set)
    {
        if let Some(word) = feedback.get_mut(at / 64) {
            *word |= 1 << 63 >> (at % 64);
        }
    }
    let row = |byte: u8| {
        let mut state = [0_u64; WORDS];
        if let Some(word) = state.first_mut() {
            *word = u64::from(byte) << 56;
        }
        for _ in 0..8 {
            let out = state.first().is_some_and(|word| word >> 63 != 0);
            let mut next = 0;
            for word in state.iter_mut().rev() {
                let shifted = *word << 1 | next;
                next = *word >> 63;
                *word = shifted;
            }
            if out {
                state = sum(&state, &feedback);
            }
        }
        state
    };
    (0..=u8::MAX).map(row).collect()
}
