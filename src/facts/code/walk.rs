//! One function from its first instruction to its last: the states that its instructions meet, and the calls that they make.
//!
//! Instructions are visited once, those of lower addresses first; where ways meet, what both know is kept. What a loop changes is therefore
//! seen as on its first turn.

use std::collections::BTreeMap;

use super::argument::Argument;
use super::call::{Call, Callee};
use super::effect::Given;
use super::library::{self, Known, Parameter};
use super::op::{Address, Mode, Op, Target};
use super::program::{Leads, Program};
use super::state::{Setting, State};
use super::value::Value;
use super::{table, wrapper};
mod covered;
mod kernel;

use covered::Covered;

/// So many instructions of one function are followed.
const MOST_INSTRUCTIONS: usize = 60_000;
/// So many calls of one function are told.
const MOST_CALLS: usize = 4000;
/// So many ways wait at once.
const MOST_WAITING: usize = 512;
/// Arguments from so many places on are not read.
const MOST_TEXTS: u8 = 16;

/// What following a function has shown.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) calls: Vec<Call>,
    /// Functions that it calls or jumps to, and code whose address it uses.
    pub(super) leads_to: Vec<u64>,
    /// Where it ends, as far as it was followed.
    pub(super) end: u64,
    /// Whether it uses the text that is printed for a null in place of a text.
    pub(super) names_null: bool,
    /// Whether it was too long to be followed to its end.
    pub(super) cut: bool,
}

struct Walk<'p, 'a> {
    program: &'p Program<'a>,
    setting: Setting<'p, 'a>,
    start: u64,
    /// Where the next function starts.
    limit: u64,
    waiting: BTreeMap<u64, State<'a>>,
    /// What is known where a jump leads to a place that is not known, and what stands behind the jump.
    lost: Option<(u64, State<'a>)>,
    covered: Covered,
    /// Jumps back: from where to where a loop goes.
    loops: Vec<(u64, u64)>,
    /// Whether anything was done under a condition.
    has_branched: bool,
    walked: Walked,
    /// Instructions left.
    left: usize,
}

/// Follows the function that starts at an address, up to where the next one starts. Addresses of Thumb code are odd.
pub(super) fn walk(program: &Program<'_>, start: u64, limit: u64) -> Walked {
    let setting = program.setting(start);
    let code = start & !program.mode_bit();
    let mut walk = Walk {
        program,
        setting,
        start: code,
        limit,
        waiting: BTreeMap::from([(code, State::at_start(setting, start))]),
        lost: None,
        covered: Covered::default(),
        loops: Vec::new(),
        has_branched: false,
        walked: Walked::default(),
        left: MOST_INSTRUCTIONS,
    };
    walk.run(start);
    let loops = std::mem::take(&mut walk.loops);
    let mut walked = walk.walked;
    walked.calls = table::unrolled(walked.calls, &loops, setting);
    walked
}

impl<'a> Walk<'_, 'a> {
    fn run(&mut self, start: u64) {
        let mut reached = self.start;
        let mut ops = Vec::with_capacity(8);
        loop {
            let next = self.waiting.pop_first().or_else(|| self.resumed());
            let Some((at, mut state)) = next else {
                break;
            };
            let mut mode = Mode::default();
            let mut here = at;
            while here < self.limit && !self.covered.has(here) {
                if here > at
                    && let Some(other) = self.waiting.remove(&here)
                {
                    state.join(&other, self.setting.abi);
                }
                let Some(left) = self.left.checked_sub(1) else {
                    self.walked.cut = true;
                    return;
                };
                self.left = left;
                ops.clear();
                let decoder = self.program.decoder(start);
                let Some(length) =
                    decoder.decode(self.program.loaded.bytes(here), here, &mut mode, &mut ops)
                else {
                    let step = u64::try_from(decoder.step()).unwrap_or(1);
                    self.covered.skip(here, step);
                    break;
                };
                let next = here.saturating_add(u64::try_from(length.max(1)).unwrap_or(1));
                reached = reached.max(next);
                self.covered.reach(at, next);
                let goes_on = self.execute(&ops, here, next, &mut state);
                here = next;
                if !goes_on {
                    break;
                }
            }
        }
        self.walked.end = reached;
    }

    /// Behind a jump that leads to a place that is not known (a `switch`), code goes on that nothing else leads to.
    fn resumed(&mut self) -> Option<(u64, State<'a>)> {
        let (at, state) = self.lost.as_mut()?;
        *at = self.covered.first_left(*at);
        (*at < self.limit).then(|| (*at, state.clone()))
    }

