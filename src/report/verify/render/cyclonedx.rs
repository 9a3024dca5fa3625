//! CycloneDX 1.6: packages with the places that show them, and the regions of the image with the files in them, one inside another.
//!
//! `metadata.timestamp` is when it was judged; without that there is none. The serial number is made of what the document lists.

use serde_json::{Map, Value, json};

use super::bill::Bill;
use super::places::Places;
use super::{Failed, words};
use crate::facts::packages::Source;
use crate::report::verify::Report;
use crate::software::{File, Package};

/// The bill of materials.
///
/// # Errors
/// [`Failed`]: the record says nothing of the software.
pub fn render(report: &Report) -> Result<String, Failed> {
    let bill = Bill::of(report)?;
    let refs: Vec<String> = (0..bill.packages.len())
        .map(|index| format!("package:{index}"))
        .collect();
    let mut components: Vec<Value> = bill
        .packages
        .iter()
        .zip(&refs)
        .map(|(package, name)| of_package(package, name))
        .collect();
    components.extend(tree(report, bill.files));
    let mut image = json!({
        "type": "firmware",
        "bom-ref": "image",
        "name": report.image.name,
        "properties": properties(&[
            ("size", Some(report.image.size.to_string())),
            ("integrity", Some(words::integrity(report.verdict.integrity).to_owned())),
            ("baseline", words::release(report)),
        ]),
    });
    if let (Some(sha256), Some(fields)) = (report.image.sha256, image.as_object_mut()) {
        fields.insert(
            "hashes".to_owned(),
            json!([{ "alg": "SHA-256", "content": sha256 }]),
        );
    }
    let mut metadata = json!({
        "lifecycles": [{ "phase": "discovery" }],
        "tools": { "components": [{ "type": "application", "name": report.tool.name, "version": report.tool.version }] },
        "component": image,
    });
    let unread = report.packages_unread.iter().map(|row| {
        json!({ "name": "vitalsign:not-read", "value": format!("{}: {}", row.place, row.reason) })
    });
    let unread: Vec<Value> = unread.collect();
    if let Some(fields) = metadata.as_object_mut() {
        let time = report.judged_at.as_ref().map(|time| json!(time));
        fields.extend(time.map(|time| ("timestamp".to_owned(), time)));
        if !unread.is_empty() {
            fields.insert("properties".to_owned(), Value::Array(unread));
        }
    }
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", bill.uuid("cyclonedx", report)),
        "version": 1,
        "metadata": metadata,
        "dependencies": [{ "ref": "image", "dependsOn": refs }],
        // An image never shows all that is in it: programs without a text with their version, what could not be read.
        "compositions": [{ "aggregate": "incomplete", "assemblies": ["image"] }],
    });
    // What grows with the image is moved in, not copied.
    if let Some(fields) = document.as_object_mut() {
        fields.insert("components".to_owned(), Value::Array(components));
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn of_package(package: &Package, name: &str) -> Value {
    let is_system = package
        .cpe
        .as_deref()
        .is_some_and(|cpe| cpe.starts_with("cpe:2.3:o:"));
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    add(
        "type",
        json!(if is_system {
            "operating-system"
        } else {
            "library"
        }),
    );
    add("bom-ref", json!(name));
    add("name", json!(package.name));
    add("version", json!(package.version));
    if let Some(license) = &package.license {
        add("licenses", json!([{ "license": { "name": license } }]));
    }
    if let Some(cpe) = &package.cpe {
        add("cpe", json!(cpe));
    }
    if let Some(purl) = &package.purl {
        add("purl", json!(purl));
    }
    add("evidence", evidence(package));
    let more = (package.more > 0).then(|| package.more.to_string());
    add(
        "properties",
        properties(&[
            ("source", Some(package.source.word().to_owned())),
            ("architecture", package.architecture.clone()),
            ("origin", package.origin.clone()),
            ("further-places", more),
        ]),
    );
    Value::Object(fields)
}

/// What a database or a note states counts as 1; a text in a program shows which version was compiled in, not that it is used.
fn evidence(package: &Package) -> Value {
    let (technique, confidence) = match package.source {
        Source::Dpkg | Source::Opkg | Source::Apk | Source::Rpm => ("manifest-analysis", 1.0),
        Source::ElfNote => ("binary-analysis", 1.0),
        Source::VersionText => ("binary-analysis", 0.8),
    };
    let occurrences = package.seen.iter().map(|seen| {
        let mut row = json!({ "location": seen.place, "offset": seen.at });
        if let (false, Some(fields)) = (seen.text.is_empty(), row.as_object_mut()) {
            fields.insert("additionalContext".to_owned(), json!(seen.text));
        }
        row
    });
    json!({
        "identity": [{
            "field": "version",
            "confidence": confidence,
            "concludedValue": package.version,
            "methods": [{ "technique": technique, "confidence": confidence }],
        }],
        "occurrences": occurrences.collect::<Vec<_>>(),
    })
}

/// The regions of the image with the files in them. A region stands after the one that holds it, so that going backwards every one is whole
/// before it goes into another.
fn tree(report: &Report, files: &[File]) -> Vec<Value> {
    let places = Places::new(report);
    let mut top = Vec::new();
    let mut inside: Vec<Vec<Value>> = report.regions.iter().map(|_| Vec::new()).collect();
    for (index, file) in files.iter().enumerate() {
        let steps = places.steps(&file.place);
        let name = if steps.rest.is_empty() {
            &file.place
        } else {
            steps.rest
        };
        let row = of_file(index, name, file);
        match steps.region.and_then(|region| inside.get_mut(region)) {
            Some(list) => list.push(row),
            None => top.push(row),
        }
    }
    let mut regions = Vec::new();
    for (index, row) in report.regions.iter().enumerate().rev() {
        let mut components = inside
            .get_mut(index)
            .map(std::mem::take)
            .unwrap_or_default();
        let mut component = json!({
            "type": "data",
            "bom-ref": format!("region:{index}"),
            "name": row.steps.last().map_or_else(|| row.format.clone(), ToString::to_string),
            "properties": properties(&[
                ("format", Some(row.format.clone())),
                ("place", Some(row.place.clone())),
                ("offset", Some(row.at.to_string())),
                ("size", Some(row.len.to_string())),
            ]),
        });
        if let (false, Some(fields)) = (components.is_empty(), component.as_object_mut()) {
            components.sort_by_key(|one| one.get("type") == Some(&json!("data")));
            fields.insert("components".to_owned(), Value::Array(components));
        }
        match places
            .parent(index)
            .and_then(|parent| inside.get_mut(parent))
        {
            Some(list) => list.push(component),
            None => regions.push(component),
        }
    }
    regions.reverse();
    regions.extend(top);
    regions
}

fn of_file(index: usize, name: &str, file: &File) -> Value {
    let mut row = json!({
        "type": "file",
        "bom-ref": format!("file:{index}"),
        "name": name,
        "properties": properties(&[
            ("place", Some(file.place.clone())),
            ("size", Some(file.size.to_string())),
            ("build-id", file.build_id.clone()),
        ]),
    });
    if let (Some(sha256), Some(fields)) = (file.sha256, row.as_object_mut()) {
        fields.insert(
            "hashes".to_owned(),
            json!([{ "alg": "SHA-256", "content": sha256 }]),
        );
    }
    row
}

fn properties(rows: &[(&str, Option<String>)]) -> Value {
    let rows = rows.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(json!({ "name": format!("vitalsign:{name}"), "value": value }))
    });
    Value::Array(rows.collect())
}
