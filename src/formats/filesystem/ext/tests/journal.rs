//! What a Linux kernel left in its journal. The contents are those that `seq` prints (fixtures/ext/make), the notes of fast commits
//! those that `debugfs -R logdump` shows.

use super::{entries, fixture, open};
use crate::digest::Digest;
use crate::entry::{Fault, Node};
use crate::formats::{Content, Opened};
use crate::problem::ProblemKind;
use crate::read::index;

/// Older contents: path, size, and the digest where they can be read.
fn former(opened: &Opened) -> Vec<(String, u64, Option<Digest>)> {
    let Content::Tree(tree) = &opened.content else {
        panic!("not a tree");
    };
    let told = tree.history.iter().map(|older| {
        let mut bytes = Vec::new();
        let read = older.file.data.copy_to(&mut bytes);
        let path = String::from_utf8_lossy(older.path.as_bytes()).into_owned();
        let digest = match read {
            Ok(()) => Some(Digest::of(&bytes)),
            Err(Fault::Problem(_)) => None,
            Err(Fault::Sink(error)) => panic!("{error}"),
        };
        assert_eq!(
            bytes.len() == index(older.file.size),
            older.why.contains("free when read")
        );
        (path, older.file.size, digest)
    });
    told.collect()
}

/// What `seq` prints.
fn seq(first: u32, last: u32) -> String {
    (first..=last).fold(String::new(), |text, number| text + &format!("{number}\n"))
}

/// The text of a file.
fn text(opened: &Opened, path: &str) -> String {
    let mut entries = entries(opened).iter();
    let entry = entries.find(|entry| entry.path.as_bytes() == path.as_bytes());
    let Some(Node::File(file)) = entry.map(|entry| &entry.node) else {
        panic!("no file {path}");
    };
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn files_that_only_the_journal_knows_are_shown_while_their_blocks_are_free() {
    let opened = open(fixture("former"));
    assert_eq!(opened.problems, []);
    let whole = |path: &str, first, last| {
        let text = seq(first, last);
        let size = u64::try_from(text.len()).unwrap();
        (path.to_owned(), size, Some(Digest::of(text.as_bytes())))
    };
    // A block of the last one was used for a directory afterwards, so that its content is not known.
    let wanted = [
        whole("/replaced", 6000, 6900),
        whole("/lost/deeper/inside", 1, 1234),
        whole("/rewritten", 1, 500),
        ("/dir/gone".to_owned(), 8893, None),
    ];
    assert_eq!(former(&opened), wanted);

    let opened = open(fixture("former-lists"));
    assert_eq!(opened.problems, []);
    assert_eq!(former(&opened), [whole("/gone", 1, 20000)]);
}

#[test]
fn a_damaged_copy_of_an_inode_is_not_used() {
    let image = fixture("former");
    let name = b"inside";
    let places: Vec<usize> = (0..image.len() - name.len())
        .filter(|&at| image[at..].starts_with(name))
        .collect();
    assert!(!places.is_empty());
    // No copy of its directory is what its checksum says: the content stays, its name does not.
    let mut nameless = image.clone();
    for at in places {
        nameless[at] = b'o';
    }
    let paths: Vec<String> = former(&open(nameless))
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert!(
        paths.iter().any(|path| path.starts_with("/deleted inode ")),
        "{paths:?}"
    );
    for step in (0..image.len()).step_by(16411) {
        let mut image = image.clone();
        image[step] ^= 0x5a;
        let _ = former(&open(image));
    }
}

#[test]
fn the_first_kind_of_checksums_is_checked() {
    let rows = |opened: &Opened| -> Vec<String> {
        let rows = entries(opened).iter();
        rows.map(|entry| format!("{:?} {:?}", entry.path, entry.meta))
            .collect()
    };
    let image = fixture("sums-before");
    let (before, after) = (open(image.clone()), open(fixture("sums-after")));
    assert_eq!(before.problems, []);
    assert_eq!(rows(&before), rows(&after));
    assert_eq!(text(&before, "/more/newer"), seq(1, 1600));
    assert_eq!(text(&after, "/more/newer"), seq(1, 1600));
    // One more byte in the last transaction: as if it had not been written to its end.
    let commit = [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 2, 0, 0, 0, 3, 1, 4];
    let at = image
        .windows(commit.len())
        .position(|bytes| bytes == commit)
        .unwrap();
    let mut image = image;
    image[at - 100] ^= 1;
    let torn = open(image);
    assert_eq!(text(&torn, "/new"), seq(1, 1500));
    assert!(
        entries(&torn)
            .iter()
            .all(|entry| entry.path.as_bytes() != b"/more")
    );
}

#[test]
fn fast_commits_are_told() {
    let opened = open(fixture("fast-commits"));
    let [problem] = &opened.problems[..] else {
        panic!("{:?}", opened.problems);
    };
    assert_eq!(problem.kind, ProblemKind::Unsupported);
    let wanted =
        "not replayed: 10 changes (new fast, removed other, new fast 2), and 0 that are not whole";
    assert!(problem.detail.contains(wanted), "{}", problem.detail);
    // The transactions before them are replayed.
    assert_eq!(text(&opened, "/new"), seq(1, 1500));
}
