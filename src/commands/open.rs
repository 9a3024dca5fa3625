//! Opening an image and unpacking it within its budget.

use std::path::Path;

use anyhow::Result;

use super::{clock, talk};
use crate::budget::Budget;
use crate::cli;
use crate::extract::{self, Inventory};
use crate::image::Image;
use crate::place::escape;
use crate::problem::Problem;

/// Everything that is in the image at `path`.
pub(super) fn inventory(path: &Path, flags: &cli::Budget) -> Result<Inventory> {
    let _progress = talk::progress(&format!(
        "reading {}",
        escape(path.as_os_str().as_encoded_bytes())
    ));
    let budget = Budget::with_deadline(flags.limits(), clock::deadline(flags.max_seconds));
    let image = Image::open(path, &budget)?;
    let mut found = extract::unpack(&image, &budget);
    if image.changed() {
        let detail = "the file was changed while it was read; read it again";
        let problem = Problem::new(crate::problem::ProblemKind::Unreadable, detail);
        found
            .problems
            .push(extract::Told::new(&crate::place::Place::image(), problem));
    }
    Ok(found)
}
