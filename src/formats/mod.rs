//! Every format, one file each, in a folder by kind. Adding one is its file and two lines here: its module and
//! its place in [`ALL`].

mod codec;
mod contract;
mod crc32c;
mod scattered;
mod stored;
mod told;
mod words;
mod xml;

pub use contract::*;

/// What may be said about the spare bytes of a NAND dump.
pub mod nand {
    pub use super::flash::nand::{Choice, DATA, Geometry, ID, SPARE, certain, layouts, open_as};
}

/// What may be said about where the bytes of an image are loaded.
pub mod binary {
    pub use super::memory::binary::{ID, open_at};
}

/// What stands in a device tree blob.
pub mod dtb {
    pub use super::boot::dtb::{Property, properties};
}

/// Bytes that were XORed with a repeating key.
pub mod xor {
    pub use super::compression::xor::{ID, keys, open_with, plain};
}

/// Headers of rpm: those of packages, and what its database keeps of them.
pub(crate) mod rpm {
    pub(crate) use super::archive::rpm::header::{Header, MAGIC, Value};
}

/// Wrappers of vendors that somebody described.
pub mod wrapper {
    pub use super::archive::wrapper::{ID, Malformed, Wrapper};
}

mod archive {
    pub(super) mod ar;
    pub(super) mod cab;
    pub(super) mod ce_setup;
    pub(super) mod ce_setup_xml;
    pub(super) mod cfb;
    pub(super) mod cms;
    pub(super) mod cpio;
    mod packed;
    pub(super) mod rar;
    pub(super) mod rpm;
    pub(super) mod sevenz;
    mod solid;
    pub(super) mod tar;
    #[cfg(test)]
    mod trial;
    pub(super) mod wrapper;
    pub(super) mod xar;
    pub(super) mod zip;
}

mod boot {
    pub(super) mod android_boot;
    pub(super) mod avb;
    pub(super) mod dtb;
    pub(super) mod dtbo;
    pub(super) mod fit;
    mod flat_tree;
    pub(super) mod linux;
    pub(super) mod qnx_startup;
    pub(super) mod trx;
    pub(super) mod uboot_env;
    pub(super) mod uimage;
}

mod compression {
    pub(super) mod bzip2;
    mod coder;
    pub(super) mod compress;
    pub(super) mod deflate;
    pub(super) mod gzip;
    pub(super) mod lz4;
    pub(super) mod lzip;
    pub(super) mod lzma;
    pub(super) mod lzop;
    pub(super) mod lzx;
    pub(super) mod notes;
    mod prefix_code;
    #[cfg(test)]
    mod trial;
    pub(super) mod xor;
    pub(super) mod xpress;
    pub(super) mod xz;
    pub(super) mod zlib;
    pub(super) mod zstd;
}

mod disk {
    pub(super) mod android_sparse;
    pub(super) mod android_super;
    pub(super) mod assemble;
    pub(super) mod gpt;
    pub(super) mod mbr;
    mod packed;
    pub(super) mod qcow2;
    pub(super) mod vdi;
    pub(super) mod vhd;
    pub(super) mod vhdx;
    pub(super) mod vmdk;
}

mod filesystem {
    mod account;
    mod bounded;
    pub(super) mod btrfs;
    mod ce_module;
    mod clusters;
    pub(super) mod cramfs;
    pub(super) mod dos;
    pub(super) mod erofs;
    pub(super) mod exfat;
    pub(super) mod ext;
    pub(super) mod f2fs;
    pub(super) mod fat;
    mod harvest;
    pub(super) mod hfsplus;
    pub(super) mod imgfs;
    pub(super) mod iso9660;
    pub(super) mod jffs2;
    pub(super) mod jfs;
    pub(super) mod minix;
    mod name;
    pub(super) mod ntfs;
    pub(super) mod qnx4;
    pub(super) mod qnx6;
    pub(super) mod qnx_efs;
    pub(super) mod qnx_etfs;
    pub(super) mod qnx_ifs;
    pub(super) mod regf;
    pub(super) mod registry;
    pub(super) mod reiserfs;
    pub(super) mod romfs;
    pub(super) mod squashfs;
    #[cfg(test)]
    mod trial;
    pub(super) mod ubifs;
    pub(super) mod udf;
    pub(super) mod vxworks_memfs;
    pub(super) mod wince_hive;
    pub(super) mod wince_rom;
    pub(super) mod xfs;
    pub(super) mod yaffs2;
}

