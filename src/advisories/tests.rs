use std::collections::BTreeSet;

use super::Affected::{No, Unclear, Yes};
use super::*;

fn table() -> Table {
    read::table(include_bytes!("table.toml")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_table_is_whole() {
    let table = table();
    assert_eq!(Table::built_in(), Some(&table));
    let mut ids = BTreeSet::new();
    for product in &table.products {
        assert!(ids.insert(product.id.clone()), "{}", product.id);
        assert!(table.advisories(product).count() > 0, "{}", product.id);
        // Each of its names leads to it alone.
        for (vendor, model) in product
            .vendors
            .iter()
            .flat_map(|vendor| product.models.iter().map(move |model| (vendor, model)))
        {
            let known = table.device(Some(vendor), model).unwrap();
            assert_eq!(known.product.id, product.id, "{vendor} {model}");
        }
    }
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    for advisory in &table.advisories {
        assert!(advisory.date <= table.read, "{}", advisory.id);
        assert!(!advisory.cves.is_empty(), "{}", advisory.id);
        for cve in &advisory.cves {
            let number = cve.id.strip_prefix("CVE-").unwrap();
            assert!(digits(number) && number.len() >= 9, "{}", cve.id);
            assert!(digits(cve.cwe.strip_prefix("CWE-").unwrap()), "{}", cve.cwe);
            // The severity is the word for the score: FIRST, CVSS 3.1, section 5.
            let (whole, part) = cve.cvss.split_once('.').unwrap();
            let tenths: u32 = format!("{whole}{part}").parse().unwrap();
            let word = match tenths {
                1..40 => Severity::Low,
                40..70 => Severity::Medium,
                70..90 => Severity::High,
                90..=100 => Severity::Critical,
                _ => panic!("{}", cve.cvss),
            };
            assert_eq!(cve.severity, word, "{}", cve.id);
        }
    }
}

#[test]
fn devices_are_known_by_their_names_and_no_others() {
    let table = table();
    let of = |vendor: Option<&str>, model: &str| {
        let known = table.device(vendor, model);
        known.map(|known| (known.product.id.as_str(), known.relabel.is_some()))
    };
    let cms = Some(("contec-cms8000", false));
    assert_eq!(of(Some("contec"), "cms8000"), cms);
    assert_eq!(of(Some("CONTEC Health"), "CMS 8000"), cms);
    assert_eq!(of(None, "CMS8000"), cms);
    let relabelled = Some(("contec-cms8000", true));
    assert_eq!(of(Some("Epsimed"), "MN-120"), relabelled);
    assert_eq!(of(None, "mn120"), relabelled);
    for (vendor, model) in [
        (Some("Philips"), "CMS8000"),
        (Some("Contec"), "MN-120"),
        (Some("Contec"), "CMS8000 and others"),
        (Some("Contec"), "CMS"),
        (None, ""),
        (Some(""), "CMS8000"),
    ] {
        assert_eq!(of(vendor, model), None, "{vendor:?} {model}");
    }
}

#[test]
fn versions_are_affected_unclear_or_not() {
    let table = table();
    let has = |id: &str, version: Option<&str>| {
        let mut cves = table.advisories.iter().flat_map(|it| &it.cves);
        let cve = cves.find(|cve| cve.id == id).unwrap();
        cve.versions.has(version)
    };
    for (id, version, wanted) in [
        ("CVE-2025-0626", None, Yes),
        ("CVE-2025-0626", Some("99"), Yes),
        ("CVE-2024-12248", Some("CMS7.820.075.08/0.74(0.75)"), Yes),
        ("CVE-2024-12248", Some("CMS7.820.200.01/1.0"), Unclear),
        ("CVE-2024-12248", None, Unclear),
        ("CVE-2020-16237", Some("A.07.107"), Yes),
        ("CVE-2020-16237", Some("A.07.99"), Yes),
        ("CVE-2020-16237", Some("A.07.108"), No),
        ("CVE-2020-27260", Some("1.7.14"), Yes),
        ("CVE-2020-27260", Some("1.7.15"), No),
        ("CVE-2020-27260", Some("1.7.15b"), No),
        ("CVE-2019-0708", Some("1.0.2"), Yes),
        ("CVE-2019-0708", Some("1.0.1"), Unclear),
        ("CVE-2019-0708", Some("1.2.1"), No),
        ("CVE-2024-1275", Some("1.50"), Unclear),
        ("CVE-2024-1275", Some("1.5.2.01"), No),
        ("CVE-2024-1275", Some("1.5.1"), Yes),
        ("CVE-2024-1275", Some("1.53"), No),
    ] {
        assert_eq!(has(id, version), wanted, "{id} {version:?}");
    }
}

#[test]
fn a_table_is_read_strictly() {
    let text = include_str!("table.toml");
    for (from, to) in [
        (
            "product = \"contec-cms8000\", sha256",
            "product = \"contec\", sha256",
        ),
        ("below = \"1.7.15\"", "below = \"1.7.15\", until = \"1\""),
        ("severity = \"critical\"", "severity = \"awful\""),
        ("vitalsign-advisories", "vitalsign-rules"),
        ("read = 2026-11-30T00:00:00Z", ""),
        ("title = ", "name = "),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(
            read::table(text.replacen(from, to, 1).as_bytes()).is_err(),
            "{to}"
        );
    }
}
