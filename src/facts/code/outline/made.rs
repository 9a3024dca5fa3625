//! How the number in a register was made: by which instructions and constants.

use crate::facts::code::op::Register;

/// So many parts of one number are remembered.
const MOST: usize = 6;

/// What a number was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The instruction with this number.
    Line(usize),
    /// The constant among the instructions with this number.
    Literal(usize),
}

/// How one number was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Made {
    sources: [Option<Source>; MOST],
    /// Whether it is counted from the address of an instruction, or from the program's own table of addresses.
    pub(super) relative: bool,
    /// Whether its lower part is still to be added.
    pub(super) partial: bool,
    /// The number, once it was known.
    pub(super) number: Option<u64>,
}

impl Made {
    pub(super) fn of(source: Source) -> Self {
        Self::default().and(source)
    }

    /// An address that the program counts from.
    pub(super) fn counted() -> Self {
        Self {
            relative: true,
            ..Self::default()
        }
    }

    /// With one more source. A number that has too many is no address.
    pub(super) fn and(mut self, source: Source) -> Self {
        if !self.sources.contains(&Some(source))
            && let Some(free) = self.sources.iter_mut().find(|it| it.is_none())
        {
            *free = Some(source);
        }
        self
    }

    /// With all sources of another.
    pub(super) fn with(self, other: &Self) -> Self {
        let mut both = self;
        for source in other.sources() {
            both = both.and(source);
        }
        both.relative |= other.relative;
        both.partial = false;
        both.number = None;
        both
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source> + use<> {
        self.sources.into_iter().flatten()
    }
}

/// How the numbers in all registers were made.
#[derive(Clone)]
pub(super) struct Registers([Made; Register::COUNT]);

impl Registers {
    pub(super) fn new() -> Self {
        Self([Made::default(); Register::COUNT])
    }

    pub(super) fn get(&self, register: Register) -> Made {
        let made = self.0.get(usize::from(register.0));
        made.copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, register: Register, made: Made) {
        if let Some(there) = self.0.get_mut(usize::from(register.0)) {
            *there = made;
        }
    }
}
