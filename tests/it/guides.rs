//! The commands of the guides, run as they stand: each guide is one shell script, in a folder with the repository's fixtures and baselines.

use std::fs;
use std::process::Command;

use crate::samples::repository;

const GUIDES: &[&str] = &[
    "guide-engineer.md",
    "guide-fleet.md",
    "guide-vendor.md",
    "adding.md",
];
/// Marks a block that no test can run.
const HARDWARE: &str = "<!-- needs hardware -->";

/// A block of commands, and the program that it needs besides.
struct Block {
    line: usize,
    needs: Option<String>,
    text: String,
}

/// The blocks of a guide that are run. The line before a block may name a program that it needs, or say that it needs hardware.
fn blocks(guide: &str) -> Vec<Block> {
    let text = fs::read_to_string(repository().join("docs").join(guide)).unwrap();
    let (mut blocks, mut before) = (Vec::new(), "");
    let mut lines = text.lines().enumerate();
    while let Some((line, start)) = lines.next() {
        if let Some(language) = start.strip_prefix("```") {
            assert_eq!(
                language,
                "sh",
                "{guide}, line {}: what is this block?",
                line + 1
            );
            let inside: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```")
                .collect();
            let needs = before
                .strip_prefix("<!-- with: ")
                .and_then(|it| it.strip_suffix(" -->"));
            if before != HARDWARE {
                blocks.push(Block {
                    line: line + 1,
                    needs: needs.map(str::to_owned),
                    text: inside.join("\n"),
                });
            }
        }
        before = start;
    }
    blocks
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn runs(guide: &str) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["fixtures", "baselines"] {
        std::os::unix::fs::symlink(repository().join(name), folder.path().join(name)).unwrap();
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_vitalsign"));
    let mut path = vec![program.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path).unwrap();
    let blocks = blocks(guide);
    assert!(!blocks.is_empty(), "{guide} has no commands");
    for block in blocks {
        if let Some(needs) = block.needs.as_deref().filter(|needs| !is_installed(needs)) {
            eprintln!("{guide}, line {}: not run, there is no {needs}", block.line);
            continue;
        }
        let output = Command::new("sh")
            .args(["-euc", &block.text])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{guide}, line {}: {said}",
            block.line
        );
        // What a guide allows to fail is a verdict, never a command that is wrong.
        let told = String::from_utf8_lossy(&output.stdout);
        for code in 64..=70 {
            assert!(
                !told.contains(&format!("exit code {code}")),
                "{guide}, line {}: {said}",
                block.line
            );
        }
        assert!(
            !said.contains("error: "),
            "{guide}, line {}: {said}",
            block.line
        );
    }
}

#[test]
fn the_guides_do_what_they_say() {
    for guide in GUIDES {
        runs(guide);
    }
}

/// What needs hardware as a whole says so, and every document of commands is one or the other.
#[test]
fn no_guide_is_left_out() {
    for entry in fs::read_dir(repository().join("docs")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let is_guide = name.starts_with("guide-");
        assert!(
            !is_guide || GUIDES.contains(&&*name),
            "{name} is run by no test"
        );
    }
    let dump = fs::read_to_string(repository().join("docs/dump.md")).unwrap();
    assert!(dump.contains("**all of it needs hardware**"));
}
