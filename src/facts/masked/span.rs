//! Where in a line secrets stand.

use std::ops::Range;

use super::MASK;
use crate::facts::script::redact::{SECRET_LETTERS, SECRET_OPTIONS, is_secret_name};

/// Names of secrets only where a value is set (`key=`, `option key`), as they mean many other things.
const SETTINGS: &[&[u8]] = &[
    b"key",
    b"key1",
    b"key2",
    b"key3",
    b"key4",
    b"pin",
    b"pw",
    b"pwd",
    b"cred",
    b"credentials",
    b"passkey",
    b"community",
    b"rocommunity",
    b"rwcommunity",
];
/// What other names of such settings end with.
const ENDINGS: &[&[u8]] = &[b"_key", b"-key", b".key", b"_pw", b"_pwd", b"_pin"];
/// Values that are no secrets: switches, what PAM says of a module, and where names are looked up.
const PLAIN: &[&[u8]] = &[
    b"yes",
    b"no",
    b"true",
    b"false",
    b"on",
    b"off",
    b"0",
    b"1",
    b"none",
    b"enabled",
    b"disabled",
    b"required",
    b"requisite",
    b"sufficient",
    b"optional",
    b"include",
    b"substack",
    b"prohibit-password",
    b"without-password",
    b"files",
    b"compat",
];
/// A field of so many hexadecimal digits between colons is the hash of a password.
const HASH: usize = 32;

/// The ranges of a line that are not shown.
pub(super) fn secrets(line: &[u8]) -> Vec<Range<usize>> {
    let mut spans = arguments(line);
    spans.extend(named(line));
    spans.extend(urls(line));
    spans.extend(hashes(line));
    spans.extend(fields(line));
    spans
}

fn after(at: usize, count: usize) -> usize {
    at.saturating_add(count)
}

/// The runs of bytes of a sort.
fn runs(line: &[u8], of: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    for (at, &byte) in line.iter().enumerate() {
        match (of(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                runs.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    runs.extend(start.map(|from| from..line.len()));
    runs
}

/// What follows the name of a secret, up to the line's end.
fn named(line: &[u8]) -> Option<Range<usize>> {
    let names = runs(line, |byte| {
        byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
    });
    let mut before: &[u8] = b"";
    for name in names {
        let word = line.get(name.clone()).unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        let is_setting = SETTINGS.contains(&lower.as_slice())
            || lower.starts_with(b"wep_key")
            || ENDINGS.iter().any(|ending| lower.ends_with(ending));
        let is_secret = is_secret_name(word);
        let after_option = before.eq_ignore_ascii_case(b"option");
        let led = name.start.checked_sub(1).and_then(|at| line.get(at));
        before = word;
        if !is_secret && !is_setting {
            continue;
        }
        let sign = sign(line, name.end);
        let may_be_blank = after_option
            || lower.ends_with(b"community")
            || is_secret && lower != b"passwd" && !matches!(led, Some(b'/' | b'$' | b'{'));
        let from = match sign {
            Some((from, true)) => from,
            Some((from, false)) if may_be_blank => from,
            _ => continue,
        };
        let value = line.get(from..).unwrap_or_default();
        if !is_plain(value) {
            return Some(from..line.len());
        }
    }
    None
}

/// Where the value begins that a name is followed by, and whether a sign says so.
fn sign(line: &[u8], end: usize) -> Option<(usize, bool)> {
    let mut has_sign = false;
    let mut has_blank = false;
    let mut at = end;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'=' | b':' | b'>' => has_sign = true,
            b' ' | b'\t' => has_blank = true,
            b'"' | b'\'' | b']' => {}
            _ => break,
        }
        at = after(at, 1);
    }
    (at < line.len() && (has_sign || has_blank)).then_some((at, has_sign))
}

fn is_plain(value: &[u8]) -> bool {
    let end = value
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    let word = value.get(..end.unwrap_or(value.len())).unwrap_or(value);
    value.starts_with(MASK)
        || value.starts_with(b"</")
        || PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(word))
}

