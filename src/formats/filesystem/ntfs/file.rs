//! What the attributes of one file say: its names, its times, what it is, and its contents.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::content::{Clusters, Extents};
use super::record::{Attribute, Body, kind};
use super::volume::Attributes;
use crate::entry::{Data, Device, Fault, File, Meta, Node};
use crate::formats::filesystem::dos;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, length};

/// Seconds between 1601, from which NTFS counts, and 1970.
const EPOCH: i64 = 11_644_473_600;
/// The flag of a file that Unix tools use for links and devices.
const SYSTEM: u32 = 0x4;
/// The flag of a file that has a reparse point.
const REPARSE: u32 = 0x400;
/// The name of extended attributes as NTFS has them, whole (the name that ntfs-3g has for it).
const EA: &[u8] = b"system.ntfs_ea";

/// Kinds of reparse points.
const JUNCTION: u32 = 0xa000_0003;
const SYMLINK: u32 = 0xa000_000c;
const UNIX_SYMLINK: u32 = 0xa000_001d;

/// A name of a file.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// The record of the directory it stands in.
    pub(super) parent: u64,
    /// How often that record had been used again.
    pub(super) sequence: u16,
    /// The name itself, in UTF-8.
    pub(super) bytes: Vec<u8>,
    /// Whether it is only the short form of another name.
    pub(super) short: bool,
}

/// All names of a file, the short forms too.
pub(super) fn all_names(attributes: &Attributes) -> impl Iterator<Item = Name> + '_ {
    let names = attributes
        .all
        .iter()
        .filter(|attribute| attribute.kind == kind::NAME);
    names.filter_map(|attribute| match &attribute.body {
        Body::Resident(bytes) => name(bytes),
        Body::Outside(_) => None,
    })
}

/// The names of a file that are shown.
pub(super) fn names(attributes: &Attributes) -> Vec<Name> {
    let mut names: Vec<Name> = all_names(attributes).collect();
    // The short form of a name is shown only where there is no other.
    let places: BTreeSet<u64> = names
        .iter()
        .filter(|name| !name.short)
        .map(|name| name.parent)
        .collect();
    names.retain(|name| !name.short || !places.contains(&name.parent));
    names
}

/// The name that the value of such an attribute is; an entry of an index holds a copy of it.
pub(super) fn name(bytes: &[u8]) -> Option<Name> {
    let fields = Fields::little(bytes);
    let parent = fields.u64(0)?;
    let len = usize::from(fields.u8(64)?).checked_mul(2)?;
    Some(Name {
        parent: parent & 0xffff_ffff_ffff,
        sequence: u16::try_from(parent >> 48).ok()?,
        bytes: dos::utf8(dos::units(fields.slice(66, len)?)),
        short: fields.u8(65)? == 2,
    })
}

/// A content and what is wrong with it.
pub(super) struct Content {
    pub(super) file: File,
    pub(super) problem: Option<Problem>,
}

/// A content of a file: the one without a name, or an alternate one. `None` where there is none.
pub(super) fn content(
    attributes: &Attributes,
    clusters: &Arc<Clusters>,
    name: &[u16],
) -> Option<Content> {
    let mut parts = attributes.all.iter();
    let first = parts.find(|attribute| attribute.kind == kind::DATA && attribute.name == name)?;
    let size = match (&first.body, attributes.value(kind::DATA, name)) {
        (Body::Resident(bytes), _) => length(bytes),
        (Body::Outside(_), Some((outside, _))) => outside.size,
        (Body::Outside(outside), None) => outside.size,
    };
    if first.is_encrypted() {
        let detail = "the content is encrypted (EFS)";
        return Some(unreadable(
            size,
            Problem::new(ProblemKind::Encrypted, detail),
        ));
    }
    if let Body::Resident(bytes) = &first.body {
        let file = File::stored(Bytes::copy_from_slice(bytes));
        return Some(Content {
            file,
            problem: None,
        });
    }
    let Some((outside, runs)) = attributes.value(kind::DATA, name) else {
        let detail = "the list of its clusters makes no sense";
        return Some(unreadable(size, Problem::corrupt(detail)));
    };
    let extents = Extents::new(clusters, runs, &outside);
    let file = match extents.piece() {
        Some(bytes) => File::stored(bytes),
        None => File {
            size,
            data: Arc::new(extents),
        },
    };
    Some(Content {
        file,
        problem: None,
    })
}

fn unreadable(size: u64, problem: Problem) -> Content {
    Content {
        file: File {
            size,
            data: Arc::new(Unreadable(problem.clone())),
        },
        problem: Some(problem),
    }
}

/// A content that cannot be read, and why.
struct Unreadable(Problem);

impl Data for Unreadable {
    fn copy_to(&self, _out: &mut dyn Write) -> Result<(), Fault> {
        Err(Fault::Problem(self.0.clone()))
    }
}

