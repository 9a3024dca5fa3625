//! A command as evidence: short, escaped, and without the secrets in it, which are kept apart.

use super::{Command, RedirectKind};
use crate::facts::secret::Secret;
use crate::place::escape;

/// So many bytes of a command are shown.
const SHOWN: usize = 240;

/// Options whose value is a secret.
pub(in crate::facts) const SECRET_OPTIONS: &[&[u8]] = &[
    b"--password",
    b"--passwd",
    b"--pass",
    b"--user",
    b"--proxy-user",
    b"--http-password",
    b"--ftp-password",
    b"--token",
    b"--passphrase",
];

/// Programs whose `-p` or `-u` is a secret.
pub(in crate::facts) const SECRET_LETTERS: &[(&[u8], &[u8])] = &[
    (b"sshpass", b"-p"),
    (b"curl", b"-u"),
    (b"ftpget", b"-p"),
    (b"ftpput", b"-p"),
    (b"mysql", b"-p"),
    (b"useradd", b"-p"),
    (b"usermod", b"-p"),
    (b"snmpget", b"-c"),
    (b"ncftpget", b"-p"),
    (b"openssl", b"-k"),
    (b"openssl", b"-K"),
    (b"lftp", b"-u"),
];

/// What of a command may be shown, and the secrets that it states.
pub fn text(command: &Command) -> (String, Vec<Secret>) {
    let mut secrets = Vec::new();
    let name = command.name();
    let mut shown: Vec<Vec<u8>> = Vec::new();
    let mut is_secret = false;
    for (at, word) in command.words.iter().enumerate() {
        let letter = SECRET_LETTERS
            .iter()
            .find(|(program, letter)| *program == name && word.text.starts_with(letter));
        let is_value = is_secret || name == b"wpa_passphrase" && at == 2;
        is_secret = SECRET_OPTIONS.contains(&word.text.as_slice())
            || letter.is_some_and(|(_, letter)| word.text == *letter);
        // What is put together when it runs is no secret that stands here.
        let mut kept = Vec::new();
        shown.push(match letter {
            _ if is_value => {
                kept.extend(Secret::new(password(&word.text)));
                b"***".to_vec()
            }
            Some((_, letter)) if !is_secret => {
                let value = word.text.strip_prefix(*letter).unwrap_or_default();
                kept.extend(Secret::new(password(value)));
                [*letter, b"***"].concat()
            }
            _ => without_secrets(&word.text, &mut kept),
        });
        if word.known {
            secrets.append(&mut kept);
        }
    }
    for (name, value) in &command.assignments {
        if command.words.is_empty() || !is_secret_name(name) {
            let mut kept = Vec::new();
            let text = if is_secret_name(name) {
                kept.extend(Secret::new(&value.text));
                b"***".to_vec()
            } else {
                without_secrets(&value.text, &mut kept)
            };
            shown.insert(0, [name.as_slice(), b"=", &text].concat());
            if value.known {
                secrets.append(&mut kept);
            }
        }
    }
    for redirect in &command.redirects {
        let sign: &[u8] = match redirect.kind {
            RedirectKind::Write | RedirectKind::Both => b">",
            RedirectKind::Append => b">>",
            RedirectKind::Read => b"<",
            RedirectKind::Duplicate | RedirectKind::Here => continue,
        };
        shown.push(sign.to_vec());
        shown.push(redirect.target.text.clone());
    }
    (cut(&shown.join(&b' ')), secrets)
}

/// The password of `NAME:PASSWORD`, or the whole of what has no name.
fn password(value: &[u8]) -> &[u8] {
    let sign = memchr::memchr2(b':', b',', value);
    let behind = sign.and_then(|at| value.get(at.saturating_add(1)..));
    behind.filter(|it| !it.is_empty()).unwrap_or(value)
}

/// Text as evidence.
pub fn cut(text: &[u8]) -> String {
    let line = text.iter().map(|&byte| {
        if matches!(byte, b'\n' | b'\t') {
            b' '
        } else {
            byte
        }
    });
    let line: Vec<u8> = line.take(SHOWN).collect();
    let more = if text.len() > SHOWN { "..." } else { "" };
    format!("{}{more}", escape(&line))
}

/// Whether a variable or key of this name holds a secret.
pub fn is_secret_name(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let words: [&[u8]; 8] = [
        b"passw",
        b"passphrase",
        b"secret",
        b"psk",
        b"token",
        b"apikey",
        b"api_key",
        b"private_key",
    ];
    words
        .iter()
        .any(|word| memchr::memmem::find(&lower, word).is_some())
        || lower == b"pass"
        || lower.ends_with(b"_pass")
}

/// A text with `***` for what follows `password=` and the like, and for passwords in URLs.
fn without_secrets(text: &[u8], secrets: &mut Vec<Secret>) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len());
    for (nth, piece) in text
        .split_inclusive(|&byte| matches!(byte, b',' | b'&' | b' ' | b'?' | b';' | b'\n'))
        .enumerate()
    {
        let sign = memchr::memchr2(b'=', b':', piece).filter(|_| nth < 4096);
        match sign.and_then(|at| piece.split_at_checked(at.saturating_add(1))) {
            Some((name, value))
                if is_secret_name(name.get(..name.len().saturating_sub(1)).unwrap_or_default())
                    && !value.is_empty() =>
            {
                shown.extend_from_slice(name);
                shown.extend_from_slice(b"***");
                let end = value
                    .last()
                    .filter(|byte| matches!(byte, b',' | b'&' | b' ' | b'?' | b';' | b'\n'));
                shown.extend(end);
                let bare = value.len().saturating_sub(usize::from(end.is_some()));
                secrets.extend(value.get(..bare).and_then(Secret::new));
            }
            _ => shown.extend_from_slice(piece),
        }
    }
    // scheme://user:password@host
    if let Some(at) = memchr::memmem::find(&shown, b"://")
        && let Some(rest) = shown.get(at.saturating_add(3)..)
        && let Some(end) = memchr::memchr(b'@', rest)
        && let Some(colon) = memchr::memchr(b':', rest).filter(|&colon| colon < end)
    {
        let start = at.saturating_add(4).saturating_add(colon);
        let end = at.saturating_add(3).saturating_add(end);
        secrets.extend(shown.get(start..end).and_then(Secret::new));
        shown.splice(start..end, *b"***");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::script::Script;

    #[test]
    fn secrets_are_not_shown() {
        for (line, shown) in [
            (
                "mount -o user=a,password=geheim,vers=3 //h/s /m",
                "mount -o user=a,password=***,vers=3 //h/s /m",
            ),
            ("curl -u me:geheim http://h/", "curl -u *** http://h/"),
            ("curl -ume:geheim http://h/", "curl -u*** http://h/"),
            (
                "wget --password=geheim ftp://a:geheim@h/x",
                "wget --password=*** ftp://a:***@h/x",
            ),
            ("sshpass -p geheim ssh h", "sshpass -p *** ssh h"),
            ("WIFI_PSK=geheim", "WIFI_PSK=***"),
            (
                "wpa_passphrase net geheim > /etc/w",
                "wpa_passphrase net *** > /etc/w",
            ),
        ] {
            let script = Script::parse(line.as_bytes());
            let (text, secrets) = text(&script.commands[0]);
            assert_eq!(text, shown);
            let all = secrets.iter().all(|secret| secret.as_bytes() == b"geheim");
            assert!(all && !secrets.is_empty(), "{line}");
            assert!(!format!("{secrets:?}").contains("geheim"));
        }
    }
}
