//! Settings of services that other machines can reach, and mounts of their file systems.

use super::Stated;
use super::line::{base, lines, words};
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::host;
use crate::behaviour::shell::cut;
use crate::behaviour::unit::Spot;

/// What a file states of services.
pub(super) fn stated(path: &[u8], text: &[u8]) -> Vec<Stated> {
    let read: fn(&[&[u8]], &[u8]) -> Line = match base(path) {
        b"fstab" | b"vfstab" => fstab,
        b"exports" => exports,
        b"inetd.conf" => inetd,
        b"sshd_config" => sshd,
        b"snmpd.conf" => snmpd,
        b"inittab" => inittab,
        b"vsftpd.conf" | b"proftpd.conf" => ftpd,
        name if name.starts_with(b"auto.") => autofs,
        _ => return Vec::new(),
    };
    let mut all = Vec::new();
    for (number, line) in lines(text) {
        if let Some((act, traits, shown)) = read(&words(line), line) {
            let text = shown.map_or_else(|| cut(line), str::to_owned);
            all.push(Stated::new(act, traits, Spot::Line(number), text));
        }
    }
    all
}

/// What a line states, and what is shown in its place where it holds secrets.
type Line = Option<(Act, Vec<Trait>, Option<&'static str>)>;

fn fstab(words: &[&[u8]], _: &[u8]) -> Line {
    let [source, _, kind, ..] = words else {
        return None;
    };
    remote(source, kind)
}

fn remote(source: &[u8], kind: &[u8]) -> Line {
    let is_remote = matches!(
        kind,
        b"nfs"
            | b"nfs4"
            | b"cifs"
            | b"smbfs"
            | b"9p"
            | b"davfs"
            | b"fuse.sshfs"
            | b"sshfs"
            | b"curlftpfs"
    );
    if !is_remote {
        return None;
    }
    let host = host::of_remote(source).or_else(|| host::of_url(source));
    let class = host.map_or(Trait::HostUnknown, |host| host::class(host.name));
    Some((
        Act::RemoteMount,
        vec![class],
        Some("a file system of another machine is mounted"),
    ))
}

fn autofs(words: &[&[u8]], _: &[u8]) -> Line {
    let options = words.iter().find(|word| word.starts_with(b"-"))?;
    let kind = options
        .split(|&byte| byte == b'=')
        .nth(1)?
        .split(|&byte| byte == b',')
        .next()?;
    let source = words.last()?;
    remote(source.strip_prefix(b":").unwrap_or(source), kind)
}

fn exports(_: &[&[u8]], line: &[u8]) -> Line {
    let has = |part: &[u8]| memchr::memmem::find(line, part).is_some();
    let mut traits = Vec::new();
    if has(b"no_root_squash") {
        traits.push(Trait::RootKept);
    }
    if has(b"*(rw") || has(b" *(") && has(b"rw") {
        traits.push(Trait::Everybody);
    }
    (!traits.is_empty()).then_some((Act::Export, traits, None))
}

fn inetd(words: &[&[u8]], _: &[u8]) -> Line {
    let [_, _, _, _, _, program, arguments @ ..] = words else {
        return None;
    };
    let (act, traits) = served(program, arguments)?;
    Some((act, traits, None))
}

/// What a program is that a server of services starts for whoever connects. Its arguments start with the name that it is given.
pub(super) fn served(program: &[u8], arguments: &[&[u8]]) -> Option<(Act, Vec<Trait>)> {
    let is_shell = |word: &[u8]| matches!(base(word), b"sh" | b"ash" | b"bash" | b"dash" | b"ksh");
    if is_shell(program) {
        return Some((Act::Listen, vec![Trait::Shell]));
    }
    let shell = arguments.iter().skip(1).any(|word| is_shell(word));
    let telnet = memchr::memmem::find(base(program), b"telnetd").is_some()
        || arguments.iter().any(|word| *word == b"telnetd");
    match (telnet, shell) {
        (true, true) => Some((
            Act::RemoteLogin,
            vec![Trait::Telnet, Trait::Shell, Trait::NoLogin],
        )),
        (true, false) => Some((Act::RemoteLogin, vec![Trait::Telnet])),
        _ if matches!(
            base(program),
            b"in.rshd" | b"rshd" | b"in.rlogind" | b"in.rexecd"
        ) =>
        {
            Some((Act::RemoteLogin, vec![Trait::NoLogin]))
        }
        _ => None,
    }
}

fn sshd(words: &[&[u8]], _: &[u8]) -> Line {
    let [key, value, ..] = words else { return None };
    let is = |name: &str| {
        key.eq_ignore_ascii_case(name.as_bytes()) && value.eq_ignore_ascii_case(b"yes")
    };
    if is("PermitRootLogin") {
        return Some((Act::Setting, vec![Trait::RootLogin], None));
    }
    is("PermitEmptyPasswords").then(|| (Act::Setting, vec![Trait::EmptyPassword], None))
}

fn snmpd(words: &[&[u8]], _: &[u8]) -> Line {
    let [key, community, ..] = words else {
        return None;
    };
    let writes = matches!(*key, b"rwcommunity" | b"rwcommunity6");
    let known = matches!(*key, b"rocommunity" | b"rocommunity6")
        && matches!(*community, b"public" | b"private")
        && words.len() == 2;
    if writes {
        return Some((
            Act::Setting,
            vec![Trait::Everybody],
            Some("rwcommunity ***: who knows the name may change settings"),
        ));
    }
    known.then(|| {
        (
            Act::Setting,
            vec![Trait::Everybody],
            Some("rocommunity with the usual name, for everybody"),
        )
    })
}

fn ftpd(_: &[&[u8]], line: &[u8]) -> Line {
    let text: Vec<u8> = line
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase)
        .collect();
    let open = matches!(
        text.as_slice(),
        b"anon_upload_enable=yes" | b"anon_other_write_enable=yes"
    );
    open.then(|| (Act::Setting, vec![Trait::Everybody], None))
}

/// `id:runlevels:action:process`: a shell that asks for no login.
fn inittab(_: &[&[u8]], line: &[u8]) -> Line {
    let mut fields = line.splitn(4, |&byte| byte == b':').skip(2);
    let (action, process) = (fields.next()?, fields.next()?);
    let program = process.split(|&byte| byte == b' ').next()?;
    let program = program.strip_prefix(b"-").unwrap_or(program);
    let shell = matches!(base(program), b"sh" | b"ash" | b"bash");
    let is_alone = process.len() <= program.len().saturating_add(4);
    let starts = matches!(action, b"respawn" | b"askfirst" | b"sysinit" | b"once");
    (starts && shell && is_alone).then(|| (Act::Setting, vec![Trait::NoLogin, Trait::Shell], None))
}
