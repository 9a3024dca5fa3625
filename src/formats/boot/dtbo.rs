//! The Android device tree table (dtbo.img): which blobs fit which board.

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{Fields, cut, length};

/// The Android device tree table.
pub(in crate::formats) struct Dtbo;

/// The length of the header and of an entry in bytes.
const HEADER: u64 = 32;
const ENTRY: u64 = 32;

/// So many blobs a table may have.
const MOST: u32 = 4096;

impl Format for Dtbo {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "dtbo",
            title: "Android device tree table (dtbo)",
            kind: Kind::Boot,
            spec: "AOSP system/libufdt, utils/src/dt_table.h",
            reads: "versions 0 and 1",
            verifies: "the table against its own length; the format has no checksum",
            limits: &[],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0xd7, 0xb7, 0xab, 0x1e],
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let table = Table::read(rest).ok_or(Reject::Coincidence("no device tree table"))?;
        Ok(Extent::known(table.total, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(table) = Table::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut opened = Opened {
            content: Content::Unread,
            spans: vec![Span::metadata(0, HEADER)],
            problems: Vec::new(),
            properties: Properties::new(),
        };
        let mut parts = Vec::new();
        for number in 0..table.count {
            let at = u64::from(number)
                .saturating_mul(ENTRY)
                .saturating_add(table.entries);
            let Some(entry) = cut(&region, at, ENTRY) else {
                let problem = Problem::corrupt("the list of device trees is cut off");
                opened.problems.push(problem.at(at));
                break;
            };
            if let Err(problem) = budget.spend_entries(1) {
                opened.problems.push(problem);
                break;
            }
            opened.spans.push(Span::metadata(at, ENTRY));
            let fields = Fields::big(&entry);
            let word = |at: usize| fields.u32(at).unwrap_or_default();
            let (len, start) = (u64::from(word(0)), u64::from(word(4)));
            let end = start.saturating_add(len);
            // Several boards may share one blob.
            let shared = parts.iter().any(|part: &Part| {
                matches!(&part.bytes, PartBytes::Range(range) if *range == (start..end))
            });
            opened.properties.set(
                format!("dt{number}"),
                format!("id {:#x}, revision {:#x}, at {start:#x}", word(8), word(12)),
            );
            if end > table.total {
                let detail = format!("device tree {number} reaches past the table");
                opened.problems.push(Problem::corrupt(detail).at(at));
            }
            let end = end.min(length(&region));
            if !shared {
                parts.push(Part {
                    name: format!("dt{number}").into_bytes(),
                    bytes: PartBytes::Range(start.min(end)..end),
                });
            }
        }
        opened.content = Content::Layout(parts);
        opened
    }
}

/// The header.
struct Table {
    /// The length of it all in bytes.
    total: u64,
    /// Where the entries start, and how many there are.
    entries: u64,
    count: u32,
}

impl Table {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let total = u64::from(fields.u32(4)?);
        let sizes = (u64::from(fields.u32(8)?), u64::from(fields.u32(12)?));
        let count = fields.u32(16).filter(|count| (1..=MOST).contains(count))?;
        let entries = u64::from(fields.u32(20)?);
        let end = u64::from(count).checked_mul(ENTRY)?.checked_add(entries)?;
        let version = fields.u32(28)?;
        let holds = sizes == (HEADER, ENTRY) && entries >= HEADER && end <= total && version <= 1;
        holds.then_some(Self {
            total,
            entries,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;

    fn fixture() -> Vec<u8> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dtbo/");
        std::fs::read(format!("{root}table.img")).unwrap()
    }

    fn open(image: &[u8]) -> Opened {
        let region = Bytes::copy_from_slice(image);
        Dtbo.open(region, &Budget::new(Limits::default()))
    }

    #[test]
    fn blobs_that_boards_share_are_one_part() {
        let image = fixture();
        let extent = Dtbo.measure(&Bytes::from(image.clone()));
        let len = image.len() as u64;
        assert_eq!(extent, Ok(Extent::known(len, Proof::Structure)));
        let opened = open(&image);
        assert!(opened.problems.is_empty());
        let said: Vec<_> = opened.properties.iter().map(|(_, value)| value).collect();
        assert_eq!(said[1], b"id 0x10, revision 0x2, at 0x49b");
        let Content::Layout(parts) = &opened.content else {
            panic!("not a layout");
        };
        let names: Vec<&[u8]> = parts.iter().map(|part| &part.name[..]).collect();
        assert_eq!(names, [b"dt0", b"dt1"]);
    }

    #[test]
    fn hostile_tables_are_refused_or_told() {
        for (at, value) in [
            (4, 100_u32),
            (8, 31),
            (16, 0),
            (16, u32::MAX),
            (20, u32::MAX),
            (28, 2),
        ] {
            let mut image = fixture();
            image[at..at + 4].copy_from_slice(&value.to_be_bytes());
            assert!(Dtbo.measure(&Bytes::from(image)).is_err(), "{at}");
        }
        let mut image = fixture();
        image[36..40].fill(0xff);
        assert!(!open(&image).problems.is_empty());
        let image = fixture();
        for len in 0..image.len() {
            drop(open(&image[..len]));
        }
    }
}
