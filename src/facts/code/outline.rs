//! The code of a program function by function, in a form that linking does not change: to tell what is the same in another build of it.
//!
//! Of each function its instructions are digested without what a linker writes into them: distances of jumps and calls that leave it, and addresses
//! of the program, whole or in halves, wherever they are put together. What it calls, and the texts and constants that it uses, have digests of their
//! own. What stands between functions is digested likewise, unless it is fill.
//!
//! Not told apart: addresses of data that is no text. Kernel modules and object files have no outline.

mod fill;
mod listing;
mod made;
mod sweep;

pub use self::listing::Instruction;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use self::sweep::{Bounds, Extent, Swept};
use super::Unfollowed;
use super::discover;
use super::program::{Leads, Program};
use crate::facts::elf::{Loaded, Slot};
use crate::facts::name::Name;

pub(super) use super::state::mask;

/// A longer function is no part of the linkage table, in bytes.
const LONGEST_STUB: u64 = 48;
/// Fewer bytes between functions are constants that no instruction was seen to load, rather than code.
const SHORTEST: u64 = 12;
/// So much of the digest of a function is part of what its callers call, in bytes: no row of a baseline keeps less of it.
pub const CALLEE: usize = 3;
/// So many words that lead elsewhere are told.
const MOST_REDIRECTED: usize = 16;

/// The code of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its functions and what stands between them, by their addresses; without the linkage table.
    pub functions: Vec<Outlined>,
    /// The digest of the stubs of the linkage table: of each form of an instruction once, whatever their number and order.
    pub stubs: [u8; 8],
    /// Which of the functions execution starts with.
    pub entry: Option<usize>,
    /// Which of them the loader calls, in its order; `None` for what is none of them.
    pub called: Vec<Option<usize>>,
    /// Words for functions of libraries that lead to functions of the program before the loader has filled them in.
    pub redirected: Vec<Redirected>,
    /// The bit of an address that tells which instructions stand there; 0 where none does.
    pub mode_bit: u64,
    /// Whether some of the code was left out because there is too much of it.
    pub cut: bool,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlined {
    /// What it is.
    pub piece: Piece,
    /// Its address; on ARM bit 0 says that it is Thumb code.
    pub start: u64,
    /// The byte behind its last instruction.
    pub end: u64,
    /// Its name, where a symbol tells it.
    pub name: Option<Name>,
    /// The digest of its instructions.
    pub code: [u8; 8],
    /// The digest of what it calls, in the order of the calls: names of functions of libraries, and the code of the program's own. `None` where it
    /// calls nothing that is known.
    pub calls: Option<[u8; 8]>,
    /// The digest of the texts and constants that it uses; `None` where it uses none.
    pub uses: Option<[u8; 8]>,
    /// Its calls, and jumps to other functions.
    pub called: Vec<Called>,
    /// The texts that it uses.
    pub texts: Vec<Vec<u8>>,
}

/// What a part of the code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A function.
    Function,
    /// Bytes that no function was found to have.
    Loose,
}

/// A call, or a jump to another function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The address of the instruction.
    pub at: u64,
    /// What is called.
    pub to: Target,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A function of a library.
    Import(Name),
    /// A function of the program, by its address.
    Function(u64),
    /// Something that is not known.
    Unknown,
}

/// A word for a function of a library that leads to a function of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirected {
    /// The address of the word.
    pub at: u64,
    /// The function of the library.
    pub name: Name,
    /// Where the word leads.
    pub to: u64,
}

impl Outline {
    /// The outline of an ELF program or library.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(bytes: &[u8]) -> Result<Self, Unfollowed> {
        let loaded = Loaded::of(bytes).ok_or(Unfollowed::NotLoaded)?;
        let program = Program::new(loaded).ok_or(Unfollowed::Processor)?;
        let (bounds, cut) = bounds(&program);
        let mut outliner = Outliner {
            lazy: lazy(&program),
            program: &program,
            bounds: &bounds,
            stubs: BTreeSet::new(),
            stub_places: BTreeSet::new(),
            functions: Vec::new(),
        };
        outliner.all();
        Ok(outliner.finish(cut))
    }
}

/// Where functions start and end, and whether some were left out.
fn bounds(program: &Program<'_>) -> (Bounds, bool) {
    let (functions, cut) = discover::functions(program);
    let bounds = functions
        .into_iter()
        .map(|(code, (start, walked))| (code, (start, walked.end)))
        .collect();
    (bounds, cut)
}

