//! x86, 32 and 64 bits. The crate iced-x86 reads the instructions and knows what each of them changes; what builds values is told here.
//!
//! Not followed are flags, except that a register is compared with zero right in front of a branch, places that a segment register moves,
//! and the floating-point stack. Of the vector registers the first are followed, since compilers copy text through them.

mod effects;
mod integer;
mod linked;
mod moves;
mod rest;
#[cfg(test)]
mod tests;
mod vector;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register as Name};

use self::effects::Effects;
use super::super::op::{
    Abi, Arithmetic, Decode, Linked, Mode, Op, Operand, Register, RegisterSet, Target,
};

const AX: Register = Register(0);
const CX: Register = Register(1);
const DX: Register = Register(2);
const BX: Register = Register(3);
const STACK: Register = Register(4);
const FRAME: Register = Register(5);
const SI: Register = Register(6);
const DI: Register = Register(7);
const R8: Register = Register(8);
const R9: Register = Register(9);
const R10: Register = Register(10);
const R11: Register = Register(11);
const R12: Register = Register(12);
const R13: Register = Register(13);
const R14: Register = Register(14);
const R15: Register = Register(15);

/// cdecl (System V ABI, Intel386 supplement).
static ABI32: Abi = Abi {
    word: 4,
    arguments: &[],
    local_arguments: &[AX, DX, CX],
    stack_arguments: 0,
    result: AX,
    stack: STACK,
    pushed: 4,
    preserved: RegisterSet::of(&[BX, STACK, FRAME, SI, DI]),
    own_address: None,
    table: Some((BX, 0)),
    carried: None,
    system_number: AX,
    system_arguments: &[BX, CX, DX, SI, DI, FRAME],
};

/// System V ABI, AMD64 supplement.
static ABI64: Abi = Abi {
    word: 8,
    arguments: &[DI, SI, DX, CX, R8, R9],
    local_arguments: &[],
    stack_arguments: 0,
    result: AX,
    stack: STACK,
    pushed: 8,
    preserved: RegisterSet::of(&[BX, STACK, FRAME, R12, R13, R14, R15]),
    own_address: None,
    table: None,
    carried: None,
    system_number: AX,
    system_arguments: &[DI, SI, DX, R10, R8, R9],
};

/// Reads x86 instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct X86 {
    /// 32 or 64.
    pub(crate) bits: u8,
}

impl Decode for X86 {
    fn decode(&self, code: &[u8], at: u64, mode: &mut Mode, ops: &mut Vec<Op>) -> Option<usize> {
        /// No instruction is longer, in bytes.
        const LONGEST: usize = 15;
        let code = code.get(..LONGEST).unwrap_or(code);
        let mut decoder =
            Decoder::try_with_ip(u32::from(self.bits), code, at, DecoderOptions::NONE);
        // Not moved, as it is large.
        let Ok(decoder) = &mut decoder else {
            return None;
        };
        let mut instruction = Instruction::default();
        decoder.decode_out(&mut instruction);
        // Addresses of 16 bits are in no program that we look at.
        let short = |name: Name| name.size() == 2;
        if instruction.is_invalid()
            || short(instruction.memory_base())
            || short(instruction.memory_index())
        {
            return None;
        }
        let compared = std::mem::take(mode);
        let mut effects = Effects::new(ops, self.bits);
        flow(&instruction, compared, &mut effects)
            .or_else(|| integer::decode(&instruction, mode, &mut effects))
            .or_else(|| vector::decode(&instruction, &mut effects))
            .or_else(|| rest::decode(&instruction, &mut effects))?;
        Some(instruction.len())
    }

    fn step(&self) -> usize {
        1
    }

