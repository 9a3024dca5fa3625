//! The table of upper case, which the hash of every name depends on.

/// Which unit is the upper case of which.
pub(super) struct UpperCase(Vec<u16>);

/// A unit that says that the next one counts units which are their own upper case.
const RUN: u16 = 0xffff;

impl UpperCase {
    /// Reads a table.
    pub(super) fn parse(table: &[u8]) -> Self {
        let mut map: Vec<u16> = (0..=u16::MAX).collect();
        let mut units = super::dos::units(table);
        let mut at = 0_usize;
        while let Some(unit) = units.next() {
            let run = unit == RUN && at < usize::from(u16::MAX);
            if let Some(count) = run.then(|| units.next()).flatten() {
                at = at.saturating_add(count.into());
                continue;
            }
            let Some(slot) = map.get_mut(at) else {
                break;
            };
            *slot = unit;
            at = at.saturating_add(1);
        }
        Self(map)
    }

    /// The hash of a name.
    pub(super) fn hash(&self, name: &[u16]) -> u16 {
        let upper = |unit: &u16| self.0.get(usize::from(*unit)).copied().unwrap_or(*unit);
        let bytes = name.iter().flat_map(|unit| upper(unit).to_le_bytes());
        bytes.fold(0, |hash, byte| {
            hash.rotate_right(1).wrapping_add(byte.into())
        })
    }
}

/// The checksum of a table.
pub(super) fn checksum(table: &[u8]) -> u32 {
    table.iter().fold(0, |sum, &byte| {
        sum.rotate_right(1).wrapping_add(byte.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stands_for_units_that_stay() {
        let table: Vec<u8> = [0xffff_u16, 0x61, 0x41, 0x42]
            .iter()
            .flat_map(|unit| unit.to_le_bytes())
            .collect();
        let upper = UpperCase::parse(&table);
        let hash = |text: &str| upper.hash(&text.encode_utf16().collect::<Vec<_>>());
        assert_eq!(hash("ab1"), hash("AB1"));
        assert_ne!(hash("c"), hash("C"));
    }
}
