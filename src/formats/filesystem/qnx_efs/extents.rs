//! Extents: a header, which counts from the end of a unit, and a text somewhere in the same unit.
//!
//! Flash that was erased is all ones, and bits are only ever cleared. So an extent is never written again: a newer one supersedes
//! it, and it stays, as do those that are marked as deleted, until the rest of its unit is copied elsewhere.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::seal;
use super::volume::{Pointer, Version, Volume};
use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, length};

/// Bits of the status.
const NO_NEXT: u32 = 0x0002;
const NO_SUPER: u32 = 0x0004;
const STATE: u32 = 0x0070;
const LAST: u32 = 0x0080;
const KIND: u32 = 0x0300;
/// What a text is for.
pub(super) const KIND_IN_PLACE: u32 = 0x0000;
pub(super) const KIND_SYSTEM: u32 = 0x0100;
pub(super) const KIND_DIRECTORY: u32 = 0x0200;
pub(super) const KIND_FILE: u32 = 0x0300;
/// What state it is in.
const FREE: u32 = 0x0070;
const ALLOCATED: u32 = 0x0030;
const DELETED: u32 = 0x0010;
/// What an extent takes of memory here, in bytes.
const HELD: u64 = 40;
/// States of a unit of version 2: what holds a logical unit.
const UNIT_STATE: u16 = 0x003f;
const UNIT_READY: u16 = 0x0003;
const UNIT_RECLAIMED: u16 = 0x0007;
const UNIT_NO_NUMBER: u16 = 0x0040;

/// One extent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    status: u32,
    /// Where its text starts, in bytes from the region's start, and its length.
    pub(super) at: u64,
    pub(super) len: u64,
    next: Pointer,
    superseding: Pointer,
}

impl Extent {
    pub(super) fn kind(&self) -> u32 {
        self.status & KIND
    }

    pub(super) fn is_free(&self) -> bool {
        self.status & STATE == FREE
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.status & STATE == DELETED
    }

    /// Whether it is in one of the states that are used.
    fn is_sound(&self) -> bool {
        matches!(self.status & STATE, FREE | ALLOCATED | DELETED)
    }

    /// What follows in the same file or directory.
    pub(super) fn next(&self) -> Option<Pointer> {
        (self.status & NO_NEXT == 0).then_some(self.next)
    }

    pub(super) fn is_superseded(&self) -> bool {
        self.status & NO_SUPER == 0
    }
}

/// A unit and its extents.
struct Unit {
    /// The first of its extents in the list of all, and how many there are.
    first: usize,
    count: usize,
}

/// All extents of a file system.
pub(super) struct Extents {
    pub(super) all: Vec<Extent>,
    units: Vec<Unit>,
    /// The unit that holds each logical one.
    logical: BTreeMap<u16, usize>,
    /// What counts of each extent: itself, or the last of those that supersede it; none where those go round or lead nowhere.
    current: Vec<Option<usize>>,
}

impl Extents {
    /// Reads the headers of every unit, and names them.
    pub(super) fn read(region: &Bytes, volume: &Volume, harvest: &mut Harvest<'_>) -> Self {
        let mut extents = Self {
            all: Vec::new(),
            units: Vec::new(),
            logical: BTreeMap::new(),
            current: Vec::new(),
        };
        let system = system_power(region, volume);
        if system.is_none() {
            let detail = "the header of the boot information does not lead to it";
            harvest.tell(Problem::corrupt(detail).at(volume.boot_at));
        }
        let mut owners: BTreeMap<u16, Vec<(u32, usize)>> = BTreeMap::new();
        let mut seals = seal::Tally::default();
        for number in 0..volume.boot.total {
            let at = volume.unit.len().saturating_mul(number.into());
            let unit = extents.unit(region, volume, at, system.unwrap_or(2), harvest);
            let owned = match volume.unit.version {
                Version::Two => second_number(region, volume, at),
                Version::Three => extents.third_number(region, volume, &unit, &mut seals),
            };
            if let Some((logical, age)) = owned {
                let place = extents.units.len();
                owners.entry(logical).or_default().push((age, place));
            }
            extents.units.push(unit);
        }
        seals.tell(harvest);
        extents.choose(owners, volume, harvest);
        extents.resolve(harvest);
        extents
    }