    fn abi(&self) -> &'static Abi {
        if self.bits == 64 { &ABI64 } else { &ABI32 }
    }

    fn linked(&self, code: &[u8], at: u64) -> Linked {
        linked::linked(code, at, self.bits)
    }

    fn is_prologue(&self, code: &[u8]) -> bool {
        // `endbr64`, `endbr32`; `push rbp` and its use as the frame pointer, or another `push`, or room for variables; `push r12` to
        // `push r15` and more of them.
        match code {
            [0xf3, 0x0f, 0x1e, last, ..] => matches!(last, 0xfa | 0xfb),
            [0x55, 0x48, rest @ ..] | [0x55, rest @ ..] => matches!(
                rest,
                [0x89, 0xe5, ..]
                    | [0x8b | 0x81 | 0x83, 0xec, ..]
                    | [0x53 | 0x56 | 0x57, ..]
                    | [0x41, 0x54..=0x57, ..]
            ),
            [0x41, 0x54..=0x57, next, ..] => matches!(next, 0x41 | 0x53 | 0x55),
            _ => false,
        }
    }

    fn thunk(&self, code: &[u8]) -> Option<Register> {
        match *code {
            // `mov reg, [esp]` and `ret`.
            [0x8b, operand, 0x24, 0xc3, ..] if operand & 0xc7 == 4 && self.bits == 32 => {
                Some(Register((operand >> 3) & 7))
            }
            _ => None,
        }
    }
}

/// Calls, jumps and whatever else execution does not go on behind; `None` for all other instructions.
///
/// `compared` is one more than the register that the instruction in front of this one has compared with zero.
fn flow(instruction: &Instruction, compared: Mode, effects: &mut Effects<'_>) -> Option<()> {
    let to = instruction.near_branch_target();
    match instruction.mnemonic() {
        // The way to learn where the code is.
        Mnemonic::Call if near(instruction) && to == instruction.next_ip() => {
            effects.push(Operand::Constant(to));
        }
        Mnemonic::Call if near(instruction) => effects.op(Op::Call(Target::At(to))),
        Mnemonic::Call if effects.is_kernel_entry(instruction) => effects.op(Op::SystemCall),
        Mnemonic::Call => {
            let target = effects.target(instruction)?;
            effects.op(Op::Call(target));
        }
        Mnemonic::Jmp if near(instruction) => effects.op(Op::Jump(Target::At(to))),
        Mnemonic::Jmp => {
            let target = effects.target(instruction)?;
            effects.op(Op::Jump(target));
        }
        name @ (Mnemonic::Je | Mnemonic::Jne) if compared > 0 => {
            let register = Register(compared.saturating_sub(1));
            effects.op(Op::Test(register, name == Mnemonic::Je, to));
        }
        Mnemonic::Jcxz | Mnemonic::Jecxz | Mnemonic::Jrcxz => effects.op(Op::Test(CX, true, to)),
        Mnemonic::Loop | Mnemonic::Loope | Mnemonic::Loopne => {
            effects.compute(CX, Arithmetic::Subtract, CX, Operand::Constant(1));
            effects.op(Op::Branch(to));
        }
        Mnemonic::Xbegin => {
            effects.op(Op::Forget(AX));
            effects.op(Op::Branch(to));
        }
        Mnemonic::Ret | Mnemonic::Retf => effects.op(Op::Return),
        Mnemonic::Syscall => {
            effects.op(Op::SystemCall);
            effects.op(Op::Forget(CX));
            effects.op(Op::Forget(R11));
        }
        Mnemonic::Sysenter => effects.op(Op::SystemCall),
        Mnemonic::Int if instruction.immediate8() == 0x80 => effects.op(Op::SystemCall),
        Mnemonic::Int
        | Mnemonic::Int1
        | Mnemonic::Int3
        | Mnemonic::Ud0
        | Mnemonic::Ud1
        | Mnemonic::Ud2
        | Mnemonic::Hlt
        | Mnemonic::Iret
        | Mnemonic::Iretd
        | Mnemonic::Iretq
        | Mnemonic::Sysret
        | Mnemonic::Sysretq
        | Mnemonic::Sysexit
        | Mnemonic::Sysexitq => effects.op(Op::Stop),
        _ if instruction.is_jcc_short_or_near() => effects.op(Op::Branch(to)),
        _ => return None,
    }
    Some(())
}

/// Whether a jump or call names the address that it goes to.
fn near(instruction: &Instruction) -> bool {
    matches!(
        instruction.op0_kind(),
        OpKind::NearBranch32 | OpKind::NearBranch64
    )
}
