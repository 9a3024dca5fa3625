//! Where something is: the chain of regions from the image inwards, then the path.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::EntryPath;

/// A place inside an image. Prints as `gzip@0x0:cpio@0x0:/bin/busybox`; the image itself prints as nothing.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Option<Arc<Link>>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    outer: Place,
    step: Step,
}

/// One step inwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub enum Step {
    /// Into a region of a format, at an offset in bytes from the start of what holds it.
    Region {
        /// The format's id.
        format: Cow<'static, str>,
        /// The offset.
        at: u64,
    },
    /// Into a named part of a layout.
    Part {
        /// Its name, escaped.
        part: String,
    },
    /// To an entry of a tree.
    Path {
        /// Its path, escaped.
        path: String,
    },
    /// To an offset in bytes.
    Offset {
        /// The offset.
        at: u64,
    },
}

impl Place {
    /// The image itself.
    pub fn image() -> Self {
        Self(None)
    }

    /// Whether this is the image itself.
    pub fn is_image(&self) -> bool {
        self.0.is_none()
    }

    /// A region of `format` at `at` bytes from this place's start.
    #[must_use]
    pub fn region(&self, format: &'static str, at: u64) -> Self {
        let format = Cow::Borrowed(format);
        self.step(Step::Region { format, at })
    }

    /// A part of the layout at this place; an unnamed part is no step of its own.
    #[must_use]
    pub fn part(&self, name: &[u8]) -> Self {
        if name.is_empty() {
            return self.clone();
        }
        self.step(Step::Part { part: escape(name) })
    }

    /// An entry of the tree at this place.
    #[must_use]
    pub fn path(&self, path: &EntryPath) -> Self {
        self.step(Step::Path {
            path: escape(path.as_bytes()),
        })
    }

    /// An offset in bytes from this place's start.
    #[must_use]
    pub fn offset(&self, at: u64) -> Self {
        self.step(Step::Offset { at })
    }

    /// This place and every place around it, from the inside out, without the image.
    pub fn around(&self) -> impl Iterator<Item = &Self> {
        let mut place = Some(self);
        std::iter::from_fn(move || {
            let link = place?.0.as_ref()?;
            place.replace(&link.outer)
        })
    }

    fn step(&self, step: Step) -> Self {
        Self(Some(Arc::new(Link {
            outer: self.clone(),
            step,
        })))
    }

    /// The steps from the image inwards.
    pub fn steps(&self) -> Vec<&Step> {
        let mut steps = Vec::new();
        let mut place = self;
        while let Some(link) = &place.0 {
            steps.push(&link.step);
            place = &link.outer;
        }
        steps.reverse();
        steps
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region { format, at } => write!(out, "{format}@{at:#x}"),
            Self::Part { part } => out.write_str(part),
            Self::Path { path } => out.write_str(path),
            Self::Offset { at } => write!(out, "{at:#x}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps().into_iter().enumerate() {
            if index > 0 {
                out.write_str(":")?;
            }
            write!(out, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// Bytes as text that cannot drive a terminal and can be turned back: a byte that is not part of valid UTF-8, and each
/// byte of a control, bidi or zero-width character, becomes `\xHH`; a backslash becomes `\\`.
pub fn escape(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '\\' {
                text.push_str("\\\\");
            } else if is_hidden(char) {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            } else {
                text.push(char);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Text in which every hidden character is shown as [`escape`] shows it, and the rest stands as it is: of what is escaped already
/// nothing changes.
pub fn visible(text: &str) -> Cow<'_, str> {
    use fmt::Write;
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) {
            for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(shown, "\\x{byte:02x}");
            }
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

/// The bytes that [`escape`] turned into `text`; `None` for text that it would not have written.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            _ => return None,
        }
    }
    (escape(&bytes) == text).then_some(bytes)
}

/// Characters that print as nothing or that change how others print.
pub(crate) fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_prints_as_the_chain_of_its_steps() {
        let place = Place::image()
            .region("ubi", 0x60000)
            .part(b"rootfs")
            .region("ubifs", 0);
        let place = place.path(&EntryPath::new(b"opt/bin/monitor"));
        assert_eq!(
            place.to_string(),
            "ubi@0x60000:rootfs:ubifs@0x0:/opt/bin/monitor"
        );
        assert_eq!(Place::image().offset(0x16_0000).to_string(), "0x160000");
    }

    #[test]
    fn hostile_names_print_harmlessly_and_come_back() {
        for (name, text) in [
            (&b"latin1-\xe9"[..], "latin1-\\xe9"),
            (b"back\\slash", "back\\\\slash"),
            (b"new\nline\x1b[31m", "new\\x0aline\\x1b[31m"),
            ("\u{202e}rtl".as_bytes(), "\\xe2\\x80\\xaertl"),
            ("gr\u{fc}\u{df}".as_bytes(), "gr\u{fc}\u{df}"),
        ] {
            assert_eq!(escape(name), text);
            assert_eq!(unescape(text).as_deref(), Some(name));
        }
    }

    #[test]
    fn hidden_characters_are_shown_and_the_rest_is_left_alone() {
        assert_eq!(visible("a\\x0a b"), "a\\x0a b");
        assert_eq!(visible("a\n\u{202e}b"), "a\\x0a\\xe2\\x80\\xaeb");
    }

    #[test]
    fn only_the_canonical_escape_is_understood() {
        for text in ["\\x41", "\\xE9", "\\n", "\\", "\\x4", "\n", "\u{202e}"] {
            assert_eq!(unescape(text), None, "{text:?}");
        }
    }
}
