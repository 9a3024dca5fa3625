//! The list of apk: records of lines with a letter, a colon and a value, an empty line between them.
//!
//! Specification: apk-tools, src/database.c and apk(5), "installed database format".

use super::{Package, Source, Stated, line, lines, word};

/// What is kept of one record.
#[derive(Default)]
struct Record<'a> {
    at: u64,
    name: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    license: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
}

/// The packages of the list.
pub(super) fn read(bytes: &[u8]) -> Stated {
    let mut stated = Stated::default();
    let mut record = Record::default();
    for (at, line) in lines(bytes) {
        if line.is_empty() {
            std::mem::take(&mut record).end(&mut stated);
        } else {
            record.line(at, line);
        }
    }
    record.end(&mut stated);
    stated
}

impl<'a> Record<'a> {
    fn line(&mut self, at: u64, line: &'a [u8]) {
        let [key, b':', value @ ..] = line else {
            return;
        };
        let field = match key {
            b'P' => {
                self.at = at;
                &mut self.name
            }
            b'V' => &mut self.version,
            b'A' => &mut self.architecture,
            b'L' => &mut self.license,
            b'o' => &mut self.origin,
            _ => return,
        };
        field.get_or_insert(value);
    }

    fn end(self, stated: &mut Stated) {
        if self.name.is_some() {
            stated.take(self.package());
        }
    }

    fn package(&self) -> Option<Package> {
        Some(Package {
            name: word(self.name?)?,
            version: word(self.version?)?,
            source: Source::Apk,
            architecture: self.architecture.and_then(word),
            origin: self
                .origin
                .filter(|origin| Some(*origin) != self.name)
                .and_then(word),
            license: self.license.and_then(line),
            at: self.at,
            text: String::new(),
        })
    }
}
