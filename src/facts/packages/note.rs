//! The package note of an ELF file: JSON in which a distribution says which package the file was built for.
//!
//! Specification: systemd, "Package Metadata for Executable Files": a note of the owner `FDO`, type 0xcafe1a7e.

use serde_json::Value;

use super::{Package, Source, word};
use crate::facts::elf;

/// A longer note is not believed, in bytes.
const LONGEST: usize = 16 << 10;

/// What the note of an ELF file states; `None` where it has none, or one that names no package.
pub fn note(bytes: &[u8]) -> Option<Package> {
    let found = elf::package_note(bytes)?;
    let json = found.json.split(|&byte| byte == 0).next()?;
    let json = json.get(..LONGEST.min(json.len()))?;
    let fields: Value = serde_json::from_slice(json).ok()?;
    let field = |key: &str| word(fields.get(key)?.as_str()?.as_bytes());
    Some(Package {
        name: field("name")?,
        version: field("version")?,
        source: Source::ElfNote,
        architecture: field("architecture"),
        origin: None,
        license: None,
        at: found.at,
        text: field("type")
            .map(|kind| format!("package note ({kind})"))
            .unwrap_or_default(),
    })
}
