//! A program while its code is followed: its memory, its decoders, and what is known of its functions so far.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::decode;
use super::op::{Abi, Decode, Mode, Op, Register, Target};
use super::recognise::Numbered;
use super::state::{Setting, State};
use super::value::Value;
use super::wrapper::Wrapped;
use crate::facts::elf::Loaded;
use crate::facts::machine::Machine;

/// So many instructions a stub has at most.
const STUB: usize = 8;
/// And so many a function that only computes.
const STRAIGHT: usize = 16;
/// Stubs that lead to stubs are followed so far.
const DEEPEST: usize = 3;

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads<'a> {
    /// To a function of a library, by its name.
    Import(&'a [u8]),
    /// To a function of the program.
    Function(u64),
}

pub(super) struct Program<'a> {
    pub(super) loaded: Loaded<'a>,
    /// Decoders of the usual instructions, and of Thumb.
    usual: Box<dyn Decode>,
    thumb: Option<Box<dyn Decode>>,
    /// Names of functions, by their first byte.
    names: BTreeMap<u64, &'a [u8]>,
    wrappers: BTreeMap<u64, Vec<Wrapped>>,
    /// Functions that call the kernel by a number which they are given.
    pub(super) numbered: BTreeMap<u64, Numbered>,
    /// Functions that have the kernel run another program, or call one that does.
    pub(super) runners: BTreeSet<u64>,
    /// Functions that were recognised so far.
    pub(super) recognised: BTreeSet<u64>,
    /// What stubs lead to.
    stubs: RefCell<BTreeMap<u64, Leads<'a>>>,
    /// The instructions of functions that are short and go straight to their end.
    straight: RefCell<BTreeMap<u64, Option<Rc<[Op]>>>>,
}

impl<'a> Program<'a> {
    /// `None` where no decoder knows the processor.
    pub(super) fn new(loaded: Loaded<'a>) -> Option<Self> {
        let decoders = decode::decoders(&loaded)?;
        let bit = mode_bit(loaded.machine);
        let mut names = BTreeMap::new();
        for function in &loaded.functions {
            let there = names
                .entry(function.address & !bit)
                .or_insert(function.name);
            // Of several names the one that tells something counts.
            if super::library::known(there).is_none()
                && super::library::known(function.name).is_some()
            {
                *there = function.name;
            }
        }
        Some(Self {
            loaded,
            usual: decoders.usual,
            thumb: decoders.thumb,
            names,
            wrappers: BTreeMap::new(),
            numbered: BTreeMap::new(),
            runners: BTreeSet::new(),
            recognised: BTreeSet::new(),
            stubs: RefCell::default(),
            straight: RefCell::default(),
        })
    }

    /// The bit of an address that tells which instructions stand there.
    pub(super) fn mode_bit(&self) -> u64 {
        mode_bit(self.loaded.machine)
    }

    /// The decoder for the function that starts at an address.
    pub(super) fn decoder(&self, start: u64) -> &dyn Decode {
        match &self.thumb {
            Some(thumb) if start & 1 == 1 => thumb.as_ref(),
            _ => self.usual.as_ref(),
        }
    }

    pub(super) fn setting(&self, start: u64) -> Setting<'_, 'a> {
        Setting {
            loaded: &self.loaded,
            abi: self.decoder(start).abi(),
        }
    }

