//! All other instructions: whatever they change becomes unknown.

use std::cell::RefCell;

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register as Name};

use super::super::super::op::Op;
use super::effects::{Effects, general};
use super::vector;

thread_local! {
    /// It keeps its memory from one instruction to the next.
    static INFO: RefCell<InstructionInfoFactory> = RefCell::new(InstructionInfoFactory::new());
}

/// So many bytes become unknown where an instruction does not say how many it writes.
const UNKNOWN: usize = 4096;

/// Tells what is changed; `None` for what goes elsewhere in an unusual way.
pub(super) fn decode(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    if is_unusual(instruction) {
        return None;
    }
    INFO.with_borrow_mut(|factory| {
        let info = factory.info(instruction);
        for memory in info.used_memory() {
            let Some(place) = effects.used(memory).filter(|_| writes(memory.access())) else {
                continue;
            };
            match memory.memory_size().size() {
                0 => effects.spoil(place, UNKNOWN),
                _ if is_fill(instruction) => effects.spoil(place, UNKNOWN),
                size => effects.spoil(place, size),
            }
        }
        for used in info.used_registers() {
            if writes(used.access()) {
                forget(used.register(), effects);
            }
        }
    });
    Some(())
}

/// Whether an instruction is `movs` or `stos` that is repeated: so it changes more than one place.
fn is_fill(instruction: &Instruction) -> bool {
    instruction.is_string_instruction()
        && (instruction.has_rep_prefix() || instruction.has_repne_prefix())
}

/// Far jumps and calls, stores to many places at once, and what only system management knows.
fn is_unusual(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Call | Mnemonic::Jmp | Mnemonic::Rsm
    ) || instruction.is_vsib()
}

fn writes(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn forget(name: Name, effects: &mut Effects<'_>) {
    if let Some(register) = general(name) {
        effects.op(Op::Forget(register));
    }
    for lane in vector::lanes(name, effects.bits) {
        effects.op(Op::Forget(lane));
    }
}
