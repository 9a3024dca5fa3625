//! Rules: which steps, in which order, are told, under which code and how sure.
//!
//! Rules are data: TOML packs under `src/rules/packs`, compiled in. `docs/rules.md` says how to write one. Each rule brings files that it
//! must hit and near misses that it must not; a pack in which one does not is refused.

mod book;
mod calls;
mod makeup;
mod matching;
mod model;
mod read;
#[cfg(test)]
mod tests;
mod trial;

use std::sync::LazyLock;

pub use self::book::{Given, Rulebook, Unfit};
pub use self::matching::{Match, matching};
pub use self::model::{Advisory, Card, Dates, Fixture, FixtureFile, Pack, Pattern, Rule};
pub use self::read::parse;
pub use self::trial::{Failed, trial};

/// The packs that are compiled in, as their texts.
const TEXTS: &[&str] = &[
    include_str!("rules/packs/remote-code.toml"),
    include_str!("rules/packs/remote-access.toml"),
    include_str!("rules/packs/accounts.toml"),
    include_str!("rules/packs/persistence.toml"),
    include_str!("rules/packs/data.toml"),
    include_str!("rules/packs/protection.toml"),
    include_str!("rules/packs/hidden.toml"),
    include_str!("rules/packs/structure.toml"),
    include_str!("rules/packs/windows.toml"),
    include_str!("rules/packs/devices.toml"),
    include_str!("rules/packs/yara.toml"),
];

/// The packs that are compiled in. A test holds that all of them can be read, and that their fixtures do what they say.
pub fn built_in() -> &'static [Pack] {
    static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
        TEXTS
            .iter()
            .filter_map(|text| parse(text.as_bytes()).ok())
            .collect()
    });
    &PACKS
}

/// The card of a code that is built in: that of a rule, or of a check of structure.
pub fn card(code: &str) -> Option<&'static Card> {
    built_in()
        .iter()
        .flat_map(Pack::cards)
        .find(|card| card.code == code)
}
