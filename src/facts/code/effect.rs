//! What known functions do to texts and addresses.

use std::net::Ipv4Addr;

use super::library::Effect;
use super::memory::Location;
use super::state::{Setting, State};
use super::value::{Piece, Shared, Text, Value};
use crate::read::Endian;

/// So many bytes are copied one by one.
const MOST_BYTES: u64 = 1024;

/// And so many filled.
const MOST_FILLED: u64 = 32;

/// The arguments of one call, as words.
pub(super) struct Given<'s> {
    pub(super) words: &'s dyn Fn(&State, u8) -> Value,
}

impl State {
    /// Carries out what a known function does; the result, where it is not what nobody knows.
    pub(super) fn effect(
        &mut self,
        effect: Effect,
        given: &Given<'_>,
        setting: Setting<'_, '_>,
    ) -> Option<Value> {
        let word = |state: &Self, number: u8| (given.words)(state, number);
        match effect {
            Effect::None => None,
            Effect::Copy(to, from) => {
                let text = self.text_or_unknown(word(self, from), setting);
                self.put_text(word(self, to), text);
                Some(word(self, to))
            }
            Effect::Append(to, from) => {
                let mut whole = (*self.text_or_unknown(word(self, to), setting)).clone();
                whole.push(&self.text_or_unknown(word(self, from), setting));
                self.put_text(word(self, to), Shared::new(whole));
                Some(word(self, to))
            }
            Effect::Bytes(to, from, count) => {
                let (to, from, count) = (word(self, to), word(self, from), word(self, count));
                self.copy_bytes(to, from, count, setting);
                Some(to)
            }
            Effect::Fill(to, byte, count) => {
                let (to, byte, count) = (word(self, to), word(self, byte), word(self, count));
                self.fill(to, byte, count);
                Some(to)
            }
            Effect::Length(text) => {
                let text = self.text(word(self, text), setting)?;
                let length = text.bytes()?.len();
                Some(Value::Number(u64::try_from(length).ok()?))
            }
            Effect::Format(to, format) => {
                let text = self.formatted(format, given, setting);
                self.put_text(word(self, to), text);
                None
            }
            Effect::FormatList(to, format) => {
                let text = self.formatted_from_list(word(self, format), setting);
                self.put_text(word(self, to), text);
                None
            }
            Effect::Allocate(to, format) => {
                // The text has no place of its own that is known: it is put where its address goes, and found there.
                let text = self.formatted(format, given, setting);
                let to = word(self, to);
                self.put_text(to, text);
                if let Some(place) = Location::of(to) {
                    let pointer = Self::beside(place);
                    let text = self.memory.text(place).cloned();
                    if let (Some(text), Some(there)) = (text, Location::of(pointer)) {
                        self.memory.write(there, text);
                    }
                    self.memory.store(place, setting.abi.word, pointer);
                }
                None
            }
            Effect::Duplicate(from) => Some(word(self, from)),
            Effect::Receive(to) => {
                let text = Shared::new(Text::piece(Piece::Received));
                self.put_text(word(self, to), text);
                None
            }
            Effect::Network(bytes) => match word(self, 0) {
                Value::Number(number) => Some(Value::Number(network(number, bytes, setting)?)),
                _ => None,
            },
            Effect::Address => {
                let address = self.named_address(word(self, 0), setting)?;
                let number = u32::from_be_bytes(address.octets());
                Some(Value::Number(network(number.into(), 4, setting)?))
            }
            Effect::AddressInto(from, to) => {
                let address = self.named_address(word(self, from), setting)?;
                let place = Location::of(word(self, to))?;
                self.put_bytes(place, &address.octets());
                None
            }
        }
    }

    /// A place on the stack that no function reaches, for a text whose address is put at another place.
    fn beside(place: Location) -> Value {
        const FAR: i64 = 1 << 40;
        Value::Frame(place.at.wrapping_mul(64).wrapping_sub(FAR))
    }

    fn text_or_unknown(&self, value: Value, setting: Setting<'_, '_>) -> Shared {
        let text = self.text(value, setting);
        text.unwrap_or_else(|| Shared::new(Text::piece(Piece::Unknown)))
    }

    fn put_text(&mut self, to: Value, text: Shared) {
        if let Some(place) = Location::of(to) {
            self.memory.write(place, text);
        }
    }

    fn put_bytes(&mut self, place: Location, bytes: &[u8]) {
        for (at, &byte) in (0_i64..).zip(bytes) {
            self.memory
                .store(place.plus(at), 1, Value::Number(byte.into()));
        }
    }

