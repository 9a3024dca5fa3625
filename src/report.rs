//! Results for people and for programs. Every renderer is a pure function of its record.

pub mod attestation;
pub mod baseline_diff;
pub mod decision;
pub mod extracted;
pub mod formats;
pub mod list;
pub mod rows;
pub mod rules;
pub mod since;
pub mod text;
pub mod verify;
