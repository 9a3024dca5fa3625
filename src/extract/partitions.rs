//! The names that a flash image gives its own parts: `mtdparts` of a U-Boot environment or a kernel's command line, and the
//! `fixed-partitions` of a device tree.
//!
//! Flash has no partition table. What boots from it is told where the parts are, and that text is in the image too.

use super::inventory::{Inventory, Owner, Region, Told};
use crate::entry::Node;
use crate::formats::{Kind, nand};
use crate::place::{Place, escape};
use crate::problem::{Problem, ProblemKind};

/// A part of the image that has a name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Partition {
    /// Its name, escaped.
    pub name: String,
    /// First byte, from the image's start; in a dump with spare bytes from the start of its data.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// Where the text stands that names it.
    pub source: Place,
    /// The dump with spare bytes whose data it divides, as an index; `None`: the image.
    #[serde(rename = "region", skip_serializing_if = "Option::is_none")]
    pub chip: Option<usize>,
}

/// What starts a table in a longer text.
const KEY: &[u8] = b"mtdparts=";

/// The longest table that is read, in bytes and in parts.
const LONGEST: usize = 64 << 10;
const MOST: usize = 256;

/// The parts that the image names, and the tables that do not fit it.
pub(super) fn name_parts(found: &Inventory) -> (Vec<Partition>, Vec<Told>) {
    let mut named: Vec<Partition> = Vec::new();
    let mut told = Vec::new();
    for source in sources(found) {
        let Source {
            tables,
            place,
            owner,
            flash: Flash(chip),
        } = source;
        let size = size_of(found, chip);
        let fitting = tables
            .iter()
            .filter_map(|table| table.lay_out(size))
            .max_by_key(|parts| {
                parts
                    .last()
                    .map_or(0, |part| part.at.saturating_add(part.len))
            });
        match fitting {
            Some(parts) => named.extend(parts.into_iter().map(|part| Partition {
                source: place.clone(),
                chip,
                ..part
            })),
            None if tables.is_empty() => {}
            None => {
                let detail = "the partitions that are named here do not fit this image: it is cut off, or they are those of another chip";
                told.push(Told::new(&place, Problem::new(ProblemKind::Name, detail)).of(owner));
            }
        }
    }
    named.sort_by(|a, b| (a.chip, a.at, a.len, &a.name).cmp(&(b.chip, b.at, b.len, &b.name)));
    // Two copies of an environment say the same.
    named.dedup_by(|a, b| (a.chip, a.at, a.len, &a.name) == (b.chip, b.at, b.len, &b.name));
    (named, told)
}

/// What names parts: the table of each chip, where they stand, and the flash that they stand in.
struct Source {
    tables: Vec<Table>,
    place: Place,
    owner: Owner,
    flash: Flash,
}

/// What boots from this very image, as far as it names parts.
fn sources(found: &Inventory) -> Vec<Source> {
    let mut sources = Vec::new();
    let boots = |region: &&Region| region.format.kind == Kind::Boot;
    for (index, region) in found.regions.iter().enumerate() {
        let Some(flash) = flash_of(found, region).filter(|_| boots(&region)) else {
            continue;
        };
        let texts = region.properties.values();
        let mut tables: Vec<Table> = texts.flat_map(|value| tables(value.as_bytes())).collect();
        if tables.is_empty() {
            tables.extend(Table::of_device_tree(region));
        }
        sources.push(Source {
            tables,
            place: region.place.clone(),
            owner: Owner::Region(index),
            flash,
        });
    }
    for (index, entry) in found.entries.iter().enumerate() {
        let region = entry.region.and_then(|region| found.regions.get(region));
        let flash = region
            .filter(boots)
            .and_then(|region| flash_of(found, region));
        let bytes = match &entry.entry.node {
            Node::File(file) => file.data.bytes(),
            _ => None,
        };
        let bytes = bytes.filter(|bytes| bytes.len() <= LONGEST);
        let (Some(flash), Some(bytes)) = (flash, bytes) else {
            continue;
        };
        // The value of a variable of that name may leave the key out.
        let named = entry.entry.path.as_bytes() == b"/mtdparts";
        let tables = if named && !holds_key(&bytes) {
            tables(&[KEY, &bytes].concat())
        } else {
            tables(&bytes)
        };
        sources.push(Source {
            tables,
            place: entry.place.clone(),
            owner: Owner::Entry(index),
            flash,
        });
    }
    sources
}

