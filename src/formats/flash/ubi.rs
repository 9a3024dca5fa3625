//! UBI, which manages the volumes of a raw flash chip.
//!
//! The structures are those of Linux's `drivers/mtd/ubi/ubi-media.h`, the meaning is what `attach.c` and `vtbl.c` do with
//! them. Every physical erase block (PEB) says which logical block (LEB) of which volume it holds. A volume is put together by
//! these numbers; of two erase blocks with one number the newer counts, unless it is a copy that was never finished.

mod blocks;
mod extent;
mod fastmap;
mod header;
mod table;
mod volume;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;

use self::blocks::{Block, Blocks};
use self::extent::Shape;
use self::header::{FASTMAP, FASTMAP_DATA, INTERNAL, LAYOUT};
use self::table::Record;
use self::volume::Volume;
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{clip, length};

/// UBI.
pub(in crate::formats) struct Ubi;

/// The volume takes all erase blocks that are left when it is first attached.
const AUTORESIZE: u8 = 1;

/// A volume of which no table says the size has at most so many blocks.
const MOST_BLOCKS: u32 = 1 << 16;

impl Format for Ubi {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ubi",
            title: "UBI",
            kind: Kind::Flash,
            spec: "Linux drivers/mtd/ubi/ubi-media.h",
            reads: "static and dynamic volumes, any erase block size and header offset, unfinished copies, several images one after another",
            verifies: "CRC-32 of all headers, of every record of both volume tables, of static volumes and copied blocks, and of the fastmap; \
                       the fastmap against the headers",
            limits: &[
                "erase blocks larger than 16 MiB or smaller than 1 KiB",
                "a single erase block, since no header says its size",
                "erase blocks of removed volumes, and older copies that differ, are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &header::MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        extent::measure(rest)
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        match Shape::of(&region) {
            Ok(shape) => open(&region, shape),
            Err(Reject::Coincidence(why) | Reject::NearMiss(why)) => {
                Opened::unread(Problem::corrupt(why))
            }
        }
    }
}

fn open(region: &Bytes, shape: Shape) -> Opened {
    let mut blocks = Blocks::scan(region, &shape);
    let mut ledger = std::mem::take(&mut blocks.ledger);
    let mut problems = std::mem::take(&mut blocks.problems);
    let table = table::read(region, &shape, &blocks, &mut ledger, &mut problems);
    let fastmap = fastmap::check(region, &shape, &blocks, &mut ledger, &mut problems);
    unknown_internal(&blocks, &mut problems);
    let mut properties = properties(&shape, &blocks);
    if let Some(state) = fastmap {
        properties.set("fastmap", state);
    }
    if table.is_none() {
        problems.push(Problem::corrupt(
            "there is no volume table; the volumes are read without their names",
        ));
    }
    let records = table.unwrap_or_else(|| without_table(&blocks));
    let all_reserved = records.iter().map(|record| u64::from(record.reserved));
    let all_reserved = all_reserved.fold(0, u64::saturating_add);
    let mut spans = ledger.into_spans();
    let mut parts = Vec::new();
    for record in &records {
        // Linux erases blocks behind the end of their volume, which is left of one that was made smaller.
        let found: BTreeMap<u32, Block> = blocks
            .of(record.id)
            .take_while(|block| block.id.lnum < record.reserved)
            .map(|block| (block.id.lnum, *block))
            .collect();
        describe(record, &found, &mut properties);
        // A device has room for all of its volumes; in an image for production they end where their data does.
        let whole = all_reserved <= blocks.tally.all;
        let volume = volume(region, shape, record, found, whole, &mut problems);
        spans.extend(content(&volume));
        parts.push(Part {
            name: record.name.clone(),
            bytes: PartBytes::Stream(Box::new(volume)),
        });
    }
    for id in blocks.volumes() {
        if !records.iter().any(|record| record.id == id) {
            let count = blocks.of(id).count();
            properties.set(
                format!("removed-volume.{id}.erase-blocks"),
                count.to_string(),
            );
        }
    }
    Opened {
        content: Content::Layout(parts),
        spans,
        problems: problems.into_vec(),
        properties,
    }
}

/// The volumes as the headers alone tell them.
fn without_table(blocks: &Blocks) -> Vec<Record> {
    let record = |id: u32| {
        let near = blocks
            .of(id)
            .take_while(|block| block.id.lnum < MOST_BLOCKS);
        let last = near.last()?;
        Some(Record {
            id,
            name: format!("volume-{id}").into_bytes(),
            reserved: last.id.lnum.saturating_add(1),
            alignment: 1,
            data_pad: last.id.data_pad,
            is_static: last.id.is_static,
            is_updating: false,
            flags: 0,
        })
    };
    blocks.volumes().into_iter().filter_map(record).collect()
}

