//! A baseline from a reference image: which components it has, and a row for every entry.
//!
//! A region without a tree inside is a raw component; a tree is a tree component; what only wraps others (a
//! compressed copy, an update archive) is looked through, so that the same content is recognised in another wrapping.

mod inside;
pub(super) mod names;
pub(super) mod rows;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use self::names::{is_kernel, plain_name, tree_name};
use self::rows::{blob_row, elf_row, file_row, text_row};
use super::boot::{BootRow, Holds, Where};
use super::memory::{self, FunctionRow, PageRow};
use super::model::{Body, Component, ElfRow, FileRow};
use super::outline;
use super::piece::{self, FoundTree, chip_offset};
use super::text::TextRow;
use super::tree::TreeRow;
use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::formats::{Kind, nand};
use crate::memory::Memory;
use crate::place::Step;

/// What an image is made of, as a baseline states it.
pub struct Draft {
    /// The components.
    pub components: Vec<Component>,
    /// A row for every entry of every tree.
    pub files: Vec<FileRow>,
    /// What memories hold.
    pub pages: Vec<PageRow>,
    /// The functions that memories name.
    pub functions: Vec<FunctionRow>,
    /// Fingerprints of the executables.
    pub elf: Vec<ElfRow>,
    /// Marks of the lines of texts.
    pub texts: Vec<TextRow>,
    /// What raw components say of how the device starts.
    pub boot: Vec<BootRow>,
    /// Marks of device trees.
    pub trees: Vec<TreeRow>,
    /// What could not be taken into the baseline, one plain clause each.
    pub left_out: Vec<String>,
}

/// The components and rows of a reference image.
pub fn create(found: &Inventory) -> Draft {
    let trees = piece::trees(found)
        .into_iter()
        .map(|tree| (tree.region, tree))
        .collect();
    let mut within: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, region) in found.regions.iter().enumerate() {
        if let Some(entry) = region.within {
            within.entry(entry).or_default().push(index);
        }
    }
    let mut creator = Creator {
        found,
        trees,
        within,
        part: None,
        programs: BTreeMap::new(),
        draft: Draft {
            components: Vec::new(),
            files: Vec::new(),
            pages: Vec::new(),
            functions: Vec::new(),
            elf: Vec::new(),
            texts: Vec::new(),
            boot: Vec::new(),
            trees: Vec::new(),
            left_out: Vec::new(),
        },
    };
    creator.level(None, None);
    creator
        .draft
        .files
        .sort_by(|a, b| (a.component, &a.path, a.ordinal).cmp(&(b.component, &b.path, b.ordinal)));
    creator.draft.elf.sort_by_key(|row| row.of);
    creator.draft.elf.dedup_by_key(|row| row.of);
    creator.draft.texts.sort_by_key(|row| row.of);
    creator.draft.texts.dedup_by_key(|row| row.of);
    creator.draft.trees.sort_by_key(|row| row.of);
    creator.draft.trees.dedup_by_key(|row| row.of);
    outline::fit(&mut creator.draft.elf, creator.programs.values().sum());
    creator.draft
}

struct Creator<'a> {
    found: &'a Inventory,
    trees: BTreeMap<Option<usize>, FoundTree<'a>>,
    /// The regions in each entry's content.
    within: BTreeMap<usize, Vec<usize>>,
    /// The file beside the image that is looked at.
    part: Option<String>,
    /// The sizes of programs that have a fingerprint, in bytes.
    programs: BTreeMap<Digest, u64>,
    draft: Draft,
}

impl<'a> Creator<'a> {
    /// The file beside the image that a piece stands in; `None` for the image itself.
    fn part_of(&self, piece: &Piece) -> Option<String> {
        let place = match *piece {
            Piece::Region(index) => &self.found.regions.get(index)?.place,
            Piece::Gap(index) => &self.found.gaps.get(index)?.place,
        };
        let steps = place.steps();
        let Some(Step::Part { part }) = steps.first() else {
            return None;
        };
        let files = self.found.image.with.iter();
        let mut names = files.map(|file| &file.name);
        names.find(|own| *own == part).cloned()
    }

