//! The legacy U-Boot image: a 64-byte header with a CRC-32, then the data with another.

use std::ops::Range;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, length};

/// The legacy U-Boot image.
pub(in crate::formats) struct Uimage;

const MAGIC: [u8; 4] = [0x27, 0x05, 0x19, 0x56];

/// The length of the header in bytes.
const HEADER: u64 = 64;

/// Where the name stands in it, and its length (bytes).
const NAME: Range<usize> = 32..64;

/// Image types whose data starts with a table of sizes.
const MULTI: u8 = 4;
const SCRIPT: u8 = 6;

/// The most images that a table of sizes is read for.
const IMAGES: usize = 1024;

impl Format for Uimage {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "uimage",
            title: "legacy U-Boot image (uImage)",
            kind: Kind::Boot,
            spec: "U-Boot include/image.h, struct legacy_img_hdr",
            reads: "single, multi-file and script images; the OKLI magic of OpenWrt",
            verifies: "CRC-32 of the header and of the data",
            limits: &["more than 1024 images in one file"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &MAGIC,
                at: 0,
            },
            Magic {
                bytes: b"OKLI",
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no uImage header"))?;
        if header.sound {
            let len = HEADER.saturating_add(header.size);
            return Ok(Extent::known(len, Proof::Checksum));
        }
        Err(if header.plausible {
            Reject::NearMiss("a uImage header whose CRC-32 is wrong")
        } else {
            Reject::Coincidence("no uImage header")
        })
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut opened = Opened {
            content: Content::Unread,
            spans: header.spans.clone(),
            problems: Vec::new(),
            properties: header.properties(),
        };
        let data = clip(&region, HEADER, header.size);
        if length(&data) < header.size {
            let detail = format!("{} of {} bytes of data are there", data.len(), header.size);
            opened
                .problems
                .push(Problem::corrupt(detail).at(length(&region)));
        } else if crc32fast::hash(&data) != header.data_crc {
            let detail = "the data's CRC-32 is not the one in the header";
            opened.problems.push(Problem::checksum(detail).at(24));
        }
        let parts = match header.kind {
            MULTI | SCRIPT => sized(&data, header.kind, budget, &mut opened),
            _ => None,
        };
        let whole = HEADER..HEADER.saturating_add(length(&data));
        opened.content = Content::Layout(parts.unwrap_or_else(|| vec![part(Vec::new(), whole)]));
        opened
    }
}

/// The header, as far as it decides anything.
struct Header {
    /// The length of the data in bytes.
    size: u64,
    data_crc: u32,
    kind: u8,
    /// What its maker called it, up to the first zero.
    name: Vec<u8>,
    /// Whether the header's own CRC-32 is right.
    sound: bool,
    /// Whether the fields could be those of an image.
    plausible: bool,
    /// The header without what stands behind the end of the name.
    spans: Vec<Span>,
}

impl Header {
    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        if !self.name.is_empty() {
            properties.set("name", self.name.clone());
        }
        properties
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let mut header = *bytes.first_chunk::<64>()?;
        let stored = fields.u32(4)?;
        header.get_mut(4..8)?.fill(0);
        let size = u64::from(fields.u32(12)?);
        let (os, arch) = (fields.u8(28)?, fields.u8(29)?);
        let (kind, compression) = (fields.u8(30)?, fields.u8(31)?);
        let name = fields.slice(NAME.start, NAME.len())?;
        let text = name.split(|&byte| byte == 0).next()?;
        let padding = name.get(text.len()..)?;
        let mut end = HEADER;
        if padding.iter().any(|&byte| byte != 0) {
            // Bytes behind the end of the name are nobody's.
            end = u64::try_from(NAME.start.checked_add(text.len())?.checked_add(1)?).ok()?;
        }
        Some(Self {
            size,
            data_crc: fields.u32(24)?,
            kind,
            name: text.to_vec(),
            sound: crc32fast::hash(&header) == stored,
            plausible: size > 0
                && os <= 64
                && arch <= 64
                && (1..=64).contains(&kind)
                && compression <= 16
                && text.iter().all(|byte| (b' '..=b'~').contains(byte))
                && end == HEADER,
            spans: vec![Span::metadata(0, end)],
        })
    }
}

/// The images behind a table of sizes, which ends with a zero. `None` when there is no such table.
fn sized(data: &Bytes, kind: u8, budget: &Budget, opened: &mut Opened) -> Option<Vec<Part>> {
    let fields = Fields::big(data);
    let mut sizes = Vec::new();
    let mut at: usize = 0;
    loop {
        let Some(size) = fields.u32(at) else {
            let problem = Problem::corrupt("the table of image sizes has no end");
            opened.problems.push(problem.at(HEADER));
            return None;
        };
        at = at.checked_add(4)?;
        if size == 0 {
            break;
        }
        sizes.push(u64::from(size));
        if sizes.len() > IMAGES {
            let problem = Problem::unsupported("more than 1024 images in one file");
            opened.problems.push(problem.at(HEADER));
            return None;
        }
    }
    let table = u64::try_from(at).ok()?;
    opened.spans.push(Span::metadata(HEADER, table));
    let mut parts = Vec::new();
    let mut start = HEADER.checked_add(table)?;
    let end = HEADER.checked_add(length(data))?;
    for (number, &size) in sizes.iter().enumerate() {
        if let Err(problem) = budget.spend_entries(1) {
            opened.problems.push(problem);
            break;
        }
        let stop = start.saturating_add(size);
        if stop > end {
            let detail = format!("image {number} of {size} bytes reaches past the data");
            opened.problems.push(Problem::corrupt(detail).at(start));
        }
        // U-Boot runs a script by its first size alone; it is the image, not one of several.
        let name = match (kind, sizes.len()) {
            (SCRIPT, 1) => Vec::new(),
            _ => format!("image{number}").into_bytes(),
        };
        parts.push(part(name, start.min(end)..stop.min(end)));
        start = stop.saturating_add(3) & !3;
    }
    Some(parts)
}

