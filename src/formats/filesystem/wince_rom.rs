//! The ROM of Windows CE, as it lies in memory or in flash (`.nb0`): modules that run in place, and files.
//!
//! `ECEC` stands 64 bytes from its start, then the address of the ROM header and (from CE 4 on) how far that is from the start. Every
//! pointer is an address; the header states the first. The tables of modules and of files follow the header.
//!
//! What the boot loader and the kernel use and no entry shows (the jump at the start, the table of what is copied to memory, the
//! header's extensions) stays a gap, for which a raw component of the baseline answers.

mod module;
mod older;
mod packed;
#[cfg(test)]
mod tests;
mod toc;

use bytes::Bytes;

use self::toc::Toc;
use super::account::Account;
use crate::budget::Budget;
use crate::formats::memory::b000ff;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, cut, index, length};

/// A ROM of Windows CE.
pub(in crate::formats) struct WinceRom;

/// Where the signature stands, in bytes from the start; the address of the header and its offset follow it.
const SIGNATURE: u64 = 0x40;
const SIGNATURE_LEN: u64 = 8;
/// Bytes of the ROM header.
const HEADER: u64 = 84;
/// Bytes of a page.
const PAGE: u64 = 4096;
/// What stands in the place of the offset where it is not stated, besides 0: erased flash.
const NOTHING: u64 = 0xffff_ffff;
/// How far a header is looked for where its offset is not stated (32 MiB): no CE 3 device has more.
const FAR: u64 = 32 << 20;

impl Format for WinceRom {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "wince-rom",
            title: "Windows CE ROM image (nb0)",
            kind: Kind::Filesystem,
            spec: "ROMHDR, TOCentry, FILESentry, e32_rom and o32_rom of romldr.h, Windows CE 3.0 to 7",
            reads: "modules, put together again as PE files from what the ROM keeps of their headers and sections; files, stored and compressed (LZX, and the compression of Windows CE 3); several ROMs in one image",
            verifies: "that header, tables, names and contents lie in the ROM",
            limits: &[
                "pages that are stored as they are among compressed ones; no page is checked but by its size",
                "a ROM keeps no section names, no DOS program and no checksum of a module: they are left empty",
                "the modules of Windows CE 2, whose headers are of another layout",
                "the table of what is copied to memory, extensions and chains of ROMs, which are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"ECEC",
            at: SIGNATURE,
        }]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let start = hit.checked_sub(magic.at)?;
        let is_record = b000ff::is_record(stream, hit) || b000ff::is_record(stream, start);
        (!is_record).then_some(start)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::find(rest)?;
        let here = length(rest).min(header.len);
        let tables_end = header.files_at().saturating_add(header.files_len());
        if tables_end > header.len {
            return Err(Reject::NearMiss("a ROM header with more entries than fit"));
        }
        if tables_end > here {
            return Err(Reject::NearMiss("a ROM header, but its tables are cut off"));
        }
        if !header.names_one(rest) {
            return Err(Reject::NearMiss("a ROM header whose entries have no name"));
        }
        Ok(Extent::known(header.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok(header) = Header::find(&region) else {
            return Opened::unread(Problem::corrupt("the ROM header is not where it should be"));
        };
        let mut account = Account::default();
        account.metadata(SIGNATURE, SIGNATURE_LEN);
        if header.is_stated {
            account.metadata(SIGNATURE.saturating_add(SIGNATURE_LEN), 4);
        }
        account.metadata(header.at, HEADER);
        let mut toc = Toc {
            region: &region,
            header: &header,
            budget,
            account,
            problems: Problems::default(),
            entries: Vec::new(),
        };
        toc.read();
        Opened {
            content: Content::Tree(Tree {
                entries: toc.entries,
                history: Vec::new(),
            }),
            spans: toc.account.finish().0,
            problems: toc.problems.into_vec(),
            properties: header.properties(),
        }
    }
}

