//! What a baseline states of a program's code: fingerprints that are as short as telling what changed allows.
//!
//! The form is bytes, written in base64: `1`; how many bytes of each digest are kept (of code, of calls, of uses); one byte that says what is odd in
//! how the file is laid out (from the lowest bit on the sorts of `Oddity`, then bytes behind the end, then a table of symbols); how many segments are
//! loaded, and how many hold notes; the digest of the linkage table's
//! stubs (4 bytes); how many functions there are; two bits for each function from the lowest bit of a byte on: whether it calls something, and whether
//! it uses texts or constants; the digests of code, then of calls, then of uses, each of the functions that have them, in the order of their
//! addresses; the number of the function that execution starts with, from 1 on, or 0; how many functions the loader calls, and the number of each;
//! how many functions of libraries it uses, and 2 bytes of the digest of each name, sorted; how many sections hold data, and of each 1 byte of the
//! digest of its name and 3 of its content. Numbers are groups of 7 bits, the lowest first, the highest bit set in all bytes but the last.

mod bytes;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::bytes::{Reader, number};
use super::model::ElfRow;
use crate::digest::Digest;
use crate::facts::FileType;
use crate::facts::code::{Outline, Outlined};
use crate::facts::elf::{Elf, OddityKind, Structure};
use crate::read::length;

/// The form.
const FORM: u8 = 1;
/// More functions than a program may have.
const MOST: usize = 1 << 20;
/// Sections of which nothing is kept: linkers fill them with addresses.
const LINKED: &[&[u8]] = &[
    b".got",
    b".plt",
    b".eh_frame",
    b".ARM.ex",
    b".interp",
    b".MIPS",
    b".tm_clone",
];

/// How many bytes of digests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Of what functions do.
    pub code: u8,
    /// Of what they call.
    pub calls: u8,
    /// Of the texts and constants that they use.
    pub uses: u8,
}

/// How a file is laid out, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// From the lowest bit on: the sorts of [`Oddity`](crate::facts::elf::Oddity), bytes behind the end, a table of symbols.
    pub odd: u8,
    /// Segments that are loaded.
    pub loads: u8,
    /// Segments that hold notes.
    pub notes: u8,
}

impl Layout {
    /// The bit for bytes behind the end of the file's own content.
    pub const OVERLAY: u8 = 1 << 6;
    /// The bit for a table of symbols that linking leaves and stripping removes.
    pub const SYMBOLS: u8 = 1 << 7;

    /// The layout of a file.
    pub fn of(bytes: &[u8], elf: &Elf, structure: Option<&Structure>) -> Self {
        let oddities = structure.map(|structure| structure.oddities.as_slice());
        let mut odd = oddities
            .unwrap_or_default()
            .iter()
            .fold(0, |all, oddity| all | Self::bit(oddity.kind));
        let end = FileType::Elf.end_of(bytes);
        if end.is_some_and(|end| end < length(bytes)) {
            odd |= Self::OVERLAY;
        }
        if !elf.symbols.stripped {
            odd |= Self::SYMBOLS;
        }
        let count = |kind: u32| {
            let segments = elf.segments.iter().filter(|segment| segment.kind.0 == kind);
            u8::try_from(segments.count()).unwrap_or(u8::MAX)
        };
        Self {
            odd,
            loads: count(1),
            notes: count(4),
        }
    }

    /// Whether another layout has no table of symbols, while this one has.
    pub fn is_stripped(self, other: Self) -> bool {
        self.odd & Self::SYMBOLS != 0 && other.odd & Self::SYMBOLS == 0
    }

    /// The bit of a sort of oddity.
    pub fn bit(kind: OddityKind) -> u8 {
        match kind {
            OddityKind::CodeOutside => 1,
            OddityKind::StartOutside => 1 << 1,
            OddityKind::TableOutside => 1 << 2,
            OddityKind::SegmentAdded => 1 << 3,
            OddityKind::WritableCode => 1 << 4,
            OddityKind::Appended => 1 << 5,
        }
    }
}

/// From the longest to the shortest.
const WIDTHS: [Widths; 3] = [
    Widths {
        code: 4,
        calls: 2,
        uses: 2,
    },
    Widths {
        code: 4,
        calls: 1,
        uses: 1,
    },
    Widths {
        code: 3,
        calls: 1,
        uses: 1,
    },
];

