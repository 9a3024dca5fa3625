//! What was deleted, and what the journal still has to write.

use super::{entries, fixture, open};
use crate::entry::Node;
use crate::formats::{Content, Opened};
use crate::problem::ProblemKind;

fn history(opened: &Opened) -> Vec<(String, u64, String)> {
    let Content::Tree(tree) = &opened.content else {
        panic!("not a tree");
    };
    let told = tree.history.iter().map(|older| {
        let mut bytes = Vec::new();
        older.file.data.copy_to(&mut bytes).unwrap();
        let path = String::from_utf8_lossy(older.path.as_bytes()).into_owned();
        (path, older.file.size, String::from_utf8(bytes).unwrap())
    });
    told.collect()
}

/// What `seq` prints.
fn seq(last: u32) -> String {
    let lines: Vec<String> = (1..=last).map(|number| number.to_string()).collect();
    lines.join("\n") + "\n"
}

#[test]
fn deleted_files_are_shown_while_their_blocks_are_free() {
    let opened = open(fixture("deleted"));
    assert_eq!(opened.problems, []);
    let mut found = history(&opened);
    found.sort();
    let wanted = [("/dir/gone", seq(2000)), ("/old", seq(500))];
    let wanted = wanted.map(|(path, text)| (path.to_owned(), text.len().try_into().unwrap(), text));
    assert_eq!(found, wanted);
    // The inode's list of blocks is the content's only map: where it names a block in use, nothing is shown.
    let image = fixture("deleted");
    let text = seq(2000);
    let at = image
        .windows(text.len())
        .position(|bytes| bytes == text.as_bytes());
    let block = u32::try_from(at.unwrap() / 1024).unwrap();
    let list: Vec<u8> = (block..block + 2).flat_map(u32::to_le_bytes).collect();
    let inode = image.windows(8).position(|bytes| bytes == list).unwrap();
    let mut image = image;
    image[inode..inode + 4].copy_from_slice(&3_u32.to_le_bytes());
    let paths: Vec<String> = history(&open(image))
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    assert_eq!(paths, ["/old"]);
}

#[test]
fn a_journal_is_replayed_as_e2fsck_does() {
    let rows = |opened: &Opened| -> Vec<String> {
        let rows = entries(opened).iter().map(|entry| {
            let mut bytes = Vec::new();
            if let Node::File(file) = &entry.node {
                file.data.copy_to(&mut bytes).unwrap();
            }
            format!("{:?} {:?} {}", entry.path, entry.meta, bytes.escape_ascii())
        });
        rows.collect()
    };
    let before = open(fixture("replay-before"));
    assert_eq!(before.problems, []);
    let said: Vec<_> = before.properties.iter().collect();
    assert_eq!(said[0].0, b"journal");
    assert!(said[0].1.starts_with(b"replayed: 4 transactions, "));
    assert_eq!(rows(&before), rows(&open(fixture("replay-after"))));
}

#[test]
fn a_damaged_journal_is_not_replayed_and_told() {
    let image = fixture("replay-before");
    let descriptor = [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 1];
    // The first block that is written starts with the magic, for which zeros stand.
    let escaped = [0, 0, 0, 0, 0xc0, 0x3b, 0x39, 0x98];
    let data = image.windows(8).position(|bytes| bytes == escaped).unwrap();
    let at = image
        .windows(8)
        .position(|bytes| bytes == descriptor)
        .unwrap();
    // A tag, and the data of the first block.
    for at in [at + 13, data + 100] {
        let mut image = image.clone();
        image[at] ^= 1;
        let kinds: Vec<_> = open(image)
            .problems
            .iter()
            .map(|problem| problem.kind)
            .collect();
        assert!(kinds.contains(&ProblemKind::Unsupported), "{at}: {kinds:?}");
        assert!(
            kinds.contains(&ProblemKind::ChecksumMismatch),
            "{at}: {kinds:?}"
        );
    }
    // What is damaged without a checksum that says so is at least no panic.
    for step in (0..2048).step_by(97) {
        let mut image = image.clone();
        image[at + step] ^= 0xff;
        let _ = open(image);
    }
}
