//! One tree against its rows.

use std::collections::{BTreeMap, BTreeSet};

use super::super::change::{Change, ChangeKind};
use super::super::create::rows::is_environment;
use super::super::explain::{
    Explained, LARGEST, explain, explain_text, explain_tree, explain_variable,
};
use super::super::model::{Body, ExpectedNode, FileRow, Kind};
use super::super::moved;
use super::super::piece::{FoundTree, Member};
use super::super::policy::{self, Judgement, Policy};
use super::super::similar::Similar;
use super::super::values::{FIELDS, found_values, row_values};
use super::claims::{Claim, Part};
use super::silent::Silent;
use super::{Checked, Comparing};
use crate::digest::Digest;
use crate::entry::{EntryPath, Node};
use crate::extract::Found;
use crate::facts::FileType;
use crate::place::{Place, escape};

type Key<'a> = (&'a EntryPath, u32);

/// Compares the tree that is component `index`.
pub(super) fn compare(
    all: &mut Comparing<'_>,
    index: usize,
    tree: &FoundTree<'_>,
    policy: &Policy<'_>,
) {
    let rows = all.rows.get(index).cloned().unwrap_or_default();
    let expected: BTreeMap<Key<'_>, &FileRow> = rows
        .iter()
        .map(|row| ((&row.path, row.ordinal), *row))
        .collect();
    let found: BTreeMap<Key<'_>, Member<'_>> = tree
        .entries
        .iter()
        .map(|entry| ((&entry.found.entry.path, entry.found.ordinal), *entry))
        .collect();
    let name = all
        .baseline
        .components
        .get(index)
        .map(|component| component.name.clone())
        .unwrap_or_default();
    let format = tree.region.and_then(|index| all.found.regions.get(index));
    let format = format.map(|region| region.format.id);
    let same_format = all.baseline.components.get(index).is_some_and(|component| {
        matches!(&component.body, Body::Tree { format: expected, .. } if expected.as_deref() == format)
    });
    let cut_short = all.cut_short(tree);
    let body = all.baseline.components.get(index);
    let all_unstated = match body.map(|component| &component.body) {
        Some(Body::Tree { unstated, .. }) => unstated.clone(),
        _ => BTreeSet::new(),
    };
    let mut one = One {
        all,
        component: index,
        name,
        policy,
        format,
        same_format,
        cut_short,
        checked: Checked {
            component: String::new(),
            place: Some(tree.place.clone()),
            compared: 0,
            matched: 0,
            mutable: 0,
        },
        changes: Vec::new(),
        silent: Silent::new(all_unstated),
    };
    one.missing(&expected, &found);
    for (key, entry) in &found {
        match expected.get(key) {
            Some(row) => one.both(row, *entry),
            None => one.surplus(*entry),
        }
    }
    one.finish();
}

struct One<'a, 'b> {
    all: &'a mut Comparing<'b>,
    component: usize,
    name: String,
    policy: &'a Policy<'a>,
    /// The format of the tree.
    format: Option<&'static str>,
    /// Whether the tree is of the format that the baseline was read from, and so stores what that stores.
    same_format: bool,
    /// Places of the tree that were not read to their end: what is missing below them may be there.
    cut_short: BTreeSet<Place>,
    checked: Checked,
    /// The changes, each with the digest by which a moved file is recognised.
    changes: Vec<(Change, Option<Digest>)>,
    /// What only one side states.
    silent: Silent,
}

impl One<'_, '_> {
    fn change(&self, kind: ChangeKind, path: &EntryPath) -> Change {
        let mut change = Change::new(kind);
        change.component = Some(self.name.clone());
        change.path = Some(escape(path.as_bytes()));
        change
    }

    /// What is inside an entry needs no other answer.
    fn answer(&mut self, found: Member<'_>) {
        self.all
            .claims
            .claim(Part::Entry(found.index), Claim::Exact);
    }

