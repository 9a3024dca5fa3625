//! What a changed text differs in: commands, settings and lines that are new, and lines that are gone.
//!
//! The baseline has marks of the lines of the expected text; where its content is at hand as well (in the other image, or left over in this one), the
//! lines that are gone are told too. Nothing is shown that [`masked`] hides.

mod command;
mod setting;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use self::command::commands;
pub(super) use self::value::explain as explain_value;
use super::lines::{Edits, edits};
use crate::baseline::text::{TextRow, mark};
use crate::digest::Digest;
use crate::facts::filetype::is_text;
use crate::facts::masked::{self, Line, MASK};
use crate::place::escape;

/// A longer text is not told line by line (1 MiB).
pub(super) const LONGEST: u64 = 1 << 20;
/// Nor is one of more lines.
const MOST_LINES: usize = 32_768;
/// So many lines of one sort are told.
const MOST: usize = 16;
/// A line is told up to so many characters.
const CUT: usize = 160;

/// What the text `now` differs in from the one that a row describes; `old` is that one's content, where it is at hand.
pub(super) fn explain(row: &TextRow, path: &[u8], now: &[u8], old: Option<&[u8]>) -> Vec<String> {
    if masked::is_secret_file(path) {
        return Vec::new();
    }
    if !is_text(now) {
        return vec!["it was text and is none now".to_owned()];
    }
    let count = masked::split(now).count();
    if count > MOST_LINES {
        let before = row.marks.len();
        return vec![format!(
            "it has {count} lines instead of {before}: so many are not told one by one"
        )];
    }
    let text = Text::new(now);
    let old = old.map(Text::new);
    let edits = match &old {
        Some(old) => edits(&old.shown(), &text.shown()),
        None => edits(&row.marks, &text.marks()),
    };
    Changed::new(row, &text, old.as_ref(), edits).told(path)
}

/// A text by lines.
struct Text<'t> {
    bytes: &'t [u8],
    lines: Vec<Line>,
}

impl<'t> Text<'t> {
    fn new(bytes: &'t [u8]) -> Self {
        Self {
            bytes,
            lines: masked::lines(bytes),
        }
    }

    fn shown(&self) -> Vec<&[u8]> {
        self.lines
            .iter()
            .map(|line| line.shown.as_slice())
            .collect()
    }

    fn marks(&self) -> Vec<[u8; 2]> {
        self.lines.iter().map(|line| mark(&line.shown)).collect()
    }

    fn line(&self, at: usize) -> &[u8] {
        self.lines.get(at).map_or(b"", |line| &line.shown)
    }

    /// What is hidden anywhere in it: it is hidden wherever it stands.
    fn secrets(&self) -> BTreeSet<Vec<u8>> {
        let hidden = self.lines.iter().flat_map(|line| &line.hidden);
        let bare = hidden.map(|secret| {
            let quote = |byte: &u8| b"'\" \t,;<".contains(byte);
            let from = secret.iter().position(|byte| !quote(byte)).unwrap_or(0);
            let to = secret.iter().rposition(|byte| !quote(byte)).unwrap_or(0);
            secret.get(from..=to).unwrap_or(secret).to_vec()
        });
        // Shorter ones stand in many a word.
        bare.filter(|secret| secret.len() > 3).collect()
    }
}

/// A changed text, and in what it differs.
struct Changed<'a> {
    row: &'a TextRow,
    text: &'a Text<'a>,
    old: Option<&'a Text<'a>>,
    edits: Edits,
    /// New lines that the expected text has elsewhere.
    moved: Vec<usize>,
    secrets: BTreeSet<Vec<u8>>,
    /// Lines that show the same and are not: what is hidden in them is another. Only known beside the expected text.
    other: Vec<usize>,
}

