//! What is known of one content, from its bytes alone: its digest, its type, and what its structure says.

pub mod address;
pub mod banner;
pub mod calls;
pub mod code;
pub mod elf;
mod extent;
pub mod filetype;
pub mod hidden;
pub mod machine;
pub mod manifest;
pub mod masked;
mod meter;
pub mod name;
pub mod packages;
pub mod pe;
pub mod script;
pub mod secret;
pub mod vxworks;

use serde::{Serialize, Serializer};

pub use self::filetype::FileType;
pub use self::machine::Machine;
pub use self::name::Name;

use crate::digest::Digest;
use crate::problem::Problem;
use crate::read::length;

/// What is known of one content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Its length in bytes.
    pub size: u64,
    /// Its digest, by which it is known.
    pub sha256: Digest,
    /// Its type.
    #[serde(rename = "type")]
    pub file_type: FileType,
    /// What Linux would run it with, from its `#!` line; told even when what follows is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Name>,
    /// Which boot loaders and kernels say their version in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub banners: Vec<Name>,
    /// The symbol table of an operating system in it.
    #[serde(rename = "symbol-table", skip_serializing_if = "Option::is_none")]
    pub symbol_table: Option<vxworks::SymbolTable>,
    /// What a binary says about itself.
    #[serde(flatten)]
    pub detail: Option<Detail>,
    /// What was wrong or out of reach; offsets count from the content's start.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "problems")]
    pub problems: Vec<Problem>,
}

/// What a binary says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// An ELF file.
    Elf(Box<elf::Elf>),
    /// A Windows program or library.
    Pe(Box<pe::Pe>),
}

/// The facts of a content.
pub fn of(bytes: &[u8]) -> Facts {
    of_digested(bytes, Digest::of(bytes))
}

/// The facts of a content whose digest is known already.
pub fn of_digested(bytes: &[u8], sha256: Digest) -> Facts {
    let head = bytes.get(..filetype::HEAD).unwrap_or(bytes);
    let file_type = FileType::of(head, length(bytes));
    let mut problems = Vec::new();
    let detail = match file_type {
        FileType::Elf => elf::Elf::parse(bytes, &mut problems)
            .map(Box::new)
            .map(Detail::Elf),
        FileType::Pe => pe::Pe::parse(bytes, &mut problems)
            .map(Box::new)
            .map(Detail::Pe),
        _ => None,
    };
    Facts {
        size: length(bytes),
        sha256,
        file_type,
        interpreter: filetype::interpreter(head).map(Name::new),
        banners: banner::banners(bytes),
        symbol_table: (file_type == FileType::Unknown)
            .then(|| vxworks::symbol_table(bytes))
            .flatten(),
        detail,
        problems,
    }
}

/// Problems as objects: `kind`, `at` where one offset tells it, `detail`.
fn problems<S: Serializer>(problems: &[Problem], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        kind: crate::problem::ProblemKind,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
        detail: &'a str,
    }
    serializer.collect_seq(problems.iter().map(|problem| Shown {
        kind: problem.kind,
        at: problem.at,
        detail: &problem.detail,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_as_json() {
        let script = serde_json::to_value(of(b"#!/bin/sh\n")).unwrap();
        let expected = serde_json::json!({
            "size": 10,
            "sha256": Digest::of(b"#!/bin/sh\n").to_string(),
            "type": "script",
            "interpreter": "/bin/sh",
        });
        assert_eq!(script, expected);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/elf/program");
        let program = serde_json::to_value(of(&std::fs::read(path).unwrap())).unwrap();
        assert_eq!(program["type"], "elf");
        let elf = &program["elf"];
        assert_eq!(elf["machine"], "arm");
        assert_eq!(elf["endian"], "little");
        assert_eq!(elf["interpreter"], "/lib/ld-linux.so.3");
        assert_eq!(elf["hardening"]["relro"], "full");
        assert_eq!(elf["segments"][0]["type"], "phdr");
        assert_eq!(elf["segments"][0]["flags"], "r--");
        assert!(elf.get("rpath").is_none());
    }

    #[test]
    fn problems_are_facts_too() {
        let mut broken = b"\x7fELF\x01\x01\x01".to_vec();
        broken.resize(64, 0xff);
        let facts = of(&broken);
        assert_eq!(facts.file_type, FileType::Elf);
        assert!(!facts.problems.is_empty());
        let json = serde_json::to_value(&facts).unwrap();
        assert_eq!(json["problems"][0]["kind"], "corrupt");
    }
}
