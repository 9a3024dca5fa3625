//! Files with holes: the map of the pieces that are stored, in its four forms, and the content put together.

use std::io::Write;

use bytes::Bytes;

use crate::entry::{Data, Fault};
use crate::formats::archive::tar::header::number;
use crate::formats::archive::tar::pax::decimal;
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::{clip, length};

/// The `GNU.sparse.*` records of one member.
#[derive(Clone, Default)]
pub(super) struct Keys {
    /// The name of the file: the header's own is made up.
    pub(super) name: Option<Bytes>,
    /// The size of the whole file, holes included.
    size: Option<u64>,
    /// The version of the map; before 1.0 it stands in the records.
    major: Option<u64>,
    minor: Option<u64>,
    /// The map of version 0.0 and 0.1.
    pieces: Vec<Piece>,
    /// Version 0.0: an offset whose length is still to come.
    open: Option<u64>,
    is_seen: bool,
    is_damaged: bool,
}

/// One stored piece of a sparse file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where in the file it stands.
    pub(super) at: u64,
    /// Its length in bytes.
    pub(super) len: u64,
}

/// A sparse map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    /// The stored pieces, as they stand one after another.
    pub(super) pieces: Vec<Piece>,
    /// The size of the whole file in bytes.
    pub(super) size: u64,
    /// How many bytes of the body the map itself takes, before the first piece.
    pub(super) in_body: u64,
}

impl Keys {
    /// Takes one record, its key without `GNU.sparse.`; `false` when its value cannot be read.
    pub(super) fn set(&mut self, key: &[u8], value: &Bytes) -> bool {
        self.is_seen = true;
        let understood = self.take(key, value);
        self.is_damaged |= !understood;
        understood
    }

    fn take(&mut self, key: &[u8], value: &Bytes) -> bool {
        let value_number = decimal(value);
        match key {
            b"name" => self.name = Some(value.clone()),
            b"size" | b"realsize" => self.size = value_number,
            b"major" => self.major = value_number,
            b"minor" => self.minor = value_number,
            b"numblocks" => return value_number.is_some(),
            b"offset" => self.open = value_number,
            b"numbytes" => match (self.open.take(), value_number) {
                (Some(at), Some(len)) => self.pieces.push(Piece { at, len }),
                _ => return false,
            },
            b"map" => return self.set_map(value),
            _ => return false,
        }
        key == b"name" || value_number.is_some()
    }

    /// The map; `None` when the member is not sparse. One of version 1.0 stands at the start of `body`.
    pub(super) fn map(&self, body: &[u8]) -> Option<Result<Map, &'static str>> {
        if !self.is_seen {
            return None;
        }
        if self.is_damaged {
            return Some(Err("the sparse map's records are damaged"));
        }
        let Some(size) = self.size else {
            return Some(Err("the sparse file's size is missing"));
        };
        Some(match (self.major.unwrap_or(0), self.minor.unwrap_or(0)) {
            (0, _) if self.open.is_some() => Err("the sparse map ends within a pair"),
            (0, _) => Ok(Map {
                pieces: self.pieces.clone(),
                size,
                in_body: 0,
            }),
            (1, 0) => map_in_body(body).map(|(pieces, in_body)| Map {
                pieces,
                size,
                in_body,
            }),
            _ => Err("the sparse map is of a version later than 1.0"),
        })
    }

    /// Version 0.1: `offset,length,offset,length...`
    fn set_map(&mut self, value: &[u8]) -> bool {
        self.pieces.clear();
        if value.is_empty() {
            return true;
        }
        let mut numbers = value.split(|&byte| byte == b',').map(decimal);
        while let Some(at) = numbers.next() {
            let (Some(at), Some(Some(len))) = (at, numbers.next()) else {
                return false;
            };
            self.pieces.push(Piece { at, len });
        }
        true
    }
}

/// Version 1.0: decimal lines, first the number of pairs, padded to a whole block.
fn map_in_body(body: &[u8]) -> Result<(Vec<Piece>, u64), &'static str> {
    const WHY: &str = "the sparse map before the content is damaged";
    let mut at = 0_usize;
    let mut line = || {
        let left = body.get(at..)?;
        // A number has at most 20 digits.
        let end = memchr::memchr(b'\n', left.get(..left.len().min(21))?)?;
        at = at.checked_add(end)?.checked_add(1)?;
        decimal(left.get(..end)?)
    };
    let count = line().ok_or(WHY)?;
    let mut pieces = Vec::new();
    for _ in 0..count {
        let (Some(at), Some(len)) = (line(), line()) else {
            return Err(WHY);
        };
        pieces.push(Piece { at, len });
    }
    let len = u64::try_from(at)
        .ok()
        .and_then(|at| at.checked_next_multiple_of(512));
    let len = len.filter(|&len| len <= length(body)).ok_or(WHY)?;
    Ok((pieces, len))
}

