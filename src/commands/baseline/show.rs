//! `vitalsign baseline show`

use std::fmt::Write;

use anyhow::Result;

use super::{summary, unsigned};
use crate::baseline::Body;
use crate::cli::BaselineShow;
use crate::commands::output;
use crate::report::text;

/// Shows what a baseline covers.
pub(super) fn run(args: &BaselineShow) -> Result<u8> {
    let baseline = unsigned(&args.baseline)?;
    let mut text = summary(&baseline);
    if let Some(origin) = &baseline.origin {
        writeln!(
            text,
            "imported from {} {}, sha256 {}",
            origin.kind, origin.name, origin.sha256
        )?;
    }
    for (index, component) in baseline.components.iter().enumerate() {
        let rows = baseline
            .files
            .iter()
            .filter(|row| row.component == index)
            .count();
        let body = match &component.body {
            Body::Tree { format, unstated } => {
                let words: Vec<&str> = unstated.iter().map(|part| part.word()).collect();
                let unstated = match words[..] {
                    [] => String::new(),
                    _ => format!(", says nothing of {}", words.join(", ")),
                };
                format!(
                    "tree of {} ({}){unstated}",
                    text::count(rows, "row"),
                    format.as_deref().unwrap_or("directory")
                )
            }
            Body::Raw { size, sha256 } => {
                let size = size.map_or_else(|| "size not stated".to_owned(), text::size);
                format!("raw, {size}, sha256 {sha256}")
            }
            Body::Memory { sha256 } => format!("memory, sha256 {sha256}"),
        };
        let at = component
            .at
            .map(|at| format!(" at {at:#x}"))
            .unwrap_or_default();
        let optional = if component.optional {
            ", may be absent"
        } else {
            ""
        };
        writeln!(text, "  {:<12} {body}{at}{optional}", component.name)?;
    }
    for row in &baseline.mutable {
        let name = baseline
            .components
            .get(row.component)
            .map_or("", |component| component.name.as_str());
        let forbidden: Vec<_> = row.forbid.iter().map(|forbid| forbid.word()).collect();
        writeln!(
            text,
            "  may change: {name}:{}, at most {:04o}, never {}",
            row.glob,
            row.mode_max,
            forbidden.join(", ")
        )?;
    }
    text.push_str("the signature was not checked: `vitalsign baseline check` does\n");
    output::write_stdout(&text)?;
    Ok(0)
}
