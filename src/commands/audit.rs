//! `vitalsign audit`

mod bench;
mod cache;
mod fleet;
mod merge;
mod named;
mod results;
mod shard;
mod summary;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};

use self::bench::Audit;
use self::results::Results;
use self::shard::Mine;
use self::work::End;
use super::sandbox::Start;
use super::{exit, interrupt, talk, trust};
use crate::cli;
use crate::cli::audit::AuditCommand;
use crate::fleet::summary::Summary;

/// Audits a fleet, or shows what an audit said; the exit code is the OR of what was seen.
pub(super) fn run(args: &cli::Audit, start: &Start) -> Result<u8> {
    if let Some(AuditCommand::Merge(args)) = &args.command {
        return merge::run(args, start);
    }
    if let Some(path) = &args.summary {
        return summary::run(path, args, start);
    }
    let Some(path) = &args.fleet else {
        return Err(exit::Usage("name a fleet".to_owned()).into());
    };
    let fleet = fleet::read(path).with_context(|| trust::shown(path))?;
    let mine = Mine::of(args.shard, &fleet)?;
    let mut summary = Summary::default();
    let mut results = Results::open(args, &fleet, &mine, &mut summary)?;
    // The second interrupt ends the program at once: what is in the file of results stays.
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::gently(&stop);
    let mut audit = Audit::read(args, fleet, mine, results.judged_at(), Arc::clone(&stop))?;
    let head = audit.head();
    results.begin(&head)?;
    summary.begins(head);
    start.confine(audit.access())?;
    let end = work::run(&audit, &mut results, &mut summary, &stop)?;
    results.finish()?;
    audit.remember(&summary)?;
    talk::say(summary::brief(&summary)?.trim_end());
    if end == End::Done {
        return Ok(summary.exit_code());
    }
    talk::say(&stopped(&end, args));
    Ok(summary.exit_code_unfinished())
}

fn stopped(end: &End, args: &cli::Audit) -> String {
    let why = match end {
        End::Failures(count) => format!("{count} devices could not be judged (--max-failures)"),
        End::Done | End::Interrupted => "interrupted".to_owned(),
    };
    let how = if args.output.is_some() {
        "what is done is kept: the same command with --resume goes on"
    } else {
        "with --output FILE what is done is kept, and --resume goes on"
    };
    format!("INCOMPLETE: {why}; {how}")
}
