//! The end of the page: what was not checked, the account of every byte, and which documents ask for such evidence.

use super::changes::folded;
use super::standards;
use super::summary::section;
use super::write::Html;
use crate::report::text;
use crate::report::verify::Report;

/// What was not checked, and why.
pub(super) fn not_checked(report: &Report, most: usize, html: &mut Html) {
    section(html, "not-checked", "Not checked", |html| {
        if report.not_checked.is_empty() {
            html.leaf("p", &[], "Nothing is known to have been left out.");
        }
        html.within("ul", &[], |html| {
            for row in report.not_checked.iter().take(most) {
                html.within("li", &[], |html| {
                    if !row.place.is_empty() {
                        html.leaf("code", &[], &row.place);
                        html.text(": ");
                    }
                    html.text(&row.reason);
                });
            }
        });
        folded(
            report.not_checked.len(),
            most.min(report.not_checked.len()),
            html,
        );
    });
}

/// The account of the image's own bytes.
pub(super) fn coverage(report: &Report, html: &mut Html) {
    let it = &report.coverage;
    let rows = [
        ("Content of files", it.content),
        ("Structure of formats", it.metadata),
        ("Constant fill", it.fill),
        (
            "Of no known format (compared as raw bytes where the baseline has them)",
            it.unknown,
        ),
        ("Together", it.bytes),
    ];
    section(html, "coverage", "Every byte", |html| {
        html.within("table", &[], |html| {
            html.within("thead", &[], |html| {
                html.within("tr", &[], |html| {
                    for head in ["What", "Bytes", "Share"] {
                        html.leaf("th", &[("scope", "col")], head);
                    }
                });
            });
            html.within("tbody", &[], |html| {
                for (name, bytes) in rows {
                    html.within("tr", &[], |html| {
                        html.leaf("th", &[("scope", "row")], name);
                        html.leaf("td", &[], &format!("{bytes} ({})", text::size(bytes)));
                        let share = bytes.saturating_mul(1000).checked_div(it.bytes);
                        let share = share.map(|it| format!("{}.{} %", it / 10, it % 10));
                        html.leaf("td", &[], &share.unwrap_or_default());
                    });
                }
            });
        });
    });
}

/// Documents whose topics the report has evidence on.
pub(super) fn standards(html: &mut Html) {
    html.within("section", &[("id", "standards"), ("aria-labelledby", "standards-title")], |html| {
        html.leaf("h2", &[("id", "standards-title")], "Documents that ask for evidence of this kind");
        let caution = format!(
            "Editions as of {}. This page is evidence on their topics; it claims compliance with none.",
            standards::READ
        );
        html.leaf("p", &[("class", "note")], &caution);
        let named = standards::ALL.iter().map(|it| format!("{} ({})", it.title, it.edition));
        html.leaf("p", &[("class", "paper")], &named.collect::<Vec<_>>().join("; "));
        html.within("div", &[("class", "scroll screen"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Documents")], |html| {
            html.within("table", &[], |html| {
                html.within("thead", &[], |html| {
                    html.within("tr", &[], |html| {
                        for head in ["Document", "Edition", "Evidence here"] {
                            html.leaf("th", &[("scope", "col")], head);
                        }
                    });
                });
                html.within("tbody", &[], |html| {
                    for standard in standards::ALL {
                        html.within("tr", &[], |html| {
                            html.leaf("th", &[("scope", "row")], standard.title);
                            html.leaf("td", &[], standard.edition);
                            html.leaf("td", &[], standard.evidence);
                        });
                    }
                });
            });
        });
    });
}
