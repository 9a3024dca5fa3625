//! Decoders: from bytes to [`Op`](super::op::Op)s, one file a processor.

pub(super) mod aarch64;
pub(super) mod arm;
pub(super) mod mips;
pub(super) mod powerpc;
pub(super) mod thumb;
pub(super) mod x86;

use super::op::Decode;
use crate::facts::elf::Loaded;
use crate::facts::machine::Machine;
