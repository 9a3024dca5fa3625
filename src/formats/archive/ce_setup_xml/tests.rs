use super::*;
use crate::formats::archive::trial::{contents, fixture, open};

fn document() -> Vec<u8> {
    fixture("ce-setup-xml/document.img")
}

#[test]
fn members_get_the_names_that_the_device_gives_them() {
    let longer = [&document()[..], b"behind"].concat();
    let (len, tree, opened) = open(&CeSetupXml, longer).unwrap();
    assert_eq!(len, document().len() as u64);
    assert!(opened.problems.is_empty());
    let lines: Vec<String> = opened
        .properties
        .iter()
        .map(|(name, value)| format!("{} = {}", name.escape_ascii(), value.escape_ascii()))
        .collect();
    assert_eq!(
        lines,
        [
            r"file.00DRIVER.002 = %CE2%\\driver.dll",
            r"file.MONITO~1.001 = %CE1%\\Monitor\\monitor & alarm.exe",
            r"install.AppName = Example Monitor",
            r"install.InstallDir = %CE1%\\Monitor",
            r"install.InstallPhase = install",
            r"install.NumFiles = 2",
            r"link.%CE4%\\Monitor.lnk = %CE1%\\Monitor\\monitor & alarm.exe",
        ]
    );
    let paths: Vec<&[u8]> = tree.entries.iter().map(|one| one.path.as_bytes()).collect();
    assert_eq!(
        paths,
        [
            &b"/HKLM/Software/Example/Interval%dword"[..],
            b"/HKLM/Software/Example/Name%sz"
        ]
    );
    assert_eq!(contents(&tree)[1].as_deref(), Some(&b"Bed \"7\""[..]));
}

#[test]
fn the_declaration_in_front_belongs_to_the_document() {
    let magic = CeSetupXml.magics()[0];
    let locate = |before: &[u8]| {
        let stream = [before, OPENING, b">"].concat();
        CeSetupXml.locate(&stream.into(), &magic, before.len() as u64)
    };
    assert_eq!(locate(b""), Some(0));
    assert_eq!(locate(b"xx<?xml version=\"1.0\"?>\r\n"), Some(2));
    assert_eq!(locate(b"<?xml version=\"1.0\"?>x"), Some(22));
    assert_eq!(locate(b"<?xml?><a>"), Some(10));
    assert_eq!(locate(b"x\xef\xbb\xbf<?xml version=\"1.0\"?>"), Some(1));
    let other = Bytes::from([b"<?xml?><a>", &document()[40..]].concat());
    assert!(CeSetupXml.measure(&other).is_err());
    let marked = Bytes::from([b"\xef\xbb\xbf", &document()[..]].concat());
    assert!(CeSetupXml.measure(&marked).is_ok());
    assert_eq!(locate(&[b' '; 1000]), Some(1000));
}

#[test]
fn hostile_documents_end() {
    let sound = document();
    let measured = |bytes: &[u8]| CeSetupXml.measure(&Bytes::copy_from_slice(bytes));
    for len in 0..sound.len() - 2 {
        assert!(measured(&sound[..len]).is_err(), "{len}");
    }
    for at in 0..sound.len() {
        let mut mutant = sound.clone();
        mutant[at] ^= 1 << (at % 8);
        let _ = open(&CeSetupXml, mutant);
    }
    let nested = |depth: usize| {
        let (opening, closing) = ("<characteristic type='a'>", "</characteristic>");
        let inner = [
            &opening.repeat(depth),
            "<parm name='b'/>",
            &closing.repeat(depth),
        ]
        .concat();
        format!("<wap-provisioningdoc>{inner}</wap-provisioningdoc>").into_bytes()
    };
    let (_, _, opened) = open(&CeSetupXml, nested(60)).unwrap();
    assert!(opened.problems.is_empty());
    let (_, _, opened) = open(&CeSetupXml, nested(100)).unwrap();
    assert_eq!(opened.problems.len(), 1);
    assert!(measured(&nested(2000)).is_err());
    assert!(matches!(
        measured(b"<wap-provisioningdoc></wap-provisioningdoc>"),
        Err(Reject::Coincidence(_))
    ));
}
