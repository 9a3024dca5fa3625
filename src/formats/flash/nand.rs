//! Raw NAND: a dump in which every page is followed by its spare bytes.
//!
//! There is no specification of such a dump: the layouts are those of Linux's MTD drivers. Detection needs evidence that no ordinary
//! file gives by chance: check bytes that hold, or spare bytes of good blocks behind every page. The data of good blocks becomes one
//! stream, corrected, as a file system would read it; all spare bytes that nothing explains become another. Blocks of YAFFS stay
//! as they are, since its tags stand in the spare bytes. What is marked as bad stays a gap.

mod bch;
mod detect;
mod field;
mod geometry;
mod hamming;
mod layout;
mod padded;
mod streams;
mod survey;
mod yaffs;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

pub use self::geometry::Geometry;

use self::detect::Detected;
use self::geometry::{Chip, length_of};
use self::streams::{Dump, Pages, Which};
use self::survey::{Block, Page, Survey};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::clip;

/// What reports call it.
pub const ID: &str = "nand";

/// The name of the part that holds the spare bytes.
pub const SPARE: &[u8] = b"spare";

/// The name of the part that holds the data from the first page on.
pub const DATA: &[u8] = b"data";

/// Raw NAND.
pub(in crate::formats) struct Nand;

/// What is said about the spare bytes of an image, instead of what detection would find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Nothing: they are detected.
    #[default]
    Detect,
    /// There are none.
    None,
    /// Pages and spare bytes are these; the check bytes are those of the named layout, or detected.
    Stated(Geometry, Option<&'static str>),
}

/// The names of the layouts of check bytes, each once.
pub fn layouts() -> Vec<&'static str> {
    let mut names: Vec<&str> = layout::ALL.iter().map(|layout| layout.name).collect();
    names.dedup();
    names
}

