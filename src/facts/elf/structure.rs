//! How the parts of a program lie in its file, and what the loader is told to fetch: what linkers do not make, and what patches leave behind.

#[cfg(test)]
mod tests;

use goblin::elf::header::{ET_DYN, ET_EXEC};
use goblin::elf::program_header::{PF_W, PF_X, PT_INTERP, PT_LOAD};
use goblin::elf::section_header::{SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS};
use goblin::elf::{ProgramHeader, SectionHeader};
use serde::{Deserialize, Serialize};

use super::dynamic::Dynamic;
use super::loaded::{Loaded, number};
use super::relocation::Slot;
use super::view::{View, clip};
use super::{explained, interpreter};
use crate::facts::machine::Machine;
use crate::facts::name::Name;
use crate::read::{index, length};

/// So many oddities of one sort are told.
const MOST: usize = 4;
/// Fewer bytes in no section are no code.
const FEWEST: usize = 16;
/// So many words of tables are looked at.
const MOST_WORDS: usize = 1 << 20;

/// How a program is laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// The loader that it asks for.
    pub interpreter: Option<Name>,
    /// The libraries that it asks for.
    pub needed: Vec<Name>,
    /// Where they are looked for first: lists with colons.
    pub search: Vec<Name>,
    /// What linkers do not make.
    pub oddities: Vec<Oddity>,
    /// What is loaded: where it stands in the file, its address, its length.
    loads: Vec<(u64, u64, u64)>,
}

/// Something that linkers do not make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oddity {
    /// What.
    pub kind: OddityKind,
    /// Its virtual address; 0 where it has none.
    pub address: u64,
    /// Where it stands in the file, in bytes from its start.
    pub offset: u64,
    /// In words.
    pub detail: String,
}

/// Sorts of oddities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OddityKind {
    /// Executable bytes in no section, while there are sections.
    CodeOutside,
    /// Execution starts, or a function that the loader calls stands, in no section of code.
    StartOutside,
    /// A table of addresses leads to executable bytes in no section.
    TableOutside,
    /// A loaded segment in which no section lies, or that stands apart from the others.
    SegmentAdded,
    /// A segment is writable and executable.
    WritableCode,
    /// A program or script stands behind everything that the file's tables name.
    Appended,
}

impl Structure {
    /// The structure of an ELF program or library; `None` for what is neither.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut view = View::parse(bytes).ok()?;
        if !matches!(view.header.e_type, ET_EXEC | ET_DYN) {
            return None;
        }
        let dynamic = Dynamic::parse(&mut view).unwrap_or_default();
        let interpreter = interpreter(&mut view);
        let layout = Layout::of(&view);
        let mut oddities = layout.segments();
        if let Some(loaded) = Loaded::of(bytes).filter(|_| !layout.code.is_empty()) {
            let caves = layout.caves();
            let holes: Vec<(u64, u64)> = caves.iter().map(|it| it.0).collect();
            oddities.extend(caves.into_iter().map(|it| it.1));
            oddities.extend(layout.starts(&loaded));
            oddities.extend(layout.tables(&loaded, &holes));
        }
        oddities.extend(appended(bytes));
        let loads = layout.loads.iter();
        Some(Self {
            interpreter,
            needed: dynamic.needed,
            search: [dynamic.rpath, dynamic.runpath].concat(),
            oddities,
            loads: loads
                .map(|it| (it.p_offset, it.p_vaddr, it.p_filesz))
                .collect(),
        })
    }

    /// The address of what stands at an offset in the file; `None` where it is not loaded.
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        self.loads.iter().find_map(|&(from, address, size)| {
            let inside = offset.checked_sub(from).filter(|&inside| inside < size)?;
            address.checked_add(inside)
        })
    }
}

/// Segments and sections, by their addresses.
struct Layout<'v, 'a> {
    view: &'v View<'a>,
    loads: Vec<&'v ProgramHeader>,
    /// What sections are loaded, and of them those that hold code: from where to where.
    sections: Vec<(u64, u64)>,
    code: Vec<(u64, u64)>,
}

