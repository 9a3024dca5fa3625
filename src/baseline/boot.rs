//! What a raw component holds that says how the device starts: versions of boot loaders and kernels, a kernel's built-in configuration, device
//! trees. A raw component is exact bytes; this tells what differs in other ones.

use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::FileType;
use crate::facts::banner::banners;
use crate::place::escape;

use super::text::TextRow;
use super::tree::{self, TreeRow};

/// A larger configuration is not read (1 MiB).
pub(super) const LARGEST_CONFIG: u64 = 1 << 20;
/// What the built-in configuration of a kernel starts with.
const CONFIG: &[u8] = b"#\n# Automatically generated ";
/// A stream of more bytes is not searched for versions (256 MiB).
const LARGEST_STREAM: u64 = 256 << 20;
/// So many things of one sort are taken of one image.
const MOST: usize = 256;

/// What a raw component of a baseline holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootRow {
    /// The component.
    pub component: usize,
    /// The versions that stand in it, as their makers wrote them; escaped.
    pub says: Vec<String>,
    /// The SHA-256 of the built-in configuration, whose lines a row of `text` has.
    pub config: Option<Digest>,
    /// The SHA-256 of the device trees in it, which rows of `device_tree` have.
    pub trees: Vec<Digest>,
}

/// What an image, or a part of it, holds of that.
#[derive(Default)]
pub(super) struct Holds {
    pub(super) says: Vec<String>,
    /// Contents of configurations, and their digests.
    pub(super) configs: Vec<(Digest, Vec<u8>)>,
    /// Device tree blobs, and their digests.
    pub(super) trees: Vec<(Digest, Vec<u8>)>,
}

/// Where to look.
#[derive(Clone, Copy)]
pub(super) enum Where {
    /// In the whole image.
    Image,
    /// In a region and all it holds.
    Region(usize),
    /// In a gap.
    Gap(usize),
}

impl Holds {
    /// What stands somewhere in an image.
    pub(super) fn of(found: &Inventory, place: Where) -> Self {
        let mut all = Self::default();
        for (index, gap) in found.gaps.iter().enumerate() {
            let is_here = match place {
                Where::Gap(own) => own == index,
                _ => is_inside(found, gap.parent, place),
            };
            if is_here {
                all.say(gap.banners.iter().map(|banner| escape(banner.as_bytes())));
            }
        }
        for (index, region) in found.regions.iter().enumerate() {
            let is_here = is_inside(found, Some(index), place);
            if is_here && region.format.id == "dtb" && region.len <= tree::LARGEST {
                push(&mut all.trees, &region.bytes);
            }
        }
        for entry in &found.entries {
            if entry.region.is_some() && is_inside(found, entry.region, place) {
                all.entry(found, entry);
            }
        }
        all
    }

    fn say(&mut self, banners: impl Iterator<Item = String>) {
        for banner in banners {
            if self.says.len() < MOST && !self.says.contains(&banner) {
                self.says.push(banner);
            }
        }
    }

    /// The payload of a stream: a configuration, or an unpacked kernel.
    fn entry(&mut self, found: &Inventory, entry: &Found) {
        let Node::File(file) = &entry.entry.node else {
            return;
        };
        let region = entry.region.and_then(|index| found.regions.get(index));
        if region.is_none_or(|region| region.decoded.is_none()) {
            return;
        }
        let is_text = entry.content == Some(FileType::Text);
        let most = if is_text {
            LARGEST_CONFIG
        } else {
            LARGEST_STREAM
        };
        let mut bytes = Vec::new();
        if file.size > most || file.data.copy_to(&mut bytes).is_err() {
            return;
        }
        if !is_text {
            self.say(banners(&bytes).iter().map(|name| escape(name.as_bytes())));
        } else if bytes.starts_with(CONFIG) {
            push(&mut self.configs, &bytes);
        }
    }

    /// As a row, with the rows that it names; `None` where there is nothing.
    pub(super) fn row(&self, component: usize) -> Option<(BootRow, Vec<TextRow>, Vec<TreeRow>)> {
        let texts = self.configs.iter().take(1);
        let texts: Vec<TextRow> = texts
            .filter_map(|(of, bytes)| TextRow::of(b"config", bytes, *of))
            .collect();
        let trees: Vec<TreeRow> = self
            .trees
            .iter()
            .filter_map(|(_, blob)| TreeRow::of(blob))
            .collect();
        let mut named: Vec<Digest> = trees.iter().map(|tree| tree.of).collect();
        named.sort_unstable();
        let row = BootRow {
            component,
            says: self.says.clone(),
            config: texts.first().map(|text| text.of),
            trees: named,
        };
        let is_empty = row.says.is_empty() && row.config.is_none() && row.trees.is_empty();
        (!is_empty).then_some((row, texts, trees))
    }
}

fn push(list: &mut Vec<(Digest, Vec<u8>)>, bytes: &[u8]) {
    let sha256 = Digest::of(bytes);
    if list.len() < MOST && !list.iter().any(|(other, _)| *other == sha256) {
        list.push((sha256, bytes.to_vec()));
    }
}

/// Whether a region stands in a place, or is it.
fn is_inside(found: &Inventory, mut region: Option<usize>, place: Where) -> bool {
    let outer = match place {
        Where::Image => return true,
        Where::Gap(_) => return false,
        Where::Region(outer) => outer,
    };
    // A region stands after the one that holds it.
    while let Some(index) = region {
        if index == outer {
            return true;
        }
        region = found.regions.get(index).and_then(|region| region.parent);
    }
    false
}
