//! What may change: whether an entry that no file row expects falls under a mutable row.
//!
//! Default deny. An entry is allowed when one row names its path, kind, mode and size, and no row that names its
//! path forbids what it is.

mod glob;

pub(super) use glob::glob;

use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::model::{Forbid, Kind, MutableRow};
use crate::entry::EntryPath;

/// The most mutable rows: more would be a list of files.
const MAX_ROWS: usize = 4096;

/// The mutable rows of a baseline, ready to be asked.
#[derive(Clone, Debug)]
pub struct Policy<'b> {
    rows: &'b [MutableRow],
    globs: GlobSet,
}

/// Why globs cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// There are too many rows.
    #[error("more than {MAX_ROWS} rows of `mutable`")]
    TooMany,
    /// A glob is not one.
    #[error("`glob` must be {0}")]
    Glob(&'static str),
    /// All of them together are too much.
    #[error("the globs are too complex together")]
    TooComplex,
}

/// An entry found in an image, as far as the policy asks.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Which tree of the baseline it is in.
    pub component: usize,
    /// Where in it.
    pub path: &'a EntryPath,
    /// What it is.
    pub kind: Kind,
    /// Its permission bits, where the format stores them.
    pub mode: Option<u32>,
    /// Its size in bytes, when it is a file.
    pub size: u64,
    /// What its content is, when it is a file.
    pub content: Content,
}

/// What a file's content is, as far as the policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// An ELF executable or library.
    Elf,
    /// A script.
    Script,
    /// Neither.
    Other,
    /// It could not be read, so it may be anything.
    Unread,
}

/// What the policy says of an entry. Rows are indexes in the baseline's mutable rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A row allows it.
    Allowed {
        /// Which one.
        row: usize,
    },
    /// A row names its path, but it may not be what it is.
    Forbidden {
        /// Which one.
        row: usize,
        /// What is against it.
        reason: Breach,
    },
    /// No row names its path.
    NotNamed,
}

/// How an entry breaks a mutable row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Breach {
    /// Its content is an ELF file.
    #[error("an ELF file may not be here")]
    Elf,
    /// Its content is a script.
    #[error("a script may not be here")]
    Script,
    /// It runs with its owner's or group's rights.
    #[error("a setuid or setgid file may not be here")]
    Setuid,
    /// It has an execute bit.
    #[error("an executable file may not be here")]
    Exec,
    /// Its content could not be read, and a row forbids some contents.
    #[error("its content could not be read, and not every content may be here")]
    Unread,
    /// It is of a kind that no row allows.
    #[error("a {} may not be here", .0.word())]
    Kind(Kind),
    /// It has permission bits beyond those allowed.
    #[error("its mode {found:04o} has bits beyond {most:04o}")]
    Mode {
        /// Its permission bits.
        found: u32,
        /// Those allowed.
        most: u32,
    },
    /// It is bigger than allowed.
    #[error("its {found} bytes are more than {most}")]
    Size {
        /// Its size in bytes.
        found: u64,
        /// The size allowed.
        most: u64,
    },
}

impl<'b> Policy<'b> {
    /// Prepares the mutable rows of a baseline.
    ///
    /// # Errors
    /// [`BadPolicy`]; never for rows of a parsed baseline.
    pub fn new(rows: &'b [MutableRow]) -> Result<Self, BadPolicy> {
        if rows.len() > MAX_ROWS {
            return Err(BadPolicy::TooMany);
        }
        let mut globs = GlobSetBuilder::new();
        for row in rows {
            globs.add(glob(&row.glob).map_err(BadPolicy::Glob)?);
        }
        let globs = globs.build().ok().ok_or(BadPolicy::TooComplex)?;
        Ok(Self { rows, globs })
    }

    /// The rows whose glob names a path of a component, in order.
    pub fn named(&self, component: usize, path: &EntryPath) -> Vec<(usize, &'b MutableRow)> {
        // `..` is data that nothing follows; a glob would.
        if path.climbs() {
            return Vec::new();
        }
        let matches = self
            .globs
            .matches_candidate(&Candidate::from_bytes(path.as_bytes()));
        matches
            .into_iter()
            .filter_map(|index| Some((index, self.rows.get(index)?)))
            .filter(|(_, row)| row.component == component)
            .collect()
    }

