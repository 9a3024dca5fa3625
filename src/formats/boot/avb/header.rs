//! The header of the structure, its two blocks, and the footer. All numbers are big-endian.

use bytes::Bytes;

use crate::formats::Span;
use crate::read::{Fields, cut, length};

/// What the structure starts with.
pub(super) const MAGIC: &[u8] = b"AVB0";
/// Bytes of the header.
const HEADER_LEN: u64 = 256;
/// Bytes of the footer.
pub(super) const FOOTER_LEN: u64 = 64;
/// The longest structure that boot loaders take (bytes).
const LONGEST: u64 = 64 << 10;

/// How header and descriptors are hashed and signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Algorithm {
    pub(super) name: &'static str,
    /// Whether the hash is SHA-512.
    pub(super) is_long: bool,
}

const ALGORITHMS: [Algorithm; 6] = [
    known("SHA256_RSA2048", false),
    known("SHA256_RSA4096", false),
    known("SHA256_RSA8192", false),
    known("SHA512_RSA2048", true),
    known("SHA512_RSA4096", true),
    known("SHA512_RSA8192", true),
];

const fn known(name: &'static str, is_long: bool) -> Algorithm {
    Algorithm { name, is_long }
}

/// The structure.
pub(super) struct Vbmeta {
    raw: Bytes,
    /// Bytes of the block with hash and signature, and of the one with keys and descriptors behind it.
    authentication: u64,
    auxiliary: u64,
    /// `None` when nothing is signed.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) hash: Bytes,
    pub(super) signature: Bytes,
    pub(super) key: Bytes,
    pub(super) descriptors: Bytes,
    pub(super) rollback_index: u64,
    pub(super) rollback_location: u32,
    pub(super) flags: u32,
    pub(super) release: Vec<u8>,
    /// What the ranges above take in their blocks, from the start of the structure.
    used: Vec<(u64, u64)>,
}

impl Vbmeta {
    /// Reads the structure at the start of `bytes`.
    pub(super) fn read(bytes: &Bytes) -> Option<Self> {
        let head = cut(bytes, 0, HEADER_LEN)?;
        let fields = Fields::big(&head);
        let (authentication, auxiliary) = (fields.u64(12)?, fields.u64(20)?);
        let blocks = authentication.checked_add(auxiliary)?;
        let len = HEADER_LEN.checked_add(blocks)?;
        let fits = fields.slice(0, 4)? == MAGIC
            && fields.u32(4)? == 1
            && authentication % 64 == 0
            && auxiliary % 64 == 0
            && len <= LONGEST
            && fields.slice(176, 80)?.iter().all(|&byte| byte == 0);
        let raw = cut(bytes, 0, len).filter(|_| fits)?;
        let algorithm = match usize::try_from(fields.u32(28)?).ok()?.checked_sub(1) {
            None => None,
            Some(number) => Some(*ALGORITHMS.get(number)?),
        };
        let mut used = Vec::new();
        let mut range = |at: usize, block: u64, room: u64| {
            let (offset, len) = (fields.u64(at)?, fields.u64(at.checked_add(8)?)?);
            let start = HEADER_LEN.checked_add(block)?.checked_add(offset)?;
            (offset.checked_add(len)? <= room).then_some(())?;
            used.push((start, len));
            cut(&raw, start, len)
        };
        let release = fields.slice(128, 48)?.split(|&byte| byte == 0).next()?;
        Some(Self {
            hash: range(32, 0, authentication)?,
            signature: range(48, 0, authentication)?,
            key: range(64, authentication, auxiliary)?,
            descriptors: {
                // Between the two stands what a maker says of the key.
                range(80, authentication, auxiliary)?;
                range(96, authentication, auxiliary)?
            },
            rollback_index: fields.u64(112)?,
            flags: fields.u32(120)?,
            rollback_location: fields.u32(124)?,
            release: release.to_vec(),
            authentication,
            auxiliary,
            algorithm,
            used,
            raw,
        })
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> u64 {
        length(&self.raw)
    }

    /// The bytes of the header.
    pub(super) fn head(&self) -> Bytes {
        cut(&self.raw, 0, HEADER_LEN).unwrap_or_default()
    }

    /// The bytes of the block with keys and descriptors.
    pub(super) fn auxiliary(&self) -> Bytes {
        let at = HEADER_LEN.saturating_add(self.authentication);
        cut(&self.raw, at, self.auxiliary).unwrap_or_default()
    }

    /// Names its bytes, of which the first is at `start` of the region; what pads the blocks only where it is empty.
    pub(super) fn explain(&self, start: u64, spans: &mut Vec<Span>) {
        let mut used = self.used.clone();
        used.push((0, HEADER_LEN));
        used.sort_unstable();
        let mut reached = 0_u64;
        for (at, len) in used.into_iter().chain([(self.len(), 0)]) {
            let gap = at.saturating_sub(reached);
            let padding = cut(&self.raw, reached, gap).unwrap_or_default();
            if padding.iter().all(|&byte| byte == 0) {
                spans.push(Span::metadata(start.saturating_add(reached), gap));
            }
            spans.push(Span::metadata(start.saturating_add(at), len));
            reached = reached.max(at.saturating_add(len));
        }
    }
}

/// What stands at the end of a partition.
pub(super) struct Footer {
    /// The length of the image that the partition starts with.
    pub(super) image_len: u64,
    /// Where the structure is, from the partition's start.
    pub(super) vbmeta_at: u64,
    pub(super) vbmeta_len: u64,
}

impl Footer {
    /// Reads the footer at the end of a partition.
    pub(super) fn read(partition: &Bytes) -> Option<Self> {
        let at = length(partition).checked_sub(FOOTER_LEN)?;
        let raw = cut(partition, at, FOOTER_LEN)?;
        let fields = Fields::big(&raw);
        let footer = Self {
            image_len: fields.u64(12)?,
            vbmeta_at: fields.u64(20)?,
            vbmeta_len: fields.u64(28)?,
        };
        let fits = fields.slice(0, 4)? == b"AVBf"
            && fields.u32(4)? == 1
            && footer.image_len <= footer.vbmeta_at
            && footer.vbmeta_at.checked_add(footer.vbmeta_len)? <= at;
        fits.then_some(footer)
    }
}
