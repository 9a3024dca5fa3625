//! What an audit ends with: the answers of all devices in one exit code.

use super::record::{Outcome, Record};
use crate::verdict::UNVERIFIED;

/// The bits of the devices that were seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    bits: u8,
    worst_error: u8,
    judged: u64,
}

impl Tally {
    /// Counts one record.
    pub fn add(&mut self, record: &Record) {
        self.bits |= record.bits();
        match &record.outcome {
            Outcome::Judged(_) => self.judged = self.judged.saturating_add(1),
            Outcome::Error(error) => self.worst_error = self.worst_error.max(error.code),
        }
    }

    /// The OR of all bits; a device that could not be judged is unverified. Where none could be judged at all, there is no verdict: the
    /// highest of their codes.
    pub fn exit_code(&self) -> u8 {
        if self.judged == 0 && self.worst_error > 0 {
            return self.worst_error;
        }
        self.bits
    }

    /// The same where devices are left that were not looked at.
    pub fn exit_code_unfinished(&self) -> u8 {
        self.bits | UNVERIFIED
    }
}