impl<'a> Changed<'a> {
    fn new(
        row: &'a TextRow,
        text: &'a Text<'a>,
        old: Option<&'a Text<'a>>,
        mut edits: Edits,
    ) -> Self {
        let other = old.map_or(Vec::new(), |old| hidden_changes(old, text, &edits));
        let old_marks = old.map(Text::marks);
        let old_marks = old_marks.as_deref().unwrap_or(&row.marks);
        let marks = text.marks();
        let mut gone: BTreeMap<[u8; 2], Vec<usize>> = BTreeMap::new();
        for (at, _) in edits.removed.iter().rev() {
            if let Some(mark) = old_marks.get(*at) {
                gone.entry(*mark).or_default().push(*at);
            }
        }
        let mut moved = Vec::new();
        let mut from = BTreeSet::new();
        for at in &edits.added {
            // An empty line, or `fi`, is no line that went elsewhere.
            let is_long = text.line(*at).trim_ascii().len() > 4;
            let same = marks.get(*at).and_then(|mark| gone.get_mut(mark));
            if let Some(old) = same.filter(|_| is_long).and_then(Vec::pop) {
                moved.push(*at);
                from.insert(old);
            }
        }
        edits.added.retain(|at| !moved.contains(at));
        edits.removed.retain(|(at, _)| !from.contains(at));
        let mut secrets = text.secrets();
        secrets.extend(old.map(Text::secrets).unwrap_or_default());
        Self {
            row,
            text,
            old,
            edits,
            moved,
            secrets,
            other,
        }
    }

    fn told(&self, path: &[u8]) -> Vec<String> {
        let mut told = Vec::new();
        let commands = commands(path, self.text);
        let (with, without): (Vec<usize>, Vec<usize>) = self
            .edits
            .added
            .iter()
            .partition(|at| commands.contains_key(at));
        let each = with.iter().flat_map(|at| {
            let all = commands.get(at).map(Vec::as_slice).unwrap_or_default();
            all.iter().map(move |text| (*at, text))
        });
        let each = each.map(|(at, text)| {
            let text = self.clean(text.clone());
            format!("new command in line {}: {text}", number(at))
        });
        bounded(&mut told, each, "commands are new");

        let settings = self.settings(&without);
        let texts = settings.iter().map(|one| self.clean(one.text.clone()));
        bounded(&mut told, texts, "settings are changed");
        let is_set = |at: usize| settings.iter().any(|one| one.new == at);
        let plain = without.into_iter().filter(|at| !is_set(*at));
        let (telling, quiet): (Vec<usize>, Vec<usize>) =
            plain.partition(|at| commands.is_empty() || is_telling(self.text.line(*at)));
        let lines = telling.iter().map(|at| {
            let line = self.show(self.text.line(*at));
            format!("new line {}: {line}", number(*at))
        });
        bounded(&mut told, lines, "lines are new");
        if !quiet.is_empty() {
            told.push(format!(
                "{} new that only order commands or are empty",
                are(quiet.len(), "line")
            ));
        }
        let moved = self.moved.iter().map(|at| {
            let line = self.show(self.text.line(*at));
            format!(
                "line {} stands elsewhere in the expected text: {line}",
                number(*at)
            )
        });
        bounded(&mut told, moved, "lines stand elsewhere");
        let other = self.other.iter().map(|at| {
            let line = self.show(self.text.line(*at));
            format!("line {} has another secret: {line}", number(*at))
        });
        bounded(&mut told, other, "lines have another secret");
        self.gone(&mut told, &settings);
        told.extend(self.rest());
        told
    }

