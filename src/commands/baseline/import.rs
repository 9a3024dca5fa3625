//! `vitalsign baseline import`

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};

use super::{create, draft};
use crate::baseline::Origin;
use crate::baseline::import::{self, Naming, NotImported, Source};
use crate::cli::{self, BaselineImport};
use crate::commands::sandbox::{Access, Start};
use crate::commands::{open, talk, trust};
use crate::digest::Digest;

/// Makes a draft from a list.
pub(super) fn run(args: &BaselineImport, start: &Start) -> Result<u8> {
    let access = Access::default()
        .reads([&args.source])
        .writes(Some(&args.header.output), 0o644);
    start.confine(access)?;
    if args.source.is_dir() && args.from.is_none_or(|kind| kind == Source::Tree) {
        let (reading, beside) = (cli::Reading::default(), cli::Beside::default());
        let found = open::inventory(&args.source, &reading, &beside, &args.budget)?;
        return create::from(&found, &args.header, &[], &[]);
    }
    let bytes = trust::document(&args.source)?;
    let shown = || trust::shown(&args.source);
    let source = args.from.or_else(|| import::detect(&bytes));
    let source = source
        .ok_or_else(|| NotImported {
            line: None,
            what: "it is no list that is known".to_owned(),
        })
        .with_context(shown)?;
    let strip = args.strip.as_deref().unwrap_or(Path::new(""));
    let naming = Naming {
        component: &args.component,
        strip: strip.as_os_str().as_bytes(),
    };
    let imported = import::read(&bytes, source, naming).with_context(shown)?;
    let mut baseline = draft::of(&args.header);
    let name = args.source.file_name().unwrap_or(args.source.as_os_str());
    baseline.origin = Some(Origin {
        kind: source.word().to_owned(),
        name: trust::shown(Path::new(name)),
        sha256: Digest::of(&bytes),
    });
    baseline.components = imported.components;
    baseline.files = imported.files;
    draft::write(&baseline, &args.header).context("the list states what a baseline cannot")?;
    for note in &imported.notes {
        talk::say(&format!("note: {note}"));
    }
    Ok(draft::tell_incomplete(&imported.left_out))
}
