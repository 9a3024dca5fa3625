//! Tells whether a firmware image is, byte for byte, what a trusted signer says it should be.
//!
//! ```text
//! Image -> Region / Gap -> Entry -> Fact -> Change -> Finding -> Verdict -> Report
//! ```
//! One type per arrow; each stage is a pure function of those before it. Only `commands` touches disk, clock and
//! keys. `docs/architecture.md` is the map.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "tests compute with numbers they chose themselves"
    )
)]

pub mod advisories;
pub mod baseline;
pub mod behaviour;
pub mod budget;
pub mod check;
pub mod cli;
pub mod commands;
pub mod digest;
pub mod document;
pub mod entry;
pub mod extract;
pub mod facts;
pub mod finding;
pub mod fleet;
pub mod formats;
pub mod image;
pub mod memory;
pub mod pace;
pub mod place;
pub mod problem;
pub mod read;
pub mod report;
pub mod rules;
pub mod software;
pub mod trust;
pub mod verdict;
