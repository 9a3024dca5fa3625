//! From an inode's layout to a content that can be read: its blocks found, named and bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Data, File};
use crate::problem::Problem;
use crate::read::index;

use super::blocks::{Blocks, Stored, widen};
use super::decoder::Compression;
use super::file::{Content, Lost};
use super::inode::Layout;
use super::metadata::{Cursor, Metadata, Table};
use super::ranges::Ranges;
use super::superblock::Superblock;

/// All files together may have so many blocks (4 Mi, 16 MiB of memory): 16 GiB of content in the smallest blocks.
const MOST_BLOCKS: u64 = 4 << 20;

/// So many block sizes are read at a time.
const SIZES_AT_ONCE: u64 = 2048;

/// The contents of an image's files.
pub(super) struct Contents {
    blocks: Arc<Blocks>,
    /// The length in bytes of a full block.
    full: u64,
    fragments: Option<Table>,
    /// Contents by their place, so that files that share their blocks are read once.
    known: BTreeMap<Place, Arc<Content>>,
    /// The bytes of the region that hold content.
    pub(super) named: Ranges,
    /// What files use of each compressed fragment block once it is decoded.
    ends: BTreeMap<Stored, Ranges>,
    /// How many blocks all files together may still have.
    left: u64,
}

/// First block, size, and end in a fragment block.
type Place = (u64, u64, Option<(Stored, u32)>);

impl Contents {
    /// No contents yet of the image in `region`.
    pub(super) fn new(
        region: &Bytes,
        superblock: &Superblock,
        compression: Option<Compression>,
    ) -> Self {
        let blocks = Blocks::new(region.clone(), superblock.block_size, compression);
        let early = superblock.edition.version < 3;
        Self {
            blocks: Arc::new(blocks),
            full: u64::from(superblock.block_size),
            fragments: superblock.fragment_table.map(|index_at| Table {
                index_at,
                pointer: if early { 4 } else { 8 },
                entry: if early { 8 } else { 16 },
                count: u64::from(superblock.fragments),
            }),
            known: BTreeMap::new(),
            named: Ranges::default(),
            ends: BTreeMap::new(),
            left: MOST_BLOCKS,
        }
    }

    /// The file with this layout. Where its blocks cannot be told, reading it says why.
    pub(super) fn file(&mut self, layout: &Layout, metadata: &mut Metadata<'_>) -> File {
        let data = match self.content(layout, metadata) {
            Ok(content) => self.share(content),
            Err(problem) => Arc::new(Lost(problem)),
        };
        File {
            size: layout.size,
            data,
        }
    }

    /// The content at this place, the one that is there already where it is the same.
    fn share(&mut self, content: Content) -> Arc<dyn Data> {
        let place = (content.at, content.size, content.end);
        if let Some(same) = self.known.get(&place)
            && same.sizes == content.sizes
        {
            let same: Arc<Content> = Arc::clone(same);
            return same;
        }
        let content = Arc::new(content);
        self.known.insert(place, Arc::clone(&content));
        content
    }

    fn content(
        &mut self,
        layout: &Layout,
        metadata: &mut Metadata<'_>,
    ) -> Result<Content, Problem> {
        let whole = layout.size.checked_div(self.full).unwrap_or(0);
        let ends_full = layout.size.checked_rem(self.full) == Some(0);
        let fragment = layout.fragment.filter(|_| !ends_full);
        let in_blocks = !ends_full && fragment.is_none();
        let count = whole.saturating_add(u64::from(in_blocks));
        let sizes = self.sizes(layout.sizes, count, metadata)?;
        let end = match fragment {
            Some((number, offset)) => Some((self.fragment(number, metadata)?, offset)),
            None => None,
        };
        let mut at = layout.at;
        for &word in &sizes {
            at = self.name(Stored { at, word });
        }
        let mut tells = false;
        if let Some((block, offset)) = end {
            let len = layout.size.checked_rem(self.full).unwrap_or(0);
            tells = self.name_end(block, offset, len);
        }
        Ok(Content {
            blocks: Arc::clone(&self.blocks),
            size: layout.size,
            at: layout.at,
            sizes,
            end,
            tells,
        })
    }

    /// Names the bytes of a block as content, when they are there; where the next block starts.
    fn name(&mut self, block: Stored) -> u64 {
        if self.blocks.holds(block) {
            self.named.add(block.at, block.len());
        }
        block.at.saturating_add(block.len())
    }

    /// Says what files use of the fragment blocks, when all files are known.
    pub(super) fn finish(&mut self) {
        self.blocks.set_ends(std::mem::take(&mut self.ends));
    }

    /// Names the bytes of a fragment block that hold a file's end: all of it where only decoding tells them apart. Whether
    /// that is so, and this is the first end in it.
    fn name_end(&mut self, block: Stored, offset: u32, len: u64) -> bool {
        let offset = u64::from(offset);
        let first = block.is_compressed() && !self.ends.contains_key(&block);
        if block.is_compressed() {
            self.name(block);
            self.ends.entry(block).or_default().add(offset, len);
        } else if self.blocks.holds(block) && offset.saturating_add(len) <= block.len() {
            self.named.add(block.at.saturating_add(offset), len);
        }
        first
    }

    fn sizes(
        &mut self,
        mut cursor: Cursor,
        count: u64,
        metadata: &mut Metadata<'_>,
    ) -> Result<Box<[u32]>, Problem> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| {
            Problem::limit("the files of this file system have more than 4 Mi blocks")
        })?;
        let early = metadata.edition().version == 1;
        let size = if early { 2 } else { 4 };
        let mut sizes = Vec::new();
        let mut missing = count;
        while missing > 0 {
            let some = missing.min(SIZES_AT_ONCE);
            let len = index(some).saturating_mul(size);
            let bytes = metadata.read(&mut cursor, len)?;
            sizes.extend(bytes.chunks_exact(size).filter_map(|word| {
                let fields = metadata.fields(word);
                if early {
                    fields.u16(0).map(widen)
                } else {
                    fields.u32(0)
                }
            }));
            missing = missing.saturating_sub(some);
        }
        Ok(sizes.into_boxed_slice())
    }

    fn fragment(&self, number: u32, metadata: &mut Metadata<'_>) -> Result<Stored, Problem> {
        let missing = || Problem::corrupt(format!("there is no fragment block {number}"));
        let table = self.fragments.ok_or_else(missing)?;
        let bytes = table.entry(u64::from(number), metadata)?;
        let fields = metadata.fields(&bytes);
        let read = || {
            let (at, word) = if metadata.edition().version < 3 {
                (u64::from(fields.u32(0)?), fields.u32(4)?)
            } else {
                (fields.u64(0)?, fields.u32(8)?)
            };
            Some(Stored { at, word })
        };
        read().ok_or_else(missing)
    }
}
