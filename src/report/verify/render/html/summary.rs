//! The top of the page: both answers, what was compared, and which unit it is.

use super::write::Html;
use crate::report::text;
use crate::report::verify::Report;
use crate::report::verify::render::answer;
use crate::report::verify::render::terminal::who;
use crate::verdict::{Integrity, Risk};

/// Both answers, in two boxes.
pub(super) fn verdict(report: &Report, html: &mut Html) {
    let (integrity, basis) = answer::integrity(report);
    let (risk, findings) = answer::risk(report);
    let good = report.verdict.integrity == Integrity::Match;
    let mark = match report.verdict.integrity {
        Integrity::Match => "\u{2713}",
        Integrity::Differ => "\u{2260}",
        _ => "?",
    };
    let calm = match report.verdict.risk {
        Risk::NoneFound => ("calm", "\u{2013}"),
        Risk::Review => ("open", "?"),
        Risk::KnownRisk => ("bad", "!"),
    };
    let tone = match report.verdict.integrity {
        Integrity::Differ => "bad",
        _ if good => "calm",
        _ => "open",
    };
    html.within(
        "section",
        &[("class", "answers"), ("aria-label", "Verdict")],
        |html| {
            answer_box(
                html,
                tone,
                mark,
                "Integrity",
                "Is it what the signer states?",
                integrity,
                &basis,
            );
            answer_box(
                html,
                calm.0,
                calm.1,
                "Known risk",
                "Does it hold code like a backdoor's?",
                risk,
                &findings,
            );
        },
    );
}

/// One answer: `tone` is `calm`, `open` or `bad`.
pub(crate) fn answer_box(
    html: &mut Html,
    tone: &str,
    mark: &str,
    axis: &str,
    question: &str,
    word: &str,
    basis: &str,
) {
    let class = format!("answer {tone}");
    html.within("div", &[("class", &class)], |html| {
        html.leaf("span", &[("class", "mark"), ("aria-hidden", "true")], mark);
        html.within("div", &[], |html| {
            html.leaf("h2", &[], axis);
            html.leaf("p", &[("class", "question")], question);
            html.leaf("p", &[("class", "word")], word);
            html.leaf("p", &[], basis);
        });
    });
}

/// What to do.
pub(super) fn advice(report: &Report, html: &mut Html) {
    let lines = answer::advice(report);
    if lines.is_empty() {
        return;
    }
    section(html, "todo", "What to do", |html| {
        html.within("ul", &[], |html| {
            for line in lines {
                html.leaf(
                    "li",
                    &[],
                    &line.replace("NOT CHECKED", "\u{201c}Not checked\u{201d}"),
                );
            }
        });
    });
}

/// Which image it is, and what it was compared with.
pub(super) fn record(report: &Report, html: &mut Html) {
    section(html, "record", "Baseline and image", |html| {
        html.within("dl", &[("class", "facts")], |html| {
            baseline(report, html);
            image(report, html);
        });
    });
}

/// Which unit it is.
pub(super) fn device(report: &Report, html: &mut Html) {
    section(html, "device", "Device", |html| {
        html.within("dl", &[("class", "unit")], |html| unit(report, html));
    });
}

fn unit(report: &Report, html: &mut Html) {
    let unit = &report.unit;
    let known = [
        ("Asset tag", &report.asset),
        ("Serial number", &unit.serial),
        ("UDI", &unit.udi),
        ("Maker, model on the label", &unit.label),
        ("Location", &unit.location),
        ("Department", &unit.department),
        ("Network", &unit.network),
        ("How it was read", &unit.acquired),
        ("Work order", &unit.work_order),
        ("Operator", &unit.operator),
        ("Reviewer", &unit.reviewer),
    ];
    let always = ["Asset tag", "Serial number", "UDI", "Work order"];
    for (name, value) in known {
        match value {
            Some(value) => html.within("div", &[], |html| fact(html, name, value)),
            // A line to write on.
            None if always.contains(&name) && !report.is_diff() => {
                html.within("div", &[], |html| {
                    html.leaf("dt", &[], name);
                    html.leaf("dd", &[("class", "blank")], "not stated");
                });
            }
            None => {}
        }
    }
}

fn baseline(report: &Report, html: &mut Html) {
    fact(
        html,
        "Compared with",
        &answer::against(report).replace(" (see POLICY)", ""),
    );
    let Some(baseline) = &report.baseline else {
        return;
    };
    let dates = format!("issued {}, expires {}", baseline.issued, baseline.expires);
    fact(html, "Baseline's dates", &dates);
    digest(html, "Baseline's SHA-256", &baseline.sha256.to_string());
    for signer in baseline.signer.iter().chain(&baseline.cosigners) {
        html.leaf("dt", &[], "Signed by");
        html.within("dd", &[], |html| {
            html.leaf("span", &[], &format!("{}; key ", who(signer)));
            html.leaf("code", &[("class", "digest")], &signer.key.to_string());
        });
    }
}

fn image(report: &Report, html: &mut Html) {
    let image = &report.image;
    fact(
        html,
        "Image",
        &format!("{}, {}", image.name, text::size(image.size)),
    );
    match image.sha256 {
        Some(sha256) => digest(html, "Image's SHA-256", &sha256.to_string()),
        None => fact(html, "Image's SHA-256", "none: a directory"),
    }
    for (what, file) in image.files() {
        fact(
            html,
            "File beside it",
            &format!("{what} {}, {}", file.name, text::size(file.size)),
        );
        digest(html, "Its SHA-256", &file.sha256.to_string());
    }
    for pack in &report.rules {
        let trust = pack
            .untrusted
            .as_ref()
            .map_or("signature valid", |_| "NOT TRUSTED");
        fact(html, "Rules besides", &format!("{}: {}", pack.name, trust));
    }
    if let Some(time) = &report.judged_at {
        fact(html, "Judged at", time);
    }
    let tool = format!("{} {}", report.tool.name, report.tool.version);
    fact(
        html,
        "Tool, exit code",
        &format!("{}, {}", tool.trim(), report.verdict.exit_code),
    );
}

fn fact(html: &mut Html, name: &str, value: &str) {
    html.leaf("dt", &[], name);
    html.leaf("dd", &[], value);
}

fn digest(html: &mut Html, name: &str, value: &str) {
    html.leaf("dt", &[], name);
    html.within("dd", &[], |html| {
        html.leaf("code", &[("class", "digest")], value);
    });
}

/// A section with a heading, which is a landmark.
pub(crate) fn section(
    html: &mut Html,
    id: &'static str,
    title: &str,
    inside: impl FnOnce(&mut Html),
) {
    let head = format!("{id}-title");
    html.within(
        "section",
        &[("id", id), ("aria-labelledby", &head)],
        |html| {
            html.leaf("h2", &[("id", &head)], title);
            inside(html);
        },
    );
}

/// Lines for those who answer for it.
pub(super) fn signatures(report: &Report, html: &mut Html) {
    section(html, "signatures", "Signatures", |html| {
        html.within("div", &[("class", "lines")], |html| {
            for (role, name) in [
                ("Operator", &report.unit.operator),
                ("Reviewer", &report.unit.reviewer),
            ] {
                html.within("p", &[], |html| {
                    html.leaf("span", &[("class", "line"), ("aria-hidden", "true")], "");
                    let name = name.as_deref().map(|name| format!(" ({name})"));
                    html.text(&format!("{role}{}, date", name.unwrap_or_default()));
                });
            }
        });
    });
}
