//! Specifications of mtree: `mtree -c` of NetBSD and FreeBSD, `bsdtar --format=mtree`.
//!
//! mtree(5) of NetBSD and of libarchive. Read are `/set`, `/unset`, relative entries with their `..`, full paths, continued
//! lines, and the keywords of [`Stated`]; what other keywords say is not taken, and told.

use std::collections::BTreeSet;

use super::super::model::{ExpectedNode, Kind};
use super::NotImported;
use super::tree::{Meta, Tree, sha256};
use super::vis::unvis;
use crate::digest::Digest;
use crate::entry::{Device, EntryPath};
use crate::place::escape;

/// How deep relative entries may be nested.
const DEEPEST: usize = 1024;

/// What `/set` or an entry states.
#[derive(Clone, Default)]
struct Stated {
    kind: Option<Kind>,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    size: Option<u64>,
    link: Option<Vec<u8>>,
    device: Option<Device>,
    sha256: Option<Digest>,
}

struct Reader<'a> {
    tree: Tree<'a>,
    set: Stated,
    /// The directories that relative entries are in.
    folders: Vec<EntryPath>,
    /// Keywords that were passed over.
    passed: BTreeSet<String>,
}

/// Takes every entry.
pub(super) fn read<'a>(bytes: &[u8], tree: Tree<'a>) -> Result<Tree<'a>, NotImported> {
    let mut reader = Reader {
        tree,
        set: Stated::default(),
        folders: Vec::new(),
        passed: BTreeSet::new(),
    };
    for (line, text) in logical(bytes) {
        let read = reader.line(&text);
        read.map_err(|error| NotImported::on(line, error.what))?;
    }
    let mut tree = reader.tree;
    if !reader.passed.is_empty() {
        let words = reader.passed.into_iter().collect::<Vec<_>>().join(", ");
        tree.notes.push(format!("not taken from the list: {words}"));
    }
    Ok(tree)
}

/// Lines with their numbers; one that ends in a backslash goes on in the next.
fn logical(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let slashes = line.iter().rev().take_while(|byte| **byte == b'\\').count();
        let odd = slashes % 2 == 1;
        let text = line.strip_suffix(b"\\").filter(|_| odd).unwrap_or(line);
        match lines.last_mut() {
            Some((_, last)) if goes_on => {
                last.push(b' ');
                last.extend_from_slice(text);
            }
            _ => lines.push((index.saturating_add(1), text.to_vec())),
        }
        goes_on = odd;
    }
    lines
}

