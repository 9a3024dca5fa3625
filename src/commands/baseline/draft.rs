//! Unsigned baselines, from whatever they are made.

use anyhow::Result;

use super::summary;
use crate::baseline::{Baseline, Device, Firmware};
use crate::cli::Header;
use crate::commands::{clock, output, talk};

/// A baseline of nothing yet.
pub(super) fn of(header: &Header) -> Baseline {
    Baseline {
        sequence: header.sequence,
        issued: header.now.unwrap_or_else(clock::now),
        expires: header.expires,
        device: Device {
            vendor: header.vendor.clone(),
            model: header.model.clone(),
            hardware: header.hardware.clone(),
            udi_di: header.udi_di.clone(),
            assets: header.asset.clone(),
            aliases: header.alias.clone(),
        },
        firmware: Firmware {
            version: header.firmware_version.clone(),
            security_floor: header.security_floor.clone(),
            evidence: Vec::new(),
        },
        origin: None,
        components: Vec::new(),
        files: Vec::new(),
        pages: Vec::new(),
        functions: Vec::new(),
        elf: Vec::new(),
        texts: Vec::new(),
        boot: Vec::new(),
        trees: Vec::new(),
        mutable: Vec::new(),
    }
}

/// Writes a baseline and says what it covers. What is written is read back: a draft that no reader would accept must not be
/// signed.
pub(super) fn write(baseline: &Baseline, header: &Header) -> Result<()> {
    let text = baseline.write();
    Baseline::parse(&text)?;
    output::write_file(&header.output, text.as_bytes(), 0o644)?;
    output::write_stdout(&summary(baseline))
}

/// Says what could not be taken into a baseline; yields the exit code.
pub(super) fn tell_incomplete(left_out: &[String]) -> u8 {
    for line in left_out {
        talk::say(&format!("not covered: {line}"));
    }
    if left_out.is_empty() { 0 } else { 8 }
}
