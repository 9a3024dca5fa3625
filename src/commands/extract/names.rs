//! Names that every system can hold, and that can be turned back.
//!
//! A byte that some system cannot hold, or that does not print, becomes `%` and two hexadecimal digits; so does `%` itself. What differs
//! in case or in the way that letters are composed would be one file on Windows and macOS: the second of two such names ends in
//! `%~1`, as does a name that is there twice. Names are the same wherever the image is extracted.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

use crate::place::is_hidden;

/// A longer name is cut off: most file systems hold 255 bytes.
const LONGEST: usize = 240;

/// What no name may be on Windows, whatever follows behind a dot.
const RESERVED: &[&str] = &[
    "aux", "con", "conin$", "conout$", "nul", "prn", "clock$", "com0", "com1", "com2", "com3",
    "com4", "com5", "com6", "com7", "com8", "com9", "com¹", "com²", "com³", "lpt0", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "lpt¹", "lpt²", "lpt³",
];

/// One name as every system can hold it.
pub(super) fn component(stored: &[u8]) -> String {
    let mut name = String::with_capacity(stored.len());
    for chunk in stored.utf8_chunks() {
        for char in chunk.valid().chars() {
            if is_held(char) {
                name.push(char);
            } else {
                push_escaped(&mut name, char.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        push_escaped(&mut name, chunk.invalid());
    }
    // Windows takes these off the end; `.` and `..` are no names.
    for (last, escaped) in [('.', "%2e"), (' ', "%20")] {
        if name.ends_with(last) {
            name.pop();
            name.push_str(escaped);
        }
    }
    if is_reserved(&name) {
        let mut rest = name.chars();
        let first = rest.next().map(String::from).unwrap_or_default();
        let mut escaped = String::new();
        push_escaped(&mut escaped, first.as_bytes());
        name = escaped + rest.as_str();
    }
    name
}

fn is_held(char: char) -> bool {
    !is_hidden(char)
        && !matches!(
            char,
            '%' | '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'
        )
}

fn push_escaped(name: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(name, "%{byte:02x}");
    }
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_lowercase();
    RESERVED.contains(&stem.as_str())
}

/// What two names have in common that some file system takes for one.
fn folded(name: &str) -> String {
    let upper = name.nfd().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfd().collect()
}

/// What stands under a name: a folder is one for all that is in it, of anything else there may be several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// A folder.
    Folder,
    /// The so-manieth of anything else with the same path.
    Other(u32),
}

/// The names of a folder.
#[derive(Default)]
struct Folder {
    given: BTreeMap<(Vec<u8>, Slot), (String, usize)>,
    /// What names that are taken have in common, with the last number that was given to such a one.
    taken: BTreeMap<String, u32>,
}

/// All names that were given so far.
pub(super) struct Names {
    /// The first is the folder that is written to.
    folders: Vec<Folder>,
}

/// A path as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Its names, from the folder that is written to.
    pub(super) path: Vec<String>,
    /// Whether it is an escaped form of what is stored and nothing else, so that the stored path can be told from it.
    pub(super) is_reversible: bool,
}

impl Names {
    /// Of a folder in which one name is taken.
    pub(super) fn new(taken: &str) -> Self {
        let mut root = Folder::default();
        root.taken.insert(folded(taken), 0);
        Self {
            folders: vec![root],
        }
    }

    /// The path that something gets.
    pub(super) fn give<'a>(
        &mut self,
        stored: impl IntoIterator<Item = &'a [u8]>,
        slot: Slot,
    ) -> Written {
        let mut parts = stored.into_iter().peekable();
        let (mut at, mut path, mut is_reversible) = (0, Vec::new(), true);
        while let Some(part) = parts.next() {
            let slot = match parts.peek() {
                Some(_) => Slot::Folder,
                None => slot,
            };
            let (name, next) = self.one(at, part, slot);
            is_reversible &= turned_back(&name).is_some_and(|back| back == part);
            path.push(name);
            at = next;
        }
        Written {
            path,
            is_reversible,
        }
    }

    /// The name of one part in a folder, and the folder that it is where it is one.
    fn one(&mut self, at: usize, part: &[u8], slot: Slot) -> (String, usize) {
        let next = self.folders.len();
        let Some(folder) = self.folders.get_mut(at) else {
            return (component(part), 0);
        };
        let key = (part.to_vec(), slot);
        if let Some(given) = folder.given.get(&key) {
            return given.clone();
        }
        let whole = component(part);
        let mut name = cut(&whole, LONGEST);
        let first = folded(&name);
        // Of names that are there many times, each gets the number behind the one before it.
        let last = folder.taken.get(&first).copied();
        let mut number = match last {
            Some(last) => last.saturating_add(1),
            None => u32::from(name.len() < whole.len()),
        };
        if number > 0 {
            name = numbered(&whole, number);
        }
        while folder.taken.contains_key(&folded(&name)) {
            number = number.saturating_add(1);
            name = numbered(&whole, number);
        }
        folder.taken.insert(folded(&name), 0);
        folder.taken.insert(first, number);
        let is_folder = slot == Slot::Folder;
        let given = (name, if is_folder { next } else { 0 });
        folder.given.insert(key, given.clone());
        if is_folder {
            self.folders.push(Folder::default());
        }
        given
    }
}

/// A name with its number, which no escaped byte looks like.
fn numbered(whole: &str, number: u32) -> String {
    format!("{}%~{number}", cut(whole, LONGEST))
}