/// The bytes of a function that starts at `code`: up to its end, and no further than where the next one starts.
fn extent(program: &Program<'_>, bounds: &Bounds, code: u64, (start, end): (u64, u64)) -> Extent {
    let next = bounds.range(code.saturating_add(1)..).next();
    let limit = program.loaded.code_end(code);
    let end_at_most = next.map_or(limit, |(&next, _)| next.min(limit));
    Extent {
        start,
        end: end.min(end_at_most).max(code),
        limit,
        is_loose: false,
        is_stub: false,
    }
}

/// Where words for functions of libraries lead until the loader has filled them in.
fn lazy(program: &Program<'_>) -> BTreeSet<u64> {
    let loaded = &program.loaded;
    let words = loaded
        .slots()
        .iter()
        .filter(|(_, slot)| matches!(slot, Slot::Import(_)));
    let numbers = words.filter_map(|&(place, _)| loaded.number(place, loaded.word));
    numbers.map(|number| number & !program.mode_bit()).collect()
}

impl Outline {
    /// The number of the function that starts at an address.
    pub fn starting_at(&self, address: u64) -> Option<usize> {
        let plain = address & !self.mode_bit;
        let start = |it: &Outlined| it.start & !self.mode_bit;
        self.functions.binary_search_by_key(&plain, start).ok()
    }

    /// The number of the function that an instruction belongs to.
    pub fn holding(&self, address: u64) -> Option<usize> {
        let behind = |it: &Outlined| it.start & !self.mode_bit <= address;
        let at = self.functions.partition_point(behind).checked_sub(1)?;
        self.functions
            .get(at)
            .is_some_and(|it| address < it.end)
            .then_some(at)
    }

    /// The digest of what a function calls, if the code of the program's functions were as `code` says by their numbers.
    pub fn calls(
        &self,
        function: &Outlined,
        code: impl Fn(usize) -> Option<[u8; CALLEE]>,
    ) -> Option<[u8; 8]> {
        let mut digest = Sha256::new();
        for called in &function.called {
            match &called.to {
                Target::Import(name) => {
                    digest.update(b"i");
                    digest.update(name.as_bytes());
                    digest.update([0]);
                }
                Target::Function(start) => {
                    let callee = self.starting_at(*start).and_then(&code);
                    digest.update(b"f");
                    digest.update(callee.unwrap_or_default());
                }
                Target::Unknown => {}
            }
        }
        (!function.called.is_empty())
            .then(|| sweep::first(digest))
            .flatten()
    }
}

struct Outliner<'p, 'a> {
    program: &'p Program<'a>,
    bounds: &'p Bounds,
    lazy: BTreeSet<u64>,
    /// The forms of the instructions of stubs.
    stubs: BTreeSet<[u8; 8]>,
    stub_places: BTreeSet<u64>,
    functions: Vec<Outlined>,
}

impl Outliner<'_, '_> {
    /// Goes through functions, each from its first byte to the byte behind it, and through what stands between them.
    fn all(&mut self) {
        let mut literals: BTreeMap<u64, u64> = BTreeMap::new();
        let mut covered: Vec<(u64, u64, u64)> = Vec::new();
        for (&code, &(start, end)) in self.bounds {
            let mut extent = extent(self.program, self.bounds, code, (start, end));
            extent.is_stub = self.is_stub(start, extent.end);
            let swept = sweep::sweep(self.program, self.bounds, extent);
            literals.extend(swept.literals.iter().copied());
            covered.push((code, swept.end, start & self.program.mode_bit()));
            self.add(extent, Piece::Function, swept);
        }
        for (from, to) in self.program.loaded.code.clone() {
            let inside = covered.iter().filter(|it| it.0 >= from && it.0 < to);
            let mut at = from;
            let mut mode = self.program.loaded.entry & self.program.mode_bit();
            for &(start, end, next_mode) in inside.chain([&(to, to, 0)]) {
                self.between(at, start, mode, &mut literals);
                at = at.max(end);
                mode = next_mode;
            }
        }
        self.functions
            .sort_by_key(|it| it.start & !self.program.mode_bit());
    }

