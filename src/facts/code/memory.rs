//! What a function has put into memory so far: on its stack, and at addresses of the program.

use std::ops::Range;
use std::rc::Rc;

use super::value::{Shared, Value};
use crate::read::Endian;

/// So many places are remembered in one function.
const MOST: usize = 400;

/// So many more have room when some are copied.
const ROOM: usize = 8;

/// Where addresses count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Region {
    /// The stack pointer at the function's first instruction.
    Frame,
    /// Zero.
    Program,
}

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    pub(super) region: Region,
    pub(super) at: i64,
}

impl Location {
    /// The place that a word points at, if that is known.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Frame(at) => Some(Self {
                region: Region::Frame,
                at,
            }),
            Value::Number(address) => Some(Self {
                region: Region::Program,
                at: i64::try_from(address).ok()?,
            }),
            _ => None,
        }
    }

    /// The address, where it is one of the program.
    pub(super) fn address(self) -> Option<u64> {
        match self.region {
            Region::Program => u64::try_from(self.at).ok(),
            Region::Frame => None,
        }
    }

    /// The place on the stack, where it is one.
    pub(super) fn frame(self) -> Option<i64> {
        (self.region == Region::Frame).then_some(self.at)
    }

    pub(super) fn plus(self, bytes: i64) -> Self {
        Self {
            at: self.at.wrapping_add(bytes),
            ..self
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Word(Value),
    Text(Shared),
}

#[derive(Clone, Debug, PartialEq)]
struct Cell {
    place: Location,
    /// In bytes; 1 for a text.
    size: u8,
    content: Content,
}

/// A byte that was put somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Known(u8),
    Unknown,
}

impl Stored {
    pub(super) fn known(self) -> Option<u8> {
        match self {
            Self::Known(byte) => Some(byte),
            Self::Unknown => None,
        }
    }
}

impl Cell {
    fn byte(&self, place: Location, endian: Endian) -> Option<Stored> {
        if self.place.region != place.region {
            return None;
        }
        let inside = place.at.checked_sub(self.place.at)?;
        match &self.content {
            Content::Text(text) => {
                let bytes = text.bytes()?;
                let inside = usize::try_from(inside).ok()?;
                if inside == bytes.len() {
                    return Some(Stored::Known(0));
                }
                bytes.get(inside).map(|&byte| Stored::Known(byte))
            }
            Content::Word(_) if inside >= i64::from(self.size) => None,
            Content::Word(Value::Number(number)) => {
                let place = match endian {
                    Endian::Little => inside,
                    Endian::Big => i64::from(self.size).checked_sub(inside)?.checked_sub(1)?,
                };
                let shift = u32::try_from(place).ok()?.checked_mul(8)?;
                let byte = number.checked_shr(shift)? & 0xff;
                u8::try_from(byte).ok().map(Stored::Known)
            }
            Content::Word(_) => Some(Stored::Unknown),
        }
    }
}

/// Places and what is in them, in the order of the places.
///
/// Ways that part share the cells until one of them changes some.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    cells: Rc<Vec<Cell>>,
    endian: Endian,
}

impl Memory {
    pub(super) fn new(endian: Endian) -> Self {
        Self {
            cells: Rc::default(),
            endian,
        }
    }

    /// The cells, to be changed: another way keeps those that it shares. What is put there next has room.
    fn own(&mut self) -> &mut Vec<Cell> {
        if Rc::get_mut(&mut self.cells).is_none() {
            let mut cells = Vec::with_capacity(self.cells.len().saturating_add(ROOM));
            cells.extend_from_slice(&self.cells);
            self.cells = Rc::new(cells);
        }
        Rc::make_mut(&mut self.cells)
    }

    /// Puts a word somewhere.
    pub(super) fn store(&mut self, place: Location, size: u8, value: Value) {
        self.put(place, size, Content::Word(value));
    }

    /// Puts a text somewhere.
    pub(super) fn write(&mut self, place: Location, text: Shared) {
        // Bytes that stood there one by one are gone as far as the text is known to reach.
        let length = text.bytes().map_or(0, <[u8]>::len);
        let reach = u8::try_from(length.saturating_add(1)).unwrap_or(u8::MAX);
        self.forget(place, reach);
        self.put(place, 1, Content::Text(text));
    }