/// The names of all alternate contents.
pub(super) fn streams(attributes: &Attributes) -> Vec<Vec<u16>> {
    let all = attributes.all.iter();
    let others = all.filter(|attribute| attribute.kind == kind::DATA && !attribute.name.is_empty());
    let mut names: Vec<Vec<u16>> = others.map(|attribute| attribute.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// What the format stores about a file that is `node`.
pub(super) fn meta(attributes: &Attributes, node: &Node) -> Meta {
    let standard = attributes.resident(kind::STANDARD).map(Fields::little);
    let mut flags = flags(attributes);
    if !matches!(node, Node::File(_) | Node::Dir) && flags & REPARSE == 0 {
        // Here the flag says no more than that it is a link or a device.
        flags &= !SYSTEM;
    }
    let mtime = standard.and_then(|fields| i64::try_from(fields.u64(8)? / 10_000_000).ok());
    let mut xattrs = dos::attributes(flags);
    if let Some(ea) = attributes.resident(kind::EA) {
        xattrs.insert(EA.to_vec(), ea.to_vec());
    }
    Meta {
        mtime: mtime.and_then(|seconds| seconds.checked_sub(EPOCH)),
        xattrs,
        ..Meta::default()
    }
}

fn flags(attributes: &Attributes) -> u32 {
    let standard = attributes.resident(kind::STANDARD).map(Fields::little);
    standard.and_then(|fields| fields.u32(32)).unwrap_or(0)
}

/// What a file is if not a plain one: a link or a device. An error says what kind of reparse point is not read.
pub(super) fn special(
    attributes: &Attributes,
    content: Option<&File>,
) -> Result<Option<Node>, Problem> {
    let reparse = attributes
        .all
        .iter()
        .find(|attribute| attribute.kind == kind::REPARSE);
    if let Some(Attribute { body, .. }) = reparse {
        let tag = match body {
            Body::Resident(bytes) => link(bytes),
            Body::Outside(_) => Err(0),
        };
        return match tag {
            Ok(target) => Ok(Some(Node::Symlink(target))),
            Err(tag) => Err(Problem::unsupported(format!(
                "a reparse point of kind {tag:#010x}, behind which the content is stored in another way"
            ))),
        };
    }
    let small = content.filter(|file| flags(attributes) & SYSTEM != 0 && file.size <= 64 << 10);
    Ok(small.and_then(unix))
}

/// The target of a link; else the tag of the reparse point.
fn link(bytes: &[u8]) -> Result<Vec<u8>, u32> {
    let fields = Fields::little(bytes);
    let tag = fields.u32(0).unwrap_or(0);
    let start: usize = match tag {
        SYMLINK => 20,
        JUNCTION => 16,
        UNIX_SYMLINK => return fields.tail(12).map(<[u8]>::to_vec).ok_or(tag),
        _ => return Err(tag),
    };
    let target = || {
        let at = start.checked_add(usize::from(fields.u16(8)?))?;
        fields.slice(at, fields.u16(10)?.into())
    };
    target()
        .map(|units| dos::utf8(dos::units(units)))
        .ok_or(tag)
}

/// Links and devices as Interix stored them, and ntfs-3g does.
fn unix(file: &File) -> Option<Node> {
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    let (mark, rest) = bytes.split_at_checked(8)?;
    let fields = Fields::little(rest);
    let device = || {
        Some(Device {
            major: fields.u64(0)?.try_into().ok()?,
            minor: fields.u64(8)?.try_into().ok()?,
        })
    };
    match mark {
        b"IntxLNK\x01" => Some(Node::Symlink(dos::utf8(dos::units(rest)))),
        b"IntxCHR\0" => device().map(Node::Char),
        b"IntxBLK\0" => device().map(Node::Block),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer as [MS-FSCC] 2.1.2.4 and 2.1.2.5 lay it out: the target, then the name that is shown for it.
    fn buffer(tag: u32, flags: &[u8]) -> Vec<u8> {
        let text = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (target, shown): (Vec<u8>, Vec<u8>) = (text("\\??\\C:\\data"), text("C:\\data"));
        let small = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let [start, len, next] = [0, target.len(), shown.len()].map(small);
        let path = [&start[..], &len, &len, &next, flags, &target, &shown].concat();
        [&tag.to_le_bytes()[..], &small(path.len()), &[0, 0], &path].concat()
    }

    #[test]
    fn links_lead_where_they_say() {
        let target = b"\\??\\C:\\data".to_vec();
        assert_eq!(link(&buffer(SYMLINK, &[1, 0, 0, 0])), Ok(target.clone()));
        assert_eq!(link(&buffer(JUNCTION, &[])), Ok(target));
        let unix = [
            &UNIX_SYMLINK.to_le_bytes()[..],
            &[8, 0, 0, 0, 2, 0, 0, 0],
            b"some",
        ]
        .concat();
        assert_eq!(link(&unix), Ok(b"some".to_vec()));
        assert_eq!(link(&buffer(0x8000_0017, &[])), Err(0x8000_0017));
        assert_eq!(link(&buffer(SYMLINK, &[])[..20]), Err(SYMLINK));
    }

    #[test]
    fn a_short_name_is_shown_only_where_there_is_no_other() {
        let with = |parent: u64, space: u8, text: &str| {
            let mut value = vec![0; 66];
            value[..8].copy_from_slice(&parent.to_le_bytes());
            value[64] = u8::try_from(text.len()).unwrap();
            value[65] = space;
            value.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            Attribute {
                kind: kind::NAME,
                name: Vec::new(),
                flags: 0,
                body: Body::Resident(value),
            }
        };
        let attributes = Attributes {
            all: vec![
                with(5, 2, "LONGNA~1"),
                with(5, 1, "long name"),
                with(7, 2, "ALONE"),
            ],
            ..Attributes::default()
        };
        let names: Vec<Vec<u8>> = names(&attributes)
            .into_iter()
            .map(|name| name.bytes)
            .collect();
        assert_eq!(names, [b"long name".to_vec(), b"ALONE".to_vec()]);
    }
}
