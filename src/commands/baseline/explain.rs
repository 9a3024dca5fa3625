//! `vitalsign baseline explain`

use anyhow::{Context, Result};

use crate::baseline::Baseline;
use crate::cli::BaselineExplain;
use crate::commands::exit::Usage;
use crate::commands::{output, trust};
use crate::entry::EntryPath;
use crate::place;
use crate::report::decision;

/// Shows the rows that decide what may stand at a path. Whose baseline it is does not matter here.
pub(super) fn run(args: &BaselineExplain) -> Result<u8> {
    let located = trust::baseline(&args.baseline)?
        .locate()
        .with_context(|| trust::shown(&args.baseline))?;
    let (component, path) = target(located.baseline(), &args.path)?;
    let mut text = String::new();
    match (component, path) {
        (Some(index), None) => {
            if let Some(component) = located.baseline().components.get(index) {
                let line = located.component_line(index);
                decision::render_component(component, line, &mut text)?;
            }
        }
        (wanted, path) => {
            let path = path.unwrap_or_else(EntryPath::root);
            let decisions = located.decide(&path, |it| wanted.is_none_or(|index| index == it))?;
            decision::render(&located, &decisions, &path, &mut text)?;
        }
    }
    text.push_str("the signature was not checked: `vitalsign baseline check` does\n");
    output::write_stdout(&text)?;
    Ok(0)
}

/// The component and the path that are meant, where they are named.
fn target(baseline: &Baseline, text: &str) -> Result<(Option<usize>, Option<EntryPath>)> {
    let components = &baseline.components;
    if let Some(index) = components.iter().position(|it| it.name == text) {
        return Ok((Some(index), None));
    }
    let mut named = components.iter().enumerate().filter_map(|(index, it)| {
        let rest = text.strip_prefix(&it.name)?.strip_prefix(':')?;
        rest.starts_with('/').then_some((index, rest))
    });
    let (index, path) = match named.next() {
        Some((index, path)) => (Some(index), path),
        None if text.starts_with('/') => (None, text),
        None => {
            let all: Vec<&str> = components.iter().map(|it| it.name.as_str()).collect();
            return Err(Usage(format!(
                "{}: write a path that starts with /, COMPONENT:PATH, or a component ({})",
                place::escape(text.as_bytes()),
                all.join(", ")
            ))
            .into());
        }
    };
    let is_tree = |index: usize| components.get(index).is_some_and(|it| it.body.is_tree());
    if index.is_some_and(|index| !is_tree(index)) {
        return Err(Usage(format!("{text}: only a tree has paths")).into());
    }
    let bytes = place::unescape(path).unwrap_or_else(|| path.as_bytes().to_vec());
    Ok((index, Some(EntryPath::new(&bytes))))
}
