//! A tree of a baseline as a list that other tools check. What such a list cannot say is told.

use std::fmt::Write;

use super::import::vis;
use super::model::{Baseline, ExpectedNode, FileRow};
use crate::entry::EntryPath;

/// A list, and what it does not say.
pub struct Exported {
    /// The list.
    pub text: Vec<u8>,
    /// What the tree states and the list does not, one plain clause each.
    pub left_out: Vec<String>,
}

/// The rows of one tree as a specification that NetBSD's mtree and libarchive read: full paths, one a line.
pub fn mtree(baseline: &Baseline, component: usize) -> Exported {
    let mut text = String::from("#mtree\n");
    let mut left = Left::default();
    for row in rows(baseline, component) {
        if left.out(row) {
            continue;
        }
        let path = if row.path == EntryPath::root() {
            ".".to_owned()
        } else {
            [".", &vis(row.path.as_bytes())].concat()
        };
        let _ = write!(text, "{path} {}", node(&row.node));
        let numbers = [("uid", row.uid), ("gid", row.gid)];
        if let Some(mode) = row.mode {
            let _ = write!(text, " mode={mode:04o}");
        }
        for (key, value) in numbers {
            if let Some(value) = value {
                let _ = write!(text, " {key}={value}");
            }
        }
        text.push('\n');
    }
    left.exported(text.into_bytes())
}

fn node(node: &ExpectedNode) -> String {
    match node {
        ExpectedNode::File { size, sha256 } => {
            let size = size.map(|size| format!(" size={size}")).unwrap_or_default();
            format!("type=file{size} sha256={sha256}")
        }
        ExpectedNode::Dir => "type=dir".to_owned(),
        ExpectedNode::Symlink(target) => format!("type=link link={}", vis(target)),
        ExpectedNode::Char(device) => {
            format!("type=char device=linux,{},{}", device.major, device.minor)
        }
        ExpectedNode::Block(device) => {
            format!("type=block device=linux,{},{}", device.major, device.minor)
        }
        ExpectedNode::Fifo => "type=fifo".to_owned(),
        ExpectedNode::Socket => "type=socket".to_owned(),
    }
}

/// The files of one tree as lines for `sha256sum -c`, to be run at the tree's root.
pub fn sha256sums(baseline: &Baseline, component: usize) -> Exported {
    let mut text = Vec::new();
    let mut left = Left::default();
    let mut others = 0_usize;
    for row in rows(baseline, component) {
        let ExpectedNode::File { sha256, .. } = &row.node else {
            others = others.saturating_add(1);
            continue;
        };
        if left.out(row) {
            continue;
        }
        let path = row.path.as_bytes();
        let escaped = path.iter().any(|byte| b"\\\n\r".contains(byte));
        if escaped {
            text.push(b'\\');
        }
        text.extend_from_slice(sha256.to_string().as_bytes());
        text.extend_from_slice(b"  .");
        for &byte in path {
            match byte {
                b'\\' => text.extend_from_slice(b"\\\\"),
                b'\n' => text.extend_from_slice(b"\\n"),
                b'\r' => text.extend_from_slice(b"\\r"),
                byte => text.push(byte),
            }
        }
        text.push(b'\n');
    }
    let mut exported = left.exported(text);
    if others > 0 {
        let what = format!("{others} entries that are no files, and all modes, owners and sizes");
        exported.left_out.push(what);
    }
    exported
}

fn rows(baseline: &Baseline, component: usize) -> impl Iterator<Item = &FileRow> {
    let rows = baseline.files.iter();
    rows.filter(move |row| row.component == component)
}

/// What neither list can say.
#[derive(Default)]
struct Left {
    climbing: usize,
    twice: usize,
    xattrs: usize,
}

impl Left {
    /// Counts what is lost of a row; whether all of it is.
    fn out(&mut self, row: &FileRow) -> bool {
        let (climbs, twice) = (row.path.climbs(), row.ordinal > 0);
        self.climbing = self.climbing.saturating_add(usize::from(climbs));
        self.twice = self.twice.saturating_add(usize::from(twice));
        self.xattrs = self
            .xattrs
            .saturating_add(usize::from(!row.xattrs.is_empty()));
        climbs || twice
    }

    fn exported(self, text: Vec<u8>) -> Exported {
        let lost = [
            (self.climbing, "entries whose paths climb with `..`"),
            (self.twice, "entries of a path that another entry has"),
            (self.xattrs, "entries' extended attributes"),
        ];
        let lost = lost.into_iter().filter(|(count, _)| *count > 0);
        Exported {
            text,
            left_out: lost
                .map(|(count, what)| format!("{count} {what}"))
                .collect(),
        }
    }
}
