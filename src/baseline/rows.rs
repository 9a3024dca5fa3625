//! The rows of a baseline, one function a kind of row.

use std::collections::{BTreeMap, BTreeSet};

use super::boot::BootRow;
use super::memory::{FunctionRow, PAGE, PageContent, PageRow};
use super::model::{
    Body, Component, ElfRow, ExpectedNode, FileRow, Forbid, Kind, MutableRow, Unstated,
};
use super::outline::CodeRow;
use super::policy;
use super::read::Known;
use super::text::TextRow;
use super::tree::TreeRow;
use crate::document::{Fault, Field, Table};
use crate::entry::Device;
use crate::place;

/// The kinds of components, under the words that baselines use.
const SHAPES: &[(&str, Shape)] = &[
    ("tree", Shape::Tree),
    ("raw", Shape::Raw),
    ("memory", Shape::Memory),
];

#[derive(Clone, Copy)]
enum Shape {
    Tree,
    Raw,
    Memory,
}

pub(super) fn component(field: Field<'_>) -> Result<Component, Fault> {
    let mut row = field.table()?;
    let name = row.need("name", Field::plain)?;
    let kind = row.need("kind", |field| field.word(SHAPES))?;
    let body = match kind {
        Shape::Tree => Body::Tree {
            format: row.maybe("format", Field::plain)?,
            unstated: BTreeSet::from_iter(row.maybe("unstated", unstated)?.unwrap_or_default()),
        },
        Shape::Raw => Body::Raw {
            size: row.maybe("size", Field::number)?,
            sha256: row.need("sha256", Field::digest)?,
        },
        Shape::Memory => Body::Memory {
            sha256: row.need("sha256", Field::digest)?,
        },
    };
    let component = Component {
        name,
        body,
        at: row.maybe("at", Field::number)?,
        part: row.maybe("part", Field::plain)?,
        optional: row.maybe("optional", Field::flag)?.unwrap_or_default(),
    };
    row.end(match kind {
        Shape::Tree => "a tree",
        Shape::Raw => "a raw component",
        Shape::Memory => "a memory",
    })?;
    Ok(component)
}

fn unstated(field: Field<'_>) -> Result<Vec<Unstated>, Fault> {
    field.set(|field| field.word(Unstated::WORDS))
}

pub(super) fn file(field: Field<'_>, known: &Known<'_>) -> Result<FileRow, Fault> {
    let mut row = field.table()?;
    let component = row.need("in", |field| known.tree(field))?;
    let path = row.need("path", Field::path)?;
    let ordinal = row.maybe("ordinal", |field| {
        let spot = field.spot;
        let ordinal = field.number()?;
        if ordinal == 0 {
            Err(spot.fault("left out when it is 0"))
        } else {
            Ok(ordinal)
        }
    })?;
    let kind = row.need("type", |field| field.word(Kind::WORDS))?;
    let file = FileRow {
        component,
        path,
        ordinal: ordinal.unwrap_or_default(),
        node: node(&mut row, kind)?,
        mode: row.maybe("mode", Field::mode)?,
        uid: row.maybe("uid", Field::number)?,
        gid: row.maybe("gid", Field::number)?,
        xattrs: row.maybe("xattrs", xattrs)?.unwrap_or_default(),
    };
    row.end(kind.row())?;
    Ok(file)
}

impl Kind {
    /// How a complaint about a row calls it.
    fn row(self) -> &'static str {
        match self {
            Self::File => "a row of type \"file\"",
            Self::Dir => "a row of type \"dir\"",
            Self::Symlink => "a row of type \"symlink\"",
            Self::Char => "a row of type \"char\"",
            Self::Block => "a row of type \"block\"",
            Self::Fifo => "a row of type \"fifo\"",
            Self::Socket => "a row of type \"socket\"",
        }
    }
}

fn node(row: &mut Table<'_>, kind: Kind) -> Result<ExpectedNode, Fault> {
    Ok(match kind {
        Kind::File => ExpectedNode::File {
            size: row.maybe("size", Field::number)?,
            sha256: row.need("sha256", Field::digest)?,
        },
        Kind::Dir => ExpectedNode::Dir,
        Kind::Symlink => ExpectedNode::Symlink(row.need("target", Field::bytes)?),
        Kind::Char => ExpectedNode::Char(row.need("rdev", rdev)?),
        Kind::Block => ExpectedNode::Block(row.need("rdev", rdev)?),
        Kind::Fifo => ExpectedNode::Fifo,
        Kind::Socket => ExpectedNode::Socket,
    })
}

fn rdev(field: Field<'_>) -> Result<Device, Fault> {
    let spot = field.spot;
    let numbers = field
        .list()?
        .map(Field::number)
        .collect::<Result<Vec<u32>, _>>()?;
    match numbers[..] {
        [major, minor] => Ok(Device { major, minor }),
        _ => Err(spot.fault("[major, minor]")),
    }
}

