//! The rows of a tree: one for each entry, and a fingerprint for each executable.

use super::super::model::{ElfRow, ExpectedNode, FileRow};
use super::super::outline::{CodeRow, Layout};
use super::super::text::{self, TextRow};
use super::super::tree::{self, TreeRow};
use crate::digest::{self, Digest};
use crate::entry::Node;
use crate::extract::Found;
use crate::facts::code::Outline;
use crate::facts::elf::Structure;
use crate::facts::{self, Detail, FileType};

/// An ELF file above so many bytes gets no fingerprint (64 MiB).
const LARGEST_ELF: u64 = 64 << 20;

/// The row of one entry; `None` when its content could not be read.
pub(super) fn file_row(component: usize, found: &Found) -> Option<FileRow> {
    let entry = &found.entry;
    let node = match &entry.node {
        Node::File(file) => ExpectedNode::File {
            size: Some(file.size),
            sha256: found.sha256?,
        },
        Node::Dir => ExpectedNode::Dir,
        Node::Symlink(target) => ExpectedNode::Symlink(target.clone()),
        Node::Char(device) => ExpectedNode::Char(*device),
        Node::Block(device) => ExpectedNode::Block(*device),
        Node::Fifo => ExpectedNode::Fifo,
        Node::Socket => ExpectedNode::Socket,
    };
    Some(FileRow {
        component,
        path: entry.path.clone(),
        ordinal: found.ordinal,
        node,
        mode: entry.meta.mode,
        uid: entry.meta.uid,
        gid: entry.meta.gid,
        xattrs: entry.meta.xattrs.clone(),
    })
}

/// The fingerprint of an entry that is an ELF file, and the size of that in bytes.
pub(super) fn elf_row(found: &Found) -> Option<(ElfRow, u64)> {
    let Node::File(file) = &found.entry.node else {
        return None;
    };
    if found.content != Some(FileType::Elf) || file.size > LARGEST_ELF {
        return None;
    }
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    Some((fingerprint(&bytes, found.sha256?)?, file.size))
}

/// Folders of texts that no program of the device reads: of them lines are not kept.
const DOCUMENTS: &[&[u8]] = &[
    b"/share/doc/",
    b"/share/man/",
    b"/share/info/",
    b"/share/locale/",
    b"/share/i18n/",
    b"/share/zoneinfo/",
    b"/share/licenses/",
    b"/share/common-licenses/",
    b"/include/",
];

/// The marks of an entry that is a text; in a boot loader's environment, of one that has several words.
pub(super) fn text_row(found: &Found, format: Option<&str>) -> Option<TextRow> {
    let Node::File(file) = &found.entry.node else {
        return None;
    };
    let path = found.entry.path.as_bytes();
    let is_text = matches!(
        found.content,
        Some(FileType::Script | FileType::Text | FileType::Pem)
    );
    let mut documents = DOCUMENTS.iter();
    let is_document = documents.any(|folder| memchr::memmem::find(path, folder).is_some());
    if !is_text || file.size > text::LONGEST || is_document {
        return None;
    }
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    if is_environment(format) {
        let name = path.strip_prefix(b"/").unwrap_or(path);
        return TextRow::of_value(name, &bytes, found.sha256?);
    }
    TextRow::of(path, &bytes, found.sha256?)
}

/// The marks of an entry that is a device tree.
pub(super) fn blob_row(found: &Found) -> Option<TreeRow> {
    let path = found.entry.path.as_bytes();
    let is_named = path.ends_with(b".dtb") || path.ends_with(b".dtbo");
    let Node::File(file) = &found.entry.node else {
        return None;
    };
    if !is_named || file.size > tree::LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    TreeRow::of(&bytes).filter(|row| Some(row.of) == found.sha256)
}

/// Whether the files of a tree are variables of a boot loader.
pub(in crate::baseline) fn is_environment(format: Option<&str>) -> bool {
    format == Some("uboot-env")
}

/// The fingerprint of an ELF file; `None` for anything else.
pub(in crate::baseline) fn fingerprint(bytes: &[u8], of: Digest) -> Option<ElfRow> {
    let Some(Detail::Elf(elf)) = facts::of_digested(bytes, of).detail else {
        return None;
    };
    let fingerprint = facts::elf::Fingerprint::of(&elf);
    let search = elf.rpath.iter().chain(&elf.runpath);
    let code = Outline::of(bytes).ok().map(|outline| {
        let layout = Layout::of(bytes, &elf, Structure::of(bytes).as_ref());
        CodeRow::of(&outline, &elf, layout)
    });
    Some(ElfRow {
        of,
        machine: Some(fingerprint.machine.to_string()),
        build_id: fingerprint.build_id.as_deref().and_then(digest::unhex),
        interpreter: fingerprint.interpreter.map(|name| name.to_string()),
        needed: fingerprint.needed.iter().map(ToString::to_string).collect(),
        search: search.map(ToString::to_string).collect(),
        text: fingerprint.text,
        imports: Some(fingerprint.imports),
        exports: Some(fingerprint.exports),
        sections: Some(fingerprint.sections),
        code,
    })
}
