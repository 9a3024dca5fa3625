//! The few values of an ELF file that a baseline keeps, to explain a changed digest later.

use serde::{Deserialize, Serialize};

use super::Elf;
use crate::digest::Digest;
use crate::facts::machine::Machine;
use crate::facts::name::Name;

/// What a baseline's `elf` row carries. It explains a mismatch; it never excuses one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The processor it is for.
    pub machine: Machine,
    /// The linker's id of this build, as hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// The loader it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Name>,
    /// The libraries it asks for, in its own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<Name>,
    /// The digest of section `.text`; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Digest>,
    /// The digest of the imported names, sorted, joined by newlines.
    pub imports: Digest,
    /// The digest of the exported names, sorted, joined by newlines.
    pub exports: Digest,
    /// The digest of one line `name size flags` for each section, in file order: the size decimal, the flags in
    /// lower-case hex, each line closed by a newline.
    pub sections: Digest,
}

impl Fingerprint {
    /// The fingerprint of one file.
    pub fn of(elf: &Elf) -> Self {
        let text = elf
            .sections
            .iter()
            .find(|section| section.name.as_bytes() == b".text");
        let mut lines = Vec::new();
        for section in &elf.sections {
            lines.extend_from_slice(section.name.as_bytes());
            lines.extend(format!(" {} {:x}\n", section.size, section.flags).into_bytes());
        }
        Self {
            machine: elf.machine,
            build_id: elf.build_id.clone(),
            interpreter: elf.interpreter.clone(),
            needed: elf.needed.clone(),
            text: text.and_then(|section| section.sha256),
            imports: joined(&elf.imports),
            exports: joined(&elf.exports),
            sections: Digest::of(&lines),
        }
    }

    /// The names of the fields in which another fingerprint differs, in the order they are declared.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        [
            ("machine", self.machine == other.machine),
            ("build_id", self.build_id == other.build_id),
            ("interpreter", self.interpreter == other.interpreter),
            ("needed", self.needed == other.needed),
            ("text", self.text == other.text),
            ("imports", self.imports == other.imports),
            ("exports", self.exports == other.exports),
            ("sections", self.sections == other.sections),
        ]
        .into_iter()
        .filter_map(|(field, same)| (!same).then_some(field))
        .collect()
    }
}

fn joined(names: &[Name]) -> Digest {
    let names: Vec<&[u8]> = names.iter().map(Name::as_bytes).collect();
    Digest::of(&names.join(&b'\n'))
}
