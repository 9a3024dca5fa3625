//! Where functions start.
//!
//! Known from the start are symbols, what the loader calls, words that it relocates, and the tables of unwinders. Following these shows what they call
//! and which addresses of code they use; what is then left of the code is searched for the first instructions that compilers give functions.

use std::collections::BTreeMap;

use super::program::Program;
use super::walk::{Walked, walk};
use crate::facts::elf::Slot;

/// So many functions of one file are followed.
const MOST: usize = 100_000;
/// So many bytes of instructions of one file are followed in all (48 MiB): a function whose bounds are wrong may be gone through again.
const MOST_BYTES: u64 = 48 << 20;

/// Functions by their first byte: the address by which they are called, and what following them showed.
pub(super) type Functions = BTreeMap<u64, (u64, Walked)>;

pub(super) struct Discovery<'p, 'a> {
    program: &'p Program<'a>,
    /// By their first byte, the address by which they are called.
    starts: BTreeMap<u64, u64>,
    waiting: Vec<u64>,
    functions: Functions,
    bytes: u64,
    /// Whether a limit was reached.
    cut: bool,
}

/// All functions that are found, and whether a limit was reached before all were followed.
pub(super) fn functions(program: &Program<'_>) -> (Functions, bool) {
    let mut discovery = Discovery {
        program,
        starts: BTreeMap::new(),
        waiting: Vec::new(),
        functions: BTreeMap::new(),
        bytes: 0,
        cut: false,
    };
    discovery.known();
    discovery.follow();
    discovery.search();
    (discovery.functions, discovery.cut)
}

impl Discovery<'_, '_> {
    fn add(&mut self, start: u64) {
        if !self.program.may_start(start) {
            return;
        }
        if self.starts.len() >= MOST {
            self.cut = true;
            return;
        }
        let code = start & !self.program.mode_bit();
        if let std::collections::btree_map::Entry::Vacant(free) = self.starts.entry(code) {
            free.insert(start);
            self.waiting.push(code);
        }
    }

    fn known(&mut self) {
        let loaded = &self.program.loaded;
        let symbols = loaded.functions.iter().map(|function| function.address);
        let slots = loaded
            .slots()
            .iter()
            .filter_map(|(place, slot)| match slot {
                Slot::Address(address) => Some(*address),
                // What stands there until the loader has found the function is called too.
                Slot::Import(_) => loaded.number(*place, loaded.word),
            });
        let all: Vec<u64> = symbols
            .chain([loaded.entry])
            .chain(loaded.called.iter().copied())
            .chain(slots)
            .chain(super::unwind::starts(loaded))
            .collect();
        for start in all {
            self.add(start);
        }
    }

    /// Follows what waits, and what that leads to.
    fn follow(&mut self) {
        self.waiting.sort_unstable_by(|one, other| other.cmp(one));
        while let Some(code) = self.waiting.pop() {
            let Some(&start) = self.starts.get(&code) else {
                continue;
            };
            if self.bytes > MOST_BYTES {
                self.cut = true;
                return;
            }
            let walked = walk(self.program, start, self.limit(code));
            self.bytes = self.bytes.saturating_add(walked.end.saturating_sub(code));
            self.cut |= walked.cut;
            for &next in &walked.leads_to {
                self.add(next);
            }
            self.functions.insert(code, (start, walked));
        }
    }

    /// Where the function that starts at a byte must end: at the next one, or with the code.
    fn limit(&self, code: u64) -> u64 {
        let next = self.starts.range(code.saturating_add(1)..).next();
        let end = self.program.loaded.code_end(code);
        next.map_or(end, |(&next, _)| next.min(end))
    }

    /// Looks for first instructions of functions in what no function was found to have, and follows each before going on behind it.
    fn search(&mut self) {
        for (from, to) in self.program.loaded.code.clone() {
            let mut at = from;
            while at < to && !self.is_full() {
                if let Some((&code, (_, walked))) = self.functions.range(..=at).next_back()
                    && (walked.end > at || code == at)
                {
                    at = walked.end.max(at.saturating_add(1));
                    continue;
                }
                match self.prologue(at) {
                    Some(start) => {
                        self.add(start);
                        self.follow();
                    }
                    None => at = at.saturating_add(self.step()),
                }
            }
        }
    }

    /// The start of the function whose first instruction seems to stand at an address. Of ARM and Thumb the rarer pattern is asked for first.
    fn prologue(&self, at: u64) -> Option<u64> {
        let bytes = self.program.loaded.bytes(at);
        let starts = [at, at | self.program.mode_bit()];
        starts.into_iter().find(|&start| {
            let decoder = self.program.decoder(start);
            let step = u64::try_from(decoder.step()).unwrap_or(1);
            at.checked_rem(step) == Some(0) && decoder.is_prologue(bytes)
        })
    }

    /// The smallest distance of two instructions.
    fn step(&self) -> u64 {
        let decoder = self.program.decoder(self.program.mode_bit());
        u64::try_from(decoder.step().max(1)).unwrap_or(1)
    }

    fn is_full(&self) -> bool {
        self.bytes > MOST_BYTES || self.starts.len() >= MOST
    }
}
