//! Taking the entries of a tree: their contents are read in parallel, what may hold regions goes on the work list.

use super::{Home, Unpacker, Work, too_many_magics};
use crate::entry::{Entry, EntryPath, File, Node, Superseded};
use crate::extract::content::{self, Content};
use crate::extract::inventory::{Found, Older, Owner, State};
use crate::place::Place;
use crate::problem::{Problem, ProblemKind};

/// So many entries are read at a time: what reading them yields is larger than what is kept of it.
const BATCH: usize = 1 << 15;

impl Unpacker<'_> {
    /// Takes the entries of a tree, sorted by path; reads the contents of its files.
    pub(super) fn take_tree(
        &mut self,
        mut entries: Vec<Entry>,
        region: Option<usize>,
        place: &Place,
        stored: u64,
        depth: usize,
    ) {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let mut links = content::Links::default();
        let mut before: Option<(EntryPath, u32)> = None;
        let mut entries = entries.into_iter();
        loop {
            let batch: Vec<Entry> = entries.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let files = batch.iter().filter_map(|entry| match &entry.node {
                Node::File(file) => Some(file),
                _ => None,
            });
            let files: Vec<&File> = files.collect();
            let contents = content::read_all(&files, stored, self.budget, &mut links);
            let mut contents = contents.into_iter();
            for entry in batch {
                let content = matches!(entry.node, Node::File(_))
                    .then(|| contents.next())
                    .flatten();
                let ordinal = match &before {
                    Some((path, ordinal)) if *path == entry.path => ordinal.saturating_add(1),
                    _ => 0,
                };
                before = Some((entry.path.clone(), ordinal));
                if ordinal == 1 {
                    let problem =
                        Problem::new(ProblemKind::Name, "this path stands here more than once");
                    self.tell(
                        &place.path(&entry.path),
                        region.map(Owner::Region),
                        vec![problem],
                    );
                }
                self.add_entry(entry, ordinal, content.as_deref(), region, place, depth);
            }
        }
    }

    pub(super) fn add_entry(
        &mut self,
        entry: Entry,
        ordinal: u32,
        content: Option<&Content>,
        region: Option<usize>,
        place: &Place,
        depth: usize,
    ) {
        let place = place.path(&entry.path);
        let within = self.found.entries.len();
        if let Some(problem) = content.and_then(|content| content.problem.clone()) {
            if let Some(region) = region {
                self.worsen(region, State::Partial);
            }
            self.tell(
                &place,
                Some(Owner::Entry(within)),
                vec![Problem {
                    path: None,
                    ..problem
                }],
            );
        }
        if let Some(inside) = content.and_then(|content| content.inside.clone()) {
            if inside.too_many {
                let owner = Some(Owner::Entry(within));
                self.tell(&place, owner, vec![too_many_magics()]);
            }
            self.work.push_back(Work {
                bytes: inside.bytes,
                hits: inside.hits,
                ranges: inside.ranges,
                home: Home {
                    place: place.clone(),
                    parent: region,
                    within: Some(within),
                    depth: depth.saturating_add(1),
                    ledger: None,
                    at_origin: 0,
                    at_base: 0,
                    place_origin: 0,
                    stored: false,
                    except: None,
                    leftover: false,
                },
                payload: None,
            });
        }
        self.found.entries.push(Found {
            place,
            region,
            entry,
            ordinal,
            sha256: content.and_then(|content| content.sha256),
            content: content.and_then(|content| content.file_type),
        });
    }

    pub(super) fn take_history(&mut self, history: &[Superseded], region: usize, place: &Place) {
        let files: Vec<&File> = history.iter().map(|older| &older.file).collect();
        let contents = content::read_all(
            &files,
            u64::MAX,
            self.budget,
            &mut content::Links::default(),
        );
        for (older, content) in history.iter().zip(contents) {
            self.found.history.push(Older {
                place: place.path(&older.path),
                path: older.path.clone(),
                region: Some(region),
                mtime: older.mtime,
                why: older.why,
                file: older.file.clone(),
                sha256: content.sha256,
            });
        }
    }
}
