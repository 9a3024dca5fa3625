use std::io::Read;
use std::path::Path;

use super::bch::Bch;
use super::hamming::Hamming;
use super::*;
use crate::budget::Limits;
use crate::formats::Proof;
use crate::problem::ProblemKind;
use crate::read::length;

/// A dump that `fixtures/nand/craft` made.
fn dump(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/nand/{name}.img.gz"));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn opened(bytes: Vec<u8>) -> Opened {
    Nand.open(bytes.into(), &Budget::new(Limits::default()))
}

fn property(opened: &Opened, name: &str) -> String {
    let mut properties = opened.properties.iter();
    let found = properties.find(|(property, _)| *property == name.as_bytes());
    found.map_or_else(String::new, |(_, value)| {
        String::from_utf8(value.to_vec()).unwrap()
    })
}

/// The bytes of a part of a dump.
fn part(opened: Opened, wanted: &[u8]) -> Vec<u8> {
    let Content::Layout(parts) = opened.content else {
        panic!("no layout");
    };
    for part in parts {
        if let (true, PartBytes::Stream(mut stream)) = (part.name == wanted, part.bytes) {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            return bytes;
        }
    }
    panic!("no such part");
}

/// What the codes below are of.
fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256) as u8).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn bch_codes_are_those_of_another_implementation() {
    // From python-bchlib 2.1.3, which is Linux's lib/bch.c; the second of each with its `swap_bits`.
    for (degree, strength, plain, reversed) in [
        (13, 4, "5506d0056c5eb0", "6ccdcd4c22080a"),
        (
            13,
            8,
            "9cee4494512fd0562d28a775bf",
            "48818db330dfc402f27cc22ec4",
        ),
        (
            13,
            16,
            "0378c634cdc2ebfe63bff77dbc8d88ef87ec3b87760746f60388",
            "9e533168ecfd49819c6efe10767af443672de9775ab94f74ce38",
        ),
        (
            14,
            24,
            "6db638d9f50762b4a5cf1168e898bef83e8db59ee06427fc80b695494a526159abbc6ca74dd607d9d78c",
            "66cfab1eada270d6dd95196ae85af7c184d163f7487c85973c2f4ce5a20daa560632f737a8efc8704149",
        ),
    ] {
        let step = if degree == 13 { 512 } else { 1024 };
        let code = Bch::new(degree, strength, step);
        assert_eq!(code.remainder(&text(step), false), hex(plain));
        assert_eq!(code.remainder(&text(step), true), hex(reversed));
    }
}

#[test]
fn the_masks_of_erased_flash_are_those_that_drivers_have() {
    // omap2.c's polynomials for 4 and 8 bits; python-bchlib's test of the Exynos controller for 16.
    for (strength, mask) in [
        (4, "2813cc3996ac7f"),
        (8, "ef512e09ed939ac29779e524b5"),
        (16, "9ad7ef918880fbf7063a5c9f4924d07502e359e0e4bc1e20702e"),
    ] {
        assert_eq!(Bch::new(13, strength, 512).mask(), hex(mask));
    }
}

#[test]
fn wrong_bits_are_corrected_up_to_the_strength_of_a_code() {
    let right = text(512);
    for (strength, reversed) in [(4, false), (8, true), (16, false)] {
        let code = Bch::new(13, strength, 512);
        let stored = code.remainder(&right, reversed);
        for count in 0..=strength {
            let mut wrong = right.clone();
            for flip in 0..count {
                wrong[flip * 31] ^= 1 << (flip % 8);
            }
            let computed = code.remainder(&wrong, reversed);
            assert_eq!(
                code.correct(&mut wrong, &stored, &computed, reversed),
                Some(count)
            );
            assert_eq!(wrong, right);
        }
        let mut wrong = right.clone();
        for byte in wrong.iter_mut().step_by(20) {
            *byte ^= 0x10;
        }
        let (before, computed) = (wrong.clone(), code.remainder(&wrong, reversed));
        assert_eq!(code.correct(&mut wrong, &stored, &computed, reversed), None);
        assert_eq!(wrong, before);
    }
}

#[test]
fn every_wrong_bit_of_a_hamming_step_is_found() {
    // The codes are from the script that makes the fixtures.
    for (step, code) in [(256, [0xf0, 0xc0, 0x03]), (512, [0xa9, 0x65, 0x69])] {
        let hamming = Hamming {
            step,
            smart_media: false,
        };
        let right = craft_text(step);
        assert!(hamming.holds(&right, code), "{step}");
        for bit in 0..step * 8 {
            let mut wrong = right.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!hamming.holds(&wrong, code));
            assert_eq!(hamming.correct(&mut wrong, code), Some(1));
            assert_eq!(wrong, right);
            wrong[bit / 8] ^= 1 << (bit % 8);
            wrong[(bit / 8 + 3) % step] ^= 1 << ((bit + 1) % 8);
            assert_eq!(hamming.correct(&mut wrong, code), None);
        }
        let mut same = right.clone();
        let [first, second, third] = code;
        assert_eq!(
            hamming.correct(&mut same, [first ^ 4, second, third]),
            Some(1)
        );
        assert_eq!(same, right);
    }
}

/// Bytes that are mostly different, as the script was given them.
fn craft_text(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * at + at / 3) as u8).collect()
}

