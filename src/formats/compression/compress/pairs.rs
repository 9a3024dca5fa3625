//! Which pairs of a code and a byte have a code of their own.

/// So many bits of the sketch for each code that can be: fewer than one in sixteen that are asked for need the exact set.
const SKETCH_BITS: u32 = 4;

/// A set of pairs. Every code of a stream is looked up in it, so that a small sketch, which stays in the processor's cache, answers for
/// most pairs that are not there.
pub(super) struct Pairs {
    /// One bit for each pair there can be.
    exact: Vec<u64>,
    /// One bit for all pairs with the same hash.
    sketch: Vec<u64>,
    /// How far a hash is shifted to be the number of a bit.
    shift: u32,
}

impl Pairs {
    /// An empty set of pairs whose codes have at most `width` bits (9 to 16).
    pub(super) fn new(width: u32) -> Self {
        let bits = width.saturating_add(SKETCH_BITS);
        Self {
            exact: vec![0; 1_usize << width << 2],
            sketch: vec![0; 1_usize << bits >> 6],
            shift: u32::BITS.saturating_sub(bits),
        }
    }

    pub(super) fn contains(&self, prefix: u32, last: u8) -> bool {
        is_set(&self.sketch, self.hash(prefix, last)) && is_set(&self.exact, number(prefix, last))
    }

    pub(super) fn insert(&mut self, prefix: u32, last: u8) {
        let hash = self.hash(prefix, last);
        set(&mut self.sketch, hash, true);
        set(&mut self.exact, number(prefix, last), true);
    }

    /// Takes a pair out. Others that share its bit of the sketch must go too before anything is asked again.
    pub(super) fn remove(&mut self, prefix: u32, last: u8) {
        let hash = self.hash(prefix, last);
        set(&mut self.sketch, hash, false);
        set(&mut self.exact, number(prefix, last), false);
    }

    /// Fibonacci hashing: the golden ratio spreads neighbouring numbers.
    fn hash(&self, prefix: u32, last: u8) -> u32 {
        number(prefix, last).wrapping_mul(0x9e37_79b9) >> self.shift
    }
}

fn number(prefix: u32, last: u8) -> u32 {
    prefix << 8 | u32::from(last)
}

/// The word that bit `number` stands in, and the bit in it.
fn place(number: u32) -> (usize, u64) {
    let word = usize::try_from(number >> 6).unwrap_or(usize::MAX);
    (word, 1 << (number & 63))
}

fn is_set(words: &[u64], number: u32) -> bool {
    let (word, bit) = place(number);
    words.get(word).is_some_and(|word| word & bit != 0)
}

fn set(words: &mut [u64], number: u32, on: bool) {
    let (word, bit) = place(number);
    if let Some(word) = words.get_mut(word) {
        *word = if on { *word | bit } else { *word & !bit };
    }
}
