//! Bytes, read strictly: a number has one form, and nothing is taken that is not there.

/// Bytes that are left.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn slice(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.slice(1)?.first().copied()
    }

    /// So many bytes, zeros behind them.
    pub(super) fn array<const N: usize>(&mut self, count: u8) -> Option<[u8; N]> {
        let mut array = [0; N];
        let taken = self.slice(count.into())?;
        for (to, byte) in array.iter_mut().zip(taken) {
            *to = *byte;
        }
        Some(array)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// How many of something follow: no more than bytes are left, unless it is none.
    pub(super) fn count(&mut self, most: usize) -> Option<usize> {
        let count = self.number()?;
        (count <= most.min(self.0.len())).then_some(count)
    }

    /// The number of a function, counted from 1 on; 0 for none.
    pub(super) fn ordinal(&mut self, functions: usize) -> Option<usize> {
        self.number().filter(|&number| number <= functions)
    }
}

/// Appends a number.
pub(super) fn number(out: &mut Vec<u8>, number: usize) {
    let mut left = number;
    loop {
        let low = u8::try_from(left & 0x7f).unwrap_or(0);
        left = left.checked_shr(7).unwrap_or(0);
        if left == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}
