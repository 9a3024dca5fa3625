//! The verdict in words, and what to do: what all forms for people say.

use crate::baseline::change::ChangeKind;
use crate::finding::Confidence;
use crate::report::text;
use crate::report::verify::{CheckedRow, Report, SignerRow};
use crate::verdict::{Integrity, POLICY, Risk};

/// Every kind of change with the word that people are shown, in the order in which they are counted.
pub(in crate::report) const KINDS: &[(ChangeKind, &str)] = &[
    (ChangeKind::Added, "added"),
    (ChangeKind::Removed, "removed"),
    (ChangeKind::Modified, "modified"),
    (ChangeKind::Moved, "moved"),
    (ChangeKind::Uncovered, "not covered"),
];

/// The word for a kind of change.
pub(in crate::report) fn kind(kind: ChangeKind) -> &'static str {
    let found = KINDS.iter().find(|(other, _)| *other == kind);
    found.map_or("", |(_, word)| word)
}

/// The answer to "is it what the baseline says?": a word, and what it rests on.
pub(in crate::report) fn integrity(report: &Report) -> (&'static str, String) {
    let from = match report.baseline {
        Some(_) => "the baseline",
        None => "the first image",
    };
    match report.verdict.integrity {
        Integrity::Match => (
            "MATCH",
            format!("no difference from {from} in {}", share(report)),
        ),
        Integrity::Differ => ("DIFFERS", tally(report)),
        Integrity::Incomplete => (
            "INCOMPLETE",
            format!("no difference in {}; not all was checked", share(report)),
        ),
        Integrity::NoBaseline if report.is_scan() => {
            ("NOT COMPARED", "this scan has no baseline".to_owned())
        }
        Integrity::NoBaseline => (
            "NO BASELINE",
            "no trusted baseline holds anything of this image".to_owned(),
        ),
        Integrity::Untrusted => {
            let rest = match tally(report) {
                none if none.is_empty() => format!("no difference in {}", share(report)),
                tally => tally,
            };
            (
                "UNTRUSTED",
                format!("nobody vouches for the baseline; {rest}"),
            )
        }
    }
}

/// The answer to "does it hold what behaves like a backdoor?".
pub(in crate::report) fn risk(report: &Report) -> (&'static str, String) {
    let count = |proven: bool| {
        let rows = report.findings.iter();
        rows.filter(|row| !proven || row.confidence == Confidence::Proven)
            .count()
    };
    match report.verdict.risk {
        Risk::NoneFound => (
            "NONE FOUND",
            "by the checks of this version (see NOT CHECKED)".to_owned(),
        ),
        Risk::Review => (
            "REVIEW",
            format!(
                "{} that somebody has to look at",
                text::count(count(false), "finding")
            ),
        ),
        Risk::KnownRisk => (
            "FOUND",
            format!(
                "{}, of which {} proven",
                text::count(count(false), "finding"),
                count(true)
            ),
        ),
    }
}

/// How many of the entries and raw components that were compared are as expected.
fn share(report: &Report) -> String {
    let sum = |count: fn(&CheckedRow) -> usize| {
        report
            .checked
            .iter()
            .fold(0_usize, |sum, row| sum.saturating_add(count(row)))
    };
    let (matched, compared) = (sum(|row| row.matched), sum(|row| row.compared));
    match sum(|row| row.mutable) {
        0 => format!("{matched} of {compared} items"),
        mutable => format!("{matched} of {compared} items, {mutable} may change"),
    }
}

/// How many changes of each kind.
fn tally(report: &Report) -> String {
    let parts = KINDS.iter().filter_map(|(kind, word)| {
        let count = report.changes.iter().filter(|it| it.kind == *kind).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What the image was compared with.
pub(in crate::report) fn against(report: &Report) -> String {
    let Some(baseline) = &report.baseline else {
        let none = match report.verdict.integrity {
            Integrity::NoBaseline if report.is_scan() => "none asked for",
            Integrity::NoBaseline => "none fits",
            _ => "none: the first image stands in for one",
        };
        return none.to_owned();
    };
    let signed = match &baseline.signer {
        Some(SignerRow {
            name: Some(name),
            class,
            ..
        }) if class == "unstated" => format!("signed by {name}"),
        Some(SignerRow {
            name: Some(name),
            class,
            ..
        }) => format!("signed by {name} ({class})"),
        Some(signer) => {
            let key = signer.key.to_string();
            format!("signed, key {}", key.get(..8).unwrap_or(&key))
        }
        None => "NOT SIGNED".to_owned(),
    };
    format!(
        "{} {} {}, sequence {}; {signed}{}",
        baseline.vendor,
        baseline.model,
        baseline.version,
        baseline.sequence,
        out_of_order(report)
    )
}

/// What of the policy was broken, in a few words.
pub(in crate::report) fn out_of_order(report: &Report) -> String {
    let broken = report
        .policy
        .iter()
        .filter(|breach| breach.accepted.is_none() && breach.is_of_baseline);
    let mut words: Vec<&str> = broken.map(|breach| breach.kind.word()).collect();
    words.dedup();
    match words.as_slice() {
        [] => String::new(),
        words => format!(", but {} (see POLICY)", words.join(", ")),
    }
}

/// What to do, one sentence or two a line; nothing where two images or no baseline were asked for.
pub(in crate::report) fn advice(report: &Report) -> Vec<&'static str> {
    if report.judged_at.is_none() || report.is_scan() {
        // Two images without a signer say nothing about what a device should hold.
        return Vec::new();
    }
    let lines: &[&str] = match report.verdict.integrity {
        Integrity::Match => &[
            "The image holds what the signer states. What stands under NOT CHECKED was not examined.",
            "File this report with the device record.",
        ],
        Integrity::Differ => &[
            "The cause of a difference is not determined here, and intent is not assessed.",
            "Recommended, under local policy: hold the unit, keep it off the network, preserve it and this image, \
             and consult clinical engineering and the maker. Do not re-flash it before that.",
        ],
        Integrity::Incomplete => &[
            "Nothing that was compared differs, but this is no match: see what is not covered and NOT CHECKED.",
            "Recommended: read the unit again (two reads that agree), or get a baseline that covers all of it.",
        ],
        Integrity::NoBaseline => &["Get a signed baseline for this device and version."],
        Integrity::Untrusted => &[
            "A baseline without a trusted signature proves nothing: whoever changed the image may have written it.",
            "Get its signature, or take a baseline from a reference unit and sign it.",
        ],
    };
    let mut lines = lines.to_vec();
    match report.verdict.risk {
        Risk::KnownRisk => lines.push(
            "Findings stand whatever the baseline says. Recommended, under local policy: keep the unit off the network until \
             somebody has decided what the proven ones mean for it.",
        ),
        Risk::Review => lines.push("Somebody has to look at the findings, whatever the baseline says."),
        Risk::NoneFound => {}
    }
    if report.verdict.exit_code & POLICY != 0 {
        lines.push(if out_of_order(report).is_empty() {
            "Verify again with rules that are in force, and with the clock set right."
        } else {
            "Verify again with the baseline that is in force, and with the clock set right."
        });
    }
    lines
}
