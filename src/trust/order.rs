//! Whether what is trusted is also current: a good signature does not say that nothing newer exists.
//!
//! These are questions of policy. An old baseline is authentic all the same, and its image is compared with it.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::index::{Current, Index};
use super::state::State;
use super::version;
use crate::digest::Digest;

/// A higher jump of the number is told: whoever steals a key may try to use all numbers up.
const JUMP: u64 = 1000;

/// What a baseline says of its own place in time and order.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The vendor of the device.
    pub vendor: &'a str,
    /// Its model.
    pub model: &'a str,
    /// The firmware version.
    pub version: &'a str,
    /// The baseline's number.
    pub sequence: u64,
    /// When it was made.
    pub issued: Timestamp,
    /// From when on it is stale.
    pub expires: Timestamp,
    /// Versions below this one are superseded.
    pub security_floor: Option<&'a str>,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// What a baseline is held against.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The time.
    pub now: Timestamp,
    /// What was seen before on this machine.
    pub state: Option<&'a State>,
    /// What somebody says is current.
    pub index: Option<&'a Index>,
    /// When the keyring goes stale.
    pub keyring_expires: Option<Timestamp>,
    /// The version that the caller asks for at least.
    pub least_version: Option<&'a str>,
}

/// What speaks against relying on a trusted baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// Of which kind.
    pub kind: BreachKind,
    /// In words.
    pub detail: String,
    /// Why it is accepted all the same, as the caller says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Whether the baseline, or who may speak of it, is meant; else a pack of rules.
    #[serde(default)]
    pub is_of_baseline: bool,
}

/// The kinds of breaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachKind {
    /// Something expired.
    Stale,
    /// Something newer exists.
    Superseded,
    /// The clock is earlier than something that is known to have been.
    ClockBehind,
}

impl BreachKind {
    /// How a report for programs says it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Superseded => "superseded",
            Self::ClockBehind => "clock-behind",
        }
    }

    /// How a report for people says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stale => "STALE",
            Self::Superseded => "SUPERSEDED",
            Self::ClockBehind => "CLOCK BEHIND",
        }
    }
}

/// The dates of a document that is relied on beside a baseline.
#[derive(Clone, Debug)]
pub struct Dated {
    /// What people call it.
    pub name: String,
    /// When it was made, as its signers claim.
    pub issued: Timestamp,
    /// From when on it is stale.
    pub expires: Timestamp,
}

/// What speaks against relying at a time on what the checks go by, by kind.
pub fn dates(documents: &[Dated], now: Timestamp) -> Vec<Breach> {
    let mut order = Order::default();
    for it in documents {
        let name = &it.name;
        if now > it.expires {
            let detail = format!("{name} is STALE: it expired at {}", it.expires);
            order.breach(BreachKind::Stale, detail);
        }
        if now < it.issued {
            let issued = it.issued;
            let detail =
                format!("the clock is BEHIND: it says {now}, and {name} was issued at {issued}");
            order.breach(BreachKind::ClockBehind, detail);
        }
    }
    for breach in &mut order.breaches {
        breach.is_of_baseline = false;
    }
    order.breaches.sort_by_key(|breach| breach.kind);
    order.breaches
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// What speaks against it, by kind.
    pub breaches: Vec<Breach>,
    /// What could not be told, or should be known.
    pub notes: Vec<String>,
}

/// Holds a baseline against what is known.
pub fn judge(place: &Place<'_>, known: &Known<'_>) -> Order {
    let mut order = Order::default();
    order.expiry(place, known);
    order.clock(place, known);
    match known.state {
        Some(state) => order.numbers(place, state),
        None => order.notes.push(
            "rollback: no state of earlier baselines was kept (--state), so an old one could be replayed"
                .to_owned(),
        ),
    }
    if let Some(index) = known.index {
        order.index(place, index, known.state);
    }
    order.floors(place, known);
    order.breaches.sort_by_key(|breach| breach.kind);
    order
}

impl Order {
    fn breach(&mut self, kind: BreachKind, detail: String) {
        self.breaches.push(Breach {
            kind,
            detail,
            accepted: None,
            is_of_baseline: true,
        });
    }

