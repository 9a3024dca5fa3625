//! Calls in loops that go through a table of texts, or of lists of texts: the walk sees the first turn, the table tells the others.

use super::argument::Argument;
use super::call::Call;
use super::state::{Setting, State};
use super::value::{Text, Value};

/// So many turns of one loop are told.
const MOST_TURNS: u64 = 32;
/// So many places where the first text's address stands are looked at.
const MOST_PLACES: usize = 4;

/// The calls of a function, with those of later turns of its loops. `loops` are from where to where they go.
pub(super) fn unrolled(
    calls: Vec<Call>,
    loops: &[(u64, u64)],
    setting: Setting<'_, '_>,
) -> Vec<Call> {
    if loops.is_empty() {
        return calls;
    }
    let state = State::at_start(setting, 0);
    let mut all = Vec::with_capacity(calls.len());
    for call in calls {
        let is_repeated = loops
            .iter()
            .any(|&(from, to)| (from..=to).contains(&call.at));
        let turns = if is_repeated && call.name.is_some() {
            later(&call, &state, setting)
        } else {
            Vec::new()
        };
        all.push(call);
        all.extend(turns);
    }
    all
}

/// The same call on later turns.
fn later(call: &Call, state: &State, setting: Setting<'_, '_>) -> Vec<Call> {
    // A list tells which table is gone through; a text beside it may be one of the list's own.
    let has_list = call
        .arguments
        .iter()
        .any(|argument| matches!(argument, Argument::List(_)));
    for (number, argument) in call.arguments.iter().enumerate() {
        let next: Vec<Argument> = match argument {
            Argument::Text(_) if has_list => continue,
            Argument::Text(Text {
                address: Some(address),
                ..
            }) => rows(*address, setting, |value| {
                let text = state.text(Value::Number(value), setting)?;
                Some(Argument::Text((*text).clone()))
            }),
            Argument::List(texts) => {
                let first = texts.first().and_then(|text| text.address);
                let lists = first
                    .map(|first| places(first, setting))
                    .unwrap_or_default();
                let rows_of = |list: u64| {
                    rows(list, setting, |value| {
                        state
                            .list(Value::Number(value), setting)
                            .map(Argument::List)
                    })
                };
                lists
                    .into_iter()
                    .map(rows_of)
                    .find(|rows| !rows.is_empty())
                    .unwrap_or_default()
            }
            _ => continue,
        };
        if next.is_empty() {
            continue;
        }
        let with = |argument: Argument| {
            let mut turn = call.clone();
            if let Some(there) = turn.arguments.get_mut(number) {
                *there = argument;
            }
            turn
        };
        return next.into_iter().map(with).collect();
    }
    Vec::new()
}

/// What `read` makes of the words that follow one that holds an address.
fn rows(
    address: u64,
    setting: Setting<'_, '_>,
    read: impl Fn(u64) -> Option<Argument>,
) -> Vec<Argument> {
    let word = u64::from(setting.abi.word);
    let after = |place: u64| {
        let turns = (1..MOST_TURNS).map(|turn| place.saturating_add(turn.saturating_mul(word)));
        let values = turns.map_while(|place| setting.loaded.pointer(place));
        values.map_while(&read).collect::<Vec<Argument>>()
    };
    places(address, setting)
        .into_iter()
        .map(after)
        .find(|rows| !rows.is_empty())
        .unwrap_or_default()
}

/// Where in the program's data an address stands.
fn places(address: u64, setting: Setting<'_, '_>) -> Vec<u64> {
    setting.loaded.places_of(address, MOST_PLACES)
}
