//! `vitalsign audit --summary`: what a file of results says.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli;
use crate::cli::audit::SummaryFormat;
use crate::commands::sandbox::{Access, Start};
use crate::commands::trust::{self, Missing};
use crate::commands::{output, talk};
use crate::fleet::record::Record;
use crate::fleet::results::{self, Unusable};
use crate::fleet::summary::{Summary, csv, html, sarif};

/// Shows a file of results; the exit code is that of the audit.
pub(super) fn run(path: &Path, args: &cli::Audit, start: &Start) -> Result<u8> {
    let access = Access::default().reads(args.summary.iter().chain(&args.since));
    start.confine(access.writes(args.output.as_deref(), 0o644))?;
    let old = args.since.as_deref();
    let old = old.map(|path| read(path, |_| ())).transpose()?;
    let mut rows = String::new();
    if args.format == SummaryFormat::Csv {
        csv::head(&mut rows);
    }
    let summary = read(path, |record| {
        if args.format == SummaryFormat::Csv {
            csv::device(record, &mut rows);
        }
    })?;
    let told = match &old {
        Some(old) => summary.told_since(old),
        None => summary.told(),
    };
    let text = match args.format {
        SummaryFormat::Csv => rows,
        SummaryFormat::Html => html::render(&told, args.pages.as_deref()),
        SummaryFormat::Json => output::json(&told)?,
        SummaryFormat::Sarif => output::json(&sarif::log(&told))?,
        SummaryFormat::Terminal => {
            let mut out = String::new();
            told.render(false, &mut out)?;
            out
        }
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(told.exit_code)
}

fn read(path: &Path, mut each: impl FnMut(&Record)) -> Result<Summary> {
    let file = File::open(path).map_err(|source| Missing::new(path, source))?;
    let mut summary = Summary::default();
    let read = results::read(BufReader::new(file), |_, record| {
        each(&record);
        summary.add(&record);
        Ok::<(), Unusable>(())
    })
    .with_context(|| trust::shown(path))?;
    if read.is_torn {
        talk::say("note: the last record is torn and was passed over");
    }
    match read.audit {
        Some(audit) => summary.begins(audit),
        None => return Err(Unusable::NoAudit).with_context(|| trust::shown(path)),
    }
    Ok(summary)
}

/// The summary that is told after an audit.
pub(super) fn brief(summary: &Summary) -> Result<String> {
    let mut out = String::new();
    summary.told().render(true, &mut out)?;
    Ok(out)
}
