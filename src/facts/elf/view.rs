//! The tables of an ELF file as goblin reads them, each clipped to what the file really holds.

use goblin::container::{Container, Ctx};
use goblin::elf::header::Header;
use goblin::elf::program_header::PT_LOAD;
use goblin::elf::section_header::{SHN_XINDEX, SHT_NOBITS};
use goblin::elf::{Elf, ProgramHeader, SectionHeader};

use crate::facts::meter::{NAME_MAX, string_at};
use crate::problem::Problem;
use crate::read::{Endian, Fields, index, length};

/// Most sections that are read. Real files have tens, a kernel object with one per function some tens of thousands.
const SECTIONS_MAX: u64 = 1 << 17;
/// The count of program headers that says: see the first section header.
const PN_XNUM: u16 = 0xffff;
/// Most problems that are kept of one file.
const PROBLEMS_MAX: usize = 32;

/// Header, segments and sections of one file.
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: Header,
    pub(super) ctx: Ctx,
    pub(super) segments: Vec<ProgramHeader>,
    pub(super) sections: Vec<SectionHeader>,
    pub(super) problems: Vec<Problem>,
    section_names: &'a [u8],
}

impl<'a> View<'a> {
    /// Reads the tables; what is wrong with them is in `problems`.
    ///
    /// # Errors
    /// The header is not one of an ELF file.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Problem> {
        let wrong = |error: goblin::error::Error| Problem::corrupt(format!("ELF header: {error}"));
        let header = Elf::parse_header(bytes).map_err(wrong)?;
        let ctx = Ctx::new(
            header.container().map_err(wrong)?,
            header.endianness().map_err(wrong)?,
        );
        let mut view = Self {
            bytes,
            header,
            ctx,
            segments: Vec::new(),
            sections: Vec::new(),
            problems: Vec::new(),
            section_names: &[],
        };
        view.read_sections();
        view.read_segments();
        Ok(view)
    }

    /// Keeps a problem, up to a limit.
    pub(super) fn report(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// Whether addresses have 64 bits.
    pub(super) fn is_64(&self) -> bool {
        self.ctx.container == Container::Big
    }

    /// The byte order.
    pub(super) fn endian(&self) -> Endian {
        if self.ctx.is_little_endian() {
            Endian::Little
        } else {
            Endian::Big
        }
    }

    /// Reads `bytes` in the file's byte order.
    pub(super) fn fields<'b>(&self, bytes: &'b [u8]) -> Fields<'b> {
        Fields::new(bytes, self.endian())
    }

    /// The name of a section; empty where the name table does not hold it.
    pub(super) fn section_name(&self, section: &SectionHeader) -> &'a [u8] {
        string_at(self.section_names, section.sh_name, NAME_MAX).unwrap_or_default()
    }

    /// Where a section's bytes lie in the file, when it has any and all of them are there.
    pub(super) fn section_range(&self, section: &SectionHeader) -> Option<(usize, usize)> {
        let end = section.sh_offset.checked_add(section.sh_size)?;
        (section.sh_type != SHT_NOBITS && end <= length(self.bytes))
            .then(|| (index(section.sh_offset), index(section.sh_size)))
    }

    /// A section's bytes, as many as the file holds.
    pub(super) fn section_bytes(&self, section: &SectionHeader) -> &'a [u8] {
        if section.sh_type == SHT_NOBITS {
            return &[];
        }
        clip(self.bytes, section.sh_offset, section.sh_size)
    }

    /// A segment's bytes, as many as the file holds.
    pub(super) fn segment_bytes(&self, segment: &ProgramHeader) -> &'a [u8] {
        clip(self.bytes, segment.p_offset, segment.p_filesz)
    }

    /// The offset in the file of what is loaded at `address`.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr)?;
            (segment.p_type == PT_LOAD && inside < segment.p_filesz)
                .then(|| segment.p_offset.checked_add(inside))?
        })
    }

    fn read_sections(&mut self) {
        let (at, count) = (self.header.e_shoff, self.header.e_shnum);
        if at == 0 {
            if count != 0 {
                self.report(Problem::corrupt(format!(
                    "{count} sections, but no section table"
                )));
            }
            return;
        }
        let size = SectionHeader::size(self.ctx);
        if usize::from(self.header.e_shentsize) != size {
            let found = self.header.e_shentsize;
            return self.report(Problem::corrupt(format!(
                "a section header has {size} bytes, the file says {found}"
            )));
        }
        let Some(first) = self.section_headers(1) else {
            return self.report(Problem::corrupt("the section table lies past the end").at(at));
        };
        // Counts that do not fit the header stand in the first, otherwise unused, section header.
        let claimed = match count {
            0 => first.first().map_or(0, |null| null.sh_size),
            count => u64::from(count),
        };
        let room = fitting(length(self.bytes).saturating_sub(at), length_of(size));
        let there = claimed.min(room).min(SECTIONS_MAX);
        if claimed > SECTIONS_MAX && room > SECTIONS_MAX {
            self.report(Problem::limit(format!("{claimed} sections, {there} read")));
        } else if there < claimed {
            self.report(
                Problem::corrupt(format!("{claimed} sections, room for {there} in the file"))
                    .at(at),
            );
        }
        if there > 0 {
            self.sections = self.section_headers(index(there)).unwrap_or_default();
            self.section_names = self.names_table();
        }
    }

    fn section_headers(&self, count: usize) -> Option<Vec<SectionHeader>> {
        let at = index(self.header.e_shoff);
        SectionHeader::parse_from(self.bytes, at, count, self.ctx).ok()
    }

    fn names_table(&mut self) -> &'a [u8] {
        let stated = u32::from(self.header.e_shstrndx);
        let at = if stated == SHN_XINDEX {
            self.sections.first().map_or(0, |null| null.sh_link)
        } else {
            stated
        };
        if at == 0 {
            return &[];
        }
        if let Some(section) = self.sections.get(index(at.into())) {
            return self.section_bytes(section);
        }
        self.report(Problem::corrupt(format!(
            "the section names are in section {at}, which is not there"
        )));
        &[]
    }

    fn read_segments(&mut self) {
        let at = self.header.e_phoff;
        let claimed = match self.header.e_phnum {
            PN_XNUM => self
                .sections
                .first()
                .map_or(PN_XNUM.into(), |null| null.sh_info),
            count => count.into(),
        };
        if claimed == 0 {
            return;
        }
        let size = ProgramHeader::size(self.ctx);
        if usize::from(self.header.e_phentsize) != size {
            let found = self.header.e_phentsize;
            return self.report(Problem::corrupt(format!(
                "a program header has {size} bytes, the file says {found}"
            )));
        }
        let room = fitting(length(self.bytes).saturating_sub(at), length_of(size));
        let there = u64::from(claimed).min(room).min(u64::from(u16::MAX));
        if there < claimed.into() {
            self.report(
                Problem::corrupt(format!(
                    "{claimed} program headers, {there} in the file or readable"
                ))
                .at(at),
            );
        }
        if there > 0 {
            self.segments = ProgramHeader::parse(self.bytes, index(at), index(there), self.ctx)
                .unwrap_or_default();
        }
    }
}

/// The `len` bytes at `at`, as many as are there.
pub(super) fn clip(bytes: &[u8], at: u64, len: u64) -> &[u8] {
    let start = at.min(length(bytes));
    let end = at.saturating_add(len).min(length(bytes));
    bytes.get(index(start)..index(end)).unwrap_or_default()
}

/// How many records of `size` bytes fit into `len` bytes.
pub(super) fn fitting(len: u64, size: u64) -> u64 {
    len.checked_div(size).unwrap_or(0)
}

fn length_of(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