/// The front of a name, so that no character and no escaped byte is cut.
fn cut(whole: &str, most: usize) -> String {
    let mut front = String::new();
    let mut chars = whole.chars();
    while let Some(char) = chars.next() {
        let digits = if char == '%' { 2 } else { 0 };
        let end = front
            .len()
            .saturating_add(char.len_utf8())
            .saturating_add(digits);
        if end > most {
            break;
        }
        front.push(char);
        front.extend(chars.by_ref().take(digits));
    }
    front
}

/// The bytes that a name stands for; `None` where it was cut off. A number at its end tells two apart and belongs to neither.
pub(super) fn turned_back(name: &str) -> Option<Vec<u8>> {
    let (name, number) = name.split_once("%~").unwrap_or((name, ""));
    if !number.is_empty() && name.len() > LONGEST.saturating_sub(12) {
        return None;
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_cannot_hold_is_escaped_and_turned_back() {
        for (stored, name) in [
            (&b"plain.txt"[..], "plain.txt"),
            (b"a:b*c?d\"e<f>g|h", "a%3ab%2ac%3fd%22e%3cf%3eg%7ch"),
            (b"back\\slash", "back%5cslash"),
            (b"100%", "100%25"),
            (b"..", ".%2e"),
            (b".", "%2e"),
            (b"end.", "end%2e"),
            (b"end ", "end%20"),
            (b"...", "..%2e"),
            (b".hidden", ".hidden"),
            (b"con", "%63on"),
            (b"CON", "%43ON"),
            (b"Nul.txt", "%4eul.txt"),
            (b"aux .tar.gz", "%61ux .tar.gz"),
            (b"com10", "com10"),
            (b"console", "console"),
            (b"com\xc2\xb9", "%63om\u{b9}"),
            (b"line\nfeed", "line%0afeed"),
            (b"\xff\xfe", "%ff%fe"),
            ("r\u{202e}tl".as_bytes(), "r%e2%80%aetl"),
            ("größe".as_bytes(), "größe"),
        ] {
            assert_eq!(component(stored), name);
            assert_eq!(turned_back(name).as_deref(), Some(stored), "{name}");
        }
    }

    fn given(names: &mut Names, path: &str, slot: Slot) -> String {
        let parts = path.split('/').map(str::as_bytes);
        names.give(parts, slot).path.join("/")
    }

    #[test]
    fn what_only_some_systems_tell_apart_is_kept_apart() {
        let mut names = Names::new("inventory.json");
        let other = Slot::Other(0);
        let mut give = |path: &str| given(&mut names, path, other);
        assert_eq!(give("a/README"), "a/README");
        assert_eq!(give("a/readme"), "a/readme%~1");
        assert_eq!(give("a/ReadMe"), "a/ReadMe%~2");
        assert_eq!(give("b/readme"), "b/readme");
        assert_eq!(give("gr\u{f6}\u{df}e"), "gr\u{f6}\u{df}e");
        assert_eq!(give("gro\u{308}\u{df}e"), "gro\u{308}\u{df}e%~1");
        assert_eq!(give("GR\u{d6}SSE"), "GR\u{d6}SSE%~2");
        assert_eq!(give("Inventory.JSON"), "Inventory.JSON%~1");
        // The escaped form of one name is no other name.
        assert_eq!(give("x:"), "x%3a");
        assert_eq!(give("x%3a"), "x%253a");
        assert_eq!(give("x%~1"), "x%25~1");
    }

    #[test]
    fn a_folder_keeps_its_name_for_all_that_is_in_it() {
        let mut names = Names::new("inventory.json");
        assert_eq!(given(&mut names, "A/one", Slot::Other(0)), "A/one");
        assert_eq!(given(&mut names, "a/one", Slot::Other(0)), "a%~1/one");
        assert_eq!(given(&mut names, "a/two", Slot::Other(0)), "a%~1/two");
        assert_eq!(given(&mut names, "a", Slot::Folder), "a%~1");
        // A file of the same name, and the same path a second time.
        assert_eq!(given(&mut names, "a", Slot::Other(0)), "a%~2");
        assert_eq!(given(&mut names, "A/one", Slot::Other(1)), "A/one%~1");
    }

    #[test]
    fn a_name_that_is_there_many_times_costs_no_more_each_time() {
        let mut names = Names::new("inventory.json");
        for nth in 1..50_000 {
            let name = given(&mut names, "same", Slot::Other(nth));
            let number = nth.checked_sub(1).filter(|number| *number > 0);
            let number = number.map(|number| format!("%~{number}"));
            assert_eq!(name, format!("same{}", number.unwrap_or_default()));
        }
    }

    #[test]
    fn a_long_name_is_cut_and_told() {
        let mut names = Names::new("inventory.json");
        let mut give = |name: &[u8]| names.give([name], Slot::Other(0));
        let long = [b'x'; 255];
        let written = give(&long);
        assert!(written.path[0].len() < 255 && !written.is_reversible);
        let (mut other, invalid) = (long, [0xff; 255]);
        other[254] = b'y';
        assert_ne!(give(&other), written);
        let escaped = give(&invalid);
        assert!(escaped.path[0].starts_with("%ff%ff") && escaped.path[0].len() < 255);
        assert!(!escaped.is_reversible);
        assert!(give(b"100% short").is_reversible);
        assert_eq!(give(&long).path, written.path);
    }
}
