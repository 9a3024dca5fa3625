//! Which baseline an image is compared with: the one that was named, or the one of a directory that fits.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::authority::Trusting;
use super::exit::WrongDevice;
use super::trust::Missing;
use super::{signatures, talk, trust};
use crate::baseline::compare::{self, Comparison};
use crate::baseline::{Baseline, Body, Trusted, evidence};
use crate::cli::Device;
use crate::digest::Digest;
use crate::extract::Inventory;
use crate::report::text;
use crate::trust::Purpose;
use crate::trust::keyring::Vouched;

/// So many files of a directory are looked at.
const MOST: usize = 4096;

/// A baseline to compare with.
pub(super) struct Candidate {
    path: PathBuf,
    pub(super) baseline: Baseline,
    pub(super) sha256: Digest,
    /// Who vouches for it; none with `--allow-unsigned`.
    pub(super) signers: Vec<Vouched>,
}

impl From<(PathBuf, Trusted)> for Candidate {
    fn from((path, trusted): (PathBuf, Trusted)) -> Self {
        Self {
            path,
            sha256: trusted.sha256(),
            signers: trusted.signers().to_vec(),
            baseline: trusted.into_baseline(),
        }
    }
}

/// What an image was compared with, and what came of it.
pub(super) struct Chosen<'c> {
    pub(super) candidate: &'c Candidate,
    pub(super) comparison: Comparison,
    /// How it was chosen, where there was a choice.
    pub(super) how: Option<String>,
}

/// Every baseline that may be meant, each trusted; read once, however many images are compared with them.
#[derive(Default)]
pub(super) struct Candidates {
    all: Vec<Candidate>,
    /// Whether they are those of a directory, of which the one that fits is taken.
    is_choice: bool,
}