    /// Judges one entry that no file row expects as it is.
    pub fn judge(&self, found: &Found<'_>) -> Judgement {
        let named = self.named(found.component, found.path);
        for &(row, rule) in &named {
            if let Some(reason) = prohibition(rule, found) {
                return Judgement::Forbidden { row, reason };
            }
        }
        let mut refused: Option<(usize, Breach)> = None;
        for &(row, rule) in &named {
            let Some(reason) = excess(rule, found) else {
                return Judgement::Allowed { row };
            };
            // The first row that allows the kind tells more of what is wrong than one that does not.
            if refused.is_none_or(|(_, it)| it.about_kind() && !reason.about_kind()) {
                refused = Some((row, reason));
            }
        }
        refused.map_or(Judgement::NotNamed, |(row, reason)| Judgement::Forbidden {
            row,
            reason,
        })
    }
}

impl Breach {
    fn about_kind(&self) -> bool {
        matches!(self, Self::Kind(_))
    }
}

/// What the row forbids about the entry whatever another row allows. The bits and the content of anything but a
/// file say nothing about what it could run.
fn prohibition(rule: &MutableRow, found: &Found<'_>) -> Option<Breach> {
    if found.kind != Kind::File {
        return None;
    }
    let bits = |bits: u32| found.mode.is_some_and(|mode| mode & bits != 0);
    rule.forbid
        .iter()
        .find_map(|what| match (what, found.content) {
            (Forbid::Elf, Content::Elf) => Some(Breach::Elf),
            (Forbid::Script, Content::Script) => Some(Breach::Script),
            (Forbid::Elf | Forbid::Script, Content::Unread) => Some(Breach::Unread),
            (Forbid::Setuid, _) if bits(0o6000) => Some(Breach::Setuid),
            (Forbid::Exec, _) if bits(0o111) => Some(Breach::Exec),
            _ => None,
        })
}

