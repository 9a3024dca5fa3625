//! The signatures beside a document, as files: which there are, what came of each, and where ours is written.
//!
//! A name only says that a file is meant to be a signature; what form it has, its content says.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exit::Usage;
use super::talk;
use super::trust::{Missing, document, shown};
use crate::baseline::{Refused, Trusted};
use crate::trust::{Authority, Judged, KeyId, PublicKey, Purpose, Signer, TrustError, minisign};

/// How the names of signature files end, behind `BASELINE.` or `BASELINE.NAME.`.
const ENDINGS: [&[u8]; 4] = [b"minisig", b"sig", b"signify", b"ed25519"];

/// So many signature files are judged; where there are more, nothing is trusted.
const MAX_FILES: usize = 64;

/// So many bytes of a signature file are read. No form has so many, so that a longer file is none.
const MAX_BYTES: u64 = 64 << 10;

/// A document whose signatures were judged, and the names of their files.
pub(super) struct Signed {
    path: PathBuf,
    pub(super) judged: Judged,
    names: Vec<String>,
}

/// Reads a document and every signature beside it, and judges them.
pub(super) fn judge(path: &Path, keys: &[PublicKey], purpose: Purpose) -> Result<Signed> {
    let bytes = document(path)?;
    let paths = beside(path)?;
    let files = paths
        .iter()
        .map(|path| start(path).map_err(|source| Missing::new(path, source)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Signed {
        path: path.to_owned(),
        judged: Judged::new(bytes, &files, keys, purpose),
        names: paths.iter().map(|path| shown(path)).collect(),
    })
}

impl Signed {
    /// What came of each signature, with the name of its file, safe to show; in the order of the names.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = (&str, &Result<Signer, TrustError>)> {
        let names = self.names.iter().map(String::as_str);
        names.zip(self.judged.outcomes())
    }

    /// The baseline, when the word of enough of its signers counts.
    pub(super) fn trusted(self, authority: &Authority) -> Result<Trusted> {
        self.tell();
        Trusted::new(&self.judged, authority).with_context(|| shown(&self.path))
    }

    /// Tells of signatures that are damaged or do not fit beside one that holds; when none does, why each of several does not.
    pub(super) fn tell(&self) {
        let one_holds = self.outcomes().any(|(_, outcome)| outcome.is_ok());
        for (name, outcome) in self.outcomes() {
            let Err(error) = outcome else { continue };
            // That others signed, too, is as it should be.
            let told = match error {
                TrustError::OtherKey(_) => !one_holds && self.names.len() > 1,
                _ => one_holds || self.names.len() > 1,
            };
            if told {
                talk::say(&format!("note: {name}: {error}"));
            }
        }
    }
}

/// Where our signature of a document stands; a signer with a name has a file of its own.
pub(super) fn path(baseline: &Path, signer: Option<&str>) -> PathBuf {
    let mut path = baseline.as_os_str().to_owned();
    if let Some(signer) = signer {
        path.push(".");
        path.push(signer);
    }
    path.push(".minisig");
    PathBuf::from(path)
}

/// Refuses to replace what is not an earlier signature of the same key.
pub(super) fn keep_others(path: &Path, key: KeyId) -> Result<()> {
    let stands = match start(path) {
        Ok(bytes) => minisign::Signature::parse(&bytes).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => None,
    };
    if stands.is_some_and(|signature| signature.id() == key) {
        return Ok(());
    }
    let path = shown(path);
    Err(Usage(format!(
        "{path} exists and is not a signature of this key; it is kept: name this signer with --name, or remove the file"
    ))
    .into())
}

/// The first bytes of a file: all that a signature has.
fn start(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The regular files beside a document that are named like signatures of it, sorted.
fn beside(baseline: &Path) -> Result<Vec<PathBuf>> {
    let folder = match baseline.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let fail = |source| Missing::new(folder, source);
    let own = baseline.file_name().unwrap_or_default();
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let path = baseline.with_file_name(&name);
        if !is_signature(own.as_encoded_bytes(), name.as_encoded_bytes())
            || !fs::metadata(&path).is_ok_and(|meta| meta.is_file())
        {
            continue;
        }
        if paths.len() == MAX_FILES {
            return Err(Refused::from(TrustError::TooMany(MAX_FILES)))
                .with_context(|| shown(baseline));
        }
        paths.push(path);
    }
    paths.sort();
    Ok(paths)
}

/// Whether `name` is `own` with an ending of signatures behind it, or with a signer's name and an ending.
fn is_signature(own: &[u8], name: &[u8]) -> bool {
    let rest = name.strip_prefix(own);
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix(b".")) else {
        return false;
    };
    let mut parts = rest.rsplitn(2, |&byte| byte == b'.');
    let ending = parts.next().unwrap_or_default();
    ENDINGS.contains(&ending) && parts.next().is_none_or(|signer| !signer.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_known_by_the_name_of_its_baseline() {
        let is = |name: &str| is_signature(b"b.toml", name.as_bytes());
        for name in [
            "b.toml.minisig",
            "b.toml.sig",
            "b.toml.signify",
            "b.toml.ed25519",
            "b.toml.bob.minisig",
            "b.toml.bob.of.three.sig",
            "b.toml.\u{1b}[2J.ed25519",
        ] {
            assert!(is(name), "{name}");
        }
        for name in [
            "b.toml",
            "b.toml.",
            "b.toml.minisig.bak",
            "b.toml..minisig",
            "b.tomlminisig",
            "b.toml.Minisig",
            "b.toml.pub",
            "a.b.toml.minisig",
            "b.minisig",
        ] {
            assert!(!is(name), "{name}");
        }
    }

    #[test]
    fn a_named_signer_has_a_file_of_its_own() {
        let at = |signer| path(Path::new("x/b.toml"), signer);
        assert_eq!(at(None), Path::new("x/b.toml.minisig"));
        assert_eq!(at(Some("bob")), Path::new("x/b.toml.bob.minisig"));
    }
}
