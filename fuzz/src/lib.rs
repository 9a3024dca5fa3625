//! What is done with bytes that nobody meant. `tests/it/fuzzed.rs` does the same with those that once were too much.

pub mod deeds;
