//! Archives that lie, break off or are none.

use super::*;

#[test]
fn a_damaged_header_costs_its_own_member_only() {
    let mut bytes = archive([
        Member::new(b"a", b'0', b"first"),
        extended(&[("path", "of another")]),
        Member::new(b"b", b'0', b"second"),
        Member::new(b"c", b'0', b"third"),
    ]);
    bytes[4 * 512 + 1] ^= 1;
    let (entries, opened) = open(&bytes);
    assert_eq!(paths(&entries), [&b"/a"[..], b"/c"]);
    assert!(told(&opened, ProblemKind::Corrupt, "checksum"));
    assert!(told(&opened, ProblemKind::Corrupt, "no member behind it"));
    assert!(
        !named(&opened, 4 * 512) && !named(&opened, 5 * 512),
        "what was skipped is a gap"
    );
    bytes[1] ^= 1;
    let rejected = Tar.measure(&Bytes::from(bytes));
    assert!(matches!(rejected, Err(Reject::NearMiss(_))));
}

#[test]
fn sizes_that_lie_are_told_and_never_believed() {
    let first = || Member::new(b"a", b'0', b"body");
    let next = || Member::new(b"b", b'0', b"");
    let most = archive([first().with(124, b"77777777777"), next()]);
    let measured = Tar.measure(&Bytes::copy_from_slice(&most));
    let len = 512 + 0o77_777_777_777_u64.next_multiple_of(512);
    assert_eq!(measured, Ok(Extent::known(len, Proof::Structure)));
    let (entries, opened) = open(&most);
    assert_eq!(file(&entries[0]).size, 0o77_777_777_777);
    assert!(matches!(read(&entries[0]), Err(Fault::Problem(_))));
    assert!(told(&opened, ProblemKind::Corrupt, "the archive ends"));
    for impossible in [
        &b"\x80\0\0\0\x80\0\0\0\0\0\0\0"[..],
        &[0xff; 12],
        b"9",
        b"-0000000001",
    ] {
        let bytes = archive([next(), first().with(124, impossible), next()]);
        let (entries, opened) = open(&bytes);
        assert_eq!(paths(&entries), [b"/b", b"/b"], "{impossible:?}");
        assert!(told(&opened, ProblemKind::Corrupt, "no possible size"));
    }
    let (entries, opened) = open(&archive([
        extended(&[("size", "700")]),
        first(),
        next(),
        next(),
    ]));
    assert!(told(&opened, ProblemKind::Corrupt, "readers differ"));
    assert_eq!(file(&entries[0]).size, 700);
}

#[test]
fn numbers_may_be_negative_where_that_means_something() {
    let member = Member::new(b"a", b'0', b"")
        .with(108, b"\xff\xff\xff\xff\xff\xff\xff\xfe")
        .with(136, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0");
    let (entries, opened) = open(&archive([member]));
    assert_eq!(
        (entries[0].meta.uid, entries[0].meta.gid),
        (None, Some(100))
    );
    assert_eq!(entries[0].meta.mtime, Some(-16));
    assert!(told(&opened, ProblemKind::Corrupt, "owner"));
}

#[test]
fn a_sparse_map_that_contradicts_itself_yields_no_content() {
    let sparse = |records: &[(&str, &str)]| {
        let keys = [
            &[("GNU.sparse.size", "20"), ("GNU.sparse.name", "s")],
            records,
        ]
        .concat();
        let (entries, opened) = open(&archive([
            extended(&keys),
            Member::new(b"x", b'0', b"abcdef"),
        ]));
        assert_eq!(paths(&entries), [b"/s"]);
        (read(&entries[0]), opened.problems.len())
    };
    let (content, problems) = sparse(&[("GNU.sparse.map", "2,4,10,2")]);
    assert_eq!(content.unwrap(), b"\0\0abcd\0\0\0\0ef\0\0\0\0\0\0\0\0");
    assert_eq!(problems, 0);
    for map in [
        "10,2,2,4",
        "2,4,10",
        "2,4,19,2",
        "2,5,10,2",
        "2,4,a,2",
        "18446744073709551615,6",
    ] {
        let (content, problems) = sparse(&[("GNU.sparse.map", map)]);
        assert!(matches!(content, Err(Fault::Problem(_))), "{map}");
        assert!(problems > 0, "{map}");
    }
    assert!(sparse(&[("GNU.sparse.offset", "0")]).0.is_err());
    assert!(
        sparse(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")])
            .0
            .is_err()
    );
    assert!(sparse(&[("GNU.sparse.major", "2")]).0.is_err());
}

#[test]
fn a_cut_anywhere_is_told_and_never_panics() {
    let bytes = archive([
        extended(&[("path", "long"), ("SCHILY.xattr.user.note", "kept")]),
        Member::new(b"a", b'0', &[7; 700]),
        Member::link(b"b", b"long"),
        Member::new(b"p", b'6', b""),
    ]);
    for len in 0..bytes.len() {
        let cut = Bytes::copy_from_slice(&bytes[..len]);
        let Ok(extent) = Tar.measure(&cut) else {
            assert!(len < 512);
            continue;
        };
        assert_eq!(extent.proof, Proof::Structure);
        let (entries, opened) = open(&cut);
        assert!(!opened.problems.is_empty(), "cut at {len}");
        if let Some(Ok(content)) = entries.first().map(read) {
            assert_eq!(content, [7; 700]);
        }
    }
}

#[test]
fn v7_is_known_by_its_checksum_and_noise_is_not() {
    let old = Member::new(b"a", 0, b"body").with(257, &[0; 8]);
    assert!(Tar.measure(&Bytes::from(archive([old]))).is_ok());
    let noise: Vec<u8> = (0..4096_u32)
        .map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    assert!(matches!(
        Tar.measure(&Bytes::from(noise)),
        Err(Reject::Coincidence(_))
    ));
    let mut text = vec![b'.'; 4096];
    text[257..263].copy_from_slice(b"ustar\0");
    assert!(matches!(
        Tar.measure(&Bytes::from(text)),
        Err(Reject::Coincidence(_))
    ));
}

#[test]
fn a_hundred_thousand_entries_cost_little() {
    let block = Member::new(b"tiny", b'0', b"").bytes();
    let mut bytes = block.repeat(100_000);
    bytes.resize(bytes.len() + 1024, 0);
    let (entries, opened) = open(&bytes);
    assert_eq!((entries.len(), opened.spans.len()), (100_000, 1));
    let budget = Budget::new(Limits {
        entries: 10,
        ..Limits::default()
    });
    let opened = Tar.open(Bytes::from(bytes), &budget);
    assert!(matches!(opened.content, Content::Tree(tree) if tree.entries.len() == 10));
    assert_eq!(opened.problems.len(), 1);
}
