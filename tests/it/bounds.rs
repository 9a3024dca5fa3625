//! File systems that are named and bounded and not read: `fixtures/*/bounds.tsv` says where each starts, how long it is and what
//! it is called, as its own tools say.

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
