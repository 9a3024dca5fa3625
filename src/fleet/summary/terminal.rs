//! A summary for people: the answer first, then the worst, then what devices have in common.

use std::fmt::{self, Write};

use super::{Outlier, Since, Told, Unit};
use crate::fleet::summary::groups::Content;
use crate::place::visible;
use crate::report::text;
use crate::verdict::{Integrity, Risk};

/// So many rows of a list are shown; `--format json` has all.
const MOST: usize = 15;

impl Told {
    /// Writes it. `brief`: without lists of what devices have in common.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn render(&self, brief: bool, out: &mut String) -> fmt::Result {
        self.answer(out)?;
        let most = if brief { 5 } else { MOST };
        list(out, "WORST FIRST", &self.worst, most, |unit| {
            (unit.name.clone(), unit.told())
        })?;
        self.common(most, out)?;
        if let Some(since) = &self.since {
            since.render(out)?;
        }
        writeln!(out, "\nExit code   {}", self.exit_code)
    }

    fn answer(&self, out: &mut String) -> fmt::Result {
        let of = |integrity| self.integrity_of(integrity);
        let errors = self
            .errors
            .values()
            .fold(0, |sum: u64, it| sum.saturating_add(*it));
        let told = [
            (of(Integrity::Match), "as the baseline states"),
            (of(Integrity::Differ), "different"),
            (of(Integrity::Incomplete), "incomplete"),
            (of(Integrity::NoBaseline), "without a baseline that fits"),
            (
                of(Integrity::Untrusted),
                "against a baseline that nobody vouches for",
            ),
            (errors, "not judged"),
        ];
        let told: Vec<String> = told
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        text::wrap(out, "INTEGRITY   ", 12, &told.join(", "))?;
        let risk = format!(
            "{} with known risk, {} to review, {} with none found",
            self.risk_of(Risk::KnownRisk),
            self.risk_of(Risk::Review),
            self.risk_of(Risk::NoneFound)
        );
        text::wrap(out, "KNOWN RISK  ", 12, &risk)?;
        let left = self.devices.saturating_sub(self.done);
        let left = if left > 0 {
            format!("; {left} NOT LOOKED AT")
        } else {
            String::new()
        };
        writeln!(
            out,
            "Devices     {} of {} done{left}",
            self.done, self.devices
        )?;
        if let Some(audit) = &self.audit
            && let Some(shard) = audit.shard
        {
            let (index, of, all) = (shard.index, shard.of, audit.devices);
            writeln!(out, "Shard       {index}/{of} of a fleet of {all}")?;
        }
        if !self.errors.is_empty() {
            let told = self.errors.iter();
            let told: Vec<String> = told
                .map(|(code, count)| format!("{count} {}", reason(*code)))
                .collect();
            text::wrap(out, "Not judged  ", 12, &told.join(", "))?;
        }
        if let Some(audit) = &self.audit {
            writeln!(out, "Judged at   {}", visible(&audit.judged_at))?;
        }
        Ok(())
    }

    fn common(&self, most: usize, out: &mut String) -> fmt::Result {
        list(
            out,
            "ANOTHER VERSION THAN STATED",
            &self.versions,
            most,
            |row| {
                let told = format!("stated {}, found {}", row.claimed, row.found);
                (row.name.clone(), told)
            },
        )?;
        list(
            out,
            "UNLIKE THE OTHERS OF THE MODEL",
            &self.outliers,
            most,
            |row| (row.name.clone(), row.told()),
        )?;
        list(out, "ONE KEY ON SEVERAL UNITS", &self.keys, most, |row| {
            let short: String = row.fingerprint.chars().take(16).collect();
            (
                format!("{} {short}", row.what.word()),
                units(row.count, &row.units),
            )
        })?;
        list(
            out,
            "PROGRAMS THAT NO BASELINE STATES",
            &self.programs,
            most,
            |row| {
                let short: String = row.sha256.to_string().chars().take(16).collect();
                let told = format!("{}; {}", row.path, units(row.count, &row.units));
                (short, told)
            },
        )?;
        list(out, "IDENTICAL IMAGES", &self.images, most, |row| {
            let short: String = row.sha256.to_string().chars().take(16).collect();
            let mut told = units(row.count, &row.units);
            if !row.firmware.is_empty() {
                told = format!("{}; {told}", row.firmware);
            }
            (short, told)
        })
    }
}

