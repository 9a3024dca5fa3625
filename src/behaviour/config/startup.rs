//! What runs when the device starts, at a time, or when something is plugged in.

use super::line::{base, lines, words};
use crate::behaviour::paths;

/// When a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum When {
    /// At the start, at a login, or at a time.
    Start,
    /// When a device is plugged in.
    Plugged,
}

/// A command that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Command {
    /// The line, from 1.
    pub(in super::super) line: u32,
    /// As a shell reads it.
    pub(in super::super) text: Vec<u8>,
    pub(in super::super) when: When,
}

/// Reads the command of a line.
type Reads = fn(&[u8]) -> Option<Vec<u8>>;

/// The commands that a configuration at a path names.
pub(in super::super) fn commands(path: &[u8], text: &[u8]) -> Vec<Command> {
    let below = |folder: &[u8]| paths::is_below(path, folder);
    let name = base(path);
    let (read, when): (Reads, When) = match name {
        b"inittab" => (inittab, When::Start),
        b"mdev.conf" => (mdev, When::Plugged),
        b"crontab" => (system_cron, When::Start),
        _ if below(b"/etc/cron.d") => (system_cron, When::Start),
        _ if below(b"/var/spool/cron") || below(b"/etc/crontabs") => (cron, When::Start),
        _ if name.ends_with(b".service") => (unit, When::Start),
        _ if name.ends_with(b".rules") && memchr::memmem::find(path, b"udev").is_some() => {
            (udev, When::Plugged)
        }
        _ => return Vec::new(),
    };
    let all = lines(text).filter_map(|(line, row)| {
        let text = read(row)?;
        Some(Command { line, text, when })
    });
    all.take(1000).collect()
}

fn inittab(line: &[u8]) -> Option<Vec<u8>> {
    let mut fields = line.splitn(4, |&byte| byte == b':').skip(2);
    let (action, process) = (fields.next()?, fields.next()?);
    let at_start = matches!(
        action,
        b"sysinit"
            | b"respawn"
            | b"askfirst"
            | b"once"
            | b"wait"
            | b"boot"
            | b"bootwait"
            | b"initdefault"
            | b"ondemand"
    );
    let process = process.strip_prefix(b"-").unwrap_or(process);
    (at_start && !process.is_empty()).then(|| process.to_vec())
}

/// `ExecStart=` and its like; signs before the path change how it is run, not what.
fn unit(line: &[u8]) -> Option<Vec<u8>> {
    let (key, value) = line.split_at_checked(memchr::memchr(b'=', line)?)?;
    let starts = matches!(
        key.trim_ascii(),
        b"ExecStart" | b"ExecStartPre" | b"ExecStartPost" | b"ExecReload"
    );
    let value = value.get(1..)?.trim_ascii_start();
    let from = value
        .iter()
        .position(|byte| !matches!(byte, b'-' | b'@' | b'+' | b'!' | b':' | b'|'))?;
    starts.then(|| value.get(from..).unwrap_or_default().to_vec())
}

fn cron(line: &[u8]) -> Option<Vec<u8>> {
    after_time(line, 0)
}

fn system_cron(line: &[u8]) -> Option<Vec<u8>> {
    after_time(line, 1)
}

/// What follows the five fields of a time (or `@reboot` and the like) and so many more.
fn after_time(line: &[u8], more: usize) -> Option<Vec<u8>> {
    let first = *line.first()?;
    let fields: usize = match first {
        b'@' => 1,
        b'*' | b'0'..=b'9' => 5,
        _ => return None,
    };
    let words = words(line);
    let command = words.get(fields.saturating_add(more)..)?;
    (!command.is_empty()).then(|| command.join(&b' '))
}

/// `RUN+="command"`; what the kernel says of the device is not known.
fn udev(line: &[u8]) -> Option<Vec<u8>> {
    let at = memchr::memmem::find(line, b"RUN")?;
    let rest = line.get(at..)?;
    let open = memchr::memchr(b'"', rest)?.checked_add(1)?;
    let rest = rest.get(open..)?;
    let command = rest.get(..memchr::memchr(b'"', rest)?)?;
    Some(
        command
            .iter()
            .map(|&byte| if byte == b'%' { b'$' } else { byte })
            .collect(),
    )
}

/// `pattern user:group mode [>=name] [@|$|*command]`
fn mdev(line: &[u8]) -> Option<Vec<u8>> {
    let words = words(line);
    let at = words
        .iter()
        .skip(3)
        .position(|word| matches!(word.first(), Some(b'@' | b'$' | b'*')))?;
    let command = words.get(at.checked_add(3)?..)?;
    command.join(&b' ').get(1..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_configurations() {
        for (path, line, expected) in [
            (
                "/etc/inittab",
                "::sysinit:/etc/init.d/rcS",
                "/etc/init.d/rcS",
            ),
            ("/etc/inittab", "tty1::askfirst:-/bin/sh", "/bin/sh"),
            (
                "/etc/systemd/system/a.service",
                "ExecStart=-/opt/x --y",
                "/opt/x --y",
            ),
            ("/etc/crontab", "*/5 * * * * root /opt/x y", "/opt/x y"),
            ("/var/spool/cron/crontabs/root", "@reboot /opt/x", "/opt/x"),
            (
                "/etc/udev/rules.d/9.rules",
                "ACTION==\"add\", RUN+=\"/etc/usb.sh %k\"",
                "/etc/usb.sh $k",
            ),
            (
                "/etc/mdev.conf",
                "sd[a-z]1 root:disk 0660 */etc/usb.sh",
                "/etc/usb.sh",
            ),
        ] {
            let found = commands(path.as_bytes(), line.as_bytes());
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(found[0].text, expected.as_bytes());
        }
        assert!(commands(b"/etc/inittab", b"::ctrlaltdel:/sbin/reboot").is_empty());
        assert!(commands(b"/etc/crontab", b"SHELL=/bin/sh").is_empty());
    }
}
