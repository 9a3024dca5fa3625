//! JSON read so strictly that two readers cannot disagree: no object has a key twice, at any depth.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::place::{escape, is_hidden};

/// A value, as far as envelopes and statements have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// Text.
    Text(String),
    /// A whole number that is not negative.
    Number(u64),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
    /// Null, a truth value or another number.
    Other,
}

impl Json {
    /// Reads one value and nothing behind it. Values nested 128 deep are refused.
    ///
    /// # Errors
    /// A clause that says why not; safe to show.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| {
            format!(
                "the JSON cannot be read: {}",
                escape(error.to_string().as_bytes())
            )
        })
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The value under a key; `None` also for what is no object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(key),
            _ => None,
        }
    }

    /// The value under a key that has to be there.
    pub(crate) fn need(&self, key: &str) -> Result<&Self, String> {
        self.get(key).ok_or_else(|| format!("it lacks `{key}`"))
    }

    /// What it says, if it is text without hidden characters.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.chars().any(is_hidden) => Some(text),
            _ => None,
        }
    }

    /// The text under a key that has to be there, without hidden characters.
    pub(crate) fn text(&self, key: &str) -> Result<&str, String> {
        let text = self.need(key)?.as_text();
        text.ok_or_else(|| format!("`{key}` is no text without hidden characters"))
    }

    /// The text under a key, without hidden characters; empty where there is none.
    pub(crate) fn text_or_empty(&self, key: &str) -> Result<&str, String> {
        self.get(key).map_or(Ok(""), |_| self.text(key))
    }

    /// The number under a key that has to be there.
    pub(crate) fn number(&self, key: &str) -> Result<u64, String> {
        match self.need(key)? {
            Self::Number(number) => Ok(*number),
            _ => Err(format!("`{key}` is no whole number")),
        }
    }

    /// The array under a key that has to be there.
    pub(crate) fn list(&self, key: &str) -> Result<&[Self], String> {
        match self.need(key)? {
            Self::List(list) => Ok(list),
            _ => Err(format!("`{key}` is no array")),
        }
    }

    /// The array under a key; empty where there is none.
    pub(crate) fn list_or_empty(&self, key: &str) -> Result<&[Self], String> {
        self.get(key).map_or(Ok(&[]), |_| self.list(key))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((key, value)) = fields.next_entry::<String, Json>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "the key `{key}` stands twice in one object"
                )));
            }
            object.insert(key, value);
        }
        Ok(Json::Object(object))
    }
}
