//! A folder with a unit, its baseline, keys and a keyring, and the program run in it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use vitalsign::trust::{SecretKey, minisign};

/// The time that tests judge by, unless they say another.
pub(super) const NOW: &str = "2026-11-30T00:00:00Z";

pub(super) struct Bench {
    folder: TempDir,
}

/// What a run printed, and how it ended.
pub(super) struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Bench {
    /// A unit (a directory), and an unsigned baseline of it for example-medical VSM-9000 4.2.1, number 1.
    pub(super) fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["vendor", "hospital", "mallory", "root-a", "root-b", "list"] {
            bench
                .run(&["key", "generate", "--output", name, "--no-password"])
                .ends(0);
        }
        bench.write("unit/bin/monitor", b"the program");
        bench.write("unit/etc/vsm-release", b"VERSION=4.2.1\n");
        bench.baseline("b.toml", "unit", "4.2.1", 1);
        bench
    }

    /// A keyring with two roots, and `vendor` and `hospital` for VSM-* with the flags given, as keyring 2, signed by both roots.
    pub(super) fn with_keyring(self, flags: &[&str]) -> Self {
        self.run(&[
            "keyring",
            "create",
            "--root",
            "root-a=root-a.pub",
            "--root",
            "root-b=root-b.pub",
            "--threshold",
            "2",
            "--expires",
            "2030-01-01T00:00:00Z",
            "--now",
            "2026-01-01T00:00:00Z",
            "--output",
            "keyring-0.toml",
        ])
        .ends(0);
        self.add(
            "keyring-0.toml",
            "vendor",
            &["--class", "vendor"],
            "keyring-1.toml",
        );
        self.add(
            "keyring-1.toml",
            "hospital",
            &[&["--class", "hospital"], flags].concat(),
            "keyring-1b.toml",
        );
        self.run(&[
            "keyring",
            "add",
            "keyring-1b.toml",
            "--key",
            "list=list.pub",
            "--role",
            "index",
            "--role",
            "revocation",
            "--now",
            "2026-01-01T00:00:00Z",
            "--output",
            "keyring-2.toml",
        ])
        .ends(0);
        // Forms that one key is held to, the other is, too.
        if flags.contains(&"--form") {
            let text = String::from_utf8(self.read("keyring-2.toml")).unwrap();
            let text = text.replace(
                "roles = [\"baseline\"], vendor",
                "roles = [\"baseline\"], formats = [\"sshsig\"], vendor",
            );
            self.write("keyring-2.toml", text.as_bytes());
        }
        self.sign_keyring("keyring-2.toml");
        self
    }

    fn add(&self, from: &str, name: &str, flags: &[&str], to: &str) {
        let key = format!("{name}={name}.pub");
        let base = [
            "keyring",
            "add",
            from,
            "--key",
            &key,
            "--role",
            "baseline",
            "--vendor",
            "example-medical",
            "--model",
            "VSM-*",
            "--now",
            "2026-01-01T00:00:00Z",
            "--output",
            to,
        ];
        self.run(&[&base, flags].concat()).ends(0);
    }

    pub(super) fn sign_keyring(&self, name: &str) {
        for root in ["root-a", "root-b"] {
            let key = format!("{root}.key");
            self.run(&["keyring", "sign", name, "--key", &key, "--name", root])
                .ends(0);
        }
    }

    /// An unsigned baseline of a unit.
    pub(super) fn baseline(&self, name: &str, unit: &str, version: &str, sequence: u64) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        self.run(&[
            "baseline",
            "create",
            unit,
            "--vendor",
            "example-medical",
            "--model",
            "VSM-9000",
            "--firmware-version",
            version,
            "--sequence",
            &sequence.to_string(),
            "--expires",
            "2028-01-01T00:00:00Z",
            "--now",
            "2026-11-02T00:00:00Z",
            "--output",
            name,
        ])
        .ends(0);
    }

    /// Files as a tar archive.
    pub(super) fn archive(&self, name: &str, files: &[(&str, &[u8])]) {
        let mut archive = Vec::new();
        for (path, bytes) in files {
            let mut head = [0_u8; 512];
            for (at, field) in [
                (0, *path),
                (100, "0000755"),
                (108, "0000000"),
                (116, "0000000"),
                (124, &format!("{:011o}", bytes.len())),
                (136, "00000000000"),
                (148, "        "),
                (156, "0"),
                (257, "ustar"),
                (263, "00"),
            ] {
                head[at..at + field.len()].copy_from_slice(field.as_bytes());
            }
            let sum: u32 = head.iter().map(|&byte| u32::from(byte)).sum();
            head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            archive.extend(head);
            archive.extend(*bytes);
            archive.resize(archive.len().next_multiple_of(512), 0);
        }
        archive.resize(archive.len() + 1024, 0);
        self.write(name, &archive);
    }

    /// Puts something into the text of a file instead of something else.
    pub(super) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.read(name)).unwrap();
        assert!(text.contains(from), "{from}: {text}");
        self.write(name, text.replacen(from, to, 1).as_bytes());
    }

    pub(super) fn sign(&self, name: &str, key: &str, signer: Option<&str>) {
        let key = format!("{key}.key");
        let mut args = vec!["baseline", "sign", name, "--key", &key];
        args.extend(signer.into_iter().flat_map(|signer| ["--name", signer]));
        // Of whoever signed before: another key's signature is never replaced.
        let stands = match signer {
            Some(signer) => self.path(&format!("{name}.{signer}.minisig")),
            None => self.path(&format!("{name}.minisig")),
        };
        if stands.exists() {
            fs::remove_file(stands).unwrap();
        }
        self.run(&args).ends(0);
    }

    /// Signs whatever the bytes are, which `baseline sign` would not.
    pub(super) fn sign_bytes(&self, name: &str, key: &str) {
        let secret = self.read(&format!("{key}.key"));
        let minisign::StoredKey::Open(key) = minisign::StoredKey::parse(&secret).unwrap() else {
            panic!("a key without a password");
        };
        let signature = sign(&key, &self.read(name));
        self.write(&format!("{name}.minisig"), signature.as_bytes());
    }

    pub(super) fn key(name: &str) -> String {
        format!("{name}.pub")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).unwrap().write_all(bytes).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Verifies the unit with `b.toml` and the vendor's key.
    pub(super) fn verify(&self, more: &[&str]) -> Told {
        self.verify_with("vendor", more)
    }

    pub(super) fn verify_with(&self, key: &str, more: &[&str]) -> Told {
        let key = Self::key(key);
        self.judge(&["--baseline", "b.toml", "--trust-key", &key], more)
    }

    /// Verifies the unit with `b.toml` and keyring 2.
    pub(super) fn verify_keyring(&self, more: &[&str]) -> Told {
        self.judge(
            &["--baseline", "b.toml", "--keyring", "keyring-2.toml"],
            more,
        )
    }

    fn judge(&self, trust: &[&str], more: &[&str]) -> Told {
        let mut args = vec!["verify", "unit"];
        args.extend(trust);
        args.extend(more);
        if !more.contains(&"--now") && !more.contains(&"--clock") {
            args.extend(["--now", NOW]);
        }
        args.retain(|arg| *arg != "--clock");
        self.run(&args)
    }

    pub(super) fn run(&self, args: &[&str]) -> Told {
        run(self.folder.path(), args)
    }
}

