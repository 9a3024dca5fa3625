//! The system use area of directory records: SUSP fields, and what Rock Ridge says in them.

use std::ops::Range;

use bytes::Bytes;

use super::attributes::Attributes;
use super::descriptor::SECTOR;
use super::record::{both_u32, time};
use crate::entry::{EntryPath, Meta};
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Fields, clip};

/// So many continuation areas may follow one another in one record.
const MOST_CONTINUED: usize = 64;

/// The longest name or link target that is put together (bytes).
const MOST_TEXT: usize = 64 << 10;

/// What the fields of one record say.
#[derive(Default)]
pub(super) struct RockRidge {
    /// The bytes to skip at the start of every system use area; only in the root's own record.
    pub(super) skip: Option<u8>,
    /// Whether any field of Rock Ridge was there.
    pub(super) is_present: bool,
    pub(super) posix: Option<Posix>,
    pub(super) device: Option<(u32, u32)>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) mtime: Option<i64>,
    /// Where the directory is that was moved away to keep the tree shallow (blocks).
    pub(super) child: Option<u32>,
    /// Whether this is the place that a directory was moved to.
    pub(super) is_relocated: bool,
    pub(super) zisofs: Option<Zisofs>,
    pub(super) attributes: Attributes,
    /// Why the content is not read, when it is not.
    pub(super) unread: Option<&'static str>,
    /// The fields that were understood, as ranges of the region.
    pub(super) explained: Vec<Range<u64>>,
    /// Whether a field was cut off or led nowhere.
    pub(super) is_damaged: bool,
}

/// `PX`: rights and owner.
pub(super) struct Posix {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// `ZF`: the content is compressed.
#[derive(Clone, Copy)]
pub(super) struct Zisofs {
    /// The length of the header (bytes).
    pub(super) header: u64,
    /// The decoded length of a block, as a power of two.
    pub(super) shift: u8,
    /// The decoded length (bytes).
    pub(super) size: u32,
}

/// How a name or target is being put together.
#[derive(Default)]
struct Target {
    bytes: Vec<u8>,
    /// Whether the next component continues the last one.
    joined: bool,
}

/// Reads the fields of `area`, a range of the region, and of the areas that continue it.
pub(super) fn read(region: &Bytes, area: Range<u64>, block: u64) -> RockRidge {
    let mut told = RockRidge::default();
    let mut target = Target {
        joined: true,
        ..Target::default()
    };
    let mut next = Some(area);
    for _ in 0..MOST_CONTINUED {
        let Some(area) = next.take() else {
            return told.finish(target);
        };
        next = told.read_area(region, &area, block, &mut target);
    }
    told.is_damaged = true;
    told.finish(target)
}

impl RockRidge {
    /// Reads the fields of one area; returns the area that continues it.
    fn read_area(
        &mut self,
        region: &Bytes,
        area: &Range<u64>,
        block: u64,
        target: &mut Target,
    ) -> Option<Range<u64>> {
        let bytes = clip(region, area.start, area.end.saturating_sub(area.start));
        let mut at: usize = 0;
        let mut next = None;
        while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            let len = usize::from(head[2]);
            if head[0] == 0 {
                break;
            }
            let Some(field) = bytes.get(at..at.saturating_add(len)).filter(|_| len >= 4) else {
                self.is_damaged = true;
                break;
            };
            let from = area
                .start
                .saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            let is_known = match &head[..2] {
                b"CE" => {
                    next = continuation(field, block);
                    self.is_damaged |= next.is_none();
                    true
                }
                b"ST" => true,
                signature => self.take(signature, field, target),
            };
            if is_known {
                let end = from.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
                self.explained.push(from..end);
            }
            if head.starts_with(b"ST") {
                break;
            }
            at = at.saturating_add(len);
        }
        next
    }

    /// Takes one field; whether it was understood.
    fn take(&mut self, signature: &[u8], field: &[u8], target: &mut Target) -> bool {
        let number = |at| both_u32(field, at);
        match signature {
            b"SP" => {
                let sound = field.get(4..6) == Some(&[0xbe, 0xef]);
                self.skip = field.get(6).copied().filter(|_| sound);
                return sound;
            }
            b"ER" | b"ES" | b"PD" | b"PL" => return true,
            b"PX" => self.posix = posix(field),
            b"PN" => self.device = number(4).zip(number(12)),
            b"NM" => self.take_name(field),
            b"SL" => target.take(field),
            b"TF" => self.mtime = self.mtime.or_else(|| modified(field)),
            b"CL" => self.child = number(4),
            b"RE" => self.is_relocated = true,
            b"RR" => {}
            b"AL" => {
                self.is_damaged |= !self.attributes.take(field);
                return true;
            }
            b"SF" => self.unread = Some("a sparse file of Rock Ridge"),
            b"ZF" => {
                self.zisofs = zisofs(field);
                self.is_damaged |= self.zisofs.is_none();
            }
            _ => return false,
        }
        self.is_present = true;
        true
    }

