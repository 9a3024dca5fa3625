//! One function from its first byte to its last, in the order of addresses: its instructions without what a linker writes into them, what it
//! calls, and which texts and constants it uses.

mod address;
mod effect;
mod flow;
mod line;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

pub(super) use self::line::Line;

use super::Called;
use super::fill;
use super::made::{Made, Registers};
use crate::facts::code::op::{Mode, Op, Register};
use crate::facts::code::program::Program;
use crate::facts::code::state::{Setting, State};
use crate::facts::machine::Machine;
use crate::read::Endian;

/// So many instructions of one function are looked at.
const MOST_LINES: usize = 100_000;
/// So many texts of one function are kept.
const MOST_TEXTS: usize = 64;

/// What one function is.
pub(super) struct Swept {
    /// The byte behind its last instruction or constant.
    pub(super) end: u64,
    pub(super) code: Option<[u8; 8]>,
    pub(super) uses: Option<[u8; 8]>,
    pub(super) called: Vec<Called>,
    pub(super) texts: Vec<Vec<u8>>,
    /// The digests of its instructions one by one, of a part of the linkage table.
    pub(super) forms: Vec<[u8; 8]>,
    /// Constants among the instructions, its own or behind it: where, and how many bytes.
    pub(super) literals: Vec<(u64, u64)>,
    /// Its instructions, in the order of their addresses.
    pub(super) lines: Vec<Line>,
    /// The constants that it uses as they are.
    pub(super) numbers: Vec<(u64, u64)>,
}

/// Which bytes are gone through.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// The address by which it is called.
    pub(super) start: u64,
    /// The byte behind it.
    pub(super) end: u64,
    /// Where its constants may stand at most.
    pub(super) limit: u64,
    /// Whether it is no function that is known, but what stands between those.
    pub(super) is_loose: bool,
    /// Whether everything that a linker may write is left out, known as an address or not.
    pub(super) is_stub: bool,
}

/// Functions by their first byte: the address by which they are called, and the byte behind them.
pub(super) type Bounds = BTreeMap<u64, (u64, u64)>;

/// A constant among the instructions.
struct Literal {
    at: u64,
    size: u64,
    number: u64,
    /// Whether it is, or makes, an address of the program.
    moves: bool,
    /// The first instruction that loads it.
    line: usize,
}

struct Sweep<'p, 'a> {
    program: &'p Program<'a>,
    setting: Setting<'p, 'a>,
    bounds: &'p Bounds,
    extent: Extent,
    code: u64,
    lines: Vec<Line>,
    literals: Vec<Literal>,
    literal_at: BTreeMap<u64, usize>,
    /// Constants that are known from the start: where, and how many bytes.
    pools: BTreeMap<u64, u64>,
    state: State,
    made: Registers,
    saved: BTreeMap<u64, (State, Registers)>,
    /// What is known where a jump leads to a place that is not known.
    lost: Option<(State, Registers)>,
    /// How the words on the stack were made, by their place.
    spilled: BTreeMap<i64, Made>,
    /// How each register last held a number that is not complete.
    partial: Registers,
    /// The address of the program's table of addresses, where it was put together last.
    table: Option<u64>,
    called: Vec<Called>,
    uses: Vec<(usize, Use)>,
}

/// What an instruction uses.
#[derive(PartialEq, Eq)]
enum Use {
    Text(Vec<u8>),
    Import(Vec<u8>),
    Code,
    Data,
}

/// Goes through a function, and again if constants stand in front of the instructions that load them: they were taken for instructions.
pub(super) fn sweep(program: &Program<'_>, bounds: &Bounds, extent: Extent) -> Swept {
    let (sweep, end) = once(program, bounds, extent, BTreeMap::new());
    let loaded_at = |literal: &Literal| sweep.lines.get(literal.line).map(|line| line.at);
    let is_ahead = |literal: &Literal| loaded_at(literal).is_some_and(|at| literal.at < at);
    if !sweep.literals.iter().any(is_ahead) {
        return sweep.finish(end);
    }
    let all: BTreeMap<u64, u64> = sweep.literals.iter().map(|it| (it.at, it.size)).collect();
    // What constants seem to load is nothing.
    let is_constant = |at: u64| {
        let before = all.range(..=at).next_back();
        before.is_some_and(|(&from, &size)| at < from.saturating_add(size))
    };
    let real = sweep
        .literals
        .iter()
        .filter(|it| !loaded_at(it).is_some_and(is_constant));
    let pools = real.map(|it| (it.at, it.size)).collect();
    let (sweep, end) = once(program, bounds, extent, pools);
    sweep.finish(end)
}

