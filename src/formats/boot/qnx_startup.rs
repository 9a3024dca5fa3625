//! What QNX Neutrino boots from: a startup program behind a header of 256 bytes, then the image file system, plain or compressed.
//!
//! The header is in the byte order of the target, and a bit of its flags says which. The startup program ends with a word
//! that makes the sum of all its words zero, and so does the image behind it, as stored.

mod payload;
#[cfg(test)]
mod tests;
mod ucl;

use bytes::Bytes;

use self::payload::{Method, Payload};
use crate::budget::Budget;
use crate::formats::words::word_sum;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, length};

/// The start of a QNX Neutrino boot image.
pub(in crate::formats) struct QnxStartup;

/// The length of the header in bytes.
const HEADER: u64 = 256;
/// The length of a checksum in bytes.
const SUM: u64 = 4;

/// Bits of the first flags.
const BIG_ENDIAN: u8 = 0x02;
const COMPRESSION: u8 = 0x1c;
const KNOWN: u8 = 0x1f;

impl Format for QnxStartup {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx-startup",
            title: "QNX boot image",
            kind: Kind::Boot,
            spec: "QNX sys/startup.h (Apache 2.0); QNX Building Embedded Systems, IPL; UCL 1.03 for NRV2B",
            reads: "version 1 in both byte orders; images that are plain or compressed with zlib, LZO or UCL",
            verifies: "the sum over the startup program and over what is stored behind it",
            limits: &[
                "code in front of the header that jumps to it is left unexplained",
                "of images with flags that are not known, it is told where a sum does not hold",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &[0xeb, 0x7e, 0xff, 0x00, 1, 0],
                at: 0,
            },
            Magic {
                bytes: &[0x00, 0xff, 0x7e, 0xeb, 0, 1],
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no startup header"))?;
        if !header.fits() {
            return Err(Reject::NearMiss("a startup header with impossible sizes"));
        }
        Ok(Extent::known(header.stored, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut problems = Vec::new();
        let mut spans = vec![Span::metadata(0, HEADER)];
        if length(&region) < header.stored {
            let detail = format!("{} of {} bytes are there", region.len(), header.stored);
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        let trailer = header.startup.saturating_sub(SUM);
        spans.push(Span::metadata(trailer, SUM));
        let startup = Part {
            name: b"startup".to_vec(),
            bytes: PartBytes::Range(HEADER..trailer),
        };
        problems.extend(header.wrong_sum(&region, 0, header.startup, "the startup program"));
        let image = match header.method() {
            Err(problem) => {
                problems.push(problem);
                None
            }
            Ok(None) => Some(PartBytes::Range(header.startup..header.stored)),
            Ok(Some(method)) => {
                let len = header.stored.saturating_sub(header.startup);
                problems.extend(header.wrong_sum(
                    &region,
                    header.startup,
                    len,
                    "the compressed image",
                ));
                let end = header.stored.saturating_sub(SUM);
                spans.push(Span::metadata(end, SUM));
                let stored = clip(&region, header.startup, len.saturating_sub(SUM));
                let payload = Payload::new(stored, method, header.startup, header.image);
                Some(PartBytes::Stream(Box::new(payload)))
            }
        };
        let image = image.map(|bytes| Part {
            name: b"imagefs".to_vec(),
            bytes,
        });
        Opened {
            content: Content::Layout([startup].into_iter().chain(image).collect()),
            spans,
            problems,
            properties: header.properties(),
        }
    }
}

/// The header.
struct Header {
    endian: Endian,
    flags: u8,
    /// The processor, as in an ELF header.
    machine: u16,
    /// Where it runs from, and where the image lies (addresses).
    entry: u32,
    paddr: u32,
    /// The length of header and startup program in bytes.
    startup: u64,
    /// The length of everything as stored, in bytes.
    stored: u64,
    /// The length of the image file system when it is decompressed, in bytes.
    image: u64,
}

impl Header {
    /// The header at the start of `bytes`, if it is one: the fields that must be zero are.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..256)?;
        let endian = if head.starts_with(&[0xeb, 0x7e, 0xff, 0x00]) {
            Endian::Little
        } else if head.starts_with(&[0x00, 0xff, 0x7e, 0xeb]) {
            Endian::Big
        } else {
            return None;
        };
        let fields = Fields::new(head, endian);
        let flags = fields.u8(6)?;
        let zeros = fields.u16(50)? == 0 && fields.slice(52, 12)?.iter().all(|&byte| byte == 0);
        let agrees = (flags & BIG_ENDIAN != 0) == (endian == Endian::Big);
        let is_header = fields.u16(4)? == 1 && u64::from(fields.u16(8)?) == HEADER;
        (zeros && agrees && is_header).then_some(Self {
            endian,
            flags,
            machine: fields.u16(10)?,
            entry: fields.u32(12)?,
            paddr: fields.u32(20)?,
            startup: fields.u32(32)?.into(),
            stored: fields.u32(36)?.into(),
            image: fields.u32(44)?.into(),
        })
    }

    /// Whether header and sum fit in the startup program, and an image behind it.
    fn fits(&self) -> bool {
        let compressed = self.flags & COMPRESSION != 0;
        let behind = self.stored.checked_sub(self.startup);
        self.startup >= HEADER.saturating_add(SUM)
            && behind.is_some_and(|len| len > SUM && (compressed || len == self.image))
    }

    /// How the image is compressed, if it is.
    fn method(&self) -> Result<Option<Method>, Problem> {
        match self.flags & COMPRESSION {
            0x00 => Ok(None),
            0x04 => Ok(Some(Method::Gzip)),
            0x08 => Ok(Some(Method::Lzo)),
            0x0c => Ok(Some(Method::Ucl)),
            other => {
                let detail = format!("compression {other:#04x} is not known");
                Err(Problem::unsupported(detail).at(6))
            }
        }
    }

    /// What is wrong with the sum of the words of `len` bytes from `at`; nothing where some of them are missing, which is
    /// told otherwise.
    fn wrong_sum(&self, region: &[u8], at: u64, len: u64, what: &str) -> Option<Problem> {
        let end = at.saturating_add(len);
        let bytes = region.get(crate::read::index(at)..crate::read::index(end))?;
        if bytes.len().is_multiple_of(4) && word_sum(bytes, self.endian) == 0 {
            return None;
        }
        let last = end.saturating_sub(SUM);
        let unknown = self.flags & !KNOWN;
        if unknown != 0 {
            let detail =
                format!("flags {unknown:#04x} are not known, and the sum of {what} does not hold");
            return Some(Problem::unsupported(detail).at(last));
        }
        let detail = format!("the words of {what} do not add up to zero");
        Some(Problem::checksum(detail).at(last))
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        let order = match self.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        properties.set("byte-order", order);
        properties.set("machine", self.machine.to_string());
        properties.set("entry", format!("{:#x}", self.entry));
        properties.set("load-address", format!("{:#x}", self.paddr));
        if let Ok(method) = self.method() {
            properties.set("compression", method.map_or("none", Method::word));
        }
        properties
    }
}