    /// Takes what stands directly in a region (or the image), or in the content of an entry.
    fn level(&mut self, parent: Option<usize>, within: Option<usize>) {
        if parent.is_none()
            && let Some(tree) = self.trees.remove(&None)
        {
            self.tree(&tree, "rootfs", None, None);
        }
        let found = self.found;
        let mut pieces: Vec<(u64, Piece)> = Vec::new();
        for (index, region) in found.regions.iter().enumerate() {
            if (region.parent, region.within) == (parent, within) {
                pieces.push((region.at, Piece::Region(index)));
            }
        }
        for (index, gap) in found.gaps.iter().enumerate() {
            if (gap.parent, gap.within) == (parent, within) && gap.kind.is_unknown() {
                pieces.push((gap.at, Piece::Gap(index)));
            }
        }
        pieces.sort_by_key(|(at, _)| *at);
        for (_, piece) in pieces {
            if parent.is_none() && within.is_none() {
                self.part = self.part_of(&piece);
            }
            match piece {
                Piece::Region(index) => self.region(index),
                Piece::Gap(index) => self.gap(index, self.is_of_this_chip(index)),
            }
        }
    }

    fn region(&mut self, index: usize) {
        let Some(region) = self.found.regions.get(index) else {
            return;
        };
        let at = chip_offset(self.found, region.owner(), region.at);
        if let Some(tree) = self.trees.remove(&Some(index)) {
            if self.is_wrapper(index, &tree) {
                self.look_through(&tree);
            } else {
                let name = tree_name(&tree, region.format.id);
                self.tree(&tree, &name, Some(region.format.id), at);
                self.slack(index);
            }
        } else if let Some(memory) = self.found.memories.get(&index) {
            self.memory(memory);
        } else if self.is_looked_into(index) {
            // A boot header says where to load and to start what it wraps; nothing else states that.
            if region.format.kind == Kind::Boot {
                self.raw(
                    "boot-image",
                    region.len,
                    Digest::of(&region.bytes),
                    at,
                    false,
                );
            }
            self.level(Some(index), None);
        } else {
            let name = if is_kernel(region) {
                "kernel"
            } else {
                region.format.id
            };
            let component = self.raw(name, region.len, Digest::of(&region.bytes), at, false);
            self.boot(component, Where::Region(index));
        }
    }

    /// Whether unknown bytes are those of one chip and no other: its bad blocks, and what its controller wrote beside the data.
    fn is_of_this_chip(&self, gap: usize) -> bool {
        let Some(gap) = self.found.gaps.get(gap) else {
            return false;
        };
        let parent = gap.parent.and_then(|parent| self.found.regions.get(parent));
        parent.is_some_and(|parent| {
            let spare = parent.place.part(nand::SPARE);
            parent.format.id == nand::ID
                && (gap.stored || gap.place.around().any(|place| *place == spare))
        })
    }

    fn gap(&mut self, index: usize, optional: bool) {
        let Some(gap) = self.found.gaps.get(index) else {
            return;
        };
        let at = chip_offset(self.found, gap.owner(), gap.at);
        // The image's own name for the place says more than a number.
        let part = self
            .found
            .partition_of(&gap.place, gap.owner(), gap.at, gap.len);
        let part = part.map(|part| plain_name(part.name.as_bytes()));
        let name = match (part.filter(|name| !name.is_empty()), at) {
            (Some(name), _) => name,
            (None, Some(0)) => "boot".to_owned(),
            (None, Some(at)) => format!("raw-{at:x}"),
            (None, None) => "raw".to_owned(),
        };
        let component = self.raw(&name, gap.len, Digest::of(&gap.bytes), at, optional);
        self.boot(component, Where::Gap(index));
    }

    /// Unknown bytes inside a file system may be there or not: they are what was deleted before.
    fn slack(&mut self, region: usize) {
        for (index, gap) in self.found.gaps.iter().enumerate() {
            if gap.parent == Some(region) && gap.within.is_none() && gap.kind.is_unknown() {
                self.gap(index, true);
            }
        }
    }

