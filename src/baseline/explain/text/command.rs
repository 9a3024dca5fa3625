//! The commands in the lines of a text: of a shell script, and those that programs of other languages hand to a shell.

use std::collections::BTreeMap;

use super::Text;
use crate::facts::calls::calls;
use crate::facts::filetype::interpreter;
use crate::facts::masked;
use crate::facts::script::redact;
use crate::facts::script::{Command, Script};
use crate::place::escape;

/// So many commands of one line are told.
const MOST: usize = 6;

/// What reads a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Shell,
    Other,
}

/// The commands by the line they start on, from 0, without their secrets.
pub(super) fn commands(path: &[u8], text: &Text<'_>) -> BTreeMap<usize, Vec<String>> {
    let mut all: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    match reader(path, text.bytes) {
        Some(Reader::Shell) => {
            let script = Script::parse(text.bytes);
            for command in &script.commands {
                add(&mut all, command.line, command, &script.commands, text);
            }
        }
        Some(Reader::Other) => {
            for call in calls(text.bytes) {
                let script = Script::parse(&call.command);
                for command in &script.commands {
                    add(&mut all, call.line, command, &script.commands, text);
                }
            }
        }
        None => {}
    }
    all
}

fn add(
    all: &mut BTreeMap<usize, Vec<String>>,
    line: u32,
    command: &Command,
    others: &[Command],
    text: &Text<'_>,
) {
    let at = usize::try_from(line).unwrap_or(0).saturating_sub(1);
    let keeper = text.lines.get(at).and_then(|line| line.keeper);
    let piped = others.iter().filter(|other| {
        let pipe = |command: &Command| command.pipe.map(|pipe| pipe.number);
        pipe(other).is_some() && pipe(other) == pipe(command)
    });
    let mut names = piped.chain([command]).map(Command::name);
    // What such a program is given is hidden wherever it stands.
    let is_kept = keeper.is_some() || names.any(|name| masked::one(name).keeper.is_some());
    let mut shown = if is_kept {
        format!("{} ***", escape(command.name()))
    } else {
        let (shown, _) = redact::text(command);
        escape_again(&masked::one(shown.as_bytes()).shown)
    };
    if command.decoded {
        shown.push_str(" (it comes out of an encoding)");
    }
    let commands = all.entry(at).or_default();
    if !shown.is_empty() && !commands.contains(&shown) && commands.len() < MOST {
        commands.push(shown);
    }
}

/// What was escaped, and has had parts taken out.
fn escape_again(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// What reads a text, by its first line, or by its name.
fn reader(path: &[u8], text: &[u8]) -> Option<Reader> {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let ends = |endings: &[&[u8]]| endings.iter().any(|ending| path.ends_with(ending));
    if interpreter(text).is_some() {
        let mut words = line.split(|byte| byte.is_ascii_whitespace() || b"/!".contains(byte));
        let shells: [&[u8]; 7] = [b"sh", b"ash", b"bash", b"dash", b"ksh", b"hush", b"zsh"];
        return Some(if words.any(|word| shells.contains(&word)) {
            Reader::Shell
        } else {
            Reader::Other
        });
    }
    let sourced: [&[u8]; 4] = [
        b"/etc/init.d/",
        b"/etc/rc",
        b"/etc/profile",
        b"/etc/default/",
    ];
    let is_conf = ends(&[b".conf", b".service", b".md", b".txt"]);
    if ends(&[b".sh"]) || !is_conf && sourced.iter().any(|start| path.starts_with(start)) {
        Some(Reader::Shell)
    } else {
        ends(&[b".py", b".lua", b".php", b".cgi", b".pl"]).then_some(Reader::Other)
    }
}
