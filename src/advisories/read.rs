//! The table from its text.

use super::{Advisory, Cve, Mark, Product, Relabel, Table, Versions, Which};
use crate::document::{self, Fault, Field, Kind, Malformed, Table as Row};
use crate::finding::Severity;

const SEVERITIES: &[(&str, Severity)] = &[
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

/// Reads a table.
///
/// # Errors
/// Where the text is none, with the line.
pub(super) fn table(text: &[u8]) -> Result<Table, Malformed> {
    document::read(text, Kind::Advisories, |top| {
        let read = top.need("read", Field::time)?;
        let products = top.need("product", |field| rows(field, product))?;
        let relabels = top.need("relabel", |field| {
            rows(field, |row| relabel(row, &products))
        })?;
        let marks = top.need("mark", |field| rows(field, |row| mark(row, &products)))?;
        let advisories = top.need("advisory", |field| {
            rows(field, |row| advisory(row, &products))
        })?;
        Ok(Table {
            read,
            products,
            relabels,
            marks,
            advisories,
        })
    })
}

fn rows<'i, T>(
    field: Field<'i>,
    read: impl Fn(&mut Row<'i>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    for field in field.list()? {
        let mut row = field.table()?;
        all.push(read(&mut row)?);
        row.end("it")?;
    }
    Ok(all)
}

fn product(row: &mut Row<'_>) -> Result<Product, Fault> {
    Ok(Product {
        id: row.need("id", Field::plain)?,
        shown: row.need("shown", Field::plain)?,
        vendors: row.need("vendors", Field::plain_list)?,
        models: row.need("models", Field::plain_list)?,
    })
}

/// The id of a product that the table has.
fn known(row: &mut Row<'_>, products: &[Product]) -> Result<String, Fault> {
    row.need("product", |field| {
        let spot = field.spot;
        let id = field.plain()?;
        if products.iter().any(|product| product.id == id) {
            return Ok(id);
        }
        Err(spot.fault("the id of a product"))
    })
}

fn relabel(row: &mut Row<'_>, products: &[Product]) -> Result<Relabel, Fault> {
    Ok(Relabel {
        vendors: row.need("vendors", Field::plain_list)?,
        models: row.need("models", Field::plain_list)?,
        product: known(row, products)?,
        says: row.need("says", Field::plain)?,
    })
}

fn mark(row: &mut Row<'_>, products: &[Product]) -> Result<Mark, Fault> {
    Ok(Mark {
        product: known(row, products)?,
        sha256: row.need("sha256", Field::digest)?,
        says: row.need("says", Field::plain)?,
    })
}

fn advisory(row: &mut Row<'_>, products: &[Product]) -> Result<Advisory, Fault> {
    Ok(Advisory {
        id: row.need("id", Field::plain)?,
        authority: row.need("authority", Field::plain)?,
        title: row.need("title", Field::plain)?,
        revision: row.need("revision", Field::plain)?,
        date: row.need("date", Field::time)?,
        product: known(row, products)?,
        note: row.maybe("note", Field::plain)?,
        cves: row.need("cve", |field| rows(field, cve))?,
    })
}

fn cve(row: &mut Row<'_>) -> Result<Cve, Fault> {
    Ok(Cve {
        id: row.need("id", Field::plain)?,
        cwe: row.need("cwe", Field::plain)?,
        severity: row.need("severity", |field| field.word(SEVERITIES))?,
        cvss: row.need("cvss", Field::plain)?,
        says: row.need("says", Field::plain)?,
        versions: versions(row)?,
    })
}

fn versions(row: &mut Row<'_>) -> Result<Versions, Fault> {
    let these = row.maybe("versions", Field::plain_list)?;
    let until = row.maybe("until", Field::plain)?;
    let below = row.maybe("below", Field::plain)?;
    let which = match (these, until, below) {
        (None, None, None) => Which::All,
        (Some(these), None, None) => Which::These(these),
        (None, Some(end), None) => Which::Until(end),
        (None, None, Some(end)) => Which::Below(end),
        _ => return Err(Fault::new(row.at, "one of `versions`, `until` and `below`")),
    };
    Ok(Versions {
        which,
        fixed: row.maybe("fixed", Field::plain)?,
    })
}
