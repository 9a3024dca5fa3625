//! `_setup.xml` of a Windows CE cabinet: a provisioning document that says what the members are called on the device.
//!
//! Microsoft, "Setup XML in .cab and .cpf Files", "`FileOperation` Configuration Service Provider", "Registry Configuration Service Provider".

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::filesystem::registry;
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::formats::xml::{self, Element};
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{clip, length};

/// Setup documents of Windows CE cabinets.
pub(in crate::formats) struct CeSetupXml;

const OPENING: &[u8] = b"<wap-provisioningdoc";
/// An XML declaration, and one behind the mark that says UTF-8.
const XML: &[u8] = b"<?xml";
const MARKED: &[u8] = b"\xef\xbb\xbf<?xml";
const CLOSING: &[u8] = b"</wap-provisioningdoc>";
/// No document is longer (bytes).
const LONGEST: u64 = 16 << 20;
/// An XML declaration in front of the document is not longer (bytes).
const DECLARATION: u64 = 256;
/// No characteristic stands in more others.
const DEEPEST: usize = 64;

impl Format for CeSetupXml {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ce-setup-xml",
            title: "Windows CE setup document (_setup.xml)",
            kind: Kind::Archive,
            spec: "Microsoft, Setup XML in .cab and .cpf Files; FileOperation and Registry Configuration Service Providers",
            reads: "parameters of the installation; the path on the device of each member of the cabinet; shortcuts; registry values, as files with the text that the document has",
            verifies: "that elements are closed in order",
            limits: &[
                "other configuration service providers",
                "documents in UTF-16",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: OPENING,
                at: 0,
            },
            Magic { bytes: XML, at: 0 },
            Magic {
                bytes: MARKED,
                at: 0,
            },
        ]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let at = hit.checked_sub(magic.at)?;
        let from = at.saturating_sub(DECLARATION);
        let before = clip(stream, from, at.saturating_sub(from));
        // Of this document, or of none.
        let start = if magic.bytes == OPENING {
            declaration(&before).unwrap_or(before.len())
        } else {
            before.len()
        };
        from.checked_add(u64::try_from(start).ok()?)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let document = document(rest).ok_or(Reject::Coincidence("no whole document"))?;
        let elements = xml::parse(document);
        let elements = elements.ok_or(Reject::NearMiss("elements are not closed in order"))?;
        if !elements.iter().any(|one| one.name == b"characteristic") {
            return Err(Reject::Coincidence("a document without characteristics"));
        }
        Ok(Extent::known(length(document), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(elements) = xml::parse(&region) else {
            return Opened::unread(Problem::corrupt("elements are not closed in order"));
        };
        // What each characteristic is called, read once: elements share those that they stand in.
        let types = elements.iter().map(|one| {
            let is_one = one.name == b"characteristic";
            is_one.then(|| one.attribute("type").unwrap_or_default())
        });
        let types: Vec<Option<Vec<u8>>> = types.collect();
        let mut reading = Reading {
            elements: &elements,
            types: &types,
            budget,
            entries: Vec::new(),
            properties: Properties::new(),
            problems: Problems::default(),
        };
        reading.read();
        let mut ledger = Ledger::default();
        ledger.content(0, length(&region));
        Opened {
            content: Content::Tree(Tree {
                entries: reading.entries,
                history: Vec::new(),
            }),
            spans: ledger.into_spans(),
            problems: reading.problems.into_vec(),
            properties: reading.properties,
        }
    }
}

/// Where an XML declaration starts behind which only white space stands.
fn declaration(before: &[u8]) -> Option<usize> {
    let start = memchr::memmem::rfind(before, XML)?;
    let body = before.get(start..)?.trim_ascii_end();
    let is_one = body.ends_with(b"?>") && memchr::memchr(b'>', body)?.checked_add(1)? == body.len();
    let marked = start.checked_sub(3);
    let marked = marked.filter(|&from| {
        before
            .get(from..)
            .is_some_and(|from| from.starts_with(MARKED))
    });
    is_one.then_some(marked.unwrap_or(start))
}

