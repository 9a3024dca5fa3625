//! Where the check bytes of a page stand in its spare bytes, and what they check.

use std::sync::LazyLock;

use super::bch::Bch;
use super::geometry::Geometry;
use super::hamming::Hamming;
use crate::read::is_all;

/// A way in which some software or controller keeps check bytes.
pub(super) struct Layout {
    /// What reports and the flag call it.
    pub(super) name: &'static str,
    code: Code,
    place: Place,
}

/// What the check bytes are.
#[derive(Clone, Copy)]
enum Code {
    /// Three bytes that correct one bit.
    Hamming(Hamming),
    /// A remainder that corrects several.
    Bch {
        code: &'static LazyLock<Bch>,
        /// Bytes of a step.
        step: usize,
        bits: Bits,
    },
    /// The Reed-Solomon code of the `LPC32x0` over 512 bytes, six spare bytes and its own ten. Its polynomial is not
    /// published, so it is named by where it stands and never checked.
    Unchecked { step: usize },
}

/// How a BCH code is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bits {
    /// Added to a mask that makes the code of erased bytes erased.
    Masked,
    /// As it is.
    Plain,
    /// As it is, and all bytes with their least significant bit first.
    Reversed,
}

/// Where the check bytes of the steps stand.
#[derive(Clone, Copy)]
enum Place {
    /// One after another, up to the end of the spare bytes.
    End,
    /// From an offset on, so many bytes apart.
    At { first: usize, apart: usize },
    /// At these offsets, for these pages only.
    Listed {
        page: usize,
        spare: usize,
        at: &'static [usize],
    },
}

static BCH4: LazyLock<Bch> = LazyLock::new(|| Bch::new(13, 4, 512));
static BCH8: LazyLock<Bch> = LazyLock::new(|| Bch::new(13, 8, 512));
static BCH12: LazyLock<Bch> = LazyLock::new(|| Bch::new(13, 12, 512));
static BCH16: LazyLock<Bch> = LazyLock::new(|| Bch::new(13, 16, 512));
static BCH2: LazyLock<Bch> = LazyLock::new(|| Bch::new(13, 2, 512));
static BCH24: LazyLock<Bch> = LazyLock::new(|| Bch::new(13, 24, 512));
static LONG_BCH4: LazyLock<Bch> = LazyLock::new(|| Bch::new(14, 4, 1024));
static LONG_BCH8: LazyLock<Bch> = LazyLock::new(|| Bch::new(14, 8, 1024));
static LONG_BCH12: LazyLock<Bch> = LazyLock::new(|| Bch::new(14, 12, 1024));
static LONG_BCH16: LazyLock<Bch> = LazyLock::new(|| Bch::new(14, 16, 1024));
static LONG_BCH24: LazyLock<Bch> = LazyLock::new(|| Bch::new(14, 24, 1024));

const fn hamming(name: &'static str, step: usize, smart_media: bool, place: Place) -> Layout {
    Layout {
        name,
        code: Code::Hamming(Hamming { step, smart_media }),
        place,
    }
}

const fn bch(
    name: &'static str,
    code: &'static LazyLock<Bch>,
    step: usize,
    bits: Bits,
    place: Place,
) -> Layout {
    Layout {
        name,
        code: Code::Bch { code, step, bits },
        place,
    }
}

const fn small(at: &'static [usize]) -> Place {
    Place::Listed {
        page: 512,
        spare: 16,
        at,
    }
}

const fn at(first: usize, apart: usize) -> Place {
    Place::At { first, apart }
}

