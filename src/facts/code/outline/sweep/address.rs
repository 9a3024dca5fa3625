//! Which numbers are addresses of the program, and what stands there.

use super::super::made::{Made, Source};
use super::super::mask;
use super::effect::MIPS_GLOBAL;
use super::{Sweep, Use};
use crate::facts::code::op::Register;
use crate::facts::code::value::Value;
use crate::facts::machine::Machine;

/// A longer text is cut, in bytes.
const LONGEST_TEXT: usize = 512;
/// A shorter one may be anything, in bytes.
const SHORTEST_TEXT: usize = 4;
/// Places in structures are not so far from their start, as a rule, in bytes.
const FAR: u64 = 0x100;
/// The register that holds the table of addresses on PowerPC.
const POWERPC_TABLE: Register = Register(30);

impl Sweep<'_, '_> {
    /// The lower half of an address.
    pub(super) fn low(&mut self, base: Register, offset: i64, line: usize) {
        let made = self.made.get(base);
        let machine = self.setting.loaded.machine;
        let is_table = machine == Machine::Mips && base == MIPS_GLOBAL
            || machine == Machine::Powerpc
                && base == POWERPC_TABLE
                && (made.relative || self.extent.is_loose);
        let is_certain = made.partial || is_table;
        let made = if is_certain {
            made
        } else if self.is_lost(base, offset) {
            self.partial.get(base)
        } else {
            return;
        };
        let known = match self.state.get(base) {
            Value::Number(number) if !made.partial => Some(number),
            _ => made.number,
        };
        let number =
            known.map(|number| number.wrapping_add_signed(offset) & mask(self.setting.abi.word));
        let is_page = machine == Machine::Aarch64;
        if is_page || is_table || number.is_some_and(|number| self.points(number, made.relative)) {
            self.all_move(&made, line);
            self.moves(Source::Line(line));
            if let Some(number) = number.filter(|_| is_certain && !is_table) {
                self.uses(line, number);
            }
        }
    }

    /// Whether a register may hold an incomplete number on another way than the one that was gone, as what is added is larger than places in
    /// structures are.
    fn is_lost(&self, base: Register, offset: i64) -> bool {
        let is_open = matches!(self.state.get(base), Value::Unknown | Value::Number(_));
        let is_far = offset.unsigned_abs() >= FAR;
        is_open && is_far && self.partial.get(base).partial
    }

    /// A number of a whole word.
    pub(super) fn whole(&mut self, base: Option<Register>, number: u64, line: usize) {
        let all = mask(self.setting.abi.word);
        let is_32 = self.setting.abi.word == 4;
        let from = base.and_then(|base| {
            let made = self.made.get(base);
            match self.state.get(base) {
                Value::Number(number) if made.relative && is_32 => Some(number),
                _ if is_32 && number.cast_signed().unsigned_abs() >= FAR => self.table,
                _ => None,
            }
        });
        let to = from.map_or(number, |from| from.wrapping_add(number)) & all;
        if self.points(to, from.is_some()) {
            self.moves(Source::Line(line));
            self.uses(line, to);
        }
    }

    pub(super) fn is_inside(&self, address: u64) -> bool {
        let plain = address & !self.program.mode_bit();
        plain >= self.code && plain < self.extent.end
    }

    /// Whether a number is an address of the program.
    pub(super) fn points(&self, number: u64, relative: bool) -> bool {
        let loaded = self.setting.loaded;
        if relative {
            return loaded.piece(number).is_some();
        }
        loaded.is_fixed
            && loaded.piece(number).is_some()
            && !loaded.is_header(number)
            && !self.is_in_another(number)
    }

    /// Whether a number would lead into the middle of another function.
    fn is_in_another(&self, number: u64) -> bool {
        let plain = number & !self.program.mode_bit();
        let before = self.bounds.range(..=plain).next_back();
        before.is_some_and(|(&start, &(_, end))| start < plain && plain < end && start != self.code)
    }

    /// What a number is made of moves with it; a constant by itself was no address.
    pub(super) fn all_move(&mut self, made: &Made, line: usize) {
        for source in made.sources() {
            self.moves(source);
            if let Source::Literal(literal) = source
                && let Some(loaded) = self.literals.get(literal).map(|it| it.line)
                && loaded != line
            {
                self.uses.retain(|(at, _)| *at != loaded);
            }
        }
    }

    pub(super) fn moves(&mut self, source: Source) {
        match source {
            Source::Line(line) => {
                if let Some(line) = self.lines.get_mut(line) {
                    line.moves = true;
                }
            }
            Source::Literal(literal) => {
                if let Some(literal) = self.literals.get_mut(literal) {
                    literal.moves = true;
                }
            }
        }
    }

    /// An instruction uses an address.
    pub(super) fn uses(&mut self, line: usize, address: u64) {
        if self.is_inside(address) {
            return;
        }
        let piece = self.setting.loaded.piece(address);
        let is_fixed = piece.is_some_and(|piece| !piece.writable);
        let text = self
            .setting
            .loaded
            .text(address, LONGEST_TEXT)
            .filter(|_| is_fixed);
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x1b);
        let used = match text {
            Some(text) if text.len() >= SHORTEST_TEXT && text.iter().all(is_plain) => {
                Use::Text(text.to_vec())
            }
            _ if self.setting.loaded.is_code(address) => Use::Code,
            _ => Use::Data,
        };
        self.used(line, used);
    }

    /// What is used there last counts: what came before was on the way to it.
    pub(super) fn used(&mut self, line: usize, used: Use) {
        while self.uses.last().is_some_and(|last| last.0 == line) {
            self.uses.pop();
        }
        self.uses.push((line, used));
    }
}
