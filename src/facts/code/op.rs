//! What one instruction does, in the same few words for all processors: as much of it as following constants, addresses and calls needs.

pub(crate) mod text;

/// A register of a processor: its own number. Numbers from [`Register::SPARE`] on are for what a decoder needs besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Register(pub(crate) u8);

impl Register {
    /// So many registers a processor has at most, spare ones among them.
    pub(crate) const COUNT: usize = 56;
    /// The first of the registers that no processor counts as its own: count and link registers, scratch of a decoder.
    pub(crate) const SPARE: u8 = 32;
}

/// Some registers of a processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisterSet(u64);

impl RegisterSet {
    pub(crate) const fn of(registers: &[Register]) -> Self {
        let mut set = 0;
        let mut left = registers;
        while let [first, rest @ ..] = left {
            set |= 1_u64.unbounded_shl(u32::from_le_bytes([first.0, 0, 0, 0]));
            left = rest;
        }
        Self(set)
    }

    pub(crate) fn has(self, register: Register) -> bool {
        self.0.unbounded_shr(register.0.into()) & 1 == 1
    }
}

/// A place in memory: a register, or none, plus a constant, plus another register shifted to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) base: Option<Register>,
    pub(crate) offset: i64,
    pub(crate) index: Option<(Register, u8)>,
}

/// Where a jump or call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To an address. On ARM bit 0 says that Thumb code is there.
    At(u64),
    /// To what a register holds.
    Register(Register),
    /// To what stands in memory.
    Memory(Address),
}

/// What two values are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    And,
    Or,
    Xor,
    /// To the left.
    Shift,
    /// To the right, zeros follow.
    ShiftRight,
    /// To the right, the sign follows.
    ShiftSigned,
    Multiply,
    /// The bytes of each group of so many (2, 4 or 8) in the opposite order.
    Swap,
}

/// The second of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Register(Register),
    /// Of a register, shifted to the left by so many bits.
    Shifted(Register, u8),
    /// A constant; negative ones have all their upper bits set.
    Constant(u64),
}

/// One effect of an instruction. Values are as wide as the processor's addresses and wrap there. An instruction has several where it does
/// several things (`stp`, `ldm`, addressing that writes the base back), in the order in which they take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// A register becomes a value.
    Set(Register, Operand),
    /// A register becomes what two values make together.
    Compute(Register, Arithmetic, Register, Operand),
    /// Some bits of a register are replaced: by the value, shifted to the left by so many bits, so many bits wide (`movk`, `movt`, `bfi`).
    Insert {
        into: Register,
        value: Operand,
        at: u8,
        width: u8,
    },
    /// A register becomes what so many bytes (1, 2, 4, 8) in memory hold.
    Load {
        into: Register,
        from: Address,
        size: u8,
        signed: bool,
    },
    /// So many bytes (1, 2, 4, 8, the lower ones of the value) are put into memory.
    Store {
        value: Operand,
        to: Address,
        size: u8,
    },
    /// So many bytes of memory (16 and more: vector registers) become unknown.
    Spoil { to: Address, size: u8 },
    /// A register becomes something that is not followed. Whatever changes a register and is not told otherwise has to be told so.
    Forget(Register),
    /// A function is called; what follows is executed after it returns.
    Call(Target),
    /// Execution goes on elsewhere: without condition.
    Jump(Target),
    /// Execution goes on at an address, or behind this instruction.
    Branch(u64),
    /// Execution goes on at an address where a register is zero, or (`false`) where it is not; or behind this instruction.
    Test(Register, bool, u64),
    /// The function ends here.
    Return,
    /// The kernel is called. The registers that hold the number and the arguments are the ABI's.
    SystemCall,
    /// Nothing is executed behind this instruction: a trap, an undefined one.
    Stop,
}

/// What a decoder keeps from one instruction to the next, in the order of addresses; 0 at the start of a function. Thumb keeps here how
/// many instructions of an IT block are left.
pub(crate) type Mode = u8;

