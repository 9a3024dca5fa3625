//! Where `--output` leads.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

fn list_to(output: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .args([
            "list",
            "fixtures/gzip/plain.img",
            "--format",
            "json",
            "--quiet",
            "--output",
        ])
        .arg(output)
        .status()
        .unwrap();
    assert!(matches!(status.code(), Some(0 | 8)), "{status}");
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("null");
    symlink("/dev/null", &link).unwrap();
    list_to(&link);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/dev/null"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_link_leads_to_the_file_that_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (link, file) = (folder.path().join("link"), folder.path().join("file"));
    fs::File::create(&file).unwrap();
    symlink("file", &link).unwrap();
    list_to(&link);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("file"));
    assert!(fs::read_to_string(&file).unwrap().starts_with('{'));
}
