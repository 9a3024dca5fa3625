//! The fields of an entry by name, as a row states them and as an image stores them.

use std::collections::BTreeMap;

use super::change::Value;
use super::model::{ExpectedNode, FileRow};
use crate::digest::hex;
use crate::entry::Node;
use crate::extract::Found;
use crate::place::escape;

/// All fields, in the order in which they are told.
pub(super) const FIELDS: [&str; 9] = [
    "kind", "sha256", "size", "target", "rdev", "mode", "uid", "gid", "xattrs",
];

/// What a row states.
pub(super) fn row_values(row: &FileRow) -> BTreeMap<&'static str, Value> {
    let mut values = meta_values(row.mode, row.uid, row.gid, &row.xattrs);
    values.insert("kind", Value::Text(row.node.kind().word().to_owned()));
    match &row.node {
        ExpectedNode::File { size, sha256 } => {
            if let Some(size) = size {
                values.insert("size", Value::Number(*size));
            }
            values.insert("sha256", Value::Text(sha256.to_string()));
        }
        ExpectedNode::Symlink(target) => {
            values.insert("target", Value::Text(escape(target)));
        }
        ExpectedNode::Char(device) | ExpectedNode::Block(device) => {
            values.insert("rdev", Value::Device([device.major, device.minor]));
        }
        ExpectedNode::Dir | ExpectedNode::Fifo | ExpectedNode::Socket => {}
    }
    values
}

/// What an image stores of an entry.
pub(super) fn found_values(found: &Found) -> BTreeMap<&'static str, Value> {
    let meta = &found.entry.meta;
    let mut values = meta_values(meta.mode, meta.uid, meta.gid, &meta.xattrs);
    values.insert("kind", Value::Text(found.entry.node.word().to_owned()));
    match &found.entry.node {
        Node::File(file) => {
            values.insert("size", Value::Number(file.size));
            if let Some(sha256) = found.sha256 {
                values.insert("sha256", Value::Text(sha256.to_string()));
            }
        }
        Node::Symlink(target) => {
            values.insert("target", Value::Text(escape(target)));
        }
        Node::Char(device) | Node::Block(device) => {
            values.insert("rdev", Value::Device([device.major, device.minor]));
        }
        Node::Dir | Node::Fifo | Node::Socket => {}
    }
    values
}

fn meta_values(
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    xattrs: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> BTreeMap<&'static str, Value> {
    let mut values = BTreeMap::new();
    if let Some(mode) = mode {
        values.insert("mode", Value::Text(format!("{mode:04o}")));
    }
    for (field, owner) in [("uid", uid), ("gid", gid)] {
        if let Some(owner) = owner {
            values.insert(field, Value::Number(owner.into()));
        }
    }
    if !xattrs.is_empty() {
        let all = xattrs
            .iter()
            .map(|(name, value)| (escape(name), hex(value)))
            .collect();
        values.insert("xattrs", Value::Attributes(all));
    }
    values
}
