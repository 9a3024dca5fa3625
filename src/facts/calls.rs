//! Programs in Python, Lua, PHP and Perl: texts that they hand to a shell or to the system as a command.
//!
//! Read are calls of a known function with a literal text, or a list of them, as the first argument. What is put together before is not
//! followed.

/// A command that a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The line, from 1.
    pub line: u32,
    /// The command, as a shell reads it.
    pub command: Vec<u8>,
}

/// Functions that run their first argument.
const FUNCTIONS: &[&[u8]] = &[
    b"system",
    b"popen",
    b"exec",
    b"execute",
    b"shell_exec",
    b"passthru",
    b"proc_open",
    b"call",
    b"check_call",
    b"check_output",
    b"run",
    b"Popen",
    b"getoutput",
    b"getstatusoutput",
];
/// Those of them that are usual names for other things: they count behind a module that runs programs.
const QUALIFIED: &[&[u8]] = &[b"call", b"run", b"exec", b"execute"];
const MODULES: &[&[u8]] = &[b"subprocess", b"os", b"commands", b"sys"];
/// So many calls of one file are told.
const MOST: usize = 1000;

/// The commands that a text runs.
pub fn calls(text: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut line = 1_u32;
    let mut counted = 0_usize;
    for open in memchr::memchr_iter(b'(', text) {
        if calls.len() >= MOST {
            break;
        }
        let Some(before) = text.get(..open) else {
            break;
        };
        if !is_run(before) {
            continue;
        }
        let Some(command) = text.get(open.saturating_add(1)..).and_then(argument) else {
            continue;
        };
        let lines = text
            .get(counted..open)
            .map_or(0, |part| memchr::memchr_iter(b'\n', part).count());
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        counted = open;
        calls.push(Call { line, command });
    }
    calls
}

/// Whether a function that runs programs stands at the end of a text.
fn is_run(before: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let start = before
        .iter()
        .rposition(|byte| !word(byte))
        .map_or(0, |at| at.saturating_add(1));
    let name = before.get(start..).unwrap_or_default();
    if !FUNCTIONS.contains(&name) {
        return false;
    }
    if !QUALIFIED.contains(&name) {
        return true;
    }
    let Some(module) = before
        .get(..start)
        .and_then(|before| before.strip_suffix(b"."))
    else {
        return false;
    };
    let start = module
        .iter()
        .rposition(|byte| !word(byte))
        .map_or(0, |at| at.saturating_add(1));
    MODULES.contains(&module.get(start..).unwrap_or_default())
}

/// The literal text, or list of texts, at the start of some arguments.
fn argument(text: &[u8]) -> Option<Vec<u8>> {
    const LONGEST: usize = 4096;
    let text = text.get(..LONGEST).unwrap_or(text).trim_ascii_start();
    let Some(mut rest) = text.strip_prefix(b"[") else {
        return literal(text).map(|(command, _)| command);
    };
    let mut words = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some((word, after)) = literal(rest) else {
            break;
        };
        // A word of a list is one word whatever is in it.
        let quoted = word.iter().flat_map(|&byte| {
            if byte == b'\'' {
                b"'\\''".to_vec()
            } else {
                vec![byte]
            }
        });
        words.push([b"'".to_vec(), quoted.collect(), b"'".to_vec()].concat());
        rest = after
            .trim_ascii_start()
            .strip_prefix(b",")
            .unwrap_or_default();
    }
    (!words.is_empty()).then(|| words.join(&b' '))
}

/// A quoted text and what follows it.
fn literal(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = match text.split_first()? {
        (b'f' | b'b' | b'r' | b'u', rest) if matches!(rest.first(), Some(b'"' | b'\'')) => rest,
        _ => text,
    };
    let (&quote, rest) = text.split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let mut value = Vec::new();
    let mut bytes = rest.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'\\' => value.extend(
                bytes
                    .next()
                    .map(|(_, &next)| if next == b'n' { b'\n' } else { next }),
            ),
            b'\n' => return None,
            _ if byte == quote => return Some((value, rest.get(at.saturating_add(1)..)?)),
            _ => value.push(byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_other_languages() {
        let text = b"import os\nos.system(\"mount -t nfs h:/x /mnt\")\nsubprocess.run(['cp', '-rf', \"/mnt/it's\", '/bin'])\n\
            run(\"no\")\nx = popen(f'ls \\'a\\'')\nsystem(variable)\nprint(\"system\")\n";
        let found: Vec<(u32, String)> = calls(text)
            .into_iter()
            .map(|call| (call.line, String::from_utf8(call.command).unwrap()))
            .collect();
        let expected = [
            (2, "mount -t nfs h:/x /mnt"),
            (3, "'cp' '-rf' '/mnt/it'\\''s' '/bin'"),
            (5, "ls 'a'"),
        ];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        for end in 0..text.len() {
            calls(&text[..end]);
        }
    }
}
