use super::*;

fn image(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vxworks");
    std::fs::read(format!("{root}/{name}.img")).unwrap()
}

/// What the writer says of an image: where its table is, its order, base and count, and the addresses of functions.
fn truth(name: &str) -> (u64, String, u64, u64, Vec<u64>) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vxworks");
    let text = std::fs::read_to_string(format!("{root}/{name}.img.symbols")).unwrap();
    let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x").unwrap(), 16).unwrap();
    let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let functions = lines.filter(|symbol| matches!(symbol[2], "4" | "5"));
    (
        head[0].parse().unwrap(),
        head[1].to_owned(),
        hex(head[2]),
        head[3].parse().unwrap(),
        functions.map(|symbol| hex(symbol[1])).collect(),
    )
}

#[test]
fn tables_are_those_of_the_writer() {
    for (name, series) in [("five", 5), ("six", 6)] {
        let (at, order, base, count, functions) = truth(name);
        let table = symbol_table(&image(name)).unwrap();
        assert_eq!(table.series, series);
        assert_eq!((table.at, table.count), (at, count));
        assert_eq!((table.address, table.base), (base + at, Some(base)));
        assert_eq!(word(table.endian), order);
        let range = (
            *functions.iter().min().unwrap(),
            *functions.iter().max().unwrap(),
        );
        assert_eq!(table.functions, Some(range));
        // Behind more bytes than there are addresses below, it has no base.
        let inside = [vec![0xff; 0x20000], image(name), vec![0x55; 300]].concat();
        let table = symbol_table(&inside).unwrap();
        assert_eq!((table.at, table.count), (at + 0x20000, count));
        assert_eq!(table.address, base + at);
        assert_eq!(table.base, base.checked_sub(0x20000));
    }
}

#[test]
fn it_is_told_in_a_line_and_as_json() {
    let table = symbol_table(&image("five")).unwrap();
    let line = table.to_string();
    assert!(line.starts_with("VxWorks 5 symbol table at 0x"), "{line}");
    assert!(line.contains(": 240 symbols, big-endian, loaded at 0x0001"));
    let json = serde_json::to_value(&table).unwrap();
    assert_eq!(json["endian"], "big");
    assert_eq!(json["base"], 0x10000);
    assert!(
        line.contains("(base 0x00010000), functions from 0x00010"),
        "{line}"
    );
    let facts = serde_json::to_value(crate::facts::of(&image("six"))).unwrap();
    assert_eq!(facts["symbol-table"]["series"], 6);
}

#[test]
fn names_that_do_not_resolve_are_no_table() {
    for name in ["five", "six"] {
        let sound = image(name);
        let at = usize::try_from(truth(name).0).unwrap();
        // Without the strings, or with all names at one of them.
        let mut blank = sound.clone();
        blank[..at].fill(0);
        assert_eq!(symbol_table(&blank), None);
        let size = if name == "five" { 16 } else { 20 };
        let mut same = sound.clone();
        let first = sound[at + 4..at + 8].to_vec();
        for record in same[at..].chunks_exact_mut(size) {
            record[4..8].copy_from_slice(&first);
        }
        assert_eq!(symbol_table(&same), None);
        // Too few records.
        assert_eq!(symbol_table(&sound[..at + size * (FEWEST - 1)]), None);
        assert_eq!(
            symbol_table(&sound[..at + size * FEWEST]).unwrap().count,
            100
        );
        // One that leads nowhere ends it, unless it is among those that decide.
        let last = if name == "five" { 200 } else { 140 };
        for (number, count) in [(last, Some(u64::try_from(last).unwrap())), (75, None)] {
            let mut broken = sound.clone();
            broken[at + 4 + number * size..][..4].fill(0xfe);
            assert_eq!(symbol_table(&broken).map(|table| table.count), count);
        }
    }
}

#[test]
fn more_than_one_load_address_is_none() {
    // Names of one length, so that each next one fits as well.
    let mut image = Vec::new();
    let mut places = Vec::new();
    for number in 0..400_u32 {
        places.push(0x1000 + u32::try_from(image.len()).unwrap());
        image.extend(format!("symbol{number:03}\0").bytes());
    }
    for &place in &places[100..260] {
        for word in [0, place, 0x1234] {
            image.extend(word.to_be_bytes());
        }
        image.extend([0, 0, 5, 0]);
    }
    assert_eq!(symbol_table(&image), None);
}

#[test]
fn hostile_bytes_end() {
    assert_eq!(symbol_table(&[]), None);
    assert_eq!(symbol_table(&[0; 5000]), None);
    assert_eq!(symbol_table(&[5; 5000]), None);
    // Everything is a record, and every other byte a name.
    let record = [0, 0, 0, 1, b'a', 0, b'b', 0, b'c', 0, b'd', 0, 0, 0, 5, 0];
    let many = record.repeat(1 << 16);
    assert_eq!(symbol_table(&many), None);
    let sound = image("five");
    for at in (0..sound.len()).step_by(7) {
        let mut mutant = sound.clone();
        mutant[at] ^= 1 << (at % 8);
        if let Some(table) = symbol_table(&mutant) {
            assert!(table.base == Some(0x10000) && table.count <= 240);
        }
    }
    for len in (0..sound.len()).step_by(97) {
        symbol_table(&sound[..len]);
    }
}
