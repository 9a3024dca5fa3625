//! What verdicts depend on, by digests: they name an audit, and rows of its cache.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::check::Basis;
use crate::check::secrets::FingerprintKey;
use crate::check::yara::Yara;
use crate::cli;
use crate::commands::trust::{self, Missing};
use crate::digest::Digest;

/// The digest of a file.
pub(super) fn digest(path: &Path) -> Result<Digest> {
    let fail = |source| Missing::new(path, source);
    let file = File::open(path).map_err(fail)?;
    Ok(Digest::of_all(file).map_err(fail)?)
}

/// What names whose word counts.
pub(super) fn trust(args: &cli::Audit) -> Result<Digest> {
    let trust = &args.trust;
    let lists = [&trust.trust_key, &trust.root_key, &trust.revocations];
    let files = lists.into_iter().flatten();
    let files = files.chain(&trust.keyring).chain(&trust.index);
    let said = (&trust.min_version, &trust.allow_stale, trust.allow_unsigned);
    with_files(format!("{said:?}\n"), files)
}

/// What names the rules.
pub(super) fn rules(basis: &Basis) -> Digest {
    let given = basis.rules.given().iter();
    let packs: Vec<Digest> = given.map(|given| given.sha256).collect();
    let key = basis.fingerprints.as_ref().map(FingerprintKey::name);
    let yara = basis.yara.as_ref().map(Yara::sha256);
    Digest::of(format!("{:?}", (packs, key, yara)).as_bytes())
}

/// What names the other options that a verdict depends on.
pub(super) fn options(args: &cli::Audit) -> Result<Digest> {
    let reading = &args.reading;
    let said = (
        (args.budget.limits(), args.budget.max_seconds),
        (args.fail_on, args.strict, &args.model, args.despite_version),
        (reading.choice(), reading.base, reading.xor, &args.part),
    );
    with_files(format!("{said:?}\n"), &reading.wrapper)
}

/// A digest of a text and of some files.
fn with_files<'p>(
    mut text: String,
    files: impl IntoIterator<Item = &'p PathBuf>,
) -> Result<Digest> {
    for path in files {
        let digest = Digest::of(&trust::document(path)?);
        text.push_str(&digest.to_string());
        text.push('\n');
    }
    Ok(Digest::of(text.as_bytes()))
}