/// Options whose value is a secret, of any program and of some.
fn arguments(line: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut letters: Vec<&[u8]> = Vec::new();
    let mut is_value = false;
    for word in runs(line, |byte| !byte.is_ascii_whitespace()) {
        let text = line.get(word.clone()).unwrap_or_default();
        if std::mem::take(&mut is_value) {
            let quote = text
                .first()
                .copied()
                .filter(|byte| matches!(byte, b'"' | b'\''));
            let rest = line.get(after(word.start, 1)..).unwrap_or_default();
            let end = quote.and_then(|quote| memchr::memchr(quote, rest));
            let end = end.map_or(word.end, |end| {
                after(after(word.start, end), 2).max(word.end)
            });
            spans.push(word.start..end);
            continue;
        }
        let base = text
            .rsplit(|byte| b"/`(;|&".contains(byte))
            .next()
            .unwrap_or(text);
        let own = SECRET_LETTERS
            .iter()
            .filter(|(program, _)| *program == base);
        letters.extend(own.map(|(_, letter)| *letter));
        let letter = letters.iter().find(|letter| text.starts_with(letter));
        if SECRET_OPTIONS.contains(&text) || letter.is_some_and(|letter| text == *letter) {
            is_value = true;
        } else if let Some(letter) = letter {
            spans.push(after(word.start, letter.len())..word.end);
        } else if let Some(sign) = memchr::memchr(b'=', text)
            && text
                .get(..sign)
                .is_some_and(|name| SECRET_OPTIONS.contains(&name))
        {
            spans.push(after(after(word.start, sign), 1)..word.end);
        }
    }
    spans
}

/// Passwords in `scheme://user:password@host`.
fn urls(line: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for at in memchr::memmem::find_iter(line, b"://") {
        let start = after(at, 3);
        let rest = line.get(start..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || b"/\"'<>".contains(byte));
        let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        if let Some(host) = memchr::memrchr(b'@', authority)
            && let Some(colon) = memchr::memchr(b':', authority).filter(|&colon| colon < host)
        {
            spans.push(after(after(start, colon), 1)..after(start, host));
        }
    }
    spans
}

/// Hashes of passwords in the forms of crypt(3) and of LDAP.
fn hashes(line: &[u8]) -> Vec<Range<usize>> {
    let marks: [&[u8]; 10] = [
        b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$7$", b"$y$", b"$apr1$", b"{S",
    ];
    let mut spans = Vec::new();
    for word in runs(line, |byte| {
        !byte.is_ascii_whitespace() && !b":\"',;<>".contains(&byte)
    }) {
        let text = line.get(word.clone()).unwrap_or_default();
        let found = marks
            .iter()
            .filter_map(|mark| memchr::memmem::find(text, mark))
            .min();
        if let Some(found) = found.filter(|_| text.len() > 12) {
            spans.push(after(word.start, found)..word.end);
        }
    }
    spans
}

/// The fields of lists of accounts that hold a password or its hash.
fn fields(line: &[u8]) -> Vec<Range<usize>> {
    let fields = runs(line, |byte| byte != b':');
    let colons = memchr::memchr_iter(b':', line).count();
    let mut spans = Vec::new();
    let name = memchr::memchr(b':', line).unwrap_or(0);
    let is_account = line
        .get(..name)
        .is_some_and(|name| !name.is_empty() && !name.iter().any(u8::is_ascii_whitespace));
    for (nth, field) in fields.iter().enumerate().filter(|_| is_account) {
        let text = line.get(field.clone()).unwrap_or_default();
        let second = nth == 1 && field.start == after(name, 1);
        let crypt = |byte: &u8| byte.is_ascii_alphanumeric() || b"./".contains(byte);
        let is_hash = text.len() == 13 && text.iter().all(crypt) && colons <= 8;
        let is_hex = text.len() == HASH && text.iter().all(u8::is_ascii_hexdigit);
        if second && (colons >= 6 && text.len() > 2 || is_hash) || is_hex && colons > 1 {
            spans.push(field.clone());
        }
    }
    spans
}
