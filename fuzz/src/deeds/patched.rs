//! Whole images of real tools with a few fields changed: what fuzzing whole images does not find, since most of their bytes are nothing.
//!
//! The input names an image and up to a dozen changes. Offsets count only the bytes in blocks that hold something, so that a change hits a structure
//! or a content; checksums that guard headers are mended afterwards, unless the input says not to.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use vitalsign::formats::{self, Format};

use super::{images, mend};

/// Larger images are left out (2 MiB).
const LONGEST: u64 = 2 << 20;
/// What counts as one block, in bytes.
const BLOCK: usize = 64;
/// So many changes are made at most.
const MOST: usize = 12;
/// The values at which lengths, counts and offsets go wrong.
const VALUES: &[u64] = &[
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// An image of a real tool.
struct Seed {
    format: &'static dyn Format,
    bytes: Vec<u8>,
    /// Where blocks start that hold more than one repeated byte.
    blocks: Vec<usize>,
}

pub(super) fn patched(input: &[u8]) {
    let seeds = seeds();
    let mut input = Input(input);
    let (Some(which), Some(manner)) = (input.number(2), input.number(1)) else {
        return;
    };
    let seed = &seeds[which as usize % seeds.len()];
    let mut image = seed.bytes.clone();
    for _ in 0..MOST {
        if change(seed, &mut image, &mut input).is_none() {
            break;
        }
    }
    if manner & 1 == 0 {
        mend::mend(&mut image);
    }
    // What a finding is made small and kept as: the images here may become others, and so may what an input means.
    if let Some(path) = std::env::var_os("PATCHED_IMAGE") {
        fs::write(path, &image).unwrap();
    }
    images::read(seed.format, &Bytes::from(image));
}

/// Makes one change: block, offset in it, width, order, and a value.
fn change(seed: &Seed, image: &mut [u8], input: &mut Input<'_>) -> Option<()> {
    let block = input.number(2)? as usize % seed.blocks.len();
    let (offset, form) = (input.number(1)? as usize % BLOCK, input.number(1)?);
    let width = 1 << (form & 3);
    let value = match input.number(1)? {
        word @ 0..=127 => VALUES[word as usize % VALUES.len()],
        _ => input.number(width)?,
    };
    let stored = if form & 4 == 0 {
        value.to_le_bytes()[..width].to_vec()
    } else {
        value.to_be_bytes()[8 - width..].to_vec()
    };
    let at = seed.blocks[block] + offset / width * width;
    if let Some(field) = image.get_mut(at..at + width) {
        field.copy_from_slice(&stored);
    }
    Some(())
}

/// Numbers out of the input, one after another.
struct Input<'i>(&'i [u8]);

impl Input<'_> {
    /// The next little-endian number of so many bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let (head, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        let number = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(head.iter().rev().fold(0, number))
    }
}

/// The images beside this crate, in the order of their names.
fn seeds() -> &'static [Seed] {
    static SEEDS: OnceLock<Vec<Seed>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mut seeds = Vec::new();
        for format in formats::ALL {
            let folder = fixtures().join(format.doc().id);
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
            files.sort();
            seeds.extend(files.iter().filter_map(|file| seed(*format, file)));
        }
        assert!(!seeds.is_empty(), "no fixture was found");
        seeds
    })
}

/// Beside the crate of the targets, or in that of the tests.
fn fixtures() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = own.join("fixtures");
    if inside.exists() {
        inside
    } else {
        own.join("../fixtures")
    }
}

fn seed(format: &'static dyn Format, file: &Path) -> Option<Seed> {
    let file = File::open(file).ok()?;
    let mut bytes = Vec::new();
    (&file).take(LONGEST + 1).read_to_end(&mut bytes).ok()?;
    if bytes.starts_with(b"\x1f\x8b") && format.doc().id != "gzip" {
        let mut image = Vec::new();
        let mut decoder = MultiGzDecoder::new(&bytes[..]).take(LONGEST + 1);
        decoder.read_to_end(&mut image).ok()?;
        bytes = image;
    }
    let is_seed =
        bytes.len() as u64 <= LONGEST && format.measure(&Bytes::from(bytes.clone())).is_ok();
    let blocks = bytes.chunks(BLOCK).enumerate();
    let held = blocks.filter(|(_, block)| block.iter().any(|byte| *byte != block[0]));
    let blocks: Vec<usize> = held.map(|(at, _)| at * BLOCK).collect();
    (is_seed && !blocks.is_empty()).then_some(Seed {
        format,
        bytes,
        blocks,
    })
}
