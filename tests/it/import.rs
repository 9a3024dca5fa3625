//! Drafts from lists that other tools wrote of the standard tree, against an image that yet another tool made of it.

use std::fs;

use vitalsign::baseline::compare::compare;
use vitalsign::baseline::import::{self, Imported, Naming, Source};
use vitalsign::baseline::{
    Baseline, Body, Device, ExpectedNode, FileRow, Firmware, Origin, Unstated, export,
};
use vitalsign::digest::Digest;

use crate::reference;
use crate::samples::{self, repository};

const NAMING: Naming<'_> = Naming {
    component: "rootfs",
    strip: b"",
};

/// The lists, and what each is.
const LISTS: &[(&str, Source)] = &[
    ("gnu.sha256sums", Source::Sha256sums),
    ("bsd.sha256sums", Source::Sha256sums),
    ("netbsd.mtree", Source::Mtree),
    ("netbsd-paths.mtree", Source::Mtree),
    ("libarchive.mtree", Source::Mtree),
    ("libarchive-set.mtree", Source::Mtree),
    ("cyclonedx.json", Source::CycloneDx),
    ("spdx.json", Source::Spdx),
    ("tree.spdx", Source::Spdx),
    ("keylime.json", Source::Keylime),
    ("manifest.raucm", Source::Rauc),
    ("sw-description", Source::SwUpdate),
    ("tree.coswid", Source::CoSwid),
    ("tree.corim", Source::CoSwid),
    ("hostname.md5sums", Source::Dpkg),
];

fn bytes(name: &str) -> Vec<u8> {
    fs::read(repository().join("fixtures/import").join(name)).unwrap()
}