    /// The effects of one instruction; whether the next one follows it.
    fn execute(&mut self, ops: &[Op], at: u64, next: u64, state: &mut State<'a>) -> bool {
        for op in ops {
            match *op {
                Op::Call(Target::At(to)) if let Some(register) = self.program.tells_place(to) => {
                    state.set(register, Value::Number(next));
                }
                Op::Call(target) => {
                    if !self.called(target, at, state, false) {
                        return false;
                    }
                }
                Op::SystemCall => self.system_call(at, state),
                Op::Branch(to) | Op::Test(_, _, to) => self.branched(to, next, state),
                Op::Jump(target) => {
                    self.jumped(target, at, next, state);
                    return false;
                }
                Op::Return | Op::Stop => return false,
                Op::Load {
                    from:
                        Address {
                            base: None,
                            index: None,
                            offset,
                        },
                    size,
                    ..
                } => {
                    // A literal among the instructions.
                    let literal = offset.cast_unsigned();
                    if literal >= self.start && literal < self.limit {
                        self.covered.skip(literal, size.into());
                    }
                    state.apply(op, self.setting);
                    self.noted(op, state);
                }
                Op::Set(..) | Op::Compute(..) | Op::Insert { .. } | Op::Load { .. } => {
                    state.apply(op, self.setting);
                    self.noted(op, state);
                }
                Op::Store { .. } | Op::Spoil { .. } | Op::Forget(_) => {
                    state.apply(op, self.setting);
                }
            }
        }
        true
    }

