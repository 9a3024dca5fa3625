//! The status files of dpkg and opkg: stanzas of `Key: value` lines, an empty line between them.
//!
//! Specification: Debian Policy, chapter 5; dpkg(1), "Package states"; opkg's `libopkg/pkg_parse.c`, which reads the same form.

use super::{Package, Source, Stated, line, lines, word};

/// The states in which the files of a package are there, if not all of them configured.
const THERE: &[&[u8]] = &[
    b"installed",
    b"unpacked",
    b"half-configured",
    b"triggers-awaited",
    b"triggers-pending",
];

/// What is kept of one stanza.
#[derive(Default)]
struct Stanza<'a> {
    at: u64,
    name: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    license: Option<&'a [u8]>,
}

/// The packages of a status file that are there.
pub(super) fn read(bytes: &[u8], source: Source) -> Stated {
    let mut stated = Stated::default();
    let mut stanza = Stanza::default();
    for (at, line) in lines(bytes) {
        if line.trim_ascii().is_empty() {
            std::mem::take(&mut stanza).end(source, &mut stated);
        } else {
            stanza.line(at, line);
        }
    }
    stanza.end(source, &mut stated);
    stated
}

impl<'a> Stanza<'a> {
    /// Takes one line. What goes on from the line before starts with a space and is nothing that is kept.
    fn line(&mut self, at: u64, line: &'a [u8]) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return;
        };
        let Some((key, value)) = line.split_at_checked(colon) else {
            return;
        };
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let field = match key {
            b"Package" => {
                self.at = at;
                &mut self.name
            }
            b"Version" => &mut self.version,
            b"Status" => &mut self.status,
            b"Architecture" => &mut self.architecture,
            b"Source" => &mut self.origin,
            b"License" => &mut self.license,
            _ => return,
        };
        field.get_or_insert(value);
    }

    /// Tells the package, where it is one that is there. A file of one package (`status.d`) states no status.
    fn end(self, source: Source, stated: &mut Stated) {
        let state = self
            .status
            .map(|status| status.rsplit(|&byte| byte == b' ').next());
        let is_there = state.is_none_or(|state| state.is_some_and(|state| THERE.contains(&state)));
        if self.name.is_some() && is_there {
            stated.take(self.package(source));
        }
    }

    fn package(&self, source: Source) -> Option<Package> {
        // `Source: glibc (2.36-9)`: the version stands there where it is another one.
        let origin = self
            .origin
            .and_then(|origin| origin.split(|&byte| byte == b' ').next());
        let origin = origin.filter(|origin| Some(*origin) != self.name && *origin != b"");
        Some(Package {
            name: word(self.name?)?,
            version: word(self.version?)?,
            source,
            architecture: self.architecture.and_then(word),
            origin: origin.and_then(word),
            license: self.license.and_then(line),
            at: self.at,
            text: String::new(),
        })
    }
}
