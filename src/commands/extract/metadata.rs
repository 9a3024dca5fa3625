//! What a format stores about an entry, given to the file that was written.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};

use crate::entry::{Device, Meta, Node};
use crate::place::escape;
use crate::report::extracted::{Lost, NOT_ASKED};

/// Rights that a program has by its file's owner and group.
const SETUID: u32 = 0o6000;

/// Rights that a program has by an attribute of its file.
const CAPABILITY: &[u8] = b"security.capability";

/// What somebody asked to keep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    /// Owners, groups, exact modes, times, attributes, hard links.
    pub(super) preserve: bool,
    /// What gives a program other rights than those of whoever runs it.
    pub(super) setuid: bool,
    /// Device nodes, pipes and sockets.
    pub(super) devices: bool,
}

impl Wish {
    /// What is lost of all files because nobody asked for it.
    pub(super) fn not_kept(self) -> Vec<&'static str> {
        let mut not_kept = Vec::new();
        if !self.preserve {
            not_kept.extend([
                "owners and groups",
                "times",
                "extended attributes",
                "modes of folders, and modes under which a file could not be read and written",
                "hard links: each name is a file of its own",
            ]);
        }
        if !self.setuid {
            not_kept.push("setuid and setgid bits, and file capabilities");
        }
        if !self.devices {
            not_kept.push("device nodes, pipes and sockets");
        }
        not_kept
    }
}

fn lost(what: &'static str, why: &impl ToString) -> Lost {
    Lost {
        what,
        why: why.to_string(),
    }
}

/// Gives a file or folder that is open what is stored about it; yields what could not be given. The order matters: a change of owner takes
/// rights away.
pub(super) fn give(to: &File, meta: &Meta, is_folder: bool, wish: Wish) -> Vec<Lost> {
    let mut missing = Vec::new();
    if wish.preserve {
        let owner = (meta.uid.map(Uid::from_raw), meta.gid.map(Gid::from_raw));
        if owner != (None, None)
            && let Err(error) = rustix::fs::fchown(to, owner.0, owner.1)
        {
            missing.push(lost("owner", &error));
        }
        for (name, value) in &meta.xattrs {
            if let Err(why) = attribute(name, wish, |name| {
                rustix::fs::fsetxattr(to, name, value, XattrFlags::empty())
            }) {
                missing.push(lost("xattr", &why));
            }
        }
    }
    if !is_folder || wish.preserve {
        let (mode, taken) = mode(meta, is_folder, wish);
        if taken {
            missing.push(lost("setuid", &NOT_ASKED));
        }
        if let Err(error) = rustix::fs::fchmod(to, Mode::from_raw_mode(mode)) {
            missing.push(lost("mode", &error));
        }
    }
    if let (true, Some(seconds)) = (wish.preserve, meta.mtime)
        && let Err(error) = rustix::fs::futimens(to, &times(seconds))
    {
        missing.push(lost("mtime", &error));
    }
    missing
}

/// The mode that a file gets, and whether it had a right that it does not get.
fn mode(meta: &Meta, is_folder: bool, wish: Wish) -> (u32, bool) {
    let stored = meta.mode.unwrap_or(if is_folder { 0o755 } else { 0o644 });
    let mut mode = stored & 0o7777;
    // Of a folder, the bit says which group new files get: no program gains anything by it.
    let rights = if is_folder { 0 } else { SETUID };
    let taken = !wish.setuid && mode & rights != 0;
    if taken {
        mode &= !rights;
    }
    if !wish.preserve {
        mode = mode & (0o777 | SETUID) | 0o600;
    }
    (mode, taken)
}

/// Gives an attribute; else says why not.
fn attribute(
    name: &[u8],
    wish: Wish,
    set: impl FnOnce(&CString) -> rustix::io::Result<()>,
) -> Result<(), String> {
    let why = |why: &str| format!("{}: {why}", escape(name));
    if name == CAPABILITY && !wish.setuid {
        return Err(why(NOT_ASKED));
    }
    let name = CString::new(name).map_err(|error| why(&error.to_string()))?;
    set(&name).map_err(|error| why(&error.to_string()))
}