mod flash {
    pub(super) mod nand;
    pub(super) mod ubi;
}

mod memory {
    pub(super) mod b000ff;
    pub(super) mod binary;
    pub(super) mod dfu;
    pub(super) mod elf;
    pub(super) mod esp;
    pub(super) mod hex;
    mod records;
    pub(super) mod srec;
    pub(super) mod tekhex;
    pub(super) mod titxt;
    pub(super) mod uf2;
    mod vectors;
    pub(super) mod x000ff;
}

/// Every format, in the order in which ties are settled.
pub const ALL: &[&dyn Format] = &[
    &archive::ar::Ar,
    &archive::cab::Cab,
    &archive::ce_setup::CeSetup,
    &archive::ce_setup_xml::CeSetupXml,
    &archive::cms::Cms,
    &archive::cfb::Cfb,
    &archive::cpio::Cpio,
    &archive::rar::Rar,
    &archive::rpm::Rpm,
    &archive::sevenz::SevenZ,
    &archive::tar::Tar,
    &archive::wrapper::Described,
    &archive::xar::Xar,
    &archive::zip::Zip,
    &boot::android_boot::AndroidBoot,
    &boot::avb::Avb,
    &boot::dtb::Dtb,
    &boot::dtbo::Dtbo,
    &boot::fit::Fit,
    &boot::linux::Linux,
    &boot::qnx_startup::QnxStartup,
    &boot::trx::Trx,
    &boot::uboot_env::UbootEnv,
    &boot::uimage::Uimage,
    &compression::bzip2::Bzip2,
    &compression::compress::Compress,
    &compression::gzip::Gzip,
    &compression::lz4::Lz4,
    &compression::lzip::Lzip,
    &compression::lzma::Lzma,
    &compression::lzop::Lzop,
    &compression::xor::Xor,
    &compression::xz::Xz,
    &compression::zlib::Zlib,
    &compression::zstd::Zstd,
    &disk::android_sparse::AndroidSparse,
    &disk::android_super::AndroidSuper,
    &disk::gpt::Gpt,
    &disk::mbr::Mbr,
    &disk::qcow2::Qcow2,
    &disk::vdi::Vdi,
    &disk::vhd::Vhd,
    &disk::vhdx::Vhdx,
    &disk::vmdk::Vmdk,
    &filesystem::btrfs::Btrfs,
    &filesystem::cramfs::Cramfs,
    &filesystem::erofs::Erofs,
    &filesystem::exfat::Exfat,
    &filesystem::ext::Ext,
    &filesystem::f2fs::F2fs,
    &filesystem::fat::Fat,
    &filesystem::hfsplus::Hfsplus,
    &filesystem::imgfs::Imgfs,
    &filesystem::iso9660::Iso9660,
    &filesystem::jffs2::Jffs2,
    &filesystem::jfs::Jfs,
    &filesystem::minix::Minix,
    &filesystem::ntfs::Ntfs,
    &filesystem::qnx4::Qnx4,
    &filesystem::qnx6::Qnx6,
    &filesystem::qnx_efs::QnxEfs,
    &filesystem::qnx_etfs::QnxEtfs,
    &filesystem::qnx_ifs::QnxIfs,
    &filesystem::regf::Regf,
    &filesystem::reiserfs::Reiserfs,
    &filesystem::romfs::Romfs,
    &filesystem::squashfs::Squashfs,
    &filesystem::ubifs::Ubifs,
    &filesystem::udf::Udf,
    &filesystem::vxworks_memfs::VxworksMemfs,
    &filesystem::wince_hive::WinceHive,
    &filesystem::wince_rom::WinceRom,
    &filesystem::xfs::Xfs,
    &filesystem::yaffs2::Yaffs2,
    &flash::nand::Nand,
    &flash::ubi::Ubi,
    &memory::b000ff::B000ff,
    &memory::binary::Binary,
    &memory::dfu::Dfu,
    &memory::elf::Elf,
    &memory::esp::Esp,
    &memory::hex::Hex,
    &memory::srec::Srec,
    &memory::tekhex::Tekhex,
    &memory::titxt::Titxt,
    &memory::uf2::Uf2,
    &memory::x000ff::X000ff,
];
