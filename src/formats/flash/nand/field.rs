//! Finite fields of characteristic two: what finds the wrong bits of a BCH code word.

/// The field of 2 to the power m, its elements as polynomials over bits.
pub(super) struct Field {
    /// Powers of the primitive element, twice over, so that two logarithms can be added.
    powers: Vec<u16>,
    /// Logarithms; that of zero is not asked for.
    logs: Vec<u16>,
    /// How many elements there are but zero.
    order: usize,
}

impl Field {
    /// The field that Linux and the controllers use: primitive polynomial 0x201b for degree 13, 0x4443 for 14.
    pub(super) fn new(degree: u32) -> Self {
        let (polynomial, order): (u16, usize) = match degree {
            13 => (0x201b, 8191),
            _ => (0x4443, 16383),
        };
        let mut powers = Vec::with_capacity(order.saturating_mul(2));
        let mut logs = vec![0; order.saturating_add(1)];
        let mut element: u16 = 1;
        for log in 0..order {
            powers.push(element);
            if let (Some(place), Ok(log)) = (logs.get_mut(usize::from(element)), u16::try_from(log))
            {
                *place = log;
            }
            element <<= 1;
            if usize::from(element) > order {
                element ^= polynomial;
            }
        }
        powers.extend_from_within(..);
        Self {
            powers,
            logs,
            order,
        }
    }

    fn power(&self, exponent: usize) -> u16 {
        let exponent = exponent.checked_rem(self.order).unwrap_or_default();
        self.powers.get(exponent).copied().unwrap_or_default()
    }

    fn log(&self, element: u16) -> usize {
        let log = self.logs.get(usize::from(element)).copied();
        log.unwrap_or_default().into()
    }

    fn times(&self, a: u16, b: u16) -> u16 {
        if a == 0 || b == 0 {
            return 0;
        }
        let log = self.log(a).saturating_add(self.log(b));
        self.powers.get(log).copied().unwrap_or_default()
    }

    fn over(&self, a: u16, b: u16) -> u16 {
        if a == 0 || b == 0 {
            return 0;
        }
        let log = self.log(a).saturating_add(self.order);
        self.power(log.saturating_sub(self.log(b)))
    }

    /// The polynomial over bits whose roots are the first `2 * strength` powers of the primitive element, from its lowest
    /// coefficient.
    pub(super) fn generator(&self, strength: usize) -> Vec<bool> {
        let mut is_root = vec![false; self.order];
        for odd in (1..strength.saturating_mul(2)).step_by(2) {
            // An element and its squares are roots of the same polynomial over bits.
            let mut conjugate = odd;
            while let Some(root @ false) = is_root.get_mut(conjugate) {
                *root = true;
                conjugate = conjugate
                    .saturating_mul(2)
                    .checked_rem(self.order)
                    .unwrap_or_default();
            }
        }
        let roots = is_root.iter().enumerate().filter(|(_, root)| **root);
        let mut generator: Vec<u16> = vec![1];
        for (log, _) in roots {
            let root = self.power(log);
            let mut above = 0;
            for coefficient in &mut generator {
                let here = *coefficient;
                *coefficient = above ^ self.times(here, root);
                above = here;
            }
            generator.push(above);
        }
        generator
            .into_iter()
            .map(|coefficient| coefficient != 0)
            .collect()
    }

    /// The polynomial that the wrong positions are the roots of (Berlekamp and Massey), given the degrees at which two
    /// remainders differ; `None` when more than `strength` positions must be wrong.
    pub(super) fn locator(&self, difference: &[usize], strength: usize) -> Option<Vec<u16>> {
        let syndrome = |power: usize| {
            difference.iter().fold(0, |sum, degree| {
                sum ^ self.power(degree.saturating_mul(power))
            })
        };
        let syndromes: Vec<u16> = (1..=strength.saturating_mul(2)).map(syndrome).collect();
        let (mut locator, mut before): (Vec<u16>, Vec<u16>) = (vec![1], vec![1]);
        let (mut length, mut shift, mut scale) = (0_usize, 1_usize, 1_u16);
        for step in 0..syndromes.len() {
            let discrepancy = locator
                .iter()
                .zip(syndromes.get(..=step)?.iter().rev())
                .fold(0, |sum, (&a, &b)| sum ^ self.times(a, b));
            if discrepancy == 0 {
                shift = shift.saturating_add(1);
                continue;
            }
            let factor = self.over(discrepancy, scale);
            let saved = locator.clone();
            let wanted = before.len().saturating_add(shift);
            if locator.len() < wanted {
                locator.resize(wanted, 0);
            }
            for (place, &old) in locator.iter_mut().skip(shift).zip(&before) {
                *place ^= self.times(factor, old);
            }
            if length.saturating_mul(2) <= step {
                length = step.saturating_add(1).saturating_sub(length);
                (before, scale, shift) = (saved, discrepancy, 1);
            } else {
                shift = shift.saturating_add(1);
            }
        }
        while locator.last() == Some(&0) {
            locator.pop();
        }
        let degree = locator.len().checked_sub(1)?;
        (degree == length && degree <= strength).then_some(locator)
    }

    /// The degrees below `positions` that the locator says are wrong; `None` unless there are as many as it has roots.
    pub(super) fn roots(&self, locator: &[u16], positions: usize) -> Option<Vec<usize>> {
        let wanted = locator.len().saturating_sub(1);
        let terms: Vec<(usize, usize)> = locator
            .iter()
            .enumerate()
            .filter(|(_, coefficient)| **coefficient != 0)
            .map(|(power, &coefficient)| (self.log(coefficient), power))
            .collect();
        let mut logs: Vec<usize> = terms.iter().map(|&(log, _)| log).collect();
        let mut found = Vec::new();
        for position in 0..positions {
            // The locator at the inverse of the position's element: each step divides every term once more.
            let sum = logs.iter().fold(0, |sum, &log| {
                sum ^ self.powers.get(log).copied().unwrap_or_default()
            });
            if sum == 0 {
                found.push(position);
            }
            for (log, (_, power)) in logs.iter_mut().zip(&terms) {
                *log = match log.checked_sub(*power) {
                    Some(less) => less,
                    None => log.saturating_add(self.order).saturating_sub(*power),
                };
            }
        }
        (found.len() == wanted).then_some(found)
    }
}

/// The sum of two polynomials over bits.
pub(super) fn sum<const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|at| {
        let word = |words: &[u64; N]| words.get(at).copied().unwrap_or_default();
        word(a) ^ word(b)
    })
}