fn holds_key(text: &[u8]) -> bool {
    memchr::memmem::find(text, KEY).is_some()
}

/// The flash that something stands in, as in [`Partition::chip`].
#[derive(Clone, Copy)]
struct Flash(Option<usize>);

/// The flash that a region stands in; `None` for what was decoded, or packed for another device.
fn flash_of(found: &Inventory, region: &Region) -> Option<Flash> {
    let mut region = region;
    loop {
        if region.within.is_some() {
            return None;
        }
        let Some(index) = region.parent else {
            // What is all of an image is a piece for some device, and not the flash that it speaks of.
            return (region.len < found.image.size).then_some(Flash(None));
        };
        let parent = found.regions.get(index)?;
        if parent.format.id == nand::ID {
            return is_data(found, Some(index), &region.place).then_some(Flash(Some(index)));
        }
        if parent.decoded.is_some() {
            return None;
        }
        region = parent;
    }
}

/// Whether a place is in the data of a dump, and not in its spare bytes.
pub(super) fn is_data(found: &Inventory, chip: Option<usize>, place: &Place) -> bool {
    let Some(chip) = chip.and_then(|chip| found.regions.get(chip)) else {
        return chip.is_none();
    };
    let data = chip.place.part(nand::DATA);
    place.around().any(|outer| *outer == data)
}

/// How many bytes the flash holds, without spare bytes.
fn size_of(found: &Inventory, chip: Option<usize>) -> u64 {
    let Some(region) = chip.and_then(|chip| found.regions.get(chip)) else {
        return found.image.size;
    };
    let number = |name: &str| region.properties.get(name)?.parse::<u64>().ok();
    let (page, spare) = (number("page"), number("spare"));
    let pages = page
        .zip(spare)
        .and_then(|(page, spare)| region.len.checked_div(page.checked_add(spare)?));
    pages
        .zip(page)
        .map_or(0, |(pages, page)| pages.saturating_mul(page))
}

/// The table of one chip.
struct Table {
    parts: Vec<Stated>,
}

/// A part as it is stated: its length (`None`: the rest) and its place (`None`: behind the one before).
struct Stated {
    /// Escaped.
    name: String,
    len: Option<u64>,
    at: Option<u64>,
}

/// Every chip's table in a text.
fn tables(text: &[u8]) -> Vec<Table> {
    let Some(at) = memchr::memmem::rfind(text, KEY) else {
        return Vec::new();
    };
    let value = text.get(at.saturating_add(KEY.len())..).unwrap_or_default();
    let value = value
        .split(|byte| byte.is_ascii_whitespace() || *byte == 0)
        .next()
        .unwrap_or_default();
    value
        .split(|&byte| byte == b';')
        .filter_map(Table::parse)
        .collect()
}