impl<'v, 'a> Layout<'v, 'a> {
    fn of(view: &'v View<'a>) -> Self {
        let loaded = view
            .sections
            .iter()
            .filter(|it| it.sh_flags & u64::from(SHF_ALLOC) != 0 && it.sh_size > 0);
        let range = |it: &SectionHeader| (it.sh_addr, it.sh_addr.saturating_add(it.sh_size));
        let code = loaded
            .clone()
            .filter(|it| it.sh_flags & u64::from(SHF_EXECINSTR) != 0);
        let mut sections: Vec<(u64, u64)> = loaded.map(range).collect();
        sections.sort_unstable();
        Self {
            view,
            loads: view
                .segments
                .iter()
                .filter(|it| it.p_type == PT_LOAD)
                .collect(),
            sections,
            code: code.map(range).collect(),
        }
    }

    /// Segments that stand apart, are added, or may be written and executed.
    fn segments(&self) -> Vec<Oddity> {
        let mut oddities = Vec::new();
        let odd = |kind, one: &ProgramHeader, detail: &str| Oddity {
            kind,
            address: one.p_vaddr,
            offset: one.p_offset,
            detail: format!(
                "the segment of {} bytes at {:#x} {detail}",
                one.p_memsz, one.p_vaddr
            ),
        };
        let all = &self.view.segments;
        let first = all.iter().position(|it| it.p_type == PT_LOAD).unwrap_or(0);
        let together = all
            .iter()
            .skip(first)
            .take_while(|it| it.p_type == PT_LOAD)
            .count();
        let apart = self.loads.iter().skip(together).take(MOST);
        oddities.extend(apart.map(|it| {
            odd(
                OddityKind::SegmentAdded,
                it,
                "stands apart from the others in the table",
            )
        }));
        for one in self
            .loads
            .iter()
            .filter(|it| it.p_filesz > 0 && !self.code.is_empty())
        {
            let end = one.p_vaddr.saturating_add(one.p_memsz);
            let holds_one = self
                .sections
                .iter()
                .any(|&(from, to)| from < end && to > one.p_vaddr);
            if !holds_one && one.p_offset > 0 {
                oddities.push(odd(OddityKind::SegmentAdded, one, "holds no section"));
            }
        }
        let writable = self
            .loads
            .iter()
            .filter(|it| it.p_flags & (PF_W | PF_X) == PF_W | PF_X);
        oddities.extend(
            writable
                .take(MOST)
                .map(|it| odd(OddityKind::WritableCode, it, "is writable and executable")),
        );
        oddities
    }

    /// Executable bytes in no section that are no fill, each with its addresses from where to where.
    fn caves(&self) -> Vec<((u64, u64), Oddity)> {
        let mut caves = Vec::new();
        for one in self.loads.iter().filter(|it| it.p_flags & PF_X != 0) {
            let end = one.p_vaddr.saturating_add(one.p_filesz);
            let mut from = one.p_vaddr.max(self.headers_end(one));
            let holes = self.sections.iter().copied().chain([(end, end)]);
            for (start, stop) in holes {
                if start > from && caves.len() < MOST {
                    caves.extend(self.cave(one, from, start.min(end)));
                }
                from = from.max(stop).min(end);
            }
        }
        caves
    }

    /// What stands from an address to another of a segment, if it is no fill.
    fn cave(&self, one: &ProgramHeader, from: u64, to: u64) -> Option<((u64, u64), Oddity)> {
        let offset = one.p_offset.checked_add(from.checked_sub(one.p_vaddr)?)?;
        let bytes = clip(self.view.bytes, offset, to.checked_sub(from)?);
        let before = bytes.iter().take_while(|&&byte| byte == 0).count();
        let after = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
        let inside = bytes.get(before..bytes.len().checked_sub(after)?)?;
        let repeats = |size: usize| {
            inside
                .iter()
                .zip(inside.get(size..).unwrap_or_default())
                .all(|(one, next)| one == next)
        };
        if inside.len() < FEWEST || [1, 2, 4, 8].into_iter().any(repeats) {
            return None;
        }
        let skipped = length(bytes.get(..before)?);
        let address = from.checked_add(skipped)?;
        let oddity = Oddity {
            kind: OddityKind::CodeOutside,
            address,
            offset: offset.checked_add(skipped)?,
            detail: format!(
                "{} executable bytes at {address:#x} stand in no section",
                inside.len()
            ),
        };
        Some(((address, to), oddity))
    }

    /// Where the file's own headers end, if a segment loads them.
    fn headers_end(&self, one: &ProgramHeader) -> u64 {
        let header = &self.view.header;
        let table = u64::from(header.e_phnum).saturating_mul(header.e_phentsize.into());
        let end = u64::from(header.e_ehsize).max(header.e_phoff.saturating_add(table));
        match end.checked_sub(one.p_offset) {
            Some(inside) if one.p_offset == 0 => one.p_vaddr.saturating_add(inside),
            _ => one.p_vaddr,
        }
    }

