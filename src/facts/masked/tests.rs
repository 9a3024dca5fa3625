//! What is hidden in lines of texts, and what is not.

use super::*;

fn shown(line: &str) -> String {
    String::from_utf8(one(line.as_bytes()).shown).unwrap()
}

#[test]
fn secrets_are_hidden() {
    for (line, expected) in [
        ("password=geheim", "password=***"),
        ("\tpsk=\"ge heim\"", "\tpsk=\"***"),
        ("    option key 'geheim'", "    option key '***"),
        ("wep_key0=geheim", "wep_key0=***"),
        ("  \"token\": \"geheim\",", "  \"token\": \"***"),
        ("<Password>geheim</Password>", "<Password>***"),
        (
            "machine h login me password geheim",
            "machine h login me password ***",
        ),
        ("rocommunity geheim 10.0.0.0/8", "rocommunity ***"),
        ("PW=geheim", "PW=***"),
        (
            "url = ftp://me:geheim@10.0.0.1/x",
            "url = ftp://me:***@10.0.0.1/x",
        ),
        ("curl -u me:geheim http://h/", "curl -u *** http://h/"),
        (
            "/usr/bin/curl -ume:geheim http://h/",
            "/usr/bin/curl -u*** http://h/",
        ),
        (
            "wget --http-password 'ge heim' http://h/",
            "wget --http-password ***",
        ),
        (
            "root:$6$geheim$geheim:0:0:99999:7:::",
            "root:***:0:0:99999:7:::",
        ),
        (
            "root:geheim:0:0:root:/root:/bin/sh",
            "root:***:0:0:root:/root:/bin/sh",
        ),
        ("admin:aAbBcCdDeEfFg", "admin:***"),
        ("echo root:geheim | chpasswd", "*** chpasswd ***"),
        ("echo geheim | passwd --stdin root", "*** passwd ***"),
        ("sshpass -p geheim ssh h", "*** sshpass ***"),
    ] {
        assert_eq!(shown(line), expected);
        assert!(!shown(line).contains("heim"), "{line}");
    }
}

#[test]
fn settings_stay() {
    for line in [
        "PermitRootLogin yes",
        "PasswordAuthentication yes",
        "PermitRootLogin prohibit-password",
        "password required pam_unix.so",
        "root:x:0:0:root:/root:/bin/sh",
        "passwd -d root",
        "cp /etc/passwd /mnt/x",
        "passwd: files",
        "mount -t nfs 10.0.0.1:/export /mnt",
        "keymap=us",
        "dhcp-option=3,10.0.0.1",
        "-A INPUT -p tcp --dport 23 -j ACCEPT",
        "::respawn:/sbin/getty -L ttyS0 115200 vt100",
        "http://10.0.0.1:8080/x@y",
        "",
    ] {
        assert_eq!(shown(line), line);
    }
}

#[test]
fn keys_and_what_programs_read_is_hidden() {
    let text = b"a\n-----BEGIN RSA PRIVATE KEY-----\nMIIgeheim\n-----END RSA PRIVATE KEY-----\n\
                 chpasswd <<EOF\nroot:geheim\nEOF\nb\r\n";
    let lines = lines(text);
    let shown: Vec<String> = lines
        .iter()
        .map(|line| String::from_utf8(line.shown.clone()).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            "a",
            "-----BEGIN RSA PRIVATE KEY-----",
            "***",
            "-----END RSA PRIVATE KEY-----",
            "*** chpasswd ***",
            "***",
            "EOF",
            "b"
        ]
    );
    assert!(lines.iter().any(|line| line.hidden == [b"MIIgeheim"]));
}

#[test]
fn a_value_is_shown_by_its_name() {
    assert_eq!(value(b"bootdelay", b"3"), b"3");
    assert_eq!(value(b"wifi_psk", b"geheim"), MASK);
    assert_eq!(value(b"x", b"password=geheim"), b"password=***");
}

#[test]
fn any_bytes_are_taken() {
    let mut state = 1_u32;
    for _ in 0..2000 {
        let line: Vec<u8> = (0..40)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let set = b"=:\"' \t$/@-u<>{Skeypassword\xff\x1b\0";
                set[(state >> 16) as usize % set.len()]
            })
            .collect();
        lines(&line);
    }
}
