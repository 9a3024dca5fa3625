//! The header of an Android boot image in each of its versions. All of it is little-endian.

use super::text;
use crate::formats::{Reject, Span};
use crate::read::{Fields, length};

/// What boot images start with.
pub(super) const BOOT: &[u8] = b"ANDROID!";

/// What `vendor_boot` images start with.
pub(super) const VENDOR: &[u8] = b"VNDRBOOT";

/// Where the digest of the parts stands in versions 0 to 2 (bytes from the start).
pub(super) const ID: u64 = 576;

/// The page size of versions 3 and 4, which state none (bytes).
const PAGE: u32 = 4096;

/// What a header says.
pub(super) struct Image {
    /// The parts in their order.
    pub(super) sections: Vec<Section>,
    /// Where the last part ends, and with its padding (bytes from the start).
    pub(super) end: u64,
    pub(super) padded_end: u64,
    /// The SHA-1 of the parts, where there is one.
    pub(super) id: Option<[u8; 20]>,
    /// How many ramdisks a vendor's table has.
    pub(super) ramdisks: u64,
    pub(super) spans: Vec<Span>,
    pub(super) said: Vec<(&'static str, Vec<u8>)>,
}

/// A part.
pub(super) struct Section {
    pub(super) name: &'static str,
    /// First byte, from the image's start.
    pub(super) at: u64,
    /// Length in bytes.
    pub(super) len: u64,
}

impl Image {
    /// Reads the header at the start of `bytes`.
    ///
    /// # Errors
    /// [`Reject`] when it cannot be one.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let image = if bytes.starts_with(VENDOR) {
            Self::vendor(bytes)
        } else if bytes.starts_with(BOOT) {
            match Fields::little(bytes).u32(40) {
                Some(3 | 4) => Self::later(bytes),
                _ => Self::early(bytes),
            }
        } else {
            None
        };
        image.ok_or(Reject::Coincidence("no Android boot header"))
    }

    /// Whether a vendor's ramdisks stand in a table.
    pub(super) fn has_table(&self) -> bool {
        self.ramdisks > 0
    }

    /// Versions 0 to 2.
    fn early(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let page = fields.u32(36).filter(|page| is_page(*page))?;
        // Before there were versions, some vendors put the size of their device trees here.
        let (version, trees) = match fields.u32(40)? {
            version @ 0..=2 => (version, 0),
            size => (0, size),
        };
        let mut sizes = vec![
            ("kernel", fields.u32(8)?),
            ("ramdisk", fields.u32(16)?),
            ("second", fields.u32(24)?),
        ];
        let mut header_len = 1632;
        if version >= 1 {
            sizes.push(("recovery-dtbo", fields.u32(1632)?));
            header_len = 1648;
        }
        if version >= 2 {
            sizes.push(("dtb", fields.u32(1648)?));
            header_len = 1660;
        }
        if trees > 0 {
            sizes.push(("dt", trees));
        }
        if version >= 1 && u64::from(fields.u32(1644)?) != header_len {
            return None;
        }
        let mut image = Self::new(page, header_len, &sizes)?;
        image.spans.push(Span::metadata(0, 48));
        image.say_text(bytes, "board", 48, 16)?;
        image.say_text(bytes, "cmdline", 64, 512)?;
        image.spans.push(Span::metadata(ID, 32));
        image.say_text(bytes, "extra-cmdline", 608, 1024)?;
        image
            .spans
            .push(Span::metadata(1632, header_len.saturating_sub(1632)));
        image.say_version(version, fields.u32(44)?);
        // Tools that make no digest leave it zero; one that is longer than a SHA-1 is none.
        let id = fields.slice(576, 32)?;
        let (sha1, rest) = id.split_first_chunk::<20>()?;
        let is_sha1 = rest.iter().all(|&byte| byte == 0) && sha1.iter().any(|&byte| byte != 0);
        image.id = is_sha1.then_some(*sha1);
        Some(image)
    }

    /// Versions 3 and 4.
    fn later(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let version = fields.u32(40)?;
        let mut sizes = vec![("kernel", fields.u32(8)?), ("ramdisk", fields.u32(12)?)];
        let mut header_len = 1580;
        if version == 4 {
            sizes.push(("boot-signature", fields.u32(1580)?));
            header_len = 1584;
        }
        // The first tools for version 3 counted 16 bytes more than there are.
        if ![header_len, 1596].contains(&fields.u32(20)?.into()) {
            return None;
        }
        let mut image = Self::new(PAGE, header_len, &sizes)?;
        image.spans.push(Span::metadata(0, 44));
        image.say_text(bytes, "cmdline", 44, 1536)?;
        image
            .spans
            .push(Span::metadata(1580, header_len.saturating_sub(1580)));
        image.say_version(version, fields.u32(16)?);
        Some(image)
    }

    /// `vendor_boot`.
    fn vendor(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let version = fields.u32(8).filter(|version| (3..=4).contains(version))?;
        let page = fields.u32(12).filter(|page| is_page(*page))?;
        let mut sizes = vec![("ramdisk", fields.u32(24)?), ("dtb", fields.u32(2100)?)];
        let mut header_len = 2112;
        let mut ramdisks = 0;
        if version == 4 {
            sizes.push(("ramdisk-table", fields.u32(2112)?));
            sizes.push(("bootconfig", fields.u32(2124)?));
            ramdisks = u64::from(fields.u32(2116)?);
            header_len = 2128;
            if ramdisks > 0 && u64::from(fields.u32(2120)?) != super::RAMDISK_ENTRY {
                return None;
            }
        }
        // The first tools for version 3 counted 4 bytes less than there are.
        if ![header_len, 2108].contains(&fields.u32(2096)?.into()) {
            return None;
        }
        let mut image = Self::new(page, header_len, &sizes)?;
        image.ramdisks = ramdisks;
        image.spans.push(Span::metadata(0, 28));
        image.say_text(bytes, "cmdline", 28, 2048)?;
        image.spans.push(Span::metadata(2076, 4));
        image.say_text(bytes, "board", 2080, 16)?;
        image
            .spans
            .push(Span::metadata(2096, header_len.saturating_sub(2096)));
        image
            .said
            .push(("version", version.to_string().into_bytes()));
        Some(image)
    }

    /// An image of these parts, each from a page of its own.
    fn new(page: u32, header_len: u64, sizes: &[(&'static str, u32)]) -> Option<Self> {
        let page = u64::from(page);
        let mut at = header_len.checked_next_multiple_of(page)?;
        let mut end = header_len;
        let mut sections = Vec::new();
        for &(name, len) in sizes {
            let len = u64::from(len);
            sections.push(Section { name, at, len });
            if len > 0 {
                end = at.checked_add(len)?;
                at = end.checked_next_multiple_of(page)?;
            }
        }
        // What starts nothing is no boot image.
        if sections.iter().all(|section| section.len == 0) {
            return None;
        }
        Some(Self {
            sections,
            end,
            padded_end: at,
            id: None,
            ramdisks: 0,
            spans: Vec::new(),
            said: Vec::new(),
        })
    }

    /// Says what a fixed field of text holds, and names it up to its NUL.
    fn say_text(&mut self, bytes: &[u8], name: &'static str, at: u64, len: usize) -> Option<()> {
        let text = text(bytes, at, len)?;
        let most = u64::try_from(len).ok()?;
        let named = length(text).saturating_add(1).min(most);
        self.spans.push(Span::metadata(at, named));
        if !text.is_empty() {
            self.said.push((name, text.to_vec()));
        }
        Some(())
    }

    /// Says the version of the image, and that of Android with its month.
    fn say_version(&mut self, version: u32, os: u32) {
        self.said
            .push(("version", version.to_string().into_bytes()));
        if os != 0 {
            let bits = |shift: u32, mask: u32| os.checked_shr(shift).unwrap_or_default() & mask;
            let (major, minor, patch) = (bits(25, 127), bits(18, 127), bits(11, 127));
            let (year, month) = (bits(4, 127).saturating_add(2000), bits(0, 15));
            let text = format!("{major}.{minor}.{patch}, {year}-{month:02}");
            self.said.push(("os-version", text.into_bytes()));
        }
    }
}

/// Whether pages can have this size (bytes).
fn is_page(size: u32) -> bool {
    size.is_power_of_two() && (512..=131_072).contains(&size)
}
