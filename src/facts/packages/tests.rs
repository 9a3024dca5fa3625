use super::*;

/// From dpkg's own status file, shortened.
const STATUS: &str = "Package: libssl1.1\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nMulti-Arch: same\nSource: openssl (1.1.1n-0)\nVersion: 1.1.1n-0+deb11u5\nDescription: Secure Sockets Layer toolkit\n Package: no-field-of-this-stanza\n .\n\nPackage: old\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: broken\nStatus: install ok half-configured\nVersion: 1:2.0~rc1-1\r\n\n\nPackage: no version\nStatus: install ok installed\n";

const INSTALLED: &str = "C:Q1xyz=\nP:musl\nV:1.2.3-r4\nA:x86_64\nS:1\nL:MIT\no:musl\n\nF:lib\nR:ld-musl-x86_64.so.1\n\nP:ssl_client\nV:1.35.0-r17\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:usr/bin\n\n";

fn names(stated: &Stated) -> Vec<String> {
    let each = stated.packages.iter();
    each.map(|it| format!("{} {} @{}", it.name, it.version, it.at))
        .collect()
}

#[test]
fn stanzas_of_dpkg_are_packages_where_their_files_are_there() {
    let stated = Database::Dpkg.read(STATUS.as_bytes());
    let broken = STATUS.find("Package: broken").unwrap();
    let expected = [
        "libssl1.1 1.1.1n-0+deb11u5 @0".to_owned(),
        format!("broken 1:2.0~rc1-1 @{broken}"),
    ];
    assert_eq!(names(&stated), expected);
    assert_eq!(stated.left_out, 1, "a package without a version is told");
    let first = &stated.packages[0];
    assert_eq!(first.origin.as_deref(), Some("openssl"));
    assert_eq!(first.architecture.as_deref(), Some("amd64"));
}

#[test]
fn records_of_apk_are_packages() {
    let stated = Database::Apk.read(INSTALLED.as_bytes());
    assert_eq!(
        names(&stated),
        [
            "musl 1.2.3-r4 @9".to_owned(),
            format!(
                "ssl_client 1.35.0-r17 @{}",
                INSTALLED.find("P:ssl").unwrap()
            )
        ]
    );
    assert_eq!(stated.packages[0].origin, None);
    assert_eq!(stated.packages[1].origin.as_deref(), Some("busybox"));
    assert_eq!(stated.packages[1].license.as_deref(), Some("GPL-2.0-only"));
}

#[test]
fn databases_are_known_by_their_place() {
    for (path, expected) in [
        ("/var/lib/dpkg/status", Some(Database::Dpkg)),
        ("/rootfs/usr/lib/opkg/status", Some(Database::Opkg)),
        ("/var/lib/dpkg/status.d/base", Some(Database::Dpkg)),
        ("/var/lib/dpkg/status.d/base.md5sums", None),
        ("/lib/apk/db/installed", Some(Database::Apk)),
        ("/usr/lib/apk/db/installed", Some(Database::Apk)),
        ("/usr/lib/sysimage/rpm/rpmdb.sqlite", Some(Database::Rpm)),
        ("/var/lib/dpkg/status-old", None),
        ("/etc/status", None),
    ] {
        assert_eq!(Database::at(path.as_bytes()), expected, "{path}");
    }
}

#[test]
fn hostile_databases_are_read_as_far_as_they_go() {
    for (database, text) in [(Database::Dpkg, STATUS), (Database::Apk, INSTALLED)] {
        for cut in 0..text.len() {
            database.read(&text.as_bytes()[..cut]);
            let mut flipped = text.as_bytes().to_vec();
            flipped[cut] ^= 0x80;
            for package in database.read(&flipped).packages {
                assert!(package.name.is_ascii() && package.version.is_ascii());
            }
        }
    }
    let many = "P:a\nV:1\n\n".repeat(MOST + 5);
    let stated = Database::Apk.read(many.as_bytes());
    assert_eq!((stated.packages.len(), stated.left_out), (MOST, 5));
    let long = format!("P:{}\nV:1\n\n", "a".repeat(WORD + 1));
    assert_eq!(Database::Apk.read(long.as_bytes()).left_out, 1);
}

fn versions(bytes: &[u8]) -> Vec<(String, String)> {
    shown(bytes)
        .into_iter()
        .map(|it| (it.name, it.version))
        .collect()
}

