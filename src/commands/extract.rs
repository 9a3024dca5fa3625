//! `vitalsign extract`: writes the files of every tree, each tree in a folder of its own.
//!
//! Nothing leaves the output directory: it starts out empty, names are escaped (`..` too), every file is made new, and
//! links are made last, when nothing is written through a path any more.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exit::Usage;
use super::{open, talk};
use crate::budget::Budget;
use crate::cli;
use crate::entry::{EntryPath, Fault, Node};
use crate::extract::{Found, Inventory};
use crate::place::{Place, escape};

/// Longest name of a tree's folder; a longer place becomes a number.
const LONGEST_FOLDER: usize = 200;

/// Extracts an image; exit code 8 when something in it stayed unread or could not be written.
pub(super) fn run(args: &cli::Extract) -> Result<u8> {
    prepare(&args.output)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let budget = Budget::new(args.budget.limits());
    let mut written = write_all(&found, &args.output, &budget);
    if args.history {
        write_history(&found, &args.output, &budget, &mut written);
    }
    written.tell();
    Ok(if found.is_incomplete() || written.skipped > 0 {
        8
    } else {
        0
    })
}

/// Writes every entry below `output`; links come last.
fn write_all(found: &Inventory, output: &Path, budget: &Budget) -> Written {
    let mut written = Written::default();
    let mut links = Vec::new();
    for entry in &found.entries {
        let path = output
            .join(folder(found, entry.region))
            .join(entry_name(entry));
        match &entry.entry.node {
            // Its folder is made now: once links exist, a path could lead through one.
            Node::Symlink(target) => match make_folder(&path) {
                Ok(()) => links.push((path, target.as_slice(), entry)),
                Err(error) => written.note(&entry.place, Err(error)),
            },
            node => {
                let done = afford(found, entry.region, node, budget)
                    .and_then(|()| write_node(&path, node, entry.entry.meta.mode));
                written.note(&entry.place, done);
            }
        }
    }
    for (path, target, entry) in links {
        let done = std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &path);
        written.note(&entry.place, done);
    }
    written
}

/// Writes older contents, each version of a path with its number, beside the tree that they were overwritten in.
fn write_history(found: &Inventory, output: &Path, budget: &Budget, written: &mut Written) {
    let mut versions: BTreeMap<_, u32> = BTreeMap::new();
    for older in &found.history {
        let version = versions.entry((older.region, &older.path)).or_default();
        let folder = format!("{}.history", folder(found, older.region));
        let path = output.join(folder).join(name(&older.path, *version));
        *version = version.saturating_add(1);
        let node = Node::File(older.file.clone());
        let done = afford(found, older.region, &node, budget)
            .and_then(|()| write_node(&path, &node, None));
        written.note(&older.place, done);
    }
}

/// Spends what a file will take on the disk, by the rules by which contents are read: a sparse file may say any size.
fn afford(
    found: &Inventory,
    region: Option<usize>,
    node: &Node,
    budget: &Budget,
) -> io::Result<()> {
    let Node::File(file) = node else {
        return Ok(());
    };
    let region = region.and_then(|index| found.regions.get(index));
    let stored = region.map_or(u64::MAX, |region| region.len);
    budget
        .spend_decoded(file.size)
        .and_then(|()| budget.check_ratio(stored, file.size))
        .map_err(|problem| io::Error::other(problem.detail))
}

fn prepare(output: &Path) -> Result<()> {
    let shown = escape(output.as_os_str().as_bytes());
    fs::create_dir_all(output).with_context(|| format!("cannot make {shown}"))?;
    if fs::read_dir(output)
        .with_context(|| format!("cannot read {shown}"))?
        .next()
        .is_some()
    {
        return Err(Usage(format!("{shown} is not empty; name a new directory")).into());
    }
    Ok(())
}

/// The folder of the tree of a region.
fn folder(found: &Inventory, region: Option<usize>) -> String {
    let Some(index) = region else {
        return "root".to_owned();
    };
    let place = found.regions.get(index).map(|region| &region.place);
    let name = place
        .map(Place::to_string)
        .unwrap_or_default()
        .replace('/', "%2f");
    if name.len() > LONGEST_FOLDER {
        format!("region-{index}")
    } else {
        name
    }
}

/// An entry's path below its folder: a payload has none of its own.
fn entry_name(found: &Found) -> PathBuf {
    let path = &found.entry.path;
    if *path == EntryPath::root() && matches!(found.entry.node, Node::File(_)) {
        return PathBuf::from("payload");
    }
    name(path, found.ordinal)
}

