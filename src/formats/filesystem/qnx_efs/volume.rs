//! Units, boot information, and where a file system starts and ends.

use bytes::Bytes;

use crate::read::{Endian, Fields, clip, index, rest};

/// The signature in the boot information.
pub(super) const SIGNATURE: &[u8; 8] = b"QSSL_F3S";
/// Where the signature stands in the boot information, in bytes, in both versions.
const INTO_BOOT: u64 = 4;
/// How far behind the start of its unit the signature stands at most, in bytes.
const REACH: u64 = 512;
/// The sizes of units that are taken for real, as powers of two, and their number.
const POWERS: std::ops::RangeInclusive<u16> = 12..=24;
const MOST_UNITS: u16 = 4096;
/// The alignment of texts that is taken for real, as powers of two.
const MOST_ALIGNED: u16 = 16;

/// The two layouts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

impl Version {
    /// The length of a unit's header in bytes.
    pub(super) fn header(self) -> u64 {
        match self {
            Self::Two => 20,
            Self::Three => 16,
        }
    }

    /// The length of the header of an extent in bytes.
    pub(super) fn extent(self) -> u64 {
        match self {
            Self::Two => 16,
            Self::Three => 32,
        }
    }
}

/// What a unit's header says that is the same in all of them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) version: Version,
    pub(super) endian: Endian,
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
    pub(super) fn len(&self) -> u64 {
        1_u64.checked_shl(self.power.into()).unwrap_or_default()
    }

    /// Whether such a unit starts at `at`.
    pub(super) fn is_at(&self, bytes: &Bytes, at: u64) -> bool {
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

/// Which extent something is or leads to: a logical unit, and the number of a header in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pointer {
    pub(super) unit: u16,
    pub(super) index: u16,
}

impl Pointer {
    /// The pointer at `at`.
    pub(super) fn parse(fields: &Fields<'_>, at: usize) -> Option<Self> {
        Some(Self {
            unit: fields.u16(at)?,
            index: fields.u16(at.checked_add(2)?)?,
        })
    }
}

/// The boot information.
pub(super) struct Boot {
    /// Its length in bytes.
    pub(super) len: u64,
    pub(super) major: u8,
    pub(super) minor: u8,
    /// Which unit it stands in, and how many there are, spare ones too.
    index: u16,
    pub(super) total: u16,
    pub(super) spare: u16,
    /// What texts of files and directories are aligned to, and texts that are executed in place, as powers of two.
    pub(super) align: u16,
    pub(super) in_place: u16,
    /// The entry of the root.
    pub(super) root: Pointer,
}

impl Boot {
    /// The boot information at `at`, in a unit like `unit`.
    fn parse(bytes: &Bytes, at: u64, unit: &Unit) -> Option<Self> {
        let raw = clip(bytes, at, 28);
        let fields = Fields::new(&raw, unit.endian);
        let (len, major, numbers) = match unit.version {
            Version::Two => (fields.u16(2)?, 12_usize, 14_usize),
            Version::Three => (fields.u16(0)?, 2, 12),
        };
        let align = fields.u16(numbers.checked_add(6)?)?;
        let (in_place, root) = match unit.version {
            Version::Two => (fields.u16(22)?, 24),
            Version::Three => (align, 20),
        };
        let boot = Self {
            len: len.into(),
            major: fields.u8(major)?,
            minor: fields.u8(major.checked_add(1)?)?,
            index: fields.u16(numbers)?,
            total: fields.u16(numbers.checked_add(2)?)?,
            spare: fields.u16(numbers.checked_add(4)?)?,
            align,
            in_place,
            root: Pointer::parse(&fields, root)?,
        };
        let revision = match unit.version {
            Version::Two => len == 28 && boot.major == 2,
            Version::Three => len == 24 && boot.major == 3,
        };
        let counts = boot.index < boot.total && boot.spare < boot.total;
        let signed = fields.slice(4, SIGNATURE.len())? == SIGNATURE;
        let aligned = align <= MOST_ALIGNED && in_place <= MOST_ALIGNED;
        (signed && revision && counts && aligned && boot.total <= MOST_UNITS).then_some(boot)
    }
}

/// A file system whose boot information was found.
pub(super) struct Volume {
    pub(super) unit: Unit,
    pub(super) boot: Boot,
    /// Where the boot information stands, in bytes.
    pub(super) boot_at: u64,
}

impl Volume {
    /// Where the file system starts that the signature at `hit` belongs to.
    pub(super) fn locate(stream: &Bytes, hit: u64) -> Option<u64> {
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

    /// Its length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.unit.len().saturating_mul(self.boot.total.into())
    }

    /// The unit that the boot information stands in.
    pub(super) fn boot_unit(&self) -> u64 {
        self.boot_at
            .saturating_sub(self.boot_at & self.unit.len().saturating_sub(1))
    }

    /// The file system at the start of `bytes`: in one of its units is boot information that says that it is in that unit.
    pub(super) fn find(bytes: &Bytes) -> Option<Self> {
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
    pub(super) fn are_units(&self, bytes: &Bytes) -> bool {
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
