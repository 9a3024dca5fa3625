//! Opening an image and unpacking it within its budget.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::exit::Usage;
use super::{clock, talk, trust};
use crate::budget::Budget;
use crate::cli;
use crate::extract::{self, Inventory};
use crate::formats::wrapper::Wrapper;
use crate::image::Image;
use crate::place::{Place, escape};
use crate::problem::{Problem, ProblemKind};
use crate::report::text;

/// The descriptions of wrappers in some files.
pub(super) fn wrappers(files: &[PathBuf]) -> Result<Vec<Wrapper>> {
    let read = |path: &PathBuf| {
        let text = trust::description(path)?;
        Wrapper::parse(&text).with_context(|| trust::shown(path))
    };
    files.iter().map(read).collect()
}

/// Everything that is in the image at `path` and in the files that belong to it.
pub(super) fn inventory(
    path: &Path,
    reading: &cli::Reading,
    beside: &cli::Beside,
    flags: &cli::Budget,
) -> Result<Inventory> {
    let head = format!("reading {}", escape(path.as_os_str().as_encoded_bytes()));
    let progress = talk::progress(&head);
    let budget = Budget::with_deadline(flags.limits(), clock::deadline(flags.max_seconds));
    let wrappers = wrappers(&reading.wrapper)?;
    let image = image(path, reading, wrappers, beside, &budget)?;
    let told = |time: Duration| {
        let (entries, decoded) = budget.spent();
        format!(
            "{head}: {entries} entries, {} decoded, {} a second{}",
            text::size(decoded),
            text::size(talk::rate(decoded, time)),
            talk::rest(budget.pace(), time)
        )
    };
    let found = progress.during(told, || extract::unpack(&image, &budget));
    Ok(with_faults(&image, found))
}

/// Opens an image and the files that belong to it; what describes wrappers was read before.
pub(super) fn image(
    path: &Path,
    reading: &cli::Reading,
    wrappers: Vec<Wrapper>,
    beside: &cli::Beside,
    budget: &Budget,
) -> Result<Image> {
    let mut image = Image::open(path, budget)?;
    image.nand = reading.choice();
    image.base = reading.base;
    image.undoes_xor = reading.xor;
    image.part.clone_from(&beside.part);
    image.wrappers = wrappers;
    if let Some(other) = &beside.interleave {
        image.interleave(other, beside.interleave_width.into(), budget)?;
    }
    for (nth, (name, file)) in beside.with.iter().enumerate() {
        if beside.with.iter().take(nth).any(|(other, _)| other == name) {
            return Err(Usage(format!("--with {name}: that name was given twice")).into());
        }
        image.add(name, file, budget)?;
    }
    if let Some(second) = &beside.second_read {
        image.read_again(second, budget)?;
    }
    Ok(image)
}

/// Everything that is in an image of many: nothing is told of it meanwhile.
pub(super) fn unpacked(image: &Image, budget: &Budget) -> Inventory {
    with_faults(image, extract::unpack(image, budget))
}

/// Says which bytes could not be read, and whether the file was changed meanwhile.
fn with_faults(image: &Image, mut found: Inventory) -> Inventory {
    let mut faults = image.problems.clone();
    if image.changed() {
        let detail = "the file was changed while it was read; read it again";
        faults.push(Problem::new(ProblemKind::Unreadable, detail));
    }
    let told = faults.into_iter();
    let told = told.map(|problem| extract::Told::new(&Place::image(), problem));
    found.problems.extend(told);
    found
}