    fn fill(&mut self, to: Value, byte: Value, count: Value) {
        if let (Some(to), Value::Number(byte), Value::Number(count)) =
            (Location::of(to), byte, count)
        {
            let count = i64::try_from(count.min(MOST_FILLED)).unwrap_or(0);
            for at in 0..count {
                self.memory
                    .store(to.plus(at), 1, Value::Number(byte & 0xff));
            }
        }
    }

    fn copy_bytes(&mut self, to: Value, from: Value, count: Value, setting: Setting<'_, '_>) {
        let Some(to) = Location::of(to) else {
            return;
        };
        let (Some(from), Value::Number(count @ 0..=MOST_BYTES)) = (Location::of(from), count)
        else {
            return self.put_text(to.pointer(), Shared::new(Text::piece(Piece::Unknown)));
        };
        let text = self
            .memory
            .text(from)
            .filter(|text| text.bytes().is_none())
            .cloned();
        if let Some(text) = text {
            return self.memory.write(to, text);
        }
        let count = i64::try_from(count).unwrap_or(0);
        // All is read before anything is written: the places may overlap.
        let word = setting.abi.word;
        let mut copied = Vec::new();
        let mut at = 0_i64;
        while at < count {
            let left = count.saturating_sub(at);
            let whole = self.load(from.plus(at), word, setting);
            if left >= i64::from(word) && whole != Value::Unknown {
                copied.push((at, word, whole));
                at = at.saturating_add(word.into());
                continue;
            }
            let byte = self.byte(from.plus(at), setting);
            copied.push((
                at,
                1,
                byte.map_or(Value::Unknown, |byte| Value::Number(byte.into())),
            ));
            at = at.saturating_add(1);
        }
        for (at, size, value) in copied {
            self.memory.store(to.plus(at), size, value);
        }
    }

    fn named_address(&self, text: Value, setting: Setting<'_, '_>) -> Option<Ipv4Addr> {
        let text = self.text(text, setting)?;
        let text = str::from_utf8(text.bytes()?).ok()?;
        // `inet_aton` takes one number for all four bytes too.
        text.parse().ok().or_else(|| {
            let number: u32 = text.parse().ok()?;
            (number > 0xffff).then(|| Ipv4Addr::from_bits(number))
        })
    }

    /// What a format makes of values that are not known.
    fn formatted_from_list(&self, format: Value, setting: Setting<'_, '_>) -> Shared {
        if let Value::Parameter(number) = format {
            return Shared::new(Text::piece(Piece::Format(number)));
        }
        let format = self.text_or_unknown(format, setting);
        let Some(bytes) = format.bytes() else {
            return Shared::new(Text::piece(Piece::Unknown));
        };
        Shared::new(super::format::text(bytes, |_, _| None))
    }

    /// What a format that is an argument makes of those that follow it.
    pub(super) fn made(
        &self,
        format: u8,
        words: &dyn Fn(&Self, u8) -> Value,
        setting: Setting<'_, '_>,
    ) -> Text {
        (*self.formatted(format, &Given { words }, setting)).clone()
    }

    /// What a format makes of the values that follow it.
    fn formatted(&self, format: u8, given: &Given<'_>, setting: Setting<'_, '_>) -> Shared {
        let first = (given.words)(self, format);
        if let Value::Parameter(number) = first {
            return Shared::new(Text::piece(Piece::Format(number)));
        }
        let text = self.text_or_unknown(first, setting);
        let Some(bytes) = text.bytes() else {
            return Shared::new(Text::piece(Piece::Unknown));
        };
        let mut made = super::format::text(bytes, |number, conversion| {
            let place = format.checked_add(number)?.checked_add(1)?;
            let value = (given.words)(self, place);
            super::format::value(conversion, value, |value| self.text(value, setting))
        });
        made.address = text.address;
        Shared::new(made)
    }
}

impl Location {
    /// What points there.
    fn pointer(self) -> Value {
        match self.region {
            super::memory::Region::Frame => Value::Frame(self.at),
            super::memory::Region::Program => Value::Number(self.at.cast_unsigned()),
        }
    }
}

/// A number in network order, as a processor holds it.
fn network(number: u64, bytes: u8, setting: Setting<'_, '_>) -> Option<u64> {
    if setting.loaded.endian == Endian::Big {
        return Some(number);
    }
    let unused = 64_u32.checked_sub(u32::from(bytes).checked_mul(8)?)?;
    number.swap_bytes().checked_shr(unused)
}
