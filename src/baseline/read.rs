//! From text to [`Baseline`]: the header, the components, and the order of everything.

use std::collections::BTreeMap;

use super::boot::BootRow;
use super::memory::{FunctionRow, PageRow};
use super::model::{
    Baseline, Component, Device, ElfRow, Evidence, FileRow, Firmware, MutableRow, Origin,
};
use super::policy::Policy;
use super::rows;
use super::text::TextRow;
use super::tree::TreeRow;
use crate::document::{self, Fault, Field, Malformed, Table};
use crate::place;

/// Reads a baseline that nobody vouches for.
pub(super) fn baseline(bytes: &[u8]) -> Result<Baseline, Malformed> {
    located(bytes).map(|(baseline, _)| baseline)
}

/// Where rows of a baseline stand in its text, in bytes from its start; in the order of the model's rows.
#[derive(Default)]
pub(super) struct Spots {
    pub(super) components: Vec<usize>,
    pub(super) files: Vec<usize>,
    pub(super) mutable: Vec<usize>,
}

/// The same, with where its rows stand.
pub(super) fn located(bytes: &[u8]) -> Result<(Baseline, Spots), Malformed> {
    document::read(bytes, document::Kind::Baseline, |top| {
        let mut spots = Spots::default();
        let baseline = rest(top, &mut spots)?;
        Ok((baseline, spots))
    })
}

fn rest(top: &mut Table<'_>, spots: &mut Spots) -> Result<Baseline, Fault> {
    let sequence = top.need("sequence", Field::number)?;
    let issued = top.need("issued", Field::time)?;
    let expires = top.need("expires", Field::time)?;
    let device = top.need("device", device)?;
    let (components, names) = top.need("component", |field| {
        components(field, &mut spots.components)
    })?;
    let known = Known {
        names,
        components: &components,
    };
    let firmware = top.need("firmware", |field| firmware(field, &known))?;
    let origin = top.maybe("origin", origin)?;
    let files = top
        .maybe("file", |field| files(field, &known, &mut spots.files))?
        .unwrap_or_default();
    let pages = top
        .maybe("page", |field| pages(field, &known))?
        .unwrap_or_default();
    let functions = top
        .maybe("function", |field| functions(field, &known))?
        .unwrap_or_default();
    let elf = top.maybe("elf", elf)?.unwrap_or_default();
    let texts = top.maybe("text", texts)?.unwrap_or_default();
    let boot = top
        .maybe("boot", |field| boot(field, &known))?
        .unwrap_or_default();
    let trees = top.maybe("device_tree", trees)?.unwrap_or_default();
    let mutable = top
        .maybe("mutable", |field| {
            mutable(field, &known, &mut spots.mutable)
        })?
        .unwrap_or_default();
    Ok(Baseline {
        sequence,
        issued,
        expires,
        device,
        firmware,
        origin,
        components,
        files,
        pages,
        functions,
        elf,
        texts,
        boot,
        trees,
        mutable,
    })
}

/// The components, by the names that rows use for them.
pub(super) struct Known<'a> {
    names: BTreeMap<String, usize>,
    components: &'a [Component],
}

impl Known<'_> {
    /// The component that a row names.
    pub(super) fn any(&self, field: Field<'_>) -> Result<usize, Fault> {
        let spot = field.spot;
        let name = field.string()?;
        self.names
            .get(name.as_ref())
            .copied()
            .ok_or_else(|| spot.fault("the name of a component"))
    }

    /// The component that a row names, which has to be a tree.
    pub(super) fn tree(&self, field: Field<'_>) -> Result<usize, Fault> {
        let spot = field.spot;
        let component = self.any(field)?;
        let tree = self.is_tree(component);
        tree.then_some(component)
            .ok_or_else(|| spot.fault("the name of a component of kind \"tree\""))
    }

    /// The component that a row names, which has to be a memory.
    pub(super) fn memory(&self, field: Field<'_>) -> Result<usize, Fault> {
        let spot = field.spot;
        let component = self.any(field)?;
        let known = self.components.get(component);
        let memory = known.is_some_and(|it| it.body.is_memory());
        memory
            .then_some(component)
            .ok_or_else(|| spot.fault("the name of a component of kind \"memory\""))
    }

    /// The component that a row names, which has to be a raw one.
    pub(super) fn raw(&self, field: Field<'_>) -> Result<usize, Fault> {
        let spot = field.spot;
        let component = self.any(field)?;
        let known = self.components.get(component);
        let raw = known.is_some_and(|it| !it.body.is_memory() && !it.body.is_tree());
        raw.then_some(component)
            .ok_or_else(|| spot.fault("the name of a component of kind \"raw\""))
    }

    fn is_tree(&self, component: usize) -> bool {
        self.components
            .get(component)
            .is_some_and(|it| it.body.is_tree())
    }
}

