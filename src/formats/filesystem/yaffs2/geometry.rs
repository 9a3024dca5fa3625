//! How a dump is divided: bytes of data and of spare in a page, and where in the spare the tags stand. Nothing states
//! it. An object header betrays it, since the tags beside it must agree with it, and the pages behind it must have tags
//! at the same places.

use std::ops::Range;

use super::header::{Header, LENGTH};
use super::tags::{CODED, PLAIN, Tags, gather_one};
use crate::read::{Endian, Fields, index, is_all, length};

/// The data of a page in bytes, and the spare bytes that chips and tools put beside it, the usual first.
const PAGES: &[(usize, &[usize])] = &[
    (512, &[16, 32, 64]),
    (1024, &[32, 16, 64, 128]),
    (2048, &[64, 128, 32, 112, 256]),
    (4096, &[128, 256, 224, 218, 64, 512]),
    (8192, &[256, 512, 448, 436, 376, 640, 744, 128, 1024]),
    (16384, &[512, 1024, 1216, 1280, 1664, 256, 2048]),
];
/// Pages whose last 16 bytes are the tags.
const INBAND: &[usize] = &[512, 1024, 2048, 4096, 8192, 16384];
/// So many pages are looked at to choose between divisions.
const LOOKED_AT: usize = 64;

/// Where in the spare bytes the tags stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// The tags of YAFFS1: eight bytes around the chip's marks and the code over the data.
    One,
    /// In one piece from so many bytes on.
    At(usize),
    /// In the first six of each 16 bytes: the rest is the code of the `LPC32x0`'s MLC controller.
    Sixes,
    /// At the end of the page, which holds 16 bytes less of data.
    Inband,
}

/// How a dump is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Bytes of data in a page.
    pub(super) page: usize,
    /// Bytes of spare behind them.
    pub(super) spare: usize,
    pub(super) layout: Layout,
    pub(super) endian: Endian,
    /// Whether a Hamming code over the tags follows them.
    pub(super) coded: bool,
}

/// What a page is by its spare bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Used(Tags),
    /// No tags were written.
    Erased,
    /// The tags make no sense.
    Junk,
}

impl Geometry {
    /// The length of a page with its spare, in bytes.
    pub(super) fn stride(&self) -> usize {
        self.page.saturating_add(self.spare)
    }

    /// The data and the spare bytes of the page at `at`; `None` where it is cut off.
    pub(super) fn split<'a>(&self, image: &'a [u8], at: usize) -> Option<(&'a [u8], &'a [u8])> {
        image
            .get(at..at.checked_add(self.stride())?)?
            .split_at_checked(self.page)
    }

    /// What the page at `at` is; `None` where it is cut off.
    pub(super) fn read(&self, image: &[u8], at: usize) -> Option<Page> {
        let spare_at = at.checked_add(self.page)?;
        let spare = image.get(spare_at..spare_at.checked_add(self.spare)?)?;
        let raw = self.gather(spare);
        let erased = is_all(raw.get(..self.length()).unwrap_or(&raw), 0xff);
        let tags = match self.layout {
            Layout::One => Tags::yaffs1(spare, self.page, self.endian),
            _ => Tags::yaffs2(&raw, self.endian, self.coded),
        };
        Some(match tags.filter(|tags| tags.plausible(self.page)) {
            _ if erased => Page::Erased,
            Some(tags) => Page::Used(tags),
            None => Page::Junk,
        })
    }

    /// The number of tag bytes.
    fn length(&self) -> usize {
        match self.layout {
            Layout::One => 8,
            _ if self.coded => CODED,
            _ => PLAIN,
        }
    }

    /// Where in the spare the bytes of the tags stand.
    pub(super) fn places(&self) -> Vec<Range<usize>> {
        match self.layout {
            Layout::One => vec![0..5, 6..8, 11..13],
            Layout::At(at) => std::iter::once(at..at.saturating_add(self.length())).collect(),
            Layout::Sixes => vec![0..6, 16..22, 32..36],
            Layout::Inband => std::iter::once(0..PLAIN).collect(),
        }
    }

    /// The bytes of the tags one after another, as many as are there.
    fn gather(&self, spare: &[u8]) -> [u8; CODED] {
        let mut raw = [0xff; CODED];
        match self.layout {
            Layout::At(at) => copy(&mut raw, spare.get(at..).unwrap_or_default()),
            Layout::Inband => copy(&mut raw, spare),
            Layout::One => {
                if let Some(tags) = gather_one(spare) {
                    copy(&mut raw, &tags);
                }
            }
            Layout::Sixes => {
                for (six, group) in raw.chunks_mut(6).zip(spare.chunks(16)) {
                    copy(six, group);
                }
            }
        }
        raw
    }

    /// The division that the header at the start of `image` betrays, and how many pages speak for it.
    pub(super) fn find(image: &[u8]) -> Option<(Self, usize)> {
        let endian = order(image)?;
        if !Header::is_evident(image, endian) {
            return None;
        }
        let mut best: Option<(Self, Merit)> = None;
        for geometry in candidates(image, endian) {
            let Some(merit) = geometry.merit(image) else {
                continue;
            };
            if best.is_none_or(|(_, most)| merit > most) {
                best = Some((geometry, merit));
            }
        }
        best.map(|(geometry, merit)| (geometry, merit.pages))
    }

    /// How much speaks for this division, if the first page's tags belong to its header.
    fn merit(&self, image: &[u8]) -> Option<Merit> {
        let Page::Used(tags) = self.read(image, 0)? else {
            return None;
        };
        let header = Header::parse(image, self.endian, self.layout == Layout::Inband)?;
        let kind = Fields::new(image, self.endian).u32(0)?;
        let agrees = tags.number == 0
            && !tags.corrected
            && tags
                .extra
                .is_none_or(|extra| extra == (header.parent, kind));
        if !agrees {
            return None;
        }
        let mut merit = Merit {
            pages: 1,
            fits: image.len().checked_rem(self.stride()) == Some(0),
            coded: self.coded,
        };
        for number in 1..LOOKED_AT {
            match self.read(image, number.saturating_mul(self.stride())) {
                Some(Page::Used(tags)) if !tags.corrected => {
                    merit.pages = merit.pages.saturating_add(1);
                }
                Some(Page::Erased) => {}
                _ => break,
            }
        }
        // One page without a code may look like this by chance, but not where tags mostly stand, and fresh from a tool.
        let usual = matches!(
            self.layout,
            Layout::One | Layout::Inband | Layout::At(0 | 2)
        );
        let fresh = usual && tags.sequence >> 28 == 0;
        (self.coded || merit.pages > 1 || fresh).then_some(merit)
    }
}

