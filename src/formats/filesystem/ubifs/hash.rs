//! The hashes of an authenticated file system. The superblock holds that of the master node as long as nobody mounted what
//! mkfs.ubifs made; the master node holds that of the index's root; and each index node those of the nodes it leads to.
//! (Linux, `fs/ubifs/auth.c`.) They need no key. What a mounted file system writes besides is keyed (HMAC) and cannot be verified.

use super::superblock::{Master, Superblock};
use crate::problem::Problem;
use crate::read::Fields;

/// The room that the superblock and the master node have for a hash, in bytes.
const ROOM: usize = 64;
/// Where the superblock has the hash of the master node, in bytes from its start.
const OF_MASTER: usize = 258;

/// How an authenticated file system hashes: the numbers are those of Linux's `hash_info.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash of this number, if it is one that is known here.
    pub(super) fn of(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Md5,
            2 => Self::Sha1,
            4 => Self::Sha256,
            5 => Self::Sha384,
            6 => Self::Sha512,
            7 => Self::Sha224,
            _ => return None,
        })
    }

    /// Its usual name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The hash of `bytes`.
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        fn digest<D: sha2::Digest>(bytes: &[u8]) -> Vec<u8> {
            D::digest(bytes).to_vec()
        }
        match self {
            Self::Md5 => digest::<md5::Md5>(bytes),
            Self::Sha1 => digest::<sha1::Sha1>(bytes),
            Self::Sha224 => digest::<sha2::Sha224>(bytes),
            Self::Sha256 => digest::<sha2::Sha256>(bytes),
            Self::Sha384 => digest::<sha2::Sha384>(bytes),
            Self::Sha512 => digest::<sha2::Sha512>(bytes),
        }
    }

    /// Whether a field starts with the hash of `bytes`; what follows in it is room for longer ones.
    pub(super) fn is_of(self, field: &[u8], bytes: &[u8]) -> bool {
        field.starts_with(&self.digest(bytes))
    }
}

/// What is said of an authenticated file system whose master node is `master`, and what of it is wrong.
pub(super) fn master(image: &[u8], superblock: &Superblock, master: &Master) -> Option<Problem> {
    let hash = superblock.hash()?;
    let stated = Fields::little(image).slice(OF_MASTER, ROOM)?;
    // Once it is mounted, the master node has a keyed hash, and the superblock's is an old one.
    let wrong = !master.is_keyed() && !hash.is_of(stated, master.hashed());
    wrong.then(|| {
        let what = "the hash of the master node is not the one that the superblock states";
        Problem::checksum(what).at(master.at)
    })
}