/// Every layout, in the order in which they are tried. The first groups are those of Linux's software codes: behind small pages,
/// at the end of large ones, and where older kernels fixed them for 128 spare bytes. Then those of the `AM335x` and OMAP ROM, of
/// Atmel's PMECC, and of the `LPC32x0`.
pub(super) const ALL: &[Layout] = &[
    hamming("hamming-256", 256, false, small(&[0, 1, 2, 3, 6, 7])),
    hamming(
        "hamming-256-smartmedia",
        256,
        true,
        small(&[0, 1, 2, 3, 6, 7]),
    ),
    hamming("smartmedia", 256, true, small(&[13, 14, 15, 8, 9, 10])),
    hamming("hamming-512", 512, false, small(&[0, 1, 2])),
    hamming("hamming-256", 256, false, Place::End),
    hamming("hamming-256-smartmedia", 256, true, Place::End),
    hamming("hamming-512", 512, false, Place::End),
    hamming("hamming-512-smartmedia", 512, true, Place::End),
    hamming("hamming-256-at-80", 256, false, at(80, 3)),
    hamming("hamming-256-at-80-smartmedia", 256, true, at(80, 3)),
    hamming("hamming-512-at-40", 512, false, at(40, 3)),
    hamming("hamming-512-at-80", 512, false, at(80, 3)),
    bch("bch4", &BCH4, 512, Bits::Masked, Place::End),
    bch("bch8", &BCH8, 512, Bits::Masked, Place::End),
    bch("bch12", &BCH12, 512, Bits::Masked, Place::End),
    bch("bch16", &BCH16, 512, Bits::Masked, Place::End),
    bch("bch8-1024", &LONG_BCH8, 1024, Bits::Masked, Place::End),
    bch("bch16-1024", &LONG_BCH16, 1024, Bits::Masked, Place::End),
    bch("bch24-1024", &LONG_BCH24, 1024, Bits::Masked, Place::End),
    bch("omap-bch4", &BCH4, 512, Bits::Plain, at(2, 8)),
    bch("omap-bch8", &BCH8, 512, Bits::Plain, at(2, 14)),
    bch("omap-bch16", &BCH16, 512, Bits::Plain, at(2, 26)),
    bch("omap-bch4-software", &BCH4, 512, Bits::Masked, at(2, 8)),
    bch("omap-bch8-software", &BCH8, 512, Bits::Masked, at(2, 14)),
    bch("pmecc-2", &BCH2, 512, Bits::Reversed, Place::End),
    bch("pmecc-4", &BCH4, 512, Bits::Reversed, Place::End),
    bch("pmecc-8", &BCH8, 512, Bits::Reversed, Place::End),
    bch("pmecc-12", &BCH12, 512, Bits::Reversed, Place::End),
    bch("pmecc-24", &BCH24, 512, Bits::Reversed, Place::End),
    bch("pmecc-4-1024", &LONG_BCH4, 1024, Bits::Reversed, Place::End),
    bch("pmecc-8-1024", &LONG_BCH8, 1024, Bits::Reversed, Place::End),
    bch(
        "pmecc-12-1024",
        &LONG_BCH12,
        1024,
        Bits::Reversed,
        Place::End,
    ),
    bch(
        "pmecc-24-1024",
        &LONG_BCH24,
        1024,
        Bits::Reversed,
        Place::End,
    ),
    Layout {
        name: "lpc32x0-mlc",
        code: Code::Unchecked { step: 512 },
        place: at(6, 16),
    },
];

/// A layout on pages of one geometry.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) layout: &'static Layout,
    geometry: Geometry,
}

/// What the check bytes of a step or of a page say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing was written there; so many bits flipped since it was erased.
    Erased(usize),
    /// The check bytes fit after so many bits were corrected.
    Holds(usize),
    /// Data without check bytes.
    Absent,
    /// More bits are wrong than can be corrected.
    Fails,
}

impl Layout {
    /// The layout on pages of `geometry`, where there is room for it.
    pub(super) fn on(&'static self, geometry: Geometry) -> Option<Placed> {
        let placed = Placed {
            layout: self,
            geometry,
        };
        let steps = placed.steps();
        let room = match self.place {
            Place::Listed { page, spare, .. } => (page, spare) == (geometry.page, geometry.spare),
            // The bad block marker stands in front.
            Place::End => steps.saturating_mul(self.code_len()).saturating_add(2) <= geometry.spare,
            Place::At { first, apart } => {
                let last = steps.saturating_sub(1).saturating_mul(apart);
                first.saturating_add(last).saturating_add(self.code_len()) <= geometry.spare
            }
        };
        (room && geometry.page >= self.step()).then_some(placed)
    }

    /// Whether the check bytes can be checked.
    pub(super) fn is_checked(&self) -> bool {
        !matches!(self.code, Code::Unchecked { .. })
    }

    fn step(&self) -> usize {
        match self.code {
            Code::Hamming(hamming) => hamming.step,
            Code::Bch { step, .. } | Code::Unchecked { step } => step,
        }
    }

    fn code_len(&self) -> usize {
        match self.code {
            Code::Hamming(_) => 3,
            Code::Bch { code, .. } => code.len(),
            Code::Unchecked { .. } => 10,
        }
    }

    fn strength(&self) -> usize {
        match self.code {
            Code::Hamming(_) => 1,
            Code::Bch { code, .. } => code.strength(),
            Code::Unchecked { .. } => 0,
        }
    }

    fn holds(&self, data: &[u8], stored: &[u8]) -> bool {
        match self.code {
            Code::Hamming(hamming) => three(stored).is_some_and(|code| hamming.holds(data, code)),
            Code::Bch { code, bits, .. } => computed(code, data, bits) == stored,
            Code::Unchecked { .. } => false,
        }
    }

    fn correct(&self, data: &mut [u8], stored: &[u8]) -> Option<usize> {
        match self.code {
            Code::Hamming(hamming) => hamming.correct(data, three(stored)?),
            Code::Bch { code, bits, .. } => {
                let computed = computed(code, data, bits);
                code.correct(data, stored, &computed, bits == Bits::Reversed)
            }
            Code::Unchecked { .. } => None,
        }
    }
}

impl Placed {
    fn steps(&self) -> usize {
        self.geometry
            .page
            .checked_div(self.layout.step())
            .unwrap_or_default()
    }

    /// Where in the spare bytes the check bytes of a step stand.
    fn positions(&self, step: usize) -> impl Iterator<Item = usize> {
        let len = self.layout.code_len();
        (0..len).filter_map(move |byte| {
            let nth = step.saturating_mul(len).saturating_add(byte);
            match self.layout.place {
                Place::Listed { at, .. } => at.get(nth).copied(),
                Place::End => {
                    let all = self.steps().saturating_mul(len);
                    self.geometry.spare.checked_sub(all)?.checked_add(nth)
                }
                Place::At { first, apart } => first
                    .checked_add(step.checked_mul(apart)?)?
                    .checked_add(byte),
            }
        })
    }