/// A path below its folder, harmless; from the second one of a path on it gets a number.
fn name(path: &EntryPath, ordinal: u32) -> PathBuf {
    let mut name: PathBuf = path.components().map(component).collect();
    if ordinal > 0 {
        name.as_mut_os_string().push(format!("\\#{ordinal}"));
    }
    name
}

fn component(part: &[u8]) -> String {
    match part {
        b".." => "\\x2e\\x2e".to_owned(),
        part => escape(part),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn write_node(path: &Path, node: &Node, mode: Option<u32>) -> io::Result<()> {
    match node {
        Node::Dir => fs::create_dir_all(path),
        Node::File(file) => {
            make_folder(path)?;
            // Setuid bits stay behind: a file taken out of an image must not gain rights on this machine.
            let mode = mode.unwrap_or(0o644) & 0o777 | 0o600;
            let out = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(path)?;
            let mut out = BufWriter::with_capacity(256 << 10, out);
            let copied = file.data.copy_to(&mut out).map_err(|fault| match fault {
                Fault::Problem(problem) => io::Error::other(problem.detail),
                Fault::Sink(error) => error,
            });
            out.flush()?;
            copied?;
            fs::set_permissions(path, Permissions::from_mode(mode))
        }
        Node::Char(_) | Node::Block(_) | Node::Fifo | Node::Socket => Err(io::Error::other(
            "device nodes, pipes and sockets are not made",
        )),
        Node::Symlink(_) => Ok(()),
    }
}

/// What came of it.
#[derive(Default)]
struct Written {
    count: usize,
    skipped: usize,
}

impl Written {
    fn note(&mut self, place: &Place, done: io::Result<()>) {
        match done {
            Ok(()) => self.count = self.count.saturating_add(1),
            Err(error) => {
                talk::say(&format!("not written: {place}: {error}"));
                self.skipped = self.skipped.saturating_add(1);
            }
        }
    }

    fn tell(&self) {
        talk::say(&format!(
            "{} written, {} not written",
            self.count, self.skipped
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;
    use crate::extract::unpack;
    use crate::image::Image;

    /// A cpio archive (newc) of symbolic links.
    fn links(links: &[(&str, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, (name, target)) in links.iter().chain(&[("TRAILER!!!", "")]).enumerate() {
            let mode = if target.is_empty() { 0 } else { 0o120_777 };
            let fields = [
                index,
                mode,
                0,
                0,
                1,
                0,
                target.len(),
                0,
                0,
                0,
                0,
                name.len() + 1,
                0,
            ];
            out.extend(b"070701");
            for field in fields {
                out.extend(format!("{field:08x}").bytes());
            }
            for text in [format!("{name}\0"), (*target).to_owned()] {
                out.extend(text.bytes());
                out.resize(out.len().next_multiple_of(4), 0);
            }
        }
        out
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        let (outside, inside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let image = links(&[
            ("a", outside.path().to_str().unwrap()),
            ("a/b", "evil"),
            ("a/c/d", "evil"),
        ]);
        let image = Image::from_bytes("test", image.into());
        let found = unpack(&image, &Budget::new(Limits::default()));
        assert_eq!(found.entries.len(), 3);
        let written = write_all(&found, inside.path(), &Budget::new(Limits::default()));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert_eq!((written.count, written.skipped), (2, 1));
    }

    #[test]
    fn a_file_that_the_budget_refuses_is_not_written() {
        let output = tempfile::tempdir().unwrap();
        let image = Image::from_bytes("test", vec![7; 100].into());
        let mut found = unpack(&image, &Budget::new(Limits::default()));
        let file = Node::File(crate::entry::File::stored(vec![7; 100].into()));
        let entry = crate::entry::Entry {
            path: EntryPath::new(b"big"),
            node: file,
            meta: crate::entry::Meta::default(),
        };
        found.entries.push(Found {
            place: Place::image(),
            region: None,
            entry,
            ordinal: 0,
            sha256: None,
            content: None,
        });
        let limits = Limits {
            decoded: 10,
            ..Limits::default()
        };
        let written = write_all(&found, output.path(), &Budget::new(limits));
        assert_eq!((written.count, written.skipped), (0, 1));
        assert_eq!(fs::read_dir(output.path()).unwrap().count(), 0);
    }
}
