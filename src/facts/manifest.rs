//! Manifests: files that list other files with their digests. They tell an update that is damaged from one that is whole; whoever
//! changes a file can change its line, so that they are no signature.

use std::io::{self, Write};

use sha2::digest::DynDigest;

use crate::digest::unhex;

/// A longer file is no manifest (4 MiB).
pub const LONGEST: u64 = 4 << 20;
/// So many lines of one manifest are looked at.
const MOST_LINES: usize = 100_000;
/// Groups are nested no deeper.
const DEEPEST: usize = 64;

/// How a digest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// 16 bytes.
    Md5,
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 64 bytes.
    Sha512,
}

impl Algorithm {
    /// Its usual name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// What makes such a digest of everything that is written to it.
    pub fn hasher(self) -> Hasher {
        Hasher(match self {
            Self::Md5 => Box::new(md5::Md5::default()),
            Self::Sha1 => Box::new(sha1::Sha1::default()),
            Self::Sha256 => Box::new(sha2::Sha256::default()),
            Self::Sha512 => Box::new(sha2::Sha512::default()),
        })
    }

    fn of_length(bytes: usize) -> Option<Self> {
        Some(match bytes {
            16 => Self::Md5,
            20 => Self::Sha1,
            32 => Self::Sha256,
            64 => Self::Sha512,
            _ => return None,
        })
    }
}

/// Makes a digest of everything that is written to it.
pub struct Hasher(Box<dyn DynDigest>);

impl Hasher {
    /// The digest of all of it.
    pub fn finish(self) -> Vec<u8> {
        self.0.finalize().into_vec()
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a manifest says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, relative to where the manifest stands or to the root.
    pub name: Vec<u8>,
    /// How the digest was made.
    pub algorithm: Algorithm,
    /// The digest.
    pub digest: Vec<u8>,
    /// Its size in bytes, where that is stated.
    pub size: Option<u64>,
}

/// Whether a file of this name is a manifest.
pub fn is_name(name: &[u8]) -> bool {
    matches!(name, b"manifest.raucm" | b"sw-description") || is_sums(name)
}

/// What a manifest of this name lists.
pub fn listed(name: &[u8], text: &[u8]) -> Vec<Listed> {
    match name {
        b"manifest.raucm" => sections(text),
        b"sw-description" => groups(text),
        _ => sums(text),
    }
}

/// Whether a file of this name lists digests, one a line.
fn is_sums(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(b".txt").unwrap_or(&name);
    [b"md5".as_slice(), b"sha1", b"sha256", b"sha512"]
        .iter()
        .any(|algorithm| {
            let ends = |ending: &[u8]| stem.ends_with(&[algorithm, ending].concat());
            ends(b"sum") || ends(b"sums") || stem.ends_with(&[b".", *algorithm].concat())
        })
}

/// Lines as GNU's and BSD's tools write them.
fn sums(text: &[u8]) -> Vec<Listed> {
    let lines = text.split(|&byte| byte == b'\n').take(MOST_LINES);
    lines.filter_map(line).collect()
}

/// One line as GNU's and BSD's tools write it.
pub fn line(line: &[u8]) -> Option<Listed> {
    gnu(line).or_else(|| bsd(line))
}

/// `DIGEST  NAME`, or `DIGEST *NAME`; a backslash in front says that the name has escapes.
fn gnu(line: &[u8]) -> Option<Listed> {
    let (line, escaped) = match line.strip_prefix(b"\\") {
        Some(line) => (line, true),
        None => (line, false),
    };
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit())?;
    let (digits, rest) = line.split_at_checked(end)?;
    let name = rest
        .strip_prefix(b"  ")
        .or_else(|| rest.strip_prefix(b" *"))?;
    let name = name.strip_suffix(b"\r").unwrap_or(name);
    let name = if escaped {
        unescaped(name)?
    } else {
        name.to_vec()
    };
    row(name, digits)
}

fn unescaped(name: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(plain)
}

/// `SHA256 (NAME) = DIGEST`; a backslash in front says that the name has escapes. Other algorithms make digests of the same lengths.
fn bsd(line: &[u8]) -> Option<Listed> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (line, escaped) = match line.strip_prefix(b"\\") {
        Some(line) => (line, true),
        None => (line, false),
    };
    let open = line.windows(2).position(|two| two == b" (")?;
    let close = line.windows(4).rposition(|four| four == b") = ")?;
    let name = line.get(open.checked_add(2)?..close)?;
    let name = if escaped {
        unescaped(name)?
    } else {
        name.to_vec()
    };
    let listed = row(name, line.get(close.checked_add(4)?..)?)?;
    let word = line.get(..open)?.to_ascii_lowercase();
    (word == listed.algorithm.word().as_bytes()).then_some(listed)
}

