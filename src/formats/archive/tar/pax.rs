//! Extended headers: records of `LENGTH KEY=VALUE\n` that override the next header, or every later one.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;

use crate::formats::archive::tar::sparse::Keys;
use crate::read::length;

/// How long a text may be that a global header sets for every later member (bytes). Without a cap, one long name
/// would be copied for each of them.
const GLOBAL_TEXT: usize = 1024;

/// How long a comment may be before its bytes count as unexplained.
const COMMENT: usize = 256;

/// What extended headers say about one member, or about all.
#[derive(Clone, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Bytes>,
    pub(super) linkpath: Option<Bytes>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<i64>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) sparse: Keys,
}

/// What reading one extended header's body left to tell.
#[derive(Default)]
pub(super) struct Remarks {
    /// Ranges of the body that nothing reads (bytes from the body's start), ascending.
    pub(super) slack: Vec<Range<u64>>,
    /// Why the records could not be read to their end.
    pub(super) broken: Option<&'static str>,
    /// Records that were understood and could not be honoured: the key, and why.
    pub(super) refused: Vec<(String, &'static str)>,
}

impl Pax {
    /// Adds the records of `body`. Later records win.
    pub(super) fn read(&mut self, body: &Bytes, global: bool) -> Remarks {
        let mut remarks = Remarks::default();
        let mut at = 0;
        while at < body.len() {
            let left = body.get(at..).unwrap_or_default();
            let Some(record) = Record::parse(left) else {
                remarks.broken =
                    Some("an extended header's record states a length that is not its own");
                remarks.slack.push(wide(at)..length(body));
                break;
            };
            let value_at = at.saturating_add(record.value_at);
            at = at.saturating_add(record.len);
            let value = body.slice(value_at..at.saturating_sub(1).max(value_at));
            match self.set(record.key, &value, global) {
                Verdict::Taken => {}
                Verdict::Unknown => {
                    let end = value_at.saturating_add(value.len());
                    remarks.slack.push(wide(value_at)..wide(end));
                }
                Verdict::Refused(why) => {
                    let key = String::from_utf8_lossy(record.key).into_owned();
                    remarks.refused.push((key, why));
                }
            }
        }
        remarks
    }

    /// These records, and `global` where they say nothing.
    pub(super) fn or(mut self, global: &Self) -> Self {
        self.path = self.path.or_else(|| global.path.clone());
        self.linkpath = self.linkpath.or_else(|| global.linkpath.clone());
        self.size = self.size.or(global.size);
        self.uid = self.uid.or(global.uid);
        self.gid = self.gid.or(global.gid);
        self.mtime = self.mtime.or(global.mtime);
        self
    }

    fn set(&mut self, key: &[u8], value: &Bytes, global: bool) -> Verdict {
        if global && (key.starts_with(b"GNU.sparse.") || is_xattr(key)) {
            return Verdict::Refused("not honoured for every later member");
        }
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            self.xattrs.insert(unescape(name), value.to_vec());
            return Verdict::Taken;
        }
        if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
            return self.encoded_xattr(name, value);
        }
        if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
            return taken(self.sparse.set(key, value));
        }
        match key {
            b"path" => set_text(&mut self.path, value, global),
            b"linkpath" => set_text(&mut self.linkpath, value, global),
            b"size" => set_number(&mut self.size, value),
            b"uid" => set_number(&mut self.uid, value),
            b"gid" => set_number(&mut self.gid, value),
            b"mtime" => {
                self.mtime = seconds(value);
                taken(value.is_empty() || self.mtime.is_some())
            }
            b"comment" if value.len() <= COMMENT && is_printable(value) => Verdict::Taken,
            b"atime" | b"ctime" | b"uname" | b"gname" | b"charset" | b"hdrcharset" => {
                Verdict::Taken
            }
            _ if is_acl(key) => Verdict::Refused("access control lists as text are not read"),
            _ if is_known(key) => Verdict::Taken,
            _ => Verdict::Unknown,
        }
    }

    /// libarchive's own form: the name percent-encoded, the value in base64.
    fn encoded_xattr(&mut self, name: &[u8], value: &[u8]) -> Verdict {
        let plain = STANDARD_NO_PAD
            .decode(value)
            .or_else(|_| STANDARD.decode(value));
        match (percent_decoded(name), plain) {
            (Some(name), Ok(value)) => {
                self.xattrs.insert(name, value);
                Verdict::Taken
            }
            _ => Verdict::Refused("its encoding is damaged"),
        }
    }
}

/// What became of one record.
enum Verdict {
    Taken,
    Unknown,
    Refused(&'static str),
}

/// One record: its whole length, its key, and where its value starts.
struct Record<'a> {
    len: usize,
    key: &'a [u8],
    value_at: usize,
}

impl<'a> Record<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        // The longest length that fits has 20 digits.
        let space = memchr::memchr(b' ', bytes.get(..bytes.len().min(21))?)?;
        let len = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
        let record = bytes.get(..len)?;
        let key_at = space.checked_add(1)?;
        let pair = record.get(key_at..)?.strip_suffix(b"\n")?;
        let key = pair.get(..memchr::memchr(b'=', pair)?)?;
        if key.is_empty() {
            return None;
        }
        Some(Self {
            len,
            key,
            value_at: key_at.checked_add(key.len())?.checked_add(1)?,
        })
    }
}

