//! Every format, one file each, in a folder by kind. Adding one is its file and two lines here: its module and
//! its place in [`ALL`].

mod codec;
mod contract;
mod crc32c;
mod stored;

pub use contract::*;

/// What may be said about the spare bytes of a NAND dump.
pub mod nand {
    pub use super::flash::nand::{Choice, Geometry, ID, SPARE, certain, layouts, open_as};
}

mod archive {
    pub(super) mod cpio;
    pub(super) mod tar;
}

mod boot {
    pub(super) mod uboot_env;
    pub(super) mod uimage;
}

mod compression {
    pub(super) mod gzip;
    pub(super) mod lzma;
    mod notes;
    #[cfg(test)]
    mod trial;
    pub(super) mod xz;
    pub(super) mod zstd;
}

mod filesystem {
    mod bounded;
    pub(super) mod btrfs;
    pub(super) mod cramfs;
    pub(super) mod ext;
    pub(super) mod hfsplus;
    pub(super) mod iso9660;
    pub(super) mod jffs2;
    pub(super) mod jfs;
    pub(super) mod reiserfs;
    pub(super) mod squashfs;
    pub(super) mod udf;
    pub(super) mod xfs;
}

mod flash {
    pub(super) mod nand;
}

/// Every format, in the order in which ties are settled.
pub const ALL: &[&dyn Format] = &[
    &archive::cpio::Cpio,
    &archive::tar::Tar,
    &boot::uboot_env::UbootEnv,
    &boot::uimage::Uimage,
    &compression::gzip::Gzip,
    &compression::lzma::Lzma,
    &compression::xz::Xz,
    &compression::zstd::Zstd,
    &filesystem::btrfs::Btrfs,
    &filesystem::cramfs::Cramfs,
    &filesystem::ext::Ext,
    &filesystem::hfsplus::Hfsplus,
    &filesystem::iso9660::Iso9660,
    &filesystem::jffs2::Jffs2,
    &filesystem::jfs::Jfs,
    &filesystem::reiserfs::Reiserfs,
    &filesystem::squashfs::Squashfs,
    &filesystem::udf::Udf,
    &filesystem::xfs::Xfs,
    &flash::nand::Nand,
];
