//! The image that the boot loader of ESP8266 and ESP32 loads: segments with addresses and a checksum.

#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::records::{loaded, piece};
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::memory::Run;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// An ESP image.
pub(in crate::formats) struct Esp;

/// Bytes of the header, and of what ESP32 and its successors put behind it.
const HEADER: u64 = 8;
const EXTENSION: u64 = 16;
/// Bytes in front of a segment.
const SEGMENT: u64 = 8;
/// No boot loader takes more.
const MOST_SEGMENTS: u8 = 16;
/// Where these processors have memory.
const ADDRESSES: Range<u32> = 0x3c00_0000..0x6000_0000;
/// What the checksum starts from.
const SEED: u8 = 0xef;
/// Bytes of the digest behind the checksum.
const DIGEST: u64 = 32;

impl Format for Esp {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "esp",
            title: "ESP8266 and ESP32 firmware image",
            kind: Kind::Memory,
            spec: "Espressif esptool documentation, Firmware Image Format",
            reads: "images at the start of an image or of a file in it: version 1 with and without the extended header of ESP32",
            verifies: "the checksum of all segments; SHA-256 where the image says that it has one",
            limits: &[
                "version 2 images of ESP8266; signatures of secure boot, which follow the image; images that are encrypted",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let image = Image::read(rest).ok_or(Reject::Coincidence("no image"))?;
        if !image.holds {
            return Err(Reject::Coincidence("the checksum does not hold"));
        }
        Ok(Extent::known(image.len, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(image) = Image::read(&region) else {
            return Opened::unread(Problem::corrupt("the image is cut off"));
        };
        if let Err(problem) = budget.spend_decoded(length(&region)) {
            return Opened::unread(problem);
        }
        let mut problems = Problems::default();
        let mut properties = Properties::new();
        properties.set("start-address", format!("0x{:08x}", image.entry));
        if let Some(chip) = image.chip {
            properties.set("chip", chip.to_string());
        }
        let mut spans = vec![Span::metadata(0, image.head)];
        for (at, run) in &image.segments {
            spans.push(Span::metadata(at.saturating_sub(SEGMENT), SEGMENT));
            spans.push(Span::content(*at, length(&run.bytes)));
        }
        spans.extend(image.padding(&region));
        if let Some(digest) = image.digest(&region) {
            let hashed = clip(&region, 0, image.checked);
            if Sha256::digest(&hashed).as_slice() != &digest[..] {
                problems.push(
                    Problem::checksum("the SHA-256 is not that of the image").at(image.checked),
                );
            }
            spans.push(Span::metadata(image.checked, DIGEST));
        }
        let runs = image.segments.into_iter().map(|(_, run)| run);
        let memory = loaded(runs.collect(), |problem| problems.push(problem));
        Opened {
            content: Content::Memory(memory),
            spans,
            problems: problems.into_vec(),
            properties,
        }
    }
}

/// An image whose segments all lie in the bytes.
struct Image {
    entry: u32,
    /// The processor, where the header names it.
    chip: Option<u16>,
    /// Bytes of the header with its extension.
    head: u64,
    /// Where each segment's bytes stand, and where they are loaded.
    segments: Vec<(u64, Run)>,
    /// Where the segments end.
    end: u64,
    /// Where the checksum ends.
    checked: u64,
    has_digest: bool,
    len: u64,
    holds: bool,
}

impl Image {
    /// Reads the form of the two of which the checksum holds; the longer one when none does.
    fn read(bytes: &Bytes) -> Option<Self> {
        let plain = Self::read_as(bytes, HEADER);
        match plain {
            Some(image) if image.holds => Some(image),
            _ => Self::read_as(bytes, HEADER.saturating_add(EXTENSION)),
        }
    }

    fn read_as(bytes: &Bytes, head: u64) -> Option<Self> {
        let fields = Fields::little(bytes);
        let is_extended = head > HEADER;
        let count = fields.u8(1)?;
        (fields.u8(0)? == 0xe9 && (1..=MOST_SEGMENTS).contains(&count)).then_some(())?;
        let has_digest = is_extended && *bytes.get(index(head.checked_sub(1)?))? == 1;
        let mut at = head;
        let mut sum = SEED;
        let mut segments = Vec::new();
        for _ in 0..count {
            let header = cut(bytes, at, SEGMENT)?;
            let header = Fields::little(&header);
            let (address, len) = (header.u32(0)?, header.u32(4)?);
            at = at.checked_add(SEGMENT)?;
            (ADDRESSES.contains(&address) && len.is_multiple_of(4)).then_some(())?;
            let data = cut(bytes, at, u64::from(len))?;
            sum = data.iter().fold(sum, |sum, byte| sum ^ byte);
            segments.push((at, piece(u64::from(address), data)));
            at = at.checked_add(u64::from(len))?;
        }
        // The checksum is the last byte of a line of 16.
        let checked = at.checked_add(16)? & !15;
        let stated = *bytes.get(index(checked.checked_sub(1)?))?;
        let len = checked.checked_add(if has_digest { DIGEST } else { 0 })?;
        Some(Self {
            entry: fields.u32(4)?,
            chip: fields.u16(12).filter(|_| is_extended),
            head,
            segments,
            end: at,
            checked,
            has_digest,
            len,
            holds: stated == sum,
        })
    }

    /// The bytes before the checksum, where they are zero, and the checksum.
    fn padding(&self, region: &Bytes) -> Option<Span> {
        let len = self.checked.saturating_sub(self.end);
        let bytes = cut(region, self.end, len)?;
        let (_, zeros) = bytes.split_last()?;
        let plain = crate::read::is_all(zeros, 0);
        Some(if plain {
            Span::metadata(self.end, len)
        } else {
            Span::metadata(self.checked.saturating_sub(1), 1)
        })
    }

    fn digest(&self, region: &Bytes) -> Option<Bytes> {
        self.has_digest
            .then(|| cut(region, self.checked, DIGEST))
            .flatten()
    }
}
