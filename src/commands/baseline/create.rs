//! `vitalsign baseline create`

use anyhow::{Context, Result};

use super::draft;
use crate::baseline::evidence::contradiction;
use crate::baseline::{Baseline, Evidence, Forbid, Kind, MutableRow, create};
use crate::cli::{BaselineCreate, Header};
use crate::commands::exit::Usage;
use crate::commands::open;
use crate::commands::sandbox::{Access, Start};
use crate::entry::EntryPath;
use crate::extract::Inventory;
use crate::place::escape;

/// A mutable file may have so many bytes unless the baseline is edited (16 MiB).
const MUTABLE_BYTES: u64 = 16 << 20;

/// Makes a baseline from a reference image.
pub(super) fn run(args: &BaselineCreate, start: &Start) -> Result<u8> {
    let access = Access::default()
        .reads([&args.image])
        .reads_beside(&args.beside, &args.reading)
        .writes(Some(&args.header.output), 0o644);
    start.confine(access)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    from(&found, &args.header, &args.mutable, &args.evidence)
}

/// Writes the baseline of a reference image, and says what it does not cover.
pub(super) fn from(
    found: &Inventory,
    header: &Header,
    mutable: &[String],
    evidence: &[String],
) -> Result<u8> {
    let mut draft = create::create(found);
    for component in &mut draft.components {
        if component.part.is_none() {
            component.part.clone_from(&found.image.part);
        }
    }
    let mut baseline = draft::of(header);
    baseline.components = draft.components;
    baseline.files = draft.files;
    baseline.pages = draft.pages;
    baseline.functions = draft.functions;
    baseline.elf = draft.elf;
    baseline.texts = draft.texts;
    baseline.boot = draft.boot;
    baseline.trees = draft.trees;
    for text in mutable {
        baseline.mutable.push(mutable_row(&baseline, text)?);
    }
    for text in evidence {
        let row = evidence_row(&baseline, text)?;
        baseline.firmware.evidence.push(row);
    }
    if let Some(shown) = contradiction(&baseline, found) {
        return Err(Usage(format!("--evidence: {shown}")).into());
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
    let component = component(baseline, name, &format!("--mutable {text}"))?;
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

/// COMPONENT:PATH:TEXT as a row that tells this version from others.
fn evidence_row(baseline: &Baseline, text: &str) -> Result<Evidence> {
    let parts = text.split_once(':');
    let parts = parts.and_then(|(name, rest)| Some((name, rest.split_once(':')?)));
    let Some((name, (path, contains))) = parts else {
        let form = "write COMPONENT:PATH:TEXT, such as rootfs:/etc/vsm-release:VERSION=4.2.1";
        return Err(Usage(format!("--evidence {text}: {form}")).into());
    };
    let component = component(baseline, name, &format!("--evidence {text}"))?;
    let path = EntryPath::new(path.as_bytes());
    let rows = baseline.files.iter();
    let mut rows = rows.filter(|row| row.component == component && row.path == path);
    if !rows.any(|row| row.node.kind() == Kind::File) {
        let path = escape(path.as_bytes());
        return Err(Usage(format!("--evidence: {name} has no file {path}")).into());
    }
    Ok(Evidence {
        component,
        path: Some(path),
        contains: contains.as_bytes().to_vec(),
    })
}

/// The index of the component that an argument names.
fn component(baseline: &Baseline, name: &str, argument: &str) -> Result<usize> {
    let components = &baseline.components;
    let found = components
        .iter()
        .position(|component| component.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = components
            .iter()
            .map(|component| component.name.as_str())
            .collect();
        let names = names.join(", ");
        Usage(format!(
            "{argument}: the image has no component {name}; it has {names}"
        ))
        .into()
    })
}