/// Makes the volume of `record`, and tells what its blocks lack.
fn volume(
    region: &Bytes,
    shape: Shape,
    record: &Record,
    found: BTreeMap<u32, Block>,
    whole: bool,
    problems: &mut Problems,
) -> Volume {
    let name = crate::place::escape(&record.name);
    let leb = shape.leb().saturating_sub(record.data_pad.into());
    if record.is_updating {
        problems.push(Problem::corrupt(format!(
            "an update of the volume {name:?} was started and not finished; Linux does not read it"
        )));
    }
    let differs = |block: &&Block| {
        (block.id.is_static, block.id.data_pad) != (record.is_static, record.data_pad)
    };
    if let Some(block) = found.values().find(differs) {
        let what = format!("the table and the blocks of the volume {name:?} contradict each other");
        problems.push(Problem::corrupt(what).at(block.data_at));
    }
    let highest = found
        .keys()
        .next_back()
        .map_or(0, |last| u64::from(*last).saturating_add(1));
    let len = if record.is_static {
        let used = found.values().map(|block| block.id.used_lebs).max();
        let used = u64::from(used.unwrap_or(0)).max(highest);
        let missing = used.saturating_sub(length_of(&found));
        if missing > 0 {
            problems.push(Problem::corrupt(format!(
                "{missing} of {used} blocks of the static volume {name:?} are missing"
            )));
        }
        let last = used
            .checked_sub(1)
            .and_then(|last| u32::try_from(last).ok());
        let last = last.and_then(|last| found.get(&last));
        let tail = last.map_or(leb, |last| leb.min(last.id.data_size.into()));
        // No more than an image of this size could hold.
        let used = used.min(
            length(region)
                .checked_div(leb.max(1))
                .unwrap_or(0)
                .saturating_add(1),
        );
        used.saturating_sub(1)
            .saturating_mul(leb)
            .saturating_add(if used > 0 { tail } else { 0 })
    } else if whole {
        u64::from(record.reserved).max(highest).saturating_mul(leb)
    } else {
        highest.saturating_mul(leb)
    };
    Volume {
        region: region.clone(),
        shape,
        blocks: found,
        leb,
        len,
        at: 0,
        problems: Problems::default(),
    }
}

/// Where the bytes of a volume lie.
fn content(volume: &Volume) -> Vec<Span> {
    let span = |block: &Block| {
        let len = if block.id.is_static {
            volume.leb.min(block.id.data_size.into())
        } else {
            volume.leb
        };
        Span::content(
            block.data_at,
            length(&clip(&volume.region, block.data_at, len)),
        )
    };
    volume.blocks.values().map(span).collect()
}

/// Tells of internal volumes that are neither the table nor a fastmap.
fn unknown_internal(blocks: &Blocks, problems: &mut Problems) {
    let mut told = None;
    for block in blocks
        .current
        .range((INTERNAL, 0)..)
        .map(|(_, block)| block)
    {
        let id = block.id.volume;
        if matches!(id, LAYOUT | FASTMAP | FASTMAP_DATA) || told == Some(id) {
            continue;
        }
        told = Some(id);
        let linux = match block.id.compat {
            1 => "deletes it",
            2 => "attaches the device read-only",
            4 => "leaves it alone",
            _ => "refuses the device",
        };
        let what = format!("an internal volume {id:#x} that is not known; Linux {linux}");
        problems.push(Problem::unsupported(what).at(block.data_at));
    }
}

fn properties(shape: &Shape, blocks: &Blocks) -> Properties {
    let mut properties = Properties::new();
    let mut number = |name: &str, value: u64| properties.set(name, value.to_string());
    number("erase-block-size", shape.peb);
    number("volume-header-offset", shape.first.geometry.volume_header);
    number("data-offset", shape.first.geometry.data);
    number("image-sequence", shape.first.sequence.into());
    let tally = &blocks.tally;
    number("erase-blocks.all", tally.all);
    number("erase-blocks.used", tally.used);
    number("erase-blocks.free", tally.free);
    number("erase-blocks.blank", tally.blank);
    number("erase-blocks.damaged", tally.damaged);
    number("erase-blocks.superseded", tally.superseded);
    if let Some((low, high, _)) = blocks.erased {
        number("erase-counter.lowest", low);
        number("erase-counter.highest", high);
    }
    properties
}

/// Says of a volume what its content does not.
fn describe(record: &Record, found: &BTreeMap<u32, Block>, properties: &mut Properties) {
    let mut say = |what: &str, value: Vec<u8>| {
        properties.set(format!("volume.{}.{what}", record.id), value);
    };
    let kind = if record.is_static {
        "static"
    } else {
        "dynamic"
    };
    say("name", record.name.clone());
    say("type", kind.into());
    say("blocks.reserved", record.reserved.to_string().into());
    say("blocks.mapped", found.len().to_string().into());
    say("alignment", record.alignment.to_string().into());
    if record.data_pad > 0 {
        say("data-pad", record.data_pad.to_string().into());
    }
    if record.flags & AUTORESIZE != 0 {
        say("autoresize", "yes".into());
    }
    if record.is_updating {
        say("update-unfinished", "yes".into());
    }
}

fn length_of(found: &BTreeMap<u32, Block>) -> u64 {
    u64::try_from(found.len()).unwrap_or(u64::MAX)
}
