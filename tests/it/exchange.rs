//! The exchange formats: against their official schemas, against the files beside the demo, with hostile records, and at their cost.

use std::path::Path;

use clap::ValueEnum;
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use vitalsign::report::verify::Report;
use vitalsign::report::verify::render::{Failed, Manner, ReportFormat};

use crate::samples::repository;
use crate::schemas::{holds, run, verify};

/// Every form with a file beside the demo.
const FILES: &[(ReportFormat, &str)] = &[
    (ReportFormat::Sarif, "report.sarif"),
    (ReportFormat::Cyclonedx, "bom.cdx.json"),
    (ReportFormat::Spdx, "bom.spdx.json"),
    (ReportFormat::Csv, "device.csv"),
    (ReportFormat::CsvChanges, "changes.csv"),
    (ReportFormat::Junit, "junit.xml"),
    (ReportFormat::Markdown, "ticket.md"),
];

fn record(document: &Value) -> Report {
    Report::parse(document.to_string().as_bytes()).unwrap()
}

fn twin() -> Value {
    verify("vsm9000-4.2.1-tampered.bin").0
}

fn render(format: ReportFormat, report: &Report) -> String {
    format.render(report, Manner::default()).unwrap()
}

fn stored(name: &str) -> Value {
    let text = std::fs::read_to_string(repository().join("tests/schemas").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The official schema of a form, as its makers publish it (tests/schemas/README.md), with what it refers to.
pub(crate) fn official(format: ReportFormat) -> Validator {
    let at = |name: &str| format!("http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json");
    let registry = Registry::new()
        .add(at("spdx"), stored("cyclonedx-spdx.json"))
        .and_then(|registry| registry.add(at("jsf-0.82"), stored("cyclonedx-jsf.json")))
        .unwrap()
        .prepare()
        .unwrap();
    let schema = match format {
        ReportFormat::Sarif => "sarif-2.1.0.json",
        ReportFormat::Cyclonedx => "cyclonedx-1.6.json",
        ReportFormat::Spdx => "spdx-2.3.json",
        _ => panic!("it is no JSON"),
    };
    let mut schema = stored(schema);
    if format == ReportFormat::Sarif {
        // Its makers wrote a bracket too much: it is no regular expression of JSON Schema.
        for at in ["run", "toolComponent"] {
            let language = format!("/definitions/{at}/properties/language");
            let language = schema.pointer_mut(&language).unwrap().as_object_mut();
            language.unwrap().remove("pattern").unwrap();
        }
    }
    let options = jsonschema::options().should_validate_formats(true);
    options.with_registry(&registry).build(&schema).unwrap()
}

const OF_JSON: &[ReportFormat] = &[
    ReportFormat::Sarif,
    ReportFormat::Cyclonedx,
    ReportFormat::Spdx,
];

#[test]
fn official_schemas_hold_for_every_kind_of_report() {
    let scan = run(&["scan", "fixtures/tree", "--now", "2026-11-22T00:00:00Z"]).0;
    let diff = run(&[
        "diff",
        "fixtures/demo/vsm9000-4.2.1.bin",
        "fixtures/demo/vsm9000-4.2.1-update.tar.gz",
    ])
    .0;
    let reports = [twin(), verify("vsm9000-4.2.1.bin").0, scan, diff, hostile()];
    for &format in OF_JSON {
        let schema = official(format);
        for report in &reports {
            let document = render(format, &record(report));
            holds(
                &schema,
                &serde_json::from_str(&document).unwrap(),
                &format!("{format:?}"),
            );
        }
        assert!(
            !schema.is_valid(&json!({"version": 1})),
            "{format:?}: a schema that refuses nothing"
        );
    }
}

#[test]
fn forms_are_the_files_beside_the_demo() {
    let folder = repository().join("fixtures/demo/reports");
    let report = record(&twin());
    for (format, name) in FILES {
        let path = folder.join(name);
        let text = render(*format, &report);
        if std::env::var_os("GOLDEN").is_some_and(|it| it == "overwrite") {
            overwrite(&path, &text);
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert!(
            golden == text,
            "{name} differs; GOLDEN=overwrite writes it anew"
        );
    }
    let there = std::fs::read_dir(folder).unwrap().count();
    // The page has a test of its own.
    assert_eq!(there, FILES.len() + 1, "a file that no form writes");
}

fn overwrite(path: &Path, text: &str) {
    use std::io::Write;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::File::create(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

#[test]
fn every_form_has_a_row_in_the_readme() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let table = ReportFormat::table();
    assert!(
        readme.contains(&table),
        "the README's table of forms is not that of the program:\n{table}"
    );
    let docs = std::fs::read_to_string(repository().join("docs/reports.md")).unwrap();
    for form in ReportFormat::value_variants() {
        let word = form.to_possible_value().unwrap();
        let heading = format!("\n## `{}`\n", word.get_name());
        assert!(
            docs.contains(&heading),
            "docs/reports.md says nothing of {}",
            word.get_name()
        );
    }
}

/// What the demo's makers put into its image, and what its packages say: not what this program says.
#[test]
fn the_bill_of_the_demo_has_what_it_was_made_of() {
    let made_by = std::fs::read_to_string(repository().join("fixtures/demo/made-by.txt")).unwrap();
    let bill: Value =
        serde_json::from_str(&render(ReportFormat::Cyclonedx, &record(&twin()))).unwrap();
    let components = bill["components"].as_array().unwrap();
    let version = |name: &str| {
        let mut all = components.iter();
        let found = all.find(|one| one["name"] == name && one["type"] != "file");
        found.unwrap_or_else(|| panic!("no {name}"))["version"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for name in ["busybox", "u-boot"] {
        let version = version(name);
        let (upstream, _) = version.split_once('+').unwrap_or((&version, ""));
        assert!(made_by.contains(upstream), "{name} {version}:\n{made_by}");
    }
    // Every file of the image's trees stands in it once, inside the region that holds it.
    let text = bill.to_string();
    let files = twin()["files"].as_array().unwrap().len();
    assert_eq!(text.matches("\"bom-ref\":\"file:").count(), files);
    let tree = components
        .iter()
        .find(|one| one["name"] == "jffs2@0x1a0000")
        .unwrap();
    let inside = tree["components"].as_array().unwrap();
    assert!(inside.iter().any(|one| one["name"] == "/opt/bin/monitor"));
}

#[test]
fn sarif_places_are_nested_artifacts() {
    let log: Value = serde_json::from_str(&render(ReportFormat::Sarif, &record(&twin()))).unwrap();
    let run = &log["runs"][0];
    let artifacts = run["artifacts"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    let monitor = results
        .iter()
        .find(|it| it["ruleId"] == "change-modified")
        .unwrap();
    let location = &monitor["locations"][0]["physicalLocation"]["artifactLocation"];
    let mut at = usize::try_from(location["index"].as_u64().unwrap()).unwrap();
    let mut chain = Vec::new();
    while let Some(parent) = artifacts[at]["parentIndex"].as_u64() {
        chain.push(artifacts[at]["location"]["uri"].as_str().unwrap());
        at = usize::try_from(parent).unwrap();
    }
    assert_eq!(chain, ["/opt/bin/monitor", "/jffs2@0x1a0000"]);
    assert_eq!(at, 0);
    assert_eq!(monitor["baselineState"], "updated");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(!rules[index]["help"]["text"].as_str().unwrap().is_empty());
    }
    let state = |code: &str| {
        let found = results.iter().find(|it| it["ruleId"] == code).unwrap();
        found["baselineState"].clone()
    };
    assert_eq!(state("remote-mount-overwrite"), "new");
    assert_eq!(state("account-fixed-password"), "unchanged");
    let mut prints: Vec<_> = results
        .iter()
        .map(|it| it["partialFingerprints"].to_string())
        .collect();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), results.len());
}

#[test]
fn a_fingerprint_stays_when_a_file_system_moves() {
    let print = |document: &Value| {
        let log: Value =
            serde_json::from_str(&render(ReportFormat::Sarif, &record(document))).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let monitor = results
            .into_iter()
            .find(|it| it["ruleId"] == "change-modified")
            .unwrap();
        monitor["partialFingerprints"].to_string()
    };
    let twin = twin();
    let moved = twin.to_string().replace("jffs2@0x1a0000", "jffs2@0x1b0000");
    assert_eq!(print(&twin), print(&serde_json::from_str(&moved).unwrap()));
}

/// The demo's record with texts in it that are something else in every medium.
fn hostile() -> Value {
    let mut document = twin();
    let names = [
        "/=cmd|' /C calc'!A0",
        "/<script>alert(1)</script>&\"'",
        "/[click](http://203.0.113.9/) @all #1 `code` |",
        "/{0} {{x}} %s \\xff\\\\",
        "/a:b:squashfs@0xa0000:/etc",
    ];
    let kinds = ["added", "removed", "modified", "moved", "uncovered"];
    for (kind, name) in kinds.iter().zip(names) {
        let change = json!({
            "kind": kind,
            "component": "=1+1", "path": name, "place": format!("squashfs@0xa0000:{name}"),
            "fields": ["sha256"], "expected": {}, "found": {"sha256": "]]>--"}, "explanation": ["<b>|\n\r\u{202e}"],
        });
        document["changes"].as_array_mut().unwrap().push(change);
    }
    document["asset"] = json!("@SUM(1)");
    document["image"]["name"] = json!("-- ../a b.bin");
    // A region that says that it holds itself.
    document["regions"][0]["parent"] = json!(0);
    document["regions"][1]["in"] = json!("nowhere");
    document
}

#[test]
fn texts_of_an_image_are_escaped_for_their_medium() {
    let report = record(&hostile());
    for form in ReportFormat::value_variants() {
        let text = render(*form, &report);
        assert!(!text.contains('\u{202e}'), "{form:?}");
    }
    let csv = render(ReportFormat::Csv, &report) + &render(ReportFormat::CsvChanges, &report);
    assert!(
        csv.contains("\"'@SUM(1)\"")
            && csv.contains("\"'=1+1\"")
            && csv.contains("\"'-- ../a b.bin\"")
    );
    for cell in csv.split("\r\n").flat_map(|row| row.split(',')) {
        assert!(
            !cell
                .trim_start_matches('"')
                .starts_with(['=', '+', '-', '@']),
            "{cell}"
        );
    }
    let junit = render(ReportFormat::Junit, &report);
    assert!(
        !junit.contains("<script") && !junit.contains("]]>") && junit.contains("&lt;script&gt;")
    );
    let sarif = render(ReportFormat::Sarif, &report);
    assert!(sarif.contains(r"\\[click\\](http") && sarif.contains("{{0}} {{{{x}}}}"));
    let ticket = ReportFormat::Markdown
        .render(&report, Manner { verbose: true })
        .unwrap();
    assert!(ticket.contains("``/[click](http://203.0.113.9/) @all #1 `code` \\|``"));
    for line in ticket
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| |"))
    {
        let cells = line.replace("\\|", "").matches('|').count();
        assert!([3, 5].contains(&cells), "{line}");
    }
}

#[test]
fn a_record_without_software_makes_no_bill() {
    let mut document = twin();
    let fields = document.as_object_mut().unwrap();
    for key in ["packages", "files"] {
        fields.remove(key);
    }
    let report = record(&document);
    for format in [ReportFormat::Cyclonedx, ReportFormat::Spdx] {
        let failed = format.render(&report, Manner::default());
        assert!(matches!(failed, Err(Failed::NoBill(_))), "{format:?}");
    }
}

/// Ten thousand changes: what each form costs with optimisation is in docs/performance.md; here no form may do work that grows with the
/// square of them.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test of time needs the time")]
fn many_changes_are_rendered_in_their_order_and_soon() {
    let mut document = twin();
    let change = document["changes"][0].clone();
    let many = (0..10_000).map(|at| {
        let mut change = change.clone();
        let path = format!("/opt/bin/monitor-{at}");
        change["place"] = json!(format!("jffs2@0x1a0000:{path}"));
        change["path"] = json!(path);
        change
    });
    document["changes"] = many.collect();
    let report = record(&document);
    for form in ReportFormat::value_variants() {
        let start = std::time::Instant::now();
        let text = form.render(&report, Manner { verbose: true }).unwrap();
        let spent = start.elapsed();
        // A page tells folders apart from names, and the others hold no changes.
        if !matches!(
            form,
            ReportFormat::Html | ReportFormat::Cyclonedx | ReportFormat::Spdx | ReportFormat::Csv
        ) {
            assert!(text.contains("/opt/bin/monitor-9999"), "{form:?}");
        }
        if *form == ReportFormat::Html {
            // Folders stand there once, and names under them.
            assert!(text.contains("monitor-9999"), "all are shown");
        }
        println!("{form:?}: {spent:?}, {} bytes", text.len());
        assert!(spent.as_secs() < 20, "{form:?}: {spent:?}");
    }
}
