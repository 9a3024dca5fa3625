//! The command-line tool: parse, run, exit.

use std::process::ExitCode;

use clap::Parser;
use vitalsign::cli::{Cli, Color};
use vitalsign::commands;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match cli.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    // A defect of ours must not look like a verdict: 101, the code of a panic, is in no table.
    match std::panic::catch_unwind(|| commands::run(&cli)) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => ExitCode::from(commands::report_error(&error)),
        Err(_) => ExitCode::from(commands::INTERNAL),
    }
}
