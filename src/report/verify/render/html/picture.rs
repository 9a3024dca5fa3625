//! The map of the image: its bytes as bands of patterns, the entropy under them, and each region again on its own.

mod draw;

use self::draw::{Band, bands, curve};
use super::summary::section;
use super::write::Html;
use crate::report::rows::RegionRow;
use crate::report::text;
use crate::report::verify::Report;
use crate::report::verify::map::{Area, TreeMap, What};

/// The patterns that tell the kinds apart without colour.
const PATTERNS: &str = include_str!("patterns.svg");
/// So many regions are shown on their own.
const MOST_REGIONS: usize = 48;
/// So many rows of inner regions are told of one.
const MOST_INNER: usize = 24;

/// Every kind, the worst first: its class, its word, and what it means.
const KINDS: &[(What, &str, &str, &str)] = &[
    (
        What::Modified,
        "modified",
        "Modified",
        "holds changes; not every byte of it differs",
    ),
    (What::Added, "added", "Added", "not in the baseline"),
    (
        What::Uncovered,
        "uncovered",
        "Not covered",
        "claimed by no component",
    ),
    (
        What::Unread,
        "unread",
        "Unread",
        "could not be read, or not all of it",
    ),
    (What::Unknown, "unknown", "Unknown", "of no known format"),
    (What::Read, "read", "Read", "compared with nothing"),
    (
        What::Verified,
        "verified",
        "Verified",
        "as the baseline states or lets change",
    ),
    (What::Fill, "fill", "Fill", "one byte value over and over"),
];

fn class(what: What) -> &'static str {
    let found = KINDS.iter().find(|(kind, ..)| *kind == what);
    found.map_or("", |(_, class, ..)| class)
}

fn word(what: What) -> &'static str {
    let found = KINDS.iter().find(|(kind, ..)| *kind == what);
    found.map_or("", |(_, _, word, _)| word)
}

/// What stands side by side in the image: a region that nothing but the image holds, or what lies between such.
struct Part<'a> {
    region: Option<usize>,
    at: u64,
    len: u64,
    what: What,
    areas: Vec<&'a Area>,
}

/// The map of an image; nothing of a directory, which has no bytes of its own, but its tree.
pub(super) fn map(report: &Report, html: &mut Html) {
    let parts = parts(report);
    if parts.is_empty() && report.map.trees.is_empty() {
        return;
    }
    section(html, "map", "Map of the image", |html| {
        html.fixed(PATTERNS);
        if !parts.is_empty() {
            overview(report, &parts, html);
        }
        legend(report, html);
        if report.map.coarse {
            let line = "Too many pieces to draw: each band stands for a thousandth of the image and shows the worst in it.";
            html.leaf("p", &[("class", "note")], line);
        }
        let regions = parts
            .iter()
            .filter(|part| part.region.is_some() || part.what > What::Verified);
        for part in regions.take(MOST_REGIONS) {
            zoom(report, part, html);
        }
        for tree in report.map.trees.iter().filter(|tree| tree.region.is_none()) {
            strip(tree, html);
        }
    });
}

fn parts(report: &Report) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for area in &report.map.areas {
        let region = area
            .region
            .and_then(|index| outermost(&report.regions, index));
        match parts.last_mut() {
            Some(part) if part.region == region && (region.is_some() || part.what == area.what) => {
                part.len = part.len.saturating_add(area.len);
                part.what = part.what.max(area.what);
                part.areas.push(area);
            }
            _ => parts.push(Part {
                region,
                at: area.at,
                len: area.len,
                what: area.what,
                areas: vec![area],
            }),
        }
    }
    parts
}

/// The region around a region that nothing but the image holds. A stored record may say anything: its chain of parents goes down.
fn outermost(regions: &[RegionRow], mut index: usize) -> Option<usize> {
    loop {
        match regions.get(index)?.parent {
            Some(parent) if parent < index => index = parent,
            _ => return Some(index),
        }
    }
}

fn name(report: &Report, part: &Part<'_>) -> String {
    let region = part.region.and_then(|index| report.regions.get(index));
    match region {
        Some(region) => match &region.partition {
            Some(name) => format!("{name} ({})", region.format),
            None => region.format.clone(),
        },
        None => word(part.what).to_lowercase(),
    }
}

