//! File systems that are named and bounded and not read: `fixtures/*/bounds.tsv` says where each starts, how long it is and what
//! it is called, as its own tools say.

use std::io::Read;

use vitalsign::problem::ProblemKind;

use crate::samples::{self, repository};

#[test]
fn what_is_not_read_is_named_with_its_true_bounds() {
    let mut compared = 0;
    for folder in std::fs::read_dir(repository().join("fixtures")).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(rows) = std::fs::read_to_string(folder.join("bounds.tsv")) else {
            continue;
        };
        for row in rows.lines() {
            let row: Vec<&str> = row.split('\t').collect();
            let [image, format, at, len, property, value] = row[..] else {
                panic!("{row:?}");
            };
            let found = samples::unpack_file(&folder.join(image));
            let region = found
                .regions
                .iter()
                .find(|region| region.format.id == format)
                .unwrap_or_else(|| panic!("{image}: no {format}"));
            assert_eq!(
                (region.at.to_string(), region.len.to_string()),
                (at.to_owned(), len.to_owned()),
                "{format}"
            );
            let told = region.properties.get(property).map(String::as_str);
            assert_eq!(told, (property != "-").then_some(value), "{format}");
            assert!(found.is_incomplete(), "{format} is not read");
            compared += 1;
        }
    }
    assert!(compared > 0);
}

#[test]
fn a_copy_of_its_start_inside_a_file_system_is_no_region() {
    // Journals and free blocks keep copies of superblocks; what follows them is something else.
    let mut image = Vec::new();
    let stored = std::fs::File::open(repository().join("fixtures/xfs/plain.img.gz")).unwrap();
    flate2::read::GzDecoder::new(stored)
        .read_to_end(&mut image)
        .unwrap();
    let copy = image[..512].to_vec();
    let at = image.len() - (1 << 20) - 512;
    image[at..at + 512].copy_from_slice(&copy);
    let found = samples::unpack_bytes(image);
    let regions: Vec<_> = found.regions.iter().map(|region| region.at).collect();
    assert_eq!(regions, [0], "{:?}", found.problems);
    assert!(
        found
            .problems
            .iter()
            .any(|told| told.kind == ProblemKind::Overlap)
    );
    assert!(
        found
            .gaps
            .iter()
            .any(|gap| gap.at == at as u64 || (gap.at < at as u64 && gap.at + gap.len > at as u64))
    );
}
