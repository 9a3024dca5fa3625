//! A vendor's update package with a header of its own, as somebody described it: no such header is guessed.

mod checksum;
mod description;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use self::description::{Malformed, Wrapper};

use self::description::{Counts, Over};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{clip, cut, length};

/// A described wrapper.
pub(in crate::formats) struct Described;

/// Its name.
pub const ID: &str = "wrapper";

impl Format for Described {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: ID,
            title: "Vendor's wrapper, as --wrapper describes it",
            kind: Kind::Archive,
            spec: "the description, docs/wrapper.md",
            reads: "a header with a magic in front of one payload, at the start of an image, of a decoded stream or of a file",
            verifies: "the checksums that the description names; the length against what is there",
            limits: &[
                "nothing without a description: what a vendor's header means is never guessed",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, _rest: &Bytes) -> Result<Extent, Reject> {
        Err(Reject::Coincidence("nobody described it"))
    }

    fn open(&self, _region: Bytes, _budget: &Budget) -> Opened {
        Opened::unread(Problem::corrupt("nobody described it"))
    }
}

impl Wrapper {
    /// What of these bytes is such a package: its length, and what it holds. `None` when it does not start with one.
    pub fn open(&self, bytes: &Bytes) -> Option<(u64, Opened)> {
        let magic = cut(bytes, self.magic.at, length(&self.magic.bytes))?;
        (*magic == *self.magic.bytes).then_some(())?;
        let mut problems = Vec::new();
        let header = self.header.min(length(bytes));
        let stated = self.length.as_ref().map(|field| {
            let number = field.number.read(bytes, self.endian);
            let end = number.and_then(|number| match field.counts {
                Counts::Payload => number.checked_add(self.header),
                Counts::File => Some(number),
            });
            end.filter(|end| *end >= self.header)
        });
        let end = match stated {
            None => length(bytes),
            Some(Some(end)) if end <= length(bytes) => end,
            Some(Some(end)) => {
                let missing = end.saturating_sub(length(bytes));
                let detail = format!("cut off: {missing} more bytes should follow");
                problems.push(Problem::corrupt(detail));
                length(bytes)
            }
            Some(None) => {
                problems.push(Problem::corrupt("the length in the header makes no sense"));
                length(bytes)
            }
        };
        let file = clip(bytes, 0, end);
        let payload = header..end.max(header);
        for checksum in &self.checksums {
            let covered = match checksum.over {
                Over::Header => 0..header,
                Over::Payload => payload.clone(),
                Over::File => 0..end,
            };
            problems.extend(checksum.verify(&file, &covered, self.endian));
        }
        let mut properties = Properties::new();
        properties.set("wrapper", self.name.clone());
        for field in &self.fields {
            if let Some(value) = field.read(bytes, self.endian) {
                properties.set(format!("field.{}", field.name), value);
            }
        }
        let opened = Opened {
            content: Content::Layout(vec![Part {
                name: b"payload".to_vec(),
                bytes: PartBytes::Range(payload),
            }]),
            spans: vec![Span::metadata(0, header)],
            problems,
            properties,
        };
        Some((end, opened))
    }
}
