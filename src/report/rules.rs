//! Rules and codes for people, for programs and for the README.

use std::fmt::{self, Write};

use serde::Serialize;

use super::text;
use super::verify::PackRow;
use crate::finding::{Confidence, Severity};
use crate::rules::{Card, Failed, Given, Pack, Pattern, Rule, Rulebook};

/// `vitalsign.rules/1`: all codes.
#[derive(Serialize)]
pub struct List {
    schema: &'static str,
    rules: Vec<Row>,
    /// The packs that are not built in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    given: Vec<PackRow>,
}

/// `vitalsign.explain/1`: one code.
#[derive(Serialize)]
pub struct Explained<'a> {
    schema: &'static str,
    #[serde(flatten)]
    card: &'a Card,
    /// The pack that it is from, where that is not built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<PackRow>,
}

#[derive(Serialize)]
struct Row {
    code: &'static str,
    pack: &'static str,
    severity: Severity,
    confidence: Confidence,
    title: &'static str,
    references: &'static [String],
}

impl List {
    /// All codes.
    pub fn new(book: &Rulebook) -> Self {
        let rules = book.packs().flat_map(|pack| {
            pack.cards().map(|card| Row {
                code: &card.code,
                pack: &pack.name,
                severity: card.severity,
                confidence: card.confidence,
                title: &card.title,
                references: &card.references,
            })
        });
        Self {
            schema: "vitalsign.rules/1",
            rules: rules.collect(),
            given: book.given().iter().map(PackRow::new).collect(),
        }
    }
}

impl<'a> Explained<'a> {
    /// One code, and the pack that it is from where that was given.
    pub fn new(card: &'a Card, giver: Option<&Given>) -> Self {
        Self {
            schema: "vitalsign.explain/1",
            card,
            pack: giver.map(PackRow::new),
        }
    }
}

/// All codes for people, a block each.
///
/// # Errors
/// None that a caller could mend.
pub fn list(book: &Rulebook) -> Result<String, fmt::Error> {
    let mut out = String::new();
    for pack in book.packs() {
        writeln!(out, "{}", pack.name)?;
        let given = book.given().iter().find(|it| it.pack.name == pack.name);
        if let Some(given) = given {
            text::wrap(&mut out, "  ", 4, &origin(given))?;
        }
        for card in pack.cards() {
            writeln!(
                out,
                "  {}  ({}, at most {})",
                card.code,
                severity(card.severity),
                confidence(card.confidence)
            )?;
            text::wrap(&mut out, "      ", 6, &card.title)?;
        }
    }
    Ok(out)
}

/// Where a pack comes from that is not built in.
fn origin(given: &Given) -> String {
    let name = &given.pack.name;
    let vouched = match &given.signers {
        Ok(signers) => {
            let keys = signers.iter().map(|it| it.signer.key.fingerprint());
            let keys: Vec<String> = keys.map(|key| format!("key {key}")).collect();
            format!("signed by {}", keys.join(" and "))
        }
        Err(why) => format!(
            "nobody vouches for it ({why}): what it tells is for review, medium at most and never proven"
        ),
    };
    format!("the pack {name}, SHA-256 {}; {vouched}", given.sha256)
}

/// One code for people, and the pack that it is from where that was given.
///
/// # Errors
/// None that a caller could mend.
pub fn explain(card: &Card, giver: Option<&Given>) -> Result<String, fmt::Error> {
    let mut out = String::new();
    writeln!(
        out,
        "{}  ({}, at most {})",
        card.code,
        severity(card.severity),
        confidence(card.confidence)
    )?;
    text::wrap(&mut out, "", 0, &card.title)?;
    if let Some(given) = giver {
        text::wrap(&mut out, "told by ", 8, &origin(given))?;
    }
    for (head, body) in [
        ("WHY IT MATTERS", &card.why),
        ("HOW IT IS SHOWN", &card.shown_by),
        ("WHAT WOULD DISPROVE IT", &card.disproved_by),
        ("WHAT TO DO", &card.advice),
    ] {
        writeln!(out, "\n{head}")?;
        text::wrap(&mut out, "  ", 2, body)?;
    }
    writeln!(out, "\nREFERENCES")?;
    text::wrap(&mut out, "  ", 2, &card.references.join(", "))?;
    for advisory in &card.advisories {
        let line = format!(
            "{}, {}, {}: {}",
            advisory.id, advisory.revision, advisory.date, advisory.says
        );
        text::wrap(&mut out, "  ", 4, &line)?;
    }
    text::wrap(
        &mut out,
        "\n",
        0,
        "References name what describes the pattern; that this device is the one they speak of is not said. Intent is not assessed.",
    )?;
    Ok(out)
}

/// One rule for people: its card, and the steps that it looks for.
///
/// # Errors
/// None that a caller could mend.
pub fn show(rule: &Rule, giver: Option<&Given>) -> Result<String, fmt::Error> {
    let mut out = explain(&rule.card, giver)?;
    writeln!(
        out,
        "\nSTEPS, in this order, in one script or configuration and those that it starts"
    )?;
    for (nth, pattern) in (1_usize..).zip(&rule.steps) {
        writeln!(out, "  {nth}. {}", pattern_text(pattern))?;
    }
    for pattern in &rule.unless {
        writeln!(out, "  unless {}", pattern_text(pattern))?;
    }
    if !rule.covers.is_empty() {
        text::wrap(
            &mut out,
            "  then not told besides: ",
            4,
            &rule.covers.join(", "),
        )?;
    }
    writeln!(
        out,
        "  tried on {} files or trees to hit and {} near misses",
        rule.hit.len(),
        rule.clean.len()
    )?;
    Ok(out)
}

fn pattern_text(pattern: &Pattern) -> String {
    let acts: Vec<&str> = pattern.acts.iter().map(|act| act.word()).collect();
    let mut shown = acts.join(" or ");
    let words = |traits: &[crate::behaviour::Trait], between: &str| {
        let words: Vec<&str> = traits.iter().map(|it| it.word()).collect();
        words.join(between)
    };
    for (traits, head, between) in [
        (&pattern.all, ": ", ", "),
        (&pattern.any, "; one of ", ", "),
        (&pattern.none, "; not ", ", not "),
    ] {
        if !traits.is_empty() {
            shown.push_str(head);
            shown.push_str(&words(traits, between));
        }
    }
    shown
}

/// What came of trying rules.
///
/// # Errors
/// None that a caller could mend.
pub fn tried(packs: &[Pack], failed: &[Failed]) -> Result<String, fmt::Error> {
    let mut out = String::new();
    for failed in failed {
        writeln!(out, "{}: {}", failed.code, failed.what)?;
    }
    let count = packs
        .iter()
        .fold(0_usize, |sum, pack| sum.saturating_add(pack.rules.len()));
    writeln!(out, "{count} rules tried, {} failed", failed.len())?;
    Ok(out)
}

/// The table of the README.
pub fn markdown(packs: &[Pack]) -> String {
    let mut table =
        String::from("| code | severity | shown at most | what it tells |\n|---|---|---|---|\n");
    for card in packs.iter().flat_map(Pack::cards) {
        let (severity, confidence) = (severity(card.severity), confidence(card.confidence));
        table.extend([format!(
            "| `{}` | {severity} | {confidence} | {} |\n",
            card.code, card.title
        )]);
    }
    table
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Hint => "hint",
        Confidence::Probable => "probable",
        Confidence::Proven => "proven",
    }
}
