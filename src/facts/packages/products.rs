//! The products whose versions are known by a text that their makers compiled into them.
//!
//! Each mark is a text of the product's own source, whole, with a place for the version; a sentence that only mentions a product has none
//! of them. The vendor and product of a CPE are those that NVD's dictionary uses.

/// A product.
pub(super) struct Product {
    /// Its name.
    pub(super) name: &'static str,
    /// Part, vendor and product of its CPE.
    pub(super) cpe: (char, &'static str, &'static str),
    /// The names that package managers know it by, besides its own.
    pub(super) packages: &'static [&'static str],
    /// The texts that show it; any of them.
    pub(super) marks: &'static [Mark],
}

/// A text with a version in it.
pub(super) struct Mark {
    /// What stands before the version.
    pub(super) before: &'static str,
    /// How the version looks.
    pub(super) shape: Shape,
    /// What stands behind it, any of these.
    pub(super) after: &'static [&'static str],
    /// Whether a string has to start with it.
    pub(super) starts: bool,
}

/// How a version looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Numbers with points between them: `1.36.1`.
    Numbers,
    /// The same, and letters and digits behind it: `1.0.2k`, `8.4p1`, `2.11-devel`.
    Letters,
    /// The version is a string of its own elsewhere in the same program, the only one that is three numbers.
    Apart,
}

use Shape::{Apart, Letters, Numbers};

const fn starting(before: &'static str, shape: Shape, after: &'static [&'static str]) -> Mark {
    Mark {
        before,
        shape,
        after,
        starts: true,
    }
}

const fn anywhere(before: &'static str, shape: Shape, after: &'static [&'static str]) -> Mark {
    Mark {
        before,
        shape,
        after,
        starts: false,
    }
}

const fn product(
    name: &'static str,
    cpe: (char, &'static str, &'static str),
    packages: &'static [&'static str],
    marks: &'static [Mark],
) -> Product {
    Product {
        name,
        cpe,
        packages,
        marks,
    }
}

/// What ends a string: the zero byte of a program, or the end of a line.
const END: &[&str] = &["\0", "\n", "\r"];

/// Every product.
#[rustfmt::skip]
pub(super) const PRODUCTS: &[Product] = &[
    product("linux", ('o', "linux", "linux_kernel"), &["linux-image", "kernel"],
        &[starting("Linux version ", Letters, &[" ("])]),
    product("u-boot", ('a', "denx", "u-boot"), &[],
        &[starting("U-Boot ", Letters, &[" ("]), starting("U-Boot SPL ", Letters, &[" ("])]),
    product("busybox", ('a', "busybox", "busybox"), &["busybox-static"],
        &[starting("BusyBox v", Letters, &[" ("])]),
    product("glibc", ('a', "gnu", "glibc"), &["libc6", "libc-bin"],
        &[anywhere(" stable release version ", Numbers, &[".\n", ", by Roland"])]),
    product("musl", ('a', "musl-libc", "musl"), &[],
        &[starting("musl libc (", Apart, &[])]),
    product("openssl", ('a', "openssl", "openssl"), &["libssl1.0.0", "libssl1.1", "libssl3", "libssl3t64", "libopenssl"],
        &[starting("OpenSSL ", Letters, &[" "])]),
    product("mbedtls", ('a', "arm", "mbed_tls"), &["libmbedtls"],
        &[starting("mbed TLS ", Numbers, END), starting("Mbed TLS ", Numbers, END)]),
    product("dropbear", ('a', "dropbear_ssh_project", "dropbear_ssh"), &["dropbear-bin"],
        &[starting("SSH-2.0-dropbear_", Numbers, END)]),
    product("openssh", ('a', "openbsd", "openssh"), &["openssh-server", "openssh-client"],
        &[starting("OpenSSH_", Letters, &["\0", "\n", " ", ","])]),
    product("zlib", ('a', "zlib", "zlib"), &["zlib1g", "libz"],
        &[starting(" deflate ", Numbers, &[" Copyright 1995-"]), starting(" inflate ", Numbers, &[" Copyright 1995-"])]),
    product("curl", ('a', "haxx", "curl"), &[],
        &[starting("curl ", Numbers, &[" ("])]),
    product("libcurl", ('a', "haxx", "libcurl"), &["libcurl4", "libcurl4t64"],
        &[starting("libcurl/", Numbers, &["\0", " "])]),
    product("wpa_supplicant", ('a', "w1.fi", "wpa_supplicant"), &["wpasupplicant", "wpa-supplicant"],
        &[starting("wpa_supplicant v", Letters, END)]),
    product("hostapd", ('a', "w1.fi", "hostapd"), &[],
        &[starting("hostapd v", Letters, END)]),
    product("lighttpd", ('a', "lighttpd", "lighttpd"), &[],
        &[starting("lighttpd/", Numbers, &["\0", "\n", " "])]),
    product("nginx", ('a', "f5", "nginx"), &[],
        &[starting("nginx/", Numbers, &["\0", "\n", " "])]),
    product("apache", ('a', "apache", "http_server"), &["apache2", "apache2-bin", "httpd"],
        &[starting("Apache/", Numbers, &["\0", " ("])]),
    product("thttpd", ('a', "acme", "thttpd"), &[],
        &[starting("thttpd/", Letters, &["\0", " "])]),
    product("boa", ('a', "boa", "boa"), &[],
        &[starting("Boa/", Letters, &["\0", " ", "\r"])]),
    product("dnsmasq", ('a', "thekelleys", "dnsmasq"), &["dnsmasq-base"],
        &[starting("dnsmasq-", Numbers, END)]),
    product("vsftpd", ('a', "vsftpd_project", "vsftpd"), &[],
        &[anywhere("(vsFTPd ", Numbers, &[")"])]),
    product("samba", ('a', "samba", "samba"), &[],
        &[starting("SAMBA_", Numbers, &["\0", "_"])]),
    product("expat", ('a', "libexpat_project", "libexpat"), &["libexpat1", "libexpat"],
        &[starting("expat_", Numbers, END)]),
    product("libpng", ('a', "libpng", "libpng"), &["libpng16-16", "libpng16-16t64"],
        &[starting("libpng version ", Numbers, &["\n", " - "])]),
    product("libjpeg-turbo", ('a', "libjpeg-turbo", "libjpeg-turbo"), &["libjpeg62-turbo"],
        &[starting("libjpeg-turbo version ", Numbers, &[" (build"])]),
    product("bash", ('a', "gnu", "bash"), &[],
        &[starting("@(#)Bash version ", Numbers, &["("])]),
    product("qt", ('a', "qt", "qt"), &[],
        &[starting("Qt ", Numbers, &[" ("])]),
    product("pppd", ('a', "samba", "ppp"), &["ppp"],
        &[starting("/usr/lib/pppd/", Numbers, END)]),
];
