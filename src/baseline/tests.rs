//! The text form, both ways: what is read, what is refused and on which line.

mod refused;

use super::*;
use crate::entry::{Device as DeviceNumber, EntryPath};
use crate::trust::Purpose;
use crate::trust::minisign;
use crate::trust::{Named, SecretKey, TrustError};

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A baseline with one of everything, as it is written.
fn example() -> String {
    r#"format = "vitalsign-baseline"
schema = 1
sequence = 17
issued = 2026-11-02T09:00:00Z
expires = 2028-11-02T00:00:00.5Z
device.vendor = "example-medical"
device.model = "VSM-9000"
device.hardware = ["C", "D"]
device.udi_di = "00812345678906"
device.aliases = ["Überwacher 9000", 'the "nine"']
firmware.version = "4.2.1"
firmware.security_floor = "4.2.0"
firmware.evidence = [
  { in = "rootfs", path = "/etc/vsm-release", contains = "VERSION=4.2.1" },
  { in = "boot", contains = 'U-Boot\x00' },
]
component = [
  { name = "boot", kind = "raw", size = 262144, sha256 = "SHA", at = 0 },
  { name = "rootfs", kind = "tree", format = "squashfs", at = 327680 },
  { name = "data", kind = "tree", optional = true },
]
file = [
  { in = "rootfs", path = "/", type = "dir", mode = "0755", uid = 0, gid = 0 },
  { in = "rootfs", path = "/bin", type = "dir" },
  { in = "rootfs", path = "/bin/sh", type = "symlink", mode = "0777", uid = 0, gid = 0, target = "busybox" },
  { in = "rootfs", path = "/bin/sh", ordinal = 1, type = "symlink", target = '\x00\xff' },
  { in = "rootfs", path = "/dev/console", type = "char", mode = "0600", uid = 0, gid = 5, rdev = [5, 1] },
  { in = "rootfs", path = "/dev/sda", type = "block", rdev = [8, 4294967295] },
  { in = "rootfs", path = "/odd/'\\\\\"", type = "socket" },
  { in = "rootfs", path = '/odd/\xff\x0a\\"', type = "fifo" },
  { in = "rootfs", path = "/sbin/ping", type = "file", mode = "4755", uid = 0, gid = 0, size = 18446744073709551615, sha256 = "SHA", xattrs = { "security.capability" = "0000ff", 'user.\x0a' = "" } },
  { in = "data", path = "/a/../b", type = "dir" },
]
elf = [
  { of = "SHA", machine = "aarch64", build_id = "5d1f", interpreter = "/lib/ld.so", needed = ["libc.so.6", "liba.so"], text = "SHA", imports = "SHA", exports = "SHA", sections = "SHA" },
]
mutable = [
  { in = "data", glob = "/log/*.log", types = ["file"], mode_max = "0644", max_bytes = 8388608, forbid = ["elf", "script", "setuid", "exec"] },
  { in = "data", glob = "/log/**", types = ["dir", "fifo"], mode_max = "0755", forbid = [] },
]
text = [
  { of = "SHA", marks = "AQLKl+Ow" },
]
boot = [
  { in = "boot", says = ["U-Boot 2021.01"], config = "SHA", trees = ["SHA"] },
]
device_tree = [
  { of = "SHA", marks = "AQMCil7a47A=" },
]
"#
    .replace("SHA", SHA)
}

#[test]
fn what_is_written_is_what_was_read() {
    let baseline = Baseline::parse(&example()).unwrap();
    assert_eq!(baseline.write(), example());
    assert_eq!(Baseline::parse(&baseline.write()).unwrap(), baseline);
}

