//! `vitalsign rules` and `vitalsign explain`

use std::path::Path;

use anyhow::Result;

use super::exit::Usage;
use super::{output, packs};
use crate::cli::{self, ListFormat};
use crate::report::rules as report;
use crate::rules::{self, Pack};

/// Lists, shows or tries rules.
pub(super) fn run(command: &cli::RulesCommand) -> Result<u8> {
    match command {
        cli::RulesCommand::List(args) => {
            let (book, _) = packs::read(&args.packs, &args.speakers)?;
            let text = match args.output.format {
                ListFormat::Json => output::json(&report::List::new(&book))?,
                ListFormat::Terminal => report::list(&book)?,
            };
            output::write(args.output.output.as_deref(), &text)?;
            Ok(0)
        }
        cli::RulesCommand::Show(args) => {
            let (book, _) = packs::read(&args.packs, &args.speakers)?;
            let rule = book
                .rules()
                .find(|rule| rule.card.code == args.code)
                .ok_or_else(|| unknown(&args.code))?;
            let giver = book.giver(&args.code);
            output::write_stdout(&report::show(rule, giver)?)?;
            Ok(0)
        }
        cli::RulesCommand::Test(args) => test(args),
    }
}

/// Explains a code.
pub(super) fn explain(args: &cli::Explain) -> Result<u8> {
    let (book, _) = packs::read(&args.packs, &args.speakers)?;
    let card = book.card(&args.code).ok_or_else(|| unknown(&args.code))?;
    let giver = book.giver(&args.code);
    let text = match args.output.format {
        ListFormat::Json => output::json(&report::Explained::new(card, giver))?,
        ListFormat::Terminal => report::explain(card, giver)?,
    };
    output::write(args.output.output.as_deref(), &text)?;
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
    let paths: Vec<&Path> = args
        .pack
        .iter()
        .chain(&args.rules)
        .map(std::path::PathBuf::as_path)
        .collect();
    let given: Vec<Pack>;
    let packs = if paths.is_empty() {
        rules::built_in()
    } else {
        given = packs::untrusted(&paths)?;
        &given
    };
    let failed: Vec<_> = packs.iter().flat_map(rules::trial).collect();
    output::write_stdout(&report::tried(packs, &failed)?)?;
    Ok(if failed.is_empty() { 0 } else { MALFORMED })
}