#[test]
fn geometry_and_check_bytes_are_told_from_the_dump() {
    for (name, geometry, layout, proof) in [
        ("small-hamming", (512, 16), "hamming-256", Proof::Checksum),
        (
            "small-smartmedia",
            (512, 16),
            "hamming-256-smartmedia",
            Proof::Checksum,
        ),
        ("hamming", (2048, 64), "hamming-256", Proof::Checksum),
        ("bch4", (2048, 64), "bch4", Proof::Checksum),
        ("bch8", (2048, 64), "bch8", Proof::Checksum),
        ("bch24", (4096, 256), "bch24-1024", Proof::Checksum),
        ("omap-bch8", (2048, 64), "omap-bch8", Proof::Checksum),
        ("pmecc-8", (4096, 224), "pmecc-8", Proof::Checksum),
        ("lpc32x0", (2048, 64), "lpc32x0-mlc", Proof::Structure),
    ] {
        let detected = detect::detect(&dump(name).into()).ok().unwrap();
        let (page, spare) = geometry;
        assert_eq!(
            (detected.geometry.page, detected.geometry.spare),
            (page, spare),
            "{name}"
        );
        let layouts: Vec<_> = detected
            .layouts
            .iter()
            .map(|placed| placed.layout.name)
            .collect();
        assert_eq!(layouts, [layout], "{name}");
        assert_eq!(detected.proof, proof, "{name}");
        assert!(detected.alternatives.is_empty(), "{name}");
    }
}

#[test]
fn data_without_its_spare_bytes_is_no_dump() {
    for name in ["small-hamming", "bch4", "lpc32x0"] {
        let data = part(opened(dump(name)), b"data");
        assert!(detect::detect(&data.into()).is_err(), "{name}");
    }
}

#[test]
fn pages_that_cannot_be_corrected_are_unreadable_and_told() {
    for name in ["small-hamming", "bch4", "pmecc-8"] {
        let mut bytes = dump(name);
        let at = opened(bytes.clone()).spans.first().unwrap().at;
        let page = usize::try_from(at).unwrap();
        for (at, byte) in bytes.iter_mut().skip(page).take(200).enumerate() {
            *byte ^= (at * at + 3) as u8;
        }
        let opened = opened(bytes);
        assert_eq!(property(&opened, "pages.uncorrectable"), "1", "{name}");
        let [problem] = &opened.problems[..] else {
            panic!("{name}");
        };
        assert_eq!(
            (problem.kind, problem.at),
            (ProblemKind::Unreadable, Some(at))
        );
    }
}

#[test]
fn what_is_hidden_in_spare_bytes_comes_out() {
    for (name, page, spare, free) in [("bch4", 2048, 64, 4), ("small-hamming", 512, 16, 9)] {
        let mut bytes = dump(name);
        let secret = b"hidden";
        for nth in 1..20 {
            let at = nth * (page + spare) + page + free;
            bytes[at..at + secret.len()].copy_from_slice(secret);
        }
        let mut shown = part(opened(bytes), SPARE);
        shown.retain(|&byte| byte != 0xff);
        assert_eq!(shown, secret.repeat(19), "{name}");
    }
}

#[test]
fn erased_pages_with_a_few_flipped_bits_are_erased() {
    let mut bytes = dump("bch8");
    let last = bytes.len() - 2112;
    bytes[last + 100] ^= 1;
    bytes[last + 900] ^= 0x80;
    bytes[last + 2112 - 1] ^= 2;
    let before = property(&opened(dump("bch8")), "pages.corrected-bits");
    let opened = opened(bytes);
    let bits: u64 = property(&opened, "pages.corrected-bits").parse().unwrap();
    assert_eq!(bits, before.parse::<u64>().unwrap() + 3);
    assert!(opened.problems.is_empty());
    let data = part(opened, b"data");
    assert!(data[data.len() - 2048..].iter().all(|byte| *byte == 0xff));
}

#[test]
fn every_length_of_a_dump_is_read() {
    let whole = dump("small-hamming");
    for len in (0..whole.len()).step_by(whole.len() / 200) {
        let cut = Bytes::copy_from_slice(&whole[..len]);
        if let Ok(extent) = Nand.measure(&cut) {
            let crate::formats::Length::Known(measured) = extent.len else {
                panic!();
            };
            assert_eq!(measured, length(&cut) / 528 * 528);
            let opened = Nand.open(cut, &Budget::new(Limits::default()));
            part(opened, b"data");
        }
    }
}

#[test]
fn blocks_of_yaffs_stay_as_they_are() {
    let mut bytes = dump("hamming");
    let block = 64 * 2112;
    let first = bytes.len();
    for number in 0..2_u8 {
        let mut page = vec![0xff; 2112];
        page[..8].copy_from_slice(&[3, 0, 0, 0, 1, 0, 0, 0]);
        page[10..14].copy_from_slice(b"name");
        page[2050..2060].copy_from_slice(&[1, 16, 0, 0, number, 1, 0, 0, 1, 0]);
        bytes.extend(page.repeat(64));
    }
    let Content::Layout(parts) = opened(bytes.clone()).content else {
        panic!();
    };
    let yaffs = parts
        .iter()
        .find(|part| part.name.starts_with(b"yaffs-"))
        .unwrap();
    let PartBytes::Range(range) = &yaffs.bytes else {
        panic!();
    };
    assert_eq!(*range, length(&bytes[..first])..length(&bytes));
    // All of it is YAFFS: its reader has it alone.
    let alone = Bytes::from(bytes.split_off(first));
    assert_eq!(alone.len(), 2 * block);
    assert!(Nand.measure(&alone).is_err());
}
