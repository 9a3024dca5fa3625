//! Calls of a program as fixtures write them: one a line, as `connect(?, 45.77.12.9:515)` or `execl("/bin/sh", ["sh", "-i"])`.
//!
//! An argument is `?` (not known), a number, a text in quotes, a list of such texts, or an address with its port. In a text `<...>` stands for what
//! is not known, and `<received>` for what a connection brought. A line `NAME:` starts another function, which `NAME()` calls.

use crate::facts::Name;
use crate::facts::code::{self, Argument, Call, Callee, Code, Function, Peer, Piece, Text};

/// A program that makes the calls of a text: of one function, unless lines as `other:` start more, which `other()` calls.
///
/// # Errors
/// The line that cannot be read.
pub(super) fn program(text: &str) -> Result<Code, String> {
    const SIZE: u64 = 0x1000;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let starts: Vec<(u64, &str)> = lines()
        .filter_map(|line| line.strip_suffix(':'))
        .zip(1_u64..)
        .map(|(name, number)| (SIZE.saturating_mul(number.saturating_add(1)), name))
        .collect();
    let mut functions = vec![empty(SIZE, None)];
    functions.extend(starts.iter().map(|&(at, name)| empty(at, Some(name))));
    let mut place = functions.iter_mut();
    let mut function = place.next();
    for line in lines() {
        if line.ends_with(':') {
            function = place.next();
            continue;
        }
        let Some(function) = function.as_mut() else {
            break;
        };
        let at = function.calls.last().map_or(function.start, |call| call.at);
        let at = at.saturating_add(4);
        let own = |name| starts.iter().find(|(_, other)| *other == name);
        let call = match line.strip_suffix("()").and_then(own) {
            Some(&(start, _)) => Some(Call {
                at,
                offset: at,
                callee: Callee::Function(start),
                name: None,
                arguments: Vec::new(),
            }),
            None => call(line, at),
        };
        function.calls.push(call.ok_or_else(|| line.to_owned())?);
    }
    Ok(Code {
        functions,
        cut: false,
        opaque: false,
    })
}

fn empty(start: u64, name: Option<&str>) -> Function {
    Function {
        start,
        end: start.saturating_add(1),
        name: name.map(|name| Name::new(name.as_bytes())),
        calls: Vec::new(),
    }
}

fn call(line: &str, at: u64) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let mut rest = rest.strip_suffix(')')?;
    let mut arguments = Vec::new();
    while !rest.is_empty() {
        let (argument, after) = argument(rest)?;
        arguments.push(argument);
        rest = match after.strip_prefix(", ") {
            Some(after) => after,
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(Call {
        at,
        offset: at,
        callee: Callee::Import,
        name: Some(code::function_name(name)?),
        arguments,
    })
}

/// One argument and what follows it.
fn argument(text: &str) -> Option<(Argument, &str)> {
    if let Some(rest) = text.strip_prefix('?') {
        return Some((Argument::Unknown, rest));
    }
    if text.starts_with('"') {
        let (text, rest) = quoted(text)?;
        return Some((Argument::Text(text), rest));
    }
    if let Some(mut rest) = text.strip_prefix('[') {
        let mut texts = Vec::new();
        while let Some((text, after)) = quoted(rest) {
            texts.push(text);
            rest = after.strip_prefix(", ").unwrap_or(after);
        }
        return Some((Argument::List(texts), rest.strip_prefix(']')?));
    }
    let end = text.find(',').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    if let Some((host, port)) = word.split_once(':') {
        let peer = Peer {
            port: Some(port.parse().ok()?),
            host: Some(host.parse().ok()?),
        };
        return Some((Argument::Peer(peer), rest));
    }
    let number = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => word.parse().ok()?,
    };
    Some((Argument::Number(number), rest))
}

fn quoted(text: &str) -> Option<(Text, &str)> {
    let (inside, rest) = text.strip_prefix('"')?.split_once('"')?;
    let mut pieces = Vec::new();
    let mut left = inside;
    while let Some((plain, after)) = left.split_once('<') {
        let (word, after) = after.split_once('>')?;
        pieces.push(Piece::Bytes(plain.as_bytes().to_vec()));
        pieces.push(match word {
            "received" => Piece::Received,
            "..." => Piece::Unknown,
            _ => return None,
        });
        left = after;
    }
    pieces.push(Piece::Bytes(left.as_bytes().to_vec()));
    pieces.retain(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
    let text = Text {
        pieces,
        address: None,
    };
    Some((text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read() {
        let code = program("system(\"a <...>b\")\n\nconnect(3, 45.77.12.9:515)\nexecl(\"/bin/sh\", [\"sh\", \"-i\"])\ndup2(?, 0x1)").unwrap();
        let calls = &code.functions[0].calls;
        assert_eq!(calls.len(), 4);
        assert_eq!(calls[0].text(0).unwrap().shown(), "a <...>b");
        assert!(matches!(
            calls[1].arguments[1],
            Argument::Peer(Peer {
                port: Some(515),
                ..
            })
        ));
        assert_eq!(calls[2].list(1).unwrap().len(), 2);
        assert_eq!(calls[3].number(1), Some(1));
    }

    #[test]
    fn what_is_no_call_is_told() {
        for line in [
            "nothing",
            "system(",
            "unknown(1)",
            "system(\"a\"",
            "system(x)",
            "system(\"a\"b)",
            "system(\"<x>\")",
        ] {
            assert_eq!(program(line).unwrap_err(), line);
        }
    }
}
