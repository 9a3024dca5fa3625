//! The names that others know a package by: package URLs and candidates for a CPE.

use std::fmt::Write;

use super::products::PRODUCTS;
use super::{Package, Source, line, lines};

/// Which distribution a tree says it is (`os-release(5)`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// Its name, in lower case.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
}

impl Release {
    /// Whether a file of this path says so.
    pub fn is_at(path: &[u8]) -> bool {
        path.ends_with(b"/etc/os-release") || path.ends_with(b"/usr/lib/os-release")
    }

    /// What it says; `None` where it names none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let value = |key: &[u8]| {
            let mut all = lines(bytes).take(1000);
            let value = all.find_map(|(_, line)| line.strip_prefix(key)?.strip_prefix(b"="))?;
            let value = value.trim_ascii();
            let quoted = |quote: &[u8]| value.strip_prefix(quote)?.strip_suffix(quote);
            line(quoted(b"\"").or_else(|| quoted(b"'")).unwrap_or(value))
        };
        let id = value(b"ID")?.to_ascii_lowercase();
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        id.bytes().all(is_id).then(|| Self {
            id,
            version: value(b"VERSION_ID"),
        })
    }
}

/// The package URL of a package, where its kind has a type in the specification and that is all known which the type requires:
/// `deb`, `apk` and `rpm` require the name of the distribution; opkg has no type.
pub fn purl(package: &Package, release: Option<&Release>) -> Option<String> {
    let kind = match package.source {
        Source::Dpkg => "deb",
        Source::Apk => "apk",
        Source::Rpm => "rpm",
        Source::Opkg | Source::ElfNote | Source::VersionText => return None,
    };
    let release = release?;
    let is_rpm = package.source == Source::Rpm;
    let name = if is_rpm {
        encoded(&package.name)
    } else {
        encoded(&package.name.to_ascii_lowercase())
    };
    // Of rpm the epoch stands apart.
    let stated = package.version.as_str();
    let (epoch, version) = match stated.split_once(':') {
        Some((epoch, version)) if is_rpm => (Some(epoch.to_owned()), version),
        _ => (None, stated),
    };
    let mut purl = format!(
        "pkg:{kind}/{}/{name}@{}",
        encoded(&release.id),
        encoded(version)
    );
    let mut between = '?';
    let distro = release
        .version
        .as_ref()
        .map(|version| format!("{}-{version}", release.id));
    for (key, value) in [
        ("arch", &package.architecture),
        ("distro", &distro),
        ("epoch", &epoch),
    ] {
        if let Some(value) = value {
            let _ = write!(purl, "{between}{key}={}", encoded(value));
            between = '&';
        }
    }
    Some(purl)
}

/// Text as a package URL has it: letters, digits, `.-_~` and `:` stand for themselves.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A candidate for the CPE of a package that is in the table of products. It is made from the version of the maker: what a distribution
/// mended without a new version does not show in it.
pub fn cpe(package: &Package) -> Option<String> {
    let of_name = |name: &str| {
        let mut all = PRODUCTS.iter();
        all.find(|it| {
            it.name == name || package.source.is_database() && it.packages.contains(&name)
        })
    };
    let product = of_name(&package.name)?;
    let version = upstream(package);
    let len = version
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
        .count();
    let (numbers, rest) = version.split_at_checked(len)?;
    if numbers.is_empty() {
        return None;
    }
    // NVD keeps the letter of OpenSSL with the number, and what says more of a release (p1, rc2) as the update.
    let update = rest.trim_start_matches(['-', '~', '_', '+']);
    let (version, update) = match rest.len() {
        0 => (numbers.to_owned(), "*".to_owned()),
        1 if rest.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            (version.to_owned(), "*".to_owned())
        }
        _ if is_update(update) => (numbers.to_owned(), update.to_owned()),
        _ => (numbers.to_owned(), "*".to_owned()),
    };
    let (part, vendor, name) = product.cpe;
    Some(format!(
        "cpe:2.3:{part}:{vendor}:{name}:{}:{update}:*:*:*:*:*:*",
        version.trim_end_matches('.')
    ))
}

/// `p1`, `rc2`: letters, then digits.
fn is_update(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let digits = text.get(letters..).unwrap_or_default();
    matches!(letters, 1..=4)
        && matches!(digits.len(), 1..=3)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The version of the maker: without the epoch and the revision of a distribution.
fn upstream(package: &Package) -> &str {
    let version = package.version.as_str();
    if !package.source.is_database() {
        return version;
    }
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(head, _)| head);
    version.split_once('+').map_or(version, |(head, _)| head)
}