/// The code of a program as a baseline states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// How much of each digest is kept.
    pub widths: Widths,
    /// How the file is laid out.
    pub layout: Layout,
    /// The digest of the forms of the linkage table's stubs.
    pub stubs: [u8; 4],
    /// Functions and what stands between them, in the order of their addresses.
    pub functions: Vec<Print>,
    /// Which of them execution starts with.
    pub entry: Option<usize>,
    /// Which of them the loader calls; `None` for what is none of them.
    pub called: Vec<Option<usize>>,
    /// Of each function of a library that it uses, the start of its name's digest; sorted.
    pub imports: Vec<[u8; 2]>,
    /// Of each section of data, the start of its name's digest, and of its content's.
    pub data: Vec<[u8; 4]>,
}

/// The fingerprint of one function: the starts of digests, as many bytes as the row keeps, zeros behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Print {
    /// What it does.
    pub code: [u8; 4],
    /// What it calls, in order.
    pub calls: Option<[u8; 2]>,
    /// The texts and constants that it uses.
    pub uses: Option<[u8; 2]>,
}

impl CodeRow {
    /// The row of one program, with all that a row can keep.
    pub fn of(outline: &Outline, elf: &Elf, layout: Layout) -> Self {
        let [widths, ..] = WIDTHS;
        let mut imports: Vec<[u8; 2]> = elf
            .imports
            .iter()
            .map(|name| import(name.as_bytes()))
            .collect();
        imports.sort_unstable();
        imports.dedup();
        Self {
            widths,
            layout,
            stubs: start(&outline.stubs),
            functions: outline
                .functions
                .iter()
                .map(|one| Print::of(one, widths))
                .collect(),
            entry: outline.entry,
            called: outline.called.clone(),
            imports,
            data: data(elf).into_iter().map(|(_, print)| print).collect(),
        }
    }

    /// With less kept of each digest.
    fn narrowed(&self, widths: Widths) -> Self {
        let functions = self.functions.iter().map(|print| print.narrowed(widths));
        Self {
            widths,
            functions: functions.collect(),
            ..self.clone()
        }
    }

    /// The text that a baseline holds.
    pub fn text(&self) -> String {
        let layout = self.layout;
        let mut out = vec![
            FORM,
            self.widths.code,
            self.widths.calls,
            self.widths.uses,
            layout.odd,
            layout.loads,
            layout.notes,
        ];
        out.extend_from_slice(&self.stubs);
        number(&mut out, self.functions.len());
        for group in self.functions.chunks(4) {
            let bits = group.iter().enumerate().map(|(at, print)| {
                let bits = u8::from(print.calls.is_some()) | u8::from(print.uses.is_some()) << 1;
                bits.checked_shl(u32::try_from(at.saturating_mul(2)).unwrap_or(0))
                    .unwrap_or(0)
            });
            out.push(bits.fold(0, |all, bits| all | bits));
        }
        let mut put = |bytes: &[u8], width: u8| out.extend(bytes.iter().take(width.into()));
        for print in &self.functions {
            put(&print.code, self.widths.code);
        }
        for calls in self.functions.iter().filter_map(|print| print.calls) {
            put(&calls, self.widths.calls);
        }
        for uses in self.functions.iter().filter_map(|print| print.uses) {
            put(&uses, self.widths.uses);
        }
        let ordinal = |number: Option<usize>| number.map_or(0, |number| number.saturating_add(1));
        number(&mut out, ordinal(self.entry));
        number(&mut out, self.called.len());
        for called in &self.called {
            number(&mut out, ordinal(*called));
        }
        number(&mut out, self.imports.len());
        out.extend(self.imports.iter().flatten());
        number(&mut out, self.data.len());
        out.extend(self.data.iter().flatten());
        STANDARD.encode(out)
    }