/// The pairs of an old GNU map: 12 bytes offset, 12 bytes length each, until an empty pair.
pub(super) fn pairs(slots: &[u8]) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    for slot in slots.chunks_exact(24) {
        if slot.get(12) == Some(&0) {
            break;
        }
        let (at, len) = slot.split_at_checked(12).unwrap_or_default();
        match (number(at).value(), number(len).value()) {
            (Some(at), Some(len)) => pieces.push(Piece { at, len }),
            _ => return Err("the sparse map holds something that is no number"),
        }
    }
    Ok(pieces)
}

impl Map {
    /// Whether the pieces ascend, stay within the file, and are as long together as the `stored` bytes.
    ///
    /// # Errors
    /// Which of it fails.
    pub(super) fn check(&self, stored: u64) -> Result<(), &'static str> {
        let (mut end, mut sum) = (0_u64, 0_u64);
        for piece in &self.pieces {
            if piece.at < end {
                return Err("the sparse map is out of order");
            }
            let piece_end = piece
                .at
                .checked_add(piece.len)
                .filter(|&end| end <= self.size);
            end = piece_end.ok_or("the sparse map reaches beyond the file's size")?;
            sum = sum.saturating_add(piece.len);
        }
        if sum == stored {
            Ok(())
        } else {
            Err("the sparse map's pieces are not as long together as what is stored")
        }
    }
}

/// The content of a sparse file. Its map was checked.
pub(super) struct Sparse {
    /// The pieces one after another, as many of their bytes as are there.
    pub(super) stored: Bytes,
    pub(super) map: Map,
    /// What to say when `stored` ends too early.
    pub(super) cut: Problem,
}

impl Data for Sparse {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let (mut done, mut read) = (0_u64, 0_u64);
        for piece in &self.map.pieces {
            zeros(out, piece.at.saturating_sub(done))?;
            let bytes = clip(&self.stored, read, piece.len);
            out.write_all(&bytes)?;
            if length(&bytes) < piece.len {
                return Err(Fault::Problem(self.cut.clone()));
            }
            read = read.saturating_add(piece.len);
            done = piece.at.saturating_add(piece.len);
        }
        zeros(out, self.map.size.saturating_sub(done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pairs: &[(u64, u64)]) -> Vec<Piece> {
        pairs.iter().map(|&(at, len)| Piece { at, len }).collect()
    }

    fn map(pairs: &[(u64, u64)], size: u64) -> Map {
        Map {
            pieces: pieces(pairs),
            size,
            in_body: 0,
        }
    }

    #[test]
    fn a_map_must_ascend_fit_and_add_up() {
        assert_eq!(map(&[(0, 4), (10, 2), (12, 0)], 12).check(6), Ok(()));
        for (pairs, why) in [
            (&[(10, 2), (0, 4)][..], "out of order"),
            (&[(0, 4), (3, 2)], "out of order"),
            (&[(10, 3)], "beyond"),
            (&[(u64::MAX, 6)], "beyond"),
            (&[(0, 5)], "not as long"),
        ] {
            let told = map(pairs, 12).check(6).unwrap_err();
            assert!(told.contains(why), "{pairs:?}");
        }
    }

    #[test]
    fn holes_are_zeros() {
        let sparse = Sparse {
            stored: Bytes::from_static(b"abcdef"),
            map: map(&[(2, 2), (5, 4), (20_000, 0)], 20_000),
            cut: Problem::corrupt("cut"),
        };
        let mut out = Vec::new();
        sparse.copy_to(&mut out).unwrap();
        assert_eq!(out.len(), 20_000);
        assert_eq!(&out[..10], b"\0\0ab\0cdef\0");
    }

    #[test]
    fn a_map_in_the_body_cannot_claim_more_pairs_than_it_has() {
        assert!(map_in_body(b"18446744073709551615\n0\n1\n").is_err());
        assert!(map_in_body(b"").is_err());
        let mut body = b"1\n0\n7\n".to_vec();
        body.resize(512, 0);
        assert_eq!(map_in_body(&body), Ok((pieces(&[(0, 7)]), 512)));
    }
}
