use bytes::Bytes;

use super::Ntfs;
use crate::entry::Node;
use crate::formats::filesystem::trial::{Trial, fixture, poke, stored};
use crate::formats::{Format, Length, Proof, Reject};

fn open(image: &[u8]) -> Trial {
    crate::formats::filesystem::trial::open(&Ntfs, image)
}

fn measure(image: &[u8]) -> Result<(u64, Proof), Reject> {
    let extent = Ntfs.measure(&Bytes::copy_from_slice(image))?;
    match extent.len {
        Length::Known(len) => Ok((len, extent.proof)),
        Length::Decoded => panic!("a file system states its length"),
    }
}

/// Where the record of a file is: the last one in the image that holds its name.
fn record_of(image: &[u8], name: &str) -> usize {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let holds = |at: &usize| {
        let record = &image[*at..*at + 1024];
        let named = record.windows(name.len()).any(|window| window == name);
        record.starts_with(b"FILE") && named
    };
    let mut places = (0..image.len() - 1024).step_by(512).filter(holds);
    places.next_back().unwrap()
}

/// Where an attribute of a record is.
fn attribute(image: &[u8], record: usize, kind: u32) -> usize {
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let mut at = record + usize::from(image[record + 20]);
    while word(at) != kind {
        at += word(at + 4) as usize;
    }
    at
}

#[test]
fn every_variant_is_read_without_a_problem() {
    for variant in ["plain", "compressed", "deleted"] {
        let found = open(&fixture(&format!("ntfs/{variant}.img.gz")));
        assert_eq!(found.problems, Vec::<String>::new(), "{variant}");
    }
}

#[test]
fn deleted_files_are_history_where_their_clusters_are_free() {
    let found = open(&fixture("ntfs/deleted.img.gz"));
    let truth = String::from_utf8(stored("ntfs/deleted.img.gz.history.tsv")).unwrap();
    assert_eq!(found.history(), truth.lines().collect::<Vec<_>>());
}

#[test]
fn hard_links_share_their_content_and_streams_have_a_name() {
    let found = open(&fixture("ntfs/plain.img.gz"));
    let tool = |path: &[u8]| {
        let mut entries = found.tree.entries.iter();
        let entry = entries.find(|entry| entry.path.as_bytes() == path).unwrap();
        match &entry.node {
            Node::File(file) => file.clone(),
            _ => panic!("a file"),
        }
    };
    let (one, other) = (tool(b"/bin/tool"), tool(b"/a/b/tool-again"));
    assert!(std::sync::Arc::ptr_eq(&one.data, &other.data));
    assert_eq!(tool(b"/one:note").size, 20);
    assert_eq!(tool(b"/one:long").size, 3000);
    let said: Vec<_> = found.opened.properties.iter().collect();
    assert!(said.contains(&(&b"label"[..], &b"VITALSIGN"[..])));
    assert!(said.contains(&(&b"version"[..], &b"3.1"[..])));
}

#[test]
fn damage_is_told() {
    let image = fixture("ntfs/plain.img.gz");
    let count = open(&image).tree.entries.len();
    let blocks = record_of(&image, "blocks");
    let data = attribute(&image, blocks, 0x80);
    let table = 4 * 4096;
    let cases: &[(&str, usize, &[u8], &str)] = &[
        ("boot code", 100, &[1], "the boot sector and its copy"),
        (
            "a mark of a record",
            blocks + 510,
            &[0xee, 0xee],
            "was not written to its end",
        ),
        ("a record", blocks, b"BAAD", "makes no sense"),
        ("the first record", table, b"BAAD", "its copy is read"),
        (
            "the copy of a record",
            table + 3 * 1024 + 60,
            &[0x77],
            "and its copy differ",
        ),
        (
            "the list of clusters",
            data + 64,
            &[0xff],
            "the list of its clusters makes no sense",
        ),
        (
            "clusters of another",
            data + 66,
            &[1],
            "which another file has too",
        ),
        (
            "the bits of its kind",
            data + 13,
            &[0x40],
            "is encrypted (EFS)",
        ),
        (
            "the end of the attributes",
            attribute(&image, blocks, 0x30),
            &[0; 4],
            "do not end",
        ),
        (
            "the directory of a name",
            attribute(&image, blocks, 0x30) + 24,
            &[99],
            "names a directory that is none",
        ),
    ];
    for (name, at, bytes, wanted) in cases {
        let found = open(&poke(&image, *at, bytes));
        assert!(found.tells(wanted), "{name}: {:?}", found.problems);
        assert!(found.tree.entries.len() >= count - 1, "{name}");
    }
}

/// Where the entry of an index is that lists a name: in a block, or in the record of a small directory.
fn entry_of(image: &[u8], name: &str) -> usize {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let places = (82..image.len() - name.len()).filter(|&at| image[at..].starts_with(&name));
    let mut entries = places.filter(|at| {
        let entry = &image[at - 82..];
        // The length of the name, and that of the copy of its attribute.
        usize::from(entry[80]) * 2 == name.len() && usize::from(entry[10]) == 66 + name.len()
    });
    entries.next().unwrap() - 82
}