impl Since {
    fn render(&self, out: &mut String) -> fmt::Result {
        let when = self.judged_at.as_deref().unwrap_or("an earlier audit");
        writeln!(
            out,
            "\nSINCE {}: {} new, {} gone, {} with another answer, {} with another image, {} as before",
            visible(when),
            self.new.len(),
            self.gone.len(),
            self.changed.len(),
            self.other_images,
            self.same
        )?;
        rows(out, &self.changed, MOST, |turn| {
            let other = if turn.is_other_image {
                "; another image"
            } else {
                ""
            };
            let told = format!("exit code {} before, {} now{other}", turn.before, turn.now);
            (turn.name.clone(), told)
        })?;
        rows(out, &self.gone, MOST, |name| {
            (name.clone(), "gone".to_owned())
        })?;
        list(out, "SPREADING", &self.spread, MOST, |row| {
            let short: String = row.sha256.to_string().chars().take(16).collect();
            let told = format!("{}; on {} before, {} now", row.path, row.before, row.now);
            (short, told)
        })
    }
}

impl Outlier {
    pub(super) fn told(&self) -> String {
        let what = match self.content {
            Content::Programs => "programs",
            Content::All => "content",
        };
        match self.sha256 {
            Some(_) => format!(
                "{what} of {} as no usual one; {} of {} are usual",
                self.place, self.usual, self.of
            ),
            None => format!(
                "lacks {}; {} of {} have it",
                self.place, self.usual, self.of
            ),
        }
    }
}

impl Unit {
    pub(super) fn told(&self) -> String {
        let Some(integrity) = self.integrity else {
            return format!(
                "not judged: {} ({})",
                reason(self.exit_code),
                self.exit_code
            );
        };
        let integrity = super::word(Integrity::WORDS, integrity);
        let risk = self.risk.map_or("", |risk| super::word(Risk::WORDS, risk));
        let proven = match self.proven {
            0 => String::new(),
            count => format!(", {count} proven"),
        };
        format!("{integrity}, {risk}{proven} ({})", self.exit_code)
    }
}

/// Why a device was not judged, by its code.
pub(super) fn reason(code: u8) -> &'static str {
    match code {
        64 => "wrongly asked for",
        65 => "with a malformed baseline",
        66 => "unreadable",
        67 => "with a baseline that is not trusted",
        68 => "of another device or version",
        69 => "with a revoked baseline",
        _ => "with an internal error",
    }
}

pub(super) fn units(count: u64, named: &[String]) -> String {
    let units = text::count(usize::try_from(count).unwrap_or(usize::MAX), "unit");
    let mut told = format!(
        "{units}: {}",
        named.iter().take(4).cloned().collect::<Vec<_>>().join(", ")
    );
    if count > 4 {
        told.push_str(", ...");
    }
    told
}

fn list<Row>(
    out: &mut String,
    title: &str,
    all: &[Row],
    most: usize,
    line: impl Fn(&Row) -> (String, String),
) -> fmt::Result {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    rows(out, all, most, line)
}

fn rows<Row>(
    out: &mut String,
    all: &[Row],
    most: usize,
    line: impl Fn(&Row) -> (String, String),
) -> fmt::Result {
    for row in all.iter().take(most) {
        let (name, told) = line(row);
        text::wrap(out, &format!("  {name:<16} "), 6, &told)?;
    }
    text::fold(all.len(), most, out)
}
