//! Which geometry and which check bytes a dump has, told from the dump alone. An ordinary file must never look like one.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::geometry::{Chip, Geometry, KNOWN, length_of};
use super::layout::{self, Check, Layout, Placed, is_constant};
use crate::formats::{Proof, Reject};
use crate::image::map;
use crate::read::{is_all, length};

/// So many pages are looked at, spread over the dump.
const SAMPLES: u64 = 512;
/// So many of them, with something written to them, are checked.
const WRITTEN: usize = 64;
/// So many of those are looked at first: most files are no dump.
const FIRST: usize = 16;
/// Check bytes of so many steps must hold, as many different ones as [`DIFFERENT`] says.
const HOLDING: usize = 4;
const DIFFERENT: usize = 3;
/// A layout of which none of so many steps holds is not tried further.
const PATIENCE: usize = 12;
/// Without check bytes to go by, so many pages must show where the spare bytes begin.
const SHOWING: usize = 16;
/// So many blocks are looked at for a structure that starts at a page.
const STARTS: u64 = 4096;

/// What was found out about a dump.
pub(super) struct Detected {
    pub(super) geometry: Geometry,
    /// The layouts that pages were written with, the most frequent first.
    pub(super) layouts: Vec<Placed>,
    pub(super) proof: Proof,
    /// How it was told.
    pub(super) because: String,
    /// Other geometries that would fit too, but worse.
    pub(super) alternatives: Vec<String>,
}

/// A geometry and what speaks for it.
struct Candidate {
    chip: Chip,
    /// Layouts with the number of steps whose check bytes hold.
    layouts: Vec<(usize, Placed)>,
    /// What else speaks for it.
    shows: Option<String>,
}

impl Candidate {
    /// How much speaks for it: check bytes more than anything else.
    fn weight(&self) -> (usize, bool) {
        let held = self.layouts.iter().map(|(held, _)| *held).max();
        (held.unwrap_or_default(), self.shows.is_some())
    }
}

/// The geometry of a dump and its check bytes.
///
/// # Errors
/// It does not look like a dump with spare bytes.
pub(super) fn detect(bytes: &Bytes) -> Result<Detected, Reject> {
    let mut candidates: Vec<Candidate> = KNOWN
        .iter()
        .filter_map(|&geometry| candidate(bytes, geometry))
        .collect();
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.weight()));
    let mut candidates = candidates.into_iter();
    let best = candidates
        .next()
        .ok_or(Reject::Coincidence("no spare bytes between pages"))?;
    let alternatives = candidates.map(|other| name(other.chip.geometry)).collect();
    Ok(decided(best, alternatives))
}

/// What is found out about a dump whose geometry, and perhaps layout, somebody stated.
pub(super) fn forced(bytes: &Bytes, geometry: Geometry, ecc: Option<&str>) -> Detected {
    let chip = Chip {
        bytes: bytes.clone(),
        geometry,
    };
    if let Some(ecc) = ecc {
        let named = |layout: &&'static Layout| layout.name == ecc;
        let layouts = layout::ALL.iter().filter(named);
        return Detected {
            geometry,
            layouts: layouts
                .filter_map(|layout| layout.on(geometry))
                .take(1)
                .collect(),
            proof: Proof::Magic,
            because: "stated, with its check bytes".to_owned(),
            alternatives: Vec::new(),
        };
    }
    let written = written(&chip, WRITTEN);
    let layouts = holding(&chip, &written);
    let mut decided = decided(
        Candidate {
            chip,
            layouts,
            shows: None,
        },
        Vec::new(),
    );
    decided.because = format!("stated; {}", decided.because);
    decided
}

