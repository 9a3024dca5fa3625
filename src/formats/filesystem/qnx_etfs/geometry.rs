//! How an image is divided into pages, and the transactions behind them. Nothing states it: the first page of the file table betrays
//! it, since the transaction behind it must say what it is.

use crate::read::{Fields, index, is_all, length};

/// The name of the file table's own entry, and where it stands in the first page of the table.
pub(super) const NAME: &[u8; 11] = b".filetable\0";
pub(super) const NAME_AT: u64 = 96;
/// The name in the entry behind it, and where that stands.
const NEXT: &[u8; 9] = b".badblks\0";
const NEXT_AT: usize = 160;
/// Bytes of data in a page.
const PAGES: [u64; 6] = [2048, 4096, 1024, 512, 8192, 16384];
/// Bytes behind the data: a transaction as tools write it, or the spare bytes of a chip.
const TOOL: u64 = 16;
const SPARES: [u64; 6] = [TOOL, 64, 128, 224, 256, 512];
/// So far from a region's start the first page of the table may stand, in bytes.
const SOUGHT: u64 = 64 << 20;
/// So many pages in a row may make no sense, as those of bad blocks do.
const BRIDGED: u32 = 128;
/// So many pages are looked at to choose between divisions.
const LOOKED_AT: u64 = 64;
/// The number of the file table's file.
pub(super) const TABLE: u16 = 1;

/// How an image is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) page: u64,
    pub(super) spare: u64,
}

/// What a transaction says of the page in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) file: u16,
    /// Which piece of the file.
    pub(super) cluster: u32,
    pub(super) sequence: u32,
    /// Whether a tool found that the data do not hold.
    pub(super) damaged: bool,
}

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Used(Transaction),
    Erased,
    /// What is behind it makes no sense, or says that the block is bad.
    Odd,
}

impl Geometry {
    /// The length of a page with what is behind it, in bytes.
    pub(super) fn stride(&self) -> u64 {
        self.page.saturating_add(self.spare)
    }

    pub(super) fn is_tool(&self) -> bool {
        self.spare == TOOL
    }

    /// What the page at `at` is; none where it is cut off.
    pub(super) fn read(&self, image: &[u8], at: u64) -> Option<Page> {
        let from = at.checked_add(self.page)?;
        let raw = image.get(index(from)..index(from.checked_add(self.spare)?))?;
        let fields = Fields::little(raw);
        let (file, cluster, sequence, count, states) = if self.is_tool() {
            let states = (fields.u8(10)? & 15, fields.u8(11)? & 15);
            let count = u32::from(fields.u16(8)?);
            (
                fields.u32(0)?,
                fields.u32(4)?,
                fields.u32(12)?,
                count,
                states,
            )
        } else {
            let bad = fields.u16(0)? != 0xffff;
            let high = u32::from(fields.u8(23)?) << 16;
            let cluster = high | u32::from(fields.u16(30)?);
            let state = if bad { 7 } else { 0 };
            let count = u32::from(fields.u8(22)?);
            (
                fields.u16(28)?.into(),
                cluster,
                fields.u32(24)?,
                count,
                (state, 0),
            )
        };
        let bare = if self.is_tool() {
            raw
        } else {
            raw.get(16..32)?
        };
        if is_all(bare, 0xff) || file == 0xffff && matches!(states.0, 0 | 2 | 3) {
            return Some(Page::Erased);
        }
        let sound = matches!(states.0, 0 | 1) && count > 0 && cluster < 1 << 24;
        Some(match u16::try_from(file) {
            Ok(file) if sound && file < 0x8000 => Page::Used(Transaction {
                file,
                cluster,
                sequence,
                damaged: matches!(states.1, 5..=7),
            }),
            _ => Page::Odd,
        })
    }

    /// The division that the page of the file table at `at` betrays.
    fn at(image: &[u8], at: u64) -> Option<Self> {
        let page = image.get(index(at)..)?;
        let named =
            page.get(index(NAME_AT)..)?.starts_with(NAME) && page.get(NEXT_AT..)?.starts_with(NEXT);
        if !named {
            return None;
        }
        let all = PAGES
            .into_iter()
            .flat_map(|page| SPARES.map(|spare| Self { page, spare }));
        let fits = all.filter(|geometry| {
            matches!(geometry.read(image, at), Some(Page::Used(found)) if found.file == TABLE && found.cluster == 0)
        });
        fits.max_by_key(|geometry| (geometry.merit(image, at), std::cmp::Reverse(geometry.spare)))
    }

    /// How many of the pages from `at` on make sense, up to a number.
    fn merit(&self, image: &[u8], at: u64) -> usize {
        let pages =
            (0..LOOKED_AT).map(|number| at.saturating_add(self.stride().saturating_mul(number)));
        let sound = pages.map_while(|at| self.read(image, at).filter(|page| *page != Page::Odd));
        sound.filter(|page| *page != Page::Erased).count()
    }

    /// The division of the region at the start of `image`.
    pub(super) fn find(image: &[u8]) -> Option<Self> {
        let near = image.get(..index(SOUGHT.min(length(image))))?;
        memchr::memmem::find_iter(near, NAME).find_map(|hit| {
            let at = u64::try_from(hit).ok()?.checked_sub(NAME_AT)?;
            let geometry = Self::at(image, at)?;
            (at.checked_rem(geometry.stride()) == Some(0)).then_some(geometry)
        })
    }

    /// How far the region at the start of `image` reaches, in bytes: to the last page that makes sense, and what is erased behind it.
    pub(super) fn reach(&self, image: &[u8]) -> u64 {
        let (mut at, mut end, mut odd) = (0_u64, 0_u64, 0_u32);
        while let Some(page) = self.read(image, at) {
            at = at.saturating_add(self.stride());
            match page {
                Page::Used(_) => (end, odd) = (at, 0),
                Page::Erased => {}
                Page::Odd if odd >= BRIDGED => break,
                Page::Odd => odd = odd.saturating_add(1),
            }
        }
        let last = length(image);
        let rest = image.get(index(end)..).unwrap_or_default();
        // What a tool wrote behind the last file, up to the end of the image.
        if at.saturating_add(self.stride()) > last && is_all(rest, 0xff) {
            last
        } else {
            end
        }
    }
}

/// Where the region starts that the name at `hit` belongs to.
pub(super) fn locate(image: &[u8], hit: u64) -> Option<u64> {
    let mut at = hit.checked_sub(NAME_AT)?;
    let geometry = Geometry::at(image, at)?;
    let (mut start, mut odd) = (at, 0_u32);
    while let Some(before) = at.checked_sub(geometry.stride()) {
        if odd > BRIDGED || hit.saturating_sub(before) > SOUGHT {
            break;
        }
        at = before;
        match geometry.read(image, at) {
            Some(Page::Used(_)) => {
                // A page that is the table's as well speaks for the region itself.
                if Geometry::at(image, at) == Some(geometry) {
                    return None;
                }
                (start, odd) = (at, 0);
            }
            Some(Page::Erased) => {}
            _ => odd = odd.saturating_add(1),
        }
    }
    Some(start)
}