fn device(field: Field<'_>) -> Result<Device, Fault> {
    let mut table = field.table()?;
    let device = Device {
        vendor: table.need("vendor", Field::plain)?,
        model: table.need("model", Field::plain)?,
        hardware: table
            .maybe("hardware", Field::plain_list)?
            .unwrap_or_default(),
        udi_di: table.maybe("udi_di", Field::plain)?,
        assets: table
            .maybe("assets", Field::plain_list)?
            .unwrap_or_default(),
        aliases: table
            .maybe("aliases", Field::plain_list)?
            .unwrap_or_default(),
    };
    table.end("[device]")?;
    Ok(device)
}

fn firmware(field: Field<'_>, known: &Known<'_>) -> Result<Firmware, Fault> {
    let mut table = field.table()?;
    let evidence = |field: Field<'_>| {
        field
            .list()?
            .map(|row| evidence(row, known))
            .collect::<Result<Vec<_>, _>>()
    };
    let firmware = Firmware {
        version: table.need("version", Field::plain)?,
        security_floor: table.maybe("security_floor", Field::plain)?,
        evidence: table.maybe("evidence", evidence)?.unwrap_or_default(),
    };
    table.end("[firmware]")?;
    Ok(firmware)
}

fn origin(field: Field<'_>) -> Result<Origin, Fault> {
    let mut table = field.table()?;
    let origin = Origin {
        kind: table.need("kind", Field::plain)?,
        name: table.need("name", Field::escaped)?,
        sha256: table.need("sha256", Field::digest)?,
    };
    table.end("[origin]")?;
    Ok(origin)
}

fn evidence(field: Field<'_>, known: &Known<'_>) -> Result<Evidence, Fault> {
    let mut row = field.table()?;
    let evidence = Evidence {
        component: row.need("in", |field| known.any(field))?,
        path: row.maybe("path", Field::path)?,
        contains: row.need("contains", |field| {
            let spot = field.spot;
            let bytes = field.bytes()?;
            if bytes.is_empty() {
                Err(spot.fault("not empty"))
            } else {
                Ok(bytes)
            }
        })?,
    };
    match (known.is_tree(evidence.component), &evidence.path) {
        (true, None) => Err(Fault::new(
            row.at,
            "`path` is missing: the component is a tree",
        )),
        (false, Some(_)) => Err(Fault::new(row.at, "only a tree has paths")),
        _ => row.end("evidence").map(|()| evidence),
    }
}

fn components(
    field: Field<'_>,
    spots: &mut Vec<usize>,
) -> Result<(Vec<Component>, BTreeMap<String, usize>), Fault> {
    let spot = field.spot;
    let mut components = Vec::new();
    let (mut names, mut folded) = (BTreeMap::new(), BTreeMap::new());
    for field in field.list()? {
        let at = field.spot.at;
        let component = rows::component(field)?;
        let name = &component.name;
        if let Some(other) = folded.insert(name.to_lowercase(), name.clone()) {
            return Err(Fault::new(
                at,
                format!("components `{other}` and `{name}` have one name, or differ in case alone"),
            ));
        }
        names.insert(name.clone(), components.len());
        components.push(component);
        spots.push(at);
    }
    if components.is_empty() {
        return Err(spot.fault("at least one component: a baseline of nothing matches nothing"));
    }
    Ok((components, names))
}

