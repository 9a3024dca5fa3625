//! XML, read leniently: the table of contents of a xar archive, setup documents of Windows CE. Writers put bytes into names that XML does not know.

use crate::read::length;

/// How deep elements may be nested, and how many there may be.
const DEEPEST: usize = 512;
const MOST: usize = 4 << 20;

/// An element, with the place of its parent in the list.
#[derive(Debug, Default)]
pub(in crate::formats) struct Element<'a> {
    pub(in crate::formats) name: &'a [u8],
    attributes: &'a [u8],
    /// What stands in it before its first child.
    text: &'a [u8],
    pub(in crate::formats) parent: Option<usize>,
}

/// All elements, parents before children; `None` when tags are not closed in order.
pub(in crate::formats) fn parse(xml: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements: Vec<Element<'_>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = xml;
    while let Some(start) = memchr::memchr(b'<', rest) {
        let (text, from) = rest.split_at(start);
        if let Some(element) = open.last().and_then(|&last| elements.get_mut(last))
            && element.text.is_empty()
        {
            element.text = text;
        }
        let end = memchr::memchr(b'>', from)?;
        let tag = from.get(1..end)?;
        rest = from.get(end.checked_add(1)?..)?;
        match tag.first()? {
            b'?' | b'!' => {}
            b'/' => {
                let element = elements.get(open.pop()?)?;
                if tag.get(1..)?.trim_ascii() != element.name {
                    return None;
                }
            }
            _ => {
                let closed = tag.strip_suffix(b"/");
                let body = closed.unwrap_or(tag);
                let len = body.iter().position(u8::is_ascii_whitespace);
                let (name, attributes) = body.split_at(len.unwrap_or(body.len()));
                let number = elements.len();
                elements.push(Element {
                    name,
                    attributes,
                    text: b"",
                    parent: open.last().copied(),
                });
                if closed.is_none() {
                    open.push(number);
                }
                if open.len() > DEEPEST || number > MOST {
                    return None;
                }
            }
        }
    }
    open.is_empty().then_some(elements)
}

impl Element<'_> {
    /// The value of an attribute.
    pub(in crate::formats) fn attribute(&self, name: &str) -> Option<Vec<u8>> {
        let mut from = self.attributes;
        loop {
            let equals = memchr::memchr(b'=', from)?;
            let (key, value) = from.split_at(equals);
            let value = value.get(1..)?.trim_ascii_start();
            let &quote = value.first()?;
            let value = value.get(1..)?;
            let end = memchr::memchr(quote, value)?;
            let (value, behind) = value.split_at(end);
            if key.trim_ascii() == name.as_bytes() {
                return Some(plain(value));
            }
            from = behind.get(1..)?;
        }
    }

    /// What stands in it.
    pub(in crate::formats) fn text(&self) -> Vec<u8> {
        match self.attribute("enctype").as_deref() {
            Some(b"base64") => base64(self.text).unwrap_or_default(),
            _ => plain(self.text),
        }
    }

    /// The number that stands in it.
    pub(in crate::formats) fn number(&self, radix: u32) -> Option<u64> {
        let text = std::str::from_utf8(self.text).ok()?.trim();
        u64::from_str_radix(text, radix).ok()
    }
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Text with its entities replaced; those that are none stay.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = memchr::memchr(b'&', rest) {
        let (before, from) = rest.split_at(start);
        out.extend_from_slice(before);
        let entity = from.get(..12).unwrap_or(from);
        let found = memchr::memchr(b';', entity).and_then(|end| {
            let char = entity_char(from.get(1..end)?)?;
            Some((char, from.get(end.checked_add(1)?..)?))
        });
        if let Some((char, behind)) = found {
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            rest = behind;
        } else {
            out.push(b'&');
            rest = from.get(1..).unwrap_or_default();
        }
        debug_assert!(length(rest) < length(text));
    }
    out.extend_from_slice(rest);
    out
}

fn entity_char(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => {
            let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
            let number = match digits.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_text_and_entities_are_read() {
        let xml = b"<?xml version=\"1.0\"?><a x='1' y = \"&lt;&#65;\"><b/>\n<c enctype=\"base64\">4oCucnRs</c><d>&amp;&no;&#xe9;</d></a>";
        let elements = parse(xml).unwrap();
        let names: Vec<_> = elements.iter().map(|element| element.name).collect();
        assert_eq!(names, [b"a", b"b", b"c", b"d"]);
        let parents: Vec<_> = elements.iter().map(|element| element.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(0), Some(0)]);
        assert_eq!(elements[0].attribute("y").unwrap(), b"<A");
        assert_eq!(elements[0].attribute("z"), None);
        assert_eq!(elements[2].text(), b"\xe2\x80\xaertl");
        assert_eq!(elements[3].text(), "&&no;\u{e9}".as_bytes());
    }

    #[test]
    fn what_is_not_closed_in_order_is_refused() {
        for xml in [&b"<a>"[..], b"<a></b>", b"</a>", b"<a", b"<>"] {
            assert!(parse(xml).is_none());
        }
    }
}
