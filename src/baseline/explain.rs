//! What a changed executable differs in, as far as its baseline's fingerprint tells. It explains; it never excuses.

use super::create::rows::fingerprint;
use super::model::ElfRow;
use crate::digest::Digest;
use crate::entry::{File, Node};
use crate::extract::Found;

/// A file above so many bytes is not explained (64 MiB).
const LARGEST: u64 = 64 << 20;

/// What the file found differs in from the executable that was expected.
pub(super) fn explain(expected: &ElfRow, found: &Found) -> Vec<String> {
    let (Node::File(file), Some(sha256)) = (&found.entry.node, found.sha256) else {
        return Vec::new();
    };
    match now(file, sha256) {
        Some(now) => differences(expected, &now),
        None => vec!["it was an ELF file and is none now".to_owned()],
    }
}

fn now(file: &File, sha256: Digest) -> Option<ElfRow> {
    let mut bytes = Vec::new();
    if file.size <= LARGEST {
        file.data.copy_to(&mut bytes).ok()?;
    }
    fingerprint(&bytes, sha256)
}

fn differences(expected: &ElfRow, now: &ElfRow) -> Vec<String> {
    let mut told = Vec::new();
    if expected.machine != now.machine {
        told.push(format!(
            "it is for another processor: {} instead of {}",
            now.machine.as_deref().unwrap_or("none"),
            expected.machine.as_deref().unwrap_or("none")
        ));
    }
    if expected.interpreter != now.interpreter {
        told.push("it asks for another loader".to_owned());
    }
    for library in now
        .needed
        .iter()
        .filter(|library| !expected.needed.contains(library))
    {
        told.push(format!(
            "it needs {library}, which the expected one did not"
        ));
    }
    for library in expected
        .needed
        .iter()
        .filter(|library| !now.needed.contains(library))
    {
        told.push(format!("it no longer needs {library}"));
    }
    let parts = [
        (
            expected.text != now.text,
            "its program code (.text) differs",
        ),
        (
            expected.imports != now.imports,
            "it calls other library functions than before",
        ),
        (
            expected.exports != now.exports,
            "it offers other functions than before",
        ),
        (
            expected.sections != now.sections,
            "its sections have other names, sizes or flags",
        ),
    ];
    let code = parts.iter().any(|(differs, _)| *differs);
    told.extend(
        parts
            .iter()
            .filter(|(differs, _)| *differs)
            .map(|(_, text)| (*text).to_owned()),
    );
    if !code && told.is_empty() {
        told.push("its program code is the expected one; only data differs".to_owned());
    }
    told
}
