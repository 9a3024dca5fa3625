//! Checks of what was found, by itself and against a baseline: they push findings.
//!
//! How far the behaviour of compiled programs is followed, reports say under "not checked".

mod baseline;
mod behaviour;
mod boot;
pub mod device;
mod manifest;
pub mod secrets;
pub mod yara;

use std::cmp::Reverse;
use std::sync::Arc;

use self::behaviour::Behaviour;
pub use self::behaviour::{Programs, Shelf};
use self::device::{Named, Stated};
use self::secrets::{Count, FingerprintKey, PrivateKey};
use self::yara::Yara;
use crate::baseline::Baseline;
use crate::baseline::compare::{Comparison, NotChecked};
use crate::behaviour::Started;
use crate::extract::Inventory;
use crate::finding::{Confidence, Finding, Severity};
use crate::pace::Pace;
use crate::place::Place;
use crate::problem::ProblemKind;
use crate::rules::Rulebook;

/// What every report says of what the rules cannot see.
pub const RULES_MISSING: &str = "known risk: the code of programs is followed without running it; what it decodes, reads or builds while it runs is not seen, and kernel modules and firmware without an operating system are not followed";

/// What the checks go by.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    /// The rules: those built in, and those of packs that were given.
    pub rules: Rulebook,
    /// Which device it is, as the caller says.
    pub named: Named,
    /// The key that secrets are fingerprinted with.
    pub fingerprints: Option<FingerprintKey>,
    /// YARA rules to try.
    pub yara: Option<Yara>,
    /// How many days ago the table of advisories was read.
    pub table_age: Option<i64>,
    /// Told how many bytes of programs were found, and followed.
    pub pace: Arc<Pace>,
    /// What programs show that were followed before, in this image or another.
    pub programs: Arc<Programs>,
}

/// What the checks found in an image, and what they could not look at.
pub struct Risk {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was not looked at, and why.
    pub not_checked: Vec<NotChecked>,
    /// How many secrets were told.
    pub secrets: Count,
    /// The private keys among them, where they have fingerprints.
    pub keys: Vec<PrivateKey>,
    /// The device, by its name in the table of advisories.
    pub product: Option<&'static str>,
    started: Vec<Started>,
    rules: Rulebook,
}

/// Checks an image by itself.
pub fn risk(found: &Inventory, basis: &Basis) -> Risk {
    let shown = behaviour::behaviour(found, basis);
    let mut findings = shown.findings;
    findings.extend(structure(found));
    let missing = (Place::image(), RULES_MISSING.to_owned());
    let hits = yara::hits(basis.yara.as_ref(), found);
    findings.extend(hits.findings);
    basis.rules.mark(&mut findings);
    sort(&mut findings);
    let rows = std::iter::once(missing)
        .chain(shown.not_checked)
        .chain(hits.not_checked);
    let not_checked = rows.map(|(place, reason)| NotChecked {
        place,
        reason,
        matters: false,
    });
    Risk {
        findings,
        not_checked: not_checked.collect(),
        secrets: shown.secrets,
        keys: shown.keys,
        product: None,
        started: shown.started,
        rules: basis.rules.clone(),
    }
}

/// The worst and surest first.
fn sort(findings: &mut [Finding]) {
    let key = |it: &Finding| {
        (
            Reverse(it.severity),
            Reverse(it.confidence),
            it.place.clone(),
            it.code,
        )
    };
    findings.sort_by_cached_key(key);
}

impl Risk {
    /// Adds what was published about the device. `stated`: the baseline that says which it is, once it was compared with.
    pub fn published(&mut self, found: &Inventory, basis: &Basis, stated: Option<Stated<'_>>) {
        let asked = device::ask(found, &basis.named, stated, basis.table_age);
        self.findings.extend(asked.findings);
        sort(&mut self.findings);
        self.product = asked.product;
        self.not_checked.push(NotChecked {
            place: Place::image(),
            reason: asked.note,
            matters: false,
        });
    }

    /// Adds what a comparison with a baseline shows, and weighs the rest by it.
    pub fn against(&mut self, baseline: &Baseline, comparison: &Comparison, found: &Inventory) {
        baseline::weigh(baseline, comparison, &mut self.findings);
        self.findings
            .extend(baseline::starts(comparison, &self.started));
        self.findings
            .extend(boot::commands(baseline, comparison, found));
        self.rules.mark(&mut self.findings);
        sort(&mut self.findings);
    }
}

/// The findings of an image's structure.
pub fn structure(found: &Inventory) -> Vec<Finding> {
    let names = found
        .problems
        .iter()
        .filter(|told| told.kind == ProblemKind::Name);
    let mut findings: Vec<Finding> = names
        .map(|told| Finding {
            code: "archive-name-unsafe",
            severity: Severity::Medium,
            confidence: Confidence::Probable,
            title: "A stored name could make an unpacker write somewhere else".to_owned(),
            place: told.place.clone(),
            evidence: vec![told.detail.clone()],
            references: vec!["CWE-22"],
            shown_in: None,
        })
        .collect();
    findings.extend(manifest::manifests(found));
    findings
}