impl Candidates {
    /// Those of a file or a directory.
    pub(super) fn read(path: &Path, allow_unsigned: bool, trusting: &Trusting) -> Result<Self> {
        if !path.is_dir() {
            return Ok(Self {
                all: vec![one(path, allow_unsigned, trusting)?],
                is_choice: false,
            });
        }
        let mut all = Vec::new();
        let mut first = None;
        for path in documents(path)? {
            match one(&path, allow_unsigned, trusting) {
                Ok(candidate) => all.push(candidate),
                Err(error) => {
                    talk::say(&format!(
                        "note: passed over {}: {error:#}",
                        trust::shown(&path)
                    ));
                    first = first.or(Some(error));
                }
            }
        }
        match first {
            Some(error) if all.is_empty() => Err(error),
            None if all.is_empty() => {
                let folder = trust::shown(path);
                Err(super::exit::Usage(format!("{folder} holds no baseline (*.toml)")).into())
            }
            _ => Ok(Self {
                all,
                is_choice: true,
            }),
        }
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Candidate> {
        self.all.iter()
    }

    /// What they are, in a text that differs where a verdict may.
    pub(super) fn named(&self) -> String {
        let digests = self.all.iter().map(|one| one.sha256.to_string());
        let digests: Vec<String> = digests.collect();
        format!("{} {}\n", self.is_choice, digests.join(" "))
    }

    /// Whether one of them is for some units alone.
    pub(super) fn name_units(&self) -> bool {
        self.all
            .iter()
            .any(|one| !one.baseline.device.assets.is_empty())
    }

    /// Refuses one that was named and is for another device than the one that was named, before the image is read.
    ///
    /// # Errors
    /// [`WrongDevice`].
    pub(super) fn are_for(&self, device: &Device, asset: Option<&String>) -> Result<()> {
        match self.all.as_slice() {
            [one] if !self.is_choice => match objection(&one.baseline, device, asset) {
                Some(wrong) => Err(WrongDevice(format!("the baseline is for {wrong}")).into()),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The one that fits an image best, compared with it; `None` when the image holds nothing of any.
    ///
    /// # Errors
    /// [`WrongDevice`]: the image is what another baseline states than those for the device that was named, or it shows another version.
    pub(super) fn choose(
        &self,
        found: &Inventory,
        device: &Device,
        asset: Option<&String>,
    ) -> Result<Option<Chosen<'_>>> {
        let mut best: Option<(Fit, &Candidate)> = None;
        for candidate in &self.all {
            let measured = compare::measure(&candidate.baseline, found);
            let fit = Fit::of(&candidate.baseline, &measured, found);
            if best.as_ref().is_none_or(|(other, _)| fit > *other) {
                best = Some((fit, candidate));
            }
        }
        let Some((fit, candidate)) = best else {
            return Ok(None);
        };
        let baseline = &candidate.baseline;
        let name = format!(
            "{} {} {}",
            baseline.device.vendor, baseline.device.model, baseline.firmware.version
        );
        let (matched, compared) = (fit.matched, fit.compared);
        if self.is_choice && matched == 0 {
            return Ok(None);
        }
        if let Some(wrong) = objection(baseline, device, asset) {
            let told = format!(
                "the image matches {name} ({matched} of {compared} items); that is {wrong}"
            );
            return Err(WrongDevice(told).into());
        }
        if let Some(shown) =
            evidence::contradiction(baseline, found).filter(|_| !device.despite_version)
        {
            return Err(WrongDevice(format!("the baseline is for {name}, but {shown}")).into());
        }
        let how = self.is_choice.then(|| {
            format!(
                "{} was chosen of {}: {matched} of {compared} items match",
                trust::shown(&candidate.path),
                text::count(self.all.len(), "baseline"),
            )
        });
        Ok(Some(Chosen {
            candidate,
            comparison: compare::compare(baseline, found),
            how,
        }))
    }
}

fn one(path: &Path, allow_unsigned: bool, trusting: &Trusting) -> Result<Candidate> {
    if allow_unsigned {
        let unverified = trust::baseline(path)?;
        let baseline = unverified
            .read_without_trust()
            .with_context(|| trust::shown(path))?;
        return Ok(Candidate {
            path: path.to_owned(),
            baseline,
            sha256: Digest::of(unverified.as_bytes()),
            signers: Vec::new(),
        });
    }
    let authority = &trusting.authority;
    let signed = signatures::judge(path, &authority.keys(), Purpose::Baseline)?;
    Ok((path.to_owned(), signed.trusted(authority)?).into())
}

/// The files of a directory that are named like documents, sorted.
fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |source| Missing::new(folder, source);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)?.take(MOST) {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|ending| ending == "toml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// What a baseline is for, where that is not what was asked for.
fn objection(baseline: &Baseline, device: &Device, asset: Option<&String>) -> Option<String> {
    let of = &baseline.device;
    let names = || std::iter::once(&of.model).chain(&of.aliases);
    if let Some(model) = &device.model
        && !names().any(|name| name == model)
    {
        return Some(format!("model {}, not for {model}", of.model));
    }
    if let Some(udi) = &device.udi
        && of.udi_di.as_ref() != Some(udi)
    {
        let own = of.udi_di.as_deref().unwrap_or("no UDI-DI at all");
        return Some(format!("{own}, not for UDI-DI {udi}"));
    }
    if let Some(hardware) = &device.hardware
        && !of.hardware.is_empty()
        && !of.hardware.contains(hardware)
    {
        let own = of.hardware.join(", ");
        return Some(format!("hardware {own}, not for {hardware}"));
    }
    if let Some(asset) = asset
        && !of.assets.is_empty()
        && !of.assets.contains(asset)
    {
        return Some(format!("other units than {asset}"));
    }
    let version = &baseline.firmware.version;
    if let Some(asked) = &device.firmware_version
        && asked != version
    {
        return Some(format!("version {version}, not for {asked}"));
    }
    None
}

/// How well a baseline fits. Ordered: the greater fits better.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Whether the image shows nothing that says it is another version.
    is_this_version: bool,
    /// How much of the baseline and of the image is in the other, too, in thousandths: what two models have in common is all of neither.
    likeness: usize,
    matched: usize,
    /// Of two that match alike, the one that leaves less open.
    few_changes: std::cmp::Reverse<usize>,
    compared: usize,
}

impl Fit {
    fn of(baseline: &Baseline, comparison: &Comparison, found: &Inventory) -> Self {
        let sum = |count: fn(&compare::Checked) -> usize| {
            comparison
                .checked
                .iter()
                .fold(0_usize, |sum, row| sum.saturating_add(count(row)))
        };
        let (matched, compared) = (sum(|row| row.matched), sum(|row| row.compared));
        let raw = baseline.components.iter();
        let raw = raw.filter(|it| !matches!(it.body, Body::Tree { .. }));
        let all = [baseline.files.len(), raw.count(), found.entries.len()];
        let all = all.into_iter().fold(0_usize, usize::saturating_add);
        let likeness = matched.saturating_mul(2000).checked_div(all);
        Self {
            is_this_version: evidence::contradiction(baseline, found).is_none(),
            likeness: likeness.unwrap_or_default(),
            matched,
            few_changes: std::cmp::Reverse(comparison.changes.len()),
            compared,
        }
    }
}
