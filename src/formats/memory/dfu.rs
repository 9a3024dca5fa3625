//! DFU files: what is sent to a device's USB loader, with a suffix that holds a checksum; `DfuSe` adds addresses.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::records::{loaded, piece};
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::image::map;
use crate::memory::Run;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, is_all, length, rest};

/// DFU, with and without `DfuSe`.
pub(in crate::formats) struct Dfu;

/// Bytes of the suffix; it may be longer, and its last 16 bytes stand where they do.
const SUFFIX: u64 = 16;
/// Bytes of the prefix of `DfuSe`, of a target's and of an element's.
const PREFIX: u64 = 11;
const TARGET: u64 = 274;
const ELEMENT: u64 = 8;
/// Where a target's name stands in its header, and how many bytes it has.
const NAME: u64 = 11;
const NAME_LEN: u64 = 255;

impl Format for Dfu {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "dfu",
            title: "USB Device Firmware Upgrade file",
            kind: Kind::Memory,
            spec: "USB Device Class Specification for Device Firmware Upgrade 1.1, appendix B; ST UM0391 (DfuSe)",
            reads: "files with a suffix at the end of an image or of a file in it; DfuSe 1.1a anywhere",
            verifies: "the CRC-32 of the suffix; the sizes of targets and elements against each other",
            limits: &["of several targets all are taken for one memory"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"DfuSe\x01",
            at: 0,
        }]
    }

    fn is_asked_at_start(&self) -> bool {
        true
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let len = whole_len(rest).ok_or(Reject::Coincidence("no suffix"))?;
        let suffix = Suffix::read(&clip(rest, 0, len));
        let suffix = suffix.ok_or(Reject::Coincidence("no suffix"))?;
        let proof = match suffix.holds(rest, len) {
            true => Proof::Checksum,
            false if is_dfuse(rest) => Proof::Structure,
            false => return Err(Reject::NearMiss("the CRC-32 of the suffix does not hold")),
        };
        Ok(Extent::known(len, proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let len = length(&region);
        let mut properties = Properties::new();
        let mut problems = Problems::default();
        let mut end = len;
        let mut spans = Vec::new();
        if let Some(suffix) = Suffix::read(&region) {
            suffix.tell(&mut properties);
            end = len.saturating_sub(suffix.len);
            spans.push(Span::metadata(end, suffix.len));
            if !suffix.holds(&region, len) {
                let problem = Problem::checksum("the CRC-32 of the suffix is not that of the file");
                problems.push(problem.at(len.saturating_sub(4)));
            }
        }
        let content = if is_dfuse(&region) {
            let pieces = elements(&region, end, budget, &mut spans, &mut problems);
            Content::Memory(loaded(pieces, |problem| problems.push(problem)))
        } else {
            Content::Layout(vec![Part {
                name: b"firmware".to_vec(),
                bytes: PartBytes::Range(0..end),
            }])
        };
        Opened {
            content,
            spans,
            problems: problems.into_vec(),
            properties,
        }
    }
}

fn is_dfuse(bytes: &[u8]) -> bool {
    bytes.starts_with(b"DfuSe\x01")
}

/// Whether these bytes are a file with a suffix at their end.
pub(super) fn is_whole(bytes: &Bytes) -> bool {
    Suffix::read(bytes).is_some()
}

/// How long the file at the start of `rest` is: `DfuSe` states it, else it reaches as far as the stream does.
fn whole_len(rest: &Bytes) -> Option<u64> {
    if is_dfuse(rest) {
        let stated = u64::from(Fields::little(rest).u32(6)?);
        let len = stated.checked_add(SUFFIX)?;
        return (stated >= PREFIX && len <= length(rest)).then_some(len);
    }
    Some(length(rest))
}

/// The suffix.
struct Suffix {
    device: u16,
    product: u16,
    vendor: u16,
    version: u16,
    /// Its own length in bytes.
    len: u64,
    crc: u32,
}

impl Suffix {
    /// Reads the suffix at the end of a whole file.
    fn read(file: &Bytes) -> Option<Self> {
        let bytes = rest(file, length(file).checked_sub(SUFFIX)?);
        let fields = Fields::little(&bytes);
        let suffix = Self {
            device: fields.u16(0)?,
            product: fields.u16(2)?,
            vendor: fields.u16(4)?,
            version: fields.u16(6)?,
            len: u64::from(fields.u8(11)?),
            crc: fields.u32(12)?,
        };
        let is_one = fields.slice(8, 3)? == b"UFD"
            && (SUFFIX..=length(file)).contains(&suffix.len)
            && matches!(suffix.version, 0x0100 | 0x0110 | 0x011a);
        is_one.then_some(suffix)
    }

    /// Whether its CRC-32 is that of the first `len` bytes, but for the CRC itself.
    fn holds(&self, file: &Bytes, len: u64) -> bool {
        let mut hasher = crc32fast::Hasher::new();
        for chunk in clip(file, 0, len.saturating_sub(4)).chunks(1 << 20) {
            hasher.update(chunk);
            map::touched(length(chunk));
        }
        // The sum is kept without its last inversion.
        hasher.finalize() == !self.crc
    }

    fn tell(&self, properties: &mut Properties) {
        let numbers = [
            ("device-version", self.device),
            ("product", self.product),
            ("vendor", self.vendor),
        ];
        for (name, number) in numbers {
            properties.set(name, format!("0x{number:04x}"));
        }
    }
}

/// The elements of all targets of a `DfuSe` file that ends at `end`.
fn elements(
    region: &Bytes,
    end: u64,
    budget: &Budget,
    spans: &mut Vec<Span>,
    problems: &mut Problems,
) -> Vec<Run> {
    let mut pieces = Vec::new();
    let targets = Fields::little(region).u8(10).unwrap_or_default();
    spans.push(Span::metadata(0, PREFIX));
    let mut at = PREFIX;
    for number in 0..targets {
        let Some((size, count)) = target(region, at) else {
            let detail = format!("target {number} is not where it should be");
            problems.push(Problem::corrupt(detail).at(at));
            return pieces;
        };
        spans.extend(target_spans(region, at));
        at = at.saturating_add(TARGET);
        let target_end = at.saturating_add(size);
        for _ in 0..count {
            if let Err(problem) = budget.spend_entries(1) {
                problems.push(problem);
                return pieces;
            }
            let header = cut(region, at, ELEMENT);
            let fields = header.as_ref().map(|header| Fields::little(header));
            let element = fields.and_then(|fields| Some((fields.u32(0)?, fields.u32(4)?)));
            let data = at.saturating_add(ELEMENT);
            let bytes = element.and_then(|(_, len)| cut(region, data, u64::from(len)));
            let (Some((address, _)), Some(bytes)) = (element, bytes) else {
                problems.push(Problem::corrupt("an element reaches past the end").at(at));
                return pieces;
            };
            spans.push(Span::metadata(at, ELEMENT));
            spans.push(Span::content(data, length(&bytes)));
            at = data.saturating_add(length(&bytes));
            pieces.push(piece(u64::from(address), bytes));
        }
        if at != target_end {
            let detail = format!("target {number} ends elsewhere than its size says");
            problems.push(Problem::corrupt(detail).at(at));
        }
    }
    if at != end {
        let detail = "the targets end elsewhere than the file says";
        problems.push(Problem::corrupt(detail).at(at.min(end)));
    }
    pieces
}

/// The size and the count of elements of the target at `at`.
fn target(region: &Bytes, at: u64) -> Option<(u64, u32)> {
    let header = cut(region, at, TARGET)?;
    let fields = Fields::little(&header);
    let sizes = (u64::from(fields.u32(266)?), fields.u32(270)?);
    (header.get(..index(6))? == b"Target").then_some(sizes)
}

/// The header of a target, without what stands behind the end of its name.
fn target_spans(region: &Bytes, at: u64) -> Vec<Span> {
    let name = clip(region, at.saturating_add(NAME), NAME_LEN);
    let used = name.iter().take_while(|&&byte| byte != 0).count();
    let padding = name.get(used..).unwrap_or_default();
    let named = if is_all(padding, 0) {
        NAME_LEN
    } else {
        length(&name).saturating_sub(length(padding))
    };
    vec![
        Span::metadata(at, NAME.saturating_add(named)),
        Span::metadata(at.saturating_add(NAME).saturating_add(NAME_LEN), 8),
    ]
}
