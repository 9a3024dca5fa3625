//! A pack from its text.

use super::model::{Advisory, Card, Dates, Fixture, FixtureFile, Pack, Pattern, Rule};
use super::{calls, makeup};
use crate::behaviour::{Act, Trait};
use crate::document::{self, Fault, Field, Kind, Malformed, Table};
use crate::finding::{Confidence, Severity};
use crate::place;

const SEVERITIES: &[(&str, Severity)] = &[
    ("info", Severity::Info),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

const CONFIDENCES: &[(&str, Confidence)] = &[
    ("hint", Confidence::Hint),
    ("probable", Confidence::Probable),
    ("proven", Confidence::Proven),
];

/// Reads a pack; its fixtures are not tried yet.
///
/// # Errors
/// Where the text is no pack, with the line.
pub fn parse(text: &[u8]) -> Result<Pack, Malformed> {
    document::read(text, Kind::Rules, |top| {
        let name = top.need("name", code)?;
        let issued = top.maybe("issued", Field::time)?;
        let dates = match issued {
            Some(issued) => Some(Dates {
                issued,
                expires: top.need("expires", Field::time)?,
            }),
            None => None,
        };
        Ok(Pack {
            name,
            dates,
            rules: top
                .maybe("rule", |field| many(field, rule))?
                .unwrap_or_default(),
            checks: top
                .maybe("check", |field| many(field, check))?
                .unwrap_or_default(),
        })
    })
}

fn many<'i, T>(
    field: Field<'i>,
    read: impl Fn(&mut Table<'i>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    for field in field.list()? {
        let mut table = field.table()?;
        all.push(read(&mut table)?);
        table.end("it")?;
    }
    Ok(all)
}

fn rule(table: &mut Table<'_>) -> Result<Rule, Fault> {
    Ok(Rule {
        card: card(table)?,
        steps: table.need("steps", patterns)?,
        unless: table.maybe("unless", patterns)?.unwrap_or_default(),
        together: table.maybe("together", Field::flag)?.unwrap_or_default(),
        covers: table
            .maybe("covers", |field| field.set(code))?
            .unwrap_or_default(),
        hit: table.need("hit", fixtures)?,
        clean: table.need("clean", fixtures)?,
    })
}

fn check(table: &mut Table<'_>) -> Result<Card, Fault> {
    card(table)
}

fn card(table: &mut Table<'_>) -> Result<Card, Fault> {
    Ok(Card {
        code: table.need("code", code)?,
        severity: table.need("severity", |field| field.word(SEVERITIES))?,
        confidence: table.need("confidence", |field| field.word(CONFIDENCES))?,
        title: table.need("title", Field::plain)?,
        why: table.need("why", sentences)?,
        shown_by: table.need("shown_by", sentences)?,
        disproved_by: table.need("disproved_by", sentences)?,
        advice: table.need("advice", sentences)?,
        references: table.need("references", |field| field.set(reference))?,
        advisories: table
            .maybe("advisories", |field| many(field, advisory))?
            .unwrap_or_default(),
    })
}

fn advisory(table: &mut Table<'_>) -> Result<Advisory, Fault> {
    Ok(Advisory {
        id: table.need("id", Field::plain)?,
        revision: table.need("revision", Field::plain)?,
        date: table.need("date", Field::plain)?,
        says: table.need("says", sentences)?,
    })
}

fn patterns(field: Field<'_>) -> Result<Vec<Pattern>, Fault> {
    many(field, |table| {
        let traits = |field: Field<'_>| field.set(|field| field.word(Trait::ALL));
        Ok(Pattern {
            acts: table.need("act", |field| field.set(|field| field.word(Act::ALL)))?,
            all: table.maybe("is", traits)?.unwrap_or_default(),
            any: table.maybe("any", traits)?.unwrap_or_default(),
            none: table.maybe("not", traits)?.unwrap_or_default(),
        })
    })
}

fn fixtures(field: Field<'_>) -> Result<Vec<Fixture>, Fault> {
    let spot = field.spot;
    let all: Result<Vec<Fixture>, Fault> = field
        .list()?
        .map(|field| many(field, fixture_file))
        .collect();
    let all = all?;
    if all.is_empty() {
        return Err(spot.fault("at least one list of files"));
    }
    Ok(all)
}

fn fixture_file(table: &mut Table<'_>) -> Result<FixtureFile, Fault> {
    Ok(FixtureFile {
        path: table.need("path", |field| {
            field.path().map(|path| place::escape(path.as_bytes()))
        })?,
        text: table
            .maybe("text", |field| {
                field.string().map(std::borrow::Cow::into_owned)
            })?
            .unwrap_or_default(),
        calls: table.maybe("calls", |field| {
            let spot = field.spot;
            let text = field.string()?;
            calls::program(&text).map_err(|line| {
                let line = place::escape(line.as_bytes()).replace('\\', "/");
                spot.fault(format_args!("calls, one a line, which this is not: {line}"))
            })
        })?,
        makeup: table.maybe("program", |field| {
            let spot = field.spot;
            let text = field.string()?;
            makeup::makeup(&text).map_err(|line| {
                let line = place::escape(line.as_bytes()).replace('\\', "/");
                spot.fault(format_args!(
                    "parts of a program, one a line, which this is not: {line}"
                ))
            })
        })?,
    })
}

/// A name in kebab-case.
fn code(field: Field<'_>) -> Result<String, Fault> {
    let spot = field.spot;
    let text = field.plain()?;
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if text.split('-').all(part) {
        return Ok(text);
    }
    Err(spot.fault("a name in kebab-case"))
}

/// The number of a CVE, CWE, or of a technique.
fn reference(field: Field<'_>) -> Result<String, Fault> {
    let spot = field.spot;
    let text = field.plain()?;
    let starts = ["CVE-", "CWE-", "T0", "T1"]
        .iter()
        .any(|start| text.starts_with(start));
    if starts
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    {
        return Ok(text);
    }
    Err(spot.fault("the number of a CVE, a CWE or an ATT&CK technique"))
}

/// Text of several lines, as one.
fn sentences(field: Field<'_>) -> Result<String, Fault> {
    let spot = field.spot;
    let text = field.string()?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sound = !text.is_empty() && text.len() <= 2000 && place::escape(text.as_bytes()) == text;
    sound.then_some(text).ok_or_else(|| {
        spot.fault("1 to 2000 bytes of text without hidden characters or backslashes")
    })
}
