//! Numbers of the system calls of Linux that tell something, by processor.
//!
//! From the tables of the kernel (`arch/*/kernel/syscalls/*.tbl`, `include/uapi/asm-generic/unistd.h`).

use crate::facts::machine::Machine;

/// Names, with their numbers on ARM (EABI), generic (`AArch64`), MIPS o32, PowerPC, x86 and x86-64; `-` where there is none.
const CALLS: &[(&str, [Option<u16>; 6])] = &[
    (
        "execve",
        [
            Some(11),
            Some(221),
            Some(4011),
            Some(11),
            Some(11),
            Some(59),
        ],
    ),
    (
        "open",
        [Some(5), None, Some(4005), Some(5), Some(5), Some(2)],
    ),
    (
        "openat",
        [
            Some(322),
            Some(56),
            Some(4288),
            Some(286),
            Some(295),
            Some(257),
        ],
    ),
    (
        "creat",
        [Some(8), None, Some(4008), Some(8), Some(8), Some(85)],
    ),
    (
        "write",
        [Some(4), Some(64), Some(4004), Some(4), Some(4), Some(1)],
    ),
    (
        "link",
        [Some(9), None, Some(4009), Some(9), Some(9), Some(86)],
    ),
    (
        "unlink",
        [Some(10), None, Some(4010), Some(10), Some(10), Some(87)],
    ),
    (
        "chdir",
        [Some(12), Some(49), Some(4012), Some(12), Some(12), Some(80)],
    ),
    (
        "chmod",
        [Some(15), None, Some(4015), Some(15), Some(15), Some(90)],
    ),
    (
        "mount",
        [
            Some(21),
            Some(40),
            Some(4021),
            Some(21),
            Some(21),
            Some(165),
        ],
    ),
    (
        "setuid",
        [
            Some(213),
            Some(146),
            Some(4023),
            Some(23),
            Some(213),
            Some(105),
        ],
    ),
    (
        "kill",
        [
            Some(37),
            Some(129),
            Some(4037),
            Some(37),
            Some(37),
            Some(62),
        ],
    ),
    (
        "rename",
        [Some(38), None, Some(4038), Some(38), Some(38), Some(82)],
    ),
    (
        "ioctl",
        [Some(54), Some(29), Some(4054), Some(54), Some(54), Some(16)],
    ),
    (
        "dup2",
        [Some(63), None, Some(4063), Some(63), Some(63), Some(33)],
    ),
    (
        "dup3",
        [
            Some(358),
            Some(24),
            Some(4327),
            Some(316),
            Some(330),
            Some(292),
        ],
    ),
    (
        "symlink",
        [Some(83), None, Some(4083), Some(83), Some(83), Some(88)],
    ),
    (
        "reboot",
        [
            Some(88),
            Some(142),
            Some(4088),
            Some(88),
            Some(88),
            Some(169),
        ],
    ),
    (
        "socket",
        [
            Some(281),
            Some(198),
            Some(4183),
            Some(326),
            Some(359),
            Some(41),
        ],
    ),
    (
        "bind",
        [
            Some(282),
            Some(200),
            Some(4169),
            Some(327),
            Some(361),
            Some(49),
        ],
    ),
    (
        "connect",
        [
            Some(283),
            Some(203),
            Some(4170),
            Some(328),
            Some(362),
            Some(42),
        ],
    ),
    (
        "listen",
        [
            Some(284),
            Some(201),
            Some(4174),
            Some(329),
            Some(363),
            Some(50),
        ],
    ),
    (
        "accept",
        [Some(285), Some(202), Some(4168), Some(330), None, Some(43)],
    ),
    (
        "sendto",
        [
            Some(290),
            Some(206),
            Some(4180),
            Some(335),
            Some(369),
            Some(44),
        ],
    ),
    ("recv", [Some(291), None, Some(4175), Some(336), None, None]),
    ("send", [Some(289), None, Some(4178), Some(334), None, None]),
    (
        "recvfrom",
        [
            Some(292),
            Some(207),
            Some(4176),
            Some(337),
            Some(371),
            Some(45),
        ],
    ),
    (
        "init_module",
        [
            Some(128),
            Some(105),
            Some(4128),
            Some(128),
            Some(128),
            Some(175),
        ],
    ),
    (
        "finit_module",
        [
            Some(379),
            Some(273),
            Some(4348),
            Some(353),
            Some(350),
            Some(313),
        ],
    ),
    (
        "chroot",
        [
            Some(61),
            Some(51),
            Some(4061),
            Some(61),
            Some(61),
            Some(161),
        ],
    ),
];

/// The number of `socketcall`, through which old programs reach sockets, and its first argument's meanings.
pub(super) const SOCKETCALL: u64 = 102;
const SOCKETS: &[(u64, &str)] = &[
    (1, "socket"),
    (2, "bind"),
    (3, "connect"),
    (4, "listen"),
    (5, "accept"),
    (9, "send"),
    (10, "recv"),
    (11, "sendto"),
    (12, "recvfrom"),
];

/// The name of a system call.
pub(super) fn name(machine: Machine, number: u64) -> Option<&'static str> {
    let column = match machine {
        Machine::Arm => 0,
        Machine::Aarch64 => 1,
        Machine::Mips => 2,
        Machine::Powerpc => 3,
        Machine::X86 => 4,
        Machine::X86_64 => 5,
        _ => return None,
    };
    let number = u16::try_from(number).ok()?;
    let found = CALLS
        .iter()
        .find(|(_, numbers)| numbers.get(column).copied().flatten() == Some(number))?;
    Some(found.0)
}

/// The name of what `socketcall` is asked for.
pub(super) fn socket_call(machine: Machine, number: u64) -> Option<&'static str> {
    if !matches!(machine, Machine::X86 | Machine::Powerpc) {
        return None;
    }
    let found = SOCKETS.iter().find(|(call, _)| *call == number)?;
    Some(found.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::code::library;

    #[test]
    fn every_call_is_a_known_function() {
        let names = CALLS.iter().map(|(name, _)| name);
        for name in names.chain(SOCKETS.iter().map(|(_, name)| name)) {
            assert!(library::known(name.as_bytes()).is_some(), "{name}");
        }
        assert_eq!(name(Machine::Arm, 21), Some("mount"));
        assert_eq!(name(Machine::Mips, 21), None);
    }
}
