//! `vitalsign list`

use std::collections::BTreeMap;

use anyhow::Result;
use rayon::prelude::*;

use super::sandbox::{Access, Start};
use super::{open, output};
use crate::cli::{self, ListFormat};
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::{self, Facts, FileType};
use crate::report::list;

/// Lists an image; exit code 8 when something in it stayed unread or unexplained.
pub(super) fn run(args: &cli::List, start: &Start) -> Result<u8> {
    let access = Access::default()
        .reads([&args.image])
        .reads_beside(&args.beside, &args.reading)
        .writes(args.output.output.as_deref(), 0o644);
    start.confine(access)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    match args.output.format {
        ListFormat::Json => {
            let facts = if args.facts {
                facts(&found)
            } else {
                BTreeMap::new()
            };
            let list = list::List::new(&found).with_facts(&facts);
            output::write_json(args.output.output.as_deref(), &list)?;
        }
        ListFormat::Terminal => {
            let mut text = String::new();
            list::text::render(&found, &mut text)?;
            output::write(args.output.output.as_deref(), &text)?;
        }
    }
    Ok(if found.is_incomplete() { 8 } else { 0 })
}

/// What is known of every program, by its entry's index. One above 64 MiB, or that cannot be read, is left out.
fn facts(found: &Inventory) -> BTreeMap<usize, Facts> {
    const LARGEST: u64 = 64 << 20;
    let of = |(index, entry): (usize, &Found)| {
        let Node::File(file) = &entry.entry.node else {
            return None;
        };
        let is_program = matches!(entry.content, Some(FileType::Elf | FileType::Pe));
        if !is_program || file.size > LARGEST {
            return None;
        }
        let mut bytes = Vec::new();
        file.data.copy_to(&mut bytes).ok()?;
        Some((index, facts::of_digested(&bytes, entry.sha256?)))
    };
    let entries = found.entries.par_iter().enumerate();
    let facts: Vec<(usize, Facts)> = entries.filter_map(of).collect();
    facts.into_iter().collect()
}
