//! Each model's devices by their parts: rows of devices of which the same is told, columns of parts.

use super::Links;
use crate::fleet::summary::{Cell, Matrix, MatrixRow, Told};
use crate::report::verify::render::html::{Html, section};

/// So many rows of one model are shown before the rest is folded.
const OPEN: usize = 12;

pub(super) fn matrices(told: &Told, links: Links<'_>, html: &mut Html) {
    if told.matrices.is_empty() {
        return;
    }
    section(html, "parts", "Devices by part", |html| {
        let note = "Usual is what at least a tenth of the units of a model have. Devices of which the same is told are one row.";
        html.leaf("p", &[("class", "note")], note);
        for matrix in &told.matrices {
            let model = if matrix.model.is_empty() {
                "Model not stated"
            } else {
                &matrix.model
            };
            html.leaf(
                "h3",
                &[],
                &format!("{model}: {}", super::devices(matrix.count)),
            );
            one(matrix, links, html);
        }
    });
}

fn one(matrix: &Matrix, links: Links<'_>, html: &mut Html) {
    let (shown, folded) = matrix.rows.split_at(matrix.rows.len().min(OPEN));
    rows(matrix, shown, links, html);
    if !folded.is_empty() {
        html.within("details", &[], |html| {
            html.leaf("summary", &[], &format!("{} more ways to be", folded.len()));
            rows(matrix, folded, links, html);
        });
    }
    for (count, what) in [
        (matrix.left, "devices that are like no other are not shown"),
        (
            matrix.other_places,
            "parts that few devices have are not shown",
        ),
    ] {
        if count > 0 {
            html.leaf(
                "p",
                &[("class", "folded")],
                &format!("... and {count} {what}"),
            );
        }
    }
}

fn rows(matrix: &Matrix, rows: &[MatrixRow], links: Links<'_>, html: &mut Html) {
    let label = [
        ("class", "scroll"),
        ("tabindex", "0"),
        ("role", "group"),
        ("aria-label", "Devices by part"),
    ];
    html.within("div", &label, |html| {
        html.within("table", &[("class", "matrix")], |html| {
            html.within("thead", &[], |html| {
                html.within("tr", &[], |html| {
                    html.leaf("th", &[("scope", "col")], "Devices");
                    html.leaf("th", &[("scope", "col")], "Answer");
                    for place in &matrix.places {
                        html.within("th", &[("scope", "col")], |html| {
                            html.leaf("code", &[], place);
                        });
                    }
                });
            });
            html.within("tbody", &[], |html| {
                for row in rows {
                    html.within("tr", &[], |html| line(row, links, html));
                }
            });
        });
    });
}

fn line(row: &MatrixRow, links: Links<'_>, html: &mut Html) {
    html.within("th", &[("scope", "row")], |html| {
        links.name(&row.first, html);
        if let Some((_, others)) = row
            .units
            .split_first()
            .filter(|(_, others)| !others.is_empty())
        {
            html.within("details", &[], |html| {
                html.leaf(
                    "summary",
                    &[],
                    &format!("and {} like it", row.count.saturating_sub(1)),
                );
                let rest = row.count > row.units.len().try_into().unwrap_or(u64::MAX);
                let more = if rest { ", ..." } else { "" };
                html.text(&format!("{}{more}", others.join(", ")));
            });
        }
    });
    html.leaf("td", &[], &row.first.told());
    for cell in &row.cells {
        let (class, word) = shown(*cell);
        html.within("td", &[], |html| {
            html.leaf("span", &[("class", class)], word);
        });
    }
}

/// The class and the word of a cell.
fn shown(cell: Cell) -> (&'static str, &'static str) {
    match cell {
        Cell::Usual => ("cell", "usual"),
        Cell::OtherContent => ("cell other-content", "other content"),
        Cell::OtherPrograms => ("cell other-programs", "OTHER PROGRAMS"),
        Cell::Own => ("cell", "its own"),
        Cell::Absent => ("cell other-programs", "ABSENT"),
    }
}
