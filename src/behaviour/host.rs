//! Hosts that arguments and settings name.

use super::act::Trait;
use crate::facts::address;
use crate::facts::script::Argument;

/// A host as a text names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host<'a> {
    pub(super) name: &'a [u8],
    /// What stands behind it: a path, a share.
    pub(super) path: &'a [u8],
}

/// The host of a URL (`scheme://user@host:port/path`).
pub(super) fn of_url(text: &[u8]) -> Option<Host<'_>> {
    let at = memchr::memmem::find(text, b"://")?;
    let rest = text.get(at.saturating_add(3)..)?;
    Some(of_authority(rest))
}

/// The host of `user@host:port/path`.
pub(super) fn of_authority(text: &[u8]) -> Host<'_> {
    let end = text
        .iter()
        .position(|&byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(text.len());
    let (authority, path) = text.split_at_checked(end).unwrap_or_default();
    let host = authority
        .rsplit(|&byte| byte == b'@')
        .next()
        .unwrap_or_default();
    let end = if host.starts_with(b"[") {
        memchr::memchr(b']', host).map(|at| at.saturating_add(1))
    } else {
        memchr::memchr(b':', host)
    };
    let name = host.get(..end.unwrap_or(host.len())).unwrap_or_default();
    Host { name, path }
}

/// The host of `user@host:path` or `//host/share`; `None` for what names a local file.
pub(super) fn of_remote(text: &[u8]) -> Option<Host<'_>> {
    if let Some(share) = text
        .strip_prefix(b"//")
        .or_else(|| text.strip_prefix(b"\\\\"))
    {
        let end = share
            .iter()
            .position(|&byte| matches!(byte, b'/' | b'\\'))?;
        let (name, path) = share.split_at_checked(end)?;
        return Some(Host { name, path });
    }
    let end = if text.starts_with(b"[") {
        memchr::memchr(b']', text)?.checked_add(1)?
    } else {
        memchr::memchr(b':', text)?
    };
    let (host, path) = text.split_at_checked(end)?;
    let path = path.strip_prefix(b":")?;
    if host.contains(&b'/') || host.is_empty() {
        return None;
    }
    let name = host.rsplit(|&byte| byte == b'@').next()?;
    Some(Host { name, path })
}

/// What is known of where a host is.
pub(super) fn class(name: &[u8]) -> Trait {
    if name.is_empty()
        || name
            .iter()
            .any(|&byte| matches!(byte, b'$' | b'`' | b'%' | b'<' | b'@' | b'{'))
    {
        return Trait::HostUnknown;
    }
    if let Some(address) = address::parse(name) {
        return if address.is_loopback() || address.is_unspecified() {
            Trait::Loopback
        } else if address::is_public(address) {
            Trait::Public
        } else {
            Trait::Private
        };
    }
    if name.eq_ignore_ascii_case(b"localhost") {
        return Trait::Loopback;
    }
    Trait::Named
}

/// The class of the host in an argument that is a URL, a remote path or a bare host.
pub(super) fn class_of(argument: &Argument) -> Trait {
    let text = argument.text.as_slice();
    let host = of_url(text).or_else(|| of_remote(text));
    class(host.map_or_else(|| of_authority(text).name, |host| host.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, expected) in [
            ("http://u:p@202.114.4.119:80/x", Trait::Public),
            ("tftp://10.0.0.1/x", Trait::Private),
            ("ftp://updates.example.com/x", Trait::Named),
            ("https://$HOST/x", Trait::HostUnknown),
            ("http://localhost:8080", Trait::Loopback),
            ("202.114.4.119:/pm", Trait::Public),
            ("//202.114.4.119/share", Trait::Public),
            ("user@192.168.1.2:/x", Trait::Private),
            ("[2606:4700::1]:/x", Trait::Public),
            ("8.8.8.8", Trait::Public),
            ("3396469879", Trait::Public),
        ] {
            assert_eq!(class_of(&Argument::new(text)), expected, "{text}");
        }
        assert_eq!(of_remote(b"/mnt/a:b"), None);
        assert_eq!(of_remote(b"/dev/sda1"), None);
    }
}
