//! YARA rules from end to end.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A folder with an image `unit` of two equal files, and the rules given.
fn bench(rules: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("unit/bin/a", "....needle....needle"),
        ("unit/bin/b", "....needle....needle"),
    ]
    .iter()
    .chain(rules)
    {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::File::create(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    folder
}

/// What a scan with the rules in `rules` prints on both ways out, and how it ends.
fn scan(folder: &Path) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(folder)
        .args(["scan", "unit", "--yara", "rules"])
        .output()
        .unwrap();
    let both = [output.stdout, output.stderr].concat();
    let words = String::from_utf8(both).unwrap();
    let words: Vec<&str> = words.split_whitespace().collect();
    (words.join(" "), output.status.code())
}

const NEEDLE: &str = "rule needle { strings: $a = \"needle\" condition: $a }\n";

#[cfg(not(feature = "yara"))]
#[test]
fn a_build_without_it_says_so() {
    let folder = bench(&[("rules/a.yar", NEEDLE)]);
    let (told, code) = scan(folder.path());
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("--features yara"), "{told}");
}

#[cfg(feature = "yara")]
#[test]
fn a_hit_is_a_hint_with_its_place() {
    let folder = bench(&[("rules/a.yar", NEEDLE), ("rules/b.txt", "no rules")]);
    let (told, code) = scan(folder.path());
    assert_eq!(code, Some(0), "{told}");
    for part in [
        "Medium, Hint: A YARA rule matches",
        "yara-match /bin/a",
        "rule needle of a.yar $a at 0x4, 6 bytes $a at 0xe, 6 bytes",
        "the same content: /bin/b",
        "YARA: 1 rules of 1 files were tried",
        "REVIEW",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Once for a content.
    assert_eq!(told.matches("yara-match").count(), 1, "{told}");
}

#[cfg(feature = "yara")]
#[test]
fn many_matches_are_bounded() {
    let folder = bench(&[(
        "rules/a.yar",
        "rule dot { strings: $a = /[a-z.]/ condition: #a > 3 }\n",
    )]);
    let (told, code) = scan(folder.path());
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("$a at").count(), 8, "{told}");
    assert!(
        told.contains("rule dot of a.yar") && told.contains("and 12 more"),
        "{told}"
    );
}

#[cfg(feature = "yara")]
#[test]
fn rules_that_do_not_compile_are_told_with_file_and_line() {
    let broken = "rule x {\n  strings:\n    $a = \"abc\"\n  condition:\n    $b\n}\n";
    let folder = bench(&[("rules/a.yar", NEEDLE), ("rules/b.yara", broken)]);
    let (told, code) = scan(folder.path());
    assert_eq!(code, Some(65), "{told}");
    assert!(
        told.contains("b.yara:5:5: error: unknown variable $b"),
        "{told}"
    );
    let (told, code) = scan(bench(&[("rules/a.txt", NEEDLE)]).path());
    assert_eq!(code, Some(64), "{told}");
    let (told, code) = scan(bench(&[]).path());
    assert_eq!(code, Some(66), "{told}");
}

#[cfg(feature = "yara")]
#[test]
fn an_include_stays_in_its_folder() {
    let inside = "include \"more/n.inc\"\nrule other { condition: needle }\n";
    let folder = bench(&[("rules/a.yar", inside), ("rules/more/n.inc", NEEDLE)]);
    let (told, code) = scan(folder.path());
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("rule other of a.yar"), "{told}");
    let outside = |name: &str| {
        let include = format!("include \"{name}\"\n");
        let folder = bench(&[("rules/a.yar", &include), ("n.inc", NEEDLE)]);
        std::os::unix::fs::symlink("../n.inc", folder.path().join("rules/link.inc")).unwrap();
        let (told, code) = scan(folder.path());
        assert_eq!(code, Some(65), "{name}: {told}");
        assert!(told.contains("a.yar:1:1"), "{name}: {told}");
        told
    };
    for name in ["../n.inc", "/etc/passwd", "link.inc", "more/../../n.inc"] {
        let told = outside(name);
        assert!(told.contains("must stay in the folder"), "{name}: {told}");
    }
    outside("missing.inc");
    // Files that include each other come to an end.
    assert!(outside("a.yar").contains("more than 256 includes"));
}

/// An audit goes on by the same rules only: by their texts, and by those that they include.
#[test]
fn an_audit_does_not_go_on_by_other_rules() {
    let rule = |text: &str| format!("rule r {{ strings: $a = \"{text}\" condition: $a }}");
    let folder = bench(&[
        ("rules/a.yar", "include \"more.inc\""),
        ("rules/more.inc", &rule("needle")),
        ("fleet/one.bin", "....needle"),
    ]);
    let audit = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
            .current_dir(folder.path())
            .args(["audit", "fleet", "--yara", "rules", "--output", "results"])
            .args(more)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), told.contains("with other rules"))
    };
    assert_eq!(audit(&[]), (Some(8), false));
    assert_eq!(audit(&["--resume"]), (Some(8), false));
    let mut file = fs::File::create(folder.path().join("rules/more.inc")).unwrap();
    file.write_all(rule("haystack").as_bytes()).unwrap();
    assert_eq!(audit(&["--resume"]), (Some(65), true));
}
