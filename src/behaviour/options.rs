//! Options and operands of a command.

use crate::facts::script::Argument;

/// A command's arguments, told apart.
pub(super) struct Options {
    given: Vec<(Vec<u8>, Option<Argument>)>,
    pub(super) operands: Vec<Argument>,
}

/// Tells arguments apart; `valued` names the options that have a value: `o` for `-o`, `output` for `--output`.
pub(super) fn split(words: &[Argument], valued: &[&str]) -> Options {
    let is_valued = |name: &[u8]| valued.iter().any(|it| it.as_bytes() == name);
    let mut options = Options {
        given: Vec::new(),
        operands: Vec::new(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_slice();
        if text == b"--" {
            options.operands.extend(words.cloned());
            break;
        }
        if let Some(long) = text.strip_prefix(b"--") {
            if let Some(sign) = memchr::memchr(b'=', long) {
                let (name, value) = long.split_at(sign);
                options.give(name, Some(part(word, value.get(1..).unwrap_or_default())));
            } else {
                let value = is_valued(long).then(|| words.next().cloned()).flatten();
                options.give(long, value);
            }
            continue;
        }
        let letters = match text.strip_prefix(b"-") {
            Some(letters) if !letters.is_empty() => letters,
            _ => {
                options.operands.push(word.clone());
                continue;
            }
        };
        // `-name value` of programs that have long options with one dash.
        if letters.len() > 1 && is_valued(letters) {
            options.give(letters, words.next().cloned());
            continue;
        }
        for (at, letter) in letters.chunks(1).enumerate() {
            if !is_valued(letter) {
                options.give(letter, None);
                continue;
            }
            let rest = letters.get(at.saturating_add(1)..).unwrap_or_default();
            let value = if rest.is_empty() {
                words.next().cloned()
            } else {
                Some(part(word, rest))
            };
            options.give(letter, value);
            break;
        }
    }
    options
}

fn part(of: &Argument, text: &[u8]) -> Argument {
    Argument {
        text: text.to_vec(),
        known: of.known,
    }
}

impl Options {
    fn give(&mut self, name: &[u8], value: Option<Argument>) {
        self.given.push((name.to_vec(), value));
    }

    /// Whether one of some options is there.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.given.iter().any(|(given, _)| is_one(given, names))
    }

    /// The value of one of some options.
    pub(super) fn value(&self, names: &[&str]) -> Option<&Argument> {
        let mut given = self.given.iter();
        given.find_map(|(given, value)| is_one(given, names).then_some(value.as_ref())?)
    }
}

fn is_one(given: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| name.as_bytes() == given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_values_in_every_usual_form() {
        let words = [
            "-qO-",
            "-P",
            "/tmp",
            "--output=x",
            "--post-file",
            "y",
            "-exec",
            "z",
            "a",
            "--",
            "-b",
        ];
        let words: Vec<Argument> = words.iter().map(|word| Argument::new(*word)).collect();
        let options = split(&words, &["O", "P", "output", "post-file", "exec"]);
        let value = |name: &str| {
            options
                .value(&[name])
                .map(|it| String::from_utf8_lossy(&it.text).into_owned())
        };
        assert_eq!(value("O").as_deref(), Some("-"));
        assert_eq!(value("P").as_deref(), Some("/tmp"));
        assert_eq!(value("output").as_deref(), Some("x"));
        assert_eq!(value("post-file").as_deref(), Some("y"));
        assert_eq!(value("exec").as_deref(), Some("z"));
        assert!(options.has(&["q"]) && !options.has(&["b"]));
        let operands: Vec<_> = options
            .operands
            .iter()
            .map(|it| it.text.as_slice())
            .collect();
        assert_eq!(operands, [&b"a"[..], b"-b"]);
    }
}
