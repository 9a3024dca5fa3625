//! The hashes that a FIT image states of its parts.

use crate::image::map;
use crate::problem::Problem;
use crate::read::length;

/// Bytes hashed at a time, so that pages of the image can be given back in between (1 MiB).
const CHUNK: usize = 1 << 20;

/// A node that states a hash.
pub(super) struct Hash {
    /// The name of the node.
    pub(super) node: Vec<u8>,
    /// What `algo` says.
    pub(super) algorithm: Vec<u8>,
    /// What `value` says; `None` where there is none, as in images that were never finished.
    pub(super) value: Option<Vec<u8>>,
}

/// What came of verifying a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is that of the data.
    Verified,
    /// It is not.
    Wrong,
    /// It states no value.
    Empty,
    /// Of an algorithm that is not known.
    Unknown,
}

impl Verdict {
    /// The word that properties use.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Wrong => "WRONG",
            Self::Empty => "without a value",
            Self::Unknown => "not verified: unknown algorithm",
        }
    }

    /// The problem that it is, for the image `name`.
    pub(super) fn problem(self, name: &str, algorithm: &[u8]) -> Option<Problem> {
        let algorithm = String::from_utf8_lossy(algorithm);
        match self {
            Self::Verified => None,
            Self::Wrong => Some(Problem::checksum(format!(
                "image {name}: its {algorithm} is not the one stated"
            ))),
            Self::Empty => Some(Problem::corrupt(format!(
                "image {name}: its {algorithm} states no value"
            ))),
            Self::Unknown => Some(Problem::unsupported(format!(
                "image {name}: the hash {algorithm} is not known"
            ))),
        }
    }
}

impl Hash {
    /// Whether it is the hash of `data`.
    pub(super) fn verify(&self, data: &[u8]) -> Verdict {
        let Some(value) = &self.value else {
            return Verdict::Empty;
        };
        let computed = match &self.algorithm[..] {
            b"crc32" => {
                let mut hasher = crc32fast::Hasher::new();
                feed(data, |chunk| hasher.update(chunk));
                hasher.finalize().to_be_bytes().to_vec()
            }
            b"md5" => digest::<md5::Md5>(data),
            b"sha1" => digest::<sha1::Sha1>(data),
            b"sha256" => digest::<sha2::Sha256>(data),
            b"sha384" => digest::<sha2::Sha384>(data),
            b"sha512" => digest::<sha2::Sha512>(data),
            _ => return Verdict::Unknown,
        };
        if computed == *value {
            Verdict::Verified
        } else {
            Verdict::Wrong
        }
    }
}

fn digest<D: sha2::Digest>(data: &[u8]) -> Vec<u8> {
    let mut hasher = D::new();
    feed(data, |chunk| hasher.update(chunk));
    hasher.finalize().to_vec()
}

fn feed(data: &[u8], mut take: impl FnMut(&[u8])) {
    for chunk in data.chunks(CHUNK) {
        take(chunk);
        map::touched(length(chunk));
    }
}
