//! For people: which rows of a baseline decide what may stand at a path.

use std::fmt::{self, Write};

use super::text;
use crate::baseline::decide::{Decision, Located, OnLine};
use crate::baseline::{Body, Component, FileRow, MutableRow, Unstated};
use crate::entry::EntryPath;
use crate::place::escape;

/// Further lines of a row are set in so far.
const DEEP: usize = 6;

/// Writes what the trees of a baseline say of a path: those that have a row for it, or that none has.
///
/// # Errors
/// Those of `out`.
pub fn render(
    located: &Located,
    decisions: &[Decision<'_>],
    path: &EntryPath,
    out: &mut String,
) -> fmt::Result {
    let shown = escape(path.as_bytes());
    let component = |decision: &Decision<'_>| {
        located
            .baseline()
            .components
            .get(decision.component)
            .cloned()
    };
    let silent = |it: &&Decision<'_>| it.files.is_empty() && it.mutable.is_empty();
    let mut speaking = decisions.iter().filter(|it| !silent(it)).peekable();
    if speaking.peek().is_none() {
        writeln!(out, "{shown}")?;
    }
    for decision in speaking {
        if let Some(component) = component(decision) {
            writeln!(out, "{}:{shown}", component.name)?;
            render_rows(decision, &component, out)?;
        }
    }
    for component in decisions.iter().filter(silent).filter_map(component) {
        let line = format!(
            "{}: no row: whatever stands there is ADDED{}",
            component.name,
            but(&component)
        );
        text::wrap(out, "  ", DEEP, &line)?;
    }
    Ok(())
}

/// Writes what a baseline says of a component that has no paths.
///
/// # Errors
/// Those of `out`.
pub fn render_component(component: &Component, line: usize, out: &mut String) -> fmt::Result {
    writeln!(out, "{}", component.name)?;
    let body = match &component.body {
        Body::Tree { .. } => "a tree; name a path in it".to_owned(),
        Body::Raw { size, sha256 } => {
            let size = size.map_or_else(|| "any number of".to_owned(), |size| size.to_string());
            format!("{size} bytes with sha256 {sha256}, and no others")
        }
        Body::Memory { sha256 } => {
            format!("a memory with sha256 {sha256}; its rows of `page` decide byte by byte")
        }
    };
    let at = component.at.map(|at| format!(", at {at:#x}"));
    let optional = if component.optional {
        "; an image may lack it"
    } else {
        "; an image that lacks it has it REMOVED"
    };
    let line = format!("line {line}: {body}{}{optional}", at.unwrap_or_default());
    text::wrap(out, "  ", DEEP, &line)
}

fn render_rows(decision: &Decision<'_>, component: &Component, out: &mut String) -> fmt::Result {
    for row in &decision.files {
        text::wrap(out, "  ", DEEP, &file(row))?;
    }
    for row in &decision.mutable {
        text::wrap(out, "  ", DEEP, &mutable(row))?;
    }
    let rule = match (&decision.files[..], &decision.mutable[..]) {
        (_, []) => "an entry that differs from its row is MODIFIED, a missing one REMOVED".to_owned(),
        ([], _) => format!(
            "what a mutable row allows and none forbids may be there or not; anything else is ADDED{}",
            but(component)
        ),
        (_, _) => "an entry as its row states it is right, and so is what a mutable row allows and none forbids; \
                   anything else is MODIFIED"
            .to_owned(),
    };
    text::wrap(out, "  ", DEEP, &rule)
}

/// What a tree says nothing of.
fn but(component: &Component) -> String {
    let Body::Tree { unstated, .. } = &component.body else {
        return String::new();
    };
    let entries = unstated.iter().filter(|it| **it != Unstated::Xattrs);
    let words: Vec<&str> = entries.map(|it| it.word()).collect();
    if words.is_empty() {
        return String::new();
    }
    format!(
        ", unless it is of a type that the tree does not state ({}): then it is NOT CHECKED",
        words.join(", ")
    )
}

fn file(row: &OnLine<'_, FileRow>) -> String {
    let values = row.row.values();
    let kind = row.row.node.kind().word();
    let fields = [
        "size", "sha256", "target", "rdev", "mode", "uid", "gid", "xattrs",
    ];
    let stated = fields.iter().filter_map(|field| {
        let value = values.get(field)?;
        Some(format!("{field} {}", text::value(value)))
    });
    let stated: Vec<String> = std::iter::once(kind.to_owned()).chain(stated).collect();
    format!("line {}: {}", row.line, stated.join(", "))
}

fn mutable(row: &OnLine<'_, MutableRow>) -> String {
    let MutableRow {
        glob,
        types,
        mode_max,
        max_bytes,
        forbid,
        ..
    } = row.row;
    let types: Vec<&str> = types.iter().map(|kind| kind.word()).collect();
    let most = max_bytes.map(|most| format!(", at most {}", text::size(most)));
    let never: Vec<&str> = forbid.iter().map(|what| what.word()).collect();
    let never = match never[..] {
        [] => String::new(),
        _ => format!(", never {}", never.join(", ")),
    };
    format!(
        "line {}: may change ({glob}): {}, mode at most {mode_max:04o}{}{never}",
        row.line,
        types.join(" or "),
        most.unwrap_or_default()
    )
}
