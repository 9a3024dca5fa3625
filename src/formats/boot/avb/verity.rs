//! Trees of hashes as dm-verity keeps them: of each block of the image a hash, of each block of hashes one again, until one is left.

use bytes::Bytes;

use super::descriptor::{Tree, digest, unknown};
use crate::formats::Span;
use crate::problem::Problem;
use crate::read::{clip, cut, index, length};

/// Whether the image at the start of a partition has this tree, and the tree that is stored is the same. Names the stored tree then.
///
/// # Errors
/// It has not, or that cannot be told.
pub(super) fn verify(tree: &Tree, partition: &Bytes, spans: &mut Vec<Span>) -> Result<(), Problem> {
    let block = tree.data_block;
    if !(512..=1 << 16).contains(&block) || !block.is_power_of_two() || tree.hash_block != block {
        return Err(Problem::unsupported("a hash tree of unusual blocks"));
    }
    let image = cut(partition, 0, tree.image_len)
        .ok_or_else(|| Problem::corrupt("the image ends behind the partition"))?;
    let size = index(block.into());
    if image.is_empty() {
        return Err(Problem::corrupt("a hash tree over nothing"));
    }
    let mut level = hashes(tree, &image, size)?;
    // The level next to the root comes first. An image of one block has none.
    let mut levels: Vec<Vec<u8>> = Vec::new();
    let mut is_last = image.len() <= size;
    while !is_last {
        level.resize(level.len().next_multiple_of(size), 0);
        is_last = level.len() == size;
        let next = hashes(tree, &level, size)?;
        levels.push(level);
        level = next;
    }
    let own = tree.digest.len();
    if level.get(..own) != Some(&tree.digest[..]) || own == 0 {
        let detail = "the hash tree of the image does not lead to the hash stated";
        return Err(Problem::checksum(detail));
    }
    levels.reverse();
    let computed = levels.concat();
    if clip(partition, tree.at, tree.len)[..] != computed[..] {
        let detail = "the hash tree that is stored is not that of the image";
        return Err(Problem::checksum(detail).at(tree.at));
    }
    spans.push(Span::metadata(tree.at, length(&computed)));
    Ok(())
}

/// The hashes of all blocks, each padded to a power of two; the last block with zeros.
fn hashes(tree: &Tree, bytes: &[u8], size: usize) -> Result<Vec<u8>, Problem> {
    let mut hashes = Vec::new();
    let zeros = vec![0; size];
    for block in bytes.chunks(size) {
        let padding = zeros.get(block.len()..).unwrap_or_default();
        let chunks = [block, padding].into_iter();
        let hash = digest(&tree.algorithm, &tree.salt, chunks);
        let hash = hash.ok_or_else(|| unknown(&tree.algorithm))?;
        let room = hash.len().next_power_of_two();
        let end = hashes.len().saturating_add(room);
        hashes.extend_from_slice(&hash);
        hashes.resize(end, 0);
    }
    Ok(hashes)
}