fn part(name: Vec<u8>, range: Range<u64>) -> Part {
    Part {
        name,
        bytes: PartBytes::Range(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;
    use crate::problem::ProblemKind;
    use crate::read::index;

    fn fixture(name: &str) -> Vec<u8> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/uimage/");
        std::fs::read(format!("{root}{name}.img")).unwrap()
    }

    /// Opens an image as the engine does: what lies behind the measured length is cut off.
    fn open(image: &[u8]) -> Result<Opened, Reject> {
        let image = Bytes::copy_from_slice(image);
        let extent = Uimage.measure(&image)?;
        let crate::formats::Length::Known(len) = extent.len else {
            panic!("a known length");
        };
        assert_eq!(extent.proof, Proof::Checksum);
        Ok(Uimage.open(clip(&image, 0, len), &Budget::new(Limits::default())))
    }

    fn parts(opened: &Opened) -> Vec<(String, Range<u64>)> {
        let Content::Layout(parts) = &opened.content else {
            panic!("not a layout");
        };
        parts
            .iter()
            .map(|part| {
                let PartBytes::Range(range) = &part.bytes else {
                    panic!("not a range");
                };
                (String::from_utf8(part.name.clone()).unwrap(), range.clone())
            })
            .collect()
    }

    #[test]
    fn single_images_are_one_part() {
        for name in ["kernel", "ramdisk"] {
            let mut image = fixture(name);
            let len = image.len() as u64;
            image.extend_from_slice(b"behind");
            let opened = open(&image).unwrap();
            assert!(opened.problems.is_empty(), "{name}");
            assert_eq!(opened.spans, [Span::metadata(0, 64)]);
            assert_eq!(parts(&opened), [(String::new(), 64..len)]);
        }
    }

    #[test]
    fn a_script_is_the_text_behind_its_table() {
        let image = fixture("script");
        let opened = open(&image).unwrap();
        assert!(opened.problems.is_empty());
        let parts = parts(&opened);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].0, "");
        let text = &image[index(parts[0].1.start)..index(parts[0].1.end)];
        assert!(text.starts_with(b"content of "), "{text:?}");
    }

    #[test]
    fn multi_file_images_are_several_parts_and_padding_is_nobodys() {
        let image = fixture("multi");
        let opened = open(&image).unwrap();
        assert!(opened.problems.is_empty());
        let parts = parts(&opened);
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["image0", "image1", "image2"]);
        // The first file has 1234 bytes and 2 of padding; the table has 4 entries.
        assert_eq!(parts[0].1, 80..80 + 1234);
        assert_eq!(parts[1].1.start, 80 + 1236);
        assert_eq!(
            opened.spans,
            [Span::metadata(0, 64), Span::metadata(64, 16)]
        );
    }

    #[test]
    fn wrong_checksums_are_told_apart() {
        let sound = fixture("kernel");
        let mut image = sound.clone();
        *image.last_mut().unwrap() ^= 1;
        let opened = open(&image).unwrap();
        assert_eq!(opened.problems[0].kind, ProblemKind::ChecksumMismatch);
        assert_eq!(parts(&opened).len(), 1);
        let mut image = sound.clone();
        image[16] ^= 1;
        assert!(matches!(open(&image), Err(Reject::NearMiss(_))));
        image[28..64].fill(0xee);
        assert!(matches!(open(&image), Err(Reject::Coincidence(_))));
    }

    fn sign(image: &mut [u8]) {
        let data = crc32fast::hash(&image[64..]);
        image[24..28].copy_from_slice(&data.to_be_bytes());
        image[4..8].fill(0);
        let header = crc32fast::hash(&image[..64]);
        image[4..8].copy_from_slice(&header.to_be_bytes());
    }

    #[test]
    fn bytes_behind_the_name_are_explained_by_nothing() {
        let mut image = fixture("kernel");
        image[60..64].copy_from_slice(b"hide");
        sign(&mut image);
        let opened = open(&image).unwrap();
        assert!(opened.spans[0].len < 60);
    }

    #[test]
    fn hostile_tables_are_problems() {
        for (at, value) in [(64, u32::MAX), (68, 0x7fff_ffff)] {
            let mut image = fixture("multi");
            image[at..at + 4].copy_from_slice(&value.to_be_bytes());
            sign(&mut image);
            let opened = open(&image).unwrap();
            assert_eq!(opened.problems[0].kind, ProblemKind::Corrupt);
            let len = image.len() as u64;
            assert!(parts(&opened).iter().all(|(_, range)| range.end <= len));
        }
        let mut image = fixture("multi");
        image[64..].fill(1);
        sign(&mut image);
        let opened = open(&image).unwrap();
        assert!(!opened.problems.is_empty());
        assert_eq!(parts(&opened).len(), 1);
    }

    #[test]
    fn every_truncation_is_told() {
        for name in ["kernel", "script", "multi"] {
            let image = fixture(name);
            for len in 0..image.len() {
                match open(&image[..len]) {
                    Ok(opened) => assert!(!opened.problems.is_empty()),
                    Err(_) => assert!(len < 64),
                }
            }
        }
    }
}
