//! From [`Baseline`] to text: TOML 1.0, one row per line, one text for one baseline.

use super::boot::BootRow;
use super::memory::{FunctionRow, PageContent, PageRow};
use super::model::{
    Baseline, Body, Component, ElfRow, Evidence, ExpectedNode, FileRow, Forbid, Kind, MutableRow,
    Unstated,
};
use super::text::TextRow;
use super::tree::TreeRow;
use crate::digest::hex;
use crate::document::write::{Row, array, push, quoted, strings, words};
use crate::place;

/// The text of a baseline.
pub(super) fn text(baseline: &Baseline) -> String {
    let name = |index: usize| {
        baseline
            .components
            .get(index)
            .map_or("", |component| component.name.as_str())
    };
    let mut out = String::new();
    header(&mut out, baseline);
    array(
        &mut out,
        "firmware.evidence",
        baseline
            .firmware
            .evidence
            .iter()
            .map(|row| evidence(row, name(row.component))),
    );
    array(
        &mut out,
        "component",
        baseline.components.iter().map(component),
    );
    let mut files: Vec<&FileRow> = baseline.files.iter().collect();
    files.sort_by_key(|row| (row.component, row.path.as_bytes(), row.ordinal));
    array(
        &mut out,
        "file",
        files.into_iter().map(|row| file(row, name(row.component))),
    );
    let pages = baseline.pages.iter();
    array(
        &mut out,
        "page",
        pages.map(|row| page(row, name(row.component))),
    );
    let functions = baseline.functions.iter();
    array(
        &mut out,
        "function",
        functions.map(|row| function(row, name(row.component))),
    );
    let mut elf: Vec<&ElfRow> = baseline.elf.iter().collect();
    elf.sort_by_key(|row| row.of);
    array(&mut out, "elf", elf.into_iter().map(elf_row));
    array(
        &mut out,
        "mutable",
        baseline
            .mutable
            .iter()
            .map(|row| mutable(row, name(row.component))),
    );
    let mut texts: Vec<&TextRow> = baseline.texts.iter().collect();
    texts.sort_by_key(|row| row.of);
    array(&mut out, "text", texts.into_iter().map(text_row));
    let boot = baseline.boot.iter();
    array(
        &mut out,
        "boot",
        boot.map(|row| boot_row(row, name(row.component))),
    );
    array(&mut out, "device_tree", baseline.trees.iter().map(tree_row));
    out
}

/// The keys before the rows. `device.vendor = ...` says the same as `vendor = ...` under `[device]`, but lets
/// the rows follow: in TOML, what follows a `[device]` line belongs to it.
fn header(out: &mut String, baseline: &Baseline) {
    let (device, firmware) = (&baseline.device, &baseline.firmware);
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            push(out, &[key, " = ", &value, "\n"]);
        }
    };
    line("format", Some(quoted("vitalsign-baseline")));
    line("schema", Some("1".into()));
    line("sequence", Some(baseline.sequence.to_string()));
    line("issued", Some(baseline.issued.to_string()));
    line("expires", Some(baseline.expires.to_string()));
    line("device.vendor", Some(quoted(&device.vendor)));
    line("device.model", Some(quoted(&device.model)));
    line("device.hardware", strings(&device.hardware));
    line("device.udi_di", device.udi_di.as_deref().map(quoted));
    line("device.assets", strings(&device.assets));
    line("device.aliases", strings(&device.aliases));
    line("firmware.version", Some(quoted(&firmware.version)));
    line(
        "firmware.security_floor",
        firmware.security_floor.as_deref().map(quoted),
    );
    let origin = baseline.origin.as_ref();
    line("origin.kind", origin.map(|origin| quoted(&origin.kind)));
    line("origin.name", origin.map(|origin| quoted(&origin.name)));
    line(
        "origin.sha256",
        origin.map(|origin| quoted(&origin.sha256.to_string())),
    );
}

fn evidence(row: &Evidence, component: &str) -> Row {
    Row::default()
        .text("in", component)
        .maybe(row.path.as_ref(), |row, path| {
            row.bytes("path", path.as_bytes())
        })
        .bytes("contains", &row.contains)
}

