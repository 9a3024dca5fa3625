//! The software that a content states or shows: databases of package managers, notes of ELF files, texts with a version.
//!
//! Read: the status files of dpkg and opkg, the list of apk, the databases of rpm, the package note of ELF files (systemd's "Package
//! Metadata for Executable Files"), and the texts of `versions`.

mod apk;
mod control;
mod identify;
mod note;
mod products;
mod rpm;
#[cfg(test)]
mod tests;
mod versions;

use serde::{Deserialize, Serialize};

pub use self::identify::{Release, cpe, purl};
pub use self::note::note;
pub use self::versions::{is_shown, shown};

/// A longer database is not read (64 MiB).
pub const LONGEST: u64 = 64 << 20;

/// So many packages of one database are told.
const MOST: usize = 100_000;

/// The longest name or version that is believed, in bytes.
const WORD: usize = 256;

/// Who says that a package is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The database of dpkg.
    Dpkg,
    /// That of opkg or ipkg.
    Opkg,
    /// That of apk.
    Apk,
    /// That of rpm.
    Rpm,
    /// The package note of an ELF file.
    ElfNote,
    /// A text with a version in a program, a kernel or a loader.
    VersionText,
}

impl Source {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Opkg => "opkg",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::ElfNote => "elf-note",
            Self::VersionText => "version-text",
        }
    }

    /// Whether a package manager says so, and not the program itself.
    pub fn is_database(self) -> bool {
        matches!(self, Self::Dpkg | Self::Opkg | Self::Apk | Self::Rpm)
    }
}

/// One package that a content states or shows. Its texts are printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, as it stands there.
    pub version: String,
    /// Who says so.
    pub source: Source,
    /// The processor that it is for, as the database calls it.
    pub architecture: Option<String>,
    /// The package of sources that it was built from, where that has another name.
    pub origin: Option<String>,
    /// Its licence, as the database has it.
    pub license: Option<String>,
    /// Where that stands, in bytes from the content's start.
    pub at: u64,
    /// The text that shows it; empty where a database states it.
    pub text: String,
}

/// What one content states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// The packages that are installed, in the order of the content.
    pub packages: Vec<Package>,
    /// How many records could not be read, or were too many.
    pub left_out: u64,
    /// Why it was not read, or not to its end, where it was not.
    pub unread: Option<&'static str>,
}

/// Which database a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Stanzas of dpkg.
    Dpkg,
    /// Stanzas of opkg.
    Opkg,
    /// Records of apk.
    Apk,
    /// One of rpm, of whatever form; or what is still to be written into one.
    Rpm,
}

impl Database {
    /// Which database stands at this path, whatever folder the tree begins in.
    pub fn at(path: &[u8]) -> Option<Self> {
        const PLACES: &[(&[u8], Database)] = &[
            (b"/var/lib/dpkg/status", Database::Dpkg),
            (b"/usr/lib/opkg/status", Database::Opkg),
            (b"/usr/lib/ipkg/status", Database::Opkg),
            (b"/var/lib/opkg/status", Database::Opkg),
            (b"/lib/apk/db/installed", Database::Apk),
            (b"/var/lib/rpm/Packages", Database::Rpm),
            (b"/var/lib/rpm/Packages.db", Database::Rpm),
            (b"/var/lib/rpm/rpmdb.sqlite", Database::Rpm),
            (b"/var/lib/rpm/rpmdb.sqlite-wal", Database::Rpm),
            (b"/usr/lib/sysimage/rpm/Packages", Database::Rpm),
            (b"/usr/lib/sysimage/rpm/Packages.db", Database::Rpm),
            (b"/usr/lib/sysimage/rpm/rpmdb.sqlite", Database::Rpm),
            (b"/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", Database::Rpm),
        ];
        let known = PLACES.iter().find(|(place, _)| path.ends_with(place));
        let (folder, name) = path.split_at_checked(path.iter().rposition(|&byte| byte == b'/')?)?;
        // One file a package, without the sums beside it.
        let is_one = folder.ends_with(b"/var/lib/dpkg/status.d") && !name.ends_with(b".md5sums");
        known
            .map(|(_, database)| *database)
            .or(is_one.then_some(Self::Dpkg))
    }

    /// What it states.
    pub fn read(self, bytes: &[u8]) -> Stated {
        match self {
            Self::Dpkg => control::read(bytes, Source::Dpkg),
            Self::Opkg => control::read(bytes, Source::Opkg),
            Self::Apk => apk::read(bytes),
            Self::Rpm => rpm::read(bytes),
        }
    }
}

impl Stated {
    /// Takes a package, as long as there is room.
    fn take(&mut self, package: Option<Package>) {
        match package {
            Some(package) if self.packages.len() < MOST => self.packages.push(package),
            _ => self.left_out = self.left_out.saturating_add(1),
        }
    }
}

/// A name or a version: printable, in one word.
fn word(bytes: &[u8]) -> Option<String> {
    let is_word = (1..=WORD).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    let text = is_word.then(|| str::from_utf8(bytes).ok()).flatten()?;
    Some(text.to_owned())
}

/// A line of printable text, in which spaces may stand.
fn line(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.trim_ascii();
    let is_text =
        (1..=WORD).contains(&bytes.len()) && bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    let text = is_text.then(|| str::from_utf8(bytes).ok()).flatten()?;
    Some(text.to_owned())
}

/// The lines of a text with their offsets in bytes, without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0_u64;
    bytes.split(|&byte| byte == b'\n').map(move |line| {
        let start = at;
        at = at
            .saturating_add(crate::read::length(line))
            .saturating_add(1);
        (start, line.strip_suffix(b"\r").unwrap_or(line))
    })
}
