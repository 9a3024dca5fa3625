//! From the calls of a program to steps: a call that does what a command does is followed as that command.

mod call;
mod hidden;
mod structure;

use std::collections::{BTreeMap, BTreeSet};

use self::call::Told;
use super::act::{Act, Trait};
use super::scene::{Content, Makeup, Scene};
use super::shell::{Caller, Flow};
use super::unit::{InCode, Spot, Step, Unit};
use crate::facts::code::{self, Argument, Call, Callee, Code, Function, Piece};

/// So many calls of one unit are followed.
const MOST_CALLS: usize = 3000;
/// So many steps of all units of one program are kept.
const MOST_STEPS: usize = 20_000;
/// So many connections with an unknown other end are told with what is hidden.
const MOST_OPEN: usize = 16;

/// The units of a program: one for each function that does something by itself or by what it calls.
pub(super) fn units(scene: &Scene, file: &Content, code: &Code) -> Vec<Unit> {
    let by_start: BTreeMap<u64, &Function> = code
        .functions
        .iter()
        .map(|function| (function.start, function))
        .collect();
    let mut units = Vec::new();
    let mut left = MOST_STEPS;
    for function in &code.functions {
        if left == 0 {
            break;
        }
        let mut tracer = Tracer {
            by_start: &by_start,
            flow: Flow::new(scene, file),
            told: Told::default(),
            calls: MOST_CALLS,
            seen: Vec::new(),
            known: BTreeSet::new(),
        };
        tracer.function(function, code::DEPTH);
        let steps = std::mem::take(&mut tracer.flow.steps);
        let has_own = steps
            .iter()
            .any(|step| step.function.as_deref() == Some(&name(function)));
        let is_joint = distinct(&steps) > 1;
        if has_own || is_joint {
            left = left.saturating_sub(steps.len());
            units.push(Unit {
                place: file.place.clone(),
                path: file.path.clone(),
                steps,
                problems: Vec::new(),
                functions: tracer.seen,
            });
        }
    }
    units
}

/// The unit of a program as a whole: what is hidden in it, how it lies, and connections whose other end its code does not tell.
pub(super) fn whole(
    scene: &Scene,
    file: &Content,
    makeup: &Makeup,
    of_code: &[Unit],
) -> Option<Unit> {
    let mut steps = hidden::steps(scene, file, makeup);
    if !steps.is_empty() {
        let open = of_code
            .iter()
            .flat_map(|unit| &unit.steps)
            .filter(|step| is_open(step));
        steps.extend(open.take(MOST_OPEN).cloned());
    }
    steps.extend(structure::steps(file, &makeup.structure));
    (!steps.is_empty()).then(|| Unit {
        place: file.place.clone(),
        path: file.path.clone(),
        steps,
        problems: Vec::new(),
        functions: Vec::new(),
    })
}

/// Whether a step reaches another machine and does not tell which.
fn is_open(step: &Step) -> bool {
    let reaches = matches!(
        step.act,
        Act::Connect | Act::RemoteMount | Act::Download | Act::Send
    );
    let told = [Trait::Public, Trait::Private, Trait::Named, Trait::Loopback];
    reaches && !told.iter().any(|it| step.traits.contains(it))
}

/// How many functions the steps come from.
fn distinct(steps: &[Step]) -> usize {
    let mut functions: Vec<&Option<String>> = steps.iter().map(|step| &step.function).collect();
    functions.sort_unstable();
    functions.dedup();
    functions.len()
}

/// What a function is called in evidence.
fn name(function: &Function) -> String {
    match &function.name {
        Some(name) => crate::place::escape(name.as_bytes()),
        None => format!("function at {:#x}", function.start),
    }
}

struct Tracer<'s, 'f> {
    by_start: &'f BTreeMap<u64, &'f Function>,
    flow: Flow<'s>,
    told: Told,
    /// Calls left.
    calls: usize,
    /// The functions that were gone through, in the order of execution, with those that hand on what they are given.
    seen: Vec<u64>,
    known: BTreeSet<u64>,
}

impl Tracer<'_, '_> {
    fn function(&mut self, function: &Function, depth: usize) {
        self.told.expect(&function.calls);
        self.see(function.start);
        let mut handed_on = 0_u64;
        for call in &function.calls {
            let Some(left) = self.calls.checked_sub(1) else {
                return;
            };
            self.calls = left;
            if call.name.is_some() {
                // A call that is told by what it hands on is not looked into besides.
                handed_on = call.at;
                self.step(call, function);
                continue;
            }
            let Callee::Function(start) = call.callee else {
                continue;
            };
            if handed_on == call.at {
                continue;
            }
            if let (Some(depth), Some(callee)) = (depth.checked_sub(1), self.by_start.get(&start)) {
                self.function(callee, depth);
            }
        }
    }

    fn step(&mut self, call: &Call, function: &Function) {
        let Some(called) = call.name else {
            return;
        };
        if let Callee::Function(start) = call.callee {
            self.handed_on(start, code::DEPTH);
        }
        let texts = call.arguments.iter().filter_map(call::address);
        self.flow.call(Caller {
            spot: Spot::Code {
                address: call.at,
                offset: call.offset,
            },
            function: name(function),
            name: called,
            text: texts.into_iter().next(),
            code: in_code(call, self.seen.len()),
        });
        self.told.follow(call, called, &mut self.flow);
    }

    fn see(&mut self, start: u64) {
        if self.known.insert(start) {
            self.seen.push(start);
        }
    }

    /// A function that hands on what it is given, and those that it hands it to.
    fn handed_on(&mut self, start: u64, depth: usize) {
        if self.known.contains(&start) {
            return;
        }
        self.see(start);
        let (Some(function), Some(depth)) = (self.by_start.get(&start), depth.checked_sub(1))
        else {
            return;
        };
        let further = function.calls.iter().filter(|call| call.name.is_some());
        for call in further {
            if let Callee::Function(next) = call.callee {
                self.handed_on(next, depth);
            }
        }
    }
}

/// What a call goes by.
fn in_code(call: &Call, seen: usize) -> InCode {
    let mut texts = Vec::new();
    let mut has_data = false;
    for argument in &call.arguments {
        let all = match argument {
            Argument::Text(text) => std::slice::from_ref(text),
            Argument::List(list) => list.as_slice(),
            Argument::Peer(_) => {
                has_data = true;
                continue;
            }
            _ => continue,
        };
        texts.extend(
            all.iter()
                .flat_map(|text| &text.pieces)
                .filter_map(|piece| match piece {
                    Piece::Bytes(bytes) => Some(bytes.clone()),
                    _ => None,
                }),
        );
    }
    InCode {
        seen,
        texts,
        has_data,
    }
}