    fn expiry(&mut self, place: &Place<'_>, known: &Known<'_>) {
        let documents = [
            ("baseline", Some(place.expires)),
            ("keyring", known.keyring_expires),
            ("index", known.index.map(|index| index.expires)),
        ];
        for (name, expires) in documents {
            if let Some(expires) = expires.filter(|expires| known.now > *expires) {
                let detail = format!("the {name} is STALE: it expired at {expires}");
                self.breach(BreachKind::Stale, detail);
            }
        }
    }

    fn clock(&mut self, place: &Place<'_>, known: &Known<'_>) {
        if known.now < place.issued {
            let detail = format!(
                "the clock is BEHIND: it says {}, and the baseline was issued at {}",
                known.now, place.issued
            );
            self.breach(BreachKind::ClockBehind, detail);
        }
        let last = known.state.and_then(|state| state.last_seen);
        if let Some(last) = last.filter(|last| known.now < *last) {
            let detail = format!(
                "the clock is BEHIND: it says {}, and this machine judged something at {last}",
                known.now
            );
            self.breach(BreachKind::ClockBehind, detail);
        }
    }

    /// The numbers that were seen before.
    fn numbers(&mut self, place: &Place<'_>, state: &State) {
        let Some(highest) = state.highest(place.vendor, place.model) else {
            return;
        };
        let (own, seen) = (place.sequence, highest.sequence);
        let twin = state
            .of(place.vendor, place.model)
            .find(|other| other.sequence == own);
        if own < seen {
            let detail =
                format!("the baseline is SUPERSEDED: it is number {own}, and {seen} was seen here");
            self.breach(BreachKind::Superseded, detail);
        } else if let Some(twin) = twin.filter(|twin| twin.sha256 != place.sha256) {
            let detail = format!(
                "two baselines have number {own}: this one, and one with SHA-256 {} that was seen here",
                twin.sha256
            );
            self.breach(BreachKind::Superseded, detail);
        } else if own.saturating_sub(seen) > JUMP {
            self.notes.push(format!(
                "the baseline's number jumped from {seen} to {own}: ask the signer whether that is meant"
            ));
        }
    }

    fn index(&mut self, place: &Place<'_>, index: &Index, state: Option<&State>) {
        let seen = state.map_or(0, |state| state.index);
        if index.sequence < seen {
            let own = index.sequence;
            let detail =
                format!("the index is SUPERSEDED: it is number {own}, and {seen} was seen here");
            self.breach(BreachKind::Superseded, detail);
        }
        let rows: Vec<&Current> = index.of(place.vendor, place.model).collect();
        if rows.iter().any(|row| row.sha256 == place.sha256) {
            return;
        }
        let Some(newest) = rows.iter().max_by_key(|row| row.sequence) else {
            self.notes.push(format!(
                "the index does not name {} {}",
                place.vendor, place.model
            ));
            return;
        };
        if place.sequence > newest.sequence {
            self.notes
                .push("the baseline is newer than the index".to_owned());
            return;
        }
        let detail = format!(
            "the baseline is SUPERSEDED: the index names version {} (number {})",
            newest.version, newest.sequence
        );
        self.breach(BreachKind::Superseded, detail);
    }

    fn floors(&mut self, place: &Place<'_>, known: &Known<'_>) {
        let seen = known
            .state
            .into_iter()
            .flat_map(|state| state.of(place.vendor, place.model))
            .filter_map(|seen| seen.security_floor.as_deref());
        let indexed = known
            .index
            .into_iter()
            .flat_map(|index| index.of(place.vendor, place.model))
            .filter_map(|row| row.security_floor.as_deref());
        let own = place.security_floor.into_iter().chain(known.least_version);
        let highest = seen
            .chain(indexed)
            .chain(own)
            .max_by(|one, other| version::compare(one, other));
        let below = |floor: &&str| version::compare(place.version, floor) == Ordering::Less;
        if let Some(floor) = highest.filter(below) {
            let detail = format!(
                "the firmware is SUPERSEDED: version {} is below {floor}, the lowest that counts as secure",
                place.version
            );
            self.breach(BreachKind::Superseded, detail);
        }
    }
}
