//! The embedded file system (EFS, F3S) that QNX keeps in NOR flash, in the byte order of its machine.
//!
//! Erase units of one size each start with a header. One of them also holds the boot information: a signature, how many units
//! there are, and which of them it is. Where the units begin is known from that alone.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::bounded::unread;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, index, rest};

/// The QNX embedded file system.
pub(in crate::formats) struct QnxEfs;

const SIGNATURE: &[u8; 8] = b"QSSL_F3S";
/// Where the signature stands in the boot information, in bytes, in both versions.
const INTO_BOOT: u64 = 4;
/// How far behind the start of its unit the signature stands at most, in bytes.
const REACH: u64 = 512;
/// The sizes of units that are taken for real, as powers of two, and their number.
const POWERS: std::ops::RangeInclusive<u16> = 12..=24;
const MOST_UNITS: u16 = 4096;

impl Format for QnxEfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx-efs",
            title: "QNX embedded file system (EFS, F3S)",
            kind: Kind::Filesystem,
            spec: "QNX fs/f3s_spec.h (version 3, Apache 2.0) and sys/f3s_spec.h (version 2)",
            reads: "unit headers and boot information of versions 2 and 3, both byte orders: sizes and revision",
            verifies: "that every unit has a header of the same size and byte order, or is erased",
            limits: &[
                "files: the region is named and bounded only, since no document tells which of its three status words counts",
                "ETFS, the file system for NAND, whose structures stand in spare bytes and have no signature",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: SIGNATURE,
            at: 0,
        }]
    }

    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        let boot_at = hit.checked_sub(INTO_BOOT)?;
        if !is_boot(stream, boot_at) {
            return None;
        }
        let (unit_at, unit) = (0..REACH).step_by(4).find_map(|back| {
            let unit_at = boot_at.checked_sub(back)?;
            Some((unit_at, Unit::parse(stream, unit_at)?))
        })?;
        let boot = Boot::parse(stream, boot_at, &unit)?;
        unit_at.checked_sub(unit.len().checked_mul(boot.index.into())?)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let volume = Volume::find(rest).ok_or(Reject::Coincidence("no boot information"))?;
        let len = volume.unit.len().saturating_mul(volume.boot.total.into());
        if volume.are_units(rest) {
            return Ok(Extent::known(len, Proof::Structure));
        }
        Err(Reject::NearMiss("boot information among other units"))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(volume) = Volume::find(&region) else {
            return Opened::unread(Problem::corrupt("no boot information"));
        };
        let Volume { unit, boot, .. } = &volume;
        let mut properties = Properties::new();
        let order = match unit.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        properties.set("byte-order", order);
        properties.set("version", format!("{}.{}", boot.major, boot.minor));
        properties.set("unit", unit.len().to_string());
        properties.set("units", boot.total.to_string());
        properties.set("spare-units", boot.spare.to_string());
        let span = Span::metadata(volume.boot_at, boot.len);
        let mut opened = unread("QNX's embedded file system", span, properties);
        let headers = (0..boot.total).map(|number| unit.len().saturating_mul(number.into()));
        let headers = headers.filter(|&at| unit.is_at(&region, at));
        opened
            .spans
            .extend(headers.map(|at| Span::metadata(at, unit.version.header())));
        opened
    }
}

/// The two layouts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Two,
    Three,
}

impl Version {
    /// The length of a unit's header in bytes.
    fn header(self) -> u64 {
        match self {
            Self::Two => 20,
            Self::Three => 16,
        }
    }
}

/// What a unit's header says that is the same in all of them.
#[derive(Clone, PartialEq, Eq)]
struct Unit {
    version: Version,
    endian: Endian,
    power: u16,
}

impl Unit {
    /// The header at `at`.
    fn parse(bytes: &Bytes, at: u64) -> Option<Self> {
        let raw = clip(bytes, at, 20);
        [Endian::Little, Endian::Big]
            .into_iter()
            .find_map(|endian| {
                let fields = Fields::new(&raw, endian);
                let mark = if endian == Endian::Little { b'L' } else { b'B' };
                let three = fields.u16(0) == Some(16) && fields.u8(2) == Some(mark);
                let two = fields.u16(2) == Some(20) && fields.u8(4) == Some(mark);
                let (version, power, reserve) = if three {
                    (Version::Three, fields.u16(4)?, fields.u16(6)?)
                } else if two {
                    (Version::Two, fields.u16(8)?, fields.u16(10)?)
                } else {
                    return None;
                };
                (reserve == 0xffff && POWERS.contains(&power)).then_some(Self {
                    version,
                    endian,
                    power,
                })
            })
    }

