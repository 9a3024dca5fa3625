//! Volume descriptors: 2048 bytes each from the 17th sector on, up to a terminator. ECMA-119 section 8.

use bytes::Bytes;

use super::DESCRIPTORS;
use super::record::{Record, both_u16, both_u32};
use crate::formats::Properties;
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, cut, index, is_all};

/// The length of a volume descriptor and of a sector (bytes).
pub(super) const SECTOR: u64 = 2048;

/// Where the descriptors of the first session stand again on discs that can grow: 32 sectors further on.
const FIRST_SESSION: u64 = DESCRIPTORS + 0x1_0000;

/// So many descriptors are looked at; real discs have up to five.
const MOST: u64 = 64;

/// The parts of a primary or supplementary descriptor that the standard defines (bytes from its start). The rest is for
/// applications or reserved, and unexplained where it is not zero.
const DEFINED: std::ops::Range<u64> = 0..883;

/// A volume: one tree of the disc.
pub(super) struct Volume {
    /// How many blocks it has.
    blocks: Option<u32>,
    /// The length of a block (bytes).
    pub(super) block: u64,
    /// The record of the root directory.
    pub(super) root: Option<Record>,
    /// Where the path tables of either byte order and their copies start (blocks; 0: there is none), and their length (bytes).
    pub(super) path_tables: [(u32, Endian); 4],
    pub(super) path_table_len: Option<u32>,
    /// The name of the volume, padded.
    name: Vec<u8>,
}

impl Volume {
    /// The primary volume, when its descriptor is where it belongs.
    pub(super) fn primary(region: &Bytes) -> Option<Self> {
        let bytes = cut(region, DESCRIPTORS, SECTOR)?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (little, big) = (Fields::little(bytes), Fields::big(bytes));
        Some(Self {
            blocks: both_u32(bytes, 80),
            block: u64::from(both_u16(bytes, 128)?),
            root: Record::parse(bytes.get(156..190)?),
            path_table_len: both_u32(bytes, 132),
            path_tables: [
                (little.u32(140)?, Endian::Little),
                (little.u32(144)?, Endian::Little),
                (big.u32(148)?, Endian::Big),
                (big.u32(152)?, Endian::Big),
            ],
            name: little.slice(40, 32)?.to_vec(),
        })
    }

    /// The length of the volume in bytes, with the system area.
    pub(super) fn len(&self) -> u64 {
        u64::from(self.blocks.unwrap_or_default()).saturating_mul(self.block)
    }

    /// Whether the descriptor holds together.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let sound = [512, 1024, 2048].contains(&self.block);
        if !sound {
            return Err("an ISO 9660 volume with a block size that does not exist");
        }
        if self.len() < DESCRIPTORS.saturating_add(SECTOR) {
            return Err("an ISO 9660 volume whose two statements of its length differ");
        }
        let is_dir = self.root.as_ref().is_some_and(Record::is_dir);
        if !is_dir {
            return Err("an ISO 9660 volume without a root directory");
        }
        Ok(())
    }
}

/// All that stands among the descriptors.
pub(super) struct Set {
    pub(super) primary: Option<Volume>,
    pub(super) joliet: Option<Volume>,
    pub(super) ledger: Ledger,
    pub(super) problems: Problems,
    pub(super) properties: Properties,
}

/// Reads the descriptors of a disc.
pub(super) fn read(region: &Bytes) -> Set {
    let mut set = read_at(region, DESCRIPTORS);
    let again = read_at(region, FIRST_SESSION);
    // The same tree: only the length differs, which counts from the session's start.
    let root = |set: &Set| Some(set.primary.as_ref()?.root.as_ref()?.extent);
    if root(&again).is_some() && root(&again) == root(&set) {
        set.ledger.append(again.ledger);
    }
    set
}

