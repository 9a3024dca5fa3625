//! Settings that have another value than in the expected text: one line each, which names them.

use std::collections::BTreeMap;

use super::cut;
use crate::facts::masked::MASK;

/// A setting with another value.
pub(super) struct Setting {
    /// Its line in the expected text, from 0.
    pub(super) old: usize,
    /// Its line now, from 0.
    pub(super) new: usize,
    /// What is told of it.
    pub(super) text: String,
}

/// The settings that one line of the expected text has and one line now, with another value.
pub(super) fn changed<'t>(
    old: impl Iterator<Item = (usize, &'t [u8])>,
    new: impl Iterator<Item = (usize, &'t [u8])>,
) -> Vec<Setting> {
    let (old, new) = (by_name(old), by_name(new));
    let mut changed = Vec::new();
    for (name, now) in new {
        let (Some([before]), [now]) = (old.get(name).map(Vec::as_slice), now.as_slice()) else {
            continue;
        };
        let shown = cut(name);
        let hides = |value: &[u8]| memchr::memmem::find(value, MASK).is_some();
        let text = if hides(before.1) && hides(now.1) {
            format!("line {}: {shown} has another value", super::number(now.0))
        } else {
            format!(
                "line {}: {shown} is {} instead of {}",
                super::number(now.0),
                cut(now.1),
                cut(before.1)
            )
        };
        changed.push(Setting {
            old: before.0,
            new: now.0,
            text,
        });
    }
    changed.sort_by_key(|one| one.new);
    changed
}

type Named<'t> = BTreeMap<&'t [u8], Vec<(usize, &'t [u8])>>;

fn by_name<'t>(lines: impl Iterator<Item = (usize, &'t [u8])>) -> Named<'t> {
    let mut all: Named<'t> = BTreeMap::new();
    for (at, line) in lines {
        if let Some((name, value)) = pair(line) {
            all.entry(name).or_default().push((at, value));
        }
    }
    all
}

/// A name and its value: `name=value`, `name: value`, `name value`, `option name 'value'`.
fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"export ").unwrap_or(line);
    let skip = if line.starts_with(b"option ") { 7 } else { 0 };
    let tail = line.get(skip..)?;
    let sign = tail
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"=:".contains(byte))?;
    let (name, value) = line.split_at_checked(sign.checked_add(skip)?)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.\" []".contains(byte);
    let value = value
        .iter()
        .position(|byte| !byte.is_ascii_whitespace() && !b"=:".contains(byte))
        .and_then(|from| value.get(from..));
    let is_named = !name.is_empty() && name.len() <= 64 && name.iter().all(is_name);
    is_named.then_some((name, value.unwrap_or_default()))
}