impl Table {
    /// The `fixed-partitions` of a device tree, which its reader tells as `partition.LABEL: OFFSET+SIZE`.
    fn of_device_tree(region: &Region) -> Option<Self> {
        let told = region.properties.iter().filter_map(|(name, value)| {
            let (at, len) = value.split_once('+')?;
            Some(Stated {
                name: name.strip_prefix("partition.")?.to_owned(),
                len: Some(size(len.as_bytes())?),
                at: Some(size(at.as_bytes())?),
            })
        });
        let parts: Vec<Stated> = told.take(MOST).collect();
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// `chip:size@offset(name)flags,...`
    fn parse(text: &[u8]) -> Option<Self> {
        let colon = text.iter().position(|&byte| byte == b':')?;
        let list = text.get(colon.checked_add(1)?..)?;
        let parts: Option<Vec<Stated>> = list
            .split(|&byte| byte == b',')
            .take(MOST)
            .zip(0..)
            .map(|(part, number)| Stated::parse(part, number))
            .collect();
        Some(Self { parts: parts? })
    }

    /// Where the parts are in an image of `size` bytes; `None` when they do not fit.
    fn lay_out(&self, size: u64) -> Option<Vec<Partition>> {
        let mut end = 0;
        let mut parts = Vec::new();
        for part in &self.parts {
            let at = part.at.unwrap_or(end);
            let len = match part.len {
                Some(len) => len,
                None => size.checked_sub(at)?,
            };
            end = at.checked_add(len).filter(|&end| end <= size)?;
            parts.push(Partition {
                name: part.name.clone(),
                at,
                len,
                source: Place::image(),
                chip: None,
            });
        }
        (!parts.is_empty()).then_some(parts)
    }
}

impl Stated {
    fn parse(text: &[u8], number: u32) -> Option<Self> {
        let open = text.iter().position(|&byte| byte == b'(');
        let numbers = text.get(..open.unwrap_or(text.len()))?;
        let name = match open {
            Some(open) => {
                let inner = text.get(open.checked_add(1)?..)?;
                let close = inner.iter().position(|&byte| byte == b')')?;
                escape(inner.get(..close)?)
            }
            None => format!("part{number}"),
        };
        let mut halves = numbers.splitn(2, |&byte| byte == b'@');
        let len = match halves.next()? {
            b"-" => None,
            // Flags may stand behind a size that has no name.
            len => Some(size(len.strip_suffix(b"ro").unwrap_or(len))?),
        };
        let at = match halves.next() {
            Some(at) => Some(size(at.strip_suffix(b"ro").unwrap_or(at))?),
            None => None,
        };
        Some(Self { name, len, at })
    }
}

/// A number, decimal or with `0x`, with `k`, `m` or `g` behind it.
fn size(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let (digits, shift) = match text.as_bytes().last()?.to_ascii_lowercase() {
        b'k' => (text.get(..text.len().checked_sub(1)?)?, 10),
        b'm' => (text.get(..text.len().checked_sub(1)?)?, 20),
        b'g' => (text.get(..text.len().checked_sub(1)?)?, 30),
        _ => (text, 0),
    };
    let number = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    number.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(text: &[u8], size: u64) -> Vec<Option<Vec<(String, u64, u64)>>> {
        let plain = |parts: Vec<Partition>| {
            let plain = |part: Partition| (part.name, part.at, part.len);
            parts.into_iter().map(plain).collect()
        };
        let tables = tables(text);
        let laid_out = tables.iter().map(|table| table.lay_out(size));
        laid_out.map(|parts| parts.map(plain)).collect()
    }

    #[test]
    fn tables_are_read_as_the_kernel_reads_them() {
        // The examples of Linux drivers/mtd/parsers/cmdlinepart.c, in an image of 32 MiB.
        let mib = 1 << 20;
        let part = |name: &str, at, len| (name.to_owned(), at, len);
        assert_eq!(
            laid_out(b"console=ttyS0 mtdparts=edb7312-nor:256k(ARMboot)ro,-(root);edb7312-nand:-(home) quiet", 32 * mib),
            [
                Some(vec![
                    part("ARMboot", 0, mib / 4),
                    part("root", mib / 4, 32 * mib - mib / 4)
                ]),
                Some(vec![part("home", 0, 32 * mib)]),
            ]
        );
        assert_eq!(
            laid_out(
                b"mtdparts=mtdparts=nand0:0x100000@1m(a:b),64k@0,512K",
                32 * mib
            ),
            [Some(vec![
                part("a:b", mib, mib),
                part("part1", 0, 65536),
                part("part2", 65536, 512 << 10)
            ])]
        );
    }

    #[test]
    fn what_does_not_fit_or_makes_no_sense_names_nothing() {
        assert_eq!(laid_out(b"mtdparts=nor0:1m(a),1m(b)", 1 << 20), [None]);
        assert_eq!(laid_out(b"mtdparts=nor0:2m(a),-(b)", 1 << 20), [None]);
        for text in [
            &b"mtdparts="[..],
            b"mtdparts=nor0",
            b"mtdparts=nor0:",
            b"mtdparts=nor0:1x(a)",
            b"mtdparts=nor0:1m(a",
            b"mtdparts=nor0:0xfffffffffffffffffg(a)",
            b"nothing",
        ] {
            assert!(laid_out(text, 1 << 20).is_empty(), "{text:?}");
        }
    }
}
