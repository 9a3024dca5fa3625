//! SPDX 2.3 as JSON: the image, its regions, packages and files as packages that contain each other.
//!
//! Files are packages of the purpose FILE: as `files` the specification wants a SHA-1 of each, and this program makes no digest that can be
//! forged.

use serde_json::{Map, Value, json};

use super::bill::Bill;
use super::places::Places;
use super::{Failed, words};
use crate::digest::Digest;
use crate::report::verify::Report;
use crate::software::{File, Package};

const IMAGE: &str = "SPDXRef-Image";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// The document.
///
/// # Errors
/// [`Failed`]: the record says nothing of the software.
pub fn render(report: &Report) -> Result<String, Failed> {
    let bill = Bill::of(report)?;
    let places = Places::new(report);
    let mut packages = vec![image(report)];
    let mut relationships = vec![related(DOCUMENT, "DESCRIBES", IMAGE)];
    let holder = |region: Option<usize>| {
        region.map_or_else(
            || IMAGE.to_owned(),
            |region| format!("SPDXRef-Region-{region}"),
        )
    };
    for (index, row) in report.regions.iter().enumerate() {
        let id = format!("SPDXRef-Region-{index}");
        relationships.push(related(&holder(places.parent(index)), "CONTAINS", &id));
        let mut package = basic(&id, &row.place, "ARCHIVE", None);
        package.insert(
            "comment".to_owned(),
            json!(format!("{}, {} bytes at {}", row.format, row.len, row.at)),
        );
        packages.push(Value::Object(package));
    }
    for (index, package) in bill.packages.iter().enumerate() {
        let id = format!("SPDXRef-Package-{index}");
        relationships.push(related(IMAGE, "CONTAINS", &id));
        packages.push(of_package(&id, package));
    }
    for (index, file) in bill.files.iter().enumerate() {
        let id = format!("SPDXRef-File-{index}");
        relationships.push(related(
            &holder(places.steps(&file.place).region),
            "CONTAINS",
            &id,
        ));
        packages.push(of_file(&id, file));
    }
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": report.image.name,
        "documentNamespace": format!("https://spdx.org/spdxdocs/vitalsign-{}", bill.uuid("spdx", report)),
        "creationInfo": creation(report),
    });
    // What grows with the image is moved in, not copied.
    if let Some(fields) = document.as_object_mut() {
        fields.insert("packages".to_owned(), Value::Array(packages));
        fields.insert("relationships".to_owned(), Value::Array(relationships));
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// Who made it, and when; a time is required, and where none is known it says so.
fn creation(report: &Report) -> Value {
    let tool = format!("Tool: {}-{}", report.tool.name, report.tool.version);
    let time = report
        .judged_at
        .as_deref()
        .and_then(|time| time.parse::<jiff::Timestamp>().ok());
    match time.and_then(|time| jiff::Timestamp::from_second(time.as_second()).ok()) {
        Some(time) => json!({ "created": time.to_string(), "creators": [tool] }),
        None => json!({
            "created": "1970-01-01T00:00:00Z",
            "creators": [tool],
            "comment": "When it was made, nobody said.",
        }),
    }
}

fn related(one: &str, how: &str, other: &str) -> Value {
    json!({ "spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other })
}

/// What every package has.
fn basic(id: &str, name: &str, purpose: &str, sha256: Option<Digest>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    add("SPDXID", json!(id));
    add("name", json!(name));
    add("downloadLocation", json!("NOASSERTION"));
    add("filesAnalyzed", json!(false));
    add("primaryPackagePurpose", json!(purpose));
    if let Some(sha256) = sha256 {
        add(
            "checksums",
            json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]),
        );
    }
    fields
}

fn image(report: &Report) -> Value {
    let mut fields = basic(IMAGE, &report.image.name, "FIRMWARE", report.image.sha256);
    let integrity = words::integrity(report.verdict.integrity);
    let against = words::release(report).map(|release| format!(", compared with {release}"));
    let comment = format!("integrity: {integrity}{}", against.unwrap_or_default());
    fields.insert("comment".to_owned(), json!(comment));
    Value::Object(fields)
}

fn of_package(id: &str, package: &Package) -> Value {
    let is_system = package
        .cpe
        .as_deref()
        .is_some_and(|cpe| cpe.starts_with("cpe:2.3:o:"));
    let purpose = if is_system {
        "OPERATING_SYSTEM"
    } else {
        "LIBRARY"
    };
    let mut fields = basic(id, &package.name, purpose, None);
    let mut add = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    add("versionInfo", json!(package.version));
    let seen = package
        .seen
        .iter()
        .map(|seen| format!("{} at {:#x}", seen.place, seen.at));
    let seen: Vec<String> = seen.collect();
    add(
        "sourceInfo",
        json!(format!("{}: {}", package.source.word(), seen.join(", "))),
    );
    if let Some(license) = &package.license {
        add(
            "licenseComments",
            json!(format!("the database says: {license}")),
        );
    }
    let purl = package
        .purl
        .iter()
        .map(|purl| ("PACKAGE-MANAGER", "purl", purl));
    let cpe = package.cpe.iter().map(|cpe| ("SECURITY", "cpe23Type", cpe));
    let refs: Vec<Value> = purl
        .chain(cpe)
        .map(|(category, kind, locator)| {
            json!({ "referenceCategory": category, "referenceType": kind, "referenceLocator": locator })
        })
        .collect();
    if !refs.is_empty() {
        add("externalRefs", Value::Array(refs));
    }
    Value::Object(fields)
}

fn of_file(id: &str, file: &File) -> Value {
    let mut fields = basic(id, &file.place, "FILE", file.sha256);
    if let Some(build_id) = &file.build_id {
        let comment = format!("{} bytes, build id {build_id}", file.size);
        fields.insert("comment".to_owned(), json!(comment));
    } else {
        fields.insert("comment".to_owned(), json!(format!("{} bytes", file.size)));
    }
    Value::Object(fields)
}
