//! `vitalsign audit merge`: the results of all shards become those of one machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::fleet;
use crate::cli;
use crate::commands::exit::{Told, Usage};
use crate::commands::sandbox::{Access, Start};
use crate::commands::trust::{self, Missing};
use crate::commands::{output, talk};
use crate::fleet::inventory::Fleet;
use crate::fleet::merge::{Incomplete, Merge, Merged, Place};
use crate::fleet::results::{Line, Unusable};
use crate::fleet::shard::Shard;

/// So much of a file is read or written at a time, in bytes (256 KiB).
const CHUNK: usize = 256 << 10;
/// So many files are held open at most.
const OPEN: usize = 256;
/// So many gaps, or devices, are told.
const TOLD: usize = 20;

/// Joins shards; the exit code is that of one run over the whole fleet.
pub(super) fn run(args: &cli::audit::Merge, start: &Start) -> Result<u8> {
    if let Some(path) = &args.output
        && path.try_exists().unwrap_or(true)
    {
        let told = format!("{} exists; name another file", trust::shown(path));
        return Err(Usage(told).into());
    }
    let known = args.fleet.as_deref();
    let known = known.map(|path| fleet::read(path).with_context(|| trust::shown(path)));
    let known = known.transpose()?;
    // Shards come from other machines: they are read as hostile.
    let access = Access::default().reads(&args.shards);
    start.confine(access.writes(args.output.as_deref(), 0o644))?;
    let mut merge = Merge::default();
    for path in &args.shards {
        let file = File::open(path).map_err(|source| Missing::new(path, source))?;
        unwritten(&file).with_context(|| trust::shown(path))?;
        let from = BufReader::with_capacity(CHUNK, file);
        merge.read(trust::shown(path), from)?;
    }
    if let (Some(fleet), Some(inventory)) = (&known, merge.inventory())
        && fleet.digest() != inventory
    {
        return Err(Unusable::Other("devices than --fleet has").into());
    }
    match merge.finish()? {
        Ok(merged) => write(&merged, &args.shards, args.output.as_deref()),
        Err(incomplete) => {
            let told = missing(&incomplete, known.as_ref())?;
            Err(Told(incomplete.exit_code, told).into())
        }
    }
}

/// Refuses a file that an audit still writes to.
fn unwritten(file: &File) -> Result<()> {
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Err(Usage("an audit still writes to it".to_owned()).into())
        }
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn write(merged: &Merged, shards: &[PathBuf], to: Option<&Path>) -> Result<u8> {
    let head = Line::Audit(Box::new(merged.head.clone())).write()?;
    let mut files = Files {
        paths: shards,
        open: BTreeMap::new(),
    };
    let mut failed = None;
    let written = output::write_by(to, |out| {
        let mut out = BufWriter::with_capacity(CHUNK, out);
        out.write_all(&head)?;
        for place in &merged.places {
            match files.line(place) {
                Ok(line) => out.write_all(&line)?,
                Err(error) => {
                    failed = Some(error);
                    return Err(std::io::Error::other("a shard changed"));
                }
            }
        }
        out.flush()
    });
    if let Some(error) = failed {
        return Err(error);
    }
    written?;
    talk::say(&format!(
        "merged: {} devices of {} shards",
        merged.places.len(),
        merged.shards
    ));
    Ok(merged.exit_code)
}

/// The files of the shards, a few of them open.
struct Files<'p> {
    paths: &'p [PathBuf],
    open: BTreeMap<usize, File>,
}

impl Files<'_> {
    /// A line, as it was read before.
    fn line(&mut self, place: &Place) -> Result<Vec<u8>> {
        let path = self.paths.get(place.file).context("a file has no name")?;
        let fail = |source| Missing::new(path, source);
        if !self.open.contains_key(&place.file) {
            if self.open.len() >= OPEN {
                self.open.clear();
            }
            let file = File::open(path).map_err(fail)?;
            self.open.insert(place.file, file);
        }
        let file = self.open.get(&place.file).context("a file is not open")?;
        let mut line = vec![0; place.length];
        file.read_exact_at(&mut line, place.start).map_err(fail)?;
        if place.holds(&line) {
            Ok(line)
        } else {
            Err(fail(std::io::Error::other("it changed meanwhile")).into())
        }
    }
}

/// What is missing, and what to do.
fn missing(incomplete: &Incomplete, fleet: Option<&Fleet>) -> Result<String> {
    let (of, mut out) = (incomplete.of, String::new());
    out.push_str("INCOMPLETE, nothing was written");
    for &(first, last) in incomplete.missing.iter().take(TOLD) {
        let told = if first == last {
            format!(
                "shard {first}/{of} is missing: run it, as the others, with --shard {first}/{of}"
            )
        } else {
            format!(
                "shards {first}/{of} to {last}/{of} are missing: run them, as the others, with --shard"
            )
        };
        write!(out, "\n  {told}")?;
    }
    for shard in incomplete.unfinished.iter().take(TOLD) {
        let torn = if shard.is_torn {
            " and a torn line"
        } else {
            ""
        };
        write!(
            out,
            "\n  shard {}/{of} is not done: {} has {} of {} devices{torn}; go on with it, by the same command with --resume",
            shard.index, shard.name, shard.has, shard.expected
        )?;
    }
    for name in incomplete.blank.iter().take(TOLD) {
        write!(
            out,
            "\n  {name} holds no audit: it was interrupted before its first line was written; run its shard again"
        )?;
    }
    if !incomplete.devices.is_empty() {
        let (what, told) = match fleet {
            Some(fleet) => ("devices", names(incomplete, fleet)),
            None => ("positions in the inventory, from 0,", positions(incomplete)),
        };
        write!(out, "\n  without a record: {what} {told}")?;
    }
    Ok(out)
}

fn positions(incomplete: &Incomplete) -> String {
    let gaps = incomplete.devices.iter();
    let told = gaps.map(|&(first, last)| match last.checked_sub(first) {
        Some(0) => first.to_string(),
        Some(1) => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    some(told, incomplete.devices.len())
}

fn names(incomplete: &Incomplete, fleet: &Fleet) -> String {
    let gaps = incomplete.devices.iter().map(|(first, last)| {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        fleet
            .devices
            .get(index(*first)..=index(*last))
            .unwrap_or_default()
    });
    let count = gaps
        .clone()
        .map(<[_]>::len)
        .fold(0_usize, usize::saturating_add);
    let told = gaps.flatten().map(|device| {
        let shard = Shard::new(0, incomplete.of).map(|first| first.that_holds(&device.image));
        let shard = shard.map(|shard| format!(" (shard {shard})"));
        device.name() + &shard.unwrap_or_default()
    });
    some(told, count)
}

/// The first of a list, and how many more there are.
fn some(told: impl Iterator<Item = String>, count: usize) -> String {
    let first: Vec<String> = told.take(TOLD).collect();
    let more = count.saturating_sub(first.len());
    let first = first.join(", ");
    if more > 0 {
        format!("{first} and {more} more")
    } else {
        first
    }
}
