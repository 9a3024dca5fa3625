//! What an instruction makes of registers and memory, and how what it makes is made.

use super::super::made::{Made, Source};
use super::Use;
use super::{Literal, Sweep};
use crate::facts::code::op::{Address, Arithmetic, Op, Operand, Part, PartKind, Register, Target};
use crate::facts::code::value::Value;
use crate::facts::machine::Machine;

/// The global pointer of MIPS.
pub(super) const MIPS_GLOBAL: Register = Register(28);

impl Sweep<'_, '_> {
    pub(super) fn execute(
        &mut self,
        ops: &[Op],
        parts: [Option<Part>; 2],
        line: usize,
        at: u64,
        next: u64,
    ) {
        let mut counts = false;
        let mut high = false;
        for part in parts.into_iter().flatten() {
            match part.kind {
                PartKind::High { page } => {
                    counts |= page;
                    high = true;
                    if page {
                        self.moves(Source::Line(line));
                    }
                }
                PartKind::Low { base, offset } => self.low(base, offset, line),
                PartKind::Relative(to) => {
                    counts = true;
                    if !self.is_inside(to) {
                        self.moves(Source::Line(line));
                        self.uses(line, to);
                    }
                }
                PartKind::Whole { base, number } => self.whole(base, number, line),
                // A jump that sets a register does so with its own address.
                PartKind::Counter | PartKind::Distance => counts = true,
                PartKind::Half => {}
            }
        }
        let low = parts
            .into_iter()
            .flatten()
            .find_map(|part| match part.kind {
                PartKind::Low { base, .. } => Some(base),
                _ => None,
            });
        let has_part = parts.iter().any(Option::is_some);
        for op in ops {
            let before = self.made_by(op, line, has_part, counts, high, low);
            let place = self.place(op);
            match *op {
                Op::Call(Target::At(to)) if let Some(register) = self.program.tells_place(to) => {
                    self.goes_out(line, to);
                    self.state.set(register, Value::Number(next));
                    self.made.set(register, Made::counted());
                }
                Op::Call(target) => {
                    self.goes(target, line, at);
                    // What a call changes nobody reads behind it, and what it leaves alone compilers know better than the ABI.
                    let result = self.setting.abi.result;
                    self.state.set(result, Value::Unknown);
                    self.made.set(result, Made::default());
                }
                Op::Jump(target) => {
                    if !matches!(target, Target::At(_)) {
                        self.lost = Some((self.state.clone(), self.made.clone()));
                    }
                    self.goes(target, line, at);
                }
                Op::Branch(to) | Op::Test(_, _, to) => self.goes(Target::At(to), line, at),
                Op::Return | Op::Stop | Op::SystemCall => {}
                _ => {
                    self.state.apply(op, self.setting);
                    self.applied(op, before, place, line, counts);
                }
            }
        }
    }

    /// How the register that an effect changes is made.
    fn made_by(
        &self,
        op: &Op,
        line: usize,
        has_part: bool,
        counts: bool,
        high: bool,
        low: Option<Register>,
    ) -> Made {
        let here = Source::Line(line);
        let mut made = match *op {
            Op::Set(_, Operand::Register(from)) => return self.made.get(from),
            Op::Set(_, Operand::Constant(_)) if has_part => Made::of(here),
            Op::Compute(_, Arithmetic::Add | Arithmetic::Or | Arithmetic::Subtract, one, other) => {
                let mut both = self.made.get(one);
                both.partial = false;
                if let Operand::Register(other) = other {
                    both = both.with(&self.made.get(other));
                }
                let is_complete = low == Some(one) && !self.made.get(one).partial;
                if has_part && !is_complete {
                    both.and(here)
                } else {
                    both
                }
            }
            Op::Insert { into, .. } => {
                let made = self.made.get(into);
                if has_part { made.and(here) } else { made }
            }
            _ => Made::default(),
        };
        made.relative |= counts;
        made.partial = high;
        made
    }

    /// The address that an effect reads or writes, with whether it is counted from one of the program, and the registers that make it.
    fn place(&self, op: &Op) -> Option<(u64, Made)> {
        let (Op::Load { from: address, .. }
        | Op::Store { to: address, .. }
        | Op::Spoil { to: address, .. }) = *op
        else {
            return None;
        };
        let Address { base, index, .. } = address;
        let mut made = base.map(|base| self.made.get(base)).unwrap_or_default();
        if let Some((index, _)) = index {
            made = made.with(&self.made.get(index));
        }
        made.relative |= base == Some(MIPS_GLOBAL) && self.setting.loaded.machine == Machine::Mips;
        let location = self.state.location(address, self.setting.abi)?;
        let at = location.address()?;
        Some((at, made))
    }