fn once<'p, 'a>(
    program: &'p Program<'a>,
    bounds: &'p Bounds,
    extent: Extent,
    pools: BTreeMap<u64, u64>,
) -> (Sweep<'p, 'a>, u64) {
    let setting = program.setting(extent.start);
    let code = extent.start & !program.mode_bit();
    let mut sweep = Sweep {
        program,
        setting,
        bounds,
        extent,
        code,
        lines: Vec::new(),
        literals: Vec::new(),
        literal_at: BTreeMap::new(),
        pools,
        state: State::at_start(setting, extent.start),
        made: Registers::new(),
        saved: BTreeMap::new(),
        lost: None,
        spilled: BTreeMap::new(),
        partial: Registers::new(),
        // What stands between functions was jumped to: the register is set elsewhere.
        table: setting
            .loaded
            .table
            .filter(|_| extent.is_loose && setting.loaded.machine == Machine::X86),
        called: Vec::new(),
        uses: Vec::new(),
    };
    let table = setting.abi.table.map(|(register, _)| register);
    for register in setting.abi.own_address.into_iter().chain(table) {
        sweep.made.set(register, Made::counted());
    }
    let end = sweep.run();
    (sweep, end)
}

impl Sweep<'_, '_> {
    fn run(&mut self) -> u64 {
        let mut at = self.code;
        let mut mode = Mode::default();
        let mut ops = Vec::with_capacity(8);
        let mut is_reached = true;
        while at < self.extent.end && self.lines.len() < MOST_LINES {
            if let Some(literal) = self
                .literal_at
                .get(&at)
                .and_then(|&it| self.literals.get(it))
            {
                at = at.saturating_add(literal.size);
                mode = Mode::default();
                continue;
            }
            if let Some(&size) = self.pools.get(&at) {
                at = at.saturating_add(size);
                mode = Mode::default();
                continue;
            }
            if let Some(word) = self.word_of_table(at) {
                at = at.saturating_add(word);
                continue;
            }
            let saved = self.saved.remove(&at);
            if !is_reached {
                // What nothing leads to is a way of a `switch`.
                let from = saved.or_else(|| self.lost.clone());
                if let Some((state, made)) = from {
                    (self.state, self.made) = (state, made);
                    is_reached = true;
                }
            }
            ops.clear();
            let length = self.instruction(at, &mut mode, &mut ops);
            is_reached &= !matches!(ops.last(), Some(Op::Jump(_) | Op::Return | Op::Stop));
            at = at.saturating_add(length);
        }
        at
    }

    /// A word that holds an address of the program, where there are no instructions; its length.
    fn word_of_table(&mut self, at: u64) -> Option<u64> {
        let word = u64::from(self.setting.loaded.word);
        if at.checked_rem(word) != Some(0)
            || self.setting.loaded.is_dynamic && !self.extent.is_loose
        {
            return self.way_of_switch(at);
        }
        if !self.extent.is_loose
            || matches!(self.setting.loaded.machine, Machine::X86 | Machine::X86_64)
        {
            return self.way_of_switch(at);
        }
        let number = self.setting.loaded.number(at, self.setting.loaded.word)?;
        let is_address = self.points(number, false);
        is_address.then(|| {
            self.raw(at, &[0; 4]);
            word
        })
    }

    /// A way of a `switch` behind `ldr pc, [pc, rn, lsl #2]`: an address of the function itself.
    fn way_of_switch(&mut self, at: u64) -> Option<u64> {
        if self.setting.loaded.machine != Machine::Arm || self.extent.start & 1 == 1 {
            return None;
        }
        let mut recent = self.lines.iter().rev();
        let is_way = |line: &Line| line.length == 0 && line.bytes.get(4) == Some(&1);
        let is_jump = |line: &Line| {
            let word = line
                .bytes
                .first_chunk::<4>()
                .map(|word| u32::from_le_bytes(*word));
            line.length == 4 && word.is_some_and(|word| word & 0x0fff_fff0 == 0x079f_f100)
        };
        // Behind the jump another one goes on where none of the ways is meant.
        let is_first = recent.clone().nth(1).is_some_and(is_jump);
        if !is_first && !recent.next().is_some_and(is_way) {
            return None;
        }
        let number = self.setting.loaded.number(at, 4)?;
        let inside = number.checked_sub(self.code)?;
        if number >= self.extent.end {
            return None;
        }
        let mut bytes = [0; 16];
        for (to, byte) in bytes
            .iter_mut()
            .zip(inside.to_le_bytes().into_iter().take(4))
        {
            *to = byte;
        }
        if let Some(kind) = bytes.get_mut(4) {
            *kind = 1;
        }
        self.lines.push(Line {
            at,
            bytes,
            length: 0,
            parts: [None; 2],
            moves: false,
        });
        Some(4)
    }