#[test]
fn the_model_says_what_the_text_says() {
    let baseline = Baseline::parse(&example()).unwrap();
    assert_eq!(baseline.issued.to_string(), "2026-11-02T09:00:00Z");
    assert_eq!(baseline.device.aliases[1], "the \"nine\"");
    assert_eq!(baseline.firmware.evidence[1].contains, b"U-Boot\0");
    assert_eq!(
        baseline.files[3].node,
        ExpectedNode::Symlink(b"\0\xff".to_vec())
    );
    assert_eq!(baseline.files[3].ordinal, 1);
    assert_eq!(
        baseline.files[4].node,
        ExpectedNode::Char(DeviceNumber { major: 5, minor: 1 })
    );
    assert_eq!(baseline.files[7].path, EntryPath::new(b"/odd/\xff\n\\\""));
    assert_eq!(baseline.files[6].path, EntryPath::new(b"/odd/'\\\""));
    assert_eq!(baseline.files[8].xattrs[&b"user.\n"[..]], b"");
    assert_eq!(baseline.files[9].path.as_bytes(), b"/a/../b");
    assert_eq!(baseline.files[1].mode, None);
    assert!(baseline.components[2].optional && !baseline.components[0].optional);
}

#[test]
fn tables_and_blocks_read_like_dotted_keys_and_rows() {
    let text = format!(
        "format = 'vitalsign-baseline'\nschema = 0x1\nsequence = 1_7\nissued = 2026-11-02 10:00:00+01:00\n\
         expires = 2028-11-02t00:00:00z\n[device]\nvendor = '''v'''\nmodel = \"\\u006d\"\n[firmware]\nversion = '1'\n\
         [[component]]\nname = 'r'\nkind = 'tree'\n[[file]]\nin = 'r'\npath = '/a'\ntype = 'file'\nsize = 0\nsha256 = '{SHA}'\n"
    );
    let baseline = Baseline::parse(&text).unwrap();
    assert_eq!(
        (
            baseline.issued.to_string().as_str(),
            baseline.device.model.as_str()
        ),
        ("2026-11-02T09:00:00Z", "m")
    );
    assert_eq!(baseline.files.len(), 1);
    assert_eq!(Baseline::parse(&baseline.write()).unwrap(), baseline);
}

#[test]
fn what_a_list_could_not_state_is_stated_as_such() {
    let text = example()
        .replace("component = [", &format!("origin.kind = \"mtree\"\norigin.name = 'a\\x0a'\norigin.sha256 = \"{SHA}\"\ncomponent = ["))
        .replace("size = 262144, ", "")
        .replace("size = 18446744073709551615, ", "")
        .replace("name = \"data\", kind = \"tree\"", "name = \"data\", kind = \"tree\", unstated = [\"dir\", \"xattrs\"]");
    let baseline = Baseline::parse(&text).unwrap();
    let origin = baseline.origin.clone().unwrap();
    assert_eq!(
        (origin.kind.as_str(), origin.name.as_str()),
        ("mtree", "a\\x0a")
    );
    assert!(matches!(
        baseline.components[0].body,
        Body::Raw { size: None, .. }
    ));
    assert!(
        matches!(&baseline.components[2].body, Body::Tree { unstated, .. } if unstated.len() == 2)
    );
    assert_eq!(Baseline::parse(&baseline.write()), Ok(baseline));
    for (good, bad) in [
        ("unstated = [\"dir\"", "unstated = [\"file\""),
        (
            "unstated = [\"dir\", \"xattrs\"]",
            "unstated = [\"dir\", \"dir\"]",
        ),
        ("origin.kind", "origin.date"),
        ("origin.name = 'a\\x0a'", "origin.name = 'a\\n'"),
        ("kind = \"raw\"", "kind = \"raw\", unstated = [\"dir\"]"),
    ] {
        let bad = text.replace(good, bad);
        assert!(bad != text && Baseline::parse(&bad).is_err(), "{good}");
    }
}

#[test]
fn rows_are_sorted_when_written() {
    let mut baseline = Baseline::parse(&example()).unwrap();
    baseline.files.reverse();
    assert_eq!(baseline.write(), example());
}

