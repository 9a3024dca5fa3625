//! What rpm itself lists is what is read, from each form of its database.

use super::*;

const SQLITE: &[u8] = include_bytes!("../../../../fixtures/rpmdb/rpmdb.sqlite");
const LITTLE: &[u8] = include_bytes!("../../../../fixtures/rpmdb/Packages.1234");
const BIG: &[u8] = include_bytes!("../../../../fixtures/rpmdb/Packages.4321");

fn row(package: &Package) -> String {
    format!(
        "{}\t{}\t{}\t{}\n",
        package.name,
        package.version,
        package.architecture.as_deref().unwrap(),
        package.license.as_deref().unwrap()
    )
}

#[test]
fn every_form_states_what_rpm_lists() {
    let listed = include_str!("../../../../fixtures/rpmdb/packages.tsv");
    let expected = listed.split_inclusive('\n');
    let expected: String = expected.filter(|line| !line.starts_with(KEY)).collect();
    for database in [SQLITE, LITTLE, BIG] {
        let stated = read(database);
        assert_eq!((stated.left_out, stated.unread), (0, None));
        let mut rows: Vec<String> = stated.packages.iter().map(row).collect();
        rows.sort();
        assert_eq!(rows.concat(), expected);
        assert!(stated.packages.iter().all(|it| it.source == Source::Rpm));
    }
    // The header starts where it is said to: the name stands first in its store, behind the index.
    for package in read(SQLITE).packages {
        let at = usize::try_from(package.at).unwrap();
        let fields = crate::read::Fields::big(&SQLITE[at..]);
        let index = usize::try_from(fields.u32(0).unwrap()).unwrap() * 16;
        let store = &SQLITE[at + 8 + index..][..200];
        assert!(
            store
                .windows(package.name.len())
                .any(|it| it == package.name.as_bytes())
        );
    }
}

#[test]
fn the_source_of_a_package_is_the_name_in_that_of_its_file() {
    assert_eq!(
        origin(b"openssl-3.0.8-2.src.rpm").as_deref(),
        Some("openssl")
    );
    assert_eq!(
        origin(b"gtk+-2.0-1-r0.src.rpm").as_deref(),
        Some("gtk+-2.0")
    );
    assert_eq!(origin(b"nothing"), None);
}

#[test]
fn what_is_not_read_is_told() {
    let told = |bytes: &[u8]| read(bytes).unread.unwrap();
    assert!(told(b"RpmP\0\0\0\0").contains("ndb"));
    assert!(told(b"anything").contains("no known form"));
    assert!(told(b"\x37\x7f\x06\x82\0\x2d\xe2\x18").contains("not in its database yet"));
    assert_eq!(read(b""), Stated::default());
    // A database without the table.
    let mut other = SQLITE.to_vec();
    let at = memchr::memmem::find(&other, b"Packages").unwrap();
    other[at] = b'Q';
    let rest = memchr::memmem::find_iter(&other.clone(), b"Packages").collect::<Vec<_>>();
    for at in rest {
        other[at] = b'Q';
    }
    assert!(told(&other).contains("damaged"));
}

/// Whether nothing is missing that nobody is told of.
fn is_honest(stated: &Stated, whole: &Stated) -> bool {
    stated.packages == whole.packages || stated.left_out > 0 || stated.unread.is_some()
}

#[test]
fn a_database_that_is_cut_off_is_never_silently_shorter() {
    for database in [SQLITE, LITTLE, BIG] {
        let whole = read(database);
        for len in (1..database.len()).step_by(331) {
            let stated = read(&database[..len]);
            assert!(is_honest(&stated, &whole), "{len}");
        }
    }
}

#[test]
fn hostile_databases_are_read_as_far_as_they_go() {
    for database in [SQLITE, LITTLE, BIG] {
        let mut bytes = database.to_vec();
        // Every number of what starts a page, and of the first items in it.
        for page in (0..bytes.len()).step_by(4096) {
            for at in (page..page + 128).step_by(2) {
                for value in [0, 1, 0x7f, 0xff] {
                    let before = (bytes[at], bytes[at + 1]);
                    (bytes[at], bytes[at + 1]) = (value, value);
                    read(&bytes);
                    (bytes[at], bytes[at + 1]) = before;
                }
            }
        }
    }
}

#[test]
fn pages_that_lead_to_themselves_end() {
    // Every page is the inner page of a tree, and leads to itself and the others.
    let mut bytes = SQLITE[..4096].to_vec();
    bytes.resize(4096 * 64, 0);
    for number in 1..64_usize {
        let page = &mut bytes[number * 4096..][..4096];
        page[0] = 5;
        page[3..5].copy_from_slice(&2000_u16.to_be_bytes());
        page[8..12].copy_from_slice(&u32::try_from(number + 1).unwrap().to_be_bytes());
    }
    assert!(read(&bytes).unread.is_some());
    // Every cell of a leaf is the same long one: none is told twice.
    let mut bytes = SQLITE[..4096].to_vec();
    bytes.resize(4096 * 64, 0);
    for page in bytes.as_chunks_mut::<4096>().0.iter_mut().skip(1) {
        page[0] = 13;
        page[3..5].copy_from_slice(&1000_u16.to_be_bytes());
        for slot in page[8..2008].as_chunks_mut::<2>().0 {
            *slot = 2008_u16.to_be_bytes();
        }
        page[2008..2011].copy_from_slice(&[0x8f, 0x00, 1]);
    }
    let stated = read(&bytes);
    assert!(stated.unread.is_some() && stated.left_out <= 64);
}
