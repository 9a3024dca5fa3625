//! Settings of any kind: public addresses and secrets among their values.

use super::Stated;
use super::line::{base, lines};
use crate::behaviour::Secret;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::shell::{is_password, is_secret_name};
use crate::behaviour::unit::Spot;
use crate::facts::address;
use crate::place::escape;

/// So many values of one file are told.
const MOST: usize = 16;

/// What a configuration says of hosts and secrets.
pub(super) fn stated(path: &[u8], text: &[u8]) -> Vec<Stated> {
    if !is_settings(path) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (number, line) in lines(text) {
        if all.len() >= MOST {
            break;
        }
        let Some((key, value)) = pair(line) else {
            continue;
        };
        if is_secret_name(key) && is_password(value) {
            let text = format!(
                "{} is set to a fixed value, which is not shown",
                escape(key)
            );
            let stated = Stated::new(Act::Secret, [Trait::Literal], Spot::Line(number), text);
            all.push(stated.with(Secret::new(value)));
        } else if let Some(address) = public_address(key, value) {
            let text = format!("{}: {}", escape(key), escape(address));
            all.push(Stated::new(
                Act::Peer,
                [Trait::Public],
                Spot::Line(number),
                text,
            ));
        }
    }
    all
}

fn is_settings(path: &[u8]) -> bool {
    let endings: [&[u8]; 8] = [
        b".conf",
        b".ini",
        b".cfg",
        b".config",
        b".properties",
        b".env",
        b".cnf",
        b".json",
    ];
    let folder = path.starts_with(b"/etc/default/")
        || path.starts_with(b"/etc/config/")
        || path.starts_with(b"/etc/sysconfig/");
    folder || endings.iter().any(|ending| base(path).ends_with(ending))
}

/// A key and its value without quotes.
fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let quotes = |text: &[u8]| -> usize { usize::from(matches!(text.first(), Some(b'"' | b'\''))) };
    let bare = |text: &'_ [u8]| -> (usize, usize) {
        let start = quotes(text);
        let end = text
            .iter()
            .skip(start)
            .position(|byte| matches!(byte, b'"' | b'\''));
        (
            start,
            end.map_or(text.len(), |end| end.saturating_add(start)),
        )
    };
    let sign = memchr::memchr2(b'=', b':', line)?;
    let (key, value) = line.split_at_checked(sign)?;
    let key = key.trim_ascii();
    let (start, end) = bare(key);
    let key = key.get(start..end)?;
    let value = value.get(1..)?.trim_ascii();
    let value = value.strip_suffix(b",").unwrap_or(value);
    let (start, end) = bare(value);
    let value = value.get(start..end)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!key.is_empty() && key.len() <= 64 && key.iter().all(plain)).then_some((key, value))
}

/// The public address in a value, unless the key says that it is something else.
fn public_address<'v>(key: &[u8], value: &'v [u8]) -> Option<&'v [u8]> {
    let lower = key.to_ascii_lowercase();
    let others: [&[u8]; 5] = [b"version", b"release", b"oid", b"mask", b"revision"];
    if others
        .iter()
        .any(|other| memchr::memmem::find(&lower, other).is_some())
    {
        return None;
    }
    let parts = value.split(|byte| !(byte.is_ascii_digit() || *byte == b'.'));
    let mut quads = parts.filter(|part| memchr::memchr_iter(b'.', part).count() == 3);
    quads.find(|part| address::parse(part).is_some_and(address::is_public))
}