    /// The name of the function at an address.
    pub(super) fn named(&self, start: u64) -> Option<&'a [u8]> {
        self.names.get(&(start & !self.mode_bit())).copied()
    }

    /// Gives a function a name, if it has none.
    pub(super) fn give_name(&mut self, start: u64, name: &'static [u8]) {
        let code = start & !self.mode_bit();
        self.names.entry(code).or_insert(name);
    }

    /// The calls to which the function at an address hands on what it is given.
    pub(super) fn wrappers(&self, start: u64) -> &[Wrapped] {
        self.wrappers
            .get(&start)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Remembers what a function hands on.
    pub(super) fn wraps(&mut self, start: u64, wrapped: Vec<Wrapped>) {
        self.wrappers.insert(start, wrapped);
    }

    /// Whether a number may be the address of a function.
    pub(super) fn may_start(&self, number: u64) -> bool {
        let code = number & !self.mode_bit();
        let step = u64::try_from(self.decoder(number).step()).unwrap_or(1);
        code.checked_rem(step) == Some(0) && self.loaded.is_code(code)
    }

    /// Whether a number that a function uses is the address of another one: it may be any number, unless there are a function's first instructions.
    pub(super) fn looks_like_start(&self, number: u64) -> bool {
        let code = number & !self.mode_bit();
        self.may_start(number) && self.decoder(number).is_prologue(self.loaded.bytes(code))
    }

    /// What a call to an address calls: stubs are looked through.
    pub(super) fn leads(&self, address: u64, caller: Option<&State>) -> Leads<'a> {
        if self.named(address).is_some() && !self.loaded.is_dynamic || !self.may_start(address) {
            return Leads::Function(address);
        }
        if let Some(leads) = self.stubs.borrow().get(&address) {
            return *leads;
        }
        let leads = self.through(address, caller, DEEPEST);
        self.stubs.borrow_mut().insert(address, leads);
        leads
    }

    fn through(&self, address: u64, caller: Option<&State>, depth: usize) -> Leads<'a> {
        let here = Leads::Function(address);
        match self.stub(address, caller) {
            Some(Value::Import(slot)) => self.loaded.import(slot).map_or(here, Leads::Import),
            Some(Value::Number(next)) if self.may_start(next) && next != address => depth
                .checked_sub(1)
                .map_or(here, |depth| self.through(next, caller, depth)),
            _ => here,
        }
    }

    /// The register that a function gives the address behind the call, if it does nothing else.
    pub(super) fn tells_place(&self, address: u64) -> Option<Register> {
        let code = address & !self.mode_bit();
        self.decoder(address).thunk(self.loaded.bytes(code))
    }

    /// What the instructions of a short function do that goes straight to its end and calls nothing; `None` for any other.
    pub(super) fn straight(&self, start: u64) -> Option<Rc<[Op]>> {
        if let Some(known) = self.straight.borrow().get(&start) {
            return known.clone();
        }
        let ops = self.to_return(start).map(Rc::from);
        self.straight.borrow_mut().insert(start, ops.clone());
        ops
    }

    fn to_return(&self, start: u64) -> Option<Vec<Op>> {
        let decoder = self.decoder(start);
        let mut at = start & !self.mode_bit();
        let mut mode = Mode::default();
        let mut all = Vec::new();
        let mut ops = Vec::with_capacity(8);
        for _ in 0..STRAIGHT {
            ops.clear();
            let length = decoder.decode(self.loaded.bytes(at), at, &mut mode, &mut ops)?;
            at = at.checked_add(u64::try_from(length).ok()?)?;
            for &op in &ops {
                match op {
                    Op::Set(..)
                    | Op::Compute(..)
                    | Op::Insert { .. }
                    | Op::Load { .. }
                    | Op::Store { .. }
                    | Op::Forget(_) => all.push(op),
                    Op::Return => return Some(all),
                    _ => return None,
                }
            }
        }
        None
    }

    /// Where a few instructions that do nothing else jump to.
    fn stub(&self, address: u64, caller: Option<&State>) -> Option<Value> {
        let setting = self.setting(address);
        let decoder = self.decoder(address);
        let mut state = State::at_start(setting, address);
        if let (Some(register), Some(caller)) = (setting.abi.carried, caller) {
            state.set(register, caller.get(register));
        }
        let mut at = address & !self.mode_bit();
        let mut mode = Mode::default();
        let mut ops = Vec::with_capacity(8);
        for _ in 0..STUB {
            ops.clear();
            let length = decoder.decode(self.loaded.bytes(at), at, &mut mode, &mut ops)?;
            at = at.checked_add(u64::try_from(length).ok()?)?;
            for op in &ops {
                if writes_argument(op, setting.abi) {
                    return None;
                }
                match *op {
                    Op::Set(..) | Op::Compute(..) | Op::Insert { .. } | Op::Load { .. } => {
                        state.apply(op, setting);
                    }
                    Op::Jump(Target::At(to)) => return Some(Value::Number(to)),
                    Op::Jump(Target::Register(register)) => return Some(state.get(register)),
                    Op::Jump(Target::Memory(place)) => {
                        let place = state.location(place, setting.abi)?;
                        return Some(state.load(place, setting.abi.word, setting));
                    }
                    Op::Forget(register) => state.set(register, Value::Unknown),
                    _ => return None,
                }
            }
        }
        None
    }
}

/// Whether an instruction changes what the function is called with: a stub hands that on as it is.
fn writes_argument(op: &Op, abi: &Abi) -> bool {
    match op {
        Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }
        | Op::Forget(into) => abi.arguments.contains(into),
        _ => false,
    }
}

fn mode_bit(machine: Machine) -> u64 {
    u64::from(machine == Machine::Arm)
}