impl Format for Nand {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let detected = detect::detect(rest)?;
        let chip = Chip {
            bytes: rest.clone(),
            geometry: detected.geometry,
        };
        if yaffs::is_all_there_is(&chip, &detected.layouts) {
            return Err(Reject::Coincidence(
                "all of it is YAFFS, which reads spare bytes itself",
            ));
        }
        Ok(Extent::known(chip.offset(chip.pages()), detected.proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let _ = budget;
        match detect::detect(&region) {
            Ok(detected) => open(region, detected),
            Err(_) => Opened::unread(Problem::corrupt("no page has spare bytes behind it")),
        }
    }
}

/// Opens an image as pages of a geometry that somebody stated, with check bytes of a layout that somebody named; tells how many
/// bytes whole pages take.
pub fn open_as(image: &Bytes, geometry: Geometry, ecc: Option<&str>) -> (u64, Opened) {
    let chip = Chip {
        bytes: image.clone(),
        geometry,
    };
    let len = chip.offset(chip.pages());
    let region = clip(image, 0, len);
    let detected = detect::forced(&region, geometry, ecc);
    if ecc.is_some() && detected.layouts.is_empty() {
        let name = detect::name(geometry);
        let detail = format!(
            "the check bytes {} do not fit into {name}",
            ecc.unwrap_or_default()
        );
        return (len, Opened::unread(Problem::unsupported(detail)));
    }
    (len, open(region, detected))
}

/// Of which `ranges` of a region the check bytes of every page say what its data is, in spite of wrong bits.
pub fn certain(region: &Bytes, choice: &Choice, ranges: &[Range<u64>]) -> Vec<bool> {
    let detected = match choice {
        Choice::Stated(geometry, ecc) => Some(detect::forced(region, *geometry, *ecc)),
        Choice::Detect => detect::detect(region).ok(),
        Choice::None => None,
    };
    let Some(detected) = detected else {
        return vec![false; ranges.len()];
    };
    let chip = Chip {
        bytes: region.clone(),
        geometry: detected.geometry,
    };
    let stride = length_of(detected.geometry.stride()).max(1);
    let mut buffer = Vec::new();
    let mut is_certain = |range: &Range<u64>| {
        let mut pages =
            range.start.checked_div(stride).unwrap_or_default()..range.end.div_ceil(stride);
        pages.all(|page| {
            let (data, spare) = chip.page(page);
            let check = survey::correct(&detected.layouts, data, spare, &mut buffer);
            matches!(
                check,
                Some(layout::Check::Holds(_) | layout::Check::Erased(_))
            )
        })
    };
    ranges.iter().map(&mut is_certain).collect()
}

fn open(region: Bytes, detected: Detected) -> Opened {
    let chip = Chip {
        bytes: region,
        geometry: detected.geometry,
    };
    let survey = Survey::new(&chip, &detected);
    let problems = survey.problems(&chip);
    let properties = describe(&chip, &detected, &survey);
    let dump = Arc::new(Dump::new(chip, detected.layouts, survey));
    Opened {
        spans: spans(&dump),
        content: Content::Layout(parts(&dump)),
        problems,
        properties,
    }
}

/// The data between runs of YAFFS, each run of it as it is, and the spare bytes.
fn parts(dump: &Arc<Dump>) -> Vec<Part> {
    let chip = &dump.chip;
    let per_block = chip.geometry.pages_per_block;
    let page_at = |block: u64| block.saturating_mul(per_block).min(chip.pages());
    let name = |what: &str, page: u64| {
        let at = page.saturating_mul(length_of(chip.geometry.page));
        format!("{what}-{at:#x}").into_bytes()
    };
    let mut parts = Vec::new();
    let mut data = |pages: Range<u64>| {
        let name = if pages.start == 0 {
            DATA.to_vec()
        } else {
            name("data", pages.start)
        };
        if !pages.is_empty() {
            parts.push(Part {
                name,
                bytes: PartBytes::Stream(Box::new(Pages::new(dump, Which::Data, pages))),
            });
        }
    };
    let runs = dump.survey.runs(Block::Yaffs);
    let mut from = 0;
    for run in &runs {
        data(from..page_at(run.start));
        from = page_at(run.end);
    }
    data(from..chip.pages());
    for run in &runs {
        let (first, end) = (page_at(run.start), page_at(run.end));
        parts.push(Part {
            name: name("yaffs", first),
            bytes: PartBytes::Range(chip.offset(first)..chip.offset(end)),
        });
    }
    parts.push(Part {
        name: SPARE.to_vec(),
        bytes: PartBytes::Stream(Box::new(Pages::new(dump, Which::Spare, 0..chip.pages()))),
    });
    parts
}

/// What the bytes of the dump are. Blank pages and blocks that are not read have no span: they are fill, or unknown.
fn spans(dump: &Dump) -> Vec<Span> {
    let chip = &dump.chip;
    let (page_len, spare_len) = (
        length_of(chip.geometry.page),
        length_of(chip.geometry.spare),
    );
    let mut spans = Vec::new();
    let mut buffer = Vec::new();
    for page in 0..chip.pages() {
        let blank = dump.survey.page(page) == Page::Blank;
        if blank || dump.survey.block_of(chip, page) != Block::Good {
            continue;
        }
        let at = chip.offset(page);
        let behind = at.saturating_add(page_len);
        spans.push(Span::content(at, page_len));
        // Spare bytes that nothing explains are the content of the part that holds them.
        spans.push(if dump.is_spare_explained(page, &mut buffer) {
            Span::metadata(behind, spare_len)
        } else {
            Span::content(behind, spare_len)
        });
    }
    spans
}

/// What is told about the dump.
fn describe(chip: &Chip, detected: &Detected, survey: &Survey) -> Properties {
    let mut properties = Properties::new();
    let geometry = chip.geometry;
    let per_block = geometry.pages_per_block;
    properties.set("page", geometry.page.to_string());
    properties.set("spare", geometry.spare.to_string());
    let block = per_block.saturating_mul(length_of(geometry.page));
    properties.set(
        "block",
        format!("{block} ({per_block} pages, as usual for such pages)"),
    );
    properties.set("told-by", detected.because.clone());
    let names: Vec<&str> = detected
        .layouts
        .iter()
        .map(|placed| placed.layout.name)
        .collect();
    let ecc = match detected.layouts.first() {
        None => "of no known layout".to_owned(),
        Some(placed) if !placed.layout.is_checked() => format!(
            "{}, told by where its bytes stand; its parity is not verified",
            placed.layout.name
        ),
        Some(_) => names.join(", "),
    };
    properties.set("ecc", ecc);
    if !detected.alternatives.is_empty() {
        properties.set("alternatives", detected.alternatives.join(", "));
    }
    describe_pages(chip, survey, &mut properties);
    describe_blocks(chip, survey, &mut properties);
    properties
}

fn describe_pages(chip: &Chip, survey: &Survey, properties: &mut Properties) {
    let (mut blank, mut holding, mut corrected, mut bits) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut unchecked, mut wrong) = (0_u64, 0_u64);
    for page in 0..chip.pages() {
        if survey.block_of(chip, page) == Block::Bad {
            continue;
        }
        let count = match survey.page(page) {
            Page::Blank => &mut blank,
            Page::Checked { wrong: 0, .. } => &mut holding,
            Page::Checked { wrong, .. } => {
                bits = bits.saturating_add(wrong.into());
                &mut corrected
            }
            Page::Unchecked => &mut unchecked,
            Page::Wrong => &mut wrong,
        };
        *count = count.saturating_add(1);
    }
    for (name, count) in [
        ("pages", chip.pages()),
        ("pages.blank", blank),
        ("pages.ecc-holds", holding),
        ("pages.corrected", corrected),
        ("pages.corrected-bits", bits),
        ("pages.without-ecc", unchecked),
        ("pages.uncorrectable", wrong),
    ] {
        properties.set(name, count.to_string());
    }
}