/// The document at the start of `bytes`, with the line's end behind it.
fn document(bytes: &[u8]) -> Option<&[u8]> {
    let most = usize::try_from(LONGEST).ok()?;
    let head = usize::try_from(DECLARATION)
        .ok()?
        .checked_add(OPENING.len())?;
    let bytes = bytes.get(..most).unwrap_or(bytes);
    let from = bytes.get(..head).unwrap_or(bytes);
    let start = memchr::memmem::find(from, OPENING)?;
    if start > 0 && declaration(from.get(..start)?) != Some(0) {
        return None;
    }
    // None stands in another one: what is searched ends where the next begins, so that a flood of openings is looked at once.
    let inside = start.checked_add(OPENING.len())?;
    let next = memchr::memmem::find(bytes.get(inside..)?, OPENING);
    let until = next.map_or(bytes.len(), |next| inside.saturating_add(next));
    let end = memchr::memmem::find(bytes.get(..until)?, CLOSING)?.checked_add(CLOSING.len())?;
    let behind = bytes.get(end..)?;
    let line: &[&[u8]] = &[b"\r\n", b"\n"];
    let more = line.iter().find(|line| behind.starts_with(line));
    bytes.get(..end.checked_add(more.map_or(0, |line| line.len()))?)
}

struct Reading<'a> {
    elements: &'a [Element<'a>],
    types: &'a [Option<Vec<u8>>],
    budget: &'a Budget,
    entries: Vec<Entry>,
    properties: Properties,
    problems: Problems,
}

impl<'a> Reading<'a> {
    fn read(&mut self) {
        for element in self.elements {
            if element.name != b"parm" {
                continue;
            }
            let Some(words) = self.characteristics(element) else {
                let detail = "characteristics in more others than any installer reads";
                self.problems.push(Problem::corrupt(detail));
                return;
            };
            let name = element.attribute("name").unwrap_or_default();
            let value = element.attribute("value").unwrap_or_default();
            let room = match words.as_slice() {
                [b"Install"] => {
                    let name = [b"install.", &name[..]].concat();
                    self.say(name, value)
                }
                [b"FileOperation", path @ .., b"Extract"] if name == b"Source" => {
                    let name = [b"file.", &value[..]].concat();
                    self.say(name, path.join(&b"\\"[..]))
                }
                [b"FileOperation", path @ .., b"Shortcut"] if name == b"Source" => {
                    let name = [b"link.", &path.join(&b"\\"[..])[..]].concat();
                    self.say(name, value)
                }
                [b"Registry", key @ ..] => {
                    let kind = element.attribute("datatype");
                    self.value(key, &name, value, kind.as_deref())
                }
                _ => Ok(()),
            };
            if let Err(problem) = room {
                self.problems.push(problem);
                return;
            }
        }
    }

    /// Says a property, within what may be held in memory.
    fn say(&mut self, name: Vec<u8>, value: Vec<u8>) -> Result<(), Problem> {
        let cost = length(&name).saturating_add(length(&value));
        self.budget.spend_held(cost)?;
        self.properties.set(name, value);
        Ok(())
    }

    /// The types of the characteristics that an element stands in, the outermost first; `None` where they are too many.
    fn characteristics(&self, element: &Element<'_>) -> Option<Vec<&'a [u8]>> {
        let mut types = Vec::new();
        let mut at = element.parent;
        while let Some(number) = at {
            types.extend(self.types.get(number)?.as_deref());
            if types.len() > DEEPEST {
                return None;
            }
            at = self.elements.get(number)?.parent;
        }
        types.reverse();
        Some(types)
    }

    /// A value of the registry.
    fn value(
        &mut self,
        key: &[&[u8]],
        name: &[u8],
        value: Vec<u8>,
        kind: Option<&[u8]>,
    ) -> Result<(), Problem> {
        let kind = match kind {
            Some(b"integer") => 4,
            Some(b"binary") => 3,
            Some(b"multiplestring") => 7,
            _ => 1,
        };
        let mut path = Vec::new();
        for part in key
            .iter()
            .flat_map(|part| part.split(|&byte| byte == b'\\'))
        {
            path.push(b'/');
            path.extend_from_slice(&registry::key(part));
        }
        let path = EntryPath::new(&path).join(&registry::value(name, kind));
        let cost = length(path.as_bytes()).saturating_add(length(&value));
        self.budget.spend_entries(1)?;
        self.budget.spend_held(cost)?;
        self.entries.push(Entry {
            path,
            node: Node::File(File::stored(value.into())),
            meta: Meta::default(),
        });
        Ok(())
    }
}
