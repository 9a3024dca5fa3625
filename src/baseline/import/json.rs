//! What lists in JSON share: objects of which no key is lost, and digests among other digests.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use super::tree::sha256;
use super::{MOST_ROWS, NotImported};
use crate::digest::Digest;
use crate::place::escape;

/// A document of one kind. The parser bounds how deep it may be nested.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotImported> {
    serde_json::from_slice(bytes).map_err(|error| NotImported {
        line: (error.line() > 0).then_some(error.line()),
        what: escape(error.to_string().as_bytes()),
    })
}

/// A name of a file. Python's tools write a byte that is no text as a lone surrogate (`\udce9` for 0xe9).
#[derive(Debug, Default)]
pub(super) struct Name(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Name, E> {
                Ok(Name(without_surrogates(bytes)))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Text as the JSON reader leaves it, with the surrogates that stand for a byte each (U+DC80 to U+DCFF) turned back.
fn without_surrogates(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match rest {
            [0xed, 0xb2, last, after @ ..] => {
                bytes.push(*last);
                rest = after;
            }
            [0xed, 0xb3, last, after @ ..] => {
                bytes.push(last | 0x40);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// The members of an object, those with the same key too.
#[derive(Debug)]
pub(super) struct Pairs<T>(pub(super) Vec<(Name, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Pairs<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<T>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() >= MOST_ROWS {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// The SHA-256 among the digests of one file, each with the name of its algorithm.
pub(super) fn one_sha256<'t>(
    name: &[u8],
    digests: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<Option<Digest>, NotImported> {
    let mut found = None;
    for (algorithm, value) in digests {
        if !algorithm.eq_ignore_ascii_case("SHA256") && !algorithm.eq_ignore_ascii_case("SHA-256") {
            continue;
        }
        let refuse = |why: &str| NotImported::whole(format!("`{}` {why}", escape(name)));
        let digest = sha256(value).ok_or_else(|| refuse("has a SHA-256 that is none"))?;
        if found.is_some_and(|other| other != digest) {
            return Err(refuse("has two SHA-256: one path, one content"));
        }
        found = Some(digest);
    }
    Ok(found)
}
