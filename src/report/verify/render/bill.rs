//! What the bills of materials share: packages and files of a record, and a name for the document that is the same for the same content.

use crate::digest::Digest;
use crate::report::verify::Report;
use crate::software::{File, Package};

/// A record that does not say which software the image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this record does not say which packages and files the image holds: make it with --format json by this version, from the image"
)]
pub struct NoBill;

/// The software of a record.
pub(super) struct Bill<'a> {
    pub(super) packages: &'a [Package],
    pub(super) files: &'a [File],
}

impl<'a> Bill<'a> {
    pub(super) fn of(report: &'a Report) -> Result<Self, NoBill> {
        match (&report.packages, &report.files) {
            (Some(packages), Some(files)) => Ok(Self { packages, files }),
            _ => Err(NoBill),
        }
    }

    /// A UUID (RFC 9562, version 8) of the image, the program and what it lists: the same image gives the same one. `kind`: of which
    /// form the document is.
    pub(super) fn uuid(&self, kind: &str, report: &Report) -> String {
        let mut text = [
            kind,
            &report.tool.name,
            &report.tool.version,
            &report.image.name,
        ]
        .join("\0");
        if let Some(sha256) = report.image.sha256 {
            text.push_str(&sha256.to_string());
        }
        for file in self.files {
            text.push_str(&file.place);
            text.extend(file.sha256.map(|sha256| sha256.to_string()));
        }
        for package in self.packages {
            text.extend([package.name.as_str(), "\0", &package.version, "\0"]);
        }
        let mut bytes = *Digest::of(text.as_bytes()).as_bytes();
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = *version & 0x0f | 0x80;
        *variant = *variant & 0x3f | 0x80;
        let digits = crate::digest::hex(&bytes);
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        [
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32),
        ]
        .join("-")
    }
}