    /// Takes what the entries of a wrapper carry; what is no firmware part (a script, a manifest) need not be on a device.
    fn look_through(&mut self, tree: &FoundTree<'a>) {
        for &entry in &tree.entries {
            let file = match &entry.found.entry.node {
                Node::File(file) => file,
                Node::Dir => continue,
                _ => {
                    let what = format!("{}: a wrapper's links and devices", entry.place);
                    self.draft.left_out.push(what);
                    continue;
                }
            };
            let index = Some(entry.index);
            let inside = self.regions_within(entry.index);
            let holds = inside.iter().any(|&region| self.is_looked_into(region));
            if holds {
                self.level(tree.region, index);
            } else if let Some(sha256) = entry.sha256 {
                let boot = inside
                    .iter()
                    .filter_map(|&region| self.found.regions.get(region));
                let needed = boot.into_iter().any(is_kernel);
                let name = entry.entry.path.components().last().unwrap_or(b"raw");
                let name = if needed {
                    "kernel".to_owned()
                } else {
                    plain_name(name)
                };
                let component = self.raw(&name, file.size, sha256, None, !needed);
                if let Some(&region) = inside.first() {
                    self.boot(component, Where::Region(region));
                }
            }
        }
    }

    fn memory(&mut self, memory: &Memory) {
        let component = self.draft.components.len();
        let name = self.free_name("program");
        self.draft.components.push(Component {
            name,
            body: Body::Memory {
                sha256: memory.digest(),
            },
            at: None,
            part: self.part.clone(),
            optional: false,
        });
        self.draft.pages.extend(memory::pages(component, memory));
        let functions = memory::functions(component, memory);
        self.draft.functions.extend(functions);
    }

    fn regions_within(&self, entry: usize) -> Vec<usize> {
        self.within.get(&entry).cloned().unwrap_or_default()
    }

    /// Notes what a raw component says of how the device starts.
    fn boot(&mut self, component: usize, place: Where) {
        if let Some((row, texts, trees)) = Holds::of(self.found, place).row(component) {
            self.draft.boot.push(row);
            self.draft.texts.extend(texts);
            self.draft.trees.extend(trees);
        }
    }

    /// Adds a raw component, and tells its number.
    fn raw(
        &mut self,
        name: &str,
        size: u64,
        sha256: Digest,
        at: Option<u64>,
        optional: bool,
    ) -> usize {
        let component = self.draft.components.len();
        let name = self.free_name(name);
        self.draft.components.push(Component {
            name,
            body: Body::Raw {
                size: Some(size),
                sha256,
            },
            at,
            part: self.part.clone(),
            optional,
        });
        component
    }

    fn tree(&mut self, tree: &FoundTree<'a>, name: &str, format: Option<&str>, at: Option<u64>) {
        let component = self.draft.components.len();
        let name = self.free_name(name);
        for &entry in &tree.entries {
            match file_row(component, &entry) {
                Some(row) => self.draft.files.push(row),
                None => self
                    .draft
                    .left_out
                    .push(format!("{}: its content could not be read", entry.place)),
            }
        }
        let entries: Vec<&Found> = tree.entries.iter().map(|entry| entry.found).collect();
        let rows: Vec<Option<(ElfRow, u64)>> =
            entries.par_iter().map(|entry| elf_row(entry)).collect();
        for (row, size) in rows.into_iter().flatten() {
            self.programs.insert(row.of, size);
            self.draft.elf.push(row);
        }
        let texts: Vec<Option<TextRow>> = entries
            .par_iter()
            .map(|entry| text_row(entry, format))
            .collect();
        self.draft.texts.extend(texts.into_iter().flatten());
        self.draft
            .trees
            .extend(entries.iter().filter_map(|entry| blob_row(entry)));
        self.draft.components.push(Component {
            name,
            body: Body::Tree {
                format: format.map(str::to_owned),
                unstated: BTreeSet::new(),
            },
            at,
            part: self.part.clone(),
            optional: false,
        });
    }

    fn free_name(&self, name: &str) -> String {
        let taken: BTreeSet<String> = self
            .draft
            .components
            .iter()
            .map(|other| other.name.to_lowercase())
            .collect();
        let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names
            .find(|name| !taken.contains(&name.to_lowercase()))
            .unwrap_or_default()
    }
}

/// What stands in a level.
enum Piece {
    Region(usize),
    Gap(usize),
}