/// An unsigned decimal number, digits only.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, &byte| match byte {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(byte & 15)),
        _ => None,
    })
}

/// Whole seconds of a decimal time, which may have a fraction and a sign; rounded down.
fn seconds(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let whole = i64::try_from(decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if !negative {
        return Some(whole);
    }
    let up = i64::from(fraction.iter().any(|&digit| digit != b'0'));
    whole.checked_neg()?.checked_sub(up)
}

fn set_text(slot: &mut Option<Bytes>, value: &Bytes, global: bool) -> Verdict {
    if global && value.len() > GLOBAL_TEXT {
        return Verdict::Refused("too long to hold for every later member");
    }
    // An empty value takes an earlier override back.
    *slot = (!value.is_empty()).then(|| value.clone());
    Verdict::Taken
}

fn set_number(slot: &mut Option<u64>, value: &[u8]) -> Verdict {
    *slot = decimal(value);
    taken(value.is_empty() || slot.is_some())
}

fn taken(understood: bool) -> Verdict {
    if understood {
        Verdict::Taken
    } else {
        Verdict::Refused("its value is no number, or not one that fits")
    }
}

fn is_xattr(key: &[u8]) -> bool {
    key.starts_with(b"SCHILY.xattr.") || key.starts_with(b"LIBARCHIVE.xattr.")
}

fn is_acl(key: &[u8]) -> bool {
    key.starts_with(b"SCHILY.acl.") || key.starts_with(b"RHT.security.")
}

/// Keys that archivers write and that change nothing an entry tells.
fn is_known(key: &[u8]) -> bool {
    [
        &b"SCHILY."[..],
        b"LIBARCHIVE.",
        b"GNU.volume.",
        b"GNU.dumpdir",
    ]
    .iter()
    .any(|prefix| key.starts_with(prefix))
}

fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// GNU tar writes `=` and `%` of an attribute's name as `%3D` and `%25`.
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut left = name;
    while let Some((&first, rest)) = left.split_first() {
        let (byte, rest) = if let Some(rest) = left.strip_prefix(b"%3D") {
            (b'=', rest)
        } else if let Some(rest) = left.strip_prefix(b"%25") {
            (b'%', rest)
        } else {
            (first, rest)
        };
        plain.push(byte);
        left = rest;
    }
    plain
}

fn percent_decoded(name: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(name.len());
    let mut left = name;
    while let Some((&first, rest)) = left.split_first() {
        if first != b'%' {
            plain.push(first);
            left = rest;
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        plain.push(u8::from_str_radix(digits, 16).ok()?);
        left = rest.get(2..)?;
    }
    Some(plain)
}

fn wide(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &str) -> Vec<u8> {
        let tail = format!(" {key}={value}\n");
        let len = (1..999).find(|len: &usize| len - len.to_string().len() == tail.len());
        format!("{}{tail}", len.unwrap()).into_bytes()
    }

    fn read(records: &[(&str, &str)]) -> (Pax, Remarks) {
        let body: Vec<u8> = records
            .iter()
            .flat_map(|(key, value)| record(key, value))
            .collect();
        let mut pax = Pax::default();
        let remarks = pax.read(&Bytes::from(body), false);
        (pax, remarks)
    }

    #[test]
    fn later_records_win_and_an_empty_one_takes_back() {
        let (pax, remarks) = read(&[
            ("path", "x"),
            ("path", "a\nb=c"),
            ("mtime", "-1.5000000"),
            ("uid", "70000"),
            ("linkpath", "x"),
            ("linkpath", ""),
        ]);
        assert!(remarks.broken.is_none() && remarks.slack.is_empty());
        assert_eq!(pax.path.as_deref(), Some(&b"a\nb=c"[..]));
        assert_eq!(
            (pax.mtime, pax.uid, pax.linkpath),
            (Some(-2), Some(70_000), None)
        );
    }

    #[test]
    fn a_length_that_lies_stops_the_reading() {
        for body in [
            &b"9 path=ab\n"[..],
            b"99 path=a\n",
            b"0 path=a\n",
            b"path=a\n",
            b"5 =a\n",
            b"18446744073709551616 path=a\n",
        ] {
            let mut pax = Pax::default();
            let remarks = pax.read(&Bytes::copy_from_slice(body), false);
            assert!(remarks.broken.is_some(), "{body:?}");
            assert_eq!(remarks.slack, std::slice::from_ref(&(0..length(body))));
        }
    }

    #[test]
    fn attributes_come_in_two_encodings() {
        let (pax, remarks) = read(&[
            ("SCHILY.xattr.user.a%3Db", "x\n"),
            ("LIBARCHIVE.xattr.user.%61", "eQAhIQ"),
            ("SCHILY.acl.access", "user::rwx"),
        ]);
        assert_eq!(pax.xattrs.get(&b"user.a=b"[..]).unwrap(), b"x\n");
        assert_eq!(pax.xattrs.get(&b"user.a"[..]).unwrap(), b"y\0!!");
        assert_eq!(remarks.refused.len(), 1);
    }

    #[test]
    fn keys_that_nobody_knows_explain_nothing() {
        let (_, remarks) = read(&[("VENDOR.x", "payload!"), ("comment", "\u{1}")]);
        assert_eq!(remarks.slack, [12..20, 32..33]);
    }
}