fn files(
    field: Field<'_>,
    known: &Known<'_>,
    spots: &mut Vec<usize>,
) -> Result<Vec<FileRow>, Fault> {
    let list = field.list()?;
    let mut files: Vec<FileRow> = Vec::with_capacity(list.len());
    for field in list {
        let at = field.spot.at;
        let row = rows::file(field, known)?;
        let key = (row.component, row.path.as_bytes());
        let before = files
            .last()
            .map(|row| ((row.component, row.path.as_bytes()), row.ordinal));
        let expected = match before {
            Some((before, ordinal)) if before == key => ordinal.saturating_add(1),
            _ => 0,
        };
        let shown = || place::escape(row.path.as_bytes());
        if before.is_some_and(|(before, _)| before > key) {
            return Err(Fault::new(
                at,
                format!(
                    "`{}` is out of order: rows stand by component, then by path",
                    shown()
                ),
            ));
        }
        if row.ordinal < expected {
            return Err(Fault::new(
                at,
                format!("`{}` stands twice in one component", shown()),
            ));
        }
        if row.ordinal > expected {
            return Err(Fault::new(
                at,
                format!(
                    "`{}` has ordinal {} but none before it",
                    shown(),
                    row.ordinal
                ),
            ));
        }
        files.push(row);
        spots.push(at);
    }
    Ok(files)
}

fn pages(field: Field<'_>, known: &Known<'_>) -> Result<Vec<PageRow>, Fault> {
    let mut rows: Vec<PageRow> = Vec::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::page(field, known)?;
        let follows = rows.last().is_none_or(|last| {
            (last.component, last.end()) <= (row.component, row.at)
                || last.component < row.component
        });
        if row.size == 0 || row.at.checked_add(row.size).is_none() || !follows {
            return Err(Fault::new(
                at,
                "rows of `page` stand by component and address, none empty and none over the next",
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn functions(field: Field<'_>, known: &Known<'_>) -> Result<Vec<FunctionRow>, Fault> {
    let mut rows: Vec<FunctionRow> = Vec::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::function(field, known)?;
        let key = |row: &FunctionRow| (row.component, row.at, row.size, row.name.clone());
        if rows.last().is_some_and(|last| key(last) >= key(&row)) {
            return Err(Fault::new(
                at,
                "rows of `function` stand by component, address, size and name, each once",
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn elf(field: Field<'_>) -> Result<Vec<ElfRow>, Fault> {
    let mut rows: Vec<ElfRow> = Vec::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::elf(field)?;
        if rows.last().is_some_and(|last| last.of >= row.of) {
            return Err(Fault::new(
                at,
                "rows of `elf` stand sorted by `of`, each once",
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn texts(field: Field<'_>) -> Result<Vec<TextRow>, Fault> {
    let mut rows: Vec<TextRow> = Vec::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::text(field)?;
        if rows.last().is_some_and(|last| last.of >= row.of) {
            return Err(Fault::new(
                at,
                "rows of `text` stand sorted by `of`, each once",
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn boot(field: Field<'_>, known: &Known<'_>) -> Result<Vec<BootRow>, Fault> {
    let mut rows: Vec<BootRow> = Vec::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::boot(field, known)?;
        if rows
            .last()
            .is_some_and(|last| last.component >= row.component)
        {
            return Err(Fault::new(
                at,
                "rows of `boot` stand by component, one for each",
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn trees(field: Field<'_>) -> Result<Vec<TreeRow>, Fault> {
    let mut rows: Vec<TreeRow> = Vec::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::tree(field)?;
        if rows.last().is_some_and(|last| last.of >= row.of) {
            return Err(Fault::new(
                at,
                "rows of `device_tree` stand sorted by `of`, each once",
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn mutable(
    field: Field<'_>,
    known: &Known<'_>,
    spots: &mut Vec<usize>,
) -> Result<Vec<MutableRow>, Fault> {
    let at = field.spot.at;
    let mut rows: Vec<MutableRow> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for field in field.list()? {
        let at = field.spot.at;
        let row = rows::mutable(field, known)?;
        if !seen.insert((row.component, row.glob.clone(), row.types.clone())) {
            return Err(Fault::new(
                at,
                "two rows of `mutable` name the same paths and types",
            ));
        }
        rows.push(row);
        spots.push(at);
    }
    Policy::new(&rows).map_err(|why| Fault::new(at, why.to_string()))?;
    Ok(rows)
}
