//! Fixtures with both sorts of spare bytes, and damage at one place each.

use super::*;
use crate::digest::Digest;
use crate::entry::{Fault, Node};
use crate::formats::filesystem::trial::{Trial, fixture, poke};
use crate::read::{length, rest};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("qnx-etfs/{name}.img.gz"))
}

/// What is told, of contents too.
fn told(image: &[u8]) -> (Trial, Vec<String>) {
    let read = crate::formats::filesystem::trial::open(&QnxEtfs, image);
    let mut told = read.problems.clone();
    for entry in &read.tree.entries {
        if let Node::File(file) = &entry.node
            && let Err(Fault::Problem(problem)) = file.data.copy_to(&mut std::io::sink())
        {
            told.push(problem.detail);
        }
    }
    (read, told)
}

/// Where the pages of `image` start whose transaction is of a file.
fn pages(image: &[u8], file: u8) -> Vec<usize> {
    let starts = (0..image.len()).step_by(2064);
    let of = |&at: &usize| image[at + 2048..at + 2052] == [file, 0, 0, 0];
    starts.filter(of).collect()
}

#[test]
fn both_sorts_of_spare_bytes_are_measured_and_whole_among_other_bytes() {
    for (name, spare) in [("tool", "16"), ("spare", "128")] {
        let image = image(name);
        let whole = Extent::known(length(&image), Proof::Structure);
        let mut stream = vec![0x55; 0x3000];
        stream.extend(&image);
        let stream = Bytes::from(stream);
        let hits: Vec<_> = memchr::memmem::find_iter(&stream, NAME).collect();
        let starts: Vec<_> = hits
            .iter()
            .filter_map(|&hit| {
                let hit = u64::try_from(hit).unwrap();
                QnxEtfs.locate(&stream, &QnxEtfs.magics()[0], hit)
            })
            .collect();
        // Of two versions of the table only the first speaks.
        assert_eq!(starts, [0x3000], "{name}");
        assert_eq!(QnxEtfs.measure(&rest(&stream, 0x3000)), Ok(whole), "{name}");
        let (read, told) = told(&image);
        assert_eq!(told, [""; 0], "{name}");
        let said: Vec<_> = read.opened.properties.iter().collect();
        assert!(
            said.contains(&(&b"spare"[..], spare.as_bytes())),
            "{said:?}"
        );
    }
}

#[test]
fn only_erased_pages_are_left_over() {
    for name in ["tool", "spare"] {
        let mut left = image(name);
        for span in &told(&left.clone()).0.opened.spans {
            let at = usize::try_from(span.at).unwrap();
            let end = at + usize::try_from(span.len).unwrap();
            left[at..end].fill(0xff);
        }
        assert!(left.iter().all(|&byte| byte == 0xff), "{name}");
    }
}

#[test]
fn what_was_overwritten_or_deleted_is_history() {
    let row = |path: &str, content: &str| {
        let bytes = content.as_bytes();
        format!("{path}\t{}\t{}", bytes.len(), Digest::of(bytes))
    };
    let mut expected = vec![
        row("/etc/passwd", "root::0:0::/:/bin/sh\n"),
        row("/gone", &"what was deleted\n".repeat(3)),
        row("/one", "0"),
    ];
    expected.sort();
    assert_eq!(told(&image("tool")).0.history(), expected);
    assert!(told(&image("spare")).0.history().is_empty());
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("tool");
    let table = *pages(&sound, 1)
        .iter()
        .rfind(|&&at| sound[at + 96..].starts_with(NAME))
        .unwrap();
    // The sixth entry is of the directory `a`, the one behind it of `a/b`.
    let (first, second) = (table + 6 * 64, table + 7 * 64);
    assert_eq!(sound[first + 32..first + 34], *b"a\0");
    for (what, damaged, words) in [
        (
            "a directory in itself",
            poke(&sound, first + 2, &[6]),
            "no directory that leads to the root",
        ),
        (
            "a directory that is not there",
            poke(&sound, second + 2, &[0xf0, 0x70]),
            "no directory that leads to the root",
        ),
        (
            "a name with a slash",
            poke(&sound, first + 32, b"/"),
            "name: the stored name",
        ),
        (
            "a type that is none",
            poke(&sound, first + 5, &[0x20]),
            "an entry of type 20000",
        ),
        (
            "no root",
            poke(&sound, table + 2, &[0xff, 0xff]),
            "no root directory",
        ),
        (
            "a page that does not hold",
            poke(&sound, table + 2048 + 11, &[5]),
            "said to be damaged",
        ),
        (
            "a bad page",
            poke(&sound, table + 2064 * 9 + 2048 + 10, &[7]),
            "no transaction that makes sense",
        ),
        (
            "a page of another file",
            poke(&sound, table + 2064 * 9 + 2048 + 1, &[9]),
            "is not there",
        ),
        (
            "the end",
            sound[..sound.len() - 2064 * 60 - 9].to_vec(),
            "is not there",
        ),
    ] {
        let (_, told) = told(&damaged);
        let found = told.iter().any(|told| told.contains(words));
        assert!(found, "{what}: {told:?}");
    }
}

#[test]
fn a_name_among_other_bytes_is_nothing() {
    let text = Bytes::from([&[b'x'; 600][..], NAME, &[b'x'; 6000]].concat());
    assert_eq!(QnxEtfs.locate(&text, &QnxEtfs.magics()[0], 600), None);
    assert!(QnxEtfs.measure(&text).is_err());
    // The table's pages with the transactions of another file.
    let mut image = image("tool");
    for at in pages(&image, 1) {
        image[at + 2048] = 9;
    }
    assert!(QnxEtfs.measure(&Bytes::from(image)).is_err());
}

#[test]
fn cut_images_and_flipped_bits_are_read_without_a_panic() {
    let sound = image("tool");
    for len in (0..sound.len()).step_by(40_009).chain(2000..2100) {
        let cut = Bytes::copy_from_slice(&sound[..len]);
        let _ = QnxEtfs.measure(&cut);
        told(&cut);
    }
    let table = pages(&sound, 1)[0];
    for at in (table..table + 600)
        .step_by(3)
        .chain(table + 2048..table + 2064)
    {
        for bit in [0, 6] {
            told(&poke(&sound, at, &[sound[at] ^ 1 << bit]));
        }
    }
}
