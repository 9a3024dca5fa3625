//! Every format, one file each, in a folder by kind. Adding one is its file and two lines here: its module and
//! its place in [`ALL`].

mod codec;
mod contract;

pub use contract::*;

mod archive {}

mod boot {}

mod compression {
    pub(super) mod gzip;
}

mod filesystem {
    pub(super) mod jffs2;
}

/// Every format, in the order in which ties are settled.
pub const ALL: &[&dyn Format] = &[&compression::gzip::Gzip, &filesystem::jffs2::Jffs2];