    fn is_in(ranges: &[(u64, u64)], address: u64) -> bool {
        ranges
            .iter()
            .any(|&(from, to)| (from..to).contains(&address))
    }

    /// Where execution starts, and what the loader calls.
    fn starts(&self, loaded: &Loaded<'_>) -> Vec<Oddity> {
        let is_program = self.view.header.e_type == ET_EXEC
            || self.view.segments.iter().any(|it| it.p_type == PT_INTERP);
        let entry = (is_program && loaded.entry != 0).then_some((loaded.entry, "execution starts"));
        let called = loaded
            .called
            .iter()
            .map(|&address| (address, "a function that the loader calls stands"));
        let is_wrong = |address: u64| {
            let plain = plain(loaded, address);
            // Of 0 and -1 nothing is called. What is not loaded at all is told by other means.
            plain != 0
                && self.loads.iter().any(|it| {
                    plain
                        .checked_sub(it.p_vaddr)
                        .is_some_and(|inside| inside < it.p_memsz)
                })
                && !Self::is_in(&self.code, plain)
        };
        let wrong = entry
            .into_iter()
            .chain(called)
            .filter(|&(address, _)| is_wrong(address));
        let told = wrong.take(MOST).map(|(address, what)| Oddity {
            kind: OddityKind::StartOutside,
            address,
            offset: loaded.offset(plain(loaded, address)),
            detail: format!("{what} at {address:#x}, in no section of code"),
        });
        told.collect()
    }

    /// Addresses in the tables of the linker, and in what the loader relocates, that lead to executable bytes in no section.
    fn tables(&self, loaded: &Loaded<'_>, holes: &[(u64, u64)]) -> Vec<Oddity> {
        if holes.is_empty() {
            return Vec::new();
        }
        let is_table = |it: &&SectionHeader| {
            it.sh_type != SHT_NOBITS && self.view.section_name(it).starts_with(b".got")
        };
        let word = usize::from(loaded.word);
        let mut words: Vec<(u64, u64)> = Vec::new();
        for section in self.view.sections.iter().filter(is_table) {
            let places = (section.sh_addr..).step_by(word);
            let values = self.view.section_bytes(section).chunks_exact(word.max(1));
            let known = places.zip(values).filter_map(|(place, bytes)| {
                Some((place, number(bytes, loaded.word, loaded.endian)?))
            });
            words.extend(known.take(MOST_WORDS));
        }
        words.extend(
            loaded
                .slots()
                .iter()
                .filter_map(|&(place, slot)| match slot {
                    Slot::Address(to) => Some((place, to)),
                    Slot::Import(_) => None,
                }),
        );
        words.sort_unstable();
        words.dedup();
        let outside = words
            .into_iter()
            .filter(|&(_, to)| Self::is_in(holes, plain(loaded, to)));
        let told = outside.take(MOST).map(|(place, to)| Oddity {
            kind: OddityKind::TableOutside,
            address: place,
            offset: loaded.offset(place),
            detail: format!(
                "the address at {place:#x} leads to executable bytes at {to:#x}, in no section"
            ),
        });
        told.collect()
    }
}

/// The address of an instruction; on ARM and MIPS bit 0 tells its sort.
fn plain(loaded: &Loaded<'_>, address: u64) -> u64 {
    match loaded.machine {
        Machine::Arm | Machine::Mips => address & !1,
        _ => address,
    }
}

/// A program or script behind everything that the tables name.
fn appended(bytes: &[u8]) -> Option<Oddity> {
    let end = explained(bytes)?.end();
    let tail = bytes.get(index(end)..)?;
    let fill = tail.iter().take_while(|&&byte| byte == 0).count();
    let rest = tail.get(fill..)?;
    let what = [(&b"\x7fELF"[..], "a program"), (b"#!/", "a script")];
    let (_, what) = what
        .into_iter()
        .find(|(magic, _)| rest.starts_with(magic))?;
    let offset = length(bytes).checked_sub(length(rest))?;
    Some(Oddity {
        kind: OddityKind::Appended,
        address: 0,
        offset,
        detail: format!(
            "{what} of {} bytes stands behind the end of the file's own content, at byte {offset}",
            rest.len()
        ),
    })
}
