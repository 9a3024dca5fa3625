//! The names that a flash image gives its own parts.

use serde_json::Value;
use vitalsign::extract::Inventory;
use vitalsign::report::list::List;

use crate::{samples, schemas};

/// A flash of 128 KiB: noise, an environment at 64 KiB that names the parts, more noise.
fn flash(mtdparts: &str) -> Inventory {
    let mut noise = 7_u64;
    let mut image: Vec<u8> = (0..128 << 10)
        .map(|_| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (noise >> 56) as u8
        })
        .collect();
    let mut variables =
        format!("baudrate=115200\0bootcmd=boot\0mtdparts={mtdparts}\0").into_bytes();
    variables.resize(4092, 0);
    let crc = crc32fast::hash(&variables).to_le_bytes();
    image[64 << 10..(64 << 10) + 4].copy_from_slice(&crc);
    image[(64 << 10) + 4..68 << 10].copy_from_slice(&variables);
    samples::unpack_bytes(image)
}

#[test]
fn an_environment_names_the_parts_of_its_flash() {
    let found = flash("mtdparts=nor0:64k(u-boot)ro,4k(env),-(rest)");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let list = serde_json::to_value(List::new(&found)).unwrap();
    schemas::holds(&schemas::schema("list"), &list, "a flash with names");
    let parts: Vec<Value> = list["partitions"].as_array().unwrap().clone();
    let part =
        |name: &str, at: u64, len: u64| (Value::from(name), Value::from(at), Value::from(len));
    let told: Vec<_> = parts
        .iter()
        .map(|part| {
            (
                part["name"].clone(),
                part["at"].clone(),
                part["len"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            part("u-boot", 0, 64 << 10),
            part("env", 64 << 10, 4 << 10),
            part("rest", 68 << 10, 60 << 10)
        ]
    );
    assert_eq!(parts[0]["source"], "uboot-env@0x10000:/mtdparts");
    assert_eq!(list["regions"][0]["partition"], "env");
    let gaps: Vec<_> = list["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| gap["partition"].clone())
        .collect();
    assert!(
        gaps.contains(&"u-boot".into()) && gaps.contains(&"rest".into()),
        "{gaps:?}"
    );
    let names = vitalsign::baseline::create::create(&found).components;
    let names: Vec<_> = names
        .iter()
        .map(|component| component.name.as_str())
        .collect();
    assert_eq!(names, ["u-boot", "env", "rest"]);
}

#[test]
fn a_table_that_the_image_contradicts_is_told() {
    let found = flash("mtdparts=nor0:64k(u-boot),4k(env),1m(rest)");
    assert!(found.partitions.is_empty());
    assert_eq!(found.problems.len(), 1);
    assert!(found.problems[0].detail.contains("do not fit"));
    // Of two chips, the image is the one that it can be.
    let found = flash("mtdparts=nand0:1m(big);nor0:-(all)");
    assert_eq!(found.partitions[0].name, "all");
    assert!(found.problems.is_empty());
}

#[test]
fn a_device_tree_names_the_parts_of_its_flash() {
    let tree = samples::repository().join("fixtures/dtb");
    let with_parts = std::fs::read_dir(tree).unwrap().flatten().find_map(|file| {
        let found = samples::unpack_file(&file.path());
        let region = found.regions.first()?;
        let named = region
            .properties
            .keys()
            .any(|name| name.starts_with("partition."));
        named.then(|| file.path())
    });
    let mut image = std::fs::read(with_parts.unwrap()).unwrap();
    // Alone it is a file for some device; then a flash that is too short for its partitions, then one that is large enough.
    let found = samples::unpack_bytes(image.clone());
    assert!(found.partitions.is_empty() && found.problems.is_empty());
    image.extend([0xff; 512]);
    let found = samples::unpack_bytes(image.clone());
    assert!(found.partitions.is_empty());
    assert!(
        found
            .problems
            .iter()
            .any(|told| told.detail.contains("do not fit"))
    );
    image.resize(64 << 20, 0xff);
    let found = samples::unpack_bytes(image);
    assert!(
        found
            .partitions
            .iter()
            .all(|part| part.source.to_string() == "dtb@0x0")
    );
    assert!(found.partitions.len() > 1);
}