fn overview(report: &Report, parts: &[Part<'_>], html: &mut Html) {
    let size = report
        .map
        .areas
        .iter()
        .fold(0_u64, |sum, area| sum.saturating_add(area.len));
    let areas: Vec<&Area> = report.map.areas.iter().collect();
    let worst: Vec<String> = parts
        .iter()
        .filter(|part| part.what > What::Read)
        .take(8)
        .map(|part| {
            format!(
                "{} at {:#x}: {}",
                name(report, part),
                part.at,
                word(part.what).to_lowercase()
            )
        })
        .collect();
    let desc = match worst.as_slice() {
        [] => "No band needs attention.".to_owned(),
        worst => format!("To look at: {}.", worst.join("; ")),
    };
    html.within(
        "svg",
        &[
            ("class", "bands"),
            ("width", "100%"),
            ("height", "150"),
            ("role", "img"),
            ("aria-labelledby", "map-name map-desc"),
        ],
        |html| {
            html.leaf(
                "title",
                &[("id", "map-name")],
                "The bytes of the image from first to last, and their entropy",
            );
            html.leaf("desc", &[("id", "map-desc")], &desc);
            for part in parts.iter().filter(|part| part.region.is_some()) {
                draw::label(&name(report, part), part.at, part.len, size, html);
            }
            let all = bands(&areas, 0, size);
            draw::row(&all, html);
            if let Some(profile) = &report.map.entropy {
                curve(profile, 0, size, html);
            }
        },
    );
    html.within("p", &[("class", "axis"), ("aria-hidden", "true")], |html| {
        html.leaf("span", &[], "0x0");
        html.leaf("span", &[], "under the bands: entropy, 0 to 8 bits a byte");
        html.leaf("span", &[], &format!("{size:#x}"));
    });
}

fn legend(report: &Report, html: &mut Html) {
    let total = |what: What| {
        let areas = report.map.areas.iter().filter(|area| area.what == what);
        areas.fold(0_u64, |sum, area| sum.saturating_add(area.len))
    };
    html.within("ul", &[("class", "legend")], |html| {
        for (what, class, word, meaning) in KINDS {
            let bytes = total(*what);
            if bytes == 0 {
                continue;
            }
            html.within("li", &[], |html| {
                html.within(
                    "svg",
                    &[("width", "22"), ("height", "14"), ("aria-hidden", "true")],
                    |html| {
                        html.shape(
                            "rect",
                            &[("class", class), ("width", "22"), ("height", "14")],
                        );
                    },
                );
                html.leaf("b", &[], word);
                html.text(&format!(" {}: {meaning}", text::size(bytes)));
            });
        }
    });
}

/// One region at full width, with what it holds.
fn zoom(report: &Report, part: &Part<'_>, html: &mut Html) {
    let class = if part.what > What::Read {
        "zoom open"
    } else {
        "zoom"
    };
    html.within("details", &[("class", class)], |html| {
        html.within("summary", &[], |html| {
            html.leaf("b", &[], &name(report, part));
            html.text(&format!(
                " at {:#x}, {}: {}",
                part.at,
                text::size(part.len),
                word(part.what).to_lowercase()
            ));
        });
        let label = format!("{} at full width", name(report, part));
        let shown: Vec<Band> = bands(&part.areas, part.at, part.len);
        html.within(
            "svg",
            &[
                ("class", "bands"),
                ("width", "100%"),
                ("height", "150"),
                ("role", "img"),
                ("aria-label", &label),
            ],
            |html| {
                draw::row(&shown, html);
                if let Some(profile) = &report.map.entropy {
                    curve(profile, part.at, part.len, html);
                }
            },
        );
        let inside = |region: Option<usize>| {
            let top = region.and_then(|index| outermost(&report.regions, index));
            region.is_some() && top == part.region
        };
        for tree in report.map.trees.iter().filter(|tree| inside(tree.region)) {
            strip(tree, html);
        }
        inner(report, part, html);
    });
}

/// The entries of a tree in its own order, each as wide as any other.
fn strip(tree: &TreeMap, html: &mut Html) {
    let all = tree
        .runs
        .iter()
        .fold(0_u64, |sum, run| sum.saturating_add(run.entries));
    let mut at = 0_u64;
    let mut shown = Vec::new();
    for run in &tree.runs {
        shown.extend(Band::new(run.what, at, run.entries, all));
        at = at.saturating_add(run.entries);
    }
    let label = format!(
        "{all} entries of {}",
        tree.component.as_deref().unwrap_or("a tree")
    );
    html.leaf(
        "p",
        &[("class", "strip-name")],
        &format!("{label}, in the order of the file system"),
    );
    html.within(
        "svg",
        &[
            ("class", "strip"),
            ("width", "100%"),
            ("height", "22"),
            ("role", "img"),
            ("aria-label", &label),
        ],
        |html| draw::thin(&shown, html),
    );
    let named = tree
        .runs
        .iter()
        .filter(|run| run.what > What::Read && run.path.is_some());
    let named: Vec<String> = named
        .take(12)
        .map(|run| {
            format!(
                "{} ({})",
                run.path.as_deref().unwrap_or_default(),
                word(run.what).to_lowercase()
            )
        })
        .collect();
    if !named.is_empty() {
        html.leaf("p", &[("class", "note")], &named.join(", "));
    }
}

/// The regions of a part, as a table.
fn inner(report: &Report, part: &Part<'_>, html: &mut Html) {
    let inside = |index: &usize| outermost(&report.regions, *index) == part.region;
    let rows: Vec<usize> = (0..report.regions.len())
        .filter(|index| part.region.is_some() && inside(index))
        .take(MOST_INNER)
        .collect();
    if rows.is_empty() {
        return;
    }
    let label = format!("Regions from {:#x} on", part.at);
    html.within(
        "div",
        &[
            ("class", "scroll"),
            ("tabindex", "0"),
            ("role", "region"),
            ("aria-label", &label),
        ],
        |html| {
            html.within("table", &[], |html| {
                html.within("thead", &[], |html| {
                    html.within("tr", &[], |html| {
                        for head in ["Region", "At", "Length", "Read"] {
                            html.leaf("th", &[("scope", "col")], head);
                        }
                    });
                });
                html.within("tbody", &[], |html| {
                    for region in rows
                        .into_iter()
                        .filter_map(|index| report.regions.get(index))
                    {
                        html.within("tr", &[], |html| {
                            html.within("th", &[("scope", "row")], |html| {
                                html.leaf("code", &[], &region.place);
                            });
                            html.leaf("td", &[], &format!("{:#x}", region.at));
                            html.leaf("td", &[], &text::size(region.len));
                            let state = match region.state {
                                crate::extract::State::Read => "all",
                                crate::extract::State::Partial => "in part",
                                crate::extract::State::Unread => "not",
                            };
                            html.leaf("td", &[], state);
                        });
                    }
                });
            });
        },
    );
}