/// The ROM header.
struct Header {
    /// Where it stands, in bytes from the region's start.
    at: u64,
    /// Whether the ROM states that.
    is_stated: bool,
    /// The address of the region's first byte.
    first: u64,
    /// The length of the ROM in bytes.
    len: u64,
    modules: u64,
    files: u64,
    /// Which processor, as PE files have it.
    machine: u16,
    /// Numbers that are told as they are.
    told: Vec<(&'static str, u32)>,
}

impl Header {
    fn find(bytes: &Bytes) -> Result<Self, Reject> {
        let none = Reject::Coincidence("no ROM header");
        let head = cut(bytes, SIGNATURE, 12).ok_or(none)?;
        let fields = Fields::little(&head);
        let address = u64::from(fields.u32(4).ok_or(none)?);
        let offset = u64::from(fields.u32(8).ok_or(none)?);
        // Code that looks for the signature holds it too; nothing that is an address follows there.
        if !head.starts_with(b"ECEC") || address % 4 != 0 || address <= SIGNATURE {
            return Err(none);
        }
        if !matches!(offset, 0 | NOTHING) {
            if let Some(header) = Self::read(bytes, offset, address, true) {
                return Ok(header);
            }
            // Images start at pages; in code that looks for the signature any number may follow.
            let start = address.checked_sub(offset);
            let at_page = start.is_some_and(|start| start.is_multiple_of(PAGE));
            let inside = offset.is_multiple_of(4) && offset < length(bytes);
            return Err(if at_page || inside {
                Reject::NearMiss("no ROM header where it should be")
            } else {
                none
            });
        }
        let room = bytes.get(..index(FAR.min(length(bytes)))).unwrap_or(bytes);
        // The address of the first byte stands 8 bytes into the header, and how far the header is from it.
        let (words, _) = room.as_chunks::<4>();
        let mut at = 0_u64;
        for word in words {
            let first = u64::from(u32::from_le_bytes(*word));
            if first.checked_add(at.saturating_sub(8)) == Some(address)
                && let Some(header) = Self::read(bytes, at.saturating_sub(8), address, false)
            {
                return Ok(header);
            }
            at = at.saturating_add(4);
        }
        // Told, so that not so many of them are looked for.
        Err(Reject::NearMiss(
            "no ROM header that has the address stated",
        ))
    }

    /// The header at `at` that has this address, if one stands there.
    fn read(bytes: &Bytes, at: u64, address: u64, is_stated: bool) -> Option<Self> {
        let raw = cut(bytes, at, HEADER)?;
        let fields = Fields::little(&raw);
        let first = u64::from(fields.u32(8)?);
        let len = u64::from(fields.u32(12)?).checked_sub(first)?;
        let told = [
            ("kernel-flags", 52),
            ("ram-start", 20),
            ("ram-free", 24),
            ("ram-end", 28),
            ("copy-entries", 32),
            ("copy-table", 36),
            ("extensions", 72),
        ];
        let header = Self {
            at,
            is_stated,
            first,
            len,
            modules: fields.u32(16)?.into(),
            files: fields.u32(48)?.into(),
            machine: fields.u16(68)?,
            told: told
                .into_iter()
                .filter_map(|(name, at)| Some((name, fields.u32(at)?)))
                .collect(),
        };
        let fits = first.checked_add(at) == Some(address)
            && at.saturating_add(HEADER) <= len
            && at >= SIGNATURE.saturating_add(SIGNATURE_LEN)
            && header.modules.saturating_add(header.files) > 0;
        fits.then_some(header)
    }

    fn modules_at(&self) -> u64 {
        self.at.saturating_add(HEADER)
    }

    fn files_at(&self) -> u64 {
        let modules = self.modules.saturating_mul(toc::MODULE);
        self.modules_at().saturating_add(modules)
    }

    fn files_len(&self) -> u64 {
        self.files.saturating_mul(toc::FILE)
    }

    /// Where an address is, in bytes from the region's start.
    fn place(&self, address: u32) -> Option<u64> {
        let at = u64::from(address).checked_sub(self.first)?;
        (at < self.len).then_some(at)
    }

    /// Whether the first entry of the tables has a name.
    fn names_one(&self, bytes: &Bytes) -> bool {
        let pointer = if self.modules > 0 { 16 } else { 20 };
        let first = cut(bytes, self.modules_at(), toc::FILE);
        let first = first.and_then(|entry| Fields::little(&entry).u32(pointer));
        let name = first.and_then(|address| toc::name(bytes, self.place(address)?));
        name.is_some_and(|name| !name.is_empty())
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        properties.set("first", format!("{:#010x}", self.first));
        properties.set("machine", format!("{:#06x}", self.machine));
        for (name, number) in &self.told {
            properties.set(*name, format!("{number:#x}"));
        }
        properties
    }
}