/// The texts are those of the products' own builds.
#[test]
fn products_say_their_version() {
    for (text, name, version) in [
        (
            "Linux version 6.1.0-50-armmp (debian-kernel@lists.debian.org) #1 SMP",
            "linux",
            "6.1.0-50-armmp",
        ),
        (
            "U-Boot 2021.01+dfsg-5 (May 23 2021 - 20:09:19 +0000)",
            "u-boot",
            "2021.01+dfsg-5",
        ),
        (
            "U-Boot SPL 2021.01-rc1 (May 23 2021)",
            "u-boot",
            "2021.01-rc1",
        ),
        (
            "BusyBox v1.30.1 (Debian 1:1.30.1-6+b3)",
            "busybox",
            "1.30.1",
        ),
        (
            "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright",
            "glibc",
            "2.36",
        ),
        ("OpenSSL 1.0.2k  26 Jan 2017", "openssl", "1.0.2k"),
        ("SSH-2.0-dropbear_2019.78\r\n", "dropbear", "2019.78"),
        ("OpenSSH_8.4p1", "openssh", "8.4p1"),
        (
            " deflate 1.2.11 Copyright 1995-2017 Jean-loup Gailly and Mark Adler ",
            "zlib",
            "1.2.11",
        ),
        ("libcurl/7.64.0", "libcurl", "7.64.0"),
        ("wpa_supplicant v2.9", "wpa_supplicant", "2.9"),
        ("lighttpd/1.4.53", "lighttpd", "1.4.53"),
    ] {
        let string = format!("\0{text}\0");
        assert_eq!(
            versions(string.as_bytes()),
            [(name.to_owned(), version.to_owned())],
            "{text}"
        );
        let package = &shown(string.as_bytes())[0];
        assert_eq!(&string.as_bytes()[package.at as usize..][..4].len(), &4);
        assert!(
            text.contains(package.text.split('\n').next().unwrap()),
            "{}",
            package.text
        );
    }
    let musl = b"\0musl libc (armhf)\nVersion %s\nDynamic Program Loader\0\x001.2.3\0";
    assert_eq!(versions(musl), [("musl".to_owned(), "1.2.3".to_owned())]);
    let short = b"\0Apache/2.4.71\0Apache/2.4\0OpenSSH_9.2\0OpenSSH_9.2p1 Debian\0lighttpd/1.4\0lighttpd/1.40\0";
    let told = versions(short).into_iter().map(|(_, version)| version);
    assert_eq!(told.collect::<Vec<_>>(), ["2.4.71", "9.2p1", "1.4", "1.40"]);
    let two = [musl.as_slice(), b"1.1.9\0"].concat();
    assert!(
        versions(&two).is_empty(),
        "which of two it is, nothing says"
    );
}

#[test]
fn a_mention_shows_no_product() {
    for text in [
        "requires OpenSSL 1.0.2 or later",
        "OpenSSL %s",
        "see BusyBox v1.30.1 (Debian)",
        "BusyBox v",
        "Linux version %s (%s)",
        "U-Boot 2021.01",
        "curl 7.64.0",
        "zlib 1.2.11",
        "nginx/",
        "Samba 4",
        "OpenSSL 111111111.2 x",
    ] {
        assert!(
            versions(format!("\0{text}\0").as_bytes()).is_empty(),
            "{text}"
        );
    }
}

#[test]
fn texts_are_found_across_chunks_and_when_cut() {
    let mut bytes = vec![0; (1 << 20) - 5];
    bytes.extend_from_slice(b"BusyBox v1.30.1 (Debian)\0");
    assert_eq!(versions(&bytes).len(), 1);
    for cut in 0..40 {
        shown(&bytes[..bytes.len() - cut]);
    }
    let many: Vec<u8> = (0..100)
        .flat_map(|at| format!("\0lighttpd/1.{at}\0").into_bytes())
        .collect();
    assert_eq!(versions(&many).len(), 64);
}

fn package(source: Source, name: &str, version: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        source,
        architecture: Some("armhf".to_owned()),
        origin: None,
        license: None,
        at: 0,
        text: String::new(),
    }
}

/// The forms are those of the examples in the package URL specification.
#[test]
fn package_urls_are_those_of_the_specification() {
    let debian = Release::read(b"PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\n").unwrap();
    let of = |source, name, version| purl(&package(source, name, version), Some(&debian));
    assert_eq!(
        of(Source::Dpkg, "libstdc++6", "1:12.2.0-14+b1").unwrap(),
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bb1?arch=armhf&distro=debian-12"
    );
    assert!(
        of(Source::Apk, "curl", "1")
            .unwrap()
            .starts_with("pkg:apk/debian/curl@1?")
    );
    assert_eq!(of(Source::Opkg, "curl", "1"), None);
    // Of rpm the name keeps its case, and the epoch stands apart.
    assert_eq!(
        of(Source::Rpm, "NetworkManager", "1:1.40.0-2.poky").as_deref(),
        Some("pkg:rpm/debian/NetworkManager@1.40.0-2.poky?arch=armhf&distro=debian-12&epoch=1")
    );
    assert_eq!(purl(&package(Source::Dpkg, "a", "1"), None), None);
    assert_eq!(Release::read(b"ID='Open Wrt'\n"), None);
}

#[test]
fn candidates_for_a_cpe_have_the_makers_version() {
    for (source, name, version, expected) in [
        (
            Source::VersionText,
            "openssl",
            "1.0.2k",
            "a:openssl:openssl:1.0.2k:*",
        ),
        (
            Source::VersionText,
            "openssh",
            "8.4p1",
            "a:openbsd:openssh:8.4:p1",
        ),
        (
            Source::VersionText,
            "u-boot",
            "2021.01-rc1",
            "a:denx:u-boot:2021.01:rc1",
        ),
        (
            Source::VersionText,
            "linux",
            "6.1.0-50-armmp",
            "o:linux:linux_kernel:6.1.0:*",
        ),
        (
            Source::Dpkg,
            "libssl1.1",
            "1.1.1n-0+deb11u5",
            "a:openssl:openssl:1.1.1n:*",
        ),
        (
            Source::Dpkg,
            "zlib1g",
            "1:1.2.13.dfsg-1",
            "a:zlib:zlib:1.2.13:*",
        ),
        (
            Source::Apk,
            "busybox",
            "1.35.0-r17",
            "a:busybox:busybox:1.35.0:*",
        ),
    ] {
        let expected = format!("cpe:2.3:{expected}:*:*:*:*:*:*");
        assert_eq!(
            cpe(&package(source, name, version)).as_deref(),
            Some(&*expected),
            "{name} {version}"
        );
    }
    assert_eq!(cpe(&package(Source::Dpkg, "monitor", "1.0")), None);
}
