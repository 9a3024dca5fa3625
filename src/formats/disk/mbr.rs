//! The partition table of the PC: four entries in the first sector, and a chain of tables in an extended partition.
//!
//! Boot code before the table, the gap behind it and the gaps between partitions are explained by nothing.

mod chain;
#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;

use self::chain::logical;
use crate::budget::Budget;
use crate::formats::{
    ALL, Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties,
    Reject, Span,
};
use crate::read::{Fields, index, length, rest as tail};

/// The partition table of the PC.
pub(in crate::formats) struct Mbr;

/// Where the table ends with 55 AA (bytes from the sector's start).
const SIGNATURE_AT: u64 = 510;

/// Where the four entries stand, and the length of one (bytes).
const ENTRIES_AT: usize = 446;
const ENTRY: usize = 16;

/// Where the disk's own signature stands, and two bytes that say whether it may be written (bytes).
const DISK_SIGNATURE_AT: usize = 440;

/// The sector sizes that a table may count in (bytes), the usual one first.
const SECTORS: [u64; 2] = [512, 4096];

/// The type of the one partition that guards a GPT.
const PROTECTIVE: u8 = 0xee;

impl Format for Mbr {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "mbr",
            title: "PC partition table (MBR)",
            kind: Kind::Disk,
            spec: "UEFI specification, 5.2 LBA 0 format; Linux block/partitions/msdos.c",
            reads: "primary, extended and logical partitions; sectors of 512 bytes, of 4096 where the contents show it",
            verifies: "that partitions follow each other without overlap",
            limits: &[
                "boot code is left unexplained",
                "tables of which no partition starts inside the image",
                "BSD, Solaris and Minix tables inside a partition",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x55, 0xaa],
            at: SIGNATURE_AT,
        }]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let at = hit.checked_sub(magic.at)?;
        Table::parse(stream.get(index(at)..)?).map(|_| at)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let table = Table::parse(rest).ok_or(Reject::Coincidence("no partition table"))?;
        if table.slots.iter().any(|slot| slot.kind == PROTECTIVE) {
            // A table that only guards a GPT belongs to it.
            return Err(match super::gpt::Gpt.measure(rest) {
                Ok(_) => Reject::Coincidence("the protective table of a GPT"),
                Err(_) => Reject::NearMiss("a protective table, and no sound GPT behind it"),
            });
        }
        let sector = table.sector(rest);
        let first = table.slots.iter().map(|slot| slot.first).min();
        let first = first.unwrap_or_default().saturating_mul(sector);
        if first >= length(rest) {
            return Err(Reject::Coincidence("no partition starts inside"));
        }
        let end = table.slots.iter().map(Slot::end).max().unwrap_or_default();
        Ok(Extent::known(end.saturating_mul(sector), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let mut opened = Opened {
            content: Content::Unread,
            spans: vec![Span::metadata(440, 72)],
            problems: Vec::new(),
            properties: Properties::new(),
        };
        let Some(table) = Table::parse(&region) else {
            opened.spans.clear();
            return opened;
        };
        let sector = table.sector(&region);
        opened.properties.set("sector-size", sector.to_string());
        let signature = Fields::little(&region)
            .u32(DISK_SIGNATURE_AT)
            .unwrap_or_default();
        opened
            .properties
            .set("disk-signature", format!("{signature:#010x}"));
        let mut slots = Vec::new();
        // The extended partition holds tables of its own; only what they name is a part.
        for slot in table.slots {
            describe(&slot, &mut opened.properties);
            if slot.is_extended() {
                slots.extend(logical(&region, &slot, sector, budget, &mut opened));
            } else {
                slots.push(slot);
            }
        }
        let parts = slots.iter().map(|slot| Part {
            name: slot.name(),
            bytes: PartBytes::Range(slot.range(sector)),
        });
        opened.content = Content::Layout(parts.collect());
        opened
    }
}

/// Enters what a slot says in the region's properties.
fn describe(slot: &Slot, properties: &mut Properties) {
    let key = |what: &str| [&slot.name()[..], b".", what.as_bytes()].concat();
    properties.set(key("type"), format!("{:#04x}", slot.kind));
    if slot.active {
        properties.set(key("active"), "yes");
    }
}

