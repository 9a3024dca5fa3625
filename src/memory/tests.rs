use super::*;

fn run(address: u64, bytes: &[u8]) -> Run {
    Run {
        address,
        bytes: Bytes::copy_from_slice(bytes),
    }
}

fn memory(pieces: Vec<Run>) -> Memory {
    let (memory, conflicts) = Memory::new(pieces);
    assert!(conflicts.is_empty());
    memory
}

#[test]
fn pieces_in_any_order_become_runs() {
    let memory = memory(vec![run(4, b"efgh"), run(0, b"abcd"), run(16, b"xyz")]);
    assert_eq!(memory.runs, [run(0, b"abcdefgh"), run(16, b"xyz")]);
    assert_eq!(memory.at(2, 4).unwrap(), &b"cdef"[..]);
    assert_eq!(memory.at(6, 4), None);
    assert_eq!(memory.at(8, 1), None);
    assert_eq!(memory.within(&(7..17)), [run(7, b"h"), run(16, b"x")]);
}

#[test]
fn what_is_loaded_twice_must_be_the_same() {
    let (same, conflicts) =
        Memory::new(vec![run(0, b"abcdef"), run(2, b"cdefgh"), run(6, b"ghij")]);
    assert_eq!(
        (same.runs, conflicts),
        (vec![run(0, b"abcdefghij")], vec![])
    );
    let (other, conflicts) = Memory::new(vec![run(0, b"abcd"), run(2, b"XXef")]);
    assert_eq!((other.runs, conflicts), (vec![run(0, b"abcdef")], vec![2]));
}

/// A program of two sections with a small gap, and a table far behind; as its loaders have it.
#[test]
fn every_form_of_one_program_has_one_digest() {
    let code = [&b"code"[..], &[0; 20], b"more", &[0, 0]].concat();
    let (data, table) = (b"\0\0data\0\0", b"\xfftable");
    let sections = memory(vec![run(0x800, &code), run(0x820, data), run(0x900, table)]);
    let mut flat = code.clone();
    flat.resize(0x20, 0);
    flat.extend(data);
    flat.resize(0x100, 0);
    flat.extend(table);
    let copy = memory(vec![run(0x800, &flat)]);
    flat.resize(0x400, 0xff);
    let chip = memory(vec![run(0x800, &flat)]);
    assert_eq!(sections.digest(), copy.digest());
    assert_eq!(sections.digest(), chip.digest());
    let solid: Vec<u64> = sections.solid().iter().map(|run| run.address).collect();
    assert_eq!(solid, [0x800, 0x822, 0x901]);
}

#[test]
fn one_byte_more_or_elsewhere_is_another_program() {
    let digest = |at: u64, bytes: &[u8]| memory(vec![run(at, bytes)]).digest();
    assert_ne!(digest(0, b"abc"), digest(1, b"abc"));
    assert_ne!(digest(0, b"abc"), digest(0, b"abcd"));
    assert_eq!(digest(0, b"abc"), digest(0, b"abc\0\xff"));
}

#[test]
fn addresses_at_the_end_of_all_addresses_are_read() {
    let memory = memory(vec![run(u64::MAX - 1, b"abcd")]);
    assert_eq!(memory.solid().len(), 1);
    assert_eq!(memory.at(u64::MAX - 1, 4).unwrap(), &b"abcd"[..]);
}
