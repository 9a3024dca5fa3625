//! Signatures by the tools that make each form: what holds, and that nothing else does.

#![allow(
    clippy::disallowed_methods,
    reason = "the files are made to be refused"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use vitalsign::trust::{Form, Named, PublicKey, Purpose, Signer, TrustError, public};
use vitalsign::trust::{judge, minisign, verify};

use crate::samples::repository;

/// A signature of `message`: its file, the key's, and its form.
const PEERS: [(&str, &str, Form); 7] = [
    ("message.minisig", "plain.pub", Form::Minisign),
    ("message.legacy.minisig", "plain.pub", Form::Minisign),
    ("message.locked.minisig", "locked.pub", Form::Minisign),
    ("ours.minisig", "plain.pub", Form::Minisign),
    ("message.ed25519", "openssl.pub", Form::Raw),
    ("message.sig", "openssh.pub", Form::Sshsig),
    ("message.signify", "signify.pub", Form::Signify),
];

fn fixture(name: &str) -> Vec<u8> {
    fs::read(repository().join("fixtures/trust").join(name)).unwrap()
}

fn key(name: &str) -> PublicKey {
    public::read(&fixture(name)).unwrap().0
}

fn outcome(message: &[u8], signature: &[u8], keys: &[PublicKey]) -> Result<Signer, TrustError> {
    verify(message, &[signature], keys, Purpose::Baseline)
}

#[test]
fn what_each_tool_signed_holds_and_the_form_is_known_by_content() {
    let keys = [
        "locked.pub",
        "openssl.pub",
        "signify.pub",
        "openssh.pub",
        "plain.pub",
    ]
    .map(key);
    for (file, public, form) in PEERS {
        let signer = outcome(&fixture("message"), &fixture(file), &keys).unwrap();
        assert_eq!(signer.key, key(public), "{file}");
        assert_eq!(signer.form, form, "{file}");
        assert_eq!(signer.comment.is_some(), form == Form::Minisign, "{file}");
    }
    let files = PEERS.map(|(file, ..)| fixture(file));
    let outcomes = judge(&fixture("message"), &files, &keys, Purpose::Baseline);
    assert!(outcomes.iter().all(Result::is_ok));
}

#[test]
fn a_key_is_the_same_in_whichever_form_it_was_read() {
    for (file, public, _) in PEERS {
        let bare = PublicKey::new(*key(public).as_bytes()).unwrap();
        let text = minisign::write_public(&bare);
        assert!(outcome(&fixture("message"), &fixture(file), &[bare]).is_ok());
        // Rewritten, it has a number of its own, which a signature that names another does not fit.
        let rewritten = public::read(text.as_bytes()).unwrap().0;
        let found = outcome(&fixture("message"), &fixture(file), &[rewritten]);
        match file {
            "message.ed25519" | "message.sig" => assert!(found.is_ok()),
            _ => assert!(matches!(found, Err(TrustError::OtherKey(Named::Id(_))))),
        }
    }
}

/// Where a file says what nothing covers: behind `untrusted comment: `, in the first line.
fn uncovered(file: &[u8]) -> std::ops::Range<usize> {
    if file.starts_with(b"untrusted comment: ") {
        19..file.iter().position(|&byte| byte == b'\n').unwrap()
    } else {
        0..0
    }
}

#[test]
fn every_bit_of_a_signature_file_counts_but_in_its_untrusted_comment() {
    let message = fixture("message");
    for (name, public, _) in PEERS {
        let (file, keys) = (fixture(name), [key(public)]);
        let bare = PublicKey::new(*key(public).as_bytes()).unwrap();
        let right = outcome(&message, &file, &keys);
        let uncovered = uncovered(&file);
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut edited = file.clone();
                edited[at] ^= 1 << bit;
                let found = outcome(&message, &edited, &keys);
                let same = uncovered.contains(&at) && found == right;
                assert!(found.is_err() || same, "{name}: byte {at}, bit {bit}");
                // The number that chooses a key chooses nothing where the key has none; nor is it shown.
                let found = outcome(&message, &edited, &[bare]);
                assert!(found.is_err() || found == right, "{name}: byte {at}");
            }
        }
    }
}

