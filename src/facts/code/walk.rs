//! One function from its first instruction to its last: the states that its instructions meet, and the calls that they make.
//!
//! Instructions are visited once, those of lower addresses first; where ways meet, what both know is kept. What a loop changes is therefore
//! seen as on its first turn.

mod calls;
mod covered;
mod kernel;
mod starts;

use std::collections::{BTreeMap, BTreeSet};

use self::covered::Covered;
use super::argument::Argument;
use super::call::Call;
use super::op::{Address, Mode, Op, Target};
use super::program::Program;
use super::recognise::Numbered;
use super::state::{Kept, Setting, State};
use super::table;
use super::value::Value;

/// So many instructions of one function are followed.
const MOST_INSTRUCTIONS: usize = 60_000;
/// To so many places ways wait at once.
const MOST_WAITING: usize = 512;
/// And so many at one place.
const MOST_WAYS: usize = 6;
/// A call that different ways share stands so many instructions behind the place where they meet, at most.
const GLANCE: usize = 8;
/// So many jumps back are looked at for that.
const MOST_GLANCES: usize = 64;

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
    /// Through which of its first parameters it writes: bit 0 stands for the first.
    pub(super) writes: u8,
    /// Whether it writes where it is not known.
    pub(super) writes_somewhere: bool,
    /// How it calls the kernel by a number that it is given, if it does.
    pub(super) kernel: Option<Numbered>,
    /// Whether it was too long to be followed to its end.
    pub(super) cut: bool,
}

struct Walk<'p, 'a> {
    program: &'p Program<'a>,
    setting: Setting<'p, 'a>,
    start: u64,
    /// The address by which it is called.
    called_as: u64,
    /// Where the next function starts.
    limit: u64,
    /// Ways that lead to an address and were not gone yet.
    waiting: BTreeMap<u64, Vec<Kept>>,
    /// What is known where a jump leads to a place that is not known, and what stands behind the jump.
    lost: Option<(u64, State)>,
    covered: Covered,
    /// Jumps back: from where to where a loop goes.
    loops: Vec<(u64, u64)>,
    /// Whether anything was done under a condition.
    has_branched: bool,
    walked: Walked,
    /// Numbers that look like addresses of functions, and are used as such.
    starts: BTreeSet<u64>,
    /// Those of them that something else is made of: distances, and halves of addresses.
    parts: BTreeSet<u64>,
    /// Instructions left.
    left: usize,
    /// Jumps back whose next call is looked at.
    glances: usize,
}

/// Follows the function that starts at an address, up to where the next one starts. Addresses of Thumb code are odd.
pub(super) fn walk(program: &Program<'_>, start: u64, limit: u64) -> Walked {
    let setting = program.setting(start);
    let code = start & !program.mode_bit();
    let mut walk = Walk {
        program,
        setting,
        start: code,
        called_as: start,
        limit,
        waiting: BTreeMap::from([(code, vec![State::at_start(setting, start).kept()])]),
        lost: None,
        covered: Covered::default(),
        loops: Vec::new(),
        has_branched: false,
        walked: Walked::default(),
        starts: BTreeSet::new(),
        parts: BTreeSet::new(),
        left: MOST_INSTRUCTIONS,
        glances: MOST_GLANCES,
    };
    walk.run();
    let loops = std::mem::take(&mut walk.loops);
    let mut walked = walk.walked;
    walked.leads_to.extend(walk.starts.difference(&walk.parts));
    walked.calls = table::unrolled(ordered(walked.calls), &loops, setting);
    walked
}

/// Calls in the order of their addresses; what one of them returned is known by that.
fn ordered(calls: Vec<Call>) -> Vec<Call> {
    let places: Vec<u64> = calls.iter().map(|call| call.at).collect();
    let mut calls = calls;
    for argument in calls.iter_mut().flat_map(|call| &mut call.arguments) {
        if let Argument::Result(number) = argument {
            let place = usize::try_from(*number).ok().and_then(|at| places.get(at));
            *number = place.copied().unwrap_or(0);
        }
    }
    calls.sort_by_key(|call| call.at);
    calls
}

impl Walk<'_, '_> {
    fn run(&mut self) {
        let mut reached = self.start;
        while let Some((at, state)) = self.next_way() {
            let Some(end) = self.follow(at, state) else {
                self.walked.cut = true;
                return;
            };
            reached = reached.max(end);
        }
        self.walked.end = reached;
    }

