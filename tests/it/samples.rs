//! Which images the other tests run on.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use vitalsign::budget::{Budget, Limits};
use vitalsign::extract::{Inventory, unpack};
use vitalsign::image::Image;

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the images are: the repository's own, or what the slow test packed.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("VITALSIGN_FIXTURES")
        .map_or_else(|| repository().join("fixtures"), PathBuf::from)
}

/// Every image that was made by a tool, sorted.
pub(crate) fn images() -> Vec<PathBuf> {
    let mut images = Vec::new();
    for folder in std::fs::read_dir(folder()).unwrap().flatten() {
        let Ok(files) = std::fs::read_dir(folder.path()) else {
            continue;
        };
        let is_image = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.contains(".img") && !name.ends_with(".tsv")
                || name.ends_with(".bin")
                || name.ends_with(".tar.gz")
        };
        images.extend(files.flatten().map(|file| file.path()).filter(is_image));
    }
    images.sort();
    assert!(!images.is_empty(), "no fixture was found");
    images
}

/// Everything in an image of bytes, with the default limits.
pub(crate) fn unpack_bytes(bytes: impl Into<Bytes>) -> Inventory {
    unpack_within(bytes, Limits::default())
}

/// Everything in an image of bytes, within limits.
pub(crate) fn unpack_within(bytes: impl Into<Bytes>, limits: Limits) -> Inventory {
    let budget = Budget::new(limits);
    unpack(&Image::from_bytes("test", bytes.into()), &budget)
}

/// Everything in a file.
pub(crate) fn unpack_file(path: &Path) -> Inventory {
    let budget = Budget::new(Limits::default());
    let image = Image::open(path, &budget).unwrap();
    unpack(&image, &budget)
}