#[test]
fn a_signature_file_that_is_cut_or_goes_on_is_refused() {
    let message = fixture("message");
    for (name, public, form) in PEERS {
        let (file, keys) = (fixture(name), [key(public)]);
        let mut held = Vec::new();
        for at in 0..file.len() {
            if let Ok(signer) = outcome(&message, &file[..at], &keys) {
                held.push((at, signer.form));
            }
        }
        let mut expected = Vec::new();
        if name == "message.legacy.minisig" {
            // Its first two lines are a whole signature of signify's, by the same key over the same bytes.
            let mut ends = file.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            let second = ends.nth(1).unwrap().0;
            expected.extend([(second, Form::Signify), (second + 1, Form::Signify)]);
        }
        if form != Form::Raw {
            expected.push((file.len() - 1, form));
        }
        assert_eq!(held, expected, "{name}");
        for more in [&b"\n"[..], b"\0", b"x", b"\r\n", &file] {
            let longer = [&file[..], more].concat();
            assert!(outcome(&message, &longer, &keys).is_err(), "{name}");
            let shifted = [more, &file[..]].concat();
            assert!(outcome(&message, &shifted, &keys).is_err(), "{name}");
        }
    }
}

#[test]
fn every_bit_of_the_signed_bytes_counts() {
    let message = fixture("message");
    for (name, public, _) in PEERS {
        let (file, keys) = (fixture(name), [key(public)]);
        for at in 0..message.len() * 8 {
            let mut edited = message.clone();
            edited[at / 8] ^= 1 << (at % 8);
            assert_eq!(outcome(&edited, &file, &keys), Err(TrustError::Mismatch));
        }
        for other in [&message[1..], b"", &[&message[..], b"\n"].concat()] {
            assert_eq!(outcome(other, &file, &keys), Err(TrustError::Mismatch));
        }
    }
}

#[test]
fn a_signature_by_another_key_for_another_purpose_or_of_another_hash_is_told_so() {
    let message = fixture("message");
    for (name, public, form) in PEERS {
        let numbered = ["plain.pub", "locked.pub", "signify.pub"].into_iter();
        let others: Vec<PublicKey> = numbered.filter(|other| *other != public).map(key).collect();
        let expected = match form {
            Form::Raw => TrustError::Mismatch,
            Form::Sshsig => TrustError::OtherKey(Named::Fingerprint(key(public).fingerprint())),
            _ => TrustError::OtherKey(Named::Id(key(public).id().unwrap())),
        };
        assert_eq!(outcome(&message, &fixture(name), &others), Err(expected));
    }
    let keys = [key("openssh.pub")];
    let told = |name: &str| outcome(&message, &fixture(name), &keys).unwrap_err();
    assert_eq!(
        told("message.namespace.sig"),
        TrustError::Purpose(Purpose::Baseline)
    );
    for (name, word) in [
        ("message.sha256.sig", "sha512"),
        ("message.ecdsa.sig", "another kind than ssh-ed25519"),
        ("openssh.key", "none of the forms"),
        ("message", "none of the forms"),
    ] {
        let error = told(name);
        assert!(matches!(error, TrustError::Unreadable(_)), "{name}");
        assert!(error.to_string().contains(word), "{name}: {error}");
    }
}

fn vitalsign(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with an unsigned baseline, `b.toml`, and two keys, `one` and `two`.
fn draft() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    fs::copy(
        repository().join("tests/cmd/given/good.toml"),
        path.join("b.toml"),
    )
    .unwrap();
    for name in ["one", "two"] {
        let made = vitalsign(
            &path,
            &["key", "generate", "--no-password", "--output", name],
        );
        assert_eq!(made.status.code(), Some(0));
    }
    (folder, path)
}

