//! One self-contained page: for the screen, the phone, the printer (two A4 pages for the record) and the screen reader.
//!
//! It runs no script and loads nothing; a policy in its head forbids both, whatever an image brought into it. Long lists are folded; the
//! zoom of the map is a list that opens.

mod changes;
mod closing;
mod findings;
mod picture;
mod standards;
mod summary;
mod write;

pub(crate) use self::summary::{answer_box, section};
pub(crate) use self::write::Html;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Manner, answer};
use crate::digest::Digest;
use crate::report::verify::Report;

const STYLE: &str = include_str!("html/style.css");
/// So many rows of a list are shown.
const MOST_ROWS: usize = 300;
/// So many findings are drawn.
const MOST_FINDINGS: usize = 100;

/// The page of a record.
pub fn render(report: &Report, manner: Manner) -> String {
    let most = |rows| if manner.verbose { usize::MAX } else { rows };
    let mut html = Html::default();
    html.fixed("<!DOCTYPE html>\n");
    html.within("html", &[("lang", "en")], |html| {
        html.within("head", &[], |html| head(&title(report), html));
        html.within("body", &[], |html| {
            html.within("header", &[], |html| top(report, html));
            html.within("main", &[], |html| {
                summary::verdict(report, html);
                html.within("p", &[("class", "against")], |html| {
                    html.leaf("b", &[], "Compared with: ");
                    html.text(&answer::against(report).replace(" (see POLICY)", ""));
                });
                summary::device(report, html);
                policy(report, html);
                summary::advice(report, html);
                changes::changes(report, most(MOST_ROWS), html);
                picture::map(report, html);
                changes::history(report, most(MOST_ROWS), html);
                findings::findings(report, most(MOST_FINDINGS), html);
                closing::not_checked(report, most(MOST_ROWS), html);
                summary::record(report, html);
                closing::coverage(report, html);
                closing::standards(html);
                summary::signatures(report, html);
            });
            html.within("footer", &[], |html| {
                let line = "This page says what matched, what did not, and what could not be checked. It does not say that a device is safe.";
                html.leaf("p", &[], line);
            });
        });
    });
    html.finish()
}

/// What stands in the head of a page: what it may load, which is nothing, its style and its title.
pub(crate) fn head(title: &str, html: &mut Html) {
    let hash = STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    html.void("meta", &[("charset", "utf-8")]);
    html.void(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", &policy),
        ],
    );
    html.void(
        "meta",
        &[
            ("name", "viewport"),
            ("content", "width=device-width, initial-scale=1"),
        ],
    );
    html.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    html.leaf("title", &[], title);
    html.fixed("<style>");
    html.fixed(STYLE);
    html.fixed("</style>\n");
}

fn title(report: &Report) -> String {
    let (integrity, _) = answer::integrity(report);
    let (risk, _) = answer::risk(report);
    format!("{}: {integrity}; known risk: {risk}", report.image.name)
}

fn top(report: &Report, html: &mut Html) {
    html.leaf("h1", &[], "Firmware verification report");
    let unit = report.asset.as_ref().map(|asset| format!("unit {asset}, "));
    let time = report.judged_at.as_ref().map(|time| format!(", {time}"));
    let line = format!(
        "{}{}{}",
        unit.unwrap_or_default(),
        report.image.name,
        time.unwrap_or_default()
    );
    html.leaf("p", &[("class", "sub")], &line);
    html.within("nav", &[("aria-label", "On this page")], |html| {
        html.within("ul", &[], |html| {
            let all = [
                (
                    "#changes",
                    "What changed",
                    !report.checked.is_empty() || !report.changes.is_empty(),
                ),
                (
                    "#map",
                    "Map",
                    !report.map.areas.is_empty() || !report.map.trees.is_empty(),
                ),
                ("#history", "Overwritten", !report.history.is_empty()),
                ("#findings", "Findings", true),
                ("#not-checked", "Not checked", true),
                ("#record", "Baseline and image", true),
                ("#signatures", "Signatures", true),
            ];
            for (target, name, _) in all.iter().filter(|(_, _, is_there)| *is_there) {
                html.within("li", &[], |html| html.leaf("a", &[("href", target)], name));
            }
        });
    });
}

/// What speaks against relying on the baseline.
fn policy(report: &Report, html: &mut Html) {
    if report.policy.is_empty() {
        return;
    }
    html.within(
        "section",
        &[("class", "policy"), ("aria-label", "Policy")],
        |html| {
            for breach in &report.policy {
                let accepted = breach
                    .accepted
                    .as_ref()
                    .map(|reason| format!(" \u{2013} accepted: {reason}"));
                html.leaf(
                    "p",
                    &[],
                    &format!("{}{}", breach.detail, accepted.unwrap_or_default()),
                );
            }
        },
    );
}
