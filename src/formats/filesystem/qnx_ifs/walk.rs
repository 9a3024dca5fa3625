//! The directory entries, one after another, each with its full path.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{ATTRIBUTES, Header, SUM};
use crate::entry::{Device, Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::Role;
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::stored::Damaged;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// Adds every entry.
pub(super) fn walk(region: &Bytes, header: &Header, harvest: &mut Harvest<'_>) {
    let mut shared: BTreeMap<(u64, u64), File> = BTreeMap::new();
    let mut at = header.directory;
    while at < header.directory_end {
        let head = clip(region, at, ATTRIBUTES);
        let fields = Fields::new(&head, header.endian);
        let Some(len) = fields.u16(0).map(u64::from) else {
            harvest.tell(Problem::corrupt("the directory is cut off").at(at));
            return;
        };
        if len == 0 {
            // The end mark, filled up to a word.
            let left = header.directory_end.saturating_sub(at).min(4);
            let mark = clip(region, at, left);
            harvest.account.padded(at, &mark, 2, 0);
            return;
        }
        let raw = cut(region, at, len)
            .filter(|_| len >= ATTRIBUTES && at.saturating_add(len) <= header.directory_end);
        let Some(raw) = raw else {
            let detail = format!("a directory entry of {len} bytes, and no more are read");
            harvest.tell(Problem::corrupt(detail).at(at));
            return;
        };
        let record = Record {
            raw: &raw,
            fields: Fields::new(&raw, header.endian),
            at,
        };
        match record.read(region, header, &mut shared, harvest) {
            Some(true) => {}
            Some(false) => return,
            None => {
                let detail = "a directory entry that does not hold its own fields";
                harvest.tell(Problem::corrupt(detail).at(at));
            }
        }
        at = at.saturating_add(len);
    }
}

/// One directory entry.
struct Record<'a> {
    raw: &'a Bytes,
    fields: Fields<'a>,
    /// Where it stands, in bytes from the region's start.
    at: u64,
}

impl Record<'_> {
    /// Adds the entry; whether the walk may go on, `None` where the record is damaged.
    fn read(
        &self,
        region: &Bytes,
        header: &Header,
        shared: &mut BTreeMap<(u64, u64), File>,
        harvest: &mut Harvest<'_>,
    ) -> Option<bool> {
        let fields = &self.fields;
        if fields.u32(4)? == 0 {
            // An entry that is not in use; what it says of a file that was is left unexplained.
            harvest.account.metadata(self.at, 8);
            return Some(true);
        }
        let mode = fields.u32(8)?;
        let kind = mode & 0o170_000;
        let name_at = if kind == 0o040_000 {
            24
        } else if kind == 0o120_000 {
            28
        } else {
            32
        };
        let name = self.text(name_at)?;
        let path = EntryPath::new(name);
        if let Some(problem) = name_problem(name, &path) {
            harvest.tell(problem);
        }
        let mut used = name_at.saturating_add(name.len()).saturating_add(1);
        let node = match kind {
            0o100_000 => {
                let (offset, size) = (fields.u32(24)?.into(), fields.u32(28)?.into());
                let file = shared
                    .entry((offset, size))
                    .or_insert_with(|| content(region, header, offset, size, &path, harvest));
                Node::File(file.clone())
            }
            0o040_000 => Node::Dir,
            0o120_000 => {
                let start = name_at.checked_add(fields.u16(24)?.into())?;
                let len: usize = fields.u16(26)?.into();
                let target = fields.slice(start, len)?;
                used = used.max(start.checked_add(len)?.checked_add(1)?);
                Node::Symlink(target.to_vec())
            }
            0o020_000 => Node::Char(self.device()?),
            0o060_000 => Node::Block(self.device()?),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            _ => {
                let detail = format!("mode {mode:o} is no type of file that is read");
                harvest.tell(Problem::unsupported(detail).at(self.at).about(&path));
                return Some(true);
            }
        };
        let used = u64::try_from(used).unwrap_or(u64::MAX);
        harvest.account.padded(self.at, self.raw, used, 0);
        if fields.u16(2)? != 0 {
            let detail = "the extended attributes of an entry are not read";
            harvest.tell(Problem::unsupported(detail).at(self.at).about(&path));
        }
        let meta = Meta {
            mode: Some(mode & 0o7777),
            gid: Some(fields.u32(12)?),
            uid: Some(fields.u32(16)?),
            mtime: Some(fields.u32(20)?.into()),
            ..Meta::default()
        };
        Some(harvest.add(Entry { path, node, meta }))
    }

    /// The text at `at` up to its zero byte.
    fn text(&self, at: usize) -> Option<&[u8]> {
        let room = self.fields.tail(at)?;
        room.get(..memchr::memchr(0, room)?)
    }

    /// The numbers of a device: above them stands that of the node of a network.
    fn device(&self) -> Option<Device> {
        let number = self.fields.u32(28)?;
        Some(Device {
            major: number >> 10 & 0x3f,
            minor: number & 0x3ff,
        })
    }
}

/// The content of `size` bytes at `offset`, behind the directory and in front of the sum.
fn content(
    region: &Bytes,
    header: &Header,
    offset: u64,
    size: u64,
    path: &EntryPath,
    harvest: &mut Harvest<'_>,
) -> File {
    let end = header.len.saturating_sub(SUM);
    let fits = size == 0
        || offset >= header.directory_end
            && offset.checked_add(size).is_some_and(|last| last <= end);
    let (there, problem) = if fits {
        let there = clip(region, offset, size);
        let problem = (length(&there) < size).then(|| Problem::corrupt("the content is cut off"));
        (there, problem)
    } else {
        let detail = format!("{size} bytes at {offset} are not all inside the image");
        (Bytes::new(), Some(Problem::corrupt(detail)))
    };
    harvest.account.name(offset, length(&there), Role::Content);
    match problem {
        None => File::stored(there),
        Some(problem) => File {
            size,
            data: Arc::new(Damaged {
                bytes: there.slice(..there.len().min(index(size))),
                problem: problem.about(path),
            }),
        },
    }
}
