//! The processor that a binary is for, under one word whether ELF or PE names it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A processor family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// 32-bit ARM, with Thumb.
    Arm,
    /// 64-bit ARM.
    Aarch64,
    /// MIPS, 32 and 64 bits, either byte order.
    Mips,
    /// 32-bit PowerPC.
    Powerpc,
    /// 64-bit PowerPC.
    Powerpc64,
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// RISC-V.
    Riscv,
    /// `SuperH`.
    Superh,
    /// One without a word here: the number that the header holds.
    Other(u16),
}

/// The machines with a word, their `e_machine` and their COFF numbers (ELF specification; PE format, 3.3.1).
const KNOWN: &[(Machine, &str, u16, &[u16])] = &[
    (Machine::Arm, "arm", 40, &[0x1c0, 0x1c2, 0x1c4]),
    (Machine::Aarch64, "aarch64", 183, &[0xaa64]),
    (
        Machine::Mips,
        "mips",
        8,
        &[0x162, 0x166, 0x168, 0x169, 0x266, 0x366, 0x466],
    ),
    (Machine::Powerpc, "powerpc", 20, &[0x1f0, 0x1f1, 0x1f2]),
    (Machine::Powerpc64, "powerpc64", 21, &[]),
    (Machine::X86, "x86", 3, &[0x14c]),
    (Machine::X86_64, "x86-64", 62, &[0x8664]),
    (Machine::Riscv, "riscv", 243, &[0x5032, 0x5064]),
    (Machine::Superh, "superh", 42, &[0x1a2, 0x1a3, 0x1a6, 0x1a8]),
];

impl Machine {
    /// The machine of an ELF header's `e_machine`.
    pub fn from_elf(number: u16) -> Self {
        KNOWN
            .iter()
            .find(|known| known.2 == number)
            .map_or(Self::Other(number), |known| known.0)
    }

    /// The machine of a COFF header's `Machine`.
    pub fn from_coff(number: u16) -> Self {
        KNOWN
            .iter()
            .find(|known| known.3.contains(&number))
            .map_or(Self::Other(number), |known| known.0)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, KNOWN.iter().find(|known| known.0 == *self)) {
            (Self::Other(number), _) => write!(out, "machine-{number}"),
            (_, known) => out.write_str(known.map_or("", |known| known.1)),
        }
    }
}

/// A word that names no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such machine")]
pub struct NoSuchMachine;

impl FromStr for Machine {
    type Err = NoSuchMachine;

    fn from_str(word: &str) -> Result<Self, NoSuchMachine> {
        if let Some(number) = word.strip_prefix("machine-") {
            return number.parse().map(Self::Other).or(Err(NoSuchMachine));
        }
        KNOWN
            .iter()
            .find(|known| known.1 == word)
            .map(|known| known.0)
            .ok_or(NoSuchMachine)
    }
}

impl Serialize for Machine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Machine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_reads_back() {
        for known in KNOWN {
            assert_eq!(known.0.to_string(), known.1);
            assert_eq!(known.1.parse(), Ok(known.0));
            assert_eq!(Machine::from_elf(known.2), known.0);
        }
        assert_eq!(Machine::from_elf(22).to_string(), "machine-22");
        assert_eq!("machine-22".parse(), Ok(Machine::Other(22)));
        assert_eq!("vax".parse::<Machine>(), Err(NoSuchMachine));
        assert_eq!(Machine::from_coff(0x1c2), Machine::Arm);
    }
}
