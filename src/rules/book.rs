//! The packs that a run goes by: those built in, and those that were given.
//!
//! A pack that was given adds findings. It takes none away: its codes are its own, and its rules cover no code of another pack.

use std::collections::BTreeSet;

use super::model::{Card, Dates, Pack, Rule};
use super::{built_in, trial};
use crate::digest::Digest;
use crate::finding::{Confidence, Finding, Severity};
use crate::trust::keyring::Vouched;

/// So many packs may be given.
const MOST: usize = 64;
/// The worst that a pack may tell for which nobody vouches: somebody has to look at it.
const UNVOUCHED: (Severity, Confidence) = (Severity::Medium, Confidence::Probable);

/// The packs that a run goes by.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    given: Vec<Given>,
}

/// A pack that was given, and who vouches for it.
#[derive(Clone, Debug)]
pub struct Given {
    /// What it says. It lives as long as the process, since findings name its codes as they name those built in.
    pub pack: &'static Pack,
    /// Its dates.
    pub dates: Dates,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Who vouches for it, or why nobody does.
    pub signers: Result<Vec<Vouched>, String>,
}

/// Why a pack cannot be used, whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There are more packs than anyone needs.
    #[error("more than {MOST} packs of rules were given")]
    TooMany,
    /// Another pack has its name.
    #[error("another pack has the name {0}")]
    Name(String),
    /// It does not say how long it is to be relied on.
    #[error("a pack that is not built in needs `issued` and `expires`")]
    Undated,
    /// It explains a code that no rule of it tells.
    #[error("the code {0} is in a `check`; a pack that is not built in has rules only")]
    Check(String),
    /// Another rule or check has one of its codes.
    #[error("the code {0} is taken: no two packs tell the same code")]
    Code(String),
    /// It would hide what another pack tells.
    #[error(
        "{0} covers {1}, which is no code of this pack: what another pack tells cannot be hidden"
    )]
    Covers(String, String),
    /// A rule does not do what it should on a file that it brings.
    #[error("{0}: {1}")]
    Fixture(String, String),
}

impl Unfit {
    /// The exit code for a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        65
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "docs/rules.md says what a pack holds; `vitalsign rules test FILE` tries one"
    }
}

impl Rulebook {
    /// Adds a pack. What nobody vouches for is for review only: medium at most, and never proven.
    ///
    /// # Errors
    /// [`Unfit`]; nothing is added then.
    pub fn add(
        &mut self,
        mut pack: Pack,
        sha256: Digest,
        signers: Result<Vec<Vouched>, String>,
    ) -> Result<(), Unfit> {
        let dates = self.fit(&pack)?;
        if signers.is_err() {
            for rule in &mut pack.rules {
                rule.card.severity = rule.card.severity.min(UNVOUCHED.0);
                rule.card.confidence = rule.card.confidence.min(UNVOUCHED.1);
            }
        }
        self.given.push(Given {
            pack: Box::leak(Box::new(pack)),
            dates,
            sha256,
            signers,
        });
        Ok(())
    }

    /// The dates of a pack that can be used beside the others.
    fn fit(&self, pack: &Pack) -> Result<Dates, Unfit> {
        if self.given.len() >= MOST {
            return Err(Unfit::TooMany);
        }
        if self.packs().any(|other| other.name == pack.name) {
            return Err(Unfit::Name(pack.name.clone()));
        }
        let dates = pack.dates.ok_or(Unfit::Undated)?;
        if let Some(check) = pack.checks.first() {
            return Err(Unfit::Check(check.code.clone()));
        }
        let mut codes: BTreeSet<&str> = BTreeSet::new();
        for rule in &pack.rules {
            let code = &rule.card.code;
            if !codes.insert(code) || self.card(code).is_some() {
                return Err(Unfit::Code(code.clone()));
            }
        }
        for rule in &pack.rules {
            if let Some(other) = rule.covers.iter().find(|it| !codes.contains(it.as_str())) {
                return Err(Unfit::Covers(rule.card.code.clone(), other.clone()));
            }
        }
        match trial(pack).into_iter().next() {
            Some(failed) => Err(Unfit::Fixture(failed.code, failed.what)),
            None => Ok(dates),
        }
    }