    /// Reads the headers of the unit at `at`.
    fn unit(
        &mut self,
        region: &Bytes,
        volume: &Volume,
        at: u64,
        system: u16,
        harvest: &mut Harvest<'_>,
    ) -> Unit {
        let first = self.all.len();
        let version = volume.unit.version;
        let end = at.saturating_add(volume.unit.len());
        let most = volume.unit.len().checked_div(version.extent());
        for number in 1..=most.unwrap_or_default() {
            let head_at = end.saturating_sub(version.extent().saturating_mul(number));
            let Some(raw) = cut(region, head_at, version.extent()) else {
                harvest.tell(Problem::corrupt("a unit is cut off").at(at));
                break;
            };
            let Some(mut extent) = parse(&raw, volume) else {
                break;
            };
            if number == 1 && extent.is_free() {
                // Erased.
                break;
            }
            let power = match extent.kind() {
                KIND_SYSTEM => system,
                KIND_IN_PLACE => volume.boot.in_place,
                _ => volume.boot.align,
            };
            let offset = extent.at.checked_shl(power.into()).unwrap_or(u64::MAX);
            extent.at = at.saturating_add(offset);
            let inside = extent.at.saturating_add(extent.len) <= head_at;
            if !extent.is_free() {
                harvest.account.metadata(head_at, version.extent());
                if !inside || !extent.is_sound() {
                    let detail = "the header of an extent whose text is not in its unit, or whose state is none";
                    harvest.tell(Problem::corrupt(detail).at(head_at));
                    extent.len = if inside { extent.len } else { 0 };
                }
            }
            if !harvest.hold(HELD) {
                break;
            }
            self.all.push(extent);
            if extent.status & LAST != 0 {
                break;
            }
        }
        Unit {
            first,
            count: self.all.len().saturating_sub(first),
        }
    }

    /// The number of the logical unit that a unit of version 3 holds, and its age: in the text of its second extent.
    fn third_number(
        &self,
        region: &Bytes,
        volume: &Volume,
        unit: &Unit,
        seals: &mut seal::Tally,
    ) -> Option<(u16, u32)> {
        let second = (unit.count > 1).then(|| unit.first.checked_add(1))??;
        let extent = self.all.get(second)?;
        if extent.kind() != KIND_SYSTEM || extent.is_free() {
            return None;
        }
        let raw = cut(region, extent.at, extent.len.min(24))?;
        let fields = Fields::new(&raw, volume.unit.endian);
        let number = fields.u16(2).filter(|&number| number != 0xffff)?;
        if fields.u16(0) == Some(24) {
            seals.count(&raw, volume.unit.endian, extent.at);
        }
        Some((number, fields.u32(4)?))
    }

    /// Chooses which unit holds each logical one: where two say so the older of them was being copied, and the other counts.
    fn choose(
        &mut self,
        owners: BTreeMap<u16, Vec<(u32, usize)>>,
        volume: &Volume,
        harvest: &mut Harvest<'_>,
    ) {
        let used = volume.boot.total.saturating_sub(volume.boot.spare);
        for (logical, mut units) in owners {
            units.sort_unstable();
            if units.len() > 1 {
                let detail = format!("{} units hold logical unit {logical}", units.len());
                harvest.tell(Problem::corrupt(detail));
            }
            if let Some(&(_, unit)) = units.last() {
                self.logical.insert(logical, unit);
            }
        }
        let missing: Vec<u16> = (1..=used)
            .filter(|number| !self.logical.contains_key(number))
            .collect();
        if let Some(first) = missing.first() {
            let detail = format!(
                "of {used} logical units {} are in no unit, the first {first}",
                missing.len()
            );
            harvest.tell(Problem::corrupt(detail));
        }
    }