fn component(component: &Component) -> Row {
    let row = Row::default().text("name", &component.name);
    let row = match &component.body {
        Body::Tree { format, unstated } => row
            .text("kind", "tree")
            .maybe(format.as_ref(), |row, format| row.text("format", format))
            .maybe((!unstated.is_empty()).then_some(unstated), |row, parts| {
                row.raw("unstated", &words(parts, Unstated::word))
            }),
        Body::Raw { size, sha256 } => row
            .text("kind", "raw")
            .number("size", *size)
            .digest("sha256", Some(*sha256)),
        Body::Memory { sha256 } => row.text("kind", "memory").digest("sha256", Some(*sha256)),
    };
    let row = row
        .number("at", component.at)
        .maybe(component.part.as_deref(), |row, part| {
            row.text("part", part)
        });
    if component.optional {
        row.raw("optional", "true")
    } else {
        row
    }
}

fn file(file: &FileRow, component: &str) -> Row {
    let row = Row::default()
        .text("in", component)
        .bytes("path", file.path.as_bytes())
        .number("ordinal", (file.ordinal > 0).then_some(file.ordinal))
        .text("type", file.node.kind().word())
        .maybe(file.mode, |row, mode| row.raw("mode", &octal(mode)))
        .number("uid", file.uid)
        .number("gid", file.gid);
    let row = match &file.node {
        ExpectedNode::File { size, sha256 } => {
            row.number("size", *size).digest("sha256", Some(*sha256))
        }
        ExpectedNode::Symlink(target) => row.bytes("target", target),
        ExpectedNode::Char(device) | ExpectedNode::Block(device) => {
            row.raw("rdev", &format!("[{}, {}]", device.major, device.minor))
        }
        ExpectedNode::Dir | ExpectedNode::Fifo | ExpectedNode::Socket => row,
    };
    if file.xattrs.is_empty() {
        return row;
    }
    let xattrs = file
        .xattrs
        .iter()
        .fold(Row::default(), |row, (name, value)| {
            row.text(&quoted(&place::escape(name)), &hex(value))
        });
    row.raw("xattrs", &xattrs.inline())
}

fn page(page: &PageRow, component: &str) -> Row {
    let row = Row::default()
        .text("in", component)
        .raw("at", &address(page.at))
        .number("size", Some(page.size));
    match page.content {
        PageContent::Bytes(sha256) => row.digest("sha256", Some(sha256)),
        PageContent::Fill(byte) => row.number("fill", Some(byte)),
    }
}

fn function(function: &FunctionRow, component: &str) -> Row {
    Row::default()
        .text("in", component)
        .raw("at", &address(function.at))
        .number("size", Some(function.size))
        .text("name", &function.name)
        .digest("sha256", Some(function.sha256))
}

fn address(at: u64) -> String {
    format!("0x{at:08x}")
}

fn elf_row(elf: &ElfRow) -> Row {
    Row::default()
        .digest("of", Some(elf.of))
        .maybe(elf.machine.as_ref(), |row, machine| {
            row.text("machine", machine)
        })
        .maybe(elf.build_id.as_ref(), |row, id| {
            row.text("build_id", &hex(id))
        })
        .maybe(elf.interpreter.as_ref(), |row, path| {
            row.text("interpreter", path)
        })
        .maybe(strings(&elf.needed), |row, needed| {
            row.raw("needed", &needed)
        })
        .maybe(strings(&elf.search), |row, search| {
            row.raw("search", &search)
        })
        .digest("text", elf.text)
        .digest("imports", elf.imports)
        .digest("exports", elf.exports)
        .digest("sections", elf.sections)
        .maybe(elf.code.as_ref(), |row, code| {
            row.text("code", &code.text())
        })
}

fn text_row(text: &TextRow) -> Row {
    Row::default()
        .digest("of", Some(text.of))
        .text("marks", &text.text())
}

fn boot_row(boot: &BootRow, component: &str) -> Row {
    let trees: Vec<String> = boot.trees.iter().map(ToString::to_string).collect();
    Row::default()
        .text("in", component)
        .maybe(strings(&boot.says), |row, says| row.raw("says", &says))
        .digest("config", boot.config)
        .maybe(strings(&trees), |row, trees| row.raw("trees", &trees))
}

fn tree_row(tree: &TreeRow) -> Row {
    Row::default()
        .digest("of", Some(tree.of))
        .text("marks", &tree.text())
}

fn mutable(mutable: &MutableRow, component: &str) -> Row {
    Row::default()
        .text("in", component)
        .text("glob", &mutable.glob)
        .raw("types", &words(&mutable.types, Kind::word))
        .raw("mode_max", &octal(mutable.mode_max))
        .number("max_bytes", mutable.max_bytes)
        .raw("forbid", &words(&mutable.forbid, Forbid::word))
}

fn octal(mode: u32) -> String {
    format!("\"{mode:04o}\"")
}
