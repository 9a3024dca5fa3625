//! Every departure from the form, as one edit of the example.

use super::{Baseline, SHA, example};
use crate::document::Malformed;

/// What is replaced, by what, the line complained of, and some words of the complaint.
type Edit = (&'static str, &'static str, usize, &'static str);

const HEADER: &[Edit] = &[
    (
        "vitalsign-baseline",
        "vitalsign-keyring",
        1,
        "another kind of document",
    ),
    ("format", "\u{feff}format", 1, "byte order mark"),
    ("schema = 1", "schema = 2", 2, "only schema"),
    ("schema = 1", "schema = ", 2, ""),
    ("schema = 1", "schema\r = 1", 2, ""),
    (
        "schema = 1",
        "schema = [[[[[[[[[[[[[[[[[[1",
        2,
        "nested too deep",
    ),
    ("schema = 1\n", "", 1, "`schema` is missing"),
    ("sequence = 17", "sequence = -1", 3, "not negative"),
    ("sequence = 17", "sequence = 1.0", 3, "whole number"),
    ("sequence = 17", "sequence = nan", 3, "whole number"),
    ("sequence = 17", "sequence = \"17\"", 3, "whole number"),
    (
        "sequence = 17",
        "sequence = 18446744073709551616",
        3,
        "64 bits",
    ),
    (
        "sequence = 17",
        "sequence = 17\nsequence = 17",
        4,
        "duplicate",
    ),
    (
        "sequence = 17",
        "sequence = 17\n\"\\u0073equence\" = 17",
        4,
        "duplicate",
    ),
    (
        "sequence = 17",
        "sequence = 17\nskip = true",
        4,
        "no key `skip`",
    ),
    (
        "sequence = 17",
        "sequence = 17\n\"a\\u202e\\u0000\" = 1",
        4,
        "no key `a\\xe2\\x80\\xae\\x00`",
    ),
    ("2026-11-02T09:00:00Z", "2026-11-02T09:00:00", 4, "offset"),
    (
        "2026-11-02T09:00:00Z",
        "2026-11-02T09:00Z",
        4,
        "date and time",
    ),
    ("2026-11-02T09:00:00Z", "2026-11-02", 4, "date and time"),
    (
        "2026-11-02T09:00:00Z",
        "\"2026-11-02T09:00:00Z\"",
        4,
        "without quotes",
    ),
    (
        "device.vendor = \"example-medical\"\n",
        "",
        6,
        "`vendor` is missing",
    ),
    ("device.vendor", "device.colour", 6, "`vendor` is missing"),
    (
        "device.model",
        "device.colour = \"red\"\ndevice.model",
        7,
        "[device] knows no key `colour`",
    ),
    ("\"VSM-9000\"", "\"\"", 7, "`model` must be"),
    ("\"VSM-9000\"", "\" VSM\"", 7, "`model` must be"),
    ("\"VSM-9000\"", "\"VSM\\u001b[2J\"", 7, "control"),
    ("\"VSM-9000\"", "\"VSM\u{202e}\"", 7, "hidden"),
    ("[\"C\", \"D\"]", "[\"C\", \"C\"]", 8, "twice"),
    ("[\"C\", \"D\"]", "[\"C\", 4]", 8, "a string"),
    ("[\"C\", \"D\"]", "\"C\"", 8, "an array"),
    (
        "firmware.version",
        "firmware.versions",
        11,
        "`version` is missing",
    ),
    (
        "path = \"/etc/vsm-release\", ",
        "",
        14,
        "the component is a tree",
    ),
    (
        "\"boot\", contains",
        "\"boot\", path = \"/x\", contains",
        15,
        "only a tree has paths",
    ),
    ("'U-Boot\\x00'", "''", 15, "not empty"),
    ("'U-Boot\\x00'", "'U-Boot\\x0'", 15, "escaped"),
];

const COMPONENTS: &[Edit] = &[
    ("\"boot\", kind", "\"Rootfs\", kind", 19, "case"),
    ("\"boot\", kind", "\"rootfs\", kind", 19, "one name"),
    ("\"boot\", kind", "\"\", kind", 18, "`name` must be"),
    ("kind = \"raw\"", "kind = \"RAW\"", 18, "one of tree, raw"),
    (
        "kind = \"raw\"",
        "kind = \"tree\"",
        18,
        "a tree knows no key",
    ),
    ("at = 0 }", "at = -1 }", 18, "not negative"),
    (
        "at = 0 }",
        "at = 0, format = \"x\" }",
        18,
        "a raw component knows no key",
    ),
    ("optional = true", "optional = 1", 20, "true or false"),
    (
        "optional = true",
        "optional = true, optional = true",
        20,
        "duplicate",
    ),
];

const OTHER_ROWS: &[Edit] = &[
    ("ordinal = 1", "ordinal = 2", 26, "none before it"),
    (", target = \"busybox\"", "", 25, "`target` is missing"),
    ("rdev = [5, 1]", "rdev = [5]", 27, "[major, minor]"),
    ("rdev = [5, 1]", "rdev = [5, 1, 2]", 27, "[major, minor]"),
    ("rdev = [5, 1]", "rdev = [5, -1]", 27, "32 bits"),
    ("rdev = [5, 1]", "rdev = \"5:1\"", 27, "an array"),
    (", rdev = [5, 1]", "", 27, "`rdev` is missing"),
    (
        "size = 18446744073709551615",
        "size = 18446744073709551616",
        31,
        "64 bits",
    ),
    ("{ of = ", "{ off = ", 35, "`of` is missing"),
    ("\"5d1f\"", "\"5d1\"", 35, "hexadecimal"),
    ("\"liba.so\"", "'liba\\n'", 35, "escaped"),
    ("\"/log/*.log\"", "\"/log/[!a]\"", 38, "negation"),
    ("\"/log/*.log\"", "\"!/log/*\"", 38, "starts with `/`"),
    ("\"/log/*.log\"", "\"/log/{a\"", 38, "braces"),
    ("[\"file\"]", "[]", 38, "at least one"),
    ("[\"file\"]", "[\"file\", \"file\"]", 38, "twice"),
    (
        "[\"file\"]",
        "[\"dir\"]",
        38,
        "without files knows no key `max_bytes`",
    ),
    (", max_bytes = 8388608", "", 38, "`max_bytes` is missing"),
    ("max_bytes = 8388608", "max_bytes = -1", 38, "not negative"),
    (
        "forbid = []",
        "forbid = [\"all\"]",
        39,
        "one of elf, script",
    ),
    (", forbid = []", "", 39, "`forbid` is missing"),
    (
        "{ in = \"data\", glob",
        "{ in = \"boot\", glob",
        38,
        "kind \"tree\"",
    ),
    (
        "[\"dir\", \"fifo\"], mode_max",
        "[\"dir\",\n \"fifo\"], mode_max = \"0755\", x",
        40,
        "no key `x`",
    ),
    (
        "mode_max = \"0644\", ",
        "mode_max = \"0644\",\n",
        38,
        "one line",
    ),
    ("mode_max = \"0644\"", "mode_max = \"\\e\"", 38, "TOML 1.0"),
];

/// The row on line 24, which the edits below are edits of.
const ROW: &str = "{ in = \"rootfs\", path = \"/bin\", type = \"dir\" }";

const ROW_EDITS: &[(&str, &str, &str)] = &[
    ("rootfs", "root", "name of a component"),
    ("rootfs", "boot", "kind \"tree\""),
    ("in = \"rootfs\", ", "", "`in` is missing"),
    ("\"/bin\"", "\"bin\"", "absolute path"),
    ("\"/bin\"", "\"./bin\"", "absolute path"),
    ("\"/bin\"", "\"/./bin\"", "absolute path"),
    ("\"/bin\"", "\"//bin\"", "absolute path"),
    ("\"/bin\"", "\"/bin/\"", "absolute path"),
    ("\"/bin\"", "\"/bin/.\"", "absolute path"),
    ("\"/bin\"", "\"\"", "absolute path"),
    ("\"/bin\"", "'/bin\\x00'", "absolute path"),
    ("\"/bin\"", "\"/bin\\u0000\"", "escaped"),
    ("\"/bin\"", "\"/bin\\u202e\"", "escaped"),
    ("\"/bin\"", "'/\\x62in'", "escaped"),
    ("\"/bin\"", "'/bin\\xFF'", "escaped"),
    ("\"/bin\"", "'/bin\\'", "escaped"),
    ("\"/bin\"", "\"/\"", "stands twice"),
    ("\"dir\"", "\"door\"", "one of file, dir"),
    ("\"dir\"", "\"Dir\"", "one of file, dir"),
    ("\"dir\"", "\"file\"", "`sha256` is missing"),
    ("\"dir\"", "\"file\", size = 1", "`sha256` is missing"),
    (
        "\"dir\"",
        "\"file\", size = 1, sha256 = \"00\"",
        "64 lower-case",
    ),
    ("\"dir\"", "\"block\"", "`rdev` is missing"),
    (" }", ", ordinal = 0 }", "left out"),
    (" }", ", ordinal = 1 }", "none before it"),
    (" }", ", target = \"x\" }", "\"dir\" knows no key `target`"),
    (" }", ", rdev = [1, 2] }", "\"dir\" knows no key `rdev`"),
    (" }", ", size = 1 }", "\"dir\" knows no key `size`"),
    (" }", ", mtime = 1 }", "no key `mtime`"),
    (" }", ", mode = 755 }", "a string"),
    (" }", ", mode = \"755\" }", "four octal digits"),
    (" }", ", mode = \"10755\" }", "four octal digits"),
    (" }", ", mode = \"0789\" }", "four octal digits"),
    (" }", ", uid = 4294967296 }", "32 bits"),
    (" }", ", gid = -1 }", "not negative"),
    (" }", ", xattrs = { a = \"0F\" } }", "hexadecimal"),
    (" }", ", xattrs = { a = \"000\" } }", "hexadecimal"),
    (" }", ", xattrs = { \"\" = \"00\" } }", "attribute names"),
    (
        " }",
        ", xattrs = { \"a\\u202e\" = \"00\" } }",
        "attribute names",
    ),
    (" }", ", xattrs = \"a\" }", "a table"),
    (
        "{ in = \"rootfs\", path = \"/bin\", type = \"dir\" }",
        "1",
        "a table",
    ),
];

fn refused(from: &str, to: &str) -> Malformed {
    let example = example();
    assert!(example.contains(from), "{from}");
    Baseline::parse(&example.replacen(from, to, 1)).expect_err(to)
}

fn check(edits: &[Edit]) {
    for (from, to, line, words) in edits {
        let error = refused(from, to);
        assert_eq!(error.line, Some(*line), "{to}: {error}");
        assert!(error.to_string().contains(words), "{to}: {error}");
    }
}

#[test]
fn headers() {
    check(HEADER);
}

#[test]
fn components() {
    check(COMPONENTS);
}

#[test]
fn rows() {
    check(OTHER_ROWS);
    for (from, to, words) in ROW_EDITS {
        let error = refused(ROW, &ROW.replacen(from, to, 1));
        assert_eq!(error.line, Some(24), "{to}: {error}");
        assert!(error.to_string().contains(words), "{to}: {error}");
    }
}

#[test]
fn order() {
    let row = format!("  {ROW},\n");
    let twice = refused(&row, &row.repeat(2));
    assert_eq!(
        (twice.line, twice.what.as_str()),
        (Some(25), "`/bin` stands twice in one component")
    );
    let late = refused(ROW, &ROW.replace("/bin", "/zzz"));
    assert_eq!(late.line, Some(25));
    assert!(late.what.starts_with("`/bin/sh` is out of order"), "{late}");
    let other_tree = refused(ROW, &ROW.replace("rootfs", "data"));
    assert_eq!(other_tree.line, Some(25));
}

#[test]
fn digests() {
    let upper = SHA.to_uppercase();
    let error = refused(SHA, &upper);
    assert_eq!(
        (error.line, error.what.contains("lower-case")),
        (Some(18), true)
    );
}

#[test]
fn rows_that_explain() {
    let cases = [
        (
            "\"AQLKl+Ow\"",
            "\"AQPKl+Ow\"",
            42,
            "of a width that is known",
        ),
        ("\"AQLKl+Ow\"", "\"AwLKl+Ow\"", 42, "in a form"),
        ("\"AQLKl+Ow\"", "\"AQLKl+M=\"", 42, "whole digests"),
        ("\"AQLKl+Ow\"", "\"AQLKl+Ow=\"", 42, "base64"),
        (
            "in = \"boot\", says",
            "in = \"data\", says",
            45,
            "kind \"raw\"",
        ),
        (
            "trees = [\"SHA\"]",
            "trees = [\"SHA\", \"SHA\"]",
            45,
            "twice",
        ),
        ("says = ", "said = ", 45, "knows no key"),
        (
            "\"AQMCil7a47A=\"",
            "\"AQICil7a47A=\"",
            48,
            "of widths that are known",
        ),
        ("\"AQMCil7a47A=\"", "\"AQMCil7a4w==\"", 48, "whole digests"),
    ];
    for (good, bad, line, what) in cases {
        let error = refused(&good.replace("SHA", SHA), &bad.replace("SHA", SHA));
        assert_eq!(error.line, Some(line), "{bad}: {error}");
        assert!(error.what.contains(what), "{bad}: {error}");
    }
}

/// Fingerprints and marks are longer than what people read.
#[test]
fn rows_may_be_long() {
    let marks = "AQLK".to_owned() + &"l8qX".repeat(400) + "l8o=";
    assert!(
        Baseline::parse(&example().replace("AQLKl+Ow", &marks)).is_err(),
        "an odd byte"
    );
    let marks = "AQLK".to_owned() + &"l8qXypfK".repeat(400) + "lw==";
    assert!(Baseline::parse(&example().replace("AQLKl+Ow", &marks)).is_ok());
}

#[test]
fn rows_of_elf_and_mutable_that_stand_twice() {
    let doubled = |start: &str| {
        let line = example()
            .lines()
            .find(|line| line.starts_with(start))
            .unwrap()
            .to_owned()
            + "\n";
        refused(&line, &line.repeat(2)).line
    };
    assert_eq!(doubled("  { of ="), Some(36));
    assert_eq!(
        doubled("  { in = \"data\", glob = \"/log/*.log\""),
        Some(39)
    );
}

#[test]
fn a_baseline_of_nothing() {
    let text = example();
    let (head, _) = text.split_once("component = [").unwrap();
    assert!(
        Baseline::parse(head)
            .unwrap_err()
            .what
            .contains("`component` is missing")
    );
    let error = Baseline::parse(&format!("{head}component = []\n")).unwrap_err();
    assert_eq!(
        (error.line, error.what.contains("at least one component")),
        (Some(17), true)
    );
}