    /// What a baseline's text says.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let bytes = STANDARD.decode(text).map_err(|_error| "base64")?;
        let row = Self::read(&mut Reader::new(&bytes)).ok_or(
            "fingerprints of code in a form that is known, without anything missing or left over",
        )?;
        if row.text() == text {
            Ok(row)
        } else {
            Err("written in the one way that there is")
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if from.byte()? != FORM {
            return None;
        }
        let widths = Widths {
            code: from.byte()?,
            calls: from.byte()?,
            uses: from.byte()?,
        };
        if !WIDTHS.contains(&widths) {
            return None;
        }
        let layout = Layout {
            odd: from.byte()?,
            loads: from.byte()?,
            notes: from.byte()?,
        };
        let stubs = from.array(4)?;
        let count = from.count(MOST)?;
        let flags = from.slice(count.div_ceil(4))?.to_vec();
        let bit = |at: usize, more: usize| {
            let byte = flags.get(at.checked_div(4)?)?;
            let shift =
                u32::try_from(at.checked_rem(4)?.checked_mul(2)?.checked_add(more)?).ok()?;
            Some(byte.checked_shr(shift)? & 1 == 1)
        };
        let mut functions = Vec::new();
        for _ in 0..count {
            functions.push(Print {
                code: from.array(widths.code)?,
                calls: None,
                uses: None,
            });
        }
        for (at, print) in functions.iter_mut().enumerate() {
            if bit(at, 0)? {
                print.calls = Some(from.array(widths.calls)?);
            }
        }
        for (at, print) in functions.iter_mut().enumerate() {
            if bit(at, 1)? {
                print.uses = Some(from.array(widths.uses)?);
            }
        }
        let entry = from.ordinal(count)?.checked_sub(1);
        let mut called = Vec::new();
        for _ in 0..from.count(MOST)? {
            called.push(from.ordinal(count)?.checked_sub(1));
        }
        let mut imports = Vec::new();
        for _ in 0..from.count(MOST)? {
            imports.push(from.array(2)?);
        }
        let mut data = Vec::new();
        for _ in 0..from.count(MOST)? {
            data.push(from.array(4)?);
        }
        from.is_empty().then_some(Self {
            widths,
            layout,
            stubs,
            functions,
            entry,
            called,
            imports,
            data,
        })
    }
}

impl Print {
    /// The fingerprint of a function.
    pub fn of(function: &Outlined, widths: Widths) -> Self {
        let full = Self {
            code: start(&function.code),
            calls: function.calls.map(|digest| start(&digest)),
            uses: function.uses.map(|digest| start(&digest)),
        };
        full.narrowed(widths)
    }

    /// What is kept of the digest of what a function calls.
    pub fn calls(digest: Option<[u8; 8]>, widths: Widths) -> Option<[u8; 2]> {
        digest.map(|digest| kept(start(&digest), widths.calls))
    }

    fn narrowed(&self, widths: Widths) -> Self {
        Self {
            code: kept(self.code, widths.code),
            calls: self.calls.map(|digest| kept(digest, widths.calls)),
            uses: self.uses.map(|digest| kept(digest, widths.uses)),
        }
    }
}

/// Keeps so much of the digests that all rows together are no longer than 3 % of the programs, or the least that is of use.
pub fn fit(rows: &mut [ElfRow], programs: u64) {
    for widths in WIDTHS {
        for row in rows.iter_mut() {
            row.code = row.code.as_ref().map(|code| code.narrowed(widths));
        }
        let texts = rows
            .iter()
            .filter_map(|row| row.code.as_ref())
            .map(|code| code.text().len());
        let total = u64::try_from(texts.sum::<usize>()).unwrap_or(u64::MAX);
        if total.saturating_mul(100) <= programs.saturating_mul(3) {
            return;
        }
    }
}

/// What is kept of the name of a library's function.
pub fn import(name: &[u8]) -> [u8; 2] {
    start(Digest::of(name).as_bytes())
}

/// The sections of data, each with what is kept of it.
pub fn data(elf: &Elf) -> Vec<(String, [u8; 4])> {
    /// Loaded, and executable.
    const ALLOC: u64 = 2;
    const EXECUTABLE: u64 = 4;
    let holds_data = |name: &[u8], flags: u64| {
        flags & (ALLOC | EXECUTABLE) == ALLOC
            && !LINKED.iter().any(|linked| name.starts_with(linked))
    };
    let sections = elf.sections.iter().filter(|section| {
        matches!(section.kind.0, 1 | 14..=16) && holds_data(section.name.as_bytes(), section.flags)
    });
    sections
        .filter_map(|section| {
            let [name, ..] = *Digest::of(section.name.as_bytes()).as_bytes();
            let [one, two, three, ..] = *section.sha256?.as_bytes();
            Some((section.name.to_string(), [name, one, two, three]))
        })
        .collect()
}

fn start<const N: usize>(digest: &[u8]) -> [u8; N] {
    digest.first_chunk().copied().unwrap_or([0; N])
}

/// The first bytes of a digest, zeros behind them.
fn kept<const N: usize>(digest: [u8; N], width: u8) -> [u8; N] {
    let mut kept = [0; N];
    for (to, byte) in kept.iter_mut().zip(digest).take(width.into()) {
        *to = byte;
    }
    kept
}

#[cfg(test)]
mod tests;
