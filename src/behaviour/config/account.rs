//! Accounts: `passwd` and `shadow`. Hashes of passwords are never shown.

use std::collections::{BTreeMap, BTreeSet};

use super::Stated;
use super::line::lines as rows;
use crate::behaviour::Secret;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::unit::Spot;
use crate::place::escape;

/// The shell of each account.
pub(in super::super) type Shells = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the shells of accounts are, from a `passwd`.
pub(in super::super) fn shells(passwd: &[u8]) -> Shells {
    let mut shells = Shells::new();
    for (_, line) in rows(passwd) {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        if let [name, _, _, _, _, _, shell] = fields.as_slice() {
            shells.insert(name.to_vec(), shell.to_vec());
        }
    }
    shells
}

/// What a file of accounts states.
pub(super) fn stated(path: &[u8], text: &[u8], shells: &Shells) -> Vec<Stated> {
    if !is_accounts(path) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (number, line) in rows(text) {
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        let logs_in = shells.get(name).is_none_or(|shell| is_login(shell));
        let Some(row) = one(path, line) else {
            continue;
        };
        // A password that opens nothing is no way in.
        if logs_in || row.traits.contains(&Trait::UidZero) {
            let stated = Stated::new(Act::Account, row.traits, Spot::Line(number), row.shown);
            all.push(stated.with(row.secret));
        }
    }
    all
}

fn is_accounts(path: &[u8]) -> bool {
    path.ends_with(b"/etc/passwd") || path.ends_with(b"/etc/shadow")
}

fn is_login(shell: &[u8]) -> bool {
    !matches!(
        super::line::base(shell),
        b"nologin" | b"false" | b"sync" | b"halt" | b"shutdown" | b"true"
    )
}

/// What a line for a file of accounts states.
pub(in super::super) struct Row {
    pub(in super::super) traits: BTreeSet<Trait>,
    pub(in super::super) shown: String,
    /// The hash of its password.
    pub(in super::super) secret: Option<Secret>,
}

/// What lines for a file of accounts state, for commands that write them.
pub(in super::super) fn lines(path: &[u8], text: &[u8]) -> Vec<Row> {
    rows(text).filter_map(|(_, line)| one(path, line)).collect()
}

fn one(path: &[u8], line: &[u8]) -> Option<Row> {
    let line = line.strip_prefix(b"-e ").unwrap_or(line);
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
    let (&name, &password) = (fields.first()?, fields.get(1)?);
    let mut traits = BTreeSet::new();
    let mut told = Vec::new();
    let is_passwd = path.ends_with(b"passwd");
    let name_is_plain = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$'));
    if !name_is_plain || fields.len() < 3 {
        return None;
    }
    if is_passwd {
        let shell = fields.get(6).copied().unwrap_or_default();
        if fields.get(2) == Some(&&b"0"[..]) && name != b"root" {
            traits.extend([Trait::UidZero, Trait::NotRoot]);
            told.push("it has the rights of root (uid 0)".to_owned());
        }
        if !is_login(shell) {
            return (!traits.is_empty()).then(|| shown(name, &told, traits, None));
        }
    }
    let mut secret = None;
    match scheme(password) {
        Scheme::None => {
            traits.insert(Trait::EmptyPassword);
            told.push("it has no password".to_owned());
        }
        Scheme::Locked => {}
        Scheme::Hash(named, weak) => {
            traits.insert(Trait::Hashed);
            if weak {
                traits.insert(Trait::WeakHash);
            }
            told.push(format!("its password is stored as a hash ({named})"));
            secret = Secret::new(password);
        }
    }
    (!traits.is_empty()).then(|| shown(name, &told, traits, secret))
}

fn shown(name: &[u8], told: &[String], traits: BTreeSet<Trait>, secret: Option<Secret>) -> Row {
    Row {
        traits,
        shown: format!("account {}: {}", escape(name), told.join("; ")),
        secret,
    }
}

/// How a password is stored.
enum Scheme {
    None,
    Locked,
    /// The scheme, and whether it can be searched fast.
    Hash(&'static str, bool),
}

fn scheme(field: &[u8]) -> Scheme {
    const SCHEMES: &[(&[u8], &str, bool)] = &[
        (b"$1$", "MD5-crypt", true),
        (b"$2", "bcrypt", false),
        (b"$3$", "NT", true),
        (b"$5$", "SHA-256-crypt", false),
        (b"$6$", "SHA-512-crypt", false),
        (b"$7$", "scrypt", false),
        (b"$y$", "yescrypt", false),
        (b"$gy$", "gost-yescrypt", false),
        (b"$md5", "Sun MD5", true),
        (b"$sha1", "SHA-1-crypt", true),
        (b"_", "BSDi DES", true),
    ];
    if field.is_empty() {
        return Scheme::None;
    }
    if let Some((_, named, weak)) = SCHEMES
        .iter()
        .find(|(prefix, ..)| field.starts_with(prefix))
    {
        return Scheme::Hash(named, *weak);
    }
    let is_des = field.len() == 13
        && field
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
    if is_des {
        Scheme::Hash("DES", true)
    } else {
        Scheme::Locked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts() {
        let told = |path: &str, text: &str| {
            let shells = shells(b"root:x:0:0::/:/bin/sh\ngames:x:5:5::/:/usr/sbin/nologin\n");
            let all = stated(path.as_bytes(), text.as_bytes(), &shells);
            all.iter()
                .map(|it| format!("{:?} {}", it.traits, it.text))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(
            told(
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\nbin:*:1:1::/:/bin/sh\n"
            ),
            ""
        );
        assert!(told("/etc/passwd", "r00t:x:0:0::/:/bin/sh").contains("rights of root"));
        assert!(told("/etc/passwd", "root::0:0::/:/bin/sh").contains("EmptyPassword"));
        assert_eq!(told("/etc/passwd", "games::5:5::/:/usr/sbin/nologin"), "");
        assert!(told("/etc/shadow", "root::1:0:9:7:::").contains("EmptyPassword"));
        assert_eq!(told("/etc/shadow", "games::1:0:9:7:::\nroot:!:1::::::"), "");
        let md5 = told(
            "/etc/shadow",
            "root:$1$abcdefgh$0123456789abcdefghijkl:1:0:9:7:::",
        );
        assert!(
            md5.contains("WeakHash") && md5.contains("MD5-crypt") && !md5.contains("abcdefgh"),
            "{md5}"
        );
        assert!(told("/etc/shadow", "root:ab0123456789.:1:0:9:7:::").contains("DES"));
        assert!(!told("/etc/shadow", "root:$6$s$h:1:0:9:7:::").contains("WeakHash"));
    }
}
