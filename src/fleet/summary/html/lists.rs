//! What devices have in common, and what they have not: versions, outliers, keys, programs, images; and what is different since an earlier audit.

use super::table;
use crate::digest::Digest;
use crate::fleet::summary::terminal::units;
use crate::fleet::summary::{Outlier, Since, Told};
use crate::place::visible;
use crate::report::text;
use crate::report::verify::render::html::{Html, section};

pub(super) fn all(told: &Told, html: &mut Html) {
    if let Some(since) = &told.since {
        section(html, "since", "Since the last audit", |html| {
            different(since, html);
        });
    }
    versions(told, html);
    outliers(told, html);
    keys(told, html);
    programs(told, html);
    images(told, html);
}

fn versions(told: &Told, html: &mut Html) {
    if told.versions.is_empty() {
        return;
    }
    section(html, "versions", "Another version than stated", |html| {
        table(
            html,
            &["Device", "Stated", "Found"],
            &told.versions,
            |html, row| {
                html.leaf("th", &[("scope", "row")], &row.name);
                html.leaf("td", &[], &row.claimed);
                html.leaf("td", &[], &row.found);
            },
        );
    });
}

/// Other programs, and parts that are missing, come first: another content is often no more than a unit's own settings.
fn outliers(told: &Told, html: &mut Html) {
    if told.outliers.is_empty() {
        return;
    }
    let (telling, others): (Vec<&Outlier>, Vec<&Outlier>) =
        told.outliers.iter().partition(|row| row.is_telling());
    section(html, "outliers", "Unlike the others of the model", |html| {
        html.leaf(
            "p",
            &[("class", "note")],
            "No baseline is needed to see this.",
        );
        if !telling.is_empty() {
            unlike(&telling, html);
        }
        if !others.is_empty() {
            html.within("details", &[], |html| {
                let count = text::count(others.len(), "part");
                html.leaf(
                    "summary",
                    &[],
                    &format!(
                        "{count} with another content and the usual programs: settings, records"
                    ),
                );
                unlike(&others, html);
            });
        }
    });
}

fn unlike(rows: &[&Outlier], html: &mut Html) {
    table(
        html,
        &["Device", "Model", "What is unlike"],
        rows,
        |html, row| {
            html.leaf("th", &[("scope", "row")], &row.name);
            html.leaf("td", &[], &row.model);
            html.leaf("td", &[], &row.told());
        },
    );
}

fn keys(told: &Told, html: &mut Html) {
    if told.keys.is_empty() {
        return;
    }
    section(html, "keys", "One key on several units", |html| {
        table(
            html,
            &["Key", "Fingerprint", "Units"],
            &told.keys,
            |html, row| {
                html.leaf("th", &[("scope", "row")], row.what.word());
                html.within("td", &[], |html| html.leaf("code", &[], &row.fingerprint));
                html.leaf("td", &[], &units(row.count, &row.units));
            },
        );
    });
}

fn programs(told: &Told, html: &mut Html) {
    if told.programs.is_empty() {
        return;
    }
    section(
        html,
        "programs",
        "Programs that no baseline states",
        |html| {
            table(
                html,
                &["Program", "SHA-256", "Units"],
                &told.programs,
                |html, row| {
                    html.within("th", &[("scope", "row")], |html| {
                        html.leaf("code", &[], &row.path);
                    });
                    digest(&row.sha256, html);
                    html.leaf("td", &[], &units(row.count, &row.units));
                },
            );
        },
    );
}

fn images(told: &Told, html: &mut Html) {
    if told.images.is_empty() {
        return;
    }
    section(html, "images", "Identical images", |html| {
        table(
            html,
            &["Firmware", "SHA-256", "Units"],
            &told.images,
            |html, row| {
                let firmware = if row.firmware.is_empty() {
                    "not known"
                } else {
                    &row.firmware
                };
                html.leaf("th", &[("scope", "row")], firmware);
                digest(&row.sha256, html);
                html.leaf("td", &[], &units(row.count, &row.units));
            },
        );
    });
}

fn different(since: &Since, html: &mut Html) {
    let when = since.judged_at.as_deref().map(visible);
    let line = format!(
        "Since {}: {} new, {} gone, {} with another answer, {} with another image and the same answer, {} as before.",
        when.as_deref().unwrap_or("an earlier audit"),
        since.new.len(),
        since.gone.len(),
        since.changed.len(),
        since.other_images,
        since.same
    );
    html.leaf("p", &[], &line);
    if !since.changed.is_empty() {
        table(
            html,
            &["Device", "Exit code before", "Now", "Image"],
            &since.changed,
            |html, turn| {
                html.leaf("th", &[("scope", "row")], &turn.name);
                html.leaf("td", &[], &turn.before.to_string());
                html.leaf("td", &[], &turn.now.to_string());
                html.leaf(
                    "td",
                    &[],
                    if turn.is_other_image {
                        "another"
                    } else {
                        "the same"
                    },
                );
            },
        );
    }
    if !since.gone.is_empty() {
        html.leaf(
            "p",
            &[],
            &format!(
                "Gone: {}",
                units(
                    u64::try_from(since.gone.len()).unwrap_or(u64::MAX),
                    &since.gone
                )
            ),
        );
    }
    if !since.spread.is_empty() {
        table(
            html,
            &["Program", "SHA-256", "Units before", "Now"],
            &since.spread,
            |html, row| {
                html.within("th", &[("scope", "row")], |html| {
                    html.leaf("code", &[], &row.path);
                });
                digest(&row.sha256, html);
                html.leaf("td", &[], &row.before.to_string());
                html.leaf("td", &[], &row.now.to_string());
            },
        );
    }
}

fn digest(of: &Digest, html: &mut Html) {
    html.within("td", &[], |html| {
        html.leaf("code", &[("class", "digest")], &of.to_string());
    });
}
