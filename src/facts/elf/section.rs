//! Sections and segments as facts: their names, places, rights and digests.

use std::fmt;

use serde::{Serialize, Serializer};

use super::view::View;
use crate::digest::Digest;
use crate::facts::meter::{Digests, Meter};
use crate::facts::name::Name;
use crate::read::length;

/// One section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its name.
    pub name: Name,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: SectionType,
    /// Its flags as stored: bit 0 writable, bit 1 loaded, bit 2 executable, ...
    pub flags: u64,
    /// Its virtual address; 0 when it is not loaded.
    pub address: u64,
    /// Where its bytes start, from the file's start.
    pub offset: u64,
    /// Its length in bytes, in memory and (unless it is `nobits`) in the file.
    pub size: u64,
    /// The digest of its bytes; absent where the file holds none or not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// One segment: what is loaded, where, with which rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: SegmentType,
    /// Its rights.
    pub flags: Rights,
    /// Where its bytes start, from the file's start.
    pub offset: u64,
    /// Its virtual address.
    pub address: u64,
    /// Its length in the file in bytes.
    pub file_size: u64,
    /// Its length in memory in bytes.
    pub memory_size: u64,
}

/// The type of a section, `sh_type`; as text the name that `readelf` has for it in lower case, or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectionType(pub u32);

/// The type of a segment, `p_type`; as text a lower-case word or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentType(pub u32);

/// The rights of a segment, `p_flags`; as text `rwx` with a dash for each one it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rights(pub u32);

const SECTION_WORDS: &[(u32, &str)] = &[
    (0, "null"),
    (1, "progbits"),
    (2, "symtab"),
    (3, "strtab"),
    (4, "rela"),
    (5, "hash"),
    (6, "dynamic"),
    (7, "note"),
    (8, "nobits"),
    (9, "rel"),
    (11, "dynsym"),
    (14, "init-array"),
    (15, "fini-array"),
    (16, "preinit-array"),
    (17, "group"),
    (18, "symtab-shndx"),
    (0x6fff_fff5, "gnu-attributes"),
    (0x6fff_fff6, "gnu-hash"),
    (0x6fff_fffd, "verdef"),
    (0x6fff_fffe, "verneed"),
    (0x6fff_ffff, "versym"),
];

const SEGMENT_WORDS: &[(u32, &str)] = &[
    (0, "null"),
    (1, "load"),
    (2, "dynamic"),
    (3, "interp"),
    (4, "note"),
    (6, "phdr"),
    (7, "tls"),
    (0x6474_e550, "gnu-eh-frame"),
    (0x6474_e551, "gnu-stack"),
    (0x6474_e552, "gnu-relro"),
    (0x6474_e553, "gnu-property"),
];

fn word(words: &[(u32, &str)], number: u32, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match words.iter().find(|known| known.0 == number) {
        Some((_, word)) => out.write_str(word),
        None => write!(out, "{number:#x}"),
    }
}

impl fmt::Display for SectionType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        word(SECTION_WORDS, self.0, out)
    }
}

impl fmt::Display for SegmentType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        word(SEGMENT_WORDS, self.0, out)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, letter) in [(4, "r"), (2, "w"), (1, "x")] {
            out.write_str(if self.0 & bit == 0 { "-" } else { letter })?;
        }
        Ok(())
    }
}

impl Serialize for SectionType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SegmentType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The sections of a file, without the null one that opens the table.
pub(super) fn sections(view: &mut View<'_>) -> Vec<Section> {
    let mut digests = Digests::new(view.bytes);
    let mut names = Meter::new(view.bytes, 4);
    let mut sections = Vec::new();
    let mut cut_off = 0_usize;
    for header in view.sections.iter().skip(1) {
        let name = view.section_name(header);
        if !names.take(length(name)) {
            break;
        }
        let range = view.section_range(header);
        let kind = SectionType(header.sh_type);
        if range.is_none() && kind.has_bytes() {
            cut_off = cut_off.saturating_add(1);
        }
        sections.push(Section {
            name: Name::new(name),
            kind,
            flags: header.sh_flags,
            address: header.sh_addr,
            offset: header.sh_offset,
            size: header.sh_size,
            sha256: range
                .filter(|_| kind.has_bytes())
                .and_then(|(at, len)| digests.of(at, len)),
        });
    }
    let cut_off = (cut_off > 0).then(|| {
        crate::problem::Problem::corrupt(format!("{cut_off} sections reach past the file's end"))
    });
    let problems = [cut_off, names.problem("sections are"), digests.problem()];
    for problem in problems.into_iter().flatten() {
        view.report(problem);
    }
    sections
}

impl SectionType {
    /// Whether sections of this type have bytes in the file.
    fn has_bytes(self) -> bool {
        !matches!(self.0, 0 | 8)
    }
}

/// The segments of a file.
pub(super) fn segments(view: &View<'_>) -> Vec<Segment> {
    view.segments
        .iter()
        .map(|header| Segment {
            kind: SegmentType(header.p_type),
            flags: Rights(header.p_flags),
            offset: header.p_offset,
            address: header.p_vaddr,
            file_size: header.p_filesz,
            memory_size: header.p_memsz,
        })
        .collect()
}