    /// Forgets what so many bytes hold.
    pub(super) fn forget(&mut self, place: Location, size: u8) {
        let range = self.overlapping(place, size);
        if range.is_empty() {
            return;
        }
        let left = self.left_over(range.clone(), place, size);
        let start = range.start;
        let cells = self.own();
        cells.splice(range, left);
        cells.truncate(start.max(MOST));
    }

    fn put(&mut self, place: Location, size: u8, content: Content) {
        let cell = Cell {
            place,
            size,
            content,
        };
        let range = self.overlapping(place, size);
        match self.cells.get(range.clone()) {
            Some([]) | None => {
                if self.cells.len() < MOST {
                    let cells = self.own();
                    cells.insert(range.start.min(cells.len()), cell);
                }
            }
            Some([there]) if *there == cell => {}
            Some([there]) if there.place == place && there.size == size => {
                if let Some(there) = self.own().get_mut(range.start) {
                    *there = cell;
                }
            }
            Some(_) => {
                let mut cells = self.left_over(range.clone(), place, size);
                let at = cells.partition_point(|left| left.place < place);
                cells.insert(at, cell);
                self.own().splice(range, cells);
            }
        }
    }

    /// What is left of some cells when so many bytes of them are replaced: the other bytes of numbers, one by one.
    fn left_over(&self, range: Range<usize>, place: Location, size: u8) -> Vec<Cell> {
        let mut left = Vec::new();
        let replaced = place.at..place.at.saturating_add(size.into());
        for cell in self.cells.get(range).unwrap_or_default() {
            if !matches!(cell.content, Content::Word(Value::Number(_))) {
                continue;
            }
            for inside in 0..i64::from(cell.size) {
                let at = cell.place.plus(inside);
                if let Some(byte) = cell
                    .byte(at, self.endian)
                    .and_then(Stored::known)
                    .filter(|_| !replaced.contains(&at.at))
                {
                    left.push(Cell {
                        place: at,
                        size: 1,
                        content: Content::Word(Value::Number(byte.into())),
                    });
                }
            }
        }
        left
    }

    /// The cells that so many bytes touch.
    fn overlapping(&self, place: Location, size: u8) -> Range<usize> {
        let end = place.plus(size.into());
        let mut start = self.cells.partition_point(|cell| cell.place < place);
        if let Some(before) = start.checked_sub(1)
            && let Some(cell) = self.cells.get(before)
            && cell.place.region == place.region
            && cell.place.plus(cell.size.into()) > place
        {
            start = before;
        }
        let stop = self.cells.partition_point(|cell| cell.place < end);
        start..stop.max(start)
    }

    fn cell(&self, place: Location) -> Option<&Cell> {
        let at = self.cells.partition_point(|cell| cell.place <= place);
        self.cells.get(at.checked_sub(1)?)
    }

    /// A word that was put there, and as wide as that.
    pub(super) fn word(&self, place: Location, size: u8) -> Option<Value> {
        let cell = self
            .cell(place)
            .filter(|cell| cell.place == place && cell.size == size)?;
        match cell.content {
            Content::Word(value) => Some(value),
            Content::Text(_) => None,
        }
    }

    /// A text that was put there.
    pub(super) fn text(&self, place: Location) -> Option<&Shared> {
        match &self.cell(place).filter(|cell| cell.place == place)?.content {
            Content::Text(text) => Some(text),
            Content::Word(_) => None,
        }
    }

    /// One byte; `None` where nothing was put.
    pub(super) fn byte(&self, place: Location) -> Option<Stored> {
        self.cell(place)?.byte(place, self.endian)
    }

    /// Whether anything was put into one of so many bytes.
    pub(super) fn touches(&self, place: Location, size: u8) -> bool {
        let Some(last) = self.cell(place.plus(i64::from(size).saturating_sub(1))) else {
            return false;
        };
        // A text reaches farther than its cell says.
        last.place >= place || last.byte(place, self.endian).is_some()
    }

