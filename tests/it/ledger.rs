//! Every byte is accounted for: regions and gaps tile what holds them, and every ledger adds up.

use std::ops::Range;

use vitalsign::extract::{Coverage, Inventory};

use crate::samples;

#[test]
fn regions_and_gaps_tile_every_image() {
    for image in samples::images() {
        let found = samples::unpack_file(&image);
        let name = image.display().to_string();
        adds_up(&name, &found.coverage, found.image.size);
        let mut tiles = Vec::new();
        let top =
            |parent: Option<usize>, within: Option<usize>| parent.is_none() && within.is_none();
        let regions = found
            .regions
            .iter()
            .filter(|region| top(region.parent, region.within));
        tiles.extend(regions.map(|region| region.at..region.at + region.len));
        let gaps = found.gaps.iter().filter(|gap| top(gap.parent, gap.within));
        tiles.extend(gaps.map(|gap| gap.at..gap.at + gap.len));
        tile(&name, tiles, found.image.size);
        for region in &found.regions {
            if let Some(decoded) = region.decoded {
                adds_up(
                    &region.place.to_string(),
                    &decoded.coverage,
                    decoded.coverage.bytes,
                );
            }
        }
    }
}

fn adds_up(name: &str, coverage: &Coverage, bytes: u64) {
    assert_eq!(coverage.bytes, bytes, "{name}");
    let sum = coverage.content + coverage.metadata + coverage.fill + coverage.unknown;
    assert_eq!(sum, bytes, "{name}");
}

fn tile(name: &str, mut tiles: Vec<Range<u64>>, len: u64) {
    tiles.sort_by_key(|tile| tile.start);
    let end = tiles.iter().fold(0, |end, tile| {
        assert_eq!(tile.start, end, "{name}: a hole or an overlap");
        tile.end
    });
    assert_eq!(end, len, "{name}");
}

/// The unknown bytes of an image that overlap a range of it.
fn unknown_in(found: &Inventory, range: &Range<u64>) -> u64 {
    let gaps = found
        .gaps
        .iter()
        .filter(|gap| gap.kind.is_unknown() && gap.parent.is_none());
    gaps.map(|gap| {
        (gap.at + gap.len)
            .min(range.end)
            .saturating_sub(gap.at.max(range.start))
    })
    .sum()
}

#[test]
fn bytes_hidden_in_padding_are_unknown() {
    let mut image = vec![0xff; 1 << 20];
    let hidden: Vec<u8> = (0..4096_u32)
        .map(|number| (number * 7919 % 251) as u8)
        .collect();
    image[500_000..504_096].copy_from_slice(&hidden);
    let found = samples::unpack_bytes(image);
    assert_eq!(unknown_in(&found, &(500_000..504_096)), 4096);
    assert!(found.is_incomplete());
}
