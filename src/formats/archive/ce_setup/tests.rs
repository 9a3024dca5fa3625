use super::*;
use crate::formats::archive::trial::{contents, explained, fixture, open};

fn header() -> Vec<u8> {
    fixture("ce-setup/header.img")
}

/// What is said of the setup, and what is wrong with it.
fn told(bytes: &[u8]) -> Option<(String, Vec<String>)> {
    let (_, _, opened) = open(&CeSetup, bytes.to_vec())?;
    let lines = opened.properties.iter().map(|(name, value)| {
        let name = String::from_utf8_lossy(name);
        format!("{name} = {}\n", String::from_utf8_lossy(value))
    });
    let lines = lines.collect();
    let problems = opened.problems.into_iter().map(|problem| problem.detail);
    Some((lines, problems.collect()))
}

#[test]
fn members_get_the_names_that_the_device_gives_them() {
    let (lines, problems) = told(&header()).unwrap();
    assert_eq!(problems, [""; 0]);
    let expected = r"application = Monitor
file.001 = %CE1%\Monitor\monitor.exe
file.001.flags = 0x20000000
file.002 = %InstallDir%\alarm sounds.dat
file.003 = %CE1%\Monitor\a/b\driver.dll
file.003.flags = 0x10000001
link.1 = %CE11%\Monitor.lnk -> %CE1%\Monitor\monitor.exe
link.2 = %CE4%\Monitor -> %CE1%\Monitor
processor = StrongARM
provider = Example
unsupported = Jupiter, Palm PC2
windows-ce.least = 3.0
windows-ce.most = 6.99
windows-ce.most-build = 3758096384
";
    assert_eq!(lines, expected);
}

#[test]
fn registry_values_are_files() {
    let (len, tree, opened) = open(&CeSetup, [&header()[..], b"behind"].concat()).unwrap();
    assert_eq!(len, header().len() as u64);
    assert_eq!(explained(&opened), len);
    let paths = tree.entries.iter().map(|entry| entry.path.as_bytes());
    let paths: Vec<String> = paths.map(|path| path.escape_ascii().to_string()).collect();
    assert_eq!(
        paths,
        [
            "/HKLM/Software/Example/Monitor/Path%sz",
            "/HKLM/Software/Example/Monitor/Interval%dword",
            "/HKLM/Software/Example/Monitor/Key%binary",
            "/HKLM/Software/Example/Monitor/List%multi-sz",
            "/HKCR/Monitor.lnk/%sz"
        ]
    );
    let held = contents(&tree);
    assert_eq!(
        held[0].as_deref(),
        Some(&b"%InstallDir%\\monitor.exe\0"[..])
    );
    assert_eq!(held[1].as_deref(), Some(&[5, 0, 0, 0][..]));
    assert_eq!(held[3].as_deref(), Some(&b"one\0two\0\0"[..]));
}

#[test]
fn what_names_nothing_is_told() {
    let sound = header();
    let word = |at: usize| usize::from(u16::from_le_bytes([sound[at], sound[at + 1]]));
    let (dirs, files, hives) = (word(64), word(68), word(72));
    let (values, links) = (word(76), word(80));
    for (at, byte, words) in [
        (dirs + 4, 99, "no string 99"),
        (files + 2, 99, "directory 99, which is none"),
        (files + 10, 0xff, "table of files is cut off"),
        (hives + 2, 9, "below key 9"),
        (values + 2, 9, "no name or no key"),
        (links + 4, 99, "directory 99, which is none"),
        (links + 6, 99, "leads to 99"),
        (52, 0xff, "is cut off"),
    ] {
        let mut mutant = sound.clone();
        mutant[at] = byte;
        if at == files + 10 {
            mutant[at + 1] = byte;
        }
        let (_, problems) = told(&mutant).unwrap();
        let problems = problems.join("; ");
        assert!(problems.contains(words), "{words}: {problems}");
    }
}

/// A header with one application name and these tables: their counts, and their bytes one behind the other.
fn crafted(counts: [u16; 6], tables: [&[u8]; 6]) -> Vec<u8> {
    let mut body = b"A\0".to_vec();
    let mut offsets = Vec::new();
    for table in tables {
        offsets.extend_from_slice(&(100 + body.len() as u32).to_le_bytes());
        body.extend_from_slice(table);
    }
    let mut header = b"MSCE\0\0\0\0".to_vec();
    header.extend_from_slice(&(100 + body.len() as u32).to_le_bytes());
    header.resize(48, 0);
    header.extend(counts.iter().flat_map(|count| count.to_le_bytes()));
    header.extend(offsets);
    header.extend_from_slice(&[100, 0, 2, 0]);
    header.resize(100, 0);
    [header, body].concat()
}

#[test]
fn paths_that_repeat_a_long_text_are_bounded() {
    let string = [&[1, 0, 0xff, 0xff][..], &b"x".repeat(0xffff)].concat();
    let list: Vec<u8> = [1, 0].repeat(0x7fff);
    let dir = [&[1, 0, 0xfe, 0xff][..], &list].concat();
    let dirs = dir.repeat(20);
    let file = |id: u16| {
        [
            &id.to_le_bytes()[..],
            &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, b'f', 0],
        ]
        .concat()
    };
    let files: Vec<u8> = (0..u16::MAX).flat_map(file).collect();
    let counts = [1, 20, u16::MAX, 0, 0, 0];
    let (lines, problems) =
        told(&crafted(counts, [&string, &dirs, &files, b"", b"", b""])).unwrap();
    assert!(problems.iter().any(|told| told.contains("a path longer")));
    let end = problems.last().unwrap();
    assert!(end.starts_with("paths and attributes of more than"));
    assert!(lines.len() < 64 << 20);
}

#[test]
fn hostile_headers_end() {
    let sound = header();
    for len in 0..sound.len() {
        if let Some((_, problems)) = told(&sound[..len]) {
            assert!(!problems.is_empty(), "{len}");
        }
    }
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut mutant = sound.clone();
            mutant[at] ^= 1 << bit;
            let _ = told(&mutant);
        }
    }
}