    /// What is missing.
    fn gone(&self, told: &mut Vec<String>, settings: &[setting::Setting]) {
        let is_set = |at: usize| settings.iter().any(|one| one.old == at);
        let removed = self.edits.removed.iter().filter(|(at, _)| !is_set(*at));
        if let Some(old) = self.old {
            let lines = removed.map(|(at, _)| {
                let line = self.show(old.line(*at));
                format!("line {} of the expected text is gone: {line}", number(*at))
            });
            return bounded(told, lines, "lines are gone");
        }
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, before) in removed {
            let count = places.entry(*before).or_default();
            *count = count.saturating_add(1);
        }
        let lines = places.iter().map(|(before, count)| {
            let gone = are(*count, "line of the expected text");
            match (self.edits.in_order, *before) {
                (false, _) => format!("{gone} gone"),
                (true, 0) => format!("{gone} gone before line 1"),
                (true, before) => format!("{gone} gone after line {before}"),
            }
        });
        bounded(told, lines, "places have lines gone");
    }

    /// Settings among new lines that have another value; that takes the expected text.
    fn settings(&self, lines: &[usize]) -> Vec<setting::Setting> {
        let Some(old) = self.old else {
            return Vec::new();
        };
        setting::changed(
            self.edits
                .removed
                .iter()
                .map(|(at, _)| (*at, old.line(*at))),
            lines.iter().map(|at| (*at, self.text.line(*at))),
        )
    }

    /// What else is known to differ, or not to.
    fn rest(&self) -> Option<String> {
        if !self.edits.removed.is_empty() || !self.moved.is_empty() || !self.other.is_empty() {
            return None;
        }
        let added: BTreeSet<usize> = self.edits.added.iter().copied().collect();
        let lines = self.text.bytes.split_inclusive(|&byte| byte == b'\n');
        let kept = lines.enumerate().filter(|(at, _)| !added.contains(at));
        let kept: Vec<u8> = kept.flat_map(|(_, line)| line).copied().collect();
        let is = |text: &[u8]| Digest::of(text) == self.row.of;
        let end = kept.strip_suffix(b"\n").unwrap_or(&kept);
        let unix = kept.split(|&byte| byte == b'\r').collect::<Vec<_>>();
        let dos = kept.split(|&byte| byte == b'\n').collect::<Vec<_>>();
        let alone = added.is_empty();
        Some(if is(&kept) && alone {
            return None;
        } else if is(&kept) || is(end) && !alone || is(&[&kept[..], b"\n"].concat()) && !alone {
            "without these lines it is the expected text, to the byte".to_owned()
        } else if is(end) || is(&[&kept[..], b"\n"].concat()) {
            "it differs in whether its last line has an end".to_owned()
        } else if is(&unix.concat()) || is(&dos.join(&b"\r\n"[..])) {
            "its lines end in another way (CR LF or LF)".to_owned()
        } else {
            let also = if alone { "it" } else { "more than these lines" };
            format!(
                "{also} differs in what marks of lines do not tell: secrets, the ends of lines, or lines whose marks are the same by chance"
            )
        })
    }

    /// A line as it is told.
    fn show(&self, line: &[u8]) -> String {
        self.clean(cut(line))
    }

    /// Without what is a secret in another line.
    fn clean(&self, mut text: String) -> String {
        for secret in &self.secrets {
            let secret = escape(secret);
            if text.contains(&secret) {
                text = text.replace(&secret, &escape(MASK));
            }
        }
        text
    }
}

/// The lines that both texts have in one place and that hide something else.
fn hidden_changes(old: &Text<'_>, new: &Text<'_>, edits: &Edits) -> Vec<usize> {
    if !edits.in_order {
        return Vec::new();
    }
    let removed: BTreeSet<usize> = edits.removed.iter().map(|(at, _)| *at).collect();
    let added: BTreeSet<usize> = edits.added.iter().copied().collect();
    let before = old.lines.iter().enumerate();
    let before = before.filter(|(at, _)| !removed.contains(at));
    let after = new.lines.iter().enumerate();
    let after = after.filter(|(at, _)| !added.contains(at));
    let pairs = before.zip(after);
    let others = pairs.filter(|((_, before), (_, after))| before.hidden != after.hidden);
    others.map(|(_, (at, _))| at).collect()
}

/// Whether a line of a script says more than in which order commands run.
fn is_telling(line: &[u8]) -> bool {
    let words: [&[u8]; 14] = [
        b"", b"fi", b"then", b"else", b"do", b"done", b"esac", b"in", b";;", b"{", b"}", b"(",
        b")", b"#",
    ];
    !words.contains(&line.trim_ascii())
}

/// A text in one line, escaped, and not too long.
fn cut(text: &[u8]) -> String {
    let text = escape(text.trim_ascii());
    let mut shown: String = text.chars().take(CUT).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// Lines are counted from 1.
fn number(at: usize) -> usize {
    at.saturating_add(1)
}

/// `1 line is`, `2 lines are`.
fn are(count: usize, what: &str) -> String {
    let (noun, rest) = what.split_once(' ').unwrap_or((what, ""));
    let blank = if rest.is_empty() { "" } else { " " };
    if count == 1 {
        format!("1 {noun}{blank}{rest} is")
    } else {
        format!("{count} {noun}s{blank}{rest} are")
    }
}

/// Adds clauses, as many as anyone will read.
fn bounded(told: &mut Vec<String>, clauses: impl Iterator<Item = String>, what: &str) {
    let mut untold = 0_usize;
    for (nth, clause) in clauses.enumerate() {
        if nth < MOST {
            told.push(clause);
        } else {
            untold = untold.saturating_add(1);
        }
    }
    if untold > 0 {
        told.push(format!("{untold} more {what}"));
    }
}
