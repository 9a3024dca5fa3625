//! `vitalsign extract`: writes the files of every tree, each tree in a folder of its own.
//!
//! Nothing leaves the output directory: it starts out empty, names are escaped (`names`), every name is looked up in the folder above it
//! without following links (`tree`), and links are made last.

mod metadata;
mod names;
mod tree;
mod work;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};

use self::metadata::Wish;
use self::work::{INVENTORY, Work};
use super::exit::Usage;
use super::sandbox::{Access, Right, Start};
use super::{open, output};
use crate::budget::Budget;
use crate::cli;
use crate::place::escape;

/// Extracts an image; exit code 8 when something in it stayed unread or could not be written.
pub(super) fn run(args: &cli::Extract, start: &Start) -> Result<u8> {
    prepare(&args.output)?;
    let right = if args.devices {
        Right::Nodes
    } else {
        Right::Tree
    };
    let access = Access::default()
        .reads([&args.image])
        .reads_beside(&args.beside, &args.reading)
        .has(Some(&args.output), right);
    start.confine(access)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let budget = Budget::new(args.budget.limits());
    let wish = Wish {
        preserve: args.preserve,
        setuid: args.setuid,
        devices: args.devices,
    };
    let mut work = Work::new(&found, &args.output, budget, wish)?;
    work.entries();
    if args.history {
        work.history();
    }
    let (told, lacking) = work.finish();
    output::write_json(Some(&args.output.join(INVENTORY)), &told)?;
    Ok(if found.is_incomplete() || lacking > 0 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;
    use crate::entry::{EntryPath, Node};
    use crate::extract::unpack;
    use crate::extract::{Found, Inventory};
    use crate::image::Image;
    use crate::place::Place;

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

    /// The file of each entry.
    fn written(found: &Inventory, output: &Path, limits: Limits) -> Vec<Option<String>> {
        let wish = Wish::default();
        let mut work = Work::new(found, output, Budget::new(limits), wish).unwrap();
        work.entries();
        let (told, _) = work.finish();
        told.entries.into_iter().map(|row| row.file).collect()
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
        let rows = written(&found, inside.path(), Limits::default());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        // Of one name, both are there: the link, and the folder of what is below it.
        assert_eq!(
            rows,
            [
                Some("cpio@0x0/a".to_owned()),
                Some("cpio@0x0/a%~1/b".to_owned()),
                Some("cpio@0x0/a%~1/c/d".to_owned())
            ]
        );
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
        assert_eq!(written(&found, output.path(), limits), [None]);
        assert_eq!(fs::read_dir(output.path()).unwrap().count(), 0);
    }
}
