//! The judgement of one image: what `verify` and `audit` have in common.

use anyhow::Result;
use jiff::Timestamp;

use super::authority::Trusting;
use super::candidates::{Candidate, Candidates, Chosen};
use super::packs;
use crate::baseline::compare::{Comparison, NotChecked};
use crate::check::secrets::PrivateKey;
use crate::check::{self, Basis, device::Stated};
use crate::cli;
use crate::extract::Inventory;
use crate::place::Place;
use crate::report::verify::unit::Unit;
use crate::report::verify::{BaselineRow, Command, Report};
use crate::trust::order::{self, Breach, BreachKind};
use crate::trust::state::{Line, Seen};
use crate::verdict::{Against, Threshold, Verdict};

/// What every image of a run is judged by.
pub(super) struct Bench<'a> {
    /// Whose word counts.
    pub(super) trusting: &'a Trusting,
    /// What else was said about trust.
    pub(super) trust: &'a cli::Trust,
    /// The time.
    pub(super) now: Timestamp,
    /// From which findings on the exit code has its bit.
    pub(super) threshold: Threshold,
}

/// What is said of one image.
pub(super) struct Subject<'a, 'c> {
    /// What the checks go by.
    pub(super) basis: &'a Basis,
    /// What it may be compared with.
    pub(super) candidates: &'c Candidates,
    /// Which device it is.
    pub(super) device: &'a cli::Device,
    /// Which unit it is.
    pub(super) unit: Unit,
}

/// What came of it.
pub(super) struct Judged<'c> {
    /// The record.
    pub(super) report: Report,
    /// The baseline that was relied on.
    pub(super) candidate: Option<&'c Candidate>,
    /// The private keys that stand in clear, by their fingerprints.
    pub(super) keys: Vec<PrivateKey>,
}

impl Bench<'_> {
    /// Judges what was found in an image.
    ///
    /// # Errors
    /// It is of another device or version than was said.
    pub(super) fn judge<'c>(
        &self,
        found: &Inventory,
        subject: Subject<'_, 'c>,
    ) -> Result<Judged<'c>> {
        let basis = subject.basis;
        let mut risk = check::risk(found, basis);
        let asset = subject.unit.asset.as_ref();
        let chosen = subject.candidates.choose(found, subject.device, asset)?;
        let (candidate, mut comparison) = match chosen {
            Some(Chosen {
                candidate,
                mut comparison,
                how,
            }) => {
                if let Some(how) = how {
                    note(&mut comparison, &how);
                }
                (Some(candidate), comparison)
            }
            None => (None, Comparison::default()),
        };
        let mut breaches = order::dates(&packs::dates(&basis.rules), self.now);
        let stated = candidate.map(|candidate| Stated {
            baseline: &candidate.baseline,
            is_trusted: !candidate.signers.is_empty(),
            is_match: comparison.changes.is_empty() && comparison.is_complete(),
        });
        risk.published(found, basis, stated);
        if let Some(candidate) = candidate {
            risk.against(&candidate.baseline, &comparison, found);
            let known = self.trusting.known(self.trust, self.now);
            let order = order::judge(&candidate.place(), &known);
            breaches.extend(order.breaches);
            breaches.sort_by_key(|breach| breach.kind);
            for line in &order.notes {
                note(&mut comparison, line);
            }
        }
        let breaches = accepted(breaches, self.trust.allow_stale.as_deref());
        comparison.not_checked.append(&mut risk.not_checked);
        let against = match candidate {
            None => Against::Nothing,
            Some(candidate) if candidate.signers.is_empty() => Against::Unsigned,
            Some(_) => Against::Trusted,
        };
        let verdict = Verdict::of(
            &comparison.changes,
            &risk.findings,
            comparison.is_complete(),
            breaches.iter().any(|breach| breach.accepted.is_none()),
            against,
            self.threshold,
        );
        let row = candidate.map(|it| {
            (
                &it.baseline,
                BaselineRow::new(&it.baseline, it.sha256, &it.signers),
            )
        });
        let report = Report::new(
            Command::Verify,
            found,
            row,
            &comparison,
            &risk.findings,
            verdict,
        )
        .judged(self.now, breaches)
        .by(basis, &risk)
        .of_unit(subject.unit);
        Ok(Judged {
            report,
            candidate,
            keys: risk.keys,
        })
    }
}

/// Marks what expired as accepted, for the reason that the caller gives.
pub(super) fn accepted(mut breaches: Vec<Breach>, reason: Option<&str>) -> Vec<Breach> {
    for breach in &mut breaches {
        if breach.kind == BreachKind::Stale {
            breach.accepted = reason.map(str::to_owned);
        }
    }
    breaches
}

impl Candidate {
    /// Its place in time and order.
    pub(super) fn place(&self) -> order::Place<'_> {
        let Self { baseline, .. } = self;
        order::Place {
            vendor: &baseline.device.vendor,
            model: &baseline.device.model,
            version: &baseline.firmware.version,
            sequence: baseline.sequence,
            issued: baseline.issued,
            expires: baseline.expires,
            security_floor: baseline.firmware.security_floor.as_deref(),
            sha256: self.sha256,
        }
    }
}

impl Trusting {
    /// Notes what was relied on, once all is judged. Without a state file nothing is.
    pub(super) fn remember<'c>(
        &mut self,
        candidates: impl IntoIterator<Item = &'c Candidate>,
        now: Option<Timestamp>,
    ) -> Result<()> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        if let Some(chain) = &self.keyring {
            kept.take_up(chain);
        }
        let state = &mut kept.state;
        state.index = state
            .index
            .max(self.index.as_ref().map_or(0, |index| index.sequence));
        state.last_seen = state.last_seen.max(now);
        for candidate in candidates {
            let baseline = &candidate.baseline;
            for vouched in &candidate.signers {
                let line = Line {
                    vendor: baseline.device.vendor.clone(),
                    model: baseline.device.model.clone(),
                    key: vouched.signer.key.fingerprint(),
                };
                let seen = Seen {
                    sequence: baseline.sequence,
                    sha256: candidate.sha256,
                    security_floor: baseline.firmware.security_floor.clone(),
                };
                state.note(line, seen);
            }
        }
        kept.write()
    }
}

/// Notes what this run did not look at, or how; it does not bar a match.
fn note(comparison: &mut Comparison, reason: &str) {
    comparison.not_checked.push(NotChecked {
        place: Place::image(),
        reason: reason.to_owned(),
        matters: false,
    });
}
