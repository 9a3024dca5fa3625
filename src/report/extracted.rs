//! `vitalsign.extract-1`: what `extract` wrote, under which names, and what of the image could not be represented.

use serde::Serialize;

use crate::extract::ImageId;
use crate::place::Place;

/// The schema that it names.
const SCHEMA: &str = "vitalsign.extract/1";

/// What was written. It is written last: where it is missing, the rest is not whole.
#[derive(Debug, Serialize)]
pub struct Extracted {
    schema: &'static str,
    /// The image.
    pub image: ImageId,
    /// What of all files was not to be kept, since nobody asked for it.
    pub not_kept: Vec<&'static str>,
    /// Each entry, in the order of the image; older contents behind them.
    pub entries: Vec<Row>,
}

/// One entry.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Where it is in the image.
    pub place: Place,
    /// What it is.
    pub kind: &'static str,
    /// The file that it was written to, from the folder of this one; absent where it was not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether its path cannot be told from the file's name alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
    /// What of it is not in the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
}

/// Something that could not be represented.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// What it is.
    pub what: &'static str,
    /// Why it is not there.
    pub why: String,
}

/// What is said where a right was not asked for.
pub const NOT_ASKED: &str = "nobody asked for it (--setuid)";

impl Lost {
    /// Whether it is lost because nobody asked for it.
    pub fn was_not_asked_for(&self) -> bool {
        self.why.ends_with(NOT_ASKED)
    }
}

impl Extracted {
    /// Of an image, of which nothing was written yet.
    pub fn new(image: &ImageId, not_kept: Vec<&'static str>) -> Self {
        Self {
            schema: SCHEMA,
            image: image.clone(),
            not_kept,
            entries: Vec::new(),
        }
    }
}