fn imported(name: &str) -> Imported {
    let (_, source) = LISTS.iter().find(|(list, _)| *list == name).unwrap();
    import::read(&bytes(name), *source, NAMING).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn baseline(imported: Imported) -> Baseline {
    let baseline = Baseline {
        sequence: 1,
        issued: "2026-01-01T00:00:00Z".parse().unwrap(),
        expires: "2036-01-01T00:00:00Z".parse().unwrap(),
        device: Device {
            vendor: "v".to_owned(),
            model: "m".to_owned(),
            ..Device::default()
        },
        firmware: Firmware {
            version: "1".to_owned(),
            ..Firmware::default()
        },
        origin: Some(Origin {
            kind: "list".to_owned(),
            name: "a \\x0a list".to_owned(),
            sha256: Digest::of(b""),
        }),
        components: imported.components,
        files: imported.files,
        pages: Vec::new(),
        functions: Vec::new(),
        elf: Vec::new(),
        texts: Vec::new(),
        boot: Vec::new(),
        trees: Vec::new(),
        mutable: Vec::new(),
    };
    let read = Baseline::parse(&baseline.write()).unwrap();
    assert_eq!(read, baseline);
    read
}

fn image() -> Vec<u8> {
    fs::read(repository().join("fixtures/tar/pax.img")).unwrap()
}

#[test]
fn the_kind_is_told_by_the_content() {
    for (name, source) in LISTS {
        assert_eq!(import::detect(&bytes(name)), Some(*source), "{name}");
    }
    for other in [
        &b""[..],
        b"{}",
        b"\x7fELF",
        b"some text\n",
        b"[section]\nkey=1\n",
    ] {
        assert_eq!(import::detect(other), None, "{other:?}");
    }
}

#[test]
fn every_spelling_of_mtree_says_the_same_and_the_image_holds_it() {
    let first = imported("netbsd.mtree");
    for name in [
        "netbsd-paths.mtree",
        "libarchive.mtree",
        "libarchive-set.mtree",
    ] {
        assert_eq!(imported(name).files, first.files, "{name}");
    }
    assert!(first.left_out.is_empty(), "{:?}", first.left_out);
    assert!(first.notes[0].contains("flags, nlink, time"));
    let (code, comparison) = reference::judge(&baseline(first), &image());
    assert_eq!(code, 0, "{:#?}", comparison.changes);
    let [told] = &comparison.not_checked[..] else {
        panic!("{:#?}", comparison.not_checked);
    };
    assert!(!told.matters);
    assert_eq!(
        told.reason,
        "component rootfs: attributes of 5 entries: the baseline does not state them"
    );
}

#[test]
fn digests_alone_leave_the_rest_unverified() {
    let gnu = imported("gnu.sha256sums");
    assert_eq!(gnu.files, imported("bsd.sha256sums").files);
    let baseline = baseline(gnu);
    let (code, comparison) = reference::judge(&baseline, &image());
    assert_eq!(code, 8, "{:#?}", comparison.changes);
    let told: Vec<(&str, bool)> = comparison
        .not_checked
        .iter()
        .map(|row| (row.reason.as_str(), row.matters))
        .collect();
    let expected = [
        (
            "component rootfs: entries without a row, 3 of type dir: the baseline does not state such entries",
            false,
        ),
        (
            "component rootfs: entries without a row, 5 of type symlink, 1 of type char, 1 of type block, 1 of type fifo: \
          the baseline does not state such entries",
            true,
        ),
    ];
    for row in expected {
        assert!(told.contains(&row), "{row:?}: {told:#?}");
    }
    assert!(
        told.iter().any(|(reason, _)| reason
            .starts_with("component rootfs: mode, owner of 56 entries; attributes of 5 entries: ")),
        "{told:#?}"
    );
    // What the list does state is compared.
    let mut changed = image();
    let at = changed
        .windows(14)
        .position(|window| window == b"root:x:0:0::/:")
        .unwrap();
    changed[at + 5] = b'y';
    let (code, comparison) = reference::judge(&baseline, &changed);
    assert_eq!(code, 12);
    assert_eq!(comparison.changes[0].path.as_deref(), Some("/etc/passwd"));
}

#[test]
fn a_file_that_no_list_names_is_added_and_a_forbidden_link_too() {
    let mut list = bytes("gnu.sha256sums");
    let cut = list.iter().position(|&byte| byte == b'\n').unwrap();
    list.drain(..=cut);
    let imported = import::read(&list, Source::Sha256sums, NAMING).unwrap();
    let mut baseline = baseline(imported);
    let (code, comparison) = reference::judge(&baseline, &image());
    assert_eq!(code, 9, "{:#?}", comparison.changes);
    // A row that lets files change at a path forbids whatever else stands there.
    let row = "mutable = [\n  { in = \"rootfs\", glob = \"/dangling\", types = [\"file\"], mode_max = \"0644\", max_bytes = 9, forbid = [] },\n]\n";
    baseline = Baseline::parse(&(baseline.write() + row)).unwrap();
    let (_, comparison) = reference::judge(&baseline, &image());
    let paths: Vec<_> = comparison
        .changes
        .iter()
        .filter_map(|it| it.path.as_deref())
        .collect();
    assert!(paths.contains(&"/dangling"), "{paths:?}");
}

/// The files of a list with their digests.
fn digests(imported: &Imported) -> Vec<(Vec<u8>, Digest)> {
    let digest = |row: &FileRow| match &row.node {
        ExpectedNode::File { sha256, .. } => Some((row.path.as_bytes().to_vec(), *sha256)),
        _ => None,
    };
    imported.files.iter().filter_map(digest).collect()
}

#[test]
fn libraries_write_the_same_files_with_the_same_digests() {
    let gnu = digests(&imported("gnu.sha256sums"));
    let printable = |path: &[u8]| {
        String::from_utf8(path.to_vec()).is_ok_and(|path| {
            !path
                .chars()
                .any(|char| char.is_control() || char == '\u{202e}')
        })
    };
    let plain: Vec<_> = gnu
        .iter()
        .filter(|(path, _)| printable(path))
        .cloned()
        .collect();
    assert_eq!(plain.len() + 4, gnu.len());
    for name in [
        "cyclonedx.json",
        "spdx.json",
        "tree.spdx",
        "tree.coswid",
        "tree.corim",
    ] {
        assert_eq!(digests(&imported(name)), plain, "{name}");
    }
    let sized = |imported: Imported| {
        let mut files = imported.files.into_iter();
        files.all(|row| !matches!(row.node, ExpectedNode::File { size: None, .. }))
    };
    assert!(sized(imported("tree.coswid")) && sized(imported("netbsd.mtree")));
    // Keylime leaves out what is below /home, and writes `_` for a blank.
    let expected = gnu
        .into_iter()
        .filter(|(path, _)| !path.starts_with(b"/home"));
    let mut expected: Vec<_> = expected
        .map(|(path, digest)| {
            let path = if path == b"/names/blank name" {
                b"/names/blank_name".to_vec()
            } else {
                path
            };
            (path, digest)
        })
        .collect();
    expected.sort();
    let keylime = imported("keylime.json");
    assert_eq!(digests(&keylime), expected);
}

#[test]
fn images_of_updates_are_raw_components_and_are_found() {
    for (list, bundle, size) in [
        ("manifest.raucm", "bundle.raucb", Some(1234)),
        ("sw-description", "update.swu", None),
    ] {
        let baseline = baseline(imported(list));
        let [component] = &baseline.components[..] else {
            panic!("{:?}", baseline.components);
        };
        assert!(matches!(component.body, Body::Raw { size: it, .. } if it == size));
        let found = samples::unpack_file(&repository().join("fixtures/cms").join(bundle));
        let comparison = compare(&baseline, &found);
        let [checked] = &comparison.checked[..] else {
            panic!("{list}: {:#?}", comparison.changes);
        };
        assert_eq!(
            (checked.component.as_str(), checked.matched),
            ("rootfs.img", 1)
        );
    }
    let cyclonedx = imported("cyclonedx.json");
    assert_eq!(cyclonedx.components[0].name, "u-boot.bin");
    assert!(cyclonedx.notes[0].contains("1 components"));
}

/// A list (SHA and OTHER stand for digests) and words of the complaint.
const CONTRADICTIONS: &[(Source, &str, &str)] = &[
    (
        Source::Sha256sums,
        "SHA  a\nSHA  ./a\n",
        "line 2: `./a` stands there twice",
    ),
    (
        Source::Sha256sums,
        "SHA  a\nSHA  a/b\n",
        "`/a` is no directory",
    ),
    (
        Source::Sha256sums,
        "SHA  a\nSHA  /b\n",
        "is absolute and others are not",
    ),
    (Source::Sha256sums, "SHA  ../b\n", "climbs"),
    (Source::Sha256sums, "SHA  a\0b\n", "no name"),
    (Source::Sha256sums, "SHA  .\n", "names the tree itself"),
    (Source::Sha256sums, "SHA  a\nSH", "line 2: this is no line"),
    (
        Source::Sha256sums,
        "SHA512 (a) = SHA\n",
        "line 1: this is no line",
    ),
    (
        Source::Sha256sums,
        "d41d8cd98f00b204e9800998ecf8427e  a\n",
        "states nothing",
    ),
    (Source::Sha256sums, "", "states nothing"),
    (
        Source::Dpkg,
        "d41d8cd98f00b204e9800998ecf8427e  a\n",
        "MD5 can be forged",
    ),
    (
        Source::Mtree,
        "a type=file sha256=SHA\na type=file sha256=SHA\n",
        "twice",
    ),
    (Source::Mtree, "..\n", "line 1: `..` goes above"),
    (Source::Mtree, "./../a type=dir\n", "climbs"),
    (Source::Mtree, "a mode=99\n", "`mode=99` cannot be read"),
    (Source::Mtree, "a mode=40755 type=dir\n", "cannot be read"),
    (Source::Mtree, "a uid=-1 type=dir\n", "cannot be read"),
    (Source::Mtree, "a type=door\n", "cannot be read"),
    (Source::Mtree, "a\\q type=dir\n", "escape"),
    (Source::Mtree, "a\\057b type=dir\n", "escaped slash"),
    (Source::Mtree, "a\\000b type=dir\n", "no name"),
    (Source::Mtree, "a type=file\n", "a: no sha256 is stated"),
    (Source::CycloneDx, "{\"bomFormat\": \"other\"}", "bomFormat"),
    (
        Source::CycloneDx,
        "{\"bomFormat\": \"CycloneDX\", \"components\": [{\"type\": \"file\", \"name\": \"a\", \"hashes\": \
             [{\"alg\": \"SHA-256\", \"content\": \"SHA\"}, {\"alg\": \"SHA-256\", \"content\": \"OTHER\"}]}]}",
        "two SHA-256",
    ),
    (
        Source::Spdx,
        "{\"spdxVersion\": \"SPDX-3.0\"}",
        "version `SPDX-3.0`",
    ),
    (
        Source::Spdx,
        "SPDXVersion: SPDX-2.3\nFileChecksum: SHA256: SHA\n",
        "line 2",
    ),
    (
        Source::Spdx,
        "SPDXVersion: SPDX-2.3\nFileName: a\nFileChecksum: SHA256: 12\n",
        "a SHA-256 that is none",
    ),
    (
        Source::Keylime,
        "{\"digests\": {\"/a\": [\"SHA\", \"OTHER\"]}}",
        "2 contents",
    ),
    (
        Source::Keylime,
        "{\"digests\": {\"/a\": [\"SHA\"], \"/a\": [\"SHA\"]}}",
        "twice",
    ),
    (
        Source::Keylime,
        "{\"digests\": {\"boot_aggregate\": [\"SHA\"]}}",
        "no path",
    ),
    (
        Source::Keylime,
        "{\"digests\": {\"/a\": [\"SHA\"]}, \"digests\": {}}",
        "duplicate",
    ),
    (Source::Rauc, "[image.a]\nfilename=a\n", "no image"),
    (
        Source::Rauc,
        "[image.a]\nfilename=x\nsha256=SHA\n[image.b]\nfilename=x\nsha256=OTHER\n",
        "not the same",
    ),
    (Source::CoSwid, "", "not CBOR"),
    (Source::CoSwid, "\u{1}\u{1}", "behind its CBOR"),
    (Source::Tree, "", "a directory"),
];

#[test]
fn lists_that_contradict_themselves_are_refused() {
    let sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let other = sha.replace('e', "f");
    for (source, text, words) in CONTRADICTIONS {
        let text = text
            .replace("SHA512", "sha512")
            .replace("SHA256", "sha256")
            .replace("SHA-256", "sha-256");
        let text = text.replace("SHA", sha).replace("OTHER", &other);
        let error = import::read(text.as_bytes(), *source, NAMING).unwrap_err();
        assert!(error.to_string().contains(words), "{text}: {error}");
        assert_eq!(error.exit_code(), 65);
    }
    let deep = format!(
        "{{\"bomFormat\": \"CycloneDX\", \"components\": {}",
        "[{\"type\":\"a\",\"components\":".repeat(100_000)
    );
    assert!(import::read(deep.as_bytes(), Source::CycloneDx, NAMING).is_err());
    let nested = vec![0x81; 1 << 20];
    assert!(import::read(&nested, Source::CoSwid, NAMING).is_err());
    // An array that says it has more than memory holds.
    assert!(
        import::read(
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            Source::CoSwid,
            NAMING
        )
        .is_err()
    );
    // Deep paths whose directories are all different.
    let paths: String = (0..70_000)
        .map(|at| format!("{sha}  {at}{}\n", "/a".repeat(2000)))
        .take(200)
        .collect();
    assert!(import::read(paths.as_bytes(), Source::Sha256sums, NAMING).is_err());
}

#[test]
fn what_is_dropped_is_told() {
    let sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!(
        "{{\"digests\": {{\"/a\": [\"{sha}\"], \"/b\": [\"{}\"]}}, \"excludes\": [\"^/tmp/\\u001b.*\"]}}",
        sha.get(..40).unwrap()
    );
    let policy = import::read(text.as_bytes(), Source::Keylime, NAMING).unwrap();
    assert_eq!(policy.left_out, ["/b: no SHA-256 is stated"]);
    assert!(
        policy
            .notes
            .iter()
            .any(|note| note.contains("1 patterns of `excludes` are DROPPED")
                && note.contains("^/tmp/\\x1b.*"))
    );
    let text = format!("a type=file sha256={sha} optional\nb type=char\n");
    let mtree = import::read(text.as_bytes(), Source::Mtree, NAMING).unwrap();
    assert_eq!(mtree.left_out, ["b: no device number is stated"]);
    assert_eq!(mtree.notes, ["not taken from the list: optional"]);
    // A byte that is no text, as Python writes it.
    let text = format!("{{\"digests\": {{\"/latin1-\\udce9\": [\"{sha}\"]}}}}");
    let policy = import::read(text.as_bytes(), Source::Keylime, NAMING).unwrap();
    assert_eq!(policy.files[1].path.as_bytes(), b"/latin1-\xe9");
}

#[test]
fn the_directory_of_the_machine_that_made_a_list_is_taken_off() {
    let sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let strip = |strip| Naming {
        component: "rootfs",
        strip,
    };
    let text = format!("{sha}  /build/root/bin/sh\n");
    let paths = |naming| -> Result<Vec<Vec<u8>>, String> {
        let imported = import::read(text.as_bytes(), Source::Sha256sums, naming);
        let imported = imported.map_err(|error| error.to_string())?;
        Ok(imported
            .files
            .iter()
            .map(|row| row.path.as_bytes().to_vec())
            .collect())
    };
    assert_eq!(
        paths(strip(b"/build/root/")).unwrap(),
        [&b"/"[..], b"/bin", b"/bin/sh"]
    );
    assert_eq!(paths(NAMING).unwrap().len(), 5);
    assert!(paths(strip(b"/build/ro")).unwrap_err().contains("--strip"));
}

#[test]
fn what_is_exported_comes_back() {
    for reference in ["fixtures/tar/pax.img", "fixtures/squashfs/gzip.img"] {
        let image = fs::read(repository().join(reference)).unwrap();
        let baseline = reference::baseline(&image);
        let index = baseline
            .components
            .iter()
            .position(|it| it.body.is_tree())
            .unwrap();
        let exported = export::mtree(&baseline, index);
        let attributes = baseline
            .files
            .iter()
            .filter(|row| !row.xattrs.is_empty())
            .count();
        assert_eq!(
            exported.left_out,
            [format!("{attributes} entries' extended attributes")]
        );
        let back = import::read(&exported.text, Source::Mtree, NAMING).unwrap();
        let mut expected: Vec<FileRow> = baseline.files.clone();
        for row in &mut expected {
            row.component = 0;
            row.xattrs.clear();
        }
        assert_eq!(back.files, expected, "{reference}");
        let sums = export::sha256sums(&baseline, index);
        assert!(sums.left_out[1].contains("no files"), "{:?}", sums.left_out);
        let back = import::read(&sums.text, Source::Sha256sums, NAMING).unwrap();
        let gnu = imported("gnu.sha256sums");
        assert_eq!(digests(&back), digests(&gnu), "{reference}");
        // As sha256sum wrote it, but for the order, which is that of `sort` there.
        let lines = |text: &[u8]| {
            let mut lines: Vec<Vec<u8>> = text
                .split(|&byte| byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&sums.text), lines(&bytes("gnu.sha256sums")));
    }
}

#[test]
fn cut_and_flipped_lists_are_read_or_refused() {
    for (name, source) in LISTS {
        let whole = bytes(name);
        let judge = |bytes: &[u8]| {
            let _ = import::detect(bytes);
            if let Ok(imported) = import::read(bytes, *source, NAMING) {
                let unstated = |component: &vitalsign::baseline::Component| matches!(&component.body, Body::Tree { unstated, .. } if unstated.contains(&Unstated::Xattrs));
                assert!(imported.files.is_empty() || imported.components.iter().any(unstated));
            }
        };
        for at in (0..whole.len()).step_by(23) {
            judge(&whole[..at]);
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            judge(&flipped);
        }
    }
}