    fn is_stub(&self, start: u64, end: u64) -> bool {
        let code = start & !self.program.mode_bit();
        if self.is_linkage(code) {
            return true;
        }
        if !self.program.loaded.linkage.is_empty() {
            return matches!(self.program.leads(start, None), Leads::Import(_))
                && end.saturating_sub(code) <= LONGEST_STUB;
        }
        let is_short = end.saturating_sub(code) <= LONGEST_STUB;
        is_short
            && (self.lazy.contains(&code)
                || matches!(self.program.leads(start, None), Leads::Import(_)))
    }

    fn is_linkage(&self, code: u64) -> bool {
        let ranges = &self.program.loaded.linkage;
        ranges.iter().any(|&(from, to)| (from..to).contains(&code))
    }

    fn add(&mut self, extent: Extent, piece: Piece, swept: Swept) {
        let Some(code) = swept.code else {
            return;
        };
        if extent.is_stub {
            self.stubs.extend(swept.forms);
            self.stub_places
                .insert(extent.start & !self.program.mode_bit());
            return;
        }
        self.functions.push(Outlined {
            piece,
            start: extent.start,
            end: swept.end,
            name: self.program.named(extent.start).map(Name::new),
            code,
            calls: None,
            uses: swept.uses,
            called: swept.called,
            texts: swept.texts,
        });
    }

    /// What stands between two functions, without constants of functions and without fill.
    fn between(&mut self, from: u64, to: u64, mode: u64, literals: &mut BTreeMap<u64, u64>) {
        let mut at = from;
        while at < to {
            let next = literals.range(at..to).next().map(|(&at, &size)| (at, size));
            let (stop, size) = next.unwrap_or((to, 0));
            let start = fill::skipped(self.program, at, stop, mode);
            if start < stop {
                let extent = Extent {
                    start: start | mode,
                    end: fill::trimmed(self.program, start, stop),
                    limit: stop,
                    is_loose: true,
                    is_stub: self.is_linkage(start),
                };
                let swept = sweep::sweep(self.program, self.bounds, extent);
                if swept.end >= start.saturating_add(SHORTEST) {
                    self.add(extent, Piece::Loose, swept);
                }
            }
            at = stop.saturating_add(size).max(at.saturating_add(1));
        }
    }

    fn finish(self, cut: bool) -> Outline {
        let bit = self.program.mode_bit();
        let loaded = &self.program.loaded;
        let by_code: BTreeMap<u64, usize> = (0..)
            .zip(&self.functions)
            .map(|(at, it)| (it.start & !bit, at))
            .collect();
        let number = |address: u64| by_code.get(&(address & !bit)).copied();
        let mut digest = Sha256::new();
        for stub in &self.stubs {
            digest.update(stub);
        }
        let entry = number(loaded.entry);
        let called = loaded
            .called
            .iter()
            .filter(|&&it| it != 0 && it & 0xffff_ffff != 0xffff_ffff);
        let called = called.map(|&address| number(address)).collect();
        let words = loaded.slots().iter().filter_map(|&(at, slot)| match slot {
            Slot::Import(name) => Some((at, name, loaded.number(at, loaded.word)?)),
            Slot::Address(_) => None,
        });
        let wrong = words.filter(|&(_, _, to)| {
            let plain = to & !bit;
            to != 0 && loaded.is_code(plain) && {
                let (at, is_function) = self
                    .functions
                    .partition_point(|it| it.start & !bit <= plain)
                    .checked_sub(1)
                    .and_then(|it| self.functions.get(it))
                    .map_or((0, false), |it| (it.start & !bit, plain < it.end));
                is_function && !self.stub_places.range(at..=plain).any(|_| true)
            }
        });
        let redirected = wrong
            .take(MOST_REDIRECTED)
            .map(|(at, name, to)| Redirected {
                at,
                name: Name::new(name),
                to,
            })
            .collect();
        let stubs = digest
            .finalize()
            .first_chunk::<8>()
            .copied()
            .unwrap_or_default();
        let mut outline = Outline {
            functions: self.functions,
            stubs,
            entry,
            called,
            redirected,
            mode_bit: bit,
            cut,
        };
        let code = |callee: usize| {
            let function = outline.functions.get(callee)?;
            function.code.first_chunk().copied()
        };
        let calls: Vec<Option<[u8; 8]>> = outline
            .functions
            .iter()
            .map(|function| outline.calls(function, code))
            .collect();
        for (function, calls) in outline.functions.iter_mut().zip(calls) {
            function.calls = calls;
        }
        outline
    }
}