fn decided(best: Candidate, alternatives: Vec<String>) -> Detected {
    let held = best.weight().0;
    let (proof, because) = match best.shows {
        _ if held > 0 => (
            Proof::Checksum,
            format!("the check bytes of {held} sampled steps hold"),
        ),
        Some(shows) => (Proof::Structure, shows),
        None => (Proof::Magic, "no known check bytes hold".to_owned()),
    };
    Detected {
        geometry: best.chip.geometry,
        layouts: best.layouts.into_iter().map(|(_, placed)| placed).collect(),
        proof,
        because,
        alternatives,
    }
}

/// A geometry as people write it.
pub(super) fn name(geometry: Geometry) -> String {
    format!("{}+{}", geometry.page, geometry.spare)
}

fn candidate(bytes: &Bytes, geometry: Geometry) -> Option<Candidate> {
    let chip = Chip {
        bytes: bytes.clone(),
        geometry,
    };
    if chip.pages() < 4 {
        return None;
    }
    // Where the spare bytes are others, what stands in the marker's place is anything.
    let first = written(&chip, FIRST);
    let marked = |page: &&u64| chip.page(**page).1.get(geometry.marker()) != Some(&0xff);
    let strange = first.iter().filter(marked).count();
    if first.is_empty() || strange.saturating_mul(2) > first.len() {
        return None;
    }
    let written = written(&chip, WRITTEN);
    let mut layouts = holding(&chip, &written);
    let whole = length(bytes).checked_rem(length_of(geometry.stride())) == Some(0);
    let shows = (whole && layouts.is_empty())
        .then(|| shows(&chip, &written))
        .flatten();
    if layouts.is_empty() {
        shows.as_ref()?;
        layouts.extend(unchecked(&chip, &written).map(|placed| (0, placed)));
    }
    Some(Candidate {
        chip,
        layouts,
        shows,
    })
}

/// Some of the pages of good blocks that something was written to, at most `most`, spread over the dump. What a bad block holds
/// says nothing, and where the spare bytes are others, every block looks bad.
fn written(chip: &Chip, most: usize) -> Vec<u64> {
    let pages = chip.pages();
    // Steps near the golden section of the dump land everywhere, and on every page where there are few.
    let apart = match pages {
        ..=SAMPLES => 1,
        _ => (pages / 8).saturating_mul(5) | 1,
    };
    let mut found = Vec::new();
    for sample in 0..pages.min(SAMPLES) {
        let page = sample
            .saturating_mul(apart)
            .checked_rem(pages)
            .unwrap_or_default();
        let (data, _) = chip.page(page);
        // The page, and the first one of its block: what is read here and there brings its surroundings along.
        map::visited();
        map::visited();
        let block = page.checked_div(chip.geometry.pages_per_block);
        if !is_constant(data) && !chip.is_marked(block.unwrap_or_default()) {
            found.push(page);
            if found.len() >= most {
                break;
            }
        }
    }
    found
}

/// The layouts whose check bytes hold, the one that holds most often first, with that number. Another counts only on pages that
/// those before it do not explain: regular data has the same check bytes in several layouts.
fn holding(chip: &Chip, written: &[u64]) -> Vec<(usize, Placed)> {
    let mut found: Vec<(usize, Placed)> = layout::ALL
        .iter()
        .filter(|layout| layout.is_checked())
        .filter_map(|layout| layout.on(chip.geometry))
        .filter_map(|placed| Some((held(chip, written, &placed)?, placed)))
        .collect();
    found.sort_by_key(|(held, _)| std::cmp::Reverse(*held));
    let mut left = written.to_vec();
    let mut kept = Vec::new();
    for (_, placed) in found {
        let Some(held) = held(chip, &left, &placed) else {
            continue;
        };
        left.retain(|&page| {
            let (data, spare) = chip.page(page);
            let check = placed.correct(&mut data.to_vec(), spare);
            matches!(check, Check::Fails | Check::Absent)
        });
        kept.push((held, placed));
    }
    kept
}