#[test]
fn names_of_any_bytes_come_back() {
    let mut baseline = Baseline::parse(&example()).unwrap();
    let alphabet = [
        b'\\', b'"', b'\'', b'\n', b'\t', b'x', b'u', b'{', b'#', b',', 0xff, 0xc2, 0x85, 0xe2,
        0x80, 0xae, 0x7f, b' ',
    ];
    let mut state = 1_u32;
    let mut name = || -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize
        };
        let len = 1 + next() % 12;
        (0..len)
            .map(|_| alphabet[next() % alphabet.len()])
            .collect()
    };
    let mut files: Vec<FileRow> = (0..3000)
        .map(|_| FileRow {
            component: 1,
            path: EntryPath::new(&name()),
            ordinal: 0,
            node: ExpectedNode::Symlink(name()),
            mode: None,
            uid: Some(u32::MAX),
            gid: None,
            xattrs: [(name(), name()), (name(), Vec::new())].into(),
        })
        .collect();
    files.sort_by(|one, two| one.path.cmp(&two.path));
    files.dedup_by(|one, two| one.path == two.path);
    baseline.files = files;
    let text = baseline.write();
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)));
    assert_eq!(Baseline::parse(&text), Ok(baseline));
}

#[test]
fn every_cut_and_every_flipped_bit_is_read_or_refused_and_never_more() {
    let text = example();
    for at in 0..text.len() - 1 {
        let Some((cut, rest)) = text.split_at_checked(at) else {
            continue;
        };
        // Whole arrays at the end may be missing: that is why the bytes are signed.
        let rest = rest.trim_start();
        let clean = rest.starts_with("file = ")
            || rest.starts_with("elf = ")
            || rest.starts_with("mutable = ")
            || rest.starts_with("text = [")
            || rest.starts_with("boot = ")
            || rest.starts_with("device_tree = ");
        assert_eq!(Baseline::parse(cut).is_ok(), clean, "cut at {at}");
    }
    for at in 0..text.len() {
        for bit in [0, 3, 5, 7] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(other) = Unverified::new(bytes).read_without_trust() {
                assert_eq!(
                    Baseline::parse(&other.write()),
                    Ok(other),
                    "byte {at}, bit {bit}"
                );
            }
        }
    }
}

#[test]
fn bytes_that_are_no_text_or_too_many_are_refused() {
    let error = Unverified::new(b"format = 1\n\xff".to_vec())
        .read_without_trust()
        .unwrap_err();
    assert_eq!((error.line, error.exit_code()), (Some(2), 65));
    let error = Unverified::new(vec![b' '; MAX_BYTES + 1])
        .read_without_trust()
        .unwrap_err();
    assert!(error.what.contains("bytes") && error.line.is_none());
    assert!(Unverified::new(Vec::new()).read_without_trust().is_err());
}

#[test]
fn only_a_signature_leads_to_trust_and_it_is_looked_at_first() {
    let key = SecretKey::generate().unwrap();
    let other = SecretKey::generate().unwrap();
    let bytes = example().into_bytes();
    let signature = minisign::sign(&key, &bytes, "").unwrap();
    let verify = |bytes: &[u8], signatures: &[&str], key: &SecretKey| {
        let keys = vec![key.public()];
        let judged = Judged::new(bytes.to_vec(), signatures, &keys, Purpose::Baseline);
        Trusted::new(&judged, &Authority::of_keys(keys))
    };

    let trusted = verify(&bytes, &[&signature], &key).unwrap();
    assert_eq!(trusted.baseline(), &Baseline::parse(&example()).unwrap());
    assert_eq!(trusted.signers()[0].signer.key, key.public());
    assert_eq!(trusted.sha256(), Digest::of(&bytes));

    assert_eq!(
        verify(&bytes, &[], &key).unwrap_err(),
        Refused::Untrusted(TrustError::Unsigned)
    );
    let error = verify(&bytes, &[&signature], &other).unwrap_err();
    assert_eq!(
        (error.exit_code(), &error),
        (
            67,
            &Refused::Untrusted(TrustError::OtherKey(Named::Id(key.id())))
        )
    );
    assert_eq!(
        verify(b"junk", &[&signature], &key).unwrap_err(),
        Refused::Untrusted(TrustError::Mismatch)
    );

    // The key also signed something that is no baseline: it is its signer's, and still none.
    let sums = minisign::sign(&key, b"0123  sums\n", "").unwrap();
    let error = verify(b"0123  sums\n", &[&sums], &key).unwrap_err();
    assert!(matches!(error, Refused::Malformed(_)) && error.exit_code() == 65);
    assert!(!error.hint().is_empty());
}