fn times(seconds: i64) -> Timestamps {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

/// The same for what cannot be opened: a link, a device node. It is not followed.
pub(super) fn give_unopened(above: &OwnedFd, name: &str, meta: &Meta, wish: Wish) -> Vec<Lost> {
    let mut missing = Vec::new();
    if !wish.preserve {
        return missing;
    }
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let owner = (meta.uid.map(Uid::from_raw), meta.gid.map(Gid::from_raw));
    if owner != (None, None)
        && let Err(error) = rustix::fs::chownat(above, name, owner.0, owner.1, flags)
    {
        missing.push(lost("owner", &error));
    }
    // There is no call that takes a folder and a name; what the folder is by its number leads nowhere else.
    let path = format!("/proc/self/fd/{}/{name}", above.as_raw_fd());
    for (name, value) in &meta.xattrs {
        if let Err(why) = attribute(name, wish, |name| {
            rustix::fs::lsetxattr(&path, name, value, XattrFlags::empty())
        }) {
            missing.push(lost("xattr", &why));
        }
    }
    if let Some(seconds) = meta.mtime
        && let Err(error) = rustix::fs::utimensat(above, name, &times(seconds), flags)
    {
        missing.push(lost("mtime", &error));
    }
    missing
}

/// Makes a device node, a pipe or a socket, with its mode.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn make(above: &OwnedFd, name: &str, node: &Node, meta: &Meta) -> io::Result<()> {
    use rustix::fs::FileType;
    let (kind, device) = match node {
        Node::Char(device) => (FileType::CharacterDevice, Some(device)),
        Node::Block(device) => (FileType::BlockDevice, Some(device)),
        Node::Fifo => (FileType::Fifo, None),
        _ => (FileType::Socket, None),
    };
    let number = device.map_or(0, |Device { major, minor }| {
        rustix::fs::makedev(*major, *minor)
    });
    let mode = Mode::from_raw_mode(meta.mode.unwrap_or(0o600) & 0o777);
    // Nothing else makes a file meanwhile whose mode would matter.
    let mask = rustix::process::umask(Mode::empty());
    let done = rustix::fs::mknodat(above, name, kind, mode, number);
    rustix::process::umask(mask);
    Ok(done?)
}

/// There is no call for it.
#[cfg(target_vendor = "apple")]
pub(super) fn make(_above: &OwnedFd, _name: &str, _node: &Node, _meta: &Meta) -> io::Result<()> {
    let told = "device nodes, pipes and sockets are not made on this system";
    Err(io::Error::other(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_kept_only_where_they_are_asked_for() {
        let meta = |mode| Meta {
            mode: Some(mode),
            ..Meta::default()
        };
        let (plain, preserve, setuid) = (
            Wish::default(),
            Wish {
                preserve: true,
                ..Wish::default()
            },
            Wish {
                setuid: true,
                preserve: true,
                devices: false,
            },
        );
        for (stored, is_folder, wish, expected) in [
            (0o4755, false, plain, (0o755, true)),
            (0o2711, false, preserve, (0o711, true)),
            (0o6711, false, setuid, (0o6711, false)),
            (0o400, false, plain, (0o600, false)),
            (0o400, false, preserve, (0o400, false)),
            (0o1644, false, preserve, (0o1644, false)),
            (0o1777, true, preserve, (0o1777, false)),
            (0o2775, true, preserve, (0o2775, false)),
        ] {
            let told = mode(&meta(stored), is_folder, wish);
            assert_eq!(told, expected, "{stored:o} {wish:?}");
        }
        assert_eq!(mode(&Meta::default(), false, preserve), (0o644, false));
    }
}
