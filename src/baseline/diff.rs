//! What one baseline changes against another: the same changes as those of an image, with the old baseline as expected.

mod mutable;
mod pages;
mod programs;

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, ChangeKind, Value};
use super::model::{Baseline, Body, Component, FileRow};
use super::moved;
use super::values::{FIELDS, row_values};
use crate::digest::Digest;
use crate::entry::EntryPath;
use crate::place::escape;

/// Every difference between two baselines, each list sorted by component and path, glob or address.
#[derive(Default)]
pub struct Differences {
    /// What the baselines say of themselves: device, firmware, sequence, times, origin.
    pub header: Vec<Change>,
    /// Components, but not what is in them.
    pub components: Vec<Change>,
    /// Entries of trees.
    pub files: Vec<Change>,
    /// What may change, and whether that became looser or tighter. The path is the glob.
    pub mutable: Vec<Change>,
    /// Ranges of memories, and functions in them.
    pub memory: Vec<Change>,
    /// Fingerprints of programs that both baselines have, which explain changes and decide nothing.
    pub programs: Vec<Change>,
}

impl Differences {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Change> {
        let lists = [
            &self.header,
            &self.components,
            &self.files,
            &self.mutable,
            &self.memory,
            &self.programs,
        ];
        lists.into_iter().flatten()
    }
}

/// Compares two baselines. Components are the same when they have the same name.
pub fn diff(old: &Baseline, new: &Baseline) -> Differences {
    let both = Both { old, new };
    let mut differences = Differences {
        header: both.header(),
        components: both.components(),
        programs: programs::diff(&both),
        ..Differences::default()
    };
    for name in both.names() {
        let (before, after) = both.named(&name);
        differences
            .files
            .extend(files(&name, &rows(old, before), &rows(new, after)));
        differences.mutable.extend(mutable::diff(&name, &both));
        differences.memory.extend(pages::diff(&name, &both));
    }
    differences
}

/// The two baselines.
struct Both<'b> {
    old: &'b Baseline,
    new: &'b Baseline,
}

impl Both<'_> {
    /// The names of all components: in the order of the old baseline, then what is new.
    fn names(&self) -> Vec<String> {
        let old = self.old.components.iter().map(|it| it.name.clone());
        let added = self.new.components.iter().map(|it| it.name.clone());
        let mut names: Vec<String> = old.collect();
        names.extend(added.filter(|name| position(self.old, name).is_none()));
        names
    }

    /// The indexes of a component in both.
    fn named(&self, name: &str) -> (Option<usize>, Option<usize>) {
        (position(self.old, name), position(self.new, name))
    }

    fn header(&self) -> Vec<Change> {
        let (old, new) = (header_values(self.old), header_values(self.new));
        changed(&old, &new, || Change::new(ChangeKind::Modified))
    }

    fn components(&self) -> Vec<Change> {
        let values = |baseline: &Baseline, index: Option<usize>| {
            let component = index.and_then(|index| baseline.components.get(index));
            component.map(component_values)
        };
        let one = |name: String| {
            let (before, after) = self.named(&name);
            let mut change = Change::new(ChangeKind::Modified);
            change.component = Some(name);
            fill(change, values(self.old, before), values(self.new, after))
        };
        self.names().into_iter().filter_map(one).collect()
    }
}

fn position(baseline: &Baseline, name: &str) -> Option<usize> {
    baseline.components.iter().position(|it| it.name == name)
}

/// The values of one thing in both baselines as a change; `None` when they are the same.
fn fill(
    mut change: Change,
    old: Option<BTreeMap<&'static str, Value>>,
    new: Option<BTreeMap<&'static str, Value>>,
) -> Option<Change> {
    match (old, new) {
        (None, None) => None,
        (Some(old), None) => {
            change.kind = ChangeKind::Removed;
            change.expected = old;
            Some(change)
        }
        (None, Some(new)) => {
            change.kind = ChangeKind::Added;
            change.found = new;
            Some(change)
        }
        (Some(old), Some(new)) => {
            let fields: BTreeSet<&'static str> = old.keys().chain(new.keys()).copied().collect();
            let mut fields = Vec::from_iter(fields);
            fields.sort_by_key(|field| FIELDS.iter().position(|it| it == field));
            for field in fields {
                let (was, is) = (old.get(field), new.get(field));
                if was != is {
                    change.differ(field, was.cloned(), is.cloned());
                }
            }
            (!change.fields.is_empty()).then_some(change)
        }
    }
}