    /// The way that is gone next: the one at the lowest address.
    fn next_way(&mut self) -> Option<(u64, State)> {
        let Some((at, ways)) = self.waiting.pop_first() else {
            return self.resumed();
        };
        let ways = ways.into_iter().map(Kept::state).collect();
        Some((at, self.met(at, ways)?))
    }

    /// Follows a way to its end, or to where another was gone; `None` if there are no instructions left for it.
    fn follow(&mut self, at: u64, mut state: State) -> Option<u64> {
        let decoder = self.program.decoder(self.called_as);
        let mut ops = Vec::with_capacity(8);
        let mut mode = Mode::default();
        let mut here = at;
        // Up to there no other way is met.
        let mut alone = at;
        while here < self.limit {
            if here >= alone {
                if self.covered.has(here) {
                    break;
                }
                if here > at
                    && let Some(ways) = self.waiting.remove(&here)
                {
                    let mut ways: Vec<State> = ways.into_iter().map(Kept::state).collect();
                    ways.push(state);
                    state = self.met(here, ways)?;
                }
                alone = self.next_met(here);
            }
            self.left = self.left.checked_sub(1)?;
            ops.clear();
            let Some(length) =
                decoder.decode(self.program.loaded.bytes(here), here, &mut mode, &mut ops)
            else {
                let step = u64::try_from(decoder.step()).unwrap_or(1);
                self.covered.skip(here, step);
                break;
            };
            let next = here.saturating_add(u64::try_from(length.max(1)).unwrap_or(1));
            let turns = ops.iter().any(turns);
            if turns {
                self.covered.reach(at, next);
            }
            let goes_on = self.execute(&ops, here, next, &mut state);
            here = next;
            if !goes_on {
                break;
            }
            if turns {
                alone = here;
            }
        }
        if here > at {
            self.covered.reach(at, here);
        }
        Some(here)
    }

    /// The first address behind one where another way waits or was gone.
    fn next_met(&self, here: u64) -> u64 {
        let waiting = self.waiting.range(here.saturating_add(1)..).next();
        let waiting = waiting.map_or(u64::MAX, |(&at, _)| at);
        waiting.min(self.covered.next(here))
    }

    /// Behind a jump that leads to a place that is not known (a `switch`), code goes on that nothing else leads to.
    /// Code that begins like another function is one that nothing was known of.
    fn resumed(&mut self) -> Option<(u64, State)> {
        let (at, state) = self.lost.as_mut()?;
        *at = self.covered.first_left(*at);
        let decoder = self.program.decoder(self.called_as);
        let goes_on = *at < self.limit && !decoder.is_prologue(self.program.loaded.bytes(*at));
        goes_on.then(|| (*at, state.clone()))
    }

    /// What is known where some ways meet. If they come with different arguments for a call that follows at once, that call is told for each of
    /// them: compilers let calls of one function share their last instructions.
    fn met(&mut self, at: u64, ways: Vec<State>) -> Option<State> {
        if let [first, rest @ ..] = ways.as_slice()
            && rest.iter().any(|other| {
                self.setting
                    .abi
                    .arguments
                    .iter()
                    .any(|&it| other.get(it) != first.get(it))
            })
        {
            self.glance(at, &ways);
        }
        let mut ways = ways.into_iter();
        let mut joined = ways.next()?;
        for other in ways {
            joined.join(&other, self.setting.abi);
        }
        Some(joined)
    }

    /// Tells the next call for some ways that lead to it, if no jump comes first.
    fn glance(&mut self, at: u64, ways: &[State]) {
        let Some((ops, call, place)) = self.next_call(at) else {
            return;
        };
        for way in ways {
            let mut state = way.clone();
            for op in &ops {
                state.apply(op, self.setting);
            }
            match call {
                Op::Call(target) => {
                    let _ = self.called(target, place, &mut state, false);
                }
                _ => self.system_call(place, &mut state),
            }
        }
    }

    /// The next call that is reached without a jump: what comes before it, the call, and its address.
    fn next_call(&self, at: u64) -> Option<(Vec<Op>, Op, u64)> {
        let decoder = self.program.decoder(self.called_as);
        let mut before = Vec::new();
        let mut ops = Vec::with_capacity(8);
        let mut mode = Mode::default();
        let mut here = at;
        for _ in 0..GLANCE {
            ops.clear();
            let bytes = self.program.loaded.bytes(here);
            let length = decoder.decode(bytes, here, &mut mode, &mut ops)?;
            for &op in &ops {
                match op {
                    Op::Call(_) | Op::SystemCall => return Some((before, op, here)),
                    Op::Jump(_) | Op::Branch(_) | Op::Test(..) | Op::Return | Op::Stop => {
                        return None;
                    }
                    _ => before.push(op),
                }
            }
            here = here.saturating_add(u64::try_from(length.max(1)).unwrap_or(1));
        }
        None
    }