    /// What the fields say of the entry at `path`, of which the record has a time, too. Takes the attributes, and tells those not read.
    pub(super) fn meta(
        &mut self,
        time: Option<i64>,
        path: &EntryPath,
        problems: &mut Problems,
    ) -> Meta {
        let (xattrs, unread) = std::mem::take(&mut self.attributes).finish();
        if let Some(detail) = unread {
            problems.push(Problem::unsupported(detail).about(path));
        }
        let posix = self.posix.as_ref();
        Meta {
            mode: posix.map(|posix| posix.mode & 0o7777),
            uid: posix.map(|posix| posix.uid),
            gid: posix.map(|posix| posix.gid),
            mtime: self.mtime.or(time),
            xattrs,
        }
    }

    fn take_name(&mut self, field: &[u8]) {
        // Bits 1 and 2 stand for `.` and `..`, which need no name.
        let flags = field.get(4).copied().unwrap_or_default();
        let part = field.get(5..).unwrap_or_default();
        let name = self.name.get_or_insert_default();
        if flags & 6 == 0 && name.len() < MOST_TEXT {
            name.extend_from_slice(part);
        }
    }

    fn finish(mut self, target: Target) -> Self {
        self.target = (!target.bytes.is_empty()).then_some(target.bytes);
        self
    }
}

/// `PX`, in the byte order that is read first: rights decide nothing here, and are compared as they stand.
fn posix(field: &[u8]) -> Option<Posix> {
    Some(Posix {
        mode: both_u32(field, 4)?,
        uid: both_u32(field, 20)?,
        gid: both_u32(field, 28)?,
    })
}

/// `CE`: where the fields go on.
fn continuation(field: &[u8], block: u64) -> Option<Range<u64>> {
    let start = u64::from(both_u32(field, 4)?)
        .checked_mul(block)?
        .checked_add(u64::from(both_u32(field, 12)?))?;
    let len = u64::from(both_u32(field, 20)?);
    (len <= SECTOR).then(|| start..start.saturating_add(len))
}

/// `TF`: the second of the times, when creation is stated, else the first.
fn modified(field: &[u8]) -> Option<i64> {
    let flags = field.get(4)?;
    let (created, modified, long) = (flags & 1, flags & 2, flags & 0x80);
    let width = if long == 0 { 7 } else { 17 };
    let at = if created == 0 {
        5_usize
    } else {
        5_usize.checked_add(width)?
    };
    let bytes = field.get(at..at.checked_add(width)?)?;
    // The long form has digits: `2023111422132000` and the zone.
    (modified != 0).then(|| {
        if long == 0 {
            time(bytes)
        } else {
            long_time(bytes)
        }
    })?
}

fn long_time(bytes: &[u8]) -> Option<i64> {
    let digits = |range: Range<usize>| {
        let text = std::str::from_utf8(bytes.get(range)?).ok()?;
        text.parse::<u16>().ok()
    };
    let byte = |range| u8::try_from(digits(range)?).ok();
    let year = u8::try_from(digits(0..4)?.checked_sub(1900)?).ok()?;
    let zone = bytes.get(16).copied()?;
    time(&[
        year,
        byte(4..6)?,
        byte(6..8)?,
        byte(8..10)?,
        byte(10..12)?,
        byte(12..14)?,
        zone,
    ])
}

fn zisofs(field: &[u8]) -> Option<Zisofs> {
    let fields = Fields::little(field);
    let sound = fields.slice(4, 2)? == b"pz";
    let shift = fields.u8(7)?;
    (sound && (15..=17).contains(&shift)).then_some(Zisofs {
        header: u64::from(fields.u8(6)?).checked_mul(4)?,
        shift,
        size: both_u32(field, 8)?,
    })
}

impl Target {
    /// Takes one `SL` field: components, each with flags, a length and its bytes.
    fn take(&mut self, field: &[u8]) {
        let mut rest = field.get(5..).unwrap_or_default();
        while let [flags, len, after @ ..] = rest {
            let Some((part, left)) = after.split_at_checked(usize::from(*len)) else {
                return;
            };
            if self.bytes.len() > MOST_TEXT {
                return;
            }
            if !self.joined && self.bytes.last() != Some(&b'/') {
                self.bytes.push(b'/');
            }
            match flags & 0x0e {
                2 => self.bytes.push(b'.'),
                4 => self.bytes.extend_from_slice(b".."),
                8 => self.bytes.push(b'/'),
                _ => self.bytes.extend_from_slice(part),
            }
            self.joined = flags & 1 != 0;
            rest = left;
        }
    }
}