/// One change a field.
fn changed(
    old: &BTreeMap<&'static str, Value>,
    new: &BTreeMap<&'static str, Value>,
    start: impl Fn() -> Change,
) -> Vec<Change> {
    let fields: BTreeSet<&'static str> = old.keys().chain(new.keys()).copied().collect();
    let one = |field: &'static str| {
        let (was, is) = (old.get(field), new.get(field));
        (was != is).then(|| {
            let mut change = start();
            change.differ(field, was.cloned(), is.cloned());
            change
        })
    };
    fields.into_iter().filter_map(one).collect()
}

fn header_values(baseline: &Baseline) -> BTreeMap<&'static str, Value> {
    let (device, firmware) = (&baseline.device, &baseline.firmware);
    let name = |index: usize| baseline.components.get(index).map_or("", |it| &it.name);
    let list = |all: &[String]| (!all.is_empty()).then(|| all.join(", "));
    let evidence = firmware.evidence.iter().map(|row| {
        let path = row.path.as_ref().map(|path| escape(path.as_bytes()));
        let path = path.unwrap_or_default();
        format!(
            "{}:{path} has {}",
            name(row.component),
            escape(&row.contains)
        )
    });
    let evidence: Vec<String> = evidence.collect();
    let origin = baseline.origin.as_ref();
    let texts = [
        ("issued", Some(baseline.issued.to_string())),
        ("expires", Some(baseline.expires.to_string())),
        ("device.vendor", Some(device.vendor.clone())),
        ("device.model", Some(device.model.clone())),
        ("device.hardware", list(&device.hardware)),
        ("device.udi_di", device.udi_di.clone()),
        ("device.assets", list(&device.assets)),
        ("device.aliases", list(&device.aliases)),
        ("firmware.version", Some(firmware.version.clone())),
        ("firmware.security_floor", firmware.security_floor.clone()),
        ("firmware.evidence", list(&evidence)),
        ("origin.kind", origin.map(|it| it.kind.clone())),
        ("origin.name", origin.map(|it| it.name.clone())),
        ("origin.sha256", origin.map(|it| it.sha256.to_string())),
    ];
    let texts = texts.into_iter();
    let mut values: BTreeMap<&'static str, Value> = texts
        .filter_map(|(key, text)| Some((key, Value::Text(text?))))
        .collect();
    values.insert("sequence", Value::Number(baseline.sequence));
    values
}

fn component_values(component: &Component) -> BTreeMap<&'static str, Value> {
    let mut values = BTreeMap::new();
    let mut text = |key, text: &str| values.insert(key, Value::Text(text.to_owned()));
    let size = match &component.body {
        Body::Tree { format, unstated } => {
            text("kind", "tree");
            if let Some(format) = format {
                text("format", format);
            }
            if !unstated.is_empty() {
                let words: Vec<&str> = unstated.iter().map(|it| it.word()).collect();
                text("unstated", &words.join(", "));
            }
            None
        }
        Body::Raw { size, sha256 } => {
            text("kind", "raw");
            text("sha256", &sha256.to_string());
            *size
        }
        Body::Memory { sha256 } => {
            text("kind", "memory");
            text("sha256", &sha256.to_string());
            None
        }
    };
    if let Some(part) = &component.part {
        text("part", part);
    }
    if component.optional {
        text("optional", "true");
    }
    for (key, number) in [("size", size), ("at", component.at)] {
        if let Some(number) = number {
            values.insert(key, Value::Number(number));
        }
    }
    values
}

/// The rows of one component, by path and ordinal.
type Rows<'b> = BTreeMap<(&'b EntryPath, u32), &'b FileRow>;

fn rows(baseline: &Baseline, component: Option<usize>) -> Rows<'_> {
    let own = baseline.files.iter();
    own.filter(|row| Some(row.component) == component)
        .map(|row| ((&row.path, row.ordinal), row))
        .collect()
}

fn files(name: &str, old: &Rows<'_>, new: &Rows<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let start = |row: &FileRow| {
        let mut change = Change::new(ChangeKind::Modified);
        change.component = Some(name.to_owned());
        change.path = Some(escape(row.path.as_bytes()));
        change
    };
    for (key, row) in old {
        let now = new.get(key).map(|row| row_values(row));
        let gone = now.is_none();
        if let Some(change) = fill(start(row), Some(row_values(row)), now) {
            changes.push((change, digest(row).filter(|_| gone)));
        }
    }
    for (key, row) in new {
        if !old.contains_key(key)
            && let Some(change) = fill(start(row), None, Some(row_values(row)))
        {
            changes.push((change, digest(row)));
        }
    }
    moved::paired(changes)
}

fn digest(row: &FileRow) -> Option<Digest> {
    row.node.digest()
}
