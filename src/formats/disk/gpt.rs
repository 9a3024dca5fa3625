//! GUID partition tables: one at the start of a disk, another at its end.

mod table;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::table::Table;
use crate::budget::Budget;
use crate::formats::filesystem::dos::guid;
use crate::formats::stored::Ledger;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, length};

/// GUID partition tables.
pub(in crate::formats) struct Gpt;

const MAGIC: &[u8] = b"EFI PART";

/// The sector sizes of disks (bytes).
const SECTORS: [u64; 2] = [512, 4096];

impl Format for Gpt {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "gpt",
            title: "GUID partition table",
            kind: Kind::Disk,
            spec: "UEFI specification, 5.3 GPT disk layout",
            reads: "sectors of 512 and 4096 bytes; the backup where the primary is damaged",
            verifies: "CRC-32 of both headers and both entry arrays; that the two tables agree",
            limits: &[
                "entry arrays of more than 1 MiB",
                "the partitions of a hybrid MBR are told, not read",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: MAGIC,
                at: 512,
            },
            Magic {
                bytes: MAGIC,
                at: 4096,
            },
        ]
    }

    /// A header says where on the disk it stands; one that is damaged is taken for the primary.
    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let sector = magic.at;
        let own = Table::parse(stream, hit, sector)
            .filter(|table| table.sound)
            .and_then(|table| hit.checked_sub(table.own.checked_mul(sector)?));
        own.or_else(|| hit.checked_sub(sector))
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some(disk) = Disk::read(rest) {
            return Ok(Extent::known(disk.len(), Proof::Checksum));
        }
        let damaged = SECTORS.iter().any(|&sector| {
            Table::parse(rest, sector, sector).is_some_and(|table| table.is_plausible())
        });
        Err(if damaged {
            Reject::NearMiss("a GPT of which no copy is sound")
        } else {
            Reject::Coincidence("no GPT header")
        })
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(disk) = Disk::read(&region) else {
            return Opened::unread(Problem::corrupt("no sound table is left"));
        };
        let mut ledger = Ledger::default();
        let mut problems = disk.disagreements(length(&region));
        let mut properties = Properties::new();
        properties.set("sector-size", disk.sector.to_string());
        properties.set("disk-guid", guid(&disk.table().guid));
        guard(&region, &mut ledger, &mut properties);
        for table in [&disk.primary, &disk.backup].into_iter().flatten() {
            table.explain(&region, &mut ledger);
        }
        let mut parts = Vec::new();
        for entry in disk.table().entries() {
            if let Err(problem) = budget.spend_entries(1) {
                problems.push(problem);
                break;
            }
            let number = entry.number;
            if entry.last < entry.first || entry.first < 2 {
                let detail = format!("the partition {number} has no sane first and last sector");
                problems.push(Problem::corrupt(detail));
                continue;
            }
            let mut say = |what: &str, value: String| {
                properties.set(format!("p{number}.{what}"), value);
            };
            say("type", guid(&entry.kind));
            say("guid", guid(&entry.guid));
            if entry.attributes != 0 {
                say("attributes", format!("{:#018x}", entry.attributes));
            }
            let name = entry.name();
            if !name.is_empty() {
                say("name", name.clone());
            }
            let end = entry.last.saturating_add(1).saturating_mul(disk.sector);
            parts.push(Part {
                name: if name.is_empty() {
                    format!("p{number}")
                } else {
                    name
                }
                .into_bytes(),
                bytes: PartBytes::Range(entry.first.saturating_mul(disk.sector)..end),
            });
        }
        Opened {
            content: Content::Layout(parts),
            spans: ledger.into_spans(),
            problems,
            properties,
        }
    }
}

/// Explains the table of the first sector that guards the disk from what knows no GPT, and tells what else it names.
fn guard(region: &Bytes, ledger: &mut Ledger, properties: &mut Properties) {
    let fields = Fields::little(region);
    if fields.u16(510) != Some(0xaa55) {
        return;
    }
    ledger.metadata(446, 66);
    let others = [446_usize, 462, 478, 494].into_iter().filter_map(|at| {
        let kind = fields.u8(at.checked_add(4)?)?;
        (kind != 0 && kind != 0xee).then(|| format!("{kind:#04x}"))
    });
    let others: Vec<String> = others.collect();
    if !others.is_empty() {
        properties.set("hybrid-mbr.types", others.join(" "));
    }
}

