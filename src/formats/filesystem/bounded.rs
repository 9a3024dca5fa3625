//! What file systems share that are recognised and bounded, but not read: they are named, so that nobody takes them for noise.

use crate::formats::{Content, Opened, Properties, Span};
use crate::problem::Problem;

/// A region whose `superblock` is understood and whose files are not.
pub(super) fn unread(title: &str, superblock: Span, properties: Properties) -> Opened {
    let detail = format!("{title} is recognised and bounded, and its files are not read");
    Opened {
        content: Content::Unread,
        spans: vec![superblock],
        problems: vec![Problem::unsupported(detail)],
        properties,
    }
}

/// Says `name` is `value` up to its first zero, unless that is empty.
pub(super) fn say(properties: &mut Properties, name: &str, value: &[u8]) {
    let text = value.split(|&byte| byte == 0).next().unwrap_or_default();
    if !text.is_empty() {
        properties.set(name, text);
    }
}