    /// Rows without an entry.
    fn missing(
        &mut self,
        expected: &BTreeMap<Key<'_>, &FileRow>,
        found: &BTreeMap<Key<'_>, Member<'_>>,
    ) {
        let mut unknown = 0_usize;
        for (key, row) in expected {
            if found.contains_key(key) {
                continue;
            }
            // What another format does not store of its root is no loss.
            let root = !self.same_format && is_root(&row.path, row.ordinal, row.node.kind());
            if root || self.may_be_absent(row) {
                self.checked.mutable = self.checked.mutable.saturating_add(usize::from(!root));
                continue;
            }
            if self.is_cut_short(&row.path) {
                unknown = unknown.saturating_add(1);
                continue;
            }
            let mut change = self.change(ChangeKind::Removed, &row.path);
            change.expected = row_values(row);
            self.changes.push((change, digest(row)));
        }
        if unknown > 0 {
            let place = self.checked.place.clone().unwrap_or_default();
            let reason =
                format!("{unknown} of its entries were not found, and it was not read to its end");
            self.all.not_checked(&place, reason, true);
        }
    }

    /// Whether a directory around a path, or the whole tree, was not read to its end.
    fn is_cut_short(&self, path: &EntryPath) -> bool {
        if self.cut_short.is_empty() {
            return false;
        }
        let tree = self.checked.place.clone().unwrap_or_default();
        let mut around = EntryPath::root();
        let mut places = vec![tree.clone(), tree.path(&around)];
        for part in path.components() {
            around = around.join(part);
            places.push(tree.path(&around));
        }
        places.iter().any(|place| self.cut_short.contains(place))
    }

    fn may_be_absent(&self, row: &FileRow) -> bool {
        let size = match &row.node {
            ExpectedNode::File { size, .. } => size.unwrap_or_default(),
            _ => 0,
        };
        let judged = self.policy.judge(&policy::Found {
            component: self.component,
            path: &row.path,
            kind: row.node.kind(),
            mode: row.mode,
            size,
            content: policy::Content::Other,
        });
        matches!(judged, Judgement::Allowed { .. })
    }

    fn judge(&self, found: &Found) -> Judgement {
        let size = match &found.entry.node {
            Node::File(file) => file.size,
            _ => 0,
        };
        self.policy.judge(&policy::Found {
            component: self.component,
            path: &found.entry.path,
            kind: Kind::from(&found.entry.node),
            mode: found.entry.meta.mode,
            size,
            content: match found.content {
                Some(FileType::Elf) => policy::Content::Elf,
                Some(FileType::Script) => policy::Content::Script,
                Some(_) => policy::Content::Other,
                None => policy::Content::Unread,
            },
        })
    }

    /// An entry that has a row.
    fn both(&mut self, row: &FileRow, found: Member<'_>) {
        self.checked.compared = self.checked.compared.saturating_add(1);
        let mut change = self.change(ChangeKind::Modified, &row.path);
        change.place = Some(found.place.clone());
        differences(row, &found, &self.silent, &mut change);
        self.silent.row(row, &found);
        if matches!(row.node, ExpectedNode::File { .. }) && is_unread(&found) {
            let reason = "its content could not be read".to_owned();
            self.all.not_checked(&found.place, reason, true);
        } else if change.fields.is_empty() {
            self.checked.matched = self.checked.matched.saturating_add(1);
            self.answer(found);
        }
        if change.fields.is_empty() {
            return;
        }
        match self.judge(&found) {
            Judgement::Allowed { .. } => {
                self.answer(found);
                self.checked.mutable = self.checked.mutable.saturating_add(1);
                return;
            }
            Judgement::Forbidden { reason, .. } => change.explanation.push(reason.to_string()),
            Judgement::NotNamed => {}
        }
        if self.all.explains && change.fields.contains(&"sha256") {
            let explained = self.explain(row, &found);
            change.explanation.extend(explained.clauses);
            change.own = explained.own;
        }
        self.changes.push((change, None));
    }

