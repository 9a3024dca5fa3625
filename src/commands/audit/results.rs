//! The file of results: opened so that nothing that is done is lost and nothing is done twice.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::shard::Mine;
use crate::cli;
use crate::commands::exit::Usage;
use crate::commands::{clock, output, talk, trust};
use crate::fleet::inventory::Fleet;
use crate::fleet::record::Record;
use crate::fleet::results::{self, Audit, Line, Unusable};
use crate::fleet::summary::Summary;

/// How often what was written is forced to the disk: a power cut costs the work of so long.
const SYNCED: Duration = Duration::from_secs(1);

/// Where records go.
pub(super) struct Results {
    to: To,
    prepared: Prepared,
}

enum To {
    /// A file that is made once nothing stands against the audit any more.
    New(PathBuf),
    File(File, clock::Every),
    Stdout,
}

/// What a file of results holds already.
#[derive(Default)]
pub(super) struct Prepared {
    audit: Option<Audit>,
    done: BTreeSet<u64>,
    now: Option<Timestamp>,
    /// The length of its whole lines.
    whole: u64,
}

fn exists(path: &Path) -> anyhow::Error {
    let path = trust::shown(path);
    Usage(format!(
        "{path} exists; name another file, or go on with --resume"
    ))
    .into()
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", trust::shown(path))
}

/// Two audits that write to one file would do devices twice.
fn lock(file: &File) -> Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Usage("another audit writes to it".to_owned()).into()),
        // A file system without locks is no reason to write nothing.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

impl Prepared {
    /// Reads what is there, and opens the file behind it.
    fn go_on(
        &mut self,
        path: &Path,
        fleet: &Fleet,
        mine: &Mine,
        summary: &mut Summary,
    ) -> Result<File> {
        let file = File::options().read(true).write(true).open(path);
        let file = file.context("cannot be written")?;
        lock(&file)?;
        let inventory = fleet.digest();
        let read = results::read(BufReader::new(&file), |audit: &Audit, record| {
            if audit.by.inventory != inventory {
                return Err(Unusable::Other("devices in its inventory"));
            }
            audit.must_hold(mine.row())?;
            self.take(audit, &record, fleet, mine)?;
            summary.add(&record);
            Ok(())
        })?;
        self.whole = read.whole;
        if let Some(audit) = &read.audit {
            self.now = Some(audit.judged_at.parse()?);
            let torn = if read.is_torn {
                "; a torn record is done again"
            } else {
                ""
            };
            talk::say(&format!(
                "going on: {} of {} are done, judged by {}{torn}",
                self.done.len(),
                mine.positions.len(),
                audit.judged_at,
            ));
        }
        self.audit = read.audit;
        Ok(file)
    }

    /// Whether a device has its record.
    pub(super) fn is_done(&self, position: usize) -> bool {
        u64::try_from(position).is_ok_and(|position| self.done.contains(&position))
    }

    fn take(
        &mut self,
        audit: &Audit,
        record: &Record,
        fleet: &Fleet,
        mine: &Mine,
    ) -> Result<(), Unusable> {
        let wrong = |what: &'static str| Err(Unusable::Other(what));
        let position = usize::try_from(record.position).unwrap_or(usize::MAX);
        match fleet.devices.get(position) {
            Some(device) if device.image == record.device.image => {}
            _ => return wrong("devices in its inventory"),
        }
        if mine.positions.binary_search(&position).is_err() {
            return wrong("devices in the shard");
        }
        let next = mine.positions.get(self.done.len());
        if audit.in_order && next != Some(&position) {
            return wrong("records than one in order");
        }
        if self.done.insert(record.position) {
            Ok(())
        } else {
            wrong("records than one a device")
        }
    }
}

impl Results {
    /// Opens where records go. Of an audit that goes on, every record there is counted, and a torn one cut off.
    pub(super) fn open(
        args: &cli::Audit,
        fleet: &Fleet,
        mine: &Mine,
        summary: &mut Summary,
    ) -> Result<Self> {
        let mut prepared = Prepared::default();
        let to = match &args.output {
            None => To::Stdout,
            Some(path) if args.resume && path.try_exists().unwrap_or(true) => {
                let file = prepared
                    .go_on(path, fleet, mine, summary)
                    .with_context(|| trust::shown(path))?;
                To::File(file, clock::Every::new(SYNCED))
            }
            Some(path) if path.try_exists().unwrap_or(true) => return Err(exists(path)),
            Some(path) => To::New(path.clone()),
        };
        Ok(Self { to, prepared })
    }

    /// The time that the audit is judged by that goes on.
    pub(super) fn judged_at(&self) -> Option<Timestamp> {
        self.prepared.now
    }

    /// What was done before.
    pub(super) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Writes the first line, or refuses to go on with another audit's file.
    pub(super) fn begin(&mut self, audit: &Audit) -> Result<()> {
        if let Some(before) = &self.prepared.audit {
            before.must_be(audit)?;
            if before.judged_at != audit.judged_at {
                return Err(Unusable::Other("times (--now)").into());
            }
        }
        match &mut self.to {
            To::Stdout => {}
            To::New(path) => {
                let file = File::options().write(true).create_new(true).open(&*path);
                let file = match file {
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        return Err(exists(path));
                    }
                    made => made.with_context(|| cannot_write(path))?,
                };
                lock(&file).with_context(|| trust::shown(path))?;
                self.to = To::File(file, clock::Every::new(SYNCED));
            }
            To::File(file, _) => {
                // Only now is it known to be this audit's.
                file.set_len(self.prepared.whole)?;
                file.seek(SeekFrom::End(0))?;
            }
        }
        if self.prepared.audit.is_some() {
            return Ok(());
        }
        self.write_line(&Line::Audit(Box::new(audit.clone())))
    }

    /// Writes the record of a device.
    pub(super) fn write(&mut self, record: Record) -> Result<()> {
        self.write_line(&Line::Device(Box::new(record)))
    }

    fn write_line(&mut self, line: &Line) -> Result<()> {
        let line = line.write()?;
        match &mut self.to {
            To::New(_) | To::Stdout => output::write_stdout_bytes(&line),
            To::File(file, every) => {
                // In one call, so that an end of the process tears no line.
                file.write_all(&line).context("cannot write results")?;
                if every.is_due() {
                    file.sync_data().context("cannot write results")?;
                }
                Ok(())
            }
        }
    }

    /// Forces everything to the disk.
    pub(super) fn finish(&mut self) -> Result<()> {
        match &mut self.to {
            To::New(_) | To::Stdout => Ok(()),
            To::File(file, _) => file.sync_all().context("cannot write results"),
        }
    }
}
