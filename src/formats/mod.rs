//! Every format, one file each, in a folder by kind. Adding one is its file and two lines here: its module and
//! its place in [`ALL`].

mod codec;
mod contract;
mod stored;

pub use contract::*;

mod archive {
    pub(super) mod ar;
    pub(super) mod cab;
    pub(super) mod cpio;
    mod packed;
    pub(super) mod rar;
    pub(super) mod rpm;
    pub(super) mod sevenz;
    mod solid;
    pub(super) mod tar;
    pub(super) mod xar;
    pub(super) mod zip;
}

mod boot {
    pub(super) mod uboot_env;
    pub(super) mod uimage;
}

mod compression {
    pub(super) mod bzip2;
    pub(super) mod compress;
    pub(super) mod deflate;
    pub(super) mod gzip;
    pub(super) mod lz4;
    pub(super) mod lzip;
    pub(super) mod lzma;
    pub(super) mod lzop;
    mod notes;
    #[cfg(test)]
    mod trial;
    pub(super) mod xz;
    pub(super) mod zlib;
    pub(super) mod zstd;
}

mod filesystem {
    pub(super) mod cramfs;
    pub(super) mod ext;
    pub(super) mod jffs2;
    pub(super) mod squashfs;
}

/// Every format, in the order in which ties are settled.
pub const ALL: &[&dyn Format] = &[
    &archive::ar::Ar,
    &archive::cab::Cab,
    &archive::cpio::Cpio,
    &archive::rar::Rar,
    &archive::rpm::Rpm,
    &archive::sevenz::SevenZ,
    &archive::tar::Tar,
    &archive::xar::Xar,
    &archive::zip::Zip,
    &boot::uboot_env::UbootEnv,
    &boot::uimage::Uimage,
    &compression::bzip2::Bzip2,
    &compression::compress::Compress,
    &compression::gzip::Gzip,
    &compression::lz4::Lz4,
    &compression::lzip::Lzip,
    &compression::lzma::Lzma,
    &compression::lzop::Lzop,
    &compression::xz::Xz,
    &compression::zlib::Zlib,
    &compression::zstd::Zstd,
    &filesystem::cramfs::Cramfs,
    &filesystem::ext::Ext,
    &filesystem::jffs2::Jffs2,
    &filesystem::squashfs::Squashfs,
];
