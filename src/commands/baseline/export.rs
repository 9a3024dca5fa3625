//! `vitalsign baseline export`

use anyhow::Result;

use super::unsigned;
use crate::baseline::{Baseline, export};
use crate::cli::{BaselineExport, ExportKind};
use crate::commands::exit::Usage;
use crate::commands::{output, talk};

/// Writes a tree as a list.
pub(super) fn run(args: &BaselineExport) -> Result<u8> {
    let baseline = unsigned(&args.baseline)?;
    let component = tree(&baseline, args.component.as_deref())?;
    let exported = match args.to {
        ExportKind::Mtree => export::mtree(&baseline, component),
        ExportKind::Sha256sums => export::sha256sums(&baseline, component),
    };
    match &args.output {
        Some(path) => output::write_file(path, &exported.text, 0o644)?,
        None => output::write_stdout_bytes(&exported.text)?,
    }
    for line in &exported.left_out {
        talk::say(&format!("not in the list: {line}"));
    }
    Ok(0)
}

/// The tree that is meant.
fn tree(baseline: &Baseline, wanted: Option<&str>) -> Result<usize> {
    let components = baseline.components.iter().enumerate();
    let trees: Vec<(usize, &str)> = components
        .filter(|(_, component)| component.body.is_tree())
        .map(|(index, component)| (index, component.name.as_str()))
        .collect();
    let found = match (wanted, &trees[..]) {
        (None, [(index, _)]) => Some(*index),
        (None, _) => None,
        (Some(wanted), _) => {
            let named = trees.iter().find(|(_, name)| *name == wanted);
            named.map(|(index, _)| *index)
        }
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = trees.iter().map(|(_, name)| *name).collect();
        let told = match names[..] {
            [] => "the baseline has no tree".to_owned(),
            _ => format!("name one tree with --component: {}", names.join(", ")),
        };
        Usage(told).into()
    })
}
