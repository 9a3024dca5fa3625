//! How a command that cannot finish says so: one line, one hint, one exit code.

use crate::image::Unreadable;

/// Nothing was verified because the input could not be read.
const CANNOT_READ: u8 = 66;
/// Something went wrong that should not have.
const INTERNAL: u8 = 70;

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
        if cause.is::<Unreadable>() {
            return (CANNOT_READ, Some("check the name and that you may read it"));
        }
    }
    (INTERNAL, None)
}