    /// The number that so many bytes make; `None` where one of them is not known.
    pub(super) fn number(&self, place: Location, size: u8) -> Option<u64> {
        let mut number = 0;
        for inside in 0..i64::from(size) {
            let inside = match self.endian {
                Endian::Big => inside,
                Endian::Little => i64::from(size).checked_sub(inside)?.checked_sub(1)?,
            };
            let byte = self.byte(place.plus(inside)).and_then(Stored::known)?;
            number = number << 8 | u64::from(byte);
        }
        Some(number)
    }

    /// Keeps what another memory holds too.
    pub(super) fn join(&mut self, other: &Self) {
        if Rc::ptr_eq(&self.cells, &other.cells) {
            return;
        }
        let mut rest = other.cells.iter().peekable();
        self.own().retain(|cell| {
            while rest.next_if(|there| there.place < cell.place).is_some() {}
            rest.peek().is_some_and(|there| *there == cell)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::code::value::Text;

    fn frame(at: i64) -> Location {
        Location {
            region: Region::Frame,
            at,
        }
    }

    #[test]
    fn later_stores_replace_what_they_touch() {
        let mut memory = Memory::new(Endian::Little);
        memory.store(frame(-8), 4, Value::Number(0x4433_2211));
        memory.store(frame(-4), 4, Value::Parameter(1));
        assert_eq!(memory.word(frame(-8), 4), Some(Value::Number(0x4433_2211)));
        assert_eq!(memory.byte(frame(-7)), Some(Stored::Known(0x22)));
        assert_eq!(memory.byte(frame(-3)), Some(Stored::Unknown));
        memory.store(frame(-7), 1, Value::Number(0));
        assert_eq!(memory.word(frame(-8), 4), None);
        assert_eq!(memory.byte(frame(-7)), Some(Stored::Known(0)));
        assert_eq!(memory.byte(frame(-8)), Some(Stored::Known(0x11)));
        assert_eq!(memory.byte(frame(-5)), Some(Stored::Known(0x44)));
        assert_eq!(memory.word(frame(-4), 4), Some(Value::Parameter(1)));
        memory.forget(frame(-64), 64);
        assert_eq!(memory.word(frame(-4), 4), None);
    }

    #[test]
    fn bytes_stand_in_the_order_of_the_processor() {
        let mut memory = Memory::new(Endian::Big);
        memory.store(frame(0), 8, Value::Number(0x6d6f_756e_7420_2d74));
        memory.store(frame(6), 4, Value::Number(0x2174_2000));
        let bytes: Vec<u8> = (0..10)
            .map(|at| memory.byte(frame(at)).unwrap().known().unwrap())
            .collect();
        assert_eq!(bytes, b"mount !t \0");
    }

    #[test]
    fn texts_are_read_by_their_start_and_byte_by_byte() {
        let mut memory = Memory::new(Endian::Little);
        memory.store(frame(2), 1, Value::Number(0x78));
        memory.write(frame(0), Shared::new(Text::of(b"abcd", None)));
        assert_eq!(memory.text(frame(0)).unwrap().bytes(), Some(&b"abcd"[..]));
        assert_eq!(memory.byte(frame(2)), Some(Stored::Known(b'c')));
        assert_eq!(memory.byte(frame(4)), Some(Stored::Known(0)));
        assert_eq!(memory.byte(frame(5)), None);
    }

    #[test]
    fn only_what_both_ways_hold_is_left_where_they_meet() {
        let mut one = Memory::new(Endian::Little);
        let mut other = Memory::new(Endian::Little);
        one.store(frame(0), 4, Value::Number(1));
        one.store(frame(4), 4, Value::Number(2));
        one.store(frame(8), 4, Value::Number(3));
        other.store(frame(4), 4, Value::Number(2));
        other.store(frame(8), 4, Value::Number(4));
        one.join(&other);
        assert_eq!(one.word(frame(4), 4), Some(Value::Number(2)));
        assert_eq!((one.word(frame(0), 4), one.word(frame(8), 4)), (None, None));
    }
}
