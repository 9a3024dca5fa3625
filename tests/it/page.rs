//! The HTML page: as committed for the demo, closed in itself, and of bounded size.

use std::fs::File;
use std::io::Write;

use serde_json::{Value, json};
use vitalsign::report::verify::Report;
use vitalsign::report::verify::render::{Manner, ReportFormat};

use crate::samples::repository;
use crate::schemas::{run, verify};

const GOLDEN: &str = "fixtures/demo/reports/tampered.html";

fn page(report: &Value, verbose: bool) -> String {
    let report = Report::parse(&serde_json::to_vec(report).unwrap()).unwrap();
    let manner = Manner { verbose };
    ReportFormat::Html.render(&report, manner).unwrap()
}

/// `GOLDEN=overwrite cargo test --test it page` writes the page anew; look at it in a browser before it is committed.
#[test]
fn the_page_of_the_demo_is_the_one_that_was_looked_at() {
    let (report, _) = verify("vsm9000-4.2.1-tampered.bin");
    let html = page(&report, false);
    let path = repository().join(GOLDEN);
    if std::env::var_os("GOLDEN").is_some() {
        File::create(&path)
            .unwrap()
            .write_all(html.as_bytes())
            .unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(html == golden, "{GOLDEN} is another page");
}

/// Elements that have no end.
const VOID: [&str; 1] = ["meta"];

/// Reads a page by itself: every element ends where it must; yields all tags with their attributes.
fn tags(html: &str) -> Vec<String> {
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let html = [before, after].concat();
    let mut open: Vec<String> = Vec::new();
    let mut tags = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("{part}"));
        assert!(!text.contains('>'), "{part}");
        let name = tag.split([' ', '\n']).next().unwrap().to_owned();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !name.starts_with('!') && !tag.ends_with('/') && !VOID.contains(&&*name) {
            open.push(name);
        }
        tags.push(tag.to_owned());
    }
    assert_eq!(open, [""; 0]);
    tags
}

pub(crate) fn is_closed_in_itself(html: &str) {
    is_closed_but_for(html, &[]);
}

/// The same, where it may lead to other pages: by these beginnings alone.
pub(crate) fn is_closed_but_for(html: &str, links: &[&str]) {
    for tag in tags(html) {
        let name = tag.split(' ').next().unwrap();
        for refused in ["script", "img", "link", "iframe", "form", "object", "style"] {
            assert_ne!(name, refused);
        }
        // Names of attributes are what stands outside of quotes.
        let names: String = tag.split('"').step_by(2).collect();
        for refused in [" style=", " src=", " srcset=", " on"] {
            assert!(!names.contains(refused), "{tag}");
        }
        let target = tag.split_once(" href=\"").map(|(_, target)| target);
        let is_link = |target: &str| links.iter().any(|link| target.starts_with(link));
        assert!(
            target.is_none_or(|target| target.starts_with('#') || is_link(target)),
            "{tag}"
        );
    }
    assert!(html.contains("default-src &#39;none&#39;"));
}

#[test]
fn pages_load_nothing_and_run_nothing() {
    let (report, _) = verify("vsm9000-4.2.1-tampered.bin");
    is_closed_in_itself(&page(&report, false));
    let now = ["--now", "2026-11-22T00:00:00Z"];
    let (scan, _) = run(&[&["scan", "fixtures/tree"], &now[..]].concat());
    is_closed_in_itself(&page(&scan, true));
}

#[test]
fn hostile_text_stays_text() {
    let (mut report, _) = verify("vsm9000-4.2.1-tampered.bin");
    let hostile = "\"'><script>alert(1)</script><svg onload=alert(1)>&\u{1b}\u{202e}";
    report["image"]["name"] = json!(hostile);
    report["asset"] = json!(hostile);
    report["unit"] = json!({ "serial": hostile, "operator": hostile });
    report["changes"][0]["path"] = json!(hostile);
    report["changes"][0]["explanation"] = json!([hostile]);
    report["findings"][0]["title"] = json!(hostile);
    report["findings"][0]["evidence"] = json!([hostile, format!("0x1: {hostile}: {hostile}")]);
    report["history"][0]["path"] = json!(hostile);
    report["regions"][5]["partition"] = json!(hostile);
    report["map"]["trees"][0]["component"] = json!(hostile);
    report["not_checked"][0]["place"] = json!(hostile);
    is_closed_in_itself(&page(&report, true));
}

/// The demo's report with so many changes, findings and runs as given.
fn large(changes: usize) -> Value {
    let (mut report, _) = verify("vsm9000-4.2.1-tampered.bin");
    let change = |at: usize| {
        let mut change = report["changes"][0].clone();
        change["path"] = json!(format!("/opt/share/vendor/{}/file-{at}.dat", at / 50));
        change
    };
    let rows: Vec<Value> = (0..changes).map(change).collect();
    let run = |at: usize| json!({"what": if at.is_multiple_of(2) {"modified"} else {"verified"}, "entries": 1, "bytes": at, "path": format!("/{at}")});
    let runs: Vec<Value> = (0..changes.min(512)).map(run).collect();
    let finding = report["findings"][0].clone();
    report["findings"] = vec![finding; changes / 10].into();
    report["changes"] = rows.into();
    report["map"]["trees"][0]["runs"] = runs.into();
    report
}

#[test]
fn a_page_stays_small() {
    let full = page(&large(1500), true);
    assert!(full.len() < 1_500_000, "{}", full.len());
    let folded = page(&large(10_000), false);
    assert!(folded.len() < 1_000_000, "{}", folded.len());
    assert!(folded.contains("... and 9700 more"));
}