fn xattrs(field: Field<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Fault> {
    let mut xattrs = BTreeMap::new();
    for (name, field) in field.map()? {
        let spot = field.spot;
        let name = place::unescape(&name).filter(|name| !name.is_empty() && !name.contains(&0));
        let name =
            name.ok_or_else(|| spot.fault("values under attribute names, escaped as paths are"))?;
        xattrs.insert(name, field.hex()?);
    }
    Ok(xattrs)
}

pub(super) fn page(field: Field<'_>, known: &Known<'_>) -> Result<PageRow, Fault> {
    let mut row = field.table()?;
    let component = row.need("in", |field| known.memory(field))?;
    let at = row.need("at", Field::number)?;
    let size: u64 = row.need("size", Field::number)?;
    let fill = row.maybe("fill", |field| {
        let spot = field.spot;
        let byte = field.number::<u8>()?;
        let is_fill = byte == 0 || byte == 0xff;
        is_fill
            .then_some(byte)
            .ok_or_else(|| spot.fault("0 or 255"))
    })?;
    let content = match fill {
        Some(byte) => PageContent::Fill(byte),
        None => PageContent::Bytes(row.need("sha256", Field::digest)?),
    };
    if fill.is_none() && size > PAGE {
        return Err(Fault::new(
            row.at,
            format!("a page has at most {PAGE} bytes"),
        ));
    }
    row.end("a row of `page`")?;
    Ok(PageRow {
        component,
        at,
        size,
        content,
    })
}

pub(super) fn function(field: Field<'_>, known: &Known<'_>) -> Result<FunctionRow, Fault> {
    let mut row = field.table()?;
    let function = FunctionRow {
        component: row.need("in", |field| known.memory(field))?,
        at: row.need("at", Field::number)?,
        size: row.need("size", Field::number)?,
        name: row.need("name", Field::escaped)?,
        sha256: row.need("sha256", Field::digest)?,
    };
    row.end("a row of `function`")?;
    Ok(function)
}

pub(super) fn elf(field: Field<'_>) -> Result<ElfRow, Fault> {
    let mut row = field.table()?;
    let texts = |field: Field<'_>| {
        field
            .list()?
            .map(Field::escaped)
            .collect::<Result<Vec<_>, _>>()
    };
    let code = |field: Field<'_>| {
        let spot = field.spot;
        CodeRow::parse(&field.string()?).map_err(|why| spot.fault(why))
    };
    let elf = ElfRow {
        of: row.need("of", Field::digest)?,
        machine: row.maybe("machine", Field::plain)?,
        build_id: row.maybe("build_id", Field::hex)?,
        interpreter: row.maybe("interpreter", Field::escaped)?,
        needed: row.maybe("needed", texts)?.unwrap_or_default(),
        search: row.maybe("search", texts)?.unwrap_or_default(),
        text: row.maybe("text", Field::digest)?,
        imports: row.maybe("imports", Field::digest)?,
        exports: row.maybe("exports", Field::digest)?,
        sections: row.maybe("sections", Field::digest)?,
        code: row.maybe("code", code)?,
    };
    row.end("a row of `elf`")?;
    Ok(elf)
}

pub(super) fn text(field: Field<'_>) -> Result<TextRow, Fault> {
    let mut row = field.table()?;
    let of = row.need("of", Field::digest)?;
    let text = row.need("marks", |field| {
        let spot = field.spot;
        TextRow::parse(of, &field.string()?).map_err(|why| spot.fault(why))
    })?;
    row.end("a row of `text`")?;
    Ok(text)
}

pub(super) fn boot(field: Field<'_>, known: &Known<'_>) -> Result<BootRow, Fault> {
    let mut row = field.table()?;
    let boot = BootRow {
        component: row.need("in", |field| known.raw(field))?,
        says: row
            .maybe("says", |field| field.list()?.map(Field::escaped).collect())?
            .unwrap_or_default(),
        config: row.maybe("config", Field::digest)?,
        trees: row
            .maybe("trees", |field| field.set(Field::digest))?
            .unwrap_or_default(),
    };
    row.end("a row of `boot`")?;
    Ok(boot)
}

pub(super) fn tree(field: Field<'_>) -> Result<TreeRow, Fault> {
    let mut row = field.table()?;
    let of = row.need("of", Field::digest)?;
    let tree = row.need("marks", |field| {
        let spot = field.spot;
        TreeRow::parse(of, &field.string()?).map_err(|why| spot.fault(why))
    })?;
    row.end("a row of `device_tree`")?;
    Ok(tree)
}

pub(super) fn mutable(field: Field<'_>, known: &Known<'_>) -> Result<MutableRow, Fault> {
    let mut row = field.table()?;
    let types = row.need("types", |field| {
        let spot = field.spot;
        let types = field.set(|field| field.word(Kind::WORDS))?;
        if types.is_empty() {
            Err(spot.fault("at least one type"))
        } else {
            Ok(types)
        }
    })?;
    let glob = |field: Field<'_>| {
        let spot = field.spot;
        let glob = field.plain()?;
        policy::glob(&glob).map_err(|why| spot.fault(why))?;
        Ok(glob)
    };
    let files = types.contains(&Kind::File);
    let mutable = MutableRow {
        component: row.need("in", |field| known.tree(field))?,
        glob: row.need("glob", glob)?,
        types: BTreeSet::from_iter(types),
        mode_max: row.need("mode_max", Field::mode)?,
        max_bytes: if files {
            Some(row.need("max_bytes", Field::number)?)
        } else {
            None
        },
        forbid: BTreeSet::from_iter(row.need("forbid", |field| {
            field.set(|field| field.word(Forbid::WORDS))
        })?),
    };
    row.end(if files {
        "a row of `mutable`"
    } else {
        "a row of `mutable` without files"
    })?;
    Ok(mutable)
}
