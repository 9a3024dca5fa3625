//! Which program of the baseline one that it does not state is like: by how many of its functions are that one's. It is told and decides nothing.

use std::collections::BTreeMap;

use super::change::{Change, Value};
use super::model::Baseline;
use super::outline::{Print, Widths};
use crate::digest::Digest;
use crate::entry::{EntryPath, Node};
use crate::extract::Found;
use crate::facts::FileType;
use crate::facts::code::Outline;
use crate::place::escape;

/// A function that more programs have says nothing: what compilers and C libraries put into all of them.
const COMMON: usize = 16;
/// With fewer functions in common nothing is told.
const LEAST: usize = 8;
/// Nor below so many percent.
const LEAST_PERCENT: usize = 30;
/// A larger file is not looked into (64 MiB).
const LARGEST: u64 = 64 << 20;
/// So many bytes of programs are looked into in one image (256 MiB).
const MOST: u64 = 256 << 20;

/// The programs of a baseline by their functions.
pub(super) struct Similar<'b> {
    /// The paths of contents.
    paths: BTreeMap<Digest, &'b EntryPath>,
    /// Which programs have a function, by what is kept of its code.
    index: BTreeMap<[u8; 4], Vec<usize>>,
    /// Of each program its digest and its number of functions.
    programs: Vec<(Digest, usize)>,
    /// How much of each digest is kept, as rows have it.
    widths: Vec<Widths>,
    /// How many bytes may still be looked into.
    left: u64,
}

impl<'b> Similar<'b> {
    /// The programs of a baseline.
    pub(super) fn new(baseline: &'b Baseline) -> Self {
        let files = baseline.files.iter().rev();
        let paths = files.filter_map(|row| Some((row.node.digest()?, &row.path)));
        let mut all = Self {
            paths: paths.collect(),
            index: BTreeMap::new(),
            programs: Vec::new(),
            widths: Vec::new(),
            left: MOST,
        };
        for row in &baseline.elf {
            let Some(code) = row
                .code
                .as_ref()
                .filter(|code| code.functions.len() >= LEAST)
            else {
                continue;
            };
            if !all.widths.contains(&code.widths) {
                all.widths.push(code.widths);
            }
            let number = all.programs.len();
            all.programs.push((row.of, code.functions.len()));
            for print in &code.functions {
                let programs = all.index.entry(print.code).or_default();
                if programs.len() <= COMMON && programs.last() != Some(&number) {
                    programs.push(number);
                }
            }
        }
        all
    }

    /// Which file of the baseline an added one is a copy of.
    pub(super) fn copy(&self, change: &Change) -> Option<String> {
        let Some(Value::Text(sha256)) = change.found.get("sha256") else {
            return None;
        };
        let of: Digest = sha256.parse().ok()?;
        let path = self.paths.get(&of).filter(|_| of != Digest::of(b""))?;
        Some(format!(
            "its content is that of {}",
            escape(path.as_bytes())
        ))
    }

    /// What a program that the baseline does not state is like.
    pub(super) fn told(&mut self, found: &Found) -> Option<String> {
        let Node::File(file) = &found.entry.node else {
            return None;
        };
        let is_known = found.sha256.is_some_and(|of| self.paths.contains_key(&of));
        let is_program = found.content == Some(FileType::Elf);
        if is_known || !is_program || self.index.is_empty() || file.size > LARGEST.min(self.left) {
            return None;
        }
        self.left = self.left.saturating_sub(file.size);
        let mut bytes = Vec::new();
        file.data.copy_to(&mut bytes).ok()?;
        self.like(&Outline::of(&bytes).ok()?)
    }

    fn like(&self, outline: &Outline) -> Option<String> {
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        let mut telling = 0_usize;
        for function in &outline.functions {
            let mut programs = Vec::new();
            for widths in &self.widths {
                let code = Print::of(function, *widths).code;
                programs.extend(self.index.get(&code).into_iter().flatten().copied());
            }
            programs.sort_unstable();
            programs.dedup();
            if programs.len() > COMMON {
                continue;
            }
            telling = telling.saturating_add(1);
            for program in programs {
                let count = shared.entry(program).or_default();
                *count = count.saturating_add(1);
            }
        }
        // Of two that share as much the smaller one, then the first.
        let best = shared.into_iter().max_by_key(|&(program, count)| {
            let functions = self
                .programs
                .get(program)
                .map_or(0, |(_, functions)| *functions);
            (
                count,
                usize::MAX.saturating_sub(functions),
                usize::MAX.saturating_sub(program),
            )
        });
        let (program, count) = best?;
        let percent = count.saturating_mul(100).checked_div(telling)?;
        if count < LEAST || percent < LEAST_PERCENT {
            return None;
        }
        let (of, _) = self.programs.get(program)?;
        let path = self.paths.get(of)?;
        Some(format!(
            "it is like {}: {percent} % of its functions are that one's ({count} of {telling})",
            escape(path.as_bytes())
        ))
    }
}
