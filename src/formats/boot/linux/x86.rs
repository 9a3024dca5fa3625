//! The x86 kernel: a boot sector and setup code, then the loader with the packed kernel, and a CRC-32 at the end.

use bytes::Bytes;

use super::Kernel;
use super::pe::Pe;
use crate::formats::{Opened, Span};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// A sector, in which the setup code is counted (bytes).
const SECTOR: u64 = 512;

/// Kernels have no CRC-32 from this version on.
const WITHOUT_CRC: (u32, u32) = (6, 16);

/// The kernel at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Option<Kernel> {
    let fields = Fields::little(bytes);
    let protocol = fields.u16(0x206)?;
    let is_one = fields.slice(0x202, 4)? == b"HdrS"
        && fields.u16(0x1fe)? == 0xaa55
        && fields.u8(0x200)? == 0xeb
        && (0x200..=0x2ff).contains(&protocol);
    let sectors = match fields.u8(0x1f1)? {
        0 => 4,
        sectors @ 1..=64 => u64::from(sectors),
        _ => return None,
    };
    let paragraphs = match protocol {
        ..0x204 => u64::from(fields.u16(0x1f4)?),
        _ => u64::from(fields.u32(0x1f4)?),
    };
    if !is_one || paragraphs == 0 {
        return None;
    }
    let setup = sectors.saturating_add(1).saturating_mul(SECTOR);
    let own_len = setup.saturating_add(paragraphs.saturating_mul(16));
    let header_end = u64::from(fields.u8(0x201)?).saturating_add(0x202);
    let high = protocol >= 0x200 && fields.u8(0x211)? & 1 != 0;
    let mut kernel = Kernel {
        kind: if high { "x86 bzImage" } else { "x86 zImage" },
        len: own_len,
        spans: vec![Span::metadata(0x1f1, header_end.saturating_sub(0x1f1))],
        parts: Vec::new(),
        said: Vec::new(),
        crc: None,
    };
    let [minor, major] = protocol.to_le_bytes();
    kernel
        .said
        .push(("protocol", format!("{major}.{minor:02}").into_bytes()));
    let version = version(&fields, setup, &mut kernel);
    if protocol >= 0x208 {
        let start = setup.saturating_add(fields.u32(0x248)?.into());
        let end = start.saturating_add(fields.u32(0x24c)?.into());
        kernel.parts.push(("payload", start..end));
    }
    let pe = Pe::read(bytes);
    if let Some(certificate) = pe.as_ref().and_then(|pe| pe.certificate.clone())
        && certificate.start >= own_len
        && certificate.start.saturating_sub(own_len) < SECTOR
    {
        kernel.len = certificate.end;
        kernel.parts.push(("certificate", certificate));
    }
    if protocol >= 0x208 && version.is_none_or(|version| version < WITHOUT_CRC) {
        kernel.crc = Some(Crc { len: own_len, pe });
    }
    Some(kernel)
}

/// Takes the version string of the kernel; returns its first two numbers.
fn version(fields: &Fields<'_>, setup: u64, kernel: &mut Kernel) -> Option<(u32, u32)> {
    let pointer = fields.u16(0x20e).filter(|&pointer| pointer != 0)?;
    let at = usize::from(pointer).checked_add(0x200)?;
    let text = fields.tail(at)?;
    let text = text.get(..256).unwrap_or(text);
    let len = memchr::memchr(0, text)?;
    let text = text.get(..len)?;
    let end = u64::try_from(at.checked_add(len)?.checked_add(1)?).ok()?;
    let printable = text.iter().all(|byte| (b' '..=b'~').contains(byte));
    if text.is_empty() || !printable || end > setup {
        return None;
    }
    let span = Span::metadata(u64::try_from(at).ok()?, length(text).saturating_add(1));
    kernel.spans.push(span);
    kernel.said.push(("version", text.to_vec()));
    let number = |part: Option<&[u8]>| std::str::from_utf8(part?).ok()?.parse().ok();
    let mut parts = text.split(|byte| !byte.is_ascii_digit());
    Some((number(parts.next())?, number(parts.next())?))
}

/// The CRC-32 at the end of a kernel.
pub(super) struct Crc {
    /// How many bytes it covers, itself among them.
    len: u64,
    /// The EFI header, of which signing changes two fields after the checksum was made.
    pe: Option<Pe>,
}

impl Crc {
    /// Verifies it and says what came of that.
    pub(super) fn verify(&self, region: &Bytes, opened: &mut Opened) {
        let end = self.len.saturating_sub(4);
        let sound = self.sum(region, |pe| pe.certificate.is_some()) == Some(u32::MAX);
        if sound {
            opened.spans.push(Span::metadata(end, 4));
            opened.properties.set("crc32", "verified");
        } else {
            opened.properties.set("crc32", "WRONG");
            let problem = Problem::checksum("the CRC-32 at its end is not that of the kernel");
            opened.problems.push(problem.at(end));
        }
    }

    /// The CRC-32 of the kernel with its checksum, which is all ones where it is sound. What signing changed counts
    /// as 0, as it was before.
    fn sum(&self, region: &Bytes, is_signed: impl Fn(&Pe) -> bool) -> Option<u32> {
        let kernel = region.get(..index(self.len))?;
        let mut hasher = crc32fast::Hasher::new();
        let mut from = 0;
        if let Some(pe) = self.pe.as_ref().filter(|pe| is_signed(pe)) {
            for (at, len) in pe.changed_by_signing {
                hasher.update(kernel.get(from..at)?);
                hasher.update([0; 8].get(..len)?);
                from = at.checked_add(len)?;
            }
        }
        for chunk in kernel.get(from..)?.chunks(1 << 20) {
            hasher.update(chunk);
            map::touched(length(chunk));
        }
        Some(hasher.finalize())
    }
}
