//! How a command that cannot finish says so: one line, one hint, one exit code.

use super::output::Unwritable;
use super::packs::Unvouched;
use super::sandbox::NotHeld;
use super::talk;
use super::trust::Missing;
use crate::baseline::Refused;
use crate::baseline::import::NotImported;
use crate::document::Malformed;
use crate::fleet::{inventory, merge, results};
use crate::formats::wrapper;
use crate::image::Unreadable;
use crate::report;
use crate::rules::Unfit;
use crate::trust::dsse;
use crate::trust::key::KeyError;

/// A description of a wrapper, or a stored report, says what none may.
const MALFORMED: u8 = 65;
/// Nothing was verified because an input could not be read.
pub(super) const CANNOT_READ: u8 = 66;
/// The baseline is for another device.
const WRONG_DEVICE: u8 = 68;
/// Something went wrong that should not have.
pub const INTERNAL: u8 = 70;

/// The baseline and the device, or the image, are not for each other.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongDevice(pub(super) String);

/// Something in the arguments that only the command could find out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// What was told of an error before, with its code.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub(super) struct Told(pub(super) u8, pub(super) String);

/// The exit code and the line of an error, for a record of it.
pub(super) fn told(error: &anyhow::Error) -> (u8, String) {
    (classify(error).0, line(error))
}

/// Prints why a command stopped, and what to do; yields the exit code.
pub fn report_error(error: &anyhow::Error) -> u8 {
    let (code, hint) = classify(error);
    talk::err(&format!("error: {}", line(error)));
    if let Some(hint) = hint {
        talk::err(&format!("\nhint: {hint}"));
    }
    code
}

/// The error and its causes on one line; a cause that the text before it tells already is not told twice.
fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if line.ends_with(&cause) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&cause);
    }
    line
}

fn classify(error: &anyhow::Error) -> (u8, Option<&'static str>) {
    for cause in error.chain() {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return (refused.exit_code(), Some(refused.hint()));
        }
        if let Some(unvouched) = cause.downcast_ref::<Unvouched>() {
            return (unvouched.0.exit_code(), Some(unvouched.hint()));
        }
        if let Some(unfit) = cause.downcast_ref::<Unfit>() {
            return (unfit.exit_code(), Some(unfit.hint()));
        }
        if let Some(malformed) = cause.downcast_ref::<Malformed>() {
            return (malformed.exit_code(), Some(malformed.hint()));
        }
        if let Some(error) = cause.downcast_ref::<NotImported>() {
            return (error.exit_code(), Some(error.hint()));
        }
        if let Some(malformed) = cause.downcast_ref::<dsse::Malformed>() {
            return (malformed.exit_code(), Some(malformed.hint()));
        }
        if cause.is::<wrapper::Malformed>() {
            return (
                MALFORMED,
                Some("docs/wrapper.md says what a description holds"),
            );
        }
        if cause.is::<report::verify::Malformed>() {
            return (
                MALFORMED,
                Some("name a file that verify, scan or diff wrote with --format json"),
            );
        }
        if cause.is::<report::verify::render::NoBill>() {
            return (
                MALFORMED,
                Some("verify, scan or diff the image again with --format json, and name that file"),
            );
        }
        if cause.is::<report::verify::unit::NoUnit>() {
            return (MALFORMED, Some("vitalsign verify --help names its keys"));
        }
        if let Some(key) = cause.downcast_ref::<KeyError>() {
            return (key.exit_code(), Some(key.hint()));
        }
        if cause.is::<Unreadable>() || cause.is::<Missing>() {
            return (CANNOT_READ, Some("check the name and that you may read it"));
        }
        if cause.is::<Unwritable>() {
            return (
                INTERNAL,
                Some("check that the folder exists, has room, and that you may write there"),
            );
        }
        if cause.is::<WrongDevice>() {
            return (
                WRONG_DEVICE,
                Some(
                    "read model and version on the device's label, and name the baseline for them; to compare all the same, leave \
                     out what was named, or say --despite-version",
                ),
            );
        }
        if cause.is::<NotHeld>() {
            return (
                INTERNAL,
                Some(
                    "use a kernel with Landlock (Linux 6.2 or later) and seccomp; without --require-sandbox the image is read all the same",
                ),
            );
        }
        if cause.is::<Usage>() {
            return (64, None);
        }
        if let Some(told) = cause.downcast_ref::<Told>() {
            return (told.0, None);
        }
        if cause.is::<inventory::Malformed>() {
            return (
                MALFORMED,
                Some("docs/fleet.md says what an inventory holds"),
            );
        }
        if cause.is::<merge::Unmergeable>() {
            return (
                MALFORMED,
                Some("name the results of all shards of one audit, each once"),
            );
        }
        if cause.is::<results::Unusable>() {
            return (
                MALFORMED,
                Some("name the file of the same audit, or begin a new one in another file"),
            );
        }
    }
    (INTERNAL, None)
}
