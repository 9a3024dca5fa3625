//! What is known of a word while a function is followed, and of the texts that words point at.

use std::fmt::Write as _;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::place::escape;

/// What is known of one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Unknown,
    /// A constant, or an address of the program.
    Number(u64),
    /// An address on the stack, in bytes from the stack pointer at the function's first instruction.
    Frame(i64),
    /// What the function was called with, from 0.
    Parameter(u8),
    /// The address of something in a library: what the loader puts at this address of the program.
    Import(u64),
    /// What a call returned: its number in the function.
    Result(u64),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The text that a parameter of the function points at.
    Parameter(u8),
    /// A text that is made by a format which a parameter points at.
    Format(u8),
    /// Something that came from another machine.
    Received,
    /// Something that is not known.
    Unknown,
}

/// A text, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its parts, in their order.
    pub pieces: Vec<Piece>,
    /// The address of its constant part, where it stands in the program as one.
    pub address: Option<u64>,
}

/// Texts are kept to so many bytes.
pub(super) const LONGEST: usize = 4096;
/// And to so many pieces.
const MOST_PIECES: usize = 64;

impl Text {
    pub(super) fn of(bytes: &[u8], address: Option<u64>) -> Self {
        Self {
            pieces: vec![Piece::Bytes(bytes.to_vec())],
            address,
        }
    }

    pub(super) fn piece(piece: Piece) -> Self {
        Self {
            pieces: vec![piece],
            address: None,
        }
    }

    pub(super) fn unknown() -> Self {
        Self::piece(Piece::Unknown)
    }

    /// Its bytes, where all of it is known.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(&[]),
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Whether nothing at all is known of it.
    pub fn is_unknown(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| !matches!(piece, Piece::Bytes(bytes) if !bytes.is_empty()))
    }

    /// Whether some of it came from another machine.
    pub fn is_received(&self) -> bool {
        self.pieces.contains(&Piece::Received)
    }

    /// The parameters that are in it.
    pub(super) fn parameters(&self) -> impl Iterator<Item = u8> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Parameter(number) | Piece::Format(number) => Some(*number),
            _ => None,
        })
    }

    /// The text as a shell would be given it, with a variable nobody sets for what is not known.
    pub fn command(&self) -> Vec<u8> {
        let mut command = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => command.extend_from_slice(bytes),
                _ => command.extend_from_slice(b"${unknown}"),
            }
        }
        command
    }

    /// For people: `...` where something is not known.
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for piece in &self.pieces {
            let _ = match piece {
                Piece::Bytes(bytes) => write!(shown, "{}", escape(bytes)),
                Piece::Received => write!(shown, "<received>"),
                _ => write!(shown, "<...>"),
            };
        }
        shown
    }

    /// Appends a text.
    pub(super) fn push(&mut self, text: &Self) {
        for piece in &text.pieces {
            let has_room = self.pieces.len() < MOST_PIECES;
            match (self.pieces.last_mut(), piece) {
                (Some(Piece::Bytes(last)), Piece::Bytes(bytes)) => {
                    let room = LONGEST.saturating_sub(last.len());
                    last.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                }
                _ if has_room => self.pieces.push(piece.clone()),
                _ => {}
            }
        }
    }
}

/// A text that several states share.
pub(super) type Shared = Rc<Text>;