/// Both tables of a disk, as far as they are there.
struct Disk {
    sector: u64,
    primary: Option<Table>,
    backup: Option<Table>,
    /// Whether the backup is the one to read.
    from_backup: bool,
    /// Where the backup should stand (bytes from the disk's start).
    backup_at: u64,
}

impl Disk {
    /// The disk at the start of `bytes`, if one of its tables is sound.
    fn read(bytes: &Bytes) -> Option<Self> {
        SECTORS
            .into_iter()
            .find_map(|sector| Self::with_sector(bytes, sector))
    }

    fn with_sector(bytes: &Bytes, sector: u64) -> Option<Self> {
        let at_its_place = |at: u64| {
            let table = Table::parse(bytes, at, sector)?;
            (table.own.checked_mul(sector) == Some(at)).then_some(table)
        };
        let damaged = Table::parse(bytes, sector, sector);
        let primary = at_its_place(sector);
        let whole = |table: &Option<Table>| table.as_ref().is_some_and(Table::is_whole);
        let stated = damaged
            .as_ref()
            .and_then(|table| table.other.checked_mul(sector));
        // Where the primary header is gone, the first sector or the end of the disk tells.
        let guarded = Fields::little(bytes)
            .u32(458)
            .filter(|_| bytes.get(450) == Some(&0xee));
        let guarded = guarded.and_then(|last| u64::from(last).checked_mul(sector));
        let end = length(bytes).checked_sub(sector);
        let mut places = [stated, guarded, end].into_iter().flatten();
        let backup = if whole(&primary) {
            stated.and_then(at_its_place)
        } else {
            let sound = |at| at_its_place(at).filter(|table| table.other == 1 && table.is_whole());
            places
                .find_map(sound)
                .or_else(|| stated.and_then(at_its_place))
        };
        let from_backup = !whole(&primary) && whole(&backup);
        let guarded = bytes.get(450) == Some(&0xee);
        // A header alone, whose entries are damaged, counts where a protective table stands before it.
        let alone = guarded && primary.as_ref().is_some_and(|table| table.sound);
        if !whole(&primary) && !from_backup && !alone {
            return None;
        }
        let backup_at = match &backup {
            Some(backup) => backup.at,
            None => stated?,
        };
        Some(Self {
            sector,
            primary: primary.or(damaged),
            backup,
            from_backup,
            backup_at,
        })
    }

    /// Its length in bytes: up to the end of the backup header.
    fn len(&self) -> u64 {
        let last = self.table().last_usable.saturating_add(1);
        let usable = last.saturating_mul(self.sector);
        self.backup_at.saturating_add(self.sector).max(usable)
    }

    /// The table to read.
    fn table(&self) -> &Table {
        static NONE: Table = Table::none();
        let table = if self.from_backup {
            &self.backup
        } else {
            &self.primary
        };
        table.as_ref().unwrap_or(&NONE)
    }

    /// What is wrong with the table that is not read, or with both.
    fn disagreements(&self, len: u64) -> Vec<Problem> {
        let mut problems = Vec::new();
        let read = if self.from_backup {
            "; the backup is read"
        } else {
            ""
        };
        match &self.primary {
            None => {
                let detail = format!("there is no primary header{read}");
                problems.push(Problem::corrupt(detail).at(self.sector));
            }
            Some(table) => problems.extend(table.damage("primary", read)),
        }
        match &self.backup {
            None if self.backup_at.saturating_add(self.sector) > len => {}
            None => {
                let detail = "there is no backup header where the primary says";
                problems.push(Problem::corrupt(detail).at(self.backup_at));
            }
            Some(table) => problems.extend(table.damage("backup", "")),
        }
        if let (Some(one), Some(other)) = (&self.primary, &self.backup)
            && problems.is_empty()
            && !one.agrees(other)
        {
            let detail = "the primary and the backup table differ; the primary is read";
            problems.push(Problem::corrupt(detail).at(other.at));
        }
        problems
    }
}