/// In what the entry goes beyond the row. The mode of a symbolic link means nothing.
fn excess(rule: &MutableRow, found: &Found<'_>) -> Option<Breach> {
    if !rule.types.contains(&found.kind) {
        return Some(Breach::Kind(found.kind));
    }
    let mode = found
        .mode
        .filter(|_| found.kind != Kind::Symlink)
        .unwrap_or_default();
    if mode & !rule.mode_max != 0 {
        return Some(Breach::Mode {
            found: mode,
            most: rule.mode_max,
        });
    }
    let most = rule.max_bytes.unwrap_or_default();
    (found.kind == Kind::File && found.size > most).then_some(Breach::Size {
        found: found.size,
        most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    type Change = fn(&mut Found<'_>);

    fn row(glob: &str, types: &[Kind], forbid: &[Forbid]) -> MutableRow {
        MutableRow {
            component: 0,
            glob: glob.into(),
            types: types.iter().copied().collect(),
            mode_max: 0o755,
            max_bytes: Some(100),
            forbid: forbid.iter().copied().collect::<BTreeSet<_>>(),
        }
    }

    fn judge(rows: &[MutableRow], path: &str, change: impl FnOnce(&mut Found<'_>)) -> Judgement {
        let path = EntryPath::new(path.as_bytes());
        let mut found = Found {
            component: 0,
            path: &path,
            kind: Kind::File,
            mode: Some(0o644),
            size: 10,
            content: Content::Other,
        };
        change(&mut found);
        Policy::new(rows).unwrap().judge(&found)
    }

    #[test]
    fn only_what_a_row_names_may_be() {
        let rows = [
            row("/log/*.log", &[Kind::File], &[]),
            row("/var/**", &[Kind::File, Kind::Dir], &[]),
        ];
        let at = |path: &str| judge(&rows, path, |_| {});
        assert_eq!(at("/log/a.log"), Judgement::Allowed { row: 0 });
        assert_eq!(at("/log/.log"), Judgement::Allowed { row: 0 });
        assert_eq!(at("/var/a/b/c"), Judgement::Allowed { row: 1 });
        for path in [
            "/log/a/b.log",
            "/log/a.LOG",
            "/log/a.log.sh",
            "/x/log/a.log",
            "/log",
            "/var",
            "/",
            "/var/../bin/sh",
        ] {
            assert_eq!(at(path), Judgement::NotNamed, "{path}");
        }
        assert_eq!(
            judge(&rows, "/log/a.log", |found| found.component = 1),
            Judgement::NotNamed
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_matched_too() {
        let rows = [row("/log/**", &[Kind::File], &[])];
        let path = EntryPath::new(b"/log/\xff\n\xe2");
        let found = Found {
            component: 0,
            path: &path,
            kind: Kind::File,
            mode: None,
            size: 0,
            content: Content::Other,
        };
        assert_eq!(
            Policy::new(&rows).unwrap().judge(&found),
            Judgement::Allowed { row: 0 }
        );
    }

    #[test]
    fn an_entry_that_breaks_its_row_is_told_why() {
        let all = [Forbid::Elf, Forbid::Script, Forbid::Setuid, Forbid::Exec];
        let rows = [row("/log/*", &[Kind::File, Kind::Symlink, Kind::Dir], &all)];
        let breach = |change: fn(&mut Found<'_>)| match judge(&rows, "/log/a", change) {
            Judgement::Forbidden { row: 0, reason } => Some(reason.to_string()),
            Judgement::Allowed { row: 0 } => None,
            other => panic!("{other:?}"),
        };
        let cases: [(Change, Option<&str>); 13] = [
            (|_| {}, None),
            (
                |it| it.content = Content::Elf,
                Some("an ELF file may not be here"),
            ),
            (
                |it| it.content = Content::Script,
                Some("a script may not be here"),
            ),
            (
                |it| it.content = Content::Unread,
                Some("its content could not be read, and not every content may be here"),
            ),
            (
                |it| it.mode = Some(0o4644),
                Some("a setuid or setgid file may not be here"),
            ),
            (
                |it| it.mode = Some(0o2644),
                Some("a setuid or setgid file may not be here"),
            ),
            (
                |it| it.mode = Some(0o645),
                Some("an executable file may not be here"),
            ),
            (
                |it| it.mode = Some(0o666),
                Some("its mode 0666 has bits beyond 0755"),
            ),
            (|it| it.size = 101, Some("its 101 bytes are more than 100")),
            (|it| it.kind = Kind::Char, Some("a char may not be here")),
            (|it| (it.kind, it.mode) = (Kind::Symlink, Some(0o777)), None),
            (|it| (it.kind, it.mode) = (Kind::Dir, Some(0o755)), None),
            (
                |it| (it.kind, it.mode) = (Kind::Dir, Some(0o1755)),
                Some("its mode 1755 has bits beyond 0755"),
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(breach(change).as_deref(), expected);
        }
        assert_eq!(
            judge(&rows, "/log/a", |it| it.mode = None),
            Judgement::Allowed { row: 0 }
        );
    }

    #[test]
    fn a_prohibition_holds_whatever_another_row_allows() {
        let rows = [
            row("/data/**", &[Kind::File], &[]),
            row("/data/*.cfg", &[Kind::File], &[Forbid::Script]),
        ];
        let script = |path| judge(&rows, path, |it| it.content = Content::Script);
        assert_eq!(script("/data/a.bin"), Judgement::Allowed { row: 0 });
        assert_eq!(
            script("/data/a.cfg"),
            Judgement::Forbidden {
                row: 1,
                reason: Breach::Script
            }
        );
    }

    #[test]
    fn one_row_that_allows_is_enough_and_the_nearest_one_explains() {
        let rows = [
            row("/d/**", &[Kind::Dir], &[]),
            row("/d/**", &[Kind::File], &[]),
        ];
        assert_eq!(judge(&rows, "/d/a", |_| {}), Judgement::Allowed { row: 1 });
        assert_eq!(
            judge(&rows, "/d/a", |it| it.kind = Kind::Dir),
            Judgement::Allowed { row: 0 }
        );
        let big = judge(&rows, "/d/a", |it| it.size = 101);
        assert_eq!(
            big,
            Judgement::Forbidden {
                row: 1,
                reason: Breach::Size {
                    found: 101,
                    most: 100
                }
            }
        );
        let fifo = judge(&rows, "/d/a", |it| it.kind = Kind::Fifo);
        assert_eq!(
            fifo,
            Judgement::Forbidden {
                row: 0,
                reason: Breach::Kind(Kind::Fifo)
            }
        );
    }

    #[test]
    fn no_class_or_wildcard_crosses_a_slash() {
        for pattern in ["/a?b", "/a*b", "/a[A-Z0-9a-z_.]b", "/a{?,*}b"] {
            assert_eq!(
                judge(&[row(pattern, &[Kind::File], &[])], "/a/b", |_| {}),
                Judgement::NotNamed,
                "{pattern}"
            );
        }
    }

    #[test]
    fn many_rows_are_prepared_and_more_are_refused() {
        let rows: Vec<MutableRow> = (0..MAX_ROWS)
            .map(|at| row(&format!("/log/{at}/*.log"), &[Kind::File], &[]))
            .collect();
        assert_eq!(
            judge(&rows, "/log/4095/x.log", |_| {}),
            Judgement::Allowed { row: 4095 }
        );
        let more = [&rows[..], &rows[..1]].concat();
        assert_eq!(Policy::new(&more).unwrap_err(), BadPolicy::TooMany);
    }
}
