//! The last few codes, which may turn out not to belong to the stream.

/// How many codes are held back.
const HELD: usize = 8;

/// Where a code stands, and where its string does.
#[derive(Clone, Copy, Default)]
pub(super) struct Start {
    /// Where the code starts, in bits from the region's start.
    pub(super) bit: u64,
    /// Where its string starts in what was made and is still held.
    pub(super) made: usize,
}

/// A ring of them. What was never held stands as the start of everything.
#[derive(Default)]
pub(super) struct Held {
    starts: [Start; HELD],
    /// Where the next one goes, in place of the oldest.
    next: usize,
}

impl Held {
    pub(super) fn push(&mut self, start: Start) {
        if let Some(slot) = self.starts.get_mut(self.next % HELD) {
            *slot = start;
        }
        self.next = self.next.wrapping_add(1);
    }

    /// The oldest of those that are held, before which all belongs to the stream.
    pub(super) fn oldest(&self) -> Start {
        self.starts
            .get(self.next % HELD)
            .copied()
            .unwrap_or_default()
    }

    /// The oldest of those that `is_wanted` says yes to.
    pub(super) fn find(&self, is_wanted: impl Fn(Start) -> bool) -> Option<Start> {
        let (newer, older) = self.starts.split_at_checked(self.next % HELD)?;
        let mut all = older.iter().chain(newer).copied();
        all.find(|start| start.bit > 0 && is_wanted(*start))
    }

    /// So many bytes of what was made were given away.
    pub(super) fn give(&mut self, given: usize) {
        for start in &mut self.starts {
            start.made = start.made.saturating_sub(given);
        }
    }
}
