//! Descriptors: what partitions must hold, who else is trusted, and what the kernel is told. All numbers are big-endian.

use bytes::Bytes;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::header::Vbmeta;
use crate::digest::{Digest, hex};
use crate::formats::Properties;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, cut, rest};

/// Bytes hashed at a time, so that pages of the image can be given back in between (1 MiB).
const CHUNK: usize = 1 << 20;

/// One descriptor.
pub(super) enum Descriptor {
    Property {
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Hash(Hash),
    Tree(Tree),
    Command {
        flags: u32,
        text: Vec<u8>,
    },
    Chain {
        partition: Vec<u8>,
        location: u32,
        key: Bytes,
    },
}

/// The hash of a whole image.
pub(super) struct Hash {
    pub(super) partition: Vec<u8>,
    image_len: u64,
    pub(super) algorithm: Vec<u8>,
    salt: Bytes,
    digest: Bytes,
}

/// The hash of a tree of hashes over an image.
pub(super) struct Tree {
    pub(super) partition: Vec<u8>,
    pub(super) image_len: u64,
    /// Where the tree stands and how long it is (bytes from the partition's start).
    pub(super) at: u64,
    pub(super) len: u64,
    pub(super) data_block: u32,
    pub(super) hash_block: u32,
    pub(super) algorithm: Vec<u8>,
    pub(super) salt: Bytes,
    pub(super) digest: Bytes,
}

/// The descriptors of a structure, up to the first that makes no sense.
pub(super) fn read(vbmeta: &Vbmeta, problems: &mut Vec<Problem>) -> Vec<Descriptor> {
    let mut found = Vec::new();
    let mut left = vbmeta.descriptors.clone();
    while !left.is_empty() {
        let fields = Fields::big(&left);
        let head = (fields.u64(0), fields.u64(8));
        let (Some(tag), Some(len)) = head else {
            problems.push(Problem::corrupt("a descriptor is cut off"));
            break;
        };
        let Some(body) = cut(&left, 16, len) else {
            problems.push(Problem::corrupt("a descriptor ends behind its block"));
            break;
        };
        match one(tag, &body) {
            Some(Ok(descriptor)) => found.push(descriptor),
            Some(Err(problem)) => problems.push(problem),
            None => problems.push(Problem::corrupt("a descriptor contradicts itself")),
        }
        left = rest(&left, len.saturating_add(16));
    }
    found
}

fn one(tag: u64, body: &Bytes) -> Option<Result<Descriptor, Problem>> {
    let fields = Fields::big(body);
    let word = |at: usize| fields.u32(at).map(u64::from);
    // What follows the fixed part, piece by piece.
    let pieces = |at: u64, lens: [u64; 3]| {
        let second = at.checked_add(lens[0])?;
        let third = second.checked_add(lens[1])?;
        Some((
            cut(body, at, lens[0])?,
            cut(body, second, lens[1])?,
            cut(body, third, lens[2])?,
        ))
    };
    Some(Ok(match tag {
        0 => {
            let (key, zero, value) = pieces(16, [fields.u64(0)?, 1, fields.u64(8)?])?;
            (zero[..] == [0]).then_some(())?;
            Descriptor::Property {
                key: key.to_vec(),
                value: value.to_vec(),
            }
        }
        1 => {
            let (name, salt, digest) = pieces(164, [word(88)?, word(92)?, word(96)?])?;
            Descriptor::Tree(Tree {
                partition: name.to_vec(),
                image_len: fields.u64(4)?,
                at: fields.u64(12)?,
                len: fields.u64(20)?,
                data_block: fields.u32(28)?,
                hash_block: fields.u32(32)?,
                algorithm: text(fields.slice(56, 32)?),
                salt,
                digest,
            })
        }
        2 => {
            let (name, salt, digest) = pieces(116, [word(40)?, word(44)?, word(48)?])?;
            Descriptor::Hash(Hash {
                partition: name.to_vec(),
                image_len: fields.u64(0)?,
                algorithm: text(fields.slice(8, 32)?),
                salt,
                digest,
            })
        }
        3 => Descriptor::Command {
            flags: fields.u32(0)?,
            text: cut(body, 8, word(4)?)?.to_vec(),
        },
        4 => {
            let (name, key, _) = pieces(76, [word(4)?, word(8)?, 0])?;
            Descriptor::Chain {
                partition: name.to_vec(),
                location: fields.u32(0)?,
                key,
            }
        }
        other => {
            let detail = format!("descriptors of kind {other} are not known");
            return Some(Err(Problem::unsupported(detail)));
        }
    }))
}

fn text(field: &[u8]) -> Vec<u8> {
    let end = field.iter().position(|&byte| byte == 0);
    field
        .get(..end.unwrap_or(field.len()))
        .unwrap_or_default()
        .to_vec()
}

impl Descriptor {
    /// Says what it states.
    pub(super) fn say(&self, properties: &mut Properties) {
        let named = |what: &str, name: &[u8]| [what.as_bytes(), b".", name].concat();
        let stated = |algorithm: &[u8], digest: &[u8], salt: &[u8], len: u64| {
            let algorithm = String::from_utf8_lossy(algorithm);
            format!(
                "{algorithm} {} of {len} bytes, salt {}",
                hex(digest),
                hex(salt)
            )
        };
        match self {
            Self::Property { key, value } => properties.set(named("property", key), value.clone()),
            Self::Hash(hash) => properties.set(
                named("hash", &hash.partition),
                stated(&hash.algorithm, &hash.digest, &hash.salt, hash.image_len),
            ),
            Self::Tree(tree) => properties.set(
                named("hashtree", &tree.partition),
                stated(&tree.algorithm, &tree.digest, &tree.salt, tree.image_len),
            ),
            Self::Command { flags, text } => {
                properties.set(format!("command-line.{flags}"), text.clone());
            }
            Self::Chain {
                partition,
                location,
                key,
            } => properties.set(
                named("chain", partition),
                format!(
                    "rollback location {location}, key sha256 {}",
                    Digest::of(key)
                ),
            ),
        }
    }
}

impl Hash {
    /// Whether the image at the start of a partition has this hash.
    ///
    /// # Errors
    /// It has not, or that cannot be told.
    pub(super) fn verify(&self, partition: &Bytes) -> Result<(), Problem> {
        let image = cut(partition, 0, self.image_len)
            .ok_or_else(|| Problem::corrupt("the image ends behind the partition"))?;
        let chunks = image.chunks(CHUNK);
        match digest(&self.algorithm, &self.salt, chunks) {
            Some(digest) if digest[..] == self.digest[..] => Ok(()),
            Some(_) => Err(Problem::checksum(
                "the hash of the image is not the one stated",
            )),
            None => Err(unknown(&self.algorithm)),
        }
    }
}

/// The hash of the salt and some chunks; `None` where the algorithm is not known.
pub(super) fn digest<'a>(
    algorithm: &[u8],
    salt: &[u8],
    chunks: impl Iterator<Item = &'a [u8]>,
) -> Option<Vec<u8>> {
    fn with<D: sha2::Digest>(
        salt: &[u8],
        chunks: impl Iterator<Item = impl AsRef<[u8]>>,
    ) -> Vec<u8> {
        let mut hasher = D::new_with_prefix(salt);
        for chunk in chunks {
            hasher.update(chunk);
            map::visited();
        }
        hasher.finalize().to_vec()
    }
    match algorithm {
        b"sha1" => Some(with::<Sha1>(salt, chunks)),
        b"sha256" => Some(with::<Sha256>(salt, chunks)),
        b"sha512" => Some(with::<Sha512>(salt, chunks)),
        _ => None,
    }
}

/// What is told of an algorithm that is not known.
pub(super) fn unknown(algorithm: &[u8]) -> Problem {
    let name = algorithm.escape_ascii();
    Problem::unsupported(format!("the hash algorithm {name} is not known"))
}
