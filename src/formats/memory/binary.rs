//! A plain copy of the flash of a microcontroller: told by the vector table of a Cortex-M, or by somebody who knows the base.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::dfu;
use super::records::piece;
use super::vectors::Vectors;
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject,
};
use crate::memory::Memory;
use crate::problem::Problem;
use crate::read::length;

/// A plain copy of a flash.
pub(in crate::formats) struct Binary;

/// Its name.
pub const ID: &str = "binary";

impl Format for Binary {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: ID,
            title: "Program of a microcontroller, as its flash holds it",
            kind: Kind::Memory,
            spec: "Armv7-M Architecture Reference Manual, B1.5.3 (the vector table)",
            reads: "programs for Cortex-M at the start of an image or of a file in it, whose base the vector table tells; any other where --base states it",
            verifies: "the initial stack pointer and that all handlers lie in the program and start like functions; the format has no checksum",
            limits: &[
                "programs of other processors, and those whose base nothing tells, are unknown bytes without --base",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if dfu::is_whole(rest) {
            return Err(Reject::Coincidence("a DFU file"));
        }
        let vectors = Vectors::read(rest).ok_or(Reject::Coincidence("no vector table"))?;
        match vectors.base(rest) {
            Some(_) => Ok(Extent::known(length(rest), Proof::Structure)),
            None => Err(Reject::Coincidence("nothing tells where it is loaded")),
        }
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let base = Vectors::read(&region).and_then(|vectors| vectors.base(&region));
        match base {
            Some(base) => loaded(region, base, "inferred from the vector table"),
            None => Opened::unread(Problem::corrupt("the vector table is cut off")),
        }
    }
}

/// Opens bytes as what is loaded at the address that somebody stated.
pub fn open_at(region: Bytes, base: u64) -> Opened {
    loaded(region, base, "stated")
}

fn loaded(region: Bytes, base: u64, how: &str) -> Opened {
    let mut properties = Properties::new();
    properties.set("base", format!("0x{base:08x} ({how})"));
    if let Some(vectors) = Vectors::read(&region)
        && vectors.fit(&region, base)
    {
        properties.set("processor", "Cortex-M");
        properties.set("stack", format!("0x{:08x}", vectors.stack));
        properties.set("reset", format!("0x{:08x}", vectors.reset));
    }
    let (memory, _) = Memory::new(vec![piece(base, region)]);
    Opened {
        content: Content::Memory(memory),
        spans: Vec::new(),
        problems: Vec::new(),
        properties,
    }
}
