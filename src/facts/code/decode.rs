//! Decoders: from bytes to [`Op`](super::op::Op)s, one file a processor.

mod aarch64;
mod arm;
mod linked;
mod mips;
mod powerpc;
mod thumb;
mod x86;

use super::op::Decode;
use crate::facts::elf::Loaded;
use crate::facts::machine::Machine;
use crate::read::Endian;

/// The decoders of one program.
pub(super) struct Decoders {
    pub(super) usual: Box<dyn Decode>,
    /// For addresses whose bit 0 is set.
    pub(super) thumb: Option<Box<dyn Decode>>,
}

/// The decoders for a program's processor; `None` where there are none.
pub(super) fn decoders(loaded: &Loaded<'_>) -> Option<Decoders> {
    // Instructions of new big-endian ARM programs are little-endian all the same.
    let endian = if loaded.machine == Machine::Arm && loaded.has_little_code {
        Endian::Little
    } else {
        loaded.endian
    };
    let thumb: Option<Box<dyn Decode>> = match loaded.machine {
        Machine::Arm => Some(Box::new(thumb::Thumb { endian })),
        _ => None,
    };
    let usual: Box<dyn Decode> = match (loaded.machine, loaded.word) {
        (Machine::Arm, 4) => Box::new(arm::Arm { endian }),
        (Machine::Aarch64, 8) => Box::new(aarch64::Aarch64 {
            data: loaded.endian,
        }),
        (Machine::Mips, 4) => Box::new(mips::Mips { endian }),
        (Machine::Powerpc, 4) => Box::new(powerpc::Powerpc),
        (Machine::X86, 4) => Box::new(x86::X86 { bits: 32 }),
        (Machine::X86_64, 8) => Box::new(x86::X86 { bits: 64 }),
        _ => return None,
    };
    Some(Decoders { usual, thumb })
}