fn sign(key: &SecretKey, bytes: &[u8]) -> String {
    minisign::sign(key, bytes, "").unwrap()
}

fn run(folder: &Path, args: &[&str]) -> Told {
    let output = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap();
    Told {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Told {
    #[track_caller]
    pub(super) fn ends(&self, code: i32) -> &Self {
        let Self { out, err, .. } = self;
        assert_eq!(self.code, Some(code), "{out}\n{err}");
        self
    }

    /// On standard error.
    #[track_caller]
    pub(super) fn says(&self, text: &str) -> &Self {
        let said = one_line(&self.err);
        assert!(said.contains(text), "{text}: {said}");
        self
    }

    /// On standard output.
    #[track_caller]
    pub(super) fn shows(&self, text: &str) -> &Self {
        let shown = one_line(&self.out);
        assert!(shown.contains(&one_line(text)), "{text}: {}", self.out);
        self
    }

    /// Nowhere.
    #[track_caller]
    pub(super) fn hides(&self, text: &str) -> &Self {
        let Self { out, err, .. } = self;
        assert!(!out.contains(text) && !err.contains(text), "{out}\n{err}");
        self
    }

    pub(super) fn lines(&self) -> usize {
        self.out.lines().count() + self.err.lines().count()
    }
}

/// Reports are wrapped; words are all that counts.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