    /// The length of a unit in bytes.
    fn len(&self) -> u64 {
        1_u64.checked_shl(self.power.into()).unwrap_or_default()
    }

    /// Whether such a unit starts at `at`.
    fn is_at(&self, bytes: &Bytes, at: u64) -> bool {
        Self::parse(bytes, at).as_ref() == Some(self)
    }
}

/// Whether length and revision at `at` are those of boot information: a cheap look, before units are searched for.
fn is_boot(bytes: &[u8], at: u64) -> bool {
    let head = bytes
        .get(index(at)..)
        .and_then(|rest| rest.first_chunk::<13>());
    match head {
        Some([24, 0, 3, ..] | [0, 24, 3, ..]) => true,
        Some([_, _, 28, 0, .., major] | [_, _, 0, 28, .., major]) => *major == 2,
        _ => false,
    }
}

/// The boot information.
struct Boot {
    /// Its length in bytes.
    len: u64,
    major: u8,
    minor: u8,
    /// Which unit it stands in, and how many there are, spare ones too.
    index: u16,
    total: u16,
    spare: u16,
}

impl Boot {
    /// The boot information at `at`, in a unit like `unit`.
    fn parse(bytes: &Bytes, at: u64, unit: &Unit) -> Option<Self> {
        let raw = clip(bytes, at, 28);
        let fields = Fields::new(&raw, unit.endian);
        let (len, major, numbers) = match unit.version {
            Version::Two => (fields.u16(2)?, 12, 14),
            Version::Three => (fields.u16(0)?, 2, 12),
        };
        let boot = Self {
            len: len.into(),
            major: fields.u8(major)?,
            minor: fields.u8(major.checked_add(1)?)?,
            index: fields.u16(numbers)?,
            total: fields.u16(numbers.checked_add(2)?)?,
            spare: fields.u16(numbers.checked_add(4)?)?,
        };
        let revision = match unit.version {
            Version::Two => len == 28 && boot.major == 2,
            Version::Three => len == 24 && boot.major == 3,
        };
        let counts = boot.index < boot.total && boot.spare < boot.total;
        let signed = fields.slice(4, SIGNATURE.len())? == SIGNATURE;
        (signed && revision && counts && boot.total <= MOST_UNITS).then_some(boot)
    }
}

/// A file system whose boot information was found.
struct Volume {
    unit: Unit,
    boot: Boot,
    /// Where the boot information stands, in bytes.
    boot_at: u64,
}

impl Volume {
    /// The file system at the start of `bytes`: in one of its units is boot information that says that it is in that unit.
    fn find(bytes: &Bytes) -> Option<Self> {
        let unit = Unit::parse(bytes, 0).or_else(|| first_written(bytes))?;
        (0..MOST_UNITS).find_map(|number| {
            let at = unit.len().checked_mul(number.into())?;
            let head = clip(bytes, at, REACH.saturating_add(8));
            let into = memchr::memmem::find(&head, SIGNATURE)?;
            let into = u64::try_from(into).ok()?.checked_sub(INTO_BOOT)?;
            let boot_at = at.checked_add(into)?;
            let boot = Boot::parse(bytes, boot_at, &unit)?;
            (boot.index == number && unit.is_at(bytes, at)).then_some(Self {
                unit: unit.clone(),
                boot,
                boot_at,
            })
        })
    }

    /// Whether every unit that is there has such a header, or is erased.
    fn are_units(&self, bytes: &Bytes) -> bool {
        (0..self.boot.total).all(|number| {
            let at = self.unit.len().saturating_mul(number.into());
            let head = clip(bytes, at, self.unit.version.header());
            self.unit.is_at(bytes, at) || head.iter().all(|&byte| byte == 0xff)
        })
    }
}

/// The first unit with a header, where those in front of it are erased.
fn first_written(bytes: &Bytes) -> Option<Unit> {
    let erased = bytes.iter().take(1 << 24).position(|&byte| byte != 0xff)?;
    let at = u64::try_from(erased).ok()? & !0xfff;
    let unit = Unit::parse(&rest(bytes, at), 0)?;
    (at.checked_rem(unit.len()) == Some(0)).then_some(unit)
}
