//! How a command that cannot finish says so: one line, one hint, one exit code.

use super::trust::Missing;
use crate::baseline::{Malformed, Refused};
use crate::image::Unreadable;
use crate::trust::key::KeyError;

/// Nothing was verified because an input could not be read.
const CANNOT_READ: u8 = 66;
/// The baseline is for another device.
const WRONG_DEVICE: u8 = 68;
/// Something went wrong that should not have.
const INTERNAL: u8 = 70;

/// A baseline for another model than the one asked for.
#[derive(Debug, thiserror::Error)]
#[error("the baseline is for model {stated}, not for {asked}")]
pub(super) struct WrongDevice {
    /// What `--model` says.
    pub(super) asked: String,
    /// What the baseline says.
    pub(super) stated: String,
}

/// Something in the arguments that only the command could find out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// Prints why a command stopped, and what to do; yields the exit code.
pub fn report_error(error: &anyhow::Error) -> u8 {
    let (code, hint) = classify(error);
    anstream::eprintln!("error: {error:#}");
    if let Some(hint) = hint {
        anstream::eprintln!("\nhint: {hint}");
    }
    code
}

fn classify(error: &anyhow::Error) -> (u8, Option<&'static str>) {
    for cause in error.chain() {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return (refused.exit_code(), Some(refused.hint()));
        }
        if let Some(malformed) = cause.downcast_ref::<Malformed>() {
            return (malformed.exit_code(), Some(malformed.hint()));
        }
        if let Some(key) = cause.downcast_ref::<KeyError>() {
            return (key.exit_code(), Some(key.hint()));
        }
        if cause.is::<Unreadable>() || cause.is::<Missing>() {
            return (CANNOT_READ, Some("check the name and that you may read it"));
        }
        if cause.is::<WrongDevice>() {
            return (
                WRONG_DEVICE,
                Some("use the baseline of this model, or leave --model out"),
            );
        }
        if cause.is::<Usage>() {
            return (64, None);
        }
    }
    (INTERNAL, None)
}
