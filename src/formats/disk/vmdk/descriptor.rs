//! The text that says of which extents a disk is made.

use bytes::Bytes;

use crate::formats::Opened;
use crate::problem::Problem;
use crate::read::{clip, length};

/// How the text starts.
pub(super) const START: &[u8] = b"# Disk DescriptorFile";

/// The longest text that is read (bytes).
pub(super) const LONGEST: u64 = 64 << 10;

/// A parent that is none.
const NO_PARENT: &[u8] = b"ffffffff";

pub(super) struct Descriptor {
    /// The length of the text in bytes, without the zeros behind it.
    pub(super) len: u64,
    text: Bytes,
}

impl Descriptor {
    /// The text in the `len` bytes from `at`.
    pub(super) fn parse(bytes: &Bytes, at: u64, len: u64) -> Option<Self> {
        let room = clip(bytes, at, len.min(LONGEST));
        let is_text = |&byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..);
        let end = room.iter().take_while(|&byte| is_text(byte)).count();
        let text = room.slice(..end);
        text.starts_with(START).then(|| Self {
            len: length(&text),
            text,
        })
    }

    /// Whether it says what kind of disk it describes.
    pub(super) fn is_complete(&self) -> bool {
        self.value(b"createType").is_some() && self.value(b"CID").is_some()
    }

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        let mut lines = self.text.split(|&byte| byte == b'\n');
        lines.find_map(|line| {
            let value = line.strip_prefix(key)?.trim_ascii_start();
            let value = value.strip_prefix(b"=")?.trim_ascii();
            Some(
                value
                    .trim_ascii()
                    .strip_prefix(b"\"")
                    .map_or(value, |open| open.strip_suffix(b"\"").unwrap_or(open)),
            )
        })
    }

    /// The lines that name extents: how they may be used, their length in sectors, their kind and file.
    fn extents(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|&byte| byte == b'\n').filter(|line| {
            [&b"RW "[..], b"RDONLY ", b"NOACCESS "]
                .iter()
                .any(|start| line.starts_with(start))
        })
    }

    /// Tells what it says.
    pub(super) fn describe(&self, opened: &mut Opened) {
        for (key, name) in [
            (&b"createType"[..], "create-type"),
            (b"CID", "content-id"),
            (b"parentCID", "parent-content-id"),
            (b"parentFileNameHint", "parent"),
        ] {
            if let Some(value) = self.value(key) {
                opened.properties.set(name, value.to_vec());
            }
        }
        for (number, extent) in self.extents().take(64).enumerate() {
            let extent = extent.trim_ascii().to_vec();
            opened.properties.set(format!("extent.{number}"), extent);
        }
        if self.extents().count() > 1 {
            let detail = "the disk has further extents in other files, which are not read";
            opened.problems.push(Problem::unsupported(detail));
        }
        let parent = self.value(b"parentCID");
        if parent.is_some_and(|parent| !parent.eq_ignore_ascii_case(NO_PARENT)) {
            let detail = "a snapshot: what only its parent holds is read as zeros";
            opened.problems.push(Problem::unsupported(detail));
        }
    }
}
