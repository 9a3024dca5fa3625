//! One member: what it is, and where its content comes from.

use std::sync::Arc;

use bytes::Bytes;

use super::extra::Extras;
use super::records::{Central, ENCRYPTED, Local, MASKED, Stated};
use crate::entry::{EntryPath, Fault, File, Meta, Node};
use crate::formats::archive::packed::{Check, Method, Packed, Restore, crc32, wrong_crc};
use crate::formats::stored::Damaged;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, clip, length};

/// The longest target of a link (bytes).
const TARGET: u64 = 64 << 10;

const UNIX: u8 = 3;
const MAC: u8 = 19;
const DIRECTORY_OF_DOS: u32 = 0x10;

const KINDS: u32 = 0o170_000;
const FIFO: u32 = 0o010_000;
const CHAR: u32 = 0o020_000;
const DIR: u32 = 0o040_000;
const BLOCK: u32 = 0o060_000;
const FILE: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const SOCKET: u32 = 0o140_000;

/// A member, as both its descriptions tell.
pub(super) struct Member<'a> {
    pub(super) stated: Stated,
    pub(super) name: &'a [u8],
    /// The extra fields of the local header and of the directory.
    pub(super) extras: [Option<Extras<'a>>; 2],
    /// The system that wrote it and the attributes that it gave, where the directory lists it.
    pub(super) attributes: Option<(u8, u32)>,
    /// Where its bytes start; `None` when they are not there.
    pub(super) body_at: Option<u64>,
    /// Where it is described, in bytes from the region's start.
    pub(super) at: u64,
}

impl<'a> Member<'a> {
    /// A member of the directory.
    pub(super) fn listed(central: &Central<'a>, local: Option<&Local<'a>>) -> Self {
        Self {
            stated: central.stated,
            name: central.name,
            extras: [local.map(|local| local.extras), Some(central.extras)],
            attributes: Some((central.system, central.attributes)),
            body_at: local.map(|local| local.body_at),
            at: central.at,
        }
    }

    /// A member that the directory does not list.
    pub(super) fn unlisted(local: &Local<'a>) -> Self {
        Self {
            stated: local.stated,
            name: local.name,
            extras: [Some(local.extras), None],
            attributes: None,
            body_at: Some(local.body_at),
            at: local.at,
        }
    }

