//! `vitalsign.formats/1`: the doc cards of the formats, for people, for programs and for the README.

use serde::Serialize;

use crate::formats::{ALL, Doc};

#[derive(Serialize)]
struct Formats {
    schema: &'static str,
    formats: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    title: &'static str,
    kind: &'static str,
    spec: &'static str,
    reads: &'static str,
    verifies: &'static str,
    limits: &'static [&'static str],
}

/// The cards, sorted by kind and id.
fn cards() -> Vec<&'static Doc> {
    let mut cards: Vec<_> = ALL.iter().map(|format| format.doc()).collect();
    cards.sort_by_key(|doc| (doc.kind, doc.id));
    cards
}

/// The cards as JSON.
///
/// # Errors
/// None that a caller could mend.
pub fn json() -> serde_json::Result<String> {
    let row = |doc: &'static Doc| Row {
        id: doc.id,
        title: doc.title,
        kind: doc.kind.word(),
        spec: doc.spec,
        reads: doc.reads,
        verifies: doc.verifies,
        limits: doc.limits,
    };
    let formats = Formats {
        schema: "vitalsign.formats/1",
        formats: cards().into_iter().map(row).collect(),
    };
    let mut text = serde_json::to_string_pretty(&formats)?;
    text.push('\n');
    Ok(text)
}

/// The cards for people.
pub fn text() -> String {
    let card = |doc: &Doc| {
        let mut text = format!(
            "{} ({})\n  {}\n  reads     {}\n  verifies  {}\n  spec      {}\n",
            doc.id,
            doc.kind.word(),
            doc.title,
            doc.reads,
            doc.verifies,
            doc.spec
        );
        for limit in doc.limits {
            text.push_str("  not read  ");
            text.push_str(limit);
            text.push('\n');
        }
        text
    };
    cards().into_iter().map(card).collect::<Vec<_>>().join("\n")
}

/// The cards as the table that the README carries.
pub fn markdown() -> String {
    let mut table =
        String::from("| format | kind | reads | verifies | not read |\n|---|---|---|---|---|\n");
    for doc in cards() {
        let limits = if doc.limits.is_empty() {
            "-".to_owned()
        } else {
            doc.limits.join("; ")
        };
        let cells = [doc.id, doc.kind.word(), doc.reads, doc.verifies, &limits].join(" | ");
        table.push_str("| ");
        table.push_str(&cells);
        table.push_str(" |\n");
    }
    table
}
