//! What paths are for.

/// A path with `//`, `/./` and `/../` resolved by their text; what is not known in it stays.
pub(super) fn normal(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut normal = Vec::with_capacity(path.len());
    if path.first() == Some(&b'/') {
        normal.push(b'/');
    }
    normal.extend(parts.join(&b'/'));
    normal
}

/// Whether a path is a folder or lies below it.
pub(super) fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| {
        rest.is_empty() || rest.first() == Some(&b'/') || folder.ends_with(b"/")
    })
}

fn is_below_any(path: &[u8], folders: &[&str]) -> bool {
    folders
        .iter()
        .any(|folder| is_below(path, folder.as_bytes()))
}

/// Folders that everybody may write to, and that are often empty after a restart.
pub(super) fn is_temporary(path: &[u8]) -> bool {
    is_below_any(
        path,
        &["/tmp", "/var/tmp", "/dev/shm", "/run/shm", "/var/volatile"],
    )
}

/// Where media and shares are mounted.
pub(super) fn is_medium(path: &[u8]) -> bool {
    is_below_any(
        path,
        &[
            "/mnt",
            "/media",
            "/run/media",
            "/udisk",
            "/usb",
            "/sdcard",
            "/mmc",
            "/Volumes",
        ],
    )
}

/// A device that is a medium which can be plugged in.
pub(super) fn is_medium_device(path: &[u8]) -> bool {
    path.starts_with(b"/dev/sd") || path.starts_with(b"/dev/mmcblk") || is_below(path, b"/dev/disk")
}

/// Raw flash: whoever writes it replaces programs whatever their names.
fn is_flash(path: &[u8]) -> bool {
    path.starts_with(b"/dev/mtd") || path.starts_with(b"/dev/ubi")
}

/// Where programs, libraries and what starts them stand.
pub(super) fn is_code(path: &[u8]) -> bool {
    if is_temporary(path) || is_medium(path) || is_below(path, b"/var/lib") {
        return false;
    }
    let folders = [
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/usr/bin",
        "/usr/sbin",
        "/usr/lib",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/local",
        "/opt",
        "/boot",
        "/system",
        "/app",
        "/firmware",
    ];
    let named = |part: &[u8]| matches!(part, b"bin" | b"sbin" | b"lib" | b"libexec");
    is_below_any(path, &folders)
        || is_flash(path)
        || is_start(path)
        || path == b"/"
        || path.first() == Some(&b'/') && path.split(|&byte| byte == b'/').any(named)
}

/// What is looked at when the device, a session or a timer starts.
pub(super) fn is_start(path: &[u8]) -> bool {
    let folders = [
        "/etc/init.d",
        "/etc/init",
        "/etc/inittab",
        "/etc/rc.local",
        "/etc/rc.d",
        "/etc/profile",
        "/etc/profile.d",
        "/etc/crontab",
        "/etc/crontabs",
        "/etc/cron.d",
        "/etc/cron.daily",
        "/etc/cron.hourly",
        "/etc/cron.weekly",
        "/etc/cron.monthly",
        "/var/spool/cron",
        "/etc/systemd/system",
        "/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/etc/udev/rules.d",
        "/lib/udev/rules.d",
        "/usr/lib/udev/rules.d",
        "/etc/mdev.conf",
        "/etc/xdg/autostart",
        "/etc/ld.so.preload",
        "/etc/bash.bashrc",
    ];
    if is_below_any(path, &folders) {
        return true;
    }
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let name = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    let is_runlevel = |part: &[u8]| {
        part.strip_prefix(b"rc")
            .and_then(|part| part.strip_suffix(b".d"))
            .is_some_and(|level| level.len() == 1)
    };
    path.first() == Some(&b'/')
        && (is_runlevel(folder)
            || is_runlevel(name)
            || folder == b"init.d"
            || name == b"init.d"
            || matches!(
                name,
                b"rcS" | b"rc.local" | b".profile" | b".bashrc" | b".bash_profile"
            ))
}

/// Where accounts stand.
pub(super) fn is_account(path: &[u8]) -> bool {
    let files = [
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/gshadow",
        "/etc/sudoers",
        "/etc/sudoers.d",
    ];
    is_below_any(path, &files)
}

/// What a device recorded: logs, waveforms, trends, patients.
pub(super) fn is_recorded(path: &[u8]) -> bool {
    let words: [&[u8]; 8] = [
        b"patient", b"wave", b"trend", b"ecg", b"spo2", b"nibp", b"alarm", b"hl7",
    ];
    let lower = path.to_ascii_lowercase();
    is_below(path, b"/var/log")
        || lower.ends_with(b".log")
        || words
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
}

/// Text about programs, which nothing runs.
pub fn is_documentation(path: &[u8]) -> bool {
    let folders = [
        "/usr/share/doc",
        "/usr/share/man",
        "/usr/share/info",
        "/usr/doc",
        "/usr/share/help",
        "/usr/share/gtk-doc",
    ];
    is_below_any(path, &folders)
        || path
            .split(|&byte| byte == b'/')
            .any(|part| part == b"examples" || part == b"doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(normal(b"/a//b/./../c/"), b"/a/c");
        assert_eq!(normal(b"a/../../b"), b"b");
        assert!(
            is_code(b"/opt/bin")
                && is_code(b"/home/x/bin/y")
                && is_code(b"/dev/mtd3")
                && is_code(b"/opt")
        );
        assert!(
            !is_code(b"/tmp/bin/x")
                && !is_code(b"/var/log")
                && !is_code(b"/etc/hosts")
                && !is_code(b"$X/bin")
        );
        assert!(
            is_start(b"/etc/rc3.d/S10x")
                && is_start(b"/opt/etc/init.d/S99")
                && !is_start(b"/etc/rc")
        );
        assert!(is_below(b"/mnt/x", b"/mnt") && !is_below(b"/mntx", b"/mnt"));
    }
}