    /// Its name as readers show it.
    pub(super) fn shown_name(&self) -> &'a [u8] {
        self.first(|extras| extras.unicode_path(self.name))
            .unwrap_or(self.name)
    }

    fn first<T>(&self, what: impl Fn(Extras<'a>) -> Option<T>) -> Option<T> {
        self.extras.iter().flatten().copied().find_map(what)
    }

    /// The type and permission bits of Unix; 0 where there are none.
    fn unix_mode(&self) -> u32 {
        match self.attributes {
            Some((UNIX | MAC, attributes)) => attributes >> 16,
            _ => 0,
        }
    }

    pub(super) fn meta(&self) -> Meta {
        let mode = self.unix_mode();
        let owners = self.first(Extras::owners);
        Meta {
            mode: (mode != 0).then_some(mode & 0o7777),
            uid: owners.map(|(uid, _)| uid),
            gid: owners.map(|(_, gid)| gid),
            mtime: self.first(Extras::mtime),
            ..Meta::default()
        }
    }

    pub(super) fn node(
        &self,
        region: &Bytes,
        path: &EntryPath,
        problems: &mut Vec<Problem>,
    ) -> Node {
        let of_dos = self
            .attributes
            .is_some_and(|(_, attributes)| attributes & DIRECTORY_OF_DOS != 0);
        let is_dir = self.name.ends_with(b"/") || of_dos && self.stated.size == 0;
        let told = |problem: Problem| problem.at(self.at).about(path);
        match self.unix_mode() & KINDS {
            SYMLINK => {
                let file = self.file(region, path, problems);
                match target(&file) {
                    Ok(target) => return Node::Symlink(target),
                    Err(problem) => problems.push(told(problem)),
                }
                Node::Symlink(Vec::new())
            }
            FIFO => Node::Fifo,
            SOCKET => Node::Socket,
            DIR => Node::Dir,
            kind @ (CHAR | BLOCK) => {
                let detail = format!("a device (type {kind:o}) whose numbers are not stored");
                problems.push(told(Problem::unsupported(detail)));
                Node::File(self.file(region, path, problems))
            }
            FILE => Node::File(self.file(region, path, problems)),
            _ if is_dir => Node::Dir,
            _ => Node::File(self.file(region, path, problems)),
        }
    }

    /// Whether it holds anything. Some writers store nothing in two bytes.
    pub(super) fn holds_something(&self, region: &Bytes, path: &EntryPath) -> bool {
        let file = || self.file(region, path, &mut Vec::new());
        self.stated.stored > 0 && !target(&file()).is_ok_and(|content| content.is_empty())
    }

    /// Its content, read when it is wanted.
    fn file(&self, region: &Bytes, path: &EntryPath, problems: &mut Vec<Problem>) -> File {
        let Stated { size, stored, .. } = self.stated;
        let mut told = |problem: Problem| {
            let problem = problem.at(self.at).about(path);
            problems.push(problem.clone());
            problem
        };
        let body = clip(region, self.body_at.unwrap_or(u64::MAX), stored);
        let unread = |problem| File {
            size,
            data: Arc::new(Damaged {
                bytes: Bytes::new(),
                problem,
            }),
        };
        if let Some(problem) = self.encryption() {
            return unread(told(problem));
        }
        if self.body_at.is_none() {
            return unread(told(Problem::corrupt("the member's bytes are not there")));
        }
        let method = match self.method(&body) {
            Ok(method) => method,
            Err(problem) => return unread(told(problem)),
        };
        if length(&body) < stored || method.is_none() && stored != size {
            let detail = format!("{} of {stored} stored bytes are there", body.len());
            let problem = told(Problem::corrupt(detail));
            let bytes = if method.is_none() { body } else { Bytes::new() };
            let data = Arc::new(Damaged { bytes, problem });
            return File { size, data };
        }
        let Some((method, skipped)) = method else {
            let computed = crc32(&body);
            if computed != self.stated.crc {
                told(wrong_crc(self.stated.crc, computed));
            }
            return File::stored(body);
        };
        let data = Arc::new(Packed {
            body: clip(&body, skipped, stored),
            method,
            size,
            check: Check::Crc32(self.stated.crc),
        });
        File { size, data }
    }

    fn encryption(&self) -> Option<Problem> {
        let flags = self.stated.flags;
        if flags & (ENCRYPTED | MASKED) == 0 {
            return None;
        }
        let detail = match self.first(Extras::aes) {
            Some((bits, _)) => format!("encrypted with AES-{bits}"),
            None if flags & (1 << 6 | MASKED) != 0 => {
                "encrypted with the strong encryption of PKWARE".to_owned()
            }
            None => "encrypted with the traditional cipher of PKWARE (ZipCrypto)".to_owned(),
        };
        Some(Problem::new(ProblemKind::Encrypted, detail))
    }

    /// How it is compressed, and how many bytes in front of the data say more about that; `None` for stored members.
    fn method(&self, body: &[u8]) -> Result<Option<(Method, u64)>, Problem> {
        let short = || Problem::corrupt("the parameters of the compression are not there");
        let fields = Fields::little(body);
        let method = match self.stated.method {
            0 => return Ok(None),
            8 => Method::Deflate,
            9 => Method::Deflate64,
            12 => Method::Bzip2,
            14 => {
                let properties = fields.slice(4, 5).and_then(|bytes| bytes.try_into().ok());
                let properties = properties.filter(|_| fields.u16(2) == Some(5));
                let marked = self.stated.flags & 2 != 0;
                let method = Method::Lzma(properties.ok_or_else(short)?, marked);
                return Ok(Some((method, 9)));
            }
            20 | 93 => Method::Zstd,
            95 => Method::Xz,
            98 => {
                let word = u32::from(fields.u16(0).ok_or_else(short)?);
                let order = (word & 15).saturating_add(1);
                let memory = (word >> 4 & 0xff).saturating_add(1) << 20;
                let restore = match word >> 12 {
                    0 => Restore::Restart,
                    1 => Restore::CutOff,
                    _ => return Err(Problem::unsupported("PPMd that freezes its model")),
                };
                return Ok(Some((Method::Ppmd(order, memory, restore), 2)));
            }
            other => {
                let name = match other {
                    1 => "shrunk",
                    2..=5 => "reduced",
                    6 => "imploded",
                    10 => "imploded with DCL",
                    96 => "JPEG",
                    97 => "WavPack",
                    _ => "unknown",
                };
                let detail = format!("compression method {other} ({name}) is not read");
                return Err(Problem::unsupported(detail));
            }
        };
        Ok(Some((method, 0)))
    }
}

/// What a link holds.
fn target(file: &File) -> Result<Vec<u8>, Problem> {
    if file.size > TARGET {
        return Err(Problem::corrupt("a link of more than 64 KiB"));
    }
    let mut target = Vec::new();
    match file.data.copy_to(&mut target) {
        Ok(()) => Ok(target),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}