    /// Every position of check bytes, and of the bytes that the OMAP ROM leaves zero behind them.
    pub(super) fn all_positions(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.steps())
            .flat_map(|step| self.positions(step))
            .collect();
        if let (
            Place::At { first: 2, apart },
            Code::Bch {
                bits: Bits::Plain, ..
            },
        ) = (self.layout.place, self.layout.code)
        {
            let len = self.layout.code_len();
            let behind = |step: usize| {
                let code = step.saturating_mul(apart).saturating_add(2);
                code.saturating_add(len)..code.saturating_add(apart)
            };
            all.extend((0..self.steps()).flat_map(behind));
        }
        all
    }

    fn code(&self, spare: &[u8], step: usize) -> Vec<u8> {
        self.positions(step)
            .filter_map(|at| spare.get(at).copied())
            .collect()
    }

    /// The steps of a page that say something: data and check bytes, neither of one value.
    pub(super) fn telling<'a>(
        &'a self,
        data: &'a [u8],
        spare: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], Vec<u8>)> {
        let steps = data.chunks_exact(self.layout.step()).enumerate();
        steps
            .map(|(step, data)| (data, self.code(spare, step)))
            .filter(|(data, code)| !is_constant(data) && !is_constant(code))
    }

    /// Whether the check bytes of one step hold as they are.
    pub(super) fn holds(&self, data: &[u8], code: &[u8]) -> bool {
        self.layout.holds(data, code)
    }

    /// Whether all check bytes of a page hold as they are.
    pub(super) fn all_hold(&self, data: &[u8], spare: &[u8]) -> bool {
        let mut steps = data.chunks_exact(self.layout.step()).enumerate();
        steps.all(|(step, data)| {
            let code = self.code(spare, step);
            self.layout.holds(data, &code) || is_all(data, 0xff) && is_all(&code, 0xff)
        })
    }

    /// Corrects a page, step by step. A step that cannot be corrected stays as it is.
    pub(super) fn correct(&self, data: &mut [u8], spare: &[u8]) -> Check {
        let mut fixed = 0_usize;
        let (mut written, mut fails) = (false, false);
        let mut absent = Vec::new();
        for (step, part) in data.chunks_exact_mut(self.layout.step()).enumerate() {
            let code = self.code(spare, step);
            match self.correct_step(part, &code) {
                Check::Erased(bits) => fixed = fixed.saturating_add(bits),
                Check::Holds(bits) => {
                    fixed = fixed.saturating_add(bits);
                    written = true;
                }
                Check::Absent => absent.push((part, code)),
                Check::Fails => fails = true,
            }
        }
        if !written && !fails && !absent.is_empty() {
            return Check::Absent;
        }
        // A page of which one step has check bytes has them for all: these are 0xff because that is the code of the data,
        // as the Hamming code of zeros is.
        for (part, code) in absent {
            match self.layout.correct(part, &code) {
                Some(bits) => fixed = fixed.saturating_add(bits),
                None => fails = true,
            }
        }
        if fails {
            Check::Fails
        } else if written {
            Check::Holds(fixed)
        } else {
            Check::Erased(fixed)
        }
    }

    fn correct_step(&self, data: &mut [u8], code: &[u8]) -> Check {
        // As in Linux: what has few zero bits was erased, whatever the check bytes would say of it.
        let strength = self.layout.strength();
        if let Some(bits) = zeros(data, code, strength) {
            data.fill(0xff);
            return Check::Erased(bits);
        }
        if self.layout.holds(data, code) {
            return Check::Holds(0);
        }
        if is_all(code, 0xff) {
            return Check::Absent;
        }
        self.layout
            .correct(data, code)
            .map_or(Check::Fails, Check::Holds)
    }
}

/// How many bits of erased bytes are zero; `None` when they are more than `most`.
fn zeros(data: &[u8], code: &[u8], most: usize) -> Option<usize> {
    let mut count = 0_usize;
    for part in data.chunks(64).chain(std::iter::once(code)) {
        let zeros = part.iter().map(|byte| byte.count_zeros()).sum::<u32>();
        count = count.saturating_add(usize::try_from(zeros).ok()?);
        if count > most {
            return None;
        }
    }
    Some(count)
}

fn three(code: &[u8]) -> Option<[u8; 3]> {
    code.try_into().ok()
}

/// The check bytes of `data`, as they should be stored.
fn computed(code: &Bch, data: &[u8], bits: Bits) -> Vec<u8> {
    let mut computed = code.remainder(data, bits == Bits::Reversed);
    if bits == Bits::Masked {
        for (byte, mask) in computed.iter_mut().zip(code.mask()) {
            *byte ^= mask;
        }
    }
    computed
}

/// Whether all bytes are equal.
pub(super) fn is_constant(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|&first| is_all(bytes, first))
}
