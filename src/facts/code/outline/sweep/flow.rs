//! Where jumps and calls go.

use super::super::made::Source;
use super::super::{Called, Target as Goes};
use super::Sweep;
use crate::facts::code::op::Target;
use crate::facts::code::program::Leads;
use crate::facts::code::value::Value;
use crate::facts::name::Name;

/// Of so many places what is known is kept for those who jump there.
const MOST_SAVED: usize = 128;

impl Sweep<'_, '_> {
    /// A jump or call.
    pub(super) fn goes(&mut self, target: Target, line: usize, at: u64) {
        let to = match target {
            Target::At(to) => Value::Number(to),
            Target::Register(register) => self.state.get(register),
            Target::Memory(address) => {
                let place = self.state.location(address, self.setting.abi);
                place.map_or(Value::Unknown, |place| {
                    self.state.load(place, self.setting.abi.word, self.setting)
                })
            }
        };
        let goes = match to {
            Value::Number(to) if self.is_inside(to) => {
                let here = to & !self.program.mode_bit();
                if here > at && self.saved.len() < MOST_SAVED {
                    let now = (self.state.clone(), self.made.clone());
                    self.saved.entry(here).or_insert(now);
                }
                // A function may call itself.
                return;
            }
            Value::Number(to) => {
                self.goes_out(line, to);
                match self.program.leads(to, Some(&self.state)) {
                    Leads::Import(name) => Goes::Import(Name::new(name)),
                    Leads::Function(start) => Goes::Function(start),
                }
            }
            Value::Import(slot) => {
                let name = self.program.loaded.import(slot);
                Goes::Import(Name::new(name.unwrap_or_default()))
            }
            _ => Goes::Unknown,
        };
        if goes == Goes::Unknown {
            return;
        }
        self.called.push(Called { at, to: goes });
    }

    /// A jump or call leaves the function: how far it goes is the linker's.
    pub(super) fn goes_out(&mut self, line: usize, to: u64) {
        if !self.is_inside(to) {
            self.moves(Source::Line(line));
        }
    }
}