/// Reads the descriptors from `start` on (bytes from the region's start).
pub(super) fn read_at(region: &Bytes, start: u64) -> Set {
    let mut set = Set {
        primary: None,
        joliet: None,
        ledger: Ledger::default(),
        problems: Problems::default(),
        properties: Properties::new(),
    };
    for number in 0..MOST {
        let at = start.saturating_add(number.saturating_mul(SECTOR));
        let bytes = clip(region, at, SECTOR);
        let Some((&kind, b"CD001")) = bytes
            .split_first()
            .map(|(kind, rest)| (kind, rest.get(..5).unwrap_or_default()))
        else {
            set.problems
                .push(Problem::corrupt("the volume descriptors have no terminator").at(at));
            return set;
        };
        match kind {
            0 => set.boot_record(region, &bytes, at),
            1 if set.primary.is_none() => {
                set.primary = Volume::parse(&bytes);
                set.defined(at);
                set.name();
            }
            2 if is_joliet(&bytes) && set.joliet.is_none() => {
                set.joliet = Volume::parse(&bytes);
                set.defined(at);
            }
            2 if set.is_enhanced(&bytes) => set.defined(at),
            0xff => {
                set.ledger.metadata(at, 7);
                let next = clip(region, at.saturating_add(SECTOR), 6);
                if next.get(1..) == Some(b"BEA01") {
                    let detail = "a UDF tree stands on the same disc and is not read";
                    set.problems.push(Problem::unsupported(detail).at(at));
                }
                return set;
            }
            _ => set
                .problems
                .push(Problem::unsupported(format!("a volume descriptor of type {kind}")).at(at)),
        }
    }
    set.problems.push(Problem::limit(
        "more than 64 volume descriptors; the rest was not read",
    ));
    set
}

impl Set {
    fn defined(&mut self, at: u64) {
        self.ledger
            .metadata(at.saturating_add(DEFINED.start), DEFINED.end);
    }

    /// Whether this is the descriptor of ISO 9660:1999, which names the primary tree once more and allows longer names.
    fn is_enhanced(&self, bytes: &[u8]) -> bool {
        let root = |volume: &Volume| volume.root.as_ref().map(|root| root.extent);
        let own = Volume::parse(bytes).as_ref().and_then(root);
        bytes.get(6) == Some(&2) && own.is_some() && own == self.primary.as_ref().and_then(root)
    }

    fn name(&mut self) {
        let name = self.primary.as_ref().map(|volume| volume.name.trim_ascii());
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.properties.set("volume", name);
        }
    }

    /// A boot record: El Torito names the sector of a catalog, whose entries name boot images.
    fn boot_record(&mut self, region: &Bytes, bytes: &[u8], at: u64) {
        let system = bytes.get(7..39).unwrap_or_default();
        if !system.starts_with(b"EL TORITO SPECIFICATION") {
            let detail = "a boot record of an unknown system";
            self.problems.push(Problem::unsupported(detail).at(at));
            return;
        }
        self.ledger.metadata(at, 75);
        let sector = Fields::little(bytes).u32(71).unwrap_or_default();
        let catalog_at = u64::from(sector).saturating_mul(SECTOR);
        let catalog = clip(region, catalog_at, SECTOR);
        let words = catalog.get(..32).unwrap_or_default().chunks_exact(2);
        let sum = words.fold(0_u16, |sum, word| {
            sum.wrapping_add(Fields::little(word).u16(0).unwrap_or_default())
        });
        if sum != 0 || catalog.first() != Some(&1) {
            let detail = "the boot catalog's checksum is wrong";
            self.problems.push(Problem::checksum(detail).at(catalog_at));
            return;
        }
        self.boot_catalog(&catalog, catalog_at);
    }

    fn boot_catalog(&mut self, catalog: &[u8], at: u64) {
        let used = catalog
            .chunks_exact(32)
            .take_while(|entry| !is_all(entry, 0))
            .count();
        let mut images: u32 = 0;
        for entry in catalog.chunks_exact(32).take(used).skip(1) {
            let fields = Fields::little(entry);
            // 0x88 and 0x00: an image that a firmware may boot, or not; 0x90 and 0x91 head the sections.
            let is_image = matches!(entry.first(), Some(0x88 | 0));
            let (Some(count), Some(sector)) = (fields.u16(6), fields.u32(8)) else {
                continue;
            };
            if is_image {
                let start = u64::from(sector).saturating_mul(SECTOR);
                let value = format!("{count} sectors of 512 bytes at {start:#x}");
                self.properties.set(format!("boot-image.{images}"), value);
                images = images.saturating_add(1);
            }
        }
        let used = u64::try_from(used).unwrap_or_default();
        self.ledger.metadata(at, used.saturating_mul(32));
    }
}

/// Whether a supplementary descriptor names one of the three escape sequences of UCS-2.
fn is_joliet(bytes: &[u8]) -> bool {
    let escapes = bytes.get(index(88)..index(91)).unwrap_or_default();
    matches!(escapes, b"%/@" | b"%/C" | b"%/E")
}
