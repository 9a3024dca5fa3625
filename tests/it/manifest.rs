//! Files against the manifests beside them.

use std::fs;
use std::io::Write;
use std::path::Path;

use vitalsign::budget::{Budget, Limits};
use vitalsign::check;
use vitalsign::extract::{Inventory, unpack};
use vitalsign::finding::Finding;
use vitalsign::image::Image;

use crate::samples;

/// `printf abc | md5sum` and `sha256sum`.
const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn findings(root: &Path) -> Vec<Finding> {
    let budget = Budget::new(Limits::default());
    let image = Image::open(root, &budget).unwrap();
    check::structure(&unpack(&image, &budget))
}

#[test]
fn a_bundle_of_rauc_is_a_file_system_with_a_message_behind_it() {
    let path = samples::repository().join("fixtures/cms/bundle.raucb");
    let found = samples::unpack_file(&path);
    let formats: Vec<&str> = found.regions.iter().map(|it| it.format.id).collect();
    assert_eq!(formats, ["squashfs", "cms"]);
    assert!(found.problems.is_empty(), "{:#?}", found.problems);
    let end = found.regions[1].at + found.regions[1].len;
    assert_eq!(end, found.image.size);
    let codes: Vec<&str> = check::structure(&found).iter().map(|it| it.code).collect();
    assert_eq!(codes, ["manifest-holds"]);
}

#[test]
fn an_update_of_swupdate_is_an_archive_with_a_message_in_it() {
    let path = samples::repository().join("fixtures/cms/update.swu");
    let mut bytes = fs::read(path).unwrap();
    let found = samples::unpack_bytes(bytes.clone());
    let formats: Vec<&str> = found.regions.iter().map(|it| it.format.id).collect();
    assert_eq!(formats, ["cpio", "cms"]);
    let codes = |found: &Inventory| -> Vec<&str> {
        let findings = check::structure(found);
        findings.iter().map(|it| it.code).collect()
    };
    assert_eq!(codes(&found), ["manifest-holds"]);
    let stated = bytes.windows(8).position(|it| it == b"sha256 =").unwrap() + 10;
    bytes[stated] = if bytes[stated] == b'0' { b'1' } else { b'0' };
    assert_eq!(codes(&samples::unpack_bytes(bytes)), ["manifest-mismatch"]);
}

#[test]
fn a_file_that_its_manifest_contradicts_is_told_and_no_manifest_is_a_signature() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let mut file = fs::File::create(root.path().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    fs::create_dir(root.path().join("update")).unwrap();
    write("update/a", "abc");
    write("update/b", "abc");
    write(
        "update/SHA256SUMS",
        &format!("{SHA256}  a\n{SHA256}  ./b\n{SHA256}  gone\n"),
    );
    write("package.md5sums", &format!("{MD5}  update/a\n"));
    let [holds] = &findings(root.path())[..] else {
        panic!("{:#?}", findings(root.path()));
    };
    assert_eq!(holds.code, "manifest-holds");
    assert!(holds.title.contains("no signature"));
    let told = holds.evidence.last().unwrap();
    assert_eq!(
        told,
        "3 files are as stated, 1 are listed and not in this tree"
    );

    write("update/b", "abd");
    let found = findings(root.path());
    let wrong = found
        .iter()
        .find(|finding| finding.code == "manifest-mismatch");
    let wrong = wrong.unwrap();
    assert_eq!(wrong.place.to_string(), "/update/b");
    assert_eq!(wrong.evidence[1], format!("stated: sha256 {SHA256}"));
}
