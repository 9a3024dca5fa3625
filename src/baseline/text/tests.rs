//! The form of the rows of texts.

use super::*;

fn row(text: &[u8]) -> TextRow {
    TextRow::of(b"/etc/x", text, Digest::of(text)).unwrap()
}

/// By hand from the description of the form: `printf a | sha256sum` starts with ca97, of b with 3e23, of nothing with e3b0.
#[test]
fn the_form_is_the_one_described() {
    let bytes = STANDARD.decode(row(b"a\n\r\nb\n").text()).unwrap();
    assert_eq!(bytes, [1, 2, 0xca, 0x97, 0xe3, 0xb0, 0x3e, 0x23]);
    let value = TextRow::of_value(b"bootcmd", b"a; b", Digest::of(b"a; b")).unwrap();
    let bytes = STANDARD.decode(value.text()).unwrap();
    assert_eq!(bytes, [2, 2, 0xca, 0x97, 0x3e, 0x23]);
}

#[test]
fn what_is_written_is_read() {
    for text in [&b"a"[..], b"a\n", b"\n\n", b"a\r\nb"] {
        let row = row(text);
        assert_eq!(TextRow::parse(row.of, &row.text()), Ok(row));
    }
}

#[test]
fn other_forms_and_widths_are_refused() {
    let of = Digest::of(b"");
    let good = STANDARD.decode(row(b"a\nb\n").text()).unwrap();
    for end in [0, 1, 2, 3, 5] {
        assert!(TextRow::parse(of, &STANDARD.encode(&good[..end])).is_err());
    }
    for (at, byte) in [(0, 0), (0, 3), (1, 1), (1, 4)] {
        let mut other = good.clone();
        other[at] = byte;
        assert!(TextRow::parse(of, &STANDARD.encode(&other)).is_err());
    }
    let mut many = vec![1, 2];
    many.resize(2 + 2 * (MOST + 1), 0);
    assert!(TextRow::parse(of, &STANDARD.encode(&many)).is_err());
    assert!(TextRow::parse(of, "AQLKlz4j=").is_err());
    assert!(TextRow::parse(of, "AQLKl").is_err());
}

#[test]
fn a_secret_leaves_no_mark() {
    assert_eq!(row(b"psk=one\n").marks, row(b"psk=other\n").marks);
    let none = |path: &[u8], text: &[u8]| TextRow::of(path, text, Digest::of(text)).is_none();
    assert!(none(b"/etc/shadow", b"root:x\n"));
    assert!(none(b"/etc/x", b"a\0b"));
    assert!(none(b"/etc/x", b""));
    assert!(none(b"/etc/x", &vec![b'\n'; MOST + 1]));
    assert!(!none(b"/etc/x", &vec![b'\n'; MOST]));
    assert!(TextRow::of_value(b"wpa_psk", b"one two", Digest::of(b"")).is_none());
}
