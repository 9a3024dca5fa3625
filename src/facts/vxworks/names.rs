//! The strings of an image that may be names of symbols, and the load addresses at which pointers lead to them.

use crate::read::length;

/// The longest name (bytes).
const LONGEST: usize = 512;
/// The most strings that are remembered: an image of 64 MiB has fewer.
const MOST: usize = 1 << 20;
/// The most pointers that are followed for one table.
const MOST_FOLLOWED: usize = 1 << 20;

/// The strings of an image: where each starts and how long it is, by where.
pub(super) struct Names {
    strings: Vec<(u64, u64)>,
    /// The highest load address.
    highest: i64,
}

impl Names {
    /// All strings without spaces that stand between zeros.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut strings = Vec::new();
        let mut at = 0_u64;
        for part in bytes.split_inclusive(|&byte| byte == 0) {
            let text = part.strip_suffix(&[0]).unwrap_or_default();
            let is_name =
                matches!(text.len(), 1..=LONGEST) && text.iter().all(u8::is_ascii_graphic);
            if is_name && strings.len() < MOST {
                strings.push((at, length(text)));
            }
            at = at.saturating_add(length(part));
        }
        Self {
            strings,
            highest: (1_i64 << 32).saturating_sub_unsigned(length(bytes)),
        }
    }

    /// The string that `at` lies in, and whether it is its start.
    fn find(&self, at: u64) -> Option<bool> {
        let before = self.strings.partition_point(|&(start, _)| start <= at);
        let &(start, len) = self.strings.get(before.checked_sub(1)?)?;
        (at < start.saturating_add(len)).then_some(at == start)
    }

    /// Whether an address is that of a string, or of its end, when the image's first byte is loaded at `base`, which is below 0
    /// where something else stands in front of what is loaded.
    pub(super) fn holds(&self, pointer: u64, base: i64) -> bool {
        self.follow(pointer, base).is_some()
    }

    fn follow(&self, pointer: u64, base: i64) -> Option<bool> {
        self.find(pointer.checked_add_signed(base.checked_neg()?)?)
    }

    /// The load addresses at which `anchor` is the address of a string and so are all `pointers`, but for at most `odd` that
    /// lead into one.
    pub(super) fn bases(&self, anchor: u64, pointers: &[u64], odd: usize) -> Vec<i64> {
        let mut bases = Vec::new();
        let mut followed = 0_usize;
        for &(start, _) in &self.strings {
            let base = anchor.checked_signed_diff(start);
            let Some(base) = base.filter(|&base| base <= self.highest) else {
                continue;
            };
            let mut into = 0_usize;
            let fits = pointers.iter().all(|pointer| {
                followed = followed.saturating_add(1);
                let found = self.follow(*pointer, base);
                into = into.saturating_add(usize::from(found == Some(false)));
                found.is_some() && into <= odd
            });
            if fits {
                bases.push(base);
            }
            if followed > MOST_FOLLOWED {
                return Vec::new();
            }
        }
        bases
    }
}
