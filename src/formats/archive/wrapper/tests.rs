use std::path::Path;

use super::*;

fn description() -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wrapper");
    std::fs::read_to_string(fixtures.join("acme.toml")).unwrap()
}

#[test]
fn descriptions_that_say_too_little_or_too_much_are_refused() {
    for (from, to, told) in [
        ("schema = 1", "schema = 2", "schema 1"),
        ("header = 64", "header = 20", "must stand in the header"),
        ("text = \"ACME-UPD\"", "text = \"A\"", "two bytes"),
        ("text = \"ACME-UPD\"", "hex = \"zz00\"", "two bytes"),
        ("size = 4", "size = 3", "length"),
        ("kind = \"crc32\"", "kind = \"crc99\"", "crc99"),
        ("form = \"text\"", "form = \"number\"", "field"),
        ("name = \"acme-update\"", "name = \"a\"\nextra = 1", "extra"),
    ] {
        let text = description();
        assert!(text.contains(from), "{from}");
        let error = Wrapper::parse(text.replacen(from, to, 1).as_bytes()).expect_err(to);
        assert!(error.to_string().contains(told), "{to}: {error}");
    }
}

#[test]
fn checksums_are_those_of_other_tools() {
    // By python3: zlib.adler32, hashlib, binascii.crc_hqx, sum and functools.reduce; ARC and MODBUS by hand-written loops.
    let text = |kind: &str| {
        let checksum = format!("[[checksum]]\nat = 0\nkind = \"{kind}\"\nover = \"payload\"\n");
        let start = description();
        let start = start
            .split("[[checksum]]")
            .next()
            .unwrap()
            .replace("at = 0", "at = 100");
        start.replace("header = 64", "header = 128") + &checksum
    };
    let payload = b"The quick brown fox jumps over the lazy dog";
    for (kind, expected) in [
        ("sum8", "d9"),
        ("sum16", "0fd9"),
        ("sum32", "00000fd9"),
        ("xor8", "4f"),
        ("crc16-arc", "fcdf"),
        ("crc16-ccitt", "8fdd"),
        ("crc16-xmodem", "f0c8"),
        ("crc16-modbus", "a89c"),
        ("crc32", "414fa339"),
        ("adler32", "5bdc0fda"),
        ("md5", "9e107d9d372bb6826bd81d3542a419d6"),
        ("sha1", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
        (
            "sha256",
            "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592",
        ),
    ] {
        let mut file = vec![0; 128];
        let stored = crate::digest::unhex(expected).unwrap();
        file[..stored.len()].copy_from_slice(&stored);
        file[100..108].copy_from_slice(b"ACME-UPD");
        file.extend(payload);
        let mut description = text(kind);
        description =
            description.replace("[length]\nat = 12\nsize = 4\ncounts = \"payload\"\n", "");
        let wrapper = Wrapper::parse(description.as_bytes()).unwrap();
        let (_, opened) = wrapper.open(&file.clone().into()).unwrap();
        assert!(opened.problems.is_empty(), "{kind}: {:#?}", opened.problems);
        file[0] ^= 1;
        let (_, opened) = wrapper.open(&file.into()).unwrap();
        let [problem] = &opened.problems[..] else {
            panic!("{kind}: {:#?}", opened.problems);
        };
        assert!(
            problem.detail.starts_with(&format!("the {kind} in")),
            "{kind}"
        );
    }
}