impl Reader<'_> {
    fn line(&mut self, text: &[u8]) -> Result<(), NotImported> {
        let mut words = text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let Some(name) = words.next() else {
            return Ok(());
        };
        match name {
            [b'#', ..] => Ok(()),
            b"/set" => {
                let mut set = std::mem::take(&mut self.set);
                let read = words.try_for_each(|word| self.keyword(word, &mut set));
                self.set = set;
                read
            }
            b"/unset" => {
                words.for_each(|word| self.unset(word));
                Ok(())
            }
            b".." => match self.folders.pop() {
                Some(_) => Ok(()),
                None => Err(NotImported::whole("`..` goes above the tree")),
            },
            name => {
                let mut stated = self.set.clone();
                words.try_for_each(|word| self.keyword(word, &mut stated))?;
                self.entry(name, &stated)
            }
        }
    }

    fn unset(&mut self, word: &[u8]) {
        match word {
            b"all" => self.set = Stated::default(),
            b"type" => self.set.kind = None,
            b"mode" => self.set.mode = None,
            b"uid" => self.set.uid = None,
            b"gid" => self.set.gid = None,
            b"size" => self.set.size = None,
            b"link" => self.set.link = None,
            b"device" => self.set.device = None,
            b"sha256" | b"sha256digest" => self.set.sha256 = None,
            _ => {}
        }
    }

    fn keyword(&mut self, word: &[u8], stated: &mut Stated) -> Result<(), NotImported> {
        let (key, value) = match word.iter().position(|&byte| byte == b'=') {
            Some(at) => word.split_at_checked(at).unwrap_or((word, b"")),
            None => (word, &b""[..]),
        };
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let text = str::from_utf8(value).unwrap_or_default();
        let wrong = || NotImported::whole(format!("`{}` cannot be read", escape(word)));
        match key {
            b"type" => stated.kind = Some(kind(text).ok_or_else(wrong)?),
            b"mode" => {
                let mode = u32::from_str_radix(text, 8).ok();
                stated.mode = Some(mode.filter(|mode| *mode <= 0o7777).ok_or_else(wrong)?);
            }
            b"uid" => stated.uid = Some(text.parse().ok().ok_or_else(wrong)?),
            b"gid" => stated.gid = Some(text.parse().ok().ok_or_else(wrong)?),
            b"size" => stated.size = Some(text.parse().ok().ok_or_else(wrong)?),
            b"link" => stated.link = Some(unvis(value).ok_or_else(wrong)?),
            b"device" => stated.device = Some(device(text).ok_or_else(wrong)?),
            b"sha256" | b"sha256digest" => stated.sha256 = Some(sha256(text).ok_or_else(wrong)?),
            _ => {
                if self.passed.len() < 64 {
                    self.passed.insert(escape(key));
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, name: &[u8], stated: &Stated) -> Result<(), NotImported> {
        let plain = unvis(name).ok_or_else(|| {
            NotImported::whole(format!(
                "`{}` has an escape that nobody writes",
                escape(name)
            ))
        })?;
        let relative = !name.contains(&b'/');
        let root = EntryPath::root();
        let full = match self.folders.last() {
            Some(folder) if relative => [folder.as_bytes(), b"/", &plain].concat(),
            _ if relative => [b"/", &plain[..]].concat(),
            _ => [b"/", plain.strip_prefix(b"/").unwrap_or(&plain)].concat(),
        };
        let Some(kind) = stated.kind else {
            self.tree
                .left_out
                .push(format!("{}: no type is stated", escape(&plain)));
            return Ok(());
        };
        if relative && plain.contains(&b'/') {
            return Err(NotImported::whole("a name has an escaped slash in it"));
        }
        if relative && kind == Kind::Dir {
            if self.folders.len() >= DEEPEST {
                return Err(NotImported::whole(format!(
                    "it is nested more than {DEEPEST} deep"
                )));
            }
            // The root is where relative entries start; leaving it is no step up.
            let folder = if plain == b"." {
                root
            } else {
                EntryPath::new(&full)
            };
            self.folders.push(folder);
        }
        let Some(node) = node(kind, stated) else {
            let what = match kind {
                Kind::File => "no sha256",
                Kind::Symlink => "no target",
                _ => "no device number",
            };
            self.tree
                .left_out
                .push(format!("{}: {what} is stated", escape(&plain)));
            return Ok(());
        };
        let meta = Meta {
            node,
            mode: stated.mode,
            uid: stated.uid,
            gid: stated.gid,
        };
        self.tree.add(&full, meta)
    }
}

fn node(kind: Kind, stated: &Stated) -> Option<ExpectedNode> {
    Some(match kind {
        Kind::File => ExpectedNode::File {
            size: stated.size,
            sha256: stated.sha256?,
        },
        Kind::Dir => ExpectedNode::Dir,
        Kind::Symlink => ExpectedNode::Symlink(stated.link.clone()?),
        Kind::Char => ExpectedNode::Char(stated.device?),
        Kind::Block => ExpectedNode::Block(stated.device?),
        Kind::Fifo => ExpectedNode::Fifo,
        Kind::Socket => ExpectedNode::Socket,
    })
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "file" => Kind::File,
        "dir" => Kind::Dir,
        "link" => Kind::Symlink,
        "char" => Kind::Char,
        "block" => Kind::Block,
        "fifo" => Kind::Fifo,
        "socket" => Kind::Socket,
        _ => return None,
    })
}

/// `linux,MAJOR,MINOR` with any maker's name in front, or the number as Linux and NetBSD store it.
fn device(text: &str) -> Option<Device> {
    if let Some((_, numbers)) = text.split_once(',') {
        let (major, minor) = numbers.split_once(',')?;
        return Some(Device {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        });
    }
    let number: u32 = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    Some(Device {
        major: (number >> 8) & 0xfff,
        minor: (number & 0xff) | ((number >> 12) & 0xf_ff00),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers_are_those_of_linux() {
        let of = |text| device(text).map(|device| (device.major, device.minor));
        assert_eq!(of("0x501"), Some((5, 1)));
        assert_eq!(of("0x1f00"), Some((31, 0)));
        assert_eq!(of("native,31,7"), Some((31, 7)));
        // makedev(259, 70000) of Linux.
        assert_eq!(of("0x11110370"), Some((0x103, 0x1_1170)));
        for wrong in ["", "0x", "5,", "a,b,c", "bsdos,1,2,3", "4294967296"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