    /// The packs that were given, in their order.
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// All packs, those built in first.
    pub fn packs(&self) -> impl Iterator<Item = &'static Pack> {
        let given = self.given.iter().map(|given| given.pack);
        built_in().iter().chain(given)
    }

    /// All rules.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.packs().flat_map(|pack| &pack.rules)
    }

    /// The card of a code.
    pub fn card(&self, code: &str) -> Option<&'static Card> {
        let mut cards = self.packs().flat_map(Pack::cards);
        cards.find(|card| card.code == code)
    }

    /// The pack that a code is from, where it was given.
    pub fn giver(&self, code: &str) -> Option<&Given> {
        let has = |given: &&Given| given.pack.cards().any(|card| card.code == code);
        self.given.iter().find(has)
    }

    /// Says of findings which pack told them, and holds those of a pack for which nobody vouches at what is for review.
    pub(crate) fn mark(&self, findings: &mut [Finding]) {
        for finding in findings {
            let Some(given) = self.giver(finding.code) else {
                continue;
            };
            let mut told = format!("told by the pack {}", given.pack.name);
            if given.signers.is_err() {
                finding.severity = finding.severity.min(UNVOUCHED.0);
                finding.confidence = finding.confidence.min(UNVOUCHED.1);
                told.push_str(", for which nobody vouches: for review only");
            }
            if !finding.evidence.contains(&told) {
                finding.evidence.push(told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::parse;

    /// A pack with the rule `mine` or another code, and more in it.
    fn pack(code: &str, more: &str) -> Pack {
        let text = format!(
            r#"
format = "vitalsign-rules"
schema = 1
name = "ward-7"
issued = 2026-01-01T00:00:00Z
expires = 2028-01-01T00:00:00Z
[[rule]]
code = "{code}"
severity = "critical"
confidence = "proven"
title = "A shell listens"
why = "x"
shown_by = "x"
disproved_by = "x"
advice = "x"
references = ["CWE-912"]
steps = [{{ act = ["listen"], is = ["shell"] }}]
hit = [[{{ path = "/a.sh", text = "nc -l -p 9 -e /bin/sh" }}]]
clean = [[{{ path = "/c.sh", text = "nc -lp 9" }}]]
{more}"#
        );
        parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn add(pack: Pack, signers: Result<Vec<Vouched>, String>) -> Result<Rulebook, Unfit> {
        let mut book = Rulebook::default();
        book.add(pack, Digest::of(b"x"), signers).map(|()| book)
    }

    #[test]
    fn what_nobody_vouches_for_is_for_review() {
        let level = |book: &Rulebook| {
            let card = book.card("mine").unwrap();
            (card.severity, card.confidence)
        };
        let signed = add(pack("mine", ""), Ok(Vec::new())).unwrap();
        assert_eq!(level(&signed), (Severity::Critical, Confidence::Proven));
        let not = add(pack("mine", ""), Err("there is no signature".to_owned())).unwrap();
        assert_eq!(level(&not), (Severity::Medium, Confidence::Probable));
        // What weighs a finding by a baseline may not lift it either.
        let mut findings = [Finding {
            code: "mine",
            severity: Severity::High,
            confidence: Confidence::Proven,
            title: String::new(),
            place: crate::place::Place::image(),
            evidence: Vec::new(),
            references: Vec::new(),
            shown_in: None,
        }];
        not.mark(&mut findings);
        not.mark(&mut findings);
        assert_eq!(findings[0].severity, Severity::Medium);
        assert_eq!(findings[0].confidence, Confidence::Probable);
        assert_eq!(
            findings[0].evidence,
            ["told by the pack ward-7, for which nobody vouches: for review only"]
        );
    }

    #[test]
    fn a_pack_adds_and_takes_nothing_away() {
        let refused = |pack| add(pack, Ok(Vec::new())).unwrap_err().to_string();
        let taken = refused(pack("telnet-service", ""));
        assert!(taken.contains("telnet-service is taken"), "{taken}");
        let hides = refused(pack("mine", "covers = [\"network-shell\"]"));
        assert!(hides.contains("cannot be hidden"), "{hides}");
        let mut undated = pack("mine", "");
        undated.dates = None;
        assert_eq!(add(undated, Ok(Vec::new())).unwrap_err(), Unfit::Undated);
        let mut named = pack("mine", "");
        named.name = "accounts".to_owned();
        assert!(refused(named).contains("another pack has the name accounts"));
        let mut missed = pack("mine", "");
        let near = missed.rules[0].clean[0].clone();
        missed.rules[0].hit.push(near);
        assert!(refused(missed).contains("is not hit"));
        let mut checks = pack("mine", "");
        checks.checks.push(checks.rules[0].card.clone());
        assert!(refused(checks).contains("rules only"));
        let mut twice = pack("mine", "");
        twice.rules.push(twice.rules[0].clone());
        assert!(refused(twice).contains("mine is taken"));
    }

    #[test]
    fn packs_given_together_are_told_apart() {
        let mut book = add(pack("mine", ""), Ok(Vec::new())).unwrap();
        let same = book.add(pack("other", ""), Digest::of(b"y"), Ok(Vec::new()));
        assert_eq!(same, Err(Unfit::Name("ward-7".to_owned())));
        let mut second = pack("mine", "");
        second.name = "ward-8".to_owned();
        let same = book.add(second.clone(), Digest::of(b"y"), Ok(Vec::new()));
        assert_eq!(same, Err(Unfit::Code("mine".to_owned())));
        second.rules[0].card.code = "other".to_owned();
        book.add(second, Digest::of(b"y"), Ok(Vec::new())).unwrap();
        assert_eq!(book.giver("other").unwrap().pack.name, "ward-8");
        assert_eq!(book.giver("telnet-service").map(|it| it.sha256), None);
    }
}
