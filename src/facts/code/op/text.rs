//! How effects are written: `r2 = r3 + 0x10`, `r2 = i4 [r29+16]` (`u4` without a sign), `4 [r29+16] = r2`, `r2[8:4] = r3` (four bits from bit
//! 8), `?` for what is not known.

use std::fmt::{Display, Formatter, Result};

#[cfg(test)]
use super::Decode;
use super::{Address, Arithmetic, Op, Operand, Register, Target};

impl Display for Register {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "r{}", self.0)
    }
}

impl Display for Operand {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Register(register) => write!(out, "{register}"),
            Self::Shifted(register, by) => write!(out, "({register} << {by})"),
            Self::Constant(value) if value.leading_ones() > 32 => {
                write!(out, "-{:#x}", value.wrapping_neg())
            }
            Self::Constant(value) => write!(out, "{value:#x}"),
        }
    }
}

impl Display for Address {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self.base {
            Some(base) if self.offset == 0 => write!(out, "[{base}")?,
            Some(base) => write!(out, "[{base}{:+}", self.offset)?,
            None => write!(out, "[{:#x}", self.offset)?,
        }
        match self.index {
            Some((index, 0)) => write!(out, "+{index}]"),
            Some((index, by)) => write!(out, "+({index} << {by})]"),
            None => write!(out, "]"),
        }
    }
}

impl Display for Target {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::At(at) => write!(out, "{at:#x}"),
            Self::Register(register) => write!(out, "{register}"),
            Self::Memory(place) => write!(out, "{place}"),
        }
    }
}

impl Display for Arithmetic {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::Shift => "<<",
            Self::ShiftRight => ">>",
            Self::ShiftSigned => ">>>",
            Self::Multiply => "*",
            Self::Swap => "swap",
        })
    }
}

impl Display for Op {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Set(into, value) => write!(out, "{into} = {value}"),
            Self::Compute(into, by, first, second) => {
                write!(out, "{into} = {first} {by} {second}")
            }
            Self::Insert {
                into,
                value,
                at,
                width,
            } => write!(out, "{into}[{at}:{width}] = {value}"),
            Self::Load {
                into,
                from,
                size,
                signed,
            } => {
                let sign = if *signed { 'i' } else { 'u' };
                write!(out, "{into} = {sign}{size} {from}")
            }
            Self::Store { value, to, size } => write!(out, "{size} {to} = {value}"),
            Self::Spoil { to, size } => write!(out, "{size} {to} = ?"),
            Self::Forget(register) => write!(out, "{register} = ?"),
            Self::Call(target) => write!(out, "call {target}"),
            Self::Jump(target) => write!(out, "jump {target}"),
            Self::Branch(to) => write!(out, "branch {to:#x}"),
            Self::Test(register, true, to) => write!(out, "if {register} == 0 jump {to:#x}"),
            Self::Test(register, false, to) => write!(out, "if {register} != 0 jump {to:#x}"),
            Self::Return => write!(out, "return"),
            Self::SystemCall => write!(out, "system call"),
            Self::Stop => write!(out, "stop"),
        }
    }
}

/// Compares what a reader tells of instructions with `rows`: on each line an address and the bytes in hexadecimal digits, what objdump
/// prints for them, and behind `=>` the effects. All of the bytes are read, one
/// instruction after the other.
#[cfg(test)]
pub(crate) fn compare(reader: &dyn Decode, rows: &str) {
    for row in rows.lines().filter(|row| !row.trim().is_empty()) {
        let (told, expected) = row.split_once("=>").expect(row);
        let mut words = told.split_whitespace();
        let at = u64::from_str_radix(words.next().expect(row), 16).expect(row);
        let digits = words.next().expect(row).as_bytes();
        let code: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect(row))
            .collect();
        let (mut ops, mut mode, mut done) = (Vec::new(), 0, 0);
        while done < code.len() {
            let at = at.wrapping_add(u64::try_from(done).expect(row));
            done = reader
                .decode(&code[done..], at, &mut mode, &mut ops)
                .map_or(usize::MAX, |length| done.saturating_add(length));
        }
        let texts: Vec<String> = ops.iter().map(Op::to_string).collect();
        let text = match done {
            usize::MAX => "unknown".to_owned(),
            _ => texts.join("; "),
        };
        assert_eq!(text, expected.trim(), "{row}");
        assert!(done == code.len() || done == usize::MAX, "{row}");
    }
}
