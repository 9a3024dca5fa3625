//! PE: what a Windows program or library says about itself; bedside stations and Windows CE monitors run them.
//!
//! Specification: Microsoft PE Format. Not read: resources, relocations, exception tables, managed metadata and
//! what is inside certificates (that they are there is told; they are never verified).

mod extent;
mod image;
mod linkage;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Serialize, Serializer};

pub(super) use self::extent::explained;
pub use self::linkage::Import;

use self::image::{Image, Optional};
use super::machine::Machine;
use super::meter::{Digests, Meter};
use super::name::Name;
use crate::digest::Digest;
use crate::problem::Problem;
use crate::read::{index, length};

const CERTIFICATES: usize = 4;
const MANAGED: usize = 14;
/// `Characteristics`: it is a library.
const DLL: u16 = 0x2000;

/// What a PE file says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pe {
    /// 32 or 64: the width of its addresses.
    pub bits: u8,
    /// The processor it is for.
    pub machine: Machine,
    /// The part of the system that it runs under.
    pub subsystem: Subsystem,
    /// `Characteristics` as stored.
    pub characteristics: u16,
    /// Whether it is a library.
    pub dll: bool,
    /// Where it starts, from the image base; 0 when it does not.
    pub entry: u32,
    /// The virtual address that it would like to be loaded at.
    pub image_base: u64,
    /// When it was linked, in seconds since 1970, as it claims; reproducible builds store a digest here.
    pub timestamp: u32,
    /// Its sections in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<PeSection>,
    /// What it imports, in its own order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// The names it exports, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<Name>,
    /// The name that a library calls itself in its export table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_name: Option<Name>,
    /// The path of its symbol file on the machine that built it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdb: Option<Name>,
    /// The bytes that hold signatures; nothing here says that they are good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,
    /// Whether it holds managed (.NET) code.
    pub managed: bool,
    /// Which protections it asks for.
    pub hardening: PeHardening,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeSection {
    /// Its name.
    pub name: Name,
    /// Its flags as stored: bit 29 executable, bit 30 readable, bit 31 writable, ...
    pub characteristics: u32,
    /// Where it is loaded, from the image base.
    pub address: u32,
    /// Its length in memory in bytes.
    pub virtual_size: u32,
    /// Where its bytes start, from the file's start.
    pub offset: u32,
    /// Its length in the file in bytes.
    pub size: u32,
    /// The digest of its bytes in the file; absent where there are none or not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// Where the certificate table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Certificates {
    /// Its start, in bytes from the file's start.
    pub offset: u32,
    /// Its length in bytes.
    pub size: u32,
}

/// Which protections a PE file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent bit of the file"
)]
pub struct PeHardening {
    /// It can be loaded at any address.
    pub aslr: bool,
    /// Data is not executable.
    pub nx: bool,
    /// Indirect calls are checked (control flow guard).
    pub cfg: bool,
    /// A section is writable and executable at once.
    pub writable_code: bool,
}

/// The part of the system that a program runs under; as text a lower-case word or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subsystem(pub u16);

const SUBSYSTEMS: &[(u16, &str)] = &[
    (0, "unknown"),
    (1, "native"),
    (2, "windows-gui"),
    (3, "windows-console"),
    (7, "posix"),
    (9, "windows-ce"),
    (10, "efi-application"),
    (11, "efi-boot-driver"),
    (12, "efi-runtime-driver"),
    (13, "efi-rom"),
    (16, "windows-boot"),
];

impl fmt::Display for Subsystem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SUBSYSTEMS.iter().find(|known| known.0 == self.0) {
            Some((_, word)) => out.write_str(word),
            None => write!(out, "{}", self.0),
        }
    }
}

impl Serialize for Subsystem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Pe {
    /// Reads what can be read; what is wrong goes to `problems`. `None` when not even the headers are there.
    pub fn parse(bytes: &[u8], problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(image) = Image::parse(bytes, problems) else {
            problems.push(Problem::corrupt("the PE header is cut off"));
            return None;
        };
        let sections = sections(&image, problems);
        let imports = linkage::imports(&image, problems);
        let (exports, export_name) = linkage::exports(&image, problems);
        let optional = image.optional.as_ref();
        Some(Self {
            bits: if optional.is_some_and(|header| header.is_64) {
                64
            } else {
                32
            },
            machine: Machine::from_coff(image.machine),
            subsystem: Subsystem(optional.map_or(0, |header| header.subsystem)),
            characteristics: image.characteristics,
            dll: image.characteristics & DLL != 0,
            entry: optional.map_or(0, |header| header.entry),
            image_base: optional.map_or(0, |header| header.image_base),
            timestamp: image.timestamp,
            hardening: PeHardening::of(optional, &sections),
            sections,
            imports,
            exports,
            export_name,
            pdb: linkage::pdb(&image),
            certificates: certificates(&image, problems),
            managed: image.directory(MANAGED).is_some(),
        })
    }
}

impl PeHardening {
    fn of(optional: Option<&Optional>, sections: &[PeSection]) -> Self {
        let asked = optional.map_or(0, |header| header.dll_characteristics);
        Self {
            aslr: asked & 0x40 != 0,
            nx: asked & 0x100 != 0,
            cfg: asked & 0x4000 != 0,
            writable_code: sections
                .iter()
                .any(|section| section.characteristics & 0xa000_0000 == 0xa000_0000),
        }
    }
}

fn sections(image: &Image<'_>, problems: &mut Vec<Problem>) -> Vec<PeSection> {
    let mut digests = Digests::new(image.bytes);
    let mut names = Meter::new(image.bytes, 4);
    let mut sections = Vec::new();
    for header in &image.sections {
        if !names.take(length(header.name)) {
            break;
        }
        let end = u64::from(header.offset).saturating_add(header.size.into());
        if end > length(image.bytes) {
            problems.push(
                Problem::corrupt("a section reaches past the file's end").at(header.offset.into()),
            );
        }
        let len = index(header.size.into());
        sections.push(PeSection {
            name: Name::new(header.name),
            characteristics: header.characteristics,
            address: header.address,
            virtual_size: header.virtual_size,
            offset: header.offset,
            size: header.size,
            sha256: (len > 0)
                .then(|| digests.of(index(header.offset.into()), len))
                .flatten(),
        });
    }
    problems.extend(names.problem("sections are"));
    problems.extend(digests.problem());
    sections
}

fn certificates(image: &Image<'_>, problems: &mut Vec<Problem>) -> Option<Certificates> {
    let (offset, size) = image.directory(CERTIFICATES)?;
    if u64::from(offset).saturating_add(size.into()) > length(image.bytes) {
        problems.push(
            Problem::corrupt("the certificate table reaches past the file's end").at(offset.into()),
        );
    }
    Some(Certificates { offset, size })
}
