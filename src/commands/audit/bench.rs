//! What all devices of an audit are judged by, read once; and the judgement of one of them, which never stops the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use jiff::Timestamp;

use super::cache::{Cache, Row};
use super::named;
use super::results::Prepared;
use super::shard::Mine;
use crate::budget::Budget;
use crate::check::device::Named;
use crate::check::{Basis, Programs, Shelf};
use crate::cli;
use crate::commands::authority::{self, Trusting};
use crate::commands::candidates::{Candidate, Candidates};
use crate::commands::exit::{self, INTERNAL, Usage};
use crate::commands::judge::{Bench, Subject};
use crate::commands::sandbox::{Access, Right};
use crate::commands::{clock, open, output, packs, trust, yara};
use crate::digest::Digest;
use crate::fleet::inventory::{Device, Fleet};
use crate::fleet::record::{Judged, Record, SCHEMA};
use crate::fleet::results::{self, By};
use crate::fleet::summary::Summary;
use crate::formats::wrapper::Wrapper;
use crate::place::escape;
use crate::report::verify::Tool;
use crate::report::verify::unit::Unit;
use crate::software;
use crate::trust::order;
use crate::verdict::Threshold;

/// A baseline that only some devices are compared with, or why it cannot be used: that is told of each of them.
type Own = std::result::Result<Set, (u8, String)>;

/// What names an answer, and the files of the image by name and digest, its own first.
type Key = (Digest, Vec<(String, Digest)>);

/// Baselines, and what a verdict depends on besides the image where it is compared with them.
#[derive(Default)]
struct Set {
    candidates: Candidates,
    /// A digest of them, and of what speaks against relying on each of them at the time of the audit.
    standing: Option<Digest>,
}

/// An audit that may begin.
pub(super) struct Audit<'a> {
    args: &'a cli::Audit,
    fleet: Fleet,
    mine: Mine,
    trusting: Trusting,
    basis: Basis,
    /// Those that all devices are compared with.
    all: Set,
    /// Those that the inventory names, as it writes them.
    own: BTreeMap<String, Own>,
    wrappers: Vec<Wrapper>,
    now: Timestamp,
    by: By,
    cache: Option<Arc<Cache>>,
    stop: Arc<AtomicBool>,
}