    fn explain(&self, row: &FileRow, found: &Found) -> Explained {
        let fingerprints = &self.all.baseline.elf;
        let of = digest(row);
        let fingerprint = fingerprints
            .iter()
            .find(|fingerprint| Some(fingerprint.of) == of);
        if let Some(fingerprint) = fingerprint {
            let reference = self.all.originals.read(of, LARGEST);
            return explain(fingerprint, found, reference.as_deref());
        }
        let (baseline, originals) = (self.all.baseline, &self.all.originals);
        let clauses = if is_environment(self.format) {
            explain_variable(&baseline.texts, originals, of, found)
        } else {
            explain_tree(&baseline.trees, originals, of, found)
                .unwrap_or_else(|| explain_text(&baseline.texts, originals, of, found))
        };
        Explained { clauses, own: None }
    }

    /// An entry without a row.
    fn surplus(&mut self, found: Member<'_>) {
        if !self.same_format
            && is_root(
                &found.entry.path,
                found.ordinal,
                Kind::from(&found.entry.node),
            )
        {
            return;
        }
        let mut change = self.change(ChangeKind::Added, &found.entry.path);
        change.place = Some(found.place.clone());
        change.found = found_values(&found);
        match self.judge(&found) {
            Judgement::Allowed { .. } => {
                self.answer(found);
                self.checked.mutable = self.checked.mutable.saturating_add(1);
                return;
            }
            Judgement::Forbidden { reason, .. } => change.explanation.push(reason.to_string()),
            Judgement::NotNamed => {
                if self.silent.entry(Kind::from(&found.entry.node)) {
                    return;
                }
            }
        }
        if let Some(kind) = found
            .content
            .filter(|kind| matches!(kind, FileType::Elf | FileType::Script | FileType::Pe))
        {
            change
                .explanation
                .push(format!("it is a program ({})", kind.word()));
        }
        if self.all.explains {
            self.explain_surplus(&found, &mut change);
        }
        self.changes.push((change, found.sha256));
    }

    fn explain_surplus(&mut self, found: &Found, change: &mut Change) {
        let baseline = self.all.baseline;
        let similar = &mut self.all.similar;
        let similar = similar.get_or_insert_with(|| Similar::new(baseline));
        change.explanation.extend(similar.told(found));
        if is_environment(self.format) {
            let value = explain_variable(&[], &self.all.originals, None, found);
            change.explanation.extend(value);
        }
    }

    fn finish(mut self) {
        let place = self.checked.place.clone().unwrap_or_default();
        for (reason, matters) in self.silent.told(&self.name) {
            self.all.not_checked(&place, reason, matters);
        }
        self.checked.component.clone_from(&self.name);
        let mut changes = moved::paired(self.changes);
        for change in &mut changes {
            if let Some(similar) = self.all.similar.as_ref()
                && change.kind == ChangeKind::Added
            {
                change.explanation.extend(similar.copy(change));
            }
        }
        self.all.out.changes.extend(changes);
        self.all.out.checked.push(self.checked);
    }
}

/// Whether it is the one root of a tree. Anything else at that path is an entry like any other.
fn is_root(path: &EntryPath, ordinal: u32, kind: Kind) -> bool {
    *path == EntryPath::root() && ordinal == 0 && kind == Kind::Dir
}

fn is_unread(found: &Found) -> bool {
    matches!(found.entry.node, Node::File(_)) && found.sha256.is_none()
}

fn digest(row: &FileRow) -> Option<Digest> {
    row.node.digest()
}

/// Notes every field that both sides store and that differs.
fn differences(row: &FileRow, found: &Found, silent: &Silent, change: &mut Change) {
    let (expected, now) = (row_values(row), found_values(found));
    let same_kind = expected.get("kind") == now.get("kind");
    for field in FIELDS {
        let (wanted, is) = (expected.get(field), now.get(field));
        let of_kind = matches!(field, "sha256" | "size" | "target" | "rdev");
        let unread = field == "sha256" && is_unread(found);
        let comparable = match field {
            // Always compared: in a wrapping that stores none, a program has lost its capabilities.
            "xattrs" => silent.states_xattrs(),
            _ => wanted.is_some() && is.is_some() && !unread && (same_kind || !of_kind),
        };
        if comparable && wanted != is {
            change.differ(field, wanted.cloned(), is.cloned());
        }
    }
}