fn row(name: Vec<u8>, digits: &[u8]) -> Option<Listed> {
    let digits = str::from_utf8(digits).ok()?.to_ascii_lowercase();
    let digest = unhex(&digits)?;
    Some(Listed {
        name,
        algorithm: Algorithm::of_length(digest.len())?,
        digest,
        size: None,
    })
}

/// A file name, a digest and a size that belong together.
#[derive(Default)]
struct Pair {
    name: Option<Vec<u8>>,
    digest: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Pair {
    /// Takes what some lines say of the two.
    fn take(&mut self, text: &[u8]) {
        self.name = value(text, b"filename").or_else(|| self.name.take());
        self.digest = value(text, b"sha256").or_else(|| self.digest.take());
        let size = value(text, b"size").and_then(|size| str::from_utf8(&size).ok()?.parse().ok());
        self.size = size.or(self.size);
    }

    fn row(self) -> Option<Listed> {
        let mut row = row(self.name?, &self.digest?)?;
        row.size = self.size;
        (row.algorithm == Algorithm::Sha256).then_some(row)
    }
}

/// The sections of RAUC's manifest.
fn sections(text: &[u8]) -> Vec<Listed> {
    let sections = text.split(|&byte| byte == b'[').take(MOST_LINES);
    let section = |text: &[u8]| {
        let mut pair = Pair::default();
        pair.take(text);
        pair.row()
    };
    sections.filter_map(section).collect()
}

/// The groups of `SWUpdate`'s description, one inside another. A brace in a text counts as one.
fn groups(text: &[u8]) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut open = vec![Pair::default()];
    let pieces = text.split_inclusive(|byte| matches!(byte, b'{' | b'}'));
    for piece in pieces.take(MOST_LINES) {
        if let Some(group) = open.last_mut() {
            let lines = piece
                .strip_suffix(b"{")
                .or_else(|| piece.strip_suffix(b"}"));
            group.take(lines.unwrap_or(piece));
        }
        match piece.last() {
            Some(b'{') if open.len() < DEEPEST => open.push(Pair::default()),
            Some(b'}') => found.extend(open.pop().and_then(Pair::row)),
            _ => {}
        }
    }
    found
}

/// The value of a key in lines of `key = value`, quoted or not.
fn value(text: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b';'));
    lines.find_map(|line| {
        let rest = line.trim_ascii().strip_prefix(key)?.trim_ascii_start();
        let value = rest
            .strip_prefix(b"=")
            .or_else(|| rest.strip_prefix(b":"))?;
        let value = value.trim_ascii();
        let quoted = value
            .strip_prefix(b"\"")
            .and_then(|it| it.strip_suffix(b"\""));
        Some(quoted.unwrap_or(value).to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn names(name: &str, text: &str) -> Vec<String> {
        let listed = listed(name.as_bytes(), text.as_bytes()).into_iter();
        listed
            .map(|row| {
                let mut hasher = row.algorithm.hasher();
                hasher.write_all(b"abc").unwrap();
                assert_eq!(hasher.finish(), row.digest, "{row:?}");
                String::from_utf8(row.name).unwrap()
            })
            .collect()
    }

    #[test]
    fn lines_of_gnu_and_bsd_are_read() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        let text = format!(
            "{OF_ABC}  a name\n{OF_ABC} *b\r\n\\{OF_ABC}  c\\nd\nSHA256 (e (1)) = {OF_ABC}\n\\SHA256 (e\\n2) = {OF_ABC}\nSHA3-256 (x) = {OF_ABC}\n{md5}  f\nno line\n{OF_ABC}g\n"
        );
        let expected = ["a name", "b", "c\nd", "e (1)", "e\n2", "f"];
        for name in ["SHA256SUMS", "sha256sum.txt", "update.sha256", "md5sums"] {
            assert_eq!(names(name, &text), expected, "{name}");
        }
        for name in ["notes.txt", "sha256", "md5sums.c"] {
            assert!(!is_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn groups_of_rauc_and_swupdate_are_read() {
        let rauc = format!(
            "[update]\ncompatible=monitor\n\n[bundle]\nformat=plain\n\n[image.rootfs]\nsha256={OF_ABC}\nsize=3\nfilename=rootfs.img\n"
        );
        assert_eq!(names("manifest.raucm", &rauc), ["rootfs.img"]);
        let swupdate = format!(
            "software = {{\n version = \"1\";\n images: (\n {{\n filename = \"root.img\";\n properties: {{\n subtype = \"a\";\n }};\n sha256 = \"{OF_ABC}\";\n }},\n {{\n filename = \"no.img\";\n }}\n );\n}}\n"
        );
        assert_eq!(names("sw-description", &swupdate), ["root.img"]);
    }
}