impl<'a> Audit<'a> {
    /// Reads everything that verdicts depend on. `began`: when the audit that goes on did; it has one time for all devices.
    pub(super) fn read(
        args: &'a cli::Audit,
        fleet: Fleet,
        mine: Mine,
        began: Option<Timestamp>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self> {
        let written: BTreeSet<&String> = fleet
            .devices
            .iter()
            .filter_map(|device| device.baseline.as_ref())
            .collect();
        let nobody = args.trust.trust_key.is_empty()
            && args.trust.keyring.is_none()
            && !args.trust.allow_unsigned;
        if nobody && (args.baseline.is_some() || !written.is_empty()) {
            let told = "say whose word counts about baselines: --trust-key KEY, --keyring FILE or --allow-unsigned";
            return Err(Usage(told.to_owned()).into());
        }
        let trusting = authority::read(&args.trust)?;
        let now = args.now.or(began).unwrap_or_else(clock::now);
        let cache = args.cache.as_deref().map(Cache::open).transpose()?;
        let cache = cache.map(Arc::new);
        let shelf = cache.clone().map(|cache| -> Arc<dyn Shelf> { cache });
        let basis = Basis {
            rules: packs::book(&args.packs, &trusting.authority)?,
            named: Named::default(),
            fingerprints: trust::fingerprint_key(args.checks.secret_key_file.as_deref())?,
            yara: yara::read(args.checks.yara.as_deref())?,
            table_age: clock::table_age(now),
            pace: Arc::default(),
            programs: Arc::new(Programs::on(shelf)),
        };
        let set = |path: &Path| -> Result<Set> {
            let candidates = Candidates::read(path, args.trust.allow_unsigned, &trusting)?;
            let known = trusting.known(&args.trust, now);
            let mut text = candidates.named();
            for candidate in candidates.iter() {
                let order = order::judge(&candidate.place(), &known);
                let signers = candidate.signers.iter();
                let keys: Vec<Digest> = signers.map(|it| it.signer.key.fingerprint()).collect();
                let _ = write!(text, "{:?}", (order.breaches, order.notes, keys));
            }
            Ok(Set {
                candidates,
                standing: Some(Digest::of(text.as_bytes())),
            })
        };
        let all = args.baseline.as_deref().map(set).transpose()?;
        let own = |written: &&String| {
            let read = set(&fleet.path(written));
            ((*written).clone(), read.map_err(|error| exit::told(&error)))
        };
        let own = written.iter().map(own).collect();
        if let Some(folder) = &args.reports {
            std::fs::create_dir_all(folder)?;
        }
        let mut audit = Self {
            wrappers: open::wrappers(&args.reading.wrapper)?,
            cache,
            by: By {
                inventory: fleet.digest(),
                baselines: Digest::of(b""),
                trust: named::trust(args)?,
                rules: named::rules(&basis),
                options: named::options(args)?,
            },
            args,
            fleet,
            mine,
            trusting,
            basis,
            all: all.unwrap_or_default(),
            own,
            now,
            stop,
        };
        audit.by.baselines = audit.baselines();
        Ok(audit)
    }

    /// What names this audit, so that only the same one goes on with its results.
    pub(super) fn head(&self) -> results::Audit {
        results::Audit {
            schema: SCHEMA.to_owned(),
            tool: Tool {
                name: "vitalsign".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            judged_at: self.now.to_string(),
            devices: u64::try_from(self.fleet.devices.len()).unwrap_or(u64::MAX),
            shard: self.mine.row(),
            in_order: self.args.in_order,
            by: self.by,
        }
    }

    fn baselines(&self) -> Digest {
        let mut text = self.all.candidates.named();
        for (written, own) in &self.own {
            text.push_str(written);
            match own {
                Ok(own) => text.push_str(&own.candidates.named()),
                Err((code, told)) => text.push_str(&[&code.to_string(), " ", told, "\n"].concat()),
            }
        }
        Digest::of(text.as_bytes())
    }

    /// Judges one device; `None` when the audit was interrupted meanwhile, since what it found may not be all.
    pub(super) fn device(&self, position: usize) -> Option<Record> {
        let device = self.fleet.devices.get(position)?;
        let number = u64::try_from(position).unwrap_or(u64::MAX);
        let tried = guarded(|| self.try_device(number, device));
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        Some(tried.unwrap_or_else(|(code, told)| Record::error(number, device, code, &told)))
    }

    fn try_device(&self, position: u64, device: &Device) -> Result<Record> {
        let set = match &device.baseline {
            None => &self.all,
            Some(written) => match self.own.get(written) {
                Some(Ok(own)) => own,
                Some(Err((code, told))) => return Err(exit::Told(*code, told.clone()).into()),
                None => return Err(Usage("its baseline was not read".to_owned()).into()),
            },
        };
        let said = cli::Device {
            model: device.model.clone().or_else(|| self.args.model.clone()),
            udi: None,
            hardware: None,
            firmware_version: None,
            despite_version: self.args.despite_version,
        };
        set.candidates.are_for(&said, device.asset.as_ref())?;
        let row = self.row(device, set, &said)?;
        let name = name(&device.path);
        let mut record = Record::judged(position, device, row.judged, name.clone());
        if let (Some(folder), Some(mut report)) = (&self.args.reports, row.report) {
            // It may have been made of the image of another device, with the same bytes.
            report.image.name = name;
            report.judged_at = Some(self.now.to_string());
            let report = report.of_unit(unit(device));
            let file = record.file_name();
            if !self.stop.load(Ordering::Relaxed) {
                output::write_json(Some(&folder.join(&file)), &report)?;
            }
            record.report = Some(file);
        }
        Ok(record)
    }

    /// What is known of an image, or is found out now.
    fn row(&self, device: &Device, set: &Set, said: &cli::Device) -> Result<Row> {
        let Some(cache) = &self.cache else {
            return Ok(self.find_out(device, set, said)?.0);
        };
        let Some((key, files)) = self.key(device, set, said)? else {
            return Ok(self.find_out(device, set, said)?.0);
        };
        let _turn = cache.turn(key);
        if let Some(row) = cache.get(key) {
            return Ok(row);
        }
        let (row, is_whole) = self.find_out(device, set, said)?;
        let image = &row.judged.image;
        let with = image.with.iter().map(|file| Some(file.sha256));
        let read: Vec<Option<Digest>> = std::iter::once(image.sha256).chain(with).collect();
        // What was read is what the key names.
        if is_whole && files.iter().map(|(_, sha256)| Some(*sha256)).eq(read) {
            cache.put(key, &row);
        }
        Ok(row)
    }

    /// Reads and judges an image. Also tells whether that would come out the same again: the files stood still, and no time was up.
    fn find_out(&self, device: &Device, set: &Set, said: &cli::Device) -> Result<(Row, bool)> {
        let beside = cli::Beside {
            with: self.with(device),
            part: self.args.part.clone(),
            ..cli::Beside::default()
        };
        let seconds = self.args.budget.max_seconds;
        let (late, too_late) = (clock::deadline(seconds), clock::deadline(seconds));
        let stop = Arc::clone(&self.stop);
        let expired = move || stop.load(Ordering::Relaxed) || late();
        let budget = Budget::with_deadline(self.args.budget.limits(), Box::new(expired));
        let wrappers = self.wrappers.clone();
        let image = open::image(&device.path, &self.args.reading, wrappers, &beside, &budget)?;
        let found = open::unpacked(&image, &budget);
        let mut basis = self.basis.clone();
        basis.named = Named {
            vendor: None,
            model: said.model.clone(),
            version: device.version.clone(),
        };
        let bench = Bench {
            trusting: &self.trusting,
            trust: &self.args.trust,
            now: self.now,
            threshold: Threshold {
                severity: self.args.fail_on,
                strict: self.args.strict,
            },
        };
        let subject = Subject {
            basis: &basis,
            candidates: &set.candidates,
            device: said,
            unit: unit(device),
        };
        let judged = bench.judge(&found, subject)?;
        let kept = Judged::new(&judged.report, &found, &judged.keys);
        let report = self.args.reports.is_some();
        let report = report.then(|| judged.report.listing(software::software(&found)));
        let is_whole = !image.changed() && !too_late() && !self.stop.load(Ordering::Relaxed);
        let row = Row {
            judged: kept,
            report,
        };
        Ok((row, is_whole))
    }

    /// What names everything that the answer about an image depends on; `None` where that cannot be named: a directory, and YARA rules.
    fn key(&self, device: &Device, set: &Set, said: &cli::Device) -> Result<Option<Key>> {
        if device.path.is_dir() || self.basis.yara.is_some() {
            return Ok(None);
        }
        let mut files = vec![(String::new(), named::digest(&device.path)?)];
        for (name, file) in self.with(device) {
            files.push((name, named::digest(&file)?));
        }
        let By {
            inventory: _,
            baselines: _,
            trust,
            rules,
            options,
        } = self.by;
        let asset = device.asset.as_ref();
        let asset = asset.filter(|_| set.candidates.name_units());
        let dates = order::dates(&packs::dates(&self.basis.rules), self.now);
        // A report tells how old the table of advisories is.
        let age = self.args.reports.as_ref().map(|_| self.basis.table_age);
        let text = format!(
            "vitalsign image 1 {} {:?}",
            env!("CARGO_PKG_VERSION"),
            (
                &files,
                set.standing,
                (trust, rules, options),
                (&said.model, &device.version, asset),
                (dates, age),
            )
        );
        Ok(Some((Digest::of(text.as_bytes()), files)))
    }

    /// What is still opened once all of that was read: the images, and where reports and the state go.
    pub(super) fn access(&self) -> Access {
        let mine = self.mine.positions.iter();
        let devices = mine.filter_map(|position| self.fleet.devices.get(*position));
        let images = devices.clone().map(|device| &device.path);
        let parts: Vec<_> = devices.flat_map(|device| self.with(device)).collect();
        Access::default()
            .reads(images)
            .reads(parts.iter().map(|(_, file)| file))
            .has(self.args.reports.as_deref(), Right::Files)
            .writes(self.args.trust.state.as_deref(), 0o600)
    }

    /// The other parts of a device, by name.
    fn with(&self, device: &Device) -> Vec<(String, PathBuf)> {
        let with = device.with.iter();
        with.map(|(name, file)| (name.clone(), self.fleet.path(file)))
            .collect()
    }

    /// Notes which baselines were relied on, against replays.
    pub(super) fn remember(&mut self, summary: &Summary) -> Result<()> {
        let own = self.own.values().flatten();
        let used = std::iter::once(&self.all)
            .chain(own)
            .flat_map(|set| set.candidates.iter())
            .filter(|candidate| summary.relies_on(candidate.sha256));
        let used: Vec<&Candidate> = used.collect();
        if used.is_empty() {
            return Ok(());
        }
        let now = self.args.now.is_none().then_some(self.now);
        self.trusting.remember(used, now)
    }

    /// Whether records are written in the order of the inventory.
    pub(super) fn in_order(&self) -> bool {
        self.args.in_order
    }

    /// After how many devices that could not be judged it ends.
    pub(super) fn max_failures(&self) -> Option<u64> {
        self.args.max_failures
    }

    /// The devices that are still to be done, by their positions.
    pub(super) fn left(&self, prepared: &Prepared) -> Vec<usize> {
        let mine = self.mine.positions.iter().copied();
        mine.filter(|position| !prepared.is_done(*position))
            .collect()
    }
}

/// Does some work for one device. Its error is its record, and so is a panic.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> std::result::Result<T, (u8, String)> {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
        let told =
            "vitalsign failed on this image, which is a defect of vitalsign; please report it";
        Err(exit::Told(INTERNAL, told.to_owned()).into())
    });
    done.map_err(|error| exit::told(&error))
}

fn unit(device: &Device) -> Unit {
    Unit {
        asset: device.asset.clone(),
        serial: device.serial.clone(),
        location: device.location.clone(),
        department: device.department.clone(),
        ..Unit::default()
    }
}

/// What reports call an image.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    escape(name.as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_record_of_its_device() {
        let (code, told) = guarded(|| -> Result<()> { panic!("one image") }).unwrap_err();
        assert_eq!(code, 70);
        assert!(told.contains("defect"));
        let (code, told) =
            guarded(|| -> Result<()> { Err(Usage("no".to_owned()).into()) }).unwrap_err();
        assert_eq!((code, told.as_str()), (64, "no"));
    }
}