    /// The effects of one instruction; whether the next one follows it.
    fn execute(&mut self, ops: &[Op], at: u64, next: u64, state: &mut State) -> bool {
        for op in ops {
            match *op {
                Op::Call(Target::At(to)) if let Some(register) = self.program.tells_place(to) => {
                    state.set(register, Value::Number(next));
                }
                Op::Call(target) => {
                    self.handed_over(state);
                    if !self.called(target, at, state, false) {
                        return false;
                    }
                }
                Op::SystemCall => self.system_call(at, state),
                Op::Branch(to) => self.branched(to, next, state),
                Op::Test(register, is_zero, to) => {
                    let mut there = state.clone();
                    let zero = if is_zero { &mut there } else { &mut *state };
                    zero.set(register, Value::Number(0));
                    self.branched(to, next, &there);
                }
                Op::Jump(target) => {
                    self.handed_over(state);
                    self.jumped(target, at, next, state);
                    return false;
                }
                Op::Return => {
                    self.used(state.get(self.setting.abi.result));
                    return false;
                }
                Op::Stop => return false,
                Op::Set(..) | Op::Compute(..) | Op::Insert { .. } | Op::Load { .. } => {
                    self.literal(op);
                    let parts = self.parts(op, state);
                    state.apply(op, self.setting);
                    self.noted(op, parts, state);
                }
                Op::Store { to, .. } | Op::Spoil { to, .. } => {
                    self.stored(op, state);
                    self.written(to, state);
                    state.apply(op, self.setting);
                }
                Op::Forget(_) => state.apply(op, self.setting),
            }
        }
        true
    }

    /// Notes where the function writes.
    fn written(&mut self, to: Address, state: &State) {
        match to.base.map(|base| state.get(base)) {
            Some(Value::Parameter(number @ 0..8)) => {
                self.walked.writes |= 1_u8.unbounded_shl(number.into());
            }
            Some(Value::Unknown) => self.walked.writes_somewhere = true,
            _ => {}
        }
    }

    /// A constant that stands among the instructions is none.
    fn literal(&mut self, op: &Op) {
        if let &Op::Load {
            from:
                Address {
                    base: None,
                    index: None,
                    offset,
                },
            size,
            ..
        } = op
        {
            let place = offset.cast_unsigned();
            if place >= self.start && place < self.limit {
                self.covered.skip(place, size.into());
            }
        }
    }

    /// A way that may be taken.
    fn branched(&mut self, to: u64, next: u64, state: &State) {
        self.has_branched = true;
        let to = to & !self.program.mode_bit();
        if to >= self.start && to < next && self.loops.len() < MOST_WAITING {
            self.loops.push((to, next));
        }
        if to < self.start || to >= self.limit {
            // What lies outside of the function is another one, to which it jumps under a condition.
            return;
        }
        if self.covered.has(to) {
            if self.glances > 0 {
                self.glances = self.glances.saturating_sub(1);
                self.glance(to, std::slice::from_ref(state));
            }
            return;
        }
        let has_room = self.waiting.len() < MOST_WAITING;
        match self.waiting.get_mut(&to) {
            Some(ways) if ways.len() < MOST_WAYS => ways.push(state.kept()),
            Some(ways) => {
                if let Some(last) = ways.pop() {
                    let mut last = last.state();
                    last.join(state, self.setting.abi);
                    ways.push(last.kept());
                }
            }
            None if has_room => {
                self.waiting.insert(to, vec![state.kept()]);
            }
            None => self.walked.cut = true,
        }
    }

    fn jumped(&mut self, target: Target, at: u64, next: u64, state: &mut State) {
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

    fn target(&self, target: Target, state: &State) -> Value {
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
}

/// Whether an effect may change which ways there are, or which bytes are instructions.
fn turns(op: &Op) -> bool {
    match op {
        Op::Branch(_) | Op::Test(..) | Op::Jump(_) => true,
        Op::Load { from, .. } => from.base.is_none() && from.index.is_none(),
        _ => false,
    }
}
