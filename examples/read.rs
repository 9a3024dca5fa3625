//! Reads all that the format at an image's start holds, to nowhere: the reader alone, for `tests/slow/bench/run --only readers`.
//!
//! `list` also searches the image, accounts for its bytes and states digests, which no native tool does.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use vitalsign::budget::{Budget, Limits};
use vitalsign::entry::{Fault, Node};
use vitalsign::formats::{self, Content, Decode, Format, Length, PartBytes, Tree};
use vitalsign::image::{Image, Source};

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: read IMAGE")?;
    let budget = Budget::new(Limits::default());
    let image = Image::open(Path::new(&path), &budget)?;
    let Source::Bytes(bytes) = image.source else {
        bail!("a directory has no reader");
    };
    read(&bytes, &budget)
}

/// Reads what the best proven format at the start of `bytes` holds.
fn read(bytes: &Bytes, budget: &Budget) -> Result<()> {
    let (format, region) = claimed(bytes).context("no format starts here")?;
    match format.open(region.clone(), budget).content {
        Content::Stream(decoder) => drain(decoder),
        Content::Tree(tree) => files(&tree),
        Content::Layout(parts) => {
            for part in parts {
                match part.bytes {
                    PartBytes::Range(range) => {
                        let (from, to) =
                            (usize::try_from(range.start)?, usize::try_from(range.end)?);
                        read(&region.slice(from..to), budget)?;
                    }
                    PartBytes::Decoded(bytes) => read(&bytes, budget)?,
                    PartBytes::Stream(decoder) => drain_and_read(decoder, budget)?,
                }
            }
            Ok(())
        }
        Content::Memory(_) => bail!("a memory is read when it is opened"),
        Content::Unread => bail!("cannot be read"),
    }
}

fn claimed(bytes: &Bytes) -> Option<(&'static dyn Format, Bytes)> {
    let measured = formats::ALL.iter().filter_map(|format| {
        let extent = format.measure(bytes).ok()?;
        Some((extent.proof, *format, extent.len))
    });
    let (_, format, len) = measured.max_by_key(|(proof, ..)| *proof)?;
    let len = match len {
        Length::Known(len) => usize::try_from(len).ok()?.min(bytes.len()),
        Length::Decoded => bytes.len(),
    };
    Some((format, bytes.slice(..len)))
}

fn drain(mut decoder: Box<dyn Decode>) -> Result<()> {
    let mut buffer = vec![0; 256 << 10];
    while decoder.read(&mut buffer)? > 0 {}
    Ok(())
}

/// A volume that is put together as it is read has files of its own.
fn drain_and_read(mut decoder: Box<dyn Decode>, budget: &Budget) -> Result<()> {
    let mut volume = budget.spool().stream();
    std::io::copy(&mut decoder, &mut volume)?;
    read(&volume.finish()?, budget)
}

fn files(tree: &Tree) -> Result<()> {
    for entry in &tree.entries {
        if let Node::File(file) = &entry.node {
            match file.data.copy_to(&mut std::io::sink()) {
                Ok(()) => {}
                Err(Fault::Problem(problem)) => bail!("{problem:?}"),
                Err(Fault::Sink(error)) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