/// Parts of an instruction that a linker may write.
pub(crate) type Linked = [Option<Part>; 2];

/// A part of an instruction that depends on where the linker has put something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    /// Which bits of the instruction's bytes it has.
    pub(crate) mask: [u8; 16],
}

/// What such a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// How far a jump or call goes.
    Distance,
    /// The upper half of an address; `page`: of one that is counted from the instruction, and so of an address for certain.
    High { page: bool },
    /// The lower half, which is added to what a register holds.
    Low { base: Register, offset: i64 },
    /// A half of a constant (`movw`, `movt`).
    Half,
    /// How far from the instruction an address is: it is told whole.
    Relative(u64),
    /// A number of a whole word, which is added to what a register holds, if there is one.
    Whole { base: Option<Register>, number: u64 },
    /// Nothing of it is written, but it uses its own address.
    Counter,
}

/// Reads instructions of one processor.
pub(crate) trait Decode {
    /// The instruction at the start of `code`, which is at the address `at`: its effects are added to `ops`, its length in bytes returned.
    /// `None` where there is no instruction that is known; whoever asks goes on `step` bytes further and knows nothing of any register.
    ///
    /// An instruction in a delay slot is read together with the jump in front of it; its effects stand before the jump's.
    /// An instruction that is executed under a condition, and is no jump, has its registers forgotten.
    fn decode(&self, code: &[u8], at: u64, mode: &mut Mode, ops: &mut Vec<Op>) -> Option<usize>;

    /// What instructions are aligned to, in bytes.
    fn step(&self) -> usize;

    /// How functions call each other.
    fn abi(&self) -> &'static Abi;

    /// Whether the bytes look like the first instruction of a function (`push {..., lr}`, `stp x29, x30`, `addiu sp, sp, -n`, `stwu r1`,
    /// `push %rbp`, `endbr`): for code without symbols.
    fn is_prologue(&self, code: &[u8]) -> bool;

    /// The parts of the instruction at the start of `code`, which is at the address `at`, that a linker may write: at most two.
    fn linked(&self, code: &[u8], at: u64) -> Linked;

    /// The register into which a function at the start of `code` puts the address that it returns to, where it does nothing else
    /// (`__x86.get_pc_thunk.bx`).
    fn thunk(&self, _code: &[u8]) -> Option<Register> {
        None
    }
}

/// How functions of one processor call each other and the kernel on Linux.
#[derive(Debug)]
pub(crate) struct Abi {
    /// Bytes of an address: 4 or 8.
    pub(crate) word: u8,
    /// The registers that hold the first arguments.
    pub(crate) arguments: &'static [Register],
    /// Registers that hold the first arguments of functions that only the program itself calls: compilers of i386 choose so.
    pub(crate) local_arguments: &'static [Register],
    /// Where further arguments stand, in bytes from the stack pointer at the call instruction (before it pushes anything).
    pub(crate) stack_arguments: i64,
    /// The register that holds the result.
    pub(crate) result: Register,
    /// The stack pointer.
    pub(crate) stack: Register,
    /// By how many bytes a call lowers the stack pointer before the function's first instruction (4 and 8 on x86).
    pub(crate) pushed: i64,
    /// Registers that a function leaves as they were, the stack pointer among them.
    pub(crate) preserved: RegisterSet,
    /// A register that holds the function's own address when it starts (`$t9` of MIPS).
    pub(crate) own_address: Option<Register>,
    /// A register that may hold the address of the global offset table (`DT_PLTGOT`) when a stub of the linkage table starts, and what is
    /// added to that address (0x7ff0 on MIPS).
    pub(crate) table: Option<(Register, u64)>,
    /// A register that stubs of the linkage table use as their caller left it (`r30` of PowerPC).
    pub(crate) carried: Option<Register>,
    /// The register that holds the number of a system call, and those of its arguments.
    pub(crate) system_number: Register,
    pub(crate) system_arguments: &'static [Register],
}