    /// Follows what supersedes what, each extent once.
    fn resolve(&mut self, harvest: &mut Harvest<'_>) {
        const OPEN: usize = usize::MAX;
        let mut done: Vec<Option<Option<usize>>> = vec![None; self.all.len()];
        let mut lost = 0_u64;
        for start in 0..self.all.len() {
            let mut trail = Vec::new();
            let mut at = start;
            let end = loop {
                match done.get(at).copied().flatten() {
                    Some(Some(OPEN)) => break None,
                    Some(known) => break known,
                    None => {}
                }
                if let Some(mark) = done.get_mut(at) {
                    *mark = Some(Some(OPEN));
                }
                trail.push(at);
                let Some(extent) = self.all.get(at) else {
                    break None;
                };
                if extent.is_free() || !extent.is_superseded() {
                    break Some(at);
                }
                match self.find(extent.superseding) {
                    Some(next) => at = next,
                    None => break None,
                }
            };
            if end.is_none() {
                lost = lost.saturating_add(1);
            }
            for passed in trail {
                if let Some(mark) = done.get_mut(passed) {
                    *mark = Some(end);
                }
            }
        }
        if lost > 0 {
            let detail = format!("{lost} extents are superseded by none that is there");
            harvest.tell(Problem::corrupt(detail));
        }
        self.current = done.into_iter().map(Option::flatten).collect();
    }

    /// The extent that `pointer` names, of whatever state.
    pub(super) fn find(&self, pointer: Pointer) -> Option<usize> {
        let unit = self.units.get(*self.logical.get(&pointer.unit)?)?;
        let index = usize::from(pointer.index);
        (index < unit.count).then(|| unit.first.checked_add(index))?
    }

    /// What counts of the extent `number`.
    pub(super) fn current(&self, number: usize) -> Option<usize> {
        self.current.get(number).copied().flatten()
    }

    /// What supersedes the extent `number`, if anything does.
    pub(super) fn superseding(&self, number: usize) -> Option<usize> {
        let extent = self
            .all
            .get(number)
            .filter(|extent| extent.is_superseded())?;
        self.find(extent.superseding)
    }
}

/// The header of an extent; its text still counts from the unit and in its alignment.
fn parse(raw: &[u8], volume: &Volume) -> Option<Extent> {
    let fields = Fields::new(raw, volume.unit.endian);
    let (status, place) = match volume.unit.version {
        Version::Two => (fields.u16(0)?.into(), 3),
        Version::Three => (fields.u32(0)?, 19),
    };
    let high = u64::from(fields.u8(place)?);
    let low = u64::from(fields.u16(place.checked_add(1)?)?);
    Some(Extent {
        status,
        at: high << 16 | low,
        len: fields.u16(place.checked_add(3)?)?.into(),
        next: Pointer::parse(&fields, place.checked_add(5)?)?,
        superseding: Pointer::parse(&fields, place.checked_add(9)?)?,
    })
}

/// What texts of the file system itself are aligned to, as a power of two: as the header of the boot information has it.
fn system_power(region: &Bytes, volume: &Volume) -> Option<u16> {
    let unit_at = volume.boot_unit();
    let number = match volume.unit.version {
        Version::Two => 2,
        Version::Three => 3,
    };
    let back = volume.unit.version.extent().checked_mul(number)?;
    let head_at = unit_at.checked_add(volume.unit.len())?.checked_sub(back)?;
    let extent = parse(&cut(region, head_at, volume.unit.version.extent())?, volume)?;
    let into = volume.boot_at.checked_sub(unit_at)?;
    [volume.boot.align, 2]
        .into_iter()
        .find(|&power| extent.at.checked_shl(power.into()) == Some(into))
}

/// The number of the logical unit that a unit of version 2 holds, and its age: in its header.
fn second_number(region: &Bytes, volume: &Volume, at: u64) -> Option<(u16, u32)> {
    let raw = clip(region, at, volume.unit.version.header());
    let fields = Fields::new(&raw, volume.unit.endian);
    let status = fields.u16(0).filter(|_| volume.unit.is_at(region, at))?;
    let holds = matches!(status & UNIT_STATE, UNIT_READY | UNIT_RECLAIMED);
    let number = fields.u16(6)?;
    let numbered = status & UNIT_NO_NUMBER == 0 && number != 0xffff;
    (holds && numbered && length(&raw) == volume.unit.version.header())
        .then_some((number, fields.u8(5)?.into()))
}
