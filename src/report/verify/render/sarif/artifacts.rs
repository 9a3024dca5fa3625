//! The artifacts of a run: the image, the regions in it, the files in those, each by the index of what holds it.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::super::places::Places;
use crate::digest::Digest;
use crate::place::unescape;
use crate::report::verify::Report;

/// The artifacts that results name, in the order in which they are first named.
pub(super) struct Artifacts<'a> {
    report: &'a Report,
    places: &'a Places<'a>,
    rows: Vec<Value>,
    regions: BTreeMap<usize, usize>,
    files: BTreeMap<(Option<usize>, String), usize>,
}

impl<'a> Artifacts<'a> {
    /// The image alone.
    pub(super) fn new(report: &'a Report, places: &'a Places<'a>) -> Self {
        let mut image = json!({
            "location": { "uri": uri(&report.image.name) },
            "length": report.image.size,
            "roles": ["analysisTarget"],
        });
        hash(&mut image, report.image.sha256);
        Self {
            report,
            places,
            rows: vec![image],
            regions: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// Where a result is. `found`: the digest of the file there.
    pub(super) fn location(&mut self, place: &str, found: Option<Digest>) -> Value {
        let steps = self.places.steps(place);
        let holder = self.region(steps.region);
        let rest = steps.rest;
        let offset = rest
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let mut physical = Map::new();
        let index = match offset {
            _ if rest.is_empty() => holder,
            Some(offset) => {
                physical.insert("region".to_owned(), json!({ "byteOffset": offset }));
                holder
            }
            None => self.file(holder, steps.region, rest, found),
        };
        physical.insert("artifactLocation".to_owned(), self.named(index));
        let name = if place.is_empty() {
            self.report.image.name.as_str()
        } else {
            place
        };
        let mut location = Map::new();
        location.insert("physicalLocation".to_owned(), Value::Object(physical));
        let logical = json!([{ "fullyQualifiedName": name, "kind": "resource" }]);
        location.insert("logicalLocations".to_owned(), logical);
        Value::Object(location)
    }

    pub(super) fn done(self) -> Vec<Value> {
        self.rows
    }

    /// An artifact by its index, with its name in what holds it.
    fn named(&self, index: usize) -> Value {
        let row = self.rows.get(index);
        let uri = row.and_then(|row| row.pointer("/location/uri"));
        json!({ "index": index, "uri": uri })
    }

    /// The artifact of a region, after those that hold it. A record is hostile too: `places` lets no region hold itself.
    fn region(&mut self, region: Option<usize>) -> usize {
        let mut missing = Vec::new();
        let mut at = region;
        let mut holder = 0;
        while let Some(index) = at {
            if let Some(&known) = self.regions.get(&index) {
                holder = known;
                break;
            }
            missing.push(index);
            at = self.places.parent(index);
        }
        for index in missing.into_iter().rev() {
            let Some(row) = self.report.regions.get(index) else {
                continue;
            };
            let step = row.steps.last().map(ToString::to_string);
            let step = step.unwrap_or_else(|| row.format.clone());
            let artifact = json!({
                "location": { "uri": format!("/{}", uri(step.trim_start_matches('/'))) },
                "description": { "text": row.format },
                "parentIndex": holder,
                "offset": row.at,
                "length": row.len,
            });
            holder = self.push(artifact);
            self.regions.insert(index, holder);
        }
        holder
    }

    fn file(
        &mut self,
        holder: usize,
        region: Option<usize>,
        path: &str,
        found: Option<Digest>,
    ) -> usize {
        let key = (region, path.to_owned());
        if let Some(&known) = self.files.get(&key) {
            if let Some(row) = self.rows.get_mut(known) {
                hash(row, found);
            }
            return known;
        }
        let mut artifact = json!({
            "location": { "uri": format!("/{}", uri(path.trim_start_matches('/'))) },
            "parentIndex": holder,
        });
        hash(&mut artifact, found);
        let index = self.push(artifact);
        self.files.insert(key, index);
        index
    }

    fn push(&mut self, artifact: Value) -> usize {
        self.rows.push(artifact);
        self.rows.len().saturating_sub(1)
    }
}

fn hash(artifact: &mut Value, sha256: Option<Digest>) {
    if let (Some(sha256), Some(fields)) = (sha256, artifact.as_object_mut()) {
        fields.insert("hashes".to_owned(), json!({ "sha-256": sha256 }));
    }
}

/// An escaped path as a reference: the bytes of the path, those that a URI cannot have as `%HH`.
fn uri(path: &str) -> String {
    let bytes = unescape(path).unwrap_or_else(|| path.as_bytes().to_vec());
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_references() {
        assert_eq!(uri("a b:c\\xff\\\\d"), "a%20b%3Ac%FF%5Cd");
    }
}