    /// Bytes that are no instruction.
    fn raw(&mut self, at: u64, found: &[u8]) {
        let mut bytes = [0; 16];
        for (to, byte) in bytes.iter_mut().zip(found) {
            *to = *byte;
        }
        self.lines.push(Line {
            at,
            bytes,
            length: found.len().min(16),
            parts: [None; 2],
            moves: false,
        });
    }

    /// One instruction; its length.
    fn instruction(&mut self, at: u64, mode: &mut Mode, ops: &mut Vec<Op>) -> u64 {
        let decoder = self.program.decoder(self.extent.start);
        let step = decoder.step();
        let room = usize::try_from(self.extent.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let all = self.setting.loaded.bytes(at);
        let Some(length) = decoder.decode(all, at, mode, ops) else {
            ops.clear();
            self.raw(at, all.get(..step).unwrap_or(all));
            return u64::try_from(step.max(1)).unwrap_or(1);
        };
        // What stands in a delay slot is an instruction of its own, executed first.
        let has_slot = self.setting.loaded.machine == Machine::Mips && length == 8;
        let length = if has_slot { 4 } else { length };
        let parts = decoder.linked(all, at);
        if has_slot {
            ops.retain(|op| {
                matches!(
                    op,
                    Op::Call(_)
                        | Op::Jump(_)
                        | Op::Branch(_)
                        | Op::Test(..)
                        | Op::Return
                        | Op::Set(Register(31), _)
                )
            });
        }
        let line = self.lines.len();
        self.raw(at, all.get(..length.min(room.max(1))).unwrap_or(all));
        if let Some(line) = self.lines.last_mut() {
            line.parts = parts;
            line.moves = self.extent.is_stub;
        }
        let next = at.saturating_add(u64::try_from(length.max(1)).unwrap_or(1));
        if has_slot && next < self.extent.end {
            let mut in_slot = Vec::with_capacity(4);
            let _ = self.instruction(next, mode, &mut in_slot);
        }
        let behind = if has_slot {
            next.saturating_add(4)
        } else {
            next
        };
        self.execute(ops, parts, line, at, behind);
        behind.saturating_sub(at)
    }

    /// Stubs of ARM put an address together from rotated constants, which other code does not.
    fn without_places(&self, bytes: &mut [u8; 16]) {
        if self.setting.loaded.machine != Machine::Arm || self.extent.start & 1 == 1 {
            return;
        }
        let is_big =
            self.setting.loaded.endian == Endian::Big && !self.setting.loaded.has_little_code;
        let [one, two, three, four, ..] = bytes;
        let (low, high) = if is_big { (four, three) } else { (one, two) };
        *low = 0;
        *high &= 0xf0;
    }

    fn finish(self, end: u64) -> Swept {
        let is_thumb = self.extent.start & self.program.mode_bit() != 0;
        let is_idle = |line: &&Line| {
            let bytes = line.bytes.get(..line.length).unwrap_or_default();
            line.length > 0 && fill::idle(self.program, bytes, is_thumb).is_some()
        };
        let fill = self.lines.iter().rev().take_while(is_idle).count();
        let kept = self.lines.len().saturating_sub(fill);
        let mut forms = Vec::new();
        let mut code = Sha256::new();
        for line in self.lines.iter().take(kept) {
            let mut bytes = line.fixed();
            if self.extent.is_stub {
                self.without_places(&mut bytes);
                forms.extend(first(Sha256::new_with_prefix(bytes)));
            }
            code.update([u8::try_from(line.length).unwrap_or(0)]);
            code.update(bytes);
        }
        let mut used = Sha256::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut has_uses = false;
        for (_, one) in &self.uses {
            match one {
                Use::Text(text) => {
                    used.update(b"t");
                    used.update(text);
                    used.update([0]);
                    has_uses = true;
                    if texts.len() < MOST_TEXTS && !texts.contains(text) {
                        texts.push(text.clone());
                    }
                }
                Use::Import(name) => {
                    used.update(b"i");
                    used.update(name);
                    used.update([0]);
                    has_uses = true;
                }
                Use::Code | Use::Data => {}
            }
        }
        for literal in self.literals.iter().filter(|literal| !literal.moves) {
            used.update(b"n");
            used.update(literal.number.to_le_bytes());
            has_uses = true;
        }
        Swept {
            end,
            code: first(code),
            uses: has_uses.then(|| first(used)).flatten(),
            called: self.called,
            texts,
            forms,
            literals: self.literals.iter().map(|it| (it.at, it.size)).collect(),
            numbers: self
                .literals
                .iter()
                .filter(|literal| !literal.moves)
                .map(|it| (it.at, it.number))
                .collect(),
            lines: self.lines,
        }
    }
}

/// The first 8 bytes of a digest.
pub(super) fn first(digest: Sha256) -> Option<[u8; 8]> {
    digest.finalize().first_chunk::<8>().copied()
}
