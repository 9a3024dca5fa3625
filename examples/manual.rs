//! Writes the manual pages and the completions of the command line: `cargo run --example manual -- FOLDER`.
//!
//! `FOLDER/man` holds a page for each command, `FOLDER/completions` what bash, zsh, fish, elvish and PowerShell load. Packages ship both; the
//! program itself carries neither.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;
use vitalsign::cli::Cli;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("usage: manual FOLDER")?;
    write(Path::new(&folder))
}

fn write(folder: &Path) -> Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(Cli::command(), &man)?;
    for &shell in Shell::value_variants() {
        clap_complete::generate_to(shell, &mut Cli::command(), "vitalsign", &completions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    /// The names of the pages of a command and of all under it.
    fn names(command: &Command, name: &str) -> Vec<String> {
        let under = command.get_subcommands();
        let under = under.filter(|it| it.get_name() != "help");
        let under = under.flat_map(|it| names(it, &format!("{name}-{}", it.get_name())));
        std::iter::once(format!("{name}.1")).chain(under).collect()
    }

    #[test]
    fn each_command_has_a_page_and_each_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let mut expected = names(&Cli::command(), "vitalsign");
        let pages = fs::read_dir(folder.path().join("man")).unwrap().flatten();
        let mut pages: Vec<String> = pages
            .map(|page| page.file_name().into_string().unwrap())
            .collect();
        expected.sort();
        pages.sort();
        assert_eq!(pages, expected);
        assert!(pages.len() > 20, "{pages:?}");
        for page in pages {
            let text = fs::read_to_string(folder.path().join("man").join(&page)).unwrap();
            assert!(
                text.contains(".TH ") && text.contains(".SH SYNOPSIS"),
                "{page}"
            );
        }
        let of_shells = [
            "vitalsign.bash",
            "_vitalsign",
            "vitalsign.fish",
            "vitalsign.elv",
            "_vitalsign.ps1",
        ];
        for name in of_shells {
            let text = fs::read_to_string(folder.path().join("completions").join(name)).unwrap();
            assert!(text.contains("second-read"), "{name} completes no options");
        }
    }
}
