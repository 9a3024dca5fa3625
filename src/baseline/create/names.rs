//! What components are called, by what they hold.

use crate::baseline::piece::FoundTree;
use crate::entry::EntryPath;
use crate::extract::Region;
use crate::formats::Kind;

/// Whether a region is what a boot loader starts; a device tree is what it hands over.
pub(super) fn is_kernel(region: &Region) -> bool {
    region.format.kind == Kind::Boot && !matches!(region.format.id, "dtb" | "dtbo")
}

/// A component's name from what its tree holds.
pub(super) fn tree_name(tree: &FoundTree<'_>, format: &'static str) -> String {
    let has = |path: &[u8]| {
        tree.entries
            .iter()
            .any(|entry| entry.entry.path == EntryPath::new(path))
    };
    match format {
        "uboot-env" => "env",
        _ if has(b"etc") && (has(b"bin") || has(b"sbin") || has(b"usr/bin")) => "rootfs",
        "jffs2" | "ubifs" | "yaffs2" => "data",
        format => format,
    }
    .to_owned()
}

/// A stored name as a component's: letters, digits, dots and dashes.
pub(in crate::baseline) fn plain_name(name: &[u8]) -> String {
    let plain = |&byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            char::from(byte)
        } else {
            '-'
        }
    };
    name.iter().take(48).map(plain).collect()
}
