//! The list for people.

use std::fmt::{self, Write};

use super::EntryRow;
use crate::extract::{GapKind, Inventory, Partition, State, Told};
use crate::report::rows::banners;
use crate::report::text;

/// The list for people.
///
/// # Errors
/// Those of `out`.
pub fn render(found: &Inventory, out: &mut String) -> fmt::Result {
    let image = &found.image;
    write!(out, "{}  {}", image.name, text::size(image.size))?;
    match image.sha256 {
        Some(sha256) => writeln!(out, "  sha256 {sha256}")?,
        None => writeln!(out, "  (directory)")?,
    }
    for (what, file) in image.files() {
        let size = text::size(file.size);
        writeln!(
            out,
            "  {what} {}  {size}  sha256 {}",
            file.name, file.sha256
        )?;
    }
    render_regions(found, out)?;
    render_gaps(found, out)?;
    render_partitions(&found.partitions, out)?;
    render_entries(found, out)?;
    render_history(found, out)?;
    render_problems(&found.problems, out)?;
    let coverage = found.coverage;
    writeln!(
        out,
        "\nCoverage  {} bytes = {} content + {} metadata + {} fill + {} unknown",
        coverage.bytes, coverage.content, coverage.metadata, coverage.fill, coverage.unknown
    )
}

fn render_regions(found: &Inventory, out: &mut String) -> fmt::Result {
    writeln!(out, "\nRegions  {}", found.regions.len())?;
    for region in &found.regions {
        let state = match region.state {
            State::Read => "read",
            State::Partial => "PARTIAL",
            State::Unread => "UNREAD",
        };
        writeln!(
            out,
            "  {:<8} {:>12}  {}",
            state,
            text::size(region.len),
            region.place
        )?;
        for (name, value) in &region.properties {
            writeln!(out, "           {name}: {value}")?;
        }
    }
    Ok(())
}

fn render_gaps(found: &Inventory, out: &mut String) -> fmt::Result {
    writeln!(out, "\nGaps  {}", found.gaps.len())?;
    for gap in &found.gaps {
        let what = match gap.kind {
            GapKind::Fill { byte } => format!("fill {byte:02x}"),
            GapKind::Unknown {
                entropy,
                even: false,
            } => format!("UNKNOWN, {entropy:.2} bits per byte"),
            GapKind::Unknown { .. } => {
                "UNKNOWN, as even as noise: encrypted, random or well packed".to_owned()
            }
        };
        writeln!(
            out,
            "  {:>12}  {}  {}",
            text::size(gap.len),
            gap.place,
            what
        )?;
        for banner in banners(gap) {
            writeln!(out, "                {banner}")?;
        }
        if let Some(table) = &gap.symbol_table {
            writeln!(out, "                {table}")?;
        }
    }
    Ok(())
}

fn render_partitions(partitions: &[Partition], out: &mut String) -> fmt::Result {
    if partitions.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nPartitions that the image names  {}",
        partitions.len()
    )?;
    for part in partitions {
        let (size, end) = (text::size(part.len), part.at.saturating_add(part.len));
        let range = format!("{:#x}..{end:#x}", part.at);
        writeln!(
            out,
            "  {size:>12}  {range}  {}  (by {})",
            part.name, part.source
        )?;
    }
    Ok(())
}

fn render_entries(found: &Inventory, out: &mut String) -> fmt::Result {
    writeln!(out, "\nEntries  {}", found.entries.len())?;
    for found in &found.entries {
        let row = EntryRow::new(found);
        let owner = match (row.uid, row.gid) {
            (Some(uid), Some(gid)) => format!("{uid}:{gid}"),
            _ => "-".to_owned(),
        };
        let digest = row.sha256.map(|sha256| sha256.to_string());
        let digest = digest
            .as_ref()
            .and_then(|digest| digest.get(..16))
            .unwrap_or("-");
        write!(
            out,
            "  {:<7} {:>4} {:>9} {:>10} {:<16}  {}",
            row.kind,
            row.mode.as_deref().unwrap_or("-"),
            owner,
            row.size
                .map_or_else(|| "-".to_owned(), |size| size.to_string()),
            digest,
            row.place
        )?;
        match (row.target, row.rdev) {
            (Some(target), _) => writeln!(out, " -> {target}")?,
            (_, Some([major, minor])) => writeln!(out, " ({major}, {minor})")?,
            _ => writeln!(out)?,
        }
    }
    Ok(())
}

fn render_history(found: &Inventory, out: &mut String) -> fmt::Result {
    if found.history.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nOlder versions that are still there  {}",
        found.history.len()
    )?;
    for older in &found.history {
        writeln!(
            out,
            "  {:>12}  {}  {}",
            text::size(older.file.size),
            older.place,
            older.why
        )?;
    }
    Ok(())
}

fn render_problems(problems: &[Told], out: &mut String) -> fmt::Result {
    writeln!(out, "\nProblems  {}", problems.len())?;
    for told in problems {
        let place = if told.place.is_image() {
            "the image".to_owned()
        } else {
            told.place.to_string()
        };
        writeln!(out, "  {}  {}: {}", told.kind.word(), place, told.detail)?;
    }
    Ok(())
}