/// What speaks for a division, the weightiest first. Of equal ones the first that was tried is the usual one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Merit {
    /// The code over the first page's tags holds, which is no coincidence.
    coded: bool,
    /// So many pages have tags at the right places.
    pages: usize,
    /// The image consists of whole pages.
    fits: bool,
}

/// The byte order of the header at the start of `image`, by its type.
pub(super) fn order(image: &[u8]) -> Option<Endian> {
    match image.first_chunk::<4>()? {
        [1..=5, 0, 0, 0] => Some(Endian::Little),
        [0, 0, 0, 1..=5] => Some(Endian::Big),
        _ => None,
    }
}

/// Every division under which the first page may have tags.
fn candidates(image: &[u8], endian: Endian) -> Vec<Geometry> {
    let mut found = Vec::new();
    let mut add = |page: usize, spare: usize, layout: Layout| {
        for coded in [true, false] {
            let geometry = Geometry {
                page,
                spare,
                layout,
                endian,
                coded,
            };
            let room = geometry.places().iter().all(|place| place.end <= spare);
            let codeless = matches!(layout, Layout::One | Layout::Sixes | Layout::Inband);
            if room && !(coded && codeless) {
                found.push(geometry);
            }
        }
    };
    for &(page, spares) in PAGES {
        // Once for all numbers of spare bytes: this is asked wherever something looks like a header.
        let widest = spares.iter().max().copied().unwrap_or_default();
        let bytes = image.get(page..).unwrap_or_default();
        let bytes = bytes.get(..widest).unwrap_or(bytes);
        let starts: Vec<usize> = starts(bytes, endian).collect();
        for &spare in spares {
            if image.len() < page.saturating_add(spare) {
                continue;
            }
            if page <= 2048 {
                add(page, spare, Layout::One);
            }
            for &at in &starts {
                add(page, spare, Layout::At(at));
            }
            add(page, spare, Layout::Sixes);
        }
    }
    for stride in INBAND {
        add(stride.saturating_sub(PLAIN), PLAIN, Layout::Inband);
    }
    found
}

/// Where in the spare bytes a header's tags may start: the piece number is 0 or has its highest bit set.
fn starts(spare: &[u8], endian: Endian) -> impl Iterator<Item = usize> {
    let fields = Fields::new(spare, endian);
    let last = spare.len().saturating_sub(PLAIN);
    // At the start or behind a bad block's mark, as a rule.
    let others = (0..=last).filter(|at| !matches!(at, 0 | 2));
    [0, 2].into_iter().chain(others).filter(move |&at| {
        let word = |offset: usize| fields.u32(at.saturating_add(offset)).unwrap_or_default();
        let number = word(8);
        let header = number == 0 || number >> 31 == 1;
        header && word(0) >= 0x1000 && word(4) & 0x0ffc_0000 == 0 && word(4) != 0
    })
}

fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The length of an image that holds headers and data but no spare bytes: at least two headers, each where the data of
/// the one before ends.
pub(super) fn without_spare(image: &[u8]) -> Option<u64> {
    let endian = order(image)?;
    let header_at = |at: usize| {
        let page = image.get(at..)?;
        let evident = order(page) == Some(endian) && Header::is_evident(page, endian);
        evident
            .then(|| Header::parse(page, endian, false))
            .flatten()
    };
    for &(page, _) in PAGES {
        let (mut at, mut headers) = (0_usize, 0_u32);
        let mut end = 0;
        while let Some(header) = header_at(at) {
            headers = headers.saturating_add(1);
            let size = match header.kind {
                super::header::Kind::File => index(header.size),
                _ => 0,
            };
            end = at.saturating_add(LENGTH);
            let pages = size.div_ceil(page).saturating_add(1);
            at = at.saturating_add(pages.saturating_mul(page));
        }
        if headers >= 2 {
            let reached = at.min(image.len()).max(end);
            return Some(length(image.get(..reached)?));
        }
    }
    None
}