fn describe_blocks(chip: &Chip, survey: &Survey, properties: &mut Properties) {
    /// So many blocks are named.
    const NAMED: usize = 64;
    properties.set("blocks", chip.blocks().to_string());
    if !survey.markers {
        properties.set("bad-blocks", "not marked in the usual place");
    }
    for (name, what) in [("bad-blocks", Block::Bad), ("padded-blocks", Block::Padded)] {
        let numbers: Vec<u64> = survey.numbers(what).collect();
        if numbers.is_empty() {
            continue;
        }
        let named: Vec<String> = numbers.iter().take(NAMED).map(u64::to_string).collect();
        let more = if numbers.len() > NAMED { ", ..." } else { "" };
        properties.set(
            name,
            format!("{}: {}{more}", numbers.len(), named.join(", ")),
        );
        properties.set(
            "data.shifted",
            "behind each block that was left out, offsets in the data are one block less than those of the chip",
        );
    }
    // A chip has a power of two blocks; a dump that lacks a few of them has left out those that are bad.
    let whole = chip
        .blocks()
        .checked_next_power_of_two()
        .unwrap_or_default();
    let missing = whole.saturating_sub(chip.blocks());
    if missing > 0 && chip.blocks() >= 256 && missing.saturating_mul(40) <= whole {
        let text = format!(
            "{missing} of {whole}, perhaps bad ones that were skipped: which is not known, and offsets behind them are less than those of the chip"
        );
        properties.set("blocks.missing", text);
    }
}

static DOC: Doc = Doc {
    id: ID,
    title: "raw NAND with spare bytes",
    kind: Kind::Flash,
    spec: "Linux drivers/mtd/nand: ecc-sw-hamming.c, ecc-sw-bch.c, core ooblayouts, omap2.c, atmel, lpc32xx_mlc.c",
    reads: "pages of 512+16 to 16384+1280 bytes, detected or stated with --nand; blocks marked as bad, left out or padded; \
            check bytes of Linux (Hamming over 256 and 512 bytes in both orders, BCH), of the OMAP and AM335x ROM, of Atmel's \
            PMECC; the LPC32x0 MLC layout by name; blocks of YAFFS stay as they are",
    verifies: "the check bytes of every page; up to 1 (Hamming) or 2 to 24 (BCH) wrong bits a step are corrected",
    limits: &[
        "dumps whose check bytes are of no known layout are told by their bad block markers and what starts at a page",
        "the parity of the LPC32x0 MLC controller is not published and not verified",
        "pages in which the controller mixes data and check bytes (i.MX GPMI) are not taken apart; those of the LPC32x0 as the chip \
         itself has them are --nand 512+16x256",
        "blocks are taken to be of the usual size for their pages unless --nand states it",
        "a page that cannot be corrected is passed on as it was read, and told",
        "of YAFFS blocks the check bytes are not used",
    ],
};