    /// The word on the stack that an effect reads or writes.
    fn frame(&self, op: &Op) -> Option<i64> {
        let (Op::Load {
            from: address,
            size,
            ..
        }
        | Op::Store {
            to: address, size, ..
        }) = *op
        else {
            return None;
        };
        let location = self.state.location(address, self.setting.abi)?;
        (size == self.setting.abi.word).then(|| location.frame())?
    }

    /// What an effect has made.
    fn applied(
        &mut self,
        op: &Op,
        made: Made,
        place: Option<(u64, Made)>,
        line: usize,
        counts: bool,
    ) {
        let mut made = made;
        if let Some((at, sources)) = place {
            let literal = self.literal(op, at, line);
            if let Some(literal) = literal {
                made = Made::of(Source::Literal(literal));
            } else if self.points(at, sources.relative || counts) {
                self.all_move(&sources, line);
                let loaded = self.loaded_by(op, at);
                match loaded {
                    Some(Value::Number(number)) => {
                        made.relative = true;
                        made.partial = self.setting.loaded.machine == Machine::Mips
                            && number.trailing_zeros() >= 16;
                        if !made.partial {
                            self.uses(line, number);
                        }
                    }
                    Some(Value::Import(slot)) => {
                        let name = self.program.loaded.import(slot);
                        self.used(line, Use::Import(name.unwrap_or_default().to_vec()));
                    }
                    _ => self.uses(line, at),
                }
            }
        }
        let frame = self.frame(op);
        match (*op, frame) {
            (
                Op::Store {
                    value: Operand::Register(from),
                    ..
                },
                Some(at),
            ) => {
                let made = self.made.get(from);
                self.spilled.insert(at, made);
            }
            (Op::Load { .. }, Some(at)) => {
                made = self.spilled.get(&at).copied().unwrap_or_default();
            }
            _ => {}
        }
        let (Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }
        | Op::Forget(into)) = *op
        else {
            return;
        };
        if let Value::Number(number) = self.state.get(into) {
            made.number = Some(number);
            if made.relative && matches!(self.setting.loaded.machine, Machine::X86) {
                self.table.get_or_insert(number);
            }
        }
        if made.partial {
            self.partial.set(into, made);
        }
        self.made.set(into, made);
        if self.setting.loaded.machine == Machine::Mips
            && into == MIPS_GLOBAL
            && let Some(table) = self.setting.loaded.table
            && let Some((_, inside)) = self.setting.abi.table
        {
            // It has the same value in the whole program.
            self.state
                .set(into, Value::Number(table.wrapping_add(inside)));
            return;
        }
        if let Value::Number(number) = self.state.get(into)
            && !made.partial
            && made.sources().next().is_some()
            && self.points(number, made.relative)
        {
            self.all_move(&made, line);
            self.uses(line, number);
        }
    }

    /// What the loader, or nobody, puts where an effect reads: the value that was loaded, if it is one of the loader's.
    fn loaded_by(&self, op: &Op, at: u64) -> Option<Value> {
        let Op::Load { into, .. } = *op else {
            return None;
        };
        let is_local = matches!(
            *op,
            Op::Load {
                from: Address {
                    base: Some(MIPS_GLOBAL),
                    ..
                },
                ..
            }
        ) && self.setting.loaded.machine == Machine::Mips;
        if !is_local {
            self.setting.loaded.slot(at)?;
        }
        Some(self.state.get(into))
    }

    /// A constant among the instructions that is loaded; its number.
    fn literal(&mut self, op: &Op, at: u64, line: usize) -> Option<usize> {
        let &Op::Load {
            from:
                Address {
                    base: None,
                    index: None,
                    ..
                },
            size,
            ..
        } = op
        else {
            return None;
        };
        if !matches!(self.setting.loaded.machine, Machine::Arm | Machine::Aarch64)
            || at < self.code
            || at >= self.extent.limit
        {
            return None;
        }
        if let Some(&known) = self.literal_at.get(&at) {
            return Some(known);
        }
        let number = self.setting.loaded.number(at, size)?;
        let literal = self.literals.len();
        self.literal_at.insert(at, literal);
        self.literals.push(Literal {
            at,
            size: size.into(),
            number,
            moves: false,
            line,
        });
        Some(literal)
    }
}