fn held(chip: &Chip, written: &[u64], placed: &Placed) -> Option<usize> {
    let (mut asked, mut held) = (0_usize, 0_usize);
    let mut different = BTreeSet::new();
    for page in written {
        let (data, spare) = chip.page(*page);
        for (data, code) in placed.telling(data, spare) {
            asked = asked.saturating_add(1);
            if placed.holds(data, &code) {
                held = held.saturating_add(1);
                different.insert(code);
            }
        }
        if asked >= PATIENCE && held == 0 {
            return None;
        }
    }
    (held >= HOLDING && different.len() >= DIFFERENT).then_some(held)
}

/// What shows where the spare bytes begin, without check bytes: data runs up to the end of the pages, the byte of the bad block
/// marker behind it is that of a good block every time, and a known structure starts at the start of a page.
fn shows(chip: &Chip, written: &[u64]) -> Option<String> {
    let geometry = chip.geometry;
    let full = |page: &&u64| {
        let (data, _) = chip.page(**page);
        let tail = data
            .get(data.len().saturating_sub(16)..)
            .unwrap_or_default();
        !is_constant(tail)
    };
    let full: Vec<&u64> = written.iter().filter(full).collect();
    let marked = |page: &&&u64| chip.page(***page).1.get(geometry.marker()) != Some(&0xff);
    let strange = full.iter().filter(marked).count();
    if full.len() < SHOWING || strange.saturating_mul(20) > full.len() {
        return None;
    }
    let blocks = chip.blocks().min(STARTS);
    let known = (0..blocks).find_map(|block| {
        map::visited();
        known_start(&chip.head(chip.pages_of(block).start, 16))
    })?;
    Some(format!(
        "bytes of good blocks stand behind {} of {} full pages, and {known} starts at a page",
        full.len().saturating_sub(strange),
        full.len(),
    ))
}

/// What starts here, of the things that stand at the start of blocks.
fn known_start(head: &[u8]) -> Option<&'static str> {
    const STARTS: &[(&[u8], &str)] = &[
        (b"UBI#\x01", "UBI"),
        (b"hsqs", "SquashFS"),
        (b"sqsh", "SquashFS"),
        (&[0x27, 0x05, 0x19, 0x56], "a U-Boot image"),
        (&[0xd0, 0x0d, 0xfe, 0xed], "a device tree"),
        (&[0x45, 0x3d, 0xcd, 0x28], "cramfs"),
        (&[0x28, 0xcd, 0x3d, 0x45], "cramfs"),
        (&[0x85, 0x19, 0x01, 0xe0], "JFFS2"),
        (&[0x85, 0x19, 0x02, 0xe0], "JFFS2"),
        (&[0x85, 0x19, 0x03, 0x20], "JFFS2"),
        (&[0x19, 0x85, 0xe0, 0x01], "JFFS2"),
        (&[0x19, 0x85, 0xe0, 0x02], "JFFS2"),
        (&[0x19, 0x85, 0x20, 0x03], "JFFS2"),
    ];
    let start = STARTS.iter().find(|(magic, _)| head.starts_with(magic));
    start.map(|(_, name)| *name)
}

/// The layout that is told by where its bytes stand: nearly every page leaves the bytes between them erased.
fn unchecked(chip: &Chip, written: &[u64]) -> Option<Placed> {
    let mut unchecked = layout::ALL.iter().filter(|layout| !layout.is_checked());
    let placed = unchecked.find_map(|layout| layout.on(chip.geometry))?;
    let positions = placed.all_positions();
    let fits = |page: &&u64| {
        let (_, spare) = chip.page(**page);
        let (mut code, mut free) = (Vec::new(), Vec::new());
        for (at, &byte) in spare.iter().enumerate() {
            if positions.contains(&at) {
                code.push(byte);
            } else {
                free.push(byte);
            }
        }
        is_all(&free, 0xff) && !is_constant(&code)
    };
    let fitting = written.iter().filter(fits).count();
    (fitting.saturating_mul(20) >= written.len().saturating_mul(19)).then_some(placed)
}
