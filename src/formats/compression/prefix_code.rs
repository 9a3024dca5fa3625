//! A canonical prefix code, given by the lengths of its words: what LZX and XPRESS have in common.

/// The longest word (bits).
const LONGEST: u8 = 16;

/// A canonical code of at most 16 bits a word.
pub(super) struct PrefixCode {
    /// How many words there are of each length.
    counts: [u16; 17],
    /// The symbols by their words.
    symbols: Vec<u16>,
}

impl PrefixCode {
    /// The code of these lengths, 0 for a symbol without a word. It is complete, or has no symbol at all and is not used.
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0_u16; 17];
        for &length in lengths.iter().filter(|&&length| length > 0) {
            let count = counts.get_mut(usize::from(length))?;
            *count = count.checked_add(1)?;
        }
        let mut symbols = Vec::new();
        for length in 1..=LONGEST {
            let numbers = (0_u16..).zip(lengths);
            symbols.extend(
                numbers
                    .filter(|&(_, &other)| other == length)
                    .map(|(symbol, _)| symbol),
            );
        }
        let mut free = 1_i32;
        for &count in counts.get(1..)? {
            free = free.checked_mul(2)?.checked_sub(count.into())?;
            if free < 0 {
                return None;
            }
        }
        (free == 0 || symbols.is_empty()).then_some(Self { counts, symbols })
    }

    /// The symbol whose word the next bits are.
    pub(super) fn read(&self, mut next: impl FnMut() -> Option<u32>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for &count in self.counts.get(1..)? {
            code |= next()?;
            let beyond = code.checked_sub(first)?;
            if beyond < u32::from(count) {
                let at = usize::try_from(index.checked_add(beyond)?).ok()?;
                return self.symbols.get(at).copied();
            }
            index = index.checked_add(count.into())?;
            first = first.checked_add(count.into())? << 1;
            code <<= 1;
        }
        None
    }
}