#[test]
fn a_second_signer_leaves_the_first_signature_as_it_is() {
    let (_kept, folder) = draft();
    let sign = |arguments: &[&str]| {
        let output = vitalsign(
            &folder,
            &[&["baseline", "sign", "b.toml", "--key"], arguments].concat(),
        );
        (output.status.code().unwrap(), told(&output))
    };
    let check = |keys: &[&str]| {
        let flags = keys.iter().flat_map(|key| ["--trust-key", key]);
        let arguments: Vec<&str> = ["baseline", "check", "b.toml"]
            .into_iter()
            .chain(flags)
            .collect();
        let output = vitalsign(&folder, &arguments);
        let signed = String::from_utf8(output.stdout).unwrap();
        (
            output.status.code().unwrap(),
            signed.matches("signed by key").count(),
        )
    };
    assert_eq!(sign(&["one.key"]).0, 0);
    let first = fs::read(folder.join("b.toml.minisig")).unwrap();
    let (code, error) = sign(&["two.key"]);
    assert_eq!(code, 64);
    assert!(error.contains("--name"), "{error}");
    assert_eq!(fs::read(folder.join("b.toml.minisig")).unwrap(), first);
    assert_eq!(sign(&["two.key", "--name", "biomed-b"]).0, 0);
    assert_eq!(check(&["one.pub"]), (0, 1));
    assert_eq!(check(&["two.pub"]), (0, 1));
    assert_eq!(check(&["one.pub", "two.pub"]), (0, 2));
    // The same key may sign again.
    assert_eq!(sign(&["one.key"]).0, 0);
    // What is no signature at all is kept, too.
    fs::copy(folder.join("one.pub"), folder.join("b.toml.c.minisig")).unwrap();
    assert_eq!(sign(&["one.key", "--name", "c"]).0, 64);
    for name in ["", "a/b", "../x", ".hidden", "a b", "\u{e9}"] {
        assert_eq!(sign(&["one.key", "--name", name]).0, 64, "{name}");
    }
}

#[test]
fn one_good_signature_is_enough_and_damaged_ones_beside_it_are_told() {
    let (_kept, folder) = draft();
    let check = || {
        vitalsign(
            &folder,
            &["baseline", "check", "b.toml", "--trust-key", "one.pub"],
        )
    };
    let sign = |key, name| {
        let arguments = ["baseline", "sign", "b.toml", "--key", key, "--name", name];
        assert_eq!(vitalsign(&folder, &arguments).status.code(), Some(0));
    };
    assert_eq!(check().status.code(), Some(67));
    fs::write(folder.join("b.toml.sig"), "junk").unwrap();
    let output = check();
    assert_eq!(output.status.code(), Some(67));
    assert!(!told(&output).contains("note: "), "one file is told once");
    sign("two.key", "two");
    let output = check();
    assert_eq!(output.status.code(), Some(67));
    assert_eq!(told(&output).matches("note: ").count(), 2);
    sign("one.key", "one");
    fs::write(folder.join("b.toml.\u{202e}.ed25519"), [1; 64]).unwrap();
    fs::write(folder.join("b.toml.long.signify"), vec![b'x'; 1 << 20]).unwrap();
    fs::create_dir(folder.join("b.toml.folder.sig")).unwrap();
    fs::write(folder.join("b.toml.unrelated"), "junk").unwrap();
    let output = check();
    assert_eq!(output.status.code(), Some(0));
    let notes = told(&output);
    for (name, why) in [
        ("b.toml.sig", "cannot be read"),
        ("b.toml.long.signify", "cannot be read"),
        ("b.toml.\\xe2\\x80\\xae.ed25519", "does not fit"),
    ] {
        let note = notes
            .lines()
            .find(|line| line.contains(&format!("note: {name}:")));
        assert!(
            note.is_some_and(|note| note.contains(why)),
            "{name}: {notes}"
        );
    }
    assert_eq!(notes.lines().count(), 3, "{notes}");
    // An edit of the baseline undoes every signature.
    let text = fs::read_to_string(folder.join("b.toml")).unwrap();
    fs::write(
        folder.join("b.toml"),
        text.replace("sequence = 1", "sequence = 2"),
    )
    .unwrap();
    assert_eq!(check().status.code(), Some(67));
}

#[test]
fn too_many_signature_files_are_refused() {
    let (_kept, folder) = draft();
    let arguments = ["baseline", "sign", "b.toml", "--key", "one.key"];
    assert_eq!(vitalsign(&folder, &arguments).status.code(), Some(0));
    let check = || {
        vitalsign(
            &folder,
            &["baseline", "check", "b.toml", "--trust-key", "one.pub"],
        )
    };
    for number in 0..63 {
        fs::write(folder.join(format!("b.toml.{number}.sig")), "junk").unwrap();
    }
    assert_eq!(check().status.code(), Some(0));
    fs::write(folder.join("b.toml.63.sig"), "junk").unwrap();
    let output = check();
    assert_eq!(output.status.code(), Some(67));
    assert!(told(&output).contains("more than 64"), "{}", told(&output));
}
