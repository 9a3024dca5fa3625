//! The base block: 4096 bytes, of which the first 512 have a checksum.

use std::ops::Range;

use super::MAGIC;
use crate::formats::Properties;
use crate::formats::filesystem::dos;
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{Fields, clip};

/// Bytes of the base block.
pub(super) const LEN: u64 = 4096;
/// Bytes of it that have a checksum, which stands behind them.
const SUMMED: usize = 508;

/// Bytes in front of the checksum that nothing uses. In front of them Windows 10 has identifiers.
pub(super) const UNUSED: Range<u64> = 176..508;

/// What a file with a base block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    /// A hive.
    Primary,
    /// A log of pages that are to be written to a hive.
    Log,
}

/// What the base block states.
pub(super) struct Base {
    /// Counted up before and behind every write.
    sequence: (u32, u32),
    /// The minor version.
    pub(super) minor: u32,
    pub(super) file_type: FileType,
    /// The cell of the root key.
    pub(super) root: u32,
    /// Bytes of all bins.
    pub(super) bins: u32,
    /// Bytes of a sector.
    pub(super) sector: u64,
    /// Whether its checksum is right.
    pub(super) is_sound: bool,
}

impl Base {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let stored = fields.u32(SUMMED)?;
        let base = Self {
            sequence: (fields.u32(4)?, fields.u32(8)?),
            minor: fields.u32(24)?,
            file_type: match fields.u32(28)? {
                0 => FileType::Primary,
                1 | 2 | 6 => FileType::Log,
                _ => return None,
            },
            root: fields.u32(36)?,
            bins: fields.u32(40)?,
            sector: u64::from(fields.u32(44)?).checked_mul(512)?,
            is_sound: checksum(fields.slice(0, SUMMED)?) == stored,
        };
        let known = bytes.starts_with(MAGIC)
            && fields.u32(20)? == 1
            && (3..=6).contains(&base.minor)
            && fields.u32(32)? == 1
            && base.bins > 0
            && base.bins.is_multiple_of(4096)
            && (1..=4096).contains(&base.sector);
        known.then_some(base)
    }

    /// Where the last bin ends, in bytes from the region's start.
    pub(super) fn end(&self) -> u64 {
        LEN.saturating_add(self.bins.into())
    }

    /// Says what it states, of a hive or of a log.
    pub(super) fn describe(&self, bytes: &[u8], properties: &mut Properties) {
        properties.set("version", format!("1.{}", self.minor));
        let (first, second) = self.sequence;
        properties.set("sequence", format!("{first}, {second}"));
        let name = bytes.get(48..112).unwrap_or_default();
        let name = dos::utf8(dos::units(name).take_while(|&unit| unit != 0));
        if !name.is_empty() {
            properties.set("file-name", name);
        }
    }

    /// Says what it states, explains its bytes, and tells what is wrong with it.
    pub(super) fn tell(&self, region: &bytes::Bytes, harvest: &mut Harvest<'_>) {
        self.describe(region, &mut harvest.properties);
        let raw = clip(region, 0, LEN);
        let mut ledger = Ledger::default();
        ledger.structure(0, &raw, &[UNUSED, 512..4040]);
        for span in ledger.into_spans() {
            harvest.account.name(span.at, span.len, span.role);
        }
        if !self.is_sound {
            let detail = "the checksum of the base block is wrong";
            harvest.tell(Problem::checksum(detail).at(SUMMED_AT));
        }
        if self.sequence.0 != self.sequence.1 {
            let (first, second) = self.sequence;
            let detail = format!(
                "a write was under way (sequence numbers {first} and {second}); its log is not applied"
            );
            harvest.tell(Problem::unsupported(detail).at(4));
        }
    }
}

/// Where the checksum stands.
const SUMMED_AT: u64 = 508;

/// All 32-bit words, one upon the other.
fn checksum(bytes: &[u8]) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    let words = words.iter().map(|&word| u32::from_le_bytes(word));
    // Windows stores neither of these two.
    match words.fold(0, |sum, word| sum ^ word) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}
