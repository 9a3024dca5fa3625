//! A memory as a baseline states it: a digest that finds it in an image, pages that decide, and functions that explain.

use crate::digest::Digest;
use crate::memory::Memory;
use crate::read::{clip, length};

/// Bytes of a page: differences are told to this many bytes where no function is known.
pub(super) const PAGE: u64 = 256;

/// What one page of a memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageContent {
    /// Bytes with this digest.
    Bytes(Digest),
    /// One byte again and again: 0x00 or 0xff.
    Fill(u8),
}

/// Consecutive bytes of a memory: of solid ones at most a page, of fill any number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRow {
    /// The component, which is a memory.
    pub component: usize,
    /// The address of the first byte.
    pub at: u64,
    /// How many bytes.
    pub size: u64,
    /// Which.
    pub content: PageContent,
}

impl PageRow {
    /// Whether it stands for bytes, and not for fill.
    pub(super) fn is_solid(&self) -> bool {
        matches!(self.content, PageContent::Bytes(_))
    }

    /// The address behind the last byte.
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.size)
    }
}

/// A function of a memory, where the reference named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRow {
    /// The component, which is a memory.
    pub component: usize,
    /// Where it starts.
    pub at: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Its name; escaped.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// The pages of a memory, by address.
pub(super) fn pages(component: usize, memory: &Memory) -> Vec<PageRow> {
    let mut pages = Vec::new();
    let solid = memory.solid();
    for run in &solid {
        let mut at = run.address;
        while at < run.range().end {
            let next = at.saturating_sub(at % PAGE).saturating_add(PAGE);
            let bytes = clip(
                &run.bytes,
                at.saturating_sub(run.address),
                next.saturating_sub(at),
            );
            if bytes.is_empty() {
                break;
            }
            pages.push(PageRow {
                component,
                at,
                size: length(&bytes),
                content: PageContent::Bytes(Digest::of(&bytes)),
            });
            at = next;
        }
    }
    pages.extend(fill(component, memory, &solid));
    pages.sort_by_key(|page| page.at);
    pages
}

/// The fill that is loaded between solid runs.
fn fill(component: usize, memory: &Memory, solid: &[crate::memory::Run]) -> Vec<PageRow> {
    let mut rows = Vec::new();
    let mut from = 0;
    let starts = solid.iter().map(|run| (run.address, run.range().end));
    for (start, end) in starts.chain([(u64::MAX, u64::MAX)]) {
        for piece in memory.within(&(from..start)) {
            let mut at = piece.address;
            for same in piece.bytes.chunk_by(|a, b| a == b) {
                let size = length(same);
                if let Some(&byte) = same.first() {
                    rows.push(PageRow {
                        component,
                        at,
                        size,
                        content: PageContent::Fill(byte),
                    });
                }
                at = at.saturating_add(size);
            }
        }
        from = end;
    }
    rows
}

/// The functions of a memory that are loaded whole, by address.
pub(super) fn functions(component: usize, memory: &Memory) -> Vec<FunctionRow> {
    let row = |function: &crate::memory::Function| {
        let bytes = memory.at(function.address, function.len)?;
        Some(FunctionRow {
            component,
            at: function.address,
            size: function.len,
            name: crate::place::escape(&function.name),
            sha256: Digest::of(&bytes),
        })
    };
    memory.functions.iter().filter_map(row).collect()
}