#[test]
fn what_an_index_hides_or_makes_up_is_told() {
    let image = fixture("ntfs/plain.img.gz");
    let count = open(&image).tree.entries.len();
    let hidden = "so that no driver shows it";
    let made_up = "which does not have this name";
    // Another record, another use of the record, another name.
    for (name, offset, byte) in [("empty", 0, 77), ("notes", 6, 77), ("shadow", 82, b'x')] {
        let at = entry_of(&image, name) + offset;
        let found = open(&poke(&image, at, &[byte]));
        assert!(found.tells(hidden), "{name}: {:?}", found.problems);
        assert!(found.tells(made_up), "{name}: {:?}", found.problems);
        assert_eq!(found.tree.entries.len(), count, "{name}");
    }
    // The index of a small directory ends before its first entry: as a rootkit takes a file out of it.
    let home = record_of(&image, "home");
    let root = attribute(&image, home, 0x90);
    let value = root + usize::from(image[root + 20]);
    let found = open(&poke(&image, value + 32 + 12, &[2]));
    assert!(found.tells(hidden), "{:?}", found.problems);
    assert!(!found.tells(made_up), "{:?}", found.problems);
    // An index that cannot be followed.
    let found = open(&poke(&image, value + 20, &[3]));
    assert!(found.tells("makes no sense"), "{:?}", found.problems);
}

#[test]
fn a_lost_boot_sector_is_read_from_its_copy() {
    let image = fixture("ntfs/plain.img.gz");
    let len = u64::from_le_bytes(image[40..48].try_into().unwrap()) * 512 + 512;
    let whole = open(&image[..len as usize]).rows();
    let lost = poke(&image[..len as usize], 0, &[0; 512]);
    let found = open(&lost);
    assert!(found.tells("its copy is read"));
    assert_eq!(found.rows(), whole);
    let stream = Bytes::from([vec![7; 700], lost].concat());
    let hit = 700 + len - 512 + 3;
    assert_eq!(Ntfs.locate(&stream, &Ntfs.magics()[0], hit), Some(700));
}

#[test]
fn a_boot_sector_needs_a_table_of_files() {
    let image = fixture("ntfs/plain.img.gz");
    let len = u64::from_le_bytes(image[40..48].try_into().unwrap()) * 512 + 512;
    assert_eq!(measure(&image), Ok((len, Proof::Structure)));
    assert!(matches!(
        measure(&poke(&image[..image.len() - 4096], 13, &[3])),
        Err(Reject::NearMiss(_))
    ));
    let empty = poke(&vec![0; image.len()], 0, &image[..512]);
    assert!(matches!(measure(&empty), Err(Reject::NearMiss(_))));
    let other = [&[0; 3][..], b"NTFS    ", &[0; 800]].concat();
    assert!(matches!(measure(&other), Err(Reject::Coincidence(_))));
}

#[test]
fn every_truncation_is_survived() {
    let image = fixture("ntfs/plain.img.gz");
    for len in (0..image.len() - 1_100_000).step_by(50_021) {
        assert!(!open(&image[..len]).problems.is_empty(), "{len}");
    }
}

/// Whether the byte at `at` is explained.
fn is_named(found: &Trial, at: usize) -> bool {
    let at = at as u64;
    let mut spans = found.opened.spans.iter();
    spans.any(|span| (span.at..span.at + span.len).contains(&at))
}

#[test]
fn a_file_among_the_volumes_own_is_a_file() {
    let mut image = fixture("ntfs/plain.img.gz");
    let record = record_of(&image, "blocks");
    let name = attribute(&image, record, 0x30);
    // Its directory is now $Extend, whose record is 11 and was used as often.
    image[name + 24..name + 32].copy_from_slice(&[11, 0, 0, 0, 0, 0, 11, 0]);
    let found = open(&image);
    let mut paths = found.tree.entries.iter().map(|entry| entry.path.as_bytes());
    assert!(paths.any(|path| path == b"/$Extend/blocks"));
}

#[test]
fn clusters_that_nothing_reads_stay_open() {
    let sound = fixture("ntfs/plain.img.gz");
    let record = record_of(&sound, "blocks");
    let data = attribute(&sound, record, 0x80);
    let text = sound.windows(4096).step_by(512).position(|window| {
        let file = open(&sound);
        let entry = file
            .tree
            .entries
            .iter()
            .find(|entry| entry.path.as_bytes() == b"/blocks");
        let Node::File(blocks) = &entry.unwrap().node else {
            panic!("a file");
        };
        blocks
            .data
            .bytes()
            .is_some_and(|bytes| bytes[..4096] == *window)
    });
    let at = text.unwrap() * 512;
    assert!(is_named(&open(&sound), at));
    for kind in [0xe0, 0x100, 0xf0f0_u32] {
        let mut image = sound.clone();
        image[data..data + 4].copy_from_slice(&kind.to_le_bytes());
        assert!(!is_named(&open(&image), at), "{kind:#x}");
    }
}

#[test]
fn records_that_no_file_knows_of_stay_open() {
    let mut image = fixture("ntfs/plain.img.gz");
    let record = record_of(&image, "blocks");
    // It says that it belongs to the root directory, which knows nothing of it.
    image[record + 32] = 5;
    let found = open(&image);
    assert!(!is_named(&found, record) && !is_named(&found, record + 100));
}