    /// Notes a number that is an address of code: somebody may call it.
    fn noted(&mut self, op: &Op, state: &State<'a>) {
        let (Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }) = *op
        else {
            return;
        };
        if let Value::Number(number) = state.get(into)
            && self.program.looks_like_start(number)
        {
            self.walked.leads_to.push(number);
        } else if let Value::Number(number) = state.get(into)
            && self.program.loaded.bytes(number).starts_with(b"(null)\0")
        {
            self.walked.names_null = true;
        }
    }

    /// A way that may be taken.
    fn branched(&mut self, to: u64, next: u64, state: &State<'a>) {
        self.has_branched = true;
        let to = to & !self.program.mode_bit();
        if to >= self.start && to < next && self.loops.len() < MOST_WAITING {
            self.loops.push((to, next));
        }
        if to < self.start || to >= self.limit || self.covered.has(to) {
            // What lies outside of the function is another one, to which it jumps under a condition.
            return;
        }
        let has_room = self.waiting.len() < MOST_WAITING;
        match self.waiting.get_mut(&to) {
            Some(there) => there.join(state, self.setting.abi),
            None if has_room => {
                self.waiting.insert(to, state.clone());
            }
            None => self.walked.cut = true,
        }
    }

    fn jumped(&mut self, target: Target, at: u64, next: u64, state: &mut State<'a>) {
        match self.target(target, state) {
            Value::Number(to) => {
                let code = to & !self.program.mode_bit();
                if code >= self.start && code < self.limit {
                    let had_branched = self.has_branched;
                    self.branched(code, next, state);
                    self.has_branched = had_branched;
                } else {
                    let _ = self.called(Target::At(to), at, state, true);
                }
            }
            Value::Import(_) => {
                let _ = self.called(target, at, state, true);
            }
            _ => {
                // The table of a `switch` stands behind a comparison of its number; any other such jump ends the function.
                if self.has_branched {
                    self.lost.get_or_insert_with(|| (next, state.clone()));
                }
            }
        }
    }

    fn target(&self, target: Target, state: &State<'a>) -> Value<'a> {
        match target {
            Target::At(address) => Value::Number(address),
            Target::Register(register) => state.get(register),
            Target::Memory(address) => {
                let place = state.location(address, self.setting.abi);
                place.map_or(Value::Unknown, |place| {
                    state.load(place, self.setting.abi.word, self.setting)
                })
            }
        }
    }

    /// A call, or a jump to the start of another function; whether it comes back.
    #[must_use]
    fn called(&mut self, target: Target, at: u64, state: &mut State<'a>, jumped: bool) -> bool {
        let leads = match self.target(target, state) {
            Value::Import(name) => Some(Leads::Import(name)),
            Value::Number(address) => Some(self.program.leads(address, Some(state))),
            _ => None,
        };
        let (callee, name) = match leads {
            Some(Leads::Import(name)) => (Callee::Import, Some(name)),
            Some(Leads::Function(address)) => {
                self.walked.leads_to.push(address);
                (Callee::Function(address), self.program.named(address))
            }
            None => (Callee::Unknown, None),
        };
        let known = name.and_then(library::known);
        let setting = self.setting;
        let words = move |state: &State<'a>, number: u8| state.argument(number, jumped, setting);
        let result = match known {
            Some(known) if known.name == "syscall" => {
                let shifted = move |state: &State<'a>, number: u8| {
                    state.argument(number.saturating_add(1), jumped, setting)
                };
                self.numbered(words(state, 0), at, state, &shifted)
            }
            Some(known) => self.known(known, callee, at, state, &words),
            None => self.other(callee, at, state, &words),
        };
        state.after_call(self.setting.abi, result);
        !name.is_some_and(library::never_returns)
    }

    /// A call of a function whose parameters are known; its result.
    fn known(
        &mut self,
        known: &'static Known,
        callee: Callee,
        at: u64,
        state: &mut State<'a>,
        words: &dyn Fn(&State<'a>, u8) -> Value<'a>,
    ) -> Value<'a> {
        let arguments = self.arguments(known, state, words);
        let given = Given { words };
        let made = state.effect(known.effect, &given, self.setting);
        let is_told = !known.parameters.is_empty() || known.name == "vfork";
        if !is_told {
            return made.unwrap_or(Value::Unknown);
        }
        let number = self.tell(Call {
            at,
            offset: 0,
            callee,
            name: Some(known.name),
            arguments,
        });
        made.unwrap_or(number)
    }

    fn arguments(
        &self,
        known: &Known,
        state: &State<'a>,
        words: &dyn Fn(&State<'a>, u8) -> Value<'a>,
    ) -> Vec<Argument> {
        let mut arguments = Vec::with_capacity(known.parameters.len());
        for (number, &kind) in (0_u8..).zip(known.parameters) {
            let argument = match kind {
                Parameter::Texts => {
                    let mut texts = Vec::new();
                    for number in number..MOST_TEXTS {
                        match state.read(words(state, number), Parameter::Text, self.setting) {
                            Argument::Text(text) => texts.push(text),
                            Argument::Number(0) => break,
                            _ if texts.len() < 4 => texts.push(super::value::Text::unknown()),
                            _ => break,
                        }
                    }
                    Argument::List(texts)
                }
                Parameter::Format => Argument::Text(state.made(number, words, self.setting)),
                _ => state.read(words(state, number), kind, self.setting),
            };
            arguments.push(argument);
        }
        arguments
    }

    /// A call of a function of the program, or of one that tells nothing: what wrappers behind it do, and which texts it is given.
    fn other(
        &mut self,
        callee: Callee,
        at: u64,
        state: &mut State<'a>,
        words: &dyn Fn(&State<'a>, u8) -> Value<'a>,
    ) -> Value<'a> {
        let mut arguments = Vec::new();
        for number in 0..wrapper::MOST_PARAMETERS {
            let value = words(state, number);
            let argument = match state.list(value, self.setting) {
                Some(texts) if wrapper::is_shell(&texts) => Argument::List(texts),
                _ => state.read(value, Parameter::Text, self.setting),
            };
            arguments.push(argument);
        }
        if let Callee::Function(address) = callee {
            let setting = self.setting;
            let given = wrapper::Given {
                arguments: &arguments,
                made: &|number| state.made(number, words, setting),
                list: &|number| state.list(words(state, number), setting),
            };
            for wrapped in self.program.wrappers(address) {
                if let Some(call) = wrapped.at(at, callee, &given) {
                    self.tell(call);
                }
            }
        }
        if let Some(call) = wrapper::shell(at, callee, &arguments) {
            let same = |told: &&Call| told.name == call.name && told.arguments == call.arguments;
            // The same list may still stand in the registers of a later call.
            if !self.walked.calls.iter().any(|told| same(&told)) {
                self.tell(call);
            }
        }
        self.tell(Call {
            at,
            offset: 0,
            callee,
            name: None,
            arguments,
        })
    }

    /// Keeps a call; what it returns.
    fn tell(&mut self, mut call: Call) -> Value<'a> {
        call.offset = self.program.loaded.offset(call.at);
        if self.walked.calls.len() >= MOST_CALLS {
            self.walked.cut = true;
            return Value::Unknown;
        }
        let number = u32::try_from(self.walked.calls.len()).unwrap_or(u32::MAX);
        self.walked.calls.push(call);
        Value::Result(number)
    }
}
