//! The two answers and the exit code that carries them.

use serde::{Deserialize, Serialize};

use crate::baseline::change::{Change, ChangeKind};
use crate::finding::{Confidence, Finding, Severity};

/// Both answers about one image, and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Is it what the baseline says?
    pub integrity: Integrity,
    /// Does it hold what behaves like a backdoor?
    pub risk: Risk,
    /// AIDE's bits, extended.
    pub exit_code: u8,
}

/// Whether an image is what a trusted baseline says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrity {
    /// Everything matched and everything was read.
    Match,
    /// Something was added, removed, modified or moved.
    Differ,
    /// What was compared matched, but not everything could be read or is covered.
    Incomplete,
    /// There was no baseline to compare with.
    NoBaseline,
    /// It was compared with a baseline that nobody vouches for: no match, whatever it holds.
    Untrusted,
}

impl Integrity {
    /// Every answer, under the word that reports use.
    pub(crate) const WORDS: &[(&'static str, Self)] = &[
        ("match", Self::Match),
        ("differ", Self::Differ),
        ("incomplete", Self::Incomplete),
        ("no-baseline", Self::NoBaseline),
        ("untrusted", Self::Untrusted),
    ];
}

/// What an image was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// A baseline that is trusted, or another image.
    Trusted,
    /// A baseline that nobody vouches for.
    Unsigned,
    /// Nothing.
    Nothing,
}

/// What the checks found, whatever the baseline says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// No finding of at least medium severity.
    NoneFound,
    /// A finding that somebody has to look at.
    Review,
    /// A proven finding of at least high severity.
    KnownRisk,
}

impl Risk {
    /// Every answer, under the word that reports use.
    pub(crate) const WORDS: &[(&'static str, Self)] = &[
        ("none-found", Self::NoneFound),
        ("review", Self::Review),
        ("known-risk", Self::KnownRisk),
    ];
}

/// Entries or components that the baseline does not have.
pub const ADDED: u8 = 1;
/// Entries or components that the image lacks.
pub const REMOVED: u8 = 2;
/// Content, metadata, link target, device number or offset differ.
pub const MODIFIED: u8 = 4;
/// Bytes or entries that no baseline covers, unread regions, limits reached.
pub const UNVERIFIED: u8 = 8;
/// A finding at or above the threshold.
pub const FINDING: u8 = 16;
/// The baseline is stale, superseded, or the clock is behind.
pub const POLICY: u8 = 32;

/// From which findings on the exit code has its bit.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// The least severity.
    pub severity: Severity,
    /// Whether findings that are not proven count too.
    pub strict: bool,
}

impl Verdict {
    /// The verdict on known risk where nothing is compared. `complete`: everything was read. `policy`: what it goes by is out of date.
    pub fn alone(findings: &[Finding], complete: bool, policy: bool, threshold: Threshold) -> Self {
        let found = Self::of(&[], findings, complete, policy, Against::Trusted, threshold);
        Self {
            integrity: Integrity::NoBaseline,
            ..found
        }
    }

    /// The verdict of one comparison. `complete`: everything was read and is covered. `policy`: a rule of time or
    /// sequence was broken.
    pub fn of(
        changes: &[Change],
        findings: &[Finding],
        complete: bool,
        policy: bool,
        against: Against,
        threshold: Threshold,
    ) -> Self {
        let mut bits = changes
            .iter()
            .fold(0, |bits, change| bits | bit(change.kind));
        let differs = bits & (ADDED | REMOVED | MODIFIED) != 0;
        if !complete || against != Against::Trusted {
            bits |= UNVERIFIED;
        }
        let counts = |finding: &&Finding| {
            finding.severity >= threshold.severity
                && (threshold.strict || finding.confidence == Confidence::Proven)
        };
        if findings.iter().any(|finding| counts(&finding)) {
            bits |= FINDING;
        }
        if policy {
            bits |= POLICY;
        }
        let integrity = match bits & UNVERIFIED {
            _ if against == Against::Nothing => Integrity::NoBaseline,
            _ if against == Against::Unsigned => Integrity::Untrusted,
            _ if differs => Integrity::Differ,
            0 => Integrity::Match,
            _ => Integrity::Incomplete,
        };
        Self {
            integrity,
            risk: risk(findings),
            exit_code: bits,
        }
    }
}

/// The exit code's bit of one change.
pub fn bit(kind: ChangeKind) -> u8 {
    match kind {
        ChangeKind::Added => ADDED,
        ChangeKind::Removed => REMOVED,
        ChangeKind::Modified | ChangeKind::Moved => MODIFIED,
        ChangeKind::Uncovered => UNVERIFIED,
    }
}

fn risk(findings: &[Finding]) -> Risk {
    let known = |finding: &Finding| {
        finding.severity >= Severity::High && finding.confidence == Confidence::Proven
    };
    if findings.iter().any(known) {
        Risk::KnownRisk
    } else if findings
        .iter()
        .any(|finding| finding.severity >= Severity::Medium)
    {
        Risk::Review
    } else {
        Risk::NoneFound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kinds: &[ChangeKind], complete: bool) -> Verdict {
        let changes: Vec<_> = kinds.iter().map(|&kind| Change::new(kind)).collect();
        let threshold = Threshold {
            severity: Severity::High,
            strict: false,
        };
        Verdict::of(&changes, &[], complete, false, Against::Trusted, threshold)
    }

    #[test]
    fn answers_have_the_words_that_reports_use() {
        for (word, value) in Integrity::WORDS {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
        for (word, value) in Risk::WORDS {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
    }

    #[test]
    fn the_exit_code_is_the_sum_of_what_was_seen() {
        let of = |kinds: &[ChangeKind], complete| {
            let verdict = verdict(kinds, complete);
            (verdict.integrity, verdict.exit_code)
        };
        assert_eq!(of(&[], true), (Integrity::Match, 0));
        assert_eq!(of(&[], false), (Integrity::Incomplete, 8));
        assert_eq!(
            of(&[ChangeKind::Uncovered], true),
            (Integrity::Incomplete, 8)
        );
        assert_eq!(
            of(&[ChangeKind::Added, ChangeKind::Modified], false),
            (Integrity::Differ, 13)
        );
        assert_eq!(
            of(&[ChangeKind::Removed, ChangeKind::Moved], true),
            (Integrity::Differ, 6)
        );
    }
}
