//! The form of fingerprints, both ways.

use super::*;

fn print(number: u8, calls: bool, uses: bool) -> Print {
    Print {
        code: [number, 1, 2, 3],
        calls: calls.then_some([number, 7]),
        uses: uses.then_some([9, number]),
    }
}

fn example() -> CodeRow {
    let [widths, ..] = WIDTHS;
    CodeRow {
        widths,
        layout: Layout {
            odd: 0x81,
            loads: 2,
            notes: 1,
        },
        stubs: [1, 2, 3, 4],
        functions: vec![
            print(10, true, false),
            print(11, false, true),
            print(12, false, false),
            print(13, true, true),
            print(14, true, true),
        ],
        entry: Some(2),
        called: vec![Some(0), None],
        imports: vec![[0, 1], [0xff, 2]],
        data: vec![[1, 2, 3, 4]],
    }
}

#[test]
fn what_is_written_is_read() {
    for widths in WIDTHS {
        let row = example().narrowed(widths);
        assert_eq!(CodeRow::parse(&row.text()), Ok(row));
    }
}

/// By hand from the description of the form.
#[test]
fn the_form_is_the_one_described() {
    let bytes = STANDARD.decode(example().text()).unwrap();
    let mut expected = vec![1, 4, 2, 2, 0x81, 2, 1, 1, 2, 3, 4, 5, 0b1100_1001, 0b11];
    for number in 10..15 {
        expected.extend([number, 1, 2, 3]);
    }
    expected.extend([10, 7, 13, 7, 14, 7, 9, 11, 9, 13, 9, 14]);
    expected.extend([3, 2, 1, 0, 2, 0, 1, 0xff, 2, 1, 1, 2, 3, 4]);
    assert_eq!(bytes, expected);
}

#[test]
fn nothing_may_be_missing_or_left_over() {
    let bytes = STANDARD.decode(example().text()).unwrap();
    for end in 0..bytes.len() {
        assert!(CodeRow::parse(&STANDARD.encode(&bytes[..end])).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(CodeRow::parse(&STANDARD.encode(&longer)).is_err());
    for at in 0..4 {
        let mut other = bytes.clone();
        other[at] ^= 0x40;
        assert!(CodeRow::parse(&STANDARD.encode(&other)).is_err());
    }
    // A count that no bytes follow, and a number in more bytes than it needs.
    let mut huge = bytes[..11].to_vec();
    huge.extend([0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(CodeRow::parse(&STANDARD.encode(&huge)).is_err());
    let mut padded = bytes[..11].to_vec();
    padded.extend([0x85, 0]);
    padded.extend(&bytes[12..]);
    assert!(CodeRow::parse(&STANDARD.encode(&padded)).is_err());
}

#[test]
fn no_more_is_kept_than_fits() {
    let row = |code| ElfRow {
        of: Digest::of(b""),
        machine: None,
        build_id: None,
        interpreter: None,
        needed: Vec::new(),
        search: Vec::new(),
        text: None,
        imports: None,
        exports: None,
        sections: None,
        code,
    };
    let mut rows = vec![row(Some(example())), row(None)];
    fit(&mut rows, 1 << 20);
    assert_eq!(rows[0].code, Some(example()));
    fit(&mut rows, 64);
    assert_eq!(rows[0].code.as_ref().unwrap().widths, WIDTHS[2]);
}
