//! `vitalsign extract`: writes the files of every tree, each tree in a folder of its own.
//!
//! Nothing leaves the output directory: it starts out empty, names are escaped (`..` too), every file is made new, and
//! links are made last, when nothing is written through a path any more.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exit::Usage;
use super::open;
use crate::cli;
use crate::entry::{EntryPath, Fault, Node};
use crate::extract::{Found, Inventory};
use crate::place::{Place, escape};

/// Longest name of a tree's folder; a longer place becomes a number.
const LONGEST_FOLDER: usize = 200;

/// Extracts an image; exit code 8 when something in it stayed unread or could not be written.
pub(super) fn run(args: &cli::Extract) -> Result<u8> {
    prepare(&args.output)?;
    let found = open::inventory(&args.image, &args.budget)?;
    let mut written = Written::default();
    let mut links = Vec::new();
    for entry in &found.entries {
        let path = args.output.join(folder(&found, entry)).join(name(entry));
        match &entry.entry.node {
            // Its folder is made now: once links exist, a path could lead through one.
            Node::Symlink(target) => match make_folder(&path) {
                Ok(()) => links.push((path, target.as_slice(), entry)),
                Err(error) => written.note(entry, Err(error)),
            },
            node => {
                let done = write_node(&path, node, entry.entry.meta.mode);
                written.note(entry, done);
            }
        }
    }
    for (path, target, entry) in links {
        let done = std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &path);
        written.note(entry, done);
    }
    written.tell();
    Ok(if found.is_incomplete() || written.skipped > 0 {
        8
    } else {
        0
    })
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

/// The folder of the tree that an entry belongs to.
fn folder(found: &Inventory, entry: &Found) -> String {
    let Some(index) = entry.region else {
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

/// The entry's path below its folder, harmless: a payload has none of its own, a second entry of a path gets a number.
fn name(found: &Found) -> PathBuf {
    let path = &found.entry.path;
    if *path == EntryPath::root() && matches!(found.entry.node, Node::File(_)) {
        return PathBuf::from("payload");
    }
    let mut name: PathBuf = path.components().map(component).collect();
    if found.ordinal > 0 {
        name.as_mut_os_string()
            .push(format!("\\#{}", found.ordinal));
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
    fn note(&mut self, entry: &Found, done: io::Result<()>) {
        match done {
            Ok(()) => self.count = self.count.saturating_add(1),
            Err(error) => {
                anstream::eprintln!("not written: {}: {error}", entry.place);
                self.skipped = self.skipped.saturating_add(1);
            }
        }
    }

    fn tell(&self) {
        anstream::eprintln!("{} written, {} not written", self.count, self.skipped);
    }
}
