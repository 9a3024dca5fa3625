//! The instructions of some functions in words, for people who want to see what was changed.

use std::collections::BTreeSet;

use super::sweep::{self, Line};
use super::{Outline, Piece, bounds, extent};
use crate::digest::hex;
use crate::facts::code::op::{Mode, Op, Target};
use crate::facts::code::program::{Leads, Program};
use crate::facts::elf::Loaded;
use crate::facts::machine::Machine;
use crate::place::escape;
use crate::read::{Endian, Fields};

/// So many instructions of one function are listed.
const MOST: usize = 4096;

/// One instruction, or a constant among instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its address.
    pub at: u64,
    /// Its bytes: as one number where the processor's instructions are such, in hexadecimal digits.
    pub raw: String,
    /// What it does, as far as it is decoded; empty where it is not.
    pub does: String,
    /// What it is, apart from what a linker writes; equal for instructions that are.
    pub fixed: Vec<u8>,
}

impl Outline {
    /// The instructions of functions of the program that this is the outline of, by the numbers of the functions; of what is no function, nothing.
    pub fn listing(
        &self,
        bytes: &[u8],
        wanted: &BTreeSet<usize>,
    ) -> Vec<(usize, Vec<Instruction>)> {
        let Some(program) = Loaded::of(bytes).and_then(Program::new) else {
            return Vec::new();
        };
        let (bounds, _) = bounds(&program);
        let listed = wanted.iter().filter_map(|&number| {
            let function = self.functions.get(number)?;
            let code = function.start & !self.mode_bit;
            let &known = bounds.get(&code)?;
            let is_function = function.piece == Piece::Function;
            let extent = extent(&program, &bounds, code, known);
            is_function.then(|| {
                let swept = sweep::sweep(&program, &bounds, extent);
                let mut lister = Lister {
                    program: &program,
                    start: function.start,
                    mode: Mode::default(),
                };
                let lines = swept.lines.iter().filter(|line| line.length > 0);
                let mut instructions: Vec<Instruction> =
                    lines.take(MOST).map(|line| lister.line(line)).collect();
                instructions.extend(swept.numbers.iter().map(|&(at, number)| Instruction {
                    at,
                    raw: format!("{number:08x}"),
                    does: format!("constant {number:#x}"),
                    fixed: number.to_le_bytes().to_vec(),
                }));
                (number, instructions)
            })
        });
        listed.collect()
    }
}

struct Lister<'p, 'a> {
    program: &'p Program<'a>,
    start: u64,
    mode: Mode,
}

impl Lister<'_, '_> {
    fn line(&mut self, line: &Line) -> Instruction {
        let decoder = self.program.decoder(self.start);
        let mut ops = Vec::with_capacity(4);
        let all = self.program.loaded.bytes(line.at);
        let mut fixed = line.fixed().to_vec();
        let known = decoder.decode(all, line.at, &mut self.mode, &mut ops);
        // What stands in the delay slot of a jump has a line of its own.
        if self.program.loaded.machine == Machine::Mips && known == Some(8) {
            ops.retain(|op| {
                matches!(
                    op,
                    Op::Call(_) | Op::Jump(_) | Op::Branch(_) | Op::Test(..) | Op::Return
                )
            });
        }
        let words: Vec<String> = ops.iter().map(|op| self.word(op, &mut fixed)).collect();
        Instruction {
            at: line.at,
            raw: self.raw(line.bytes()),
            does: words.join("; "),
            fixed,
        }
    }

    /// An effect in words. What is called by a name is that name, which counts whatever a linker writes.
    fn word(&self, op: &Op, fixed: &mut Vec<u8>) -> String {
        let (verb, to) = match *op {
            Op::Call(Target::At(to)) => ("call", to),
            Op::Jump(Target::At(to)) => ("jump", to),
            _ => return op.to_string(),
        };
        let name = match self.program.leads(to, None) {
            Leads::Import(name) => {
                fixed.extend_from_slice(name);
                Some(name)
            }
            Leads::Function(start) => self.program.named(start),
        };
        name.map_or_else(|| op.to_string(), |name| format!("{verb} {}", escape(name)))
    }

    fn raw(&self, bytes: &[u8]) -> String {
        let loaded = &self.program.loaded;
        if matches!(loaded.machine, Machine::X86 | Machine::X86_64) {
            return hex(bytes);
        }
        let is_little = loaded.has_little_code || loaded.machine == Machine::Aarch64;
        let endian = if is_little {
            Endian::Little
        } else {
            loaded.endian
        };
        let is_narrow = self.start & self.program.mode_bit() != 0;
        let words = bytes.chunks(if is_narrow { 2 } else { 4 }).map(|chunk| {
            let fields = Fields::new(chunk, endian);
            match (fields.u32(0), fields.u16(0)) {
                (Some(word), _) => format!("{word:08x}"),
                (None, Some(half)) if is_narrow => format!("{half:04x}"),
                _ => hex(chunk),
            }
        });
        let words: Vec<String> = words.collect();
        words.join(" ")
    }
}
