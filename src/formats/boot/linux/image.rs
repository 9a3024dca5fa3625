//! Kernels of arm64 and RISC-V: the plain Image, and the EFI program that unpacks one (zboot).

use super::Kernel;
use super::pe::Pe;
use crate::formats::Span;
use crate::read::{Fields, is_all, length};

/// The shortest Image that is believed (bytes).
const SHORTEST: u64 = 0x1000;

/// The largest Image that is believed (1 GiB).
const LARGEST: u64 = 1 << 30;

/// The Image at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Option<Kernel> {
    let header = Fields::little(bytes.get(..64)?);
    let kind = match header.slice(0x38, 4)? {
        b"ARM\x64" if is_all(header.slice(0x20, 24)?, 0) => "arm64 Image",
        b"RSC\x05" if header.slice(0x30, 8)? == b"RISCV\0\0\0" => "RISC-V Image",
        _ => return None,
    };
    let (load, memory, flags) = (header.u64(8)?, header.u64(0x10)?, header.u64(0x18)?);
    if !(SHORTEST..=LARGEST).contains(&memory) || load > LARGEST || flags > 0xffff {
        return None;
    }
    let pe = Pe::read(bytes);
    // What memory it takes includes what is zero at the start and stands in no file; an EFI header tells better.
    let stored = pe
        .as_ref()
        .map(|pe| pe.end)
        .filter(|&end| (SHORTEST..=memory).contains(&end));
    let mut kernel = Kernel {
        kind,
        len: stored.unwrap_or_else(|| memory.min(length(bytes))),
        spans: vec![Span::metadata(0, 64)],
        parts: Vec::new(),
        said: Vec::new(),
        crc: None,
    };
    let order: &[u8] = if flags & 1 == 1 { b"big" } else { b"little" };
    kernel.said.push(("endian", order.to_vec()));
    kernel
        .said
        .push(("memory-size", memory.to_string().into_bytes()));
    certify(&mut kernel, pe);
    Some(kernel)
}

/// The EFI program at the start of `bytes` whose header names the packed kernel in it.
pub(super) fn zboot(bytes: &[u8]) -> Option<Kernel> {
    let fields = Fields::little(bytes);
    if fields.slice(0, 8)? != b"MZ\0\0zimg" {
        return None;
    }
    let pe = Pe::read(bytes)?;
    let start = u64::from(fields.u32(8)?);
    let end = start.checked_add(fields.u32(12)?.into())?;
    let packing = fields.slice(0x18, 32)?.split(|&byte| byte == 0).next()?;
    let printable = packing.iter().all(u8::is_ascii_alphanumeric);
    if pe.end < SHORTEST || !printable || packing.is_empty() {
        return None;
    }
    let mut kernel = Kernel {
        kind: "EFI zboot",
        len: pe.end,
        spans: vec![Span::metadata(0, 64)],
        parts: vec![("payload", start..end)],
        said: vec![("compression", packing.to_vec())],
        crc: None,
    };
    certify(&mut kernel, Some(pe));
    Some(kernel)
}

/// Adds the certificate of a signed kernel, which stands behind it.
fn certify(kernel: &mut Kernel, pe: Option<Pe>) {
    let certificate = pe.and_then(|pe| pe.certificate);
    let near = |start: u64| start.checked_sub(kernel.len).is_some_and(|gap| gap < 512);
    if let Some(certificate) = certificate.filter(|certificate| near(certificate.start)) {
        kernel.len = certificate.end;
        kernel.parts.push(("certificate", certificate));
    }
}
