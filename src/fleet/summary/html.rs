//! The page of a fleet: the answer, what to do first, the worst devices, each model's devices by their parts, and what they have in common.
//!
//! It is made as the page of a device is: one file, no script, nothing loaded. Whatever an inventory or an image brought is escaped.

mod lists;
mod parts;

use std::fmt::Write as _;

use super::terminal::reason;
use super::{Told, Unit};
use crate::place::visible;
use crate::report::text;
use crate::report::verify::render::html::{Html, answer_box, head, section};
use crate::verdict::{Integrity, Risk};

/// So many rows of a list are shown.
const MOST: usize = 200;

/// The page. `pages`: where the pages of the devices stand, from this one on.
pub fn render(told: &Told, pages: Option<&str>) -> String {
    let links = Links(pages);
    let mut html = Html::default();
    html.fixed("<!DOCTYPE html>\n");
    html.within("html", &[("lang", "en")], |html| {
        html.within("head", &[], |html| head(&title(told), html));
        html.within("body", &[], |html| {
            html.within("header", &[], |html| top(told, html));
            html.within("main", &[], |html| {
                answers(told, html);
                first(told, html);
                worst(told, links, html);
                parts::matrices(told, links, html);
                lists::all(told, html);
            });
            html.within("footer", &[], |html| {
                let line = "This page says what an audit found and what could not be judged. It does not say that a device is safe.";
                html.leaf("p", &[], line);
            });
        });
    });
    html.finish()
}

fn title(told: &Told) -> String {
    let differ = told.integrity_of(Integrity::Differ);
    format!("Fleet of {}: {differ} differ", devices(told.devices))
}

fn top(told: &Told, html: &mut Html) {
    html.leaf("h1", &[], "Firmware of a fleet");
    let mut line = devices(told.devices);
    if let Some(audit) = &told.audit {
        let (tool, time) = (&audit.tool, visible(&audit.judged_at));
        let _ = write!(
            line,
            ", judged at {time} by {} {}",
            visible(&tool.name),
            visible(&tool.version)
        );
        if let Some(shard) = audit.shard {
            let _ = write!(
                line,
                "; shard {}/{} of a fleet of {}",
                shard.index, shard.of, audit.devices
            );
        }
    }
    html.leaf("p", &[("class", "sub")], &line);
    html.within("nav", &[("aria-label", "On this page")], |html| {
        html.within("ul", &[], |html| {
            let lists = [
                ("#worst", "Worst first", !told.worst.is_empty()),
                ("#parts", "By part", !told.matrices.is_empty()),
                ("#versions", "Other versions", !told.versions.is_empty()),
                ("#outliers", "Unlike their model", !told.outliers.is_empty()),
                ("#keys", "Shared keys", !told.keys.is_empty()),
                ("#programs", "Unknown programs", !told.programs.is_empty()),
                ("#images", "Identical images", !told.images.is_empty()),
                ("#since", "Since the last audit", told.since.is_some()),
            ];
            for (target, name, _) in lists.iter().filter(|(.., is_there)| *is_there) {
                html.within("li", &[], |html| html.leaf("a", &[("href", target)], name));
            }
        });
    });
}

fn answers(told: &Told, html: &mut Html) {
    let (matching, differ) = (
        told.integrity_of(Integrity::Match),
        told.integrity_of(Integrity::Differ),
    );
    let left = told.devices.saturating_sub(told.done);
    let (tone, mark) = match () {
        () if differ > 0 => ("bad", "\u{2260}"),
        () if matching == told.devices => ("calm", "\u{2713}"),
        () => ("open", "?"),
    };
    let word = if matching == told.devices {
        format!("all {matching} as stated")
    } else if differ > 0 {
        format!("{differ} of {} differ", told.devices)
    } else {
        format!("{matching} of {} as stated", told.devices)
    };
    let mut basis = format!("{matching} are as their baselines state");
    for (of, what) in [
        (Integrity::Incomplete, "incomplete"),
        (Integrity::NoBaseline, "without a baseline that fits"),
        (
            Integrity::Untrusted,
            "against a baseline that nobody vouches for",
        ),
    ] {
        let count = told.integrity_of(of);
        if count > 0 {
            let _ = write!(basis, "; {count} {what}");
        }
    }
    for (code, count) in &told.errors {
        let _ = write!(basis, "; {count} not judged: {}", reason(*code));
    }
    if left > 0 {
        let _ = write!(basis, "; {left} not looked at");
    }
    let (known, review) = (told.risk_of(Risk::KnownRisk), told.risk_of(Risk::Review));
    let risk = match (known, review) {
        (1.., _) => ("bad", "!", format!("{known} with known risk")),
        (0, 1..) => ("open", "?", format!("{review} to review")),
        (0, 0) => ("calm", "\u{2013}", "none found".to_owned()),
    };
    let found = format!(
        "{review} to review; {} with none found",
        told.risk_of(Risk::NoneFound)
    );
    html.within(
        "section",
        &[("class", "answers"), ("aria-label", "Verdict")],
        |html| {
            answer_box(
                html,
                tone,
                mark,
                "Integrity",
                "Are they what the signers state?",
                &word,
                &basis,
            );
            answer_box(
                html,
                risk.0,
                risk.1,
                "Known risk",
                "Do they hold code like a backdoor's?",
                &risk.2,
                &found,
            );
        },
    );
}

