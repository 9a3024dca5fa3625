//! Where a program's data holds addresses of its own: looked for once, asked often.

use super::loaded::{Loaded, Piece, number};
use super::relocation::Slot;
use crate::read::index;

/// So many words are kept, 16 bytes each; a program whose data holds more has places that are not found.
const MOST: usize = 1 << 20;

/// Words of data that hold an address of the program, by that address.
pub(super) struct Pointers {
    /// The address held and the place where it stands, sorted.
    words: Vec<(u64, u64)>,
}

impl Pointers {
    /// Looks through what the loader writes and all aligned words that are no code.
    pub(super) fn of(loaded: &Loaded<'_>) -> Self {
        let mut words: Vec<(u64, u64)> = Vec::new();
        let written = loaded
            .slots()
            .iter()
            .filter_map(|&(place, slot)| match slot {
                Slot::Address(address) => Some((address, place)),
                Slot::Import(_) => None,
            });
        words.extend(written.take(MOST));
        for piece in &loaded.pieces {
            let held = words_of(loaded, piece);
            words.extend(held.take(MOST.saturating_sub(words.len())));
        }
        words.sort_unstable();
        words.dedup();
        Self { words }
    }

    /// The places that hold an address, in their order.
    pub(super) fn places_of(&self, address: u64) -> impl Iterator<Item = u64> {
        let from = self.words.partition_point(|&(held, _)| held < address);
        let words = self.words.get(from..).unwrap_or_default().iter();
        words
            .take_while(move |&&(held, _)| held == address)
            .map(|&(_, place)| place)
    }
}

/// The aligned words of a segment that are addresses of the program and stand where no code does.
fn words_of<'a>(
    loaded: &'a Loaded<'_>,
    piece: &'a Piece<'_>,
) -> impl Iterator<Item = (u64, u64)> + 'a {
    let word = u64::from(loaded.word);
    let first = piece.address.checked_next_multiple_of(word);
    let start = first.unwrap_or(u64::MAX);
    let bytes = piece
        .bytes
        .get(index(start.saturating_sub(piece.address))..);
    let places = std::iter::successors(first, move |place| place.checked_add(word));
    let words = bytes
        .unwrap_or_default()
        .chunks_exact(usize::from(loaded.word));
    let lowest = loaded.pieces.first().map_or(0, |piece| piece.address);
    let ends = loaded
        .pieces
        .iter()
        .map(|piece| piece.address.saturating_add(piece.size));
    let end = ends.max().unwrap_or_default();
    words.zip(places).filter_map(move |(bytes, place)| {
        let held = number(bytes, loaded.word, loaded.endian)?;
        let is_own = (lowest..end).contains(&held) && loaded.piece(held).is_some();
        (is_own && !loaded.is_code(place)).then_some((held, place))
    })
}
