//! The sum over the number and the age of a logical unit: MD5 with one function and the starting values of QNX's own.

use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{Endian, Fields};

/// What the four accumulators start with.
const START: [u32; 4] = [0x0123_4567, 0x89ab_cdef, 0xfedc_ba89, 0x7654_3210];
/// By how many bits each step of a round turns, four steps in turn.
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];
/// Which word the steps of a round take: the first, and how many further each next one is.
const WORDS: [(usize, usize); 4] = [(0, 1), (1, 5), (5, 3), (0, 7)];
/// The sines of MD5, each times 2 to the power of 32.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// How many logical headers are sealed as QNX's `mkefs` seals them.
#[derive(Default)]
pub(super) struct Tally {
    held: u64,
    broken: Vec<u64>,
}

impl Tally {
    /// Counts the logical header `raw` of 24 bytes, which stands at `at`.
    pub(super) fn count(&mut self, raw: &[u8], endian: Endian, at: u64) {
        let fields = Fields::new(raw, endian);
        let stored = [8, 12, 16, 20].map(|at| fields.u32(at));
        if stored == sum(raw, endian).map(Some) {
            self.held = self.held.saturating_add(1);
        } else {
            self.broken.push(at);
        }
    }

    /// Tells how many held. Where none does, the writer sealed them in another way, or not at all.
    pub(super) fn tell(self, harvest: &mut Harvest<'_>) {
        let broken = u64::try_from(self.broken.len()).unwrap_or(u64::MAX);
        let total = self.held.saturating_add(broken);
        if total > 0 {
            let value = format!("{} of {total}", self.held);
            harvest.properties.set("unit-sums-verified", value);
        }
        if self.held > 0 {
            for at in self.broken {
                let detail = "the sum over the number of a logical unit does not hold";
                harvest.tell(Problem::checksum(detail).at(at));
            }
        }
    }
}

/// The sum over the first eight bytes of `raw`, as four words.
fn sum(raw: &[u8], endian: Endian) -> [u32; 4] {
    let mut block = [0_u8; 64];
    for (to, from) in block.iter_mut().zip(raw.iter().take(8)) {
        *to = *from;
    }
    // The mark behind the text, and the length, of the whole structure and in bytes.
    for (place, byte) in [(8, 0x80), (56, 24)] {
        if let Some(to) = block.get_mut(place) {
            *to = byte;
        }
    }
    let fields = Fields::new(&block, endian);
    let word = |number: usize| fields.u32(number.saturating_mul(4)).unwrap_or_default();
    let mut state = START;
    let mut sines = SINES.iter();
    for (round, (turns, (first, step))) in TURNS.iter().zip(WORDS).enumerate() {
        for (number, turn) in (0_usize..16).zip(turns.iter().cycle()) {
            let [a, b, c, d] = state;
            let mixed = match round {
                0 => (b & c) | (!b & d),
                // MD5 has an `&` here.
                1 => (b ^ d) | (c & !d),
                2 => b ^ c ^ d,
                _ => c ^ (b | !d),
            };
            let place = number.wrapping_mul(step).wrapping_add(first) & 15;
            let sine = sines.next().copied().unwrap_or_default();
            let turned = a
                .wrapping_add(mixed)
                .wrapping_add(word(place))
                .wrapping_add(sine)
                .rotate_left(*turn);
            state = [d, b.wrapping_add(turned), b, c];
        }
    }
    for (word, start) in state.iter_mut().zip(START) {
        *word = word.wrapping_add(start);
    }
    state
}
