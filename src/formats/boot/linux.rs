//! Linux kernels that boot by themselves: their header says what they are, how long they are, and (on some machines)
//! where the packed kernel stands in them.
//!
//! All that is not the header stays open, so that it is searched at every offset: a packed kernel is found by its own
//! magic number, and in what it decodes to the built-in configuration and the initramfs. The code around it is
//! explained by nothing, since nothing tells what it should be.

mod arm;
mod image;
mod pe;
#[cfg(test)]
mod tests;
mod x86;

use std::ops::Range;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::length;

/// Linux kernels.
pub(in crate::formats) struct Linux;

impl Format for Linux {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "linux",
            title: "Linux kernel",
            kind: Kind::Boot,
            spec: "Linux Documentation/arch: x86/boot.rst, arm/booting.rst, arm64/booting.rst, riscv/boot-image-header.rst; drivers/firmware/efi/libstub/zboot-header.S",
            reads: "ARM zImage in both byte orders, x86 zImage and bzImage, arm64 and RISC-V Image, EFI zboot; what is packed or built in is found in them",
            verifies: "the header; the CRC-32 of x86 kernels before 6.16, signed ones too",
            limits: &[
                "kernels without a header of their own, such as those of MIPS",
                "an arm64 or RISC-V Image without an EFI header reaches as far as its memory does, if the stream does",
                "the certificate of a signed kernel is shown, not verified",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &[0x18, 0x28, 0x6f, 0x01],
                at: 0x24,
            },
            Magic {
                bytes: &[0x01, 0x6f, 0x28, 0x18],
                at: 0x24,
            },
            Magic {
                bytes: b"HdrS",
                at: 0x202,
            },
            Magic {
                bytes: b"ARM\x64",
                at: 0x38,
            },
            Magic {
                bytes: b"RSC\x05",
                at: 0x38,
            },
            Magic {
                bytes: b"MZ\0\0zimg",
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let kernel = Kernel::read(rest).ok_or(Reject::Coincidence("no kernel header"))?;
        Ok(Extent::known(kernel.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(kernel) = Kernel::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut opened = Opened {
            content: Content::Unread,
            spans: kernel.spans.clone(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        opened.properties.set("kind", kernel.kind);
        for (name, value) in &kernel.said {
            opened.properties.set(*name, value.clone());
        }
        let mut parts = Vec::new();
        for (name, range) in &kernel.parts {
            if range.end > kernel.len || range.is_empty() {
                let detail = format!("its {name} is not inside it");
                opened.problems.push(Problem::corrupt(detail));
                continue;
            }
            parts.push(Part {
                name: name.as_bytes().to_vec(),
                bytes: PartBytes::Range(range.clone()),
            });
        }
        opened.content = Content::Layout(parts);
        // Of a kernel that is cut off, the engine tells that.
        if length(&region) >= kernel.len
            && let Some(crc) = &kernel.crc
        {
            crc.verify(&region, &mut opened);
        }
        opened
    }
}

/// What the header of a kernel says.
struct Kernel {
    /// Which of the kinds it is.
    kind: &'static str,
    /// Its length in bytes.
    len: u64,
    /// What the header explains.
    spans: Vec<Span>,
    /// The named ranges in it.
    parts: Vec<(&'static str, Range<u64>)>,
    /// What it says about itself.
    said: Vec<(&'static str, Vec<u8>)>,
    /// The checksum that ends it.
    crc: Option<x86::Crc>,
}

impl Kernel {
    fn read(bytes: &[u8]) -> Option<Self> {
        arm::read(bytes)
            .or_else(|| x86::read(bytes))
            .or_else(|| image::zboot(bytes))
            .or_else(|| image::read(bytes))
    }
}
