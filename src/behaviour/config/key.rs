//! Keys: located and counted, never shown.

use super::Stated;
use super::line::{base, lines, words};
use crate::behaviour::Secret;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::paths;
use crate::behaviour::unit::Spot;
use crate::place::escape;

/// What a file holds of keys.
pub(super) fn stated(path: &[u8], bytes: &[u8]) -> Vec<Stated> {
    let mut all = Vec::new();
    let name = base(path);
    if matches!(name, b"authorized_keys" | b"authorized_keys2") {
        for (number, line) in lines(bytes) {
            let kinds: [&[u8]; 4] = [b"ssh-", b"ecdsa-", b"sk-ssh-", b"sk-ecdsa-"];
            let mut words = words(line).into_iter();
            let kind = words.find(|word| kinds.iter().any(|kind| word.starts_with(kind)));
            if let Some(kind) = kind {
                let text = format!("a key of type {} may log in", escape(kind));
                let stated = Stated::new(Act::AuthorizedKey, [], Spot::Line(number), text);
                all.push(stated.with(words.next().and_then(Secret::new)));
            }
        }
    }
    let is_dropbear = name.starts_with(b"dropbear_") && name.ends_with(b"_host_key");
    if is_dropbear && bytes.starts_with(b"\0\0\0") {
        let text = "the private host key of a dropbear server";
        let stated = Stated::new(Act::PrivateKey, [], Spot::Whole, text);
        all.push(stated.with(Secret::new(bytes)));
    }
    for (number, line) in (1_u32..).zip(bytes.split(|&byte| byte == b'\n')) {
        const MOST: usize = 16;
        let line = line.trim_ascii();
        let kind = line
            .strip_prefix(b"-----BEGIN ")
            .and_then(|line| line.strip_suffix(b"PRIVATE KEY-----"));
        let Some(kind) = kind.filter(|_| all.len() < MOST) else {
            continue;
        };
        let kind = kind.trim_ascii();
        if kind == b"ENCRYPTED" || is_encrypted(bytes, number) {
            continue;
        }
        let kind = if kind.is_empty() {
            "PKCS#8".to_owned()
        } else {
            escape(kind)
        };
        let text = format!("a private key ({kind}) without a password");
        let stated = Stated::new(Act::PrivateKey, [], Spot::Line(number), text);
        all.push(stated.with(body(bytes, number)));
    }
    if path.ends_with(b"/etc/ld.so.preload") || path == b"/etc/ld.so.preload" {
        for (number, line) in lines(bytes) {
            let text = format!(
                "{} is loaded into every program",
                super::super::shell::cut(line)
            );
            let traits = preloaded(line);
            all.push(Stated::new(Act::Preload, traits, Spot::Line(number), text));
        }
    }
    all
}

/// Where the libraries of a line of `ld.so.preload` come from.
fn preloaded(line: &[u8]) -> Vec<Trait> {
    let mut traits = vec![Trait::Literal];
    let libraries = line.split(|byte| b" \t:".contains(byte)).map(paths::normal);
    for library in libraries {
        if paths::is_temporary(&library) {
            traits.push(Trait::FromTemporary);
        } else if paths::is_medium(&library) {
            traits.push(Trait::FromMedium);
        }
    }
    traits
}

/// What stands between the first and the last line of a PEM key, however its lines are broken.
fn body(bytes: &[u8], line: u32) -> Option<Secret> {
    let skip = usize::try_from(line).unwrap_or(usize::MAX);
    let lines = bytes.split(|&byte| byte == b'\n').skip(skip);
    let body: Vec<u8> = lines
        .map(<[u8]>::trim_ascii)
        .take_while(|line| !line.starts_with(b"-----"))
        .flatten()
        .copied()
        .collect();
    Secret::new(&body)
}

/// A PEM key in the old form says in its header that it has a password.
fn is_encrypted(bytes: &[u8], line: u32) -> bool {
    let skip = usize::try_from(line).unwrap_or(usize::MAX);
    let next = bytes.split(|&byte| byte == b'\n').nth(skip);
    next.is_some_and(|next| memchr::memmem::find(next, b"ENCRYPTED").is_some())
}
