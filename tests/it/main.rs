//! The integration tests: one binary, one file a subject.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests fail loudly, and compute with numbers they chose themselves"
)]

mod attack;
mod audit;
mod beside;
mod boot_parts;
mod bounds;
mod demo;
mod determinism;
mod directory;
mod exchange;
mod explain;
mod extraction;
#[cfg(target_os = "linux")]
mod faults;
mod fixtures;
mod fuzzed;
mod guides;
mod hostile;
mod house;
mod implants;
mod import;
mod ledger;
mod manifest;
mod memory;
mod obscured;
mod output;
mod page;
mod partitions;
mod record;
mod reference;
mod releases;
mod risk;
mod samples;
mod schemas;
mod signatures;
mod similar;
mod supply;
mod texts;
mod trust;
mod windows;
mod wrapper;
mod yara;
