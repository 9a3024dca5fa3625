//! `vitalsign rules` and `vitalsign explain`

use anyhow::{Context, Result};

use super::exit::Usage;
use super::{output, trust};
use crate::cli::{self, ReportFormat};
use crate::report::rules as report;
use crate::rules::{self, Pack};

/// Lists, shows or tries rules.
pub(super) fn run(command: &cli::RulesCommand) -> Result<u8> {
    match command {
        cli::RulesCommand::List(to) => {
            let text = match to.format {
                ReportFormat::Json => output::json(&report::List::new(rules::built_in()))?,
                ReportFormat::Terminal => report::list(rules::built_in())?,
            };
            output::write(to, &text)?;
            Ok(0)
        }
        cli::RulesCommand::Show(args) => {
            let all = rules::built_in().iter().flat_map(|pack| &pack.rules);
            let rule = all
                .clone()
                .find(|rule| rule.card.code == args.code)
                .ok_or_else(|| unknown(&args.code))?;
            output::write_stdout(&report::show(rule)?)?;
            Ok(0)
        }
        cli::RulesCommand::Test(args) => test(args),
    }
}

/// Explains a code.
pub(super) fn explain(args: &cli::Explain) -> Result<u8> {
    let card = rules::card(&args.code).ok_or_else(|| unknown(&args.code))?;
    let text = match args.output.format {
        ReportFormat::Json => output::json(&report::Explained::new(card))?,
        ReportFormat::Terminal => report::explain(card)?,
    };
    output::write(&args.output, &text)?;
    Ok(0)
}

fn unknown(code: &str) -> Usage {
    let code = crate::place::escape(code.as_bytes());
    Usage(format!(
        "no rule or check tells {code}; `vitalsign rules list` names all"
    ))
}

/// Tries rules on their own files; a pack in which one fails is malformed.
fn test(args: &cli::RulesTest) -> Result<u8> {
    const MALFORMED: u8 = 65;
    let given: Vec<Pack>;
    let packs = match &args.pack {
        Some(path) => {
            let text = trust::document(path)?;
            given = vec![rules::parse(&text).with_context(|| trust::shown(path))?];
            &given
        }
        None => rules::built_in(),
    };
    let failed: Vec<_> = packs.iter().flat_map(rules::trial).collect();
    output::write_stdout(&report::tried(packs, &failed)?)?;
    Ok(if failed.is_empty() { 0 } else { MALFORMED })
}