/// What to do first.
fn first(told: &Told, html: &mut Html) {
    let known = told.risk_of(Risk::KnownRisk);
    let errors = told
        .errors
        .values()
        .fold(0, |sum: u64, it| sum.saturating_add(*it));
    let unjudged = errors.saturating_add(told.devices.saturating_sub(told.done));
    let unlike = told.outliers.iter().filter(|row| row.is_telling()).count();
    let lines = [
        (
            told.integrity_of(Integrity::Differ),
            "differ from what the signer states: keep them off the network, and look at the report of each, the worst first.",
        ),
        (
            known,
            "hold code that behaves like a backdoor, be it the vendor's own: keep them apart from other networks until the vendor has answered.",
        ),
        (
            unjudged,
            "were not judged: the reason stands beside each; correct it, and audit them again.",
        ),
        (
            told.integrity_of(Integrity::NoBaseline),
            "fit no baseline: ask the vendor for one, or make one of a unit that is known to be sound.",
        ),
        (
            u64::try_from(unlike).unwrap_or(u64::MAX),
            "parts are unlike those of other units of the model, which needs no baseline to be suspicious.",
        ),
    ];
    if lines.iter().all(|(count, _)| *count == 0) {
        return;
    }
    section(html, "todo", "What to do", |html| {
        html.within("ul", &[], |html| {
            for (count, what) in lines.iter().filter(|(count, _)| *count > 0) {
                html.leaf("li", &[], &format!("{count} {what}"));
            }
        });
    });
}

fn worst(told: &Told, links: Links<'_>, html: &mut Html) {
    if told.worst.is_empty() {
        return;
    }
    section(html, "worst", "Worst first", |html| {
        table(
            html,
            &["Device", "Image", "Answer"],
            &told.worst,
            |html, unit| {
                html.within("th", &[("scope", "row")], |html| links.name(unit, html));
                html.within("td", &[], |html| html.leaf("code", &[], &unit.image));
                html.leaf("td", &[], &unit.told());
            },
        );
    });
}

/// A table of which the first rows are shown.
fn table<Row>(html: &mut Html, columns: &[&str], rows: &[Row], cells: impl Fn(&mut Html, &Row)) {
    html.within(
        "div",
        &[
            ("class", "scroll"),
            ("tabindex", "0"),
            ("role", "group"),
            ("aria-label", "Table"),
        ],
        |html| {
            html.within("table", &[], |html| {
                html.within("thead", &[], |html| {
                    html.within("tr", &[], |html| {
                        for column in columns {
                            html.leaf("th", &[("scope", "col")], column);
                        }
                    });
                });
                html.within("tbody", &[], |html| {
                    for row in rows.iter().take(MOST) {
                        html.within("tr", &[], |html| cells(html, row));
                    }
                });
            });
        },
    );
    let more = rows.len().saturating_sub(MOST);
    if more > 0 {
        html.leaf(
            "p",
            &[("class", "folded")],
            &format!("... and {more} more; --format csv has them all"),
        );
    }
}

fn devices(count: u64) -> String {
    text::count(usize::try_from(count).unwrap_or(usize::MAX), "device")
}

/// Where the pages of single devices stand.
#[derive(Clone, Copy)]
struct Links<'a>(Option<&'a str>);

impl Links<'_> {
    /// The name of a device, as a link where it has a page.
    fn name(self, unit: &Unit, html: &mut Html) {
        match self.target(unit) {
            Some(target) => html.leaf("a", &[("href", &target)], &unit.name),
            None => html.text(&unit.name),
        }
    }

    /// A file of results may say anything: only the name of a report, as vitalsign gives them, becomes one of a page.
    fn target(self, unit: &Unit) -> Option<String> {
        let stem = unit.report.as_deref()?.strip_suffix(".json")?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        if stem.starts_with('.') || !stem.bytes().all(is_plain) {
            return None;
        }
        let mut target = String::from("./");
        for byte in self.0?.trim_start_matches("./").bytes() {
            if is_plain(byte) || b"_/".contains(&byte) {
                target.push(char::from(byte));
            } else {
                let _ = write!(target, "%{byte:02X}");
            }
        }
        Some(format!("{}/{stem}.html", target.trim_end_matches('/')))
    }
}