/// One used entry of a table.
#[derive(Clone, Copy)]
struct Slot {
    /// 1 to 4 in the first table, from 5 on in the chain.
    number: u64,
    active: bool,
    kind: u8,
    /// First sector: of the disk once its table's place is known, of what the table counts from before.
    first: u64,
    /// How many sectors.
    count: u64,
}

impl Slot {
    fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    fn is_extended(&self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85)
    }

    fn name(&self) -> Vec<u8> {
        format!("p{}", self.number).into_bytes()
    }

    fn range(&self, sector: u64) -> Range<u64> {
        self.first.saturating_mul(sector)..self.end().saturating_mul(sector)
    }
}

/// The four entries of a sector: the used ones, in the order of the table. `None` where an entry is none.
fn slots(sector: &[u8]) -> Option<Vec<Slot>> {
    let fields = Fields::little(sector);
    if fields.u16(index(SIGNATURE_AT))? != 0xaa55 {
        return None;
    }
    let entries = fields.slice(ENTRIES_AT, ENTRY.checked_mul(4)?)?;
    let mut slots = Vec::new();
    for (number, entry) in (1..).zip(entries.chunks(ENTRY)) {
        if entry.iter().all(|&byte| byte == 0) {
            continue;
        }
        let fields = Fields::little(entry);
        let slot = Slot {
            number,
            active: fields.u8(0)? == 0x80,
            kind: fields.u8(4)?,
            first: u64::from(fields.u32(8)?),
            count: u64::from(fields.u32(12)?),
        };
        let sane = matches!(fields.u8(0)?, 0 | 0x80)
            && slot.kind != 0
            && slot.first > 0
            && slot.count > 0
            && slot.end() <= 1 << 32;
        slots.push(sane.then_some(slot)?);
    }
    Some(slots)
}

/// A first sector that holds partitions.
struct Table {
    slots: Vec<Slot>,
}

impl Table {
    /// Strict: two bytes of a pattern are there by chance in every megabyte, and a boot sector ends in them too.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let slots = slots(bytes)?;
        let mut sorted = slots.clone();
        sorted.sort_by_key(|slot| slot.first);
        let apart = sorted
            .windows(2)
            .all(|pair| matches!(pair, [one, next] if one.end() <= next.first));
        let active = slots.iter().filter(|slot| slot.active).count();
        let extended = slots.iter().filter(|slot| slot.is_extended()).count();
        let sane = !slots.is_empty() && apart && active <= 1 && extended <= 1;
        (sane && !is_boot_sector(bytes)).then_some(Self { slots })
    }

    /// The size of the sectors that the entries count, in bytes: the one with which more partitions start with something known.
    fn sector(&self, bytes: &Bytes) -> u64 {
        let known = |sector: u64| {
            let starts = self.slots.iter().filter(|slot| {
                let content = tail(bytes, slot.first.saturating_mul(sector));
                if slot.is_extended() {
                    slots(&content).is_some_and(|slots| !slots.is_empty())
                } else {
                    starts_known(&content)
                }
            });
            starts.count()
        };
        let [usual, large] = SECTORS;
        if known(large) > known(usual) {
            large
        } else {
            usual
        }
    }
}

/// Whether a file system starts here. (Not a disk: those may be nested without end.)
fn starts_known(content: &Bytes) -> bool {
    let filesystems = ALL
        .iter()
        .filter(|format| format.doc().kind == Kind::Filesystem);
    filesystems.into_iter().any(|format| {
        let here = |magic: &Magic| {
            content
                .get(index(magic.at)..)
                .is_some_and(|bytes| bytes.starts_with(magic.bytes))
        };
        format.magics().iter().any(here) && format.measure(content).is_ok()
    })
}

/// Whether a sector is that of a FAT, exFAT or NTFS volume: a jump over parameters that make sense.
fn is_boot_sector(sector: &[u8]) -> bool {
    let fields = Fields::little(sector);
    let jump = matches!(
        (fields.u8(0), fields.u8(2)),
        (Some(0xeb), Some(0x90)) | (Some(0xe9), _)
    );
    let named = [&b"EXFAT   "[..], b"NTFS    "].contains(&fields.slice(3, 8).unwrap_or_default());
    let volume = matches!(fields.u16(11), Some(512 | 1024 | 2048 | 4096))
        && fields.u8(13).is_some_and(u8::is_power_of_two)
        && matches!(fields.u8(21), Some(0xf0 | 0xf8..=0xff));
    jump && (named || volume)
}
