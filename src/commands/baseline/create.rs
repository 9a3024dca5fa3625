//! `vitalsign baseline create`

use anyhow::{Context, Result};

use super::draft;
use crate::baseline::{Baseline, Forbid, Kind, MutableRow, create};
use crate::cli::{BaselineCreate, Header};
use crate::commands::exit::Usage;
use crate::commands::open;
use crate::extract::Inventory;

/// A mutable file may have so many bytes unless the baseline is edited (16 MiB).
const MUTABLE_BYTES: u64 = 16 << 20;

/// Makes a baseline from a reference image.
pub(super) fn run(args: &BaselineCreate) -> Result<u8> {
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    from(
        &found,
        &args.header,
        &args.mutable,
        args.beside.part.as_ref(),
    )
}

/// Writes the baseline of a reference image, and says what it does not cover.
pub(super) fn from(
    found: &Inventory,
    header: &Header,
    mutable: &[String],
    part: Option<&String>,
) -> Result<u8> {
    let mut draft = create::create(found);
    for component in &mut draft.components {
        if component.part.is_none() {
            component.part = part.cloned();
        }
    }
    let mut baseline = draft::of(header);
    baseline.components = draft.components;
    baseline.files = draft.files;
    baseline.pages = draft.pages;
    baseline.functions = draft.functions;
    baseline.elf = draft.elf;
    for text in mutable {
        baseline.mutable.push(mutable_row(&baseline, text)?);
    }
    draft::write(&baseline, header).context("the image holds what a baseline cannot state")?;
    let mut incomplete = draft.left_out;
    let told = found
        .problems
        .iter()
        .filter(|told| told.kind.hides_content());
    incomplete.extend(told.map(|told| format!("{}: {}", told.place, told.detail)));
    Ok(draft::tell_incomplete(&incomplete))
}

/// COMPONENT:GLOB as a row that lets plain files come, go and change there, and forbids programs.
fn mutable_row(baseline: &Baseline, text: &str) -> Result<MutableRow> {
    let Some((name, glob)) = text.split_once(':') else {
        return Err(Usage(format!(
            "--mutable {text}: write COMPONENT:GLOB, such as data:/var/log/*.log"
        ))
        .into());
    };
    let Some(component) = baseline
        .components
        .iter()
        .position(|component| component.name == name)
    else {
        let names: Vec<_> = baseline
            .components
            .iter()
            .map(|component| component.name.as_str())
            .collect();
        return Err(Usage(format!(
            "--mutable {text}: the image has no component {name}; it has {}",
            names.join(", ")
        ))
        .into());
    };
    Ok(MutableRow {
        component,
        glob: glob.to_owned(),
        types: [Kind::File].into_iter().collect(),
        mode_max: 0o666,
        max_bytes: Some(MUTABLE_BYTES),
        forbid: [Forbid::Elf, Forbid::Script, Forbid::Setuid, Forbid::Exec]
            .into_iter()
            .collect(),
    })
}
