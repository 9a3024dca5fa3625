//! Which unit it is and who stands for the record, as the caller says: nothing of it is looked up or verified.

use serde::{Deserialize, Serialize};

use crate::place::escape;

/// The keys of a device record.
const KEYS: &[&str] = &[
    "asset",
    "serial",
    "udi",
    "label",
    "location",
    "department",
    "network",
    "acquired",
    "work_order",
    "operator",
    "reviewer",
];

/// A device record (`--device-record`), and what a report says of the unit. All of it is free text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unit {
    /// The asset tag. In a report it stands on its own.
    #[serde(skip_serializing)]
    pub asset: Option<String>,
    /// The serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The unique device identifier, as the label has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udi: Option<String>,
    /// Maker and model, as the label has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Whether it is, was or never was on a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// By which way and tool the image was read, and by whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquired: Option<String>,
    /// The number of the work order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_order: Option<String>,
    /// Who verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Who checks the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
}

/// A device record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no device record: {0}")]
pub struct NoUnit(String);

impl Unit {
    /// Reads a device record: TOML whose keys are those of this type.
    ///
    /// # Errors
    /// [`NoUnit`]: no TOML, an unknown key, or a value that is no text.
    pub fn parse(text: &[u8]) -> Result<Self, NoUnit> {
        let malformed = |error: toml::de::Error| NoUnit(escape(error.message().as_bytes()));
        let table: toml::Table = toml::from_slice(text).map_err(malformed)?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let key = escape(key.as_bytes());
            return Err(NoUnit(format!("it has the unknown key {key}")));
        }
        table.try_into().map_err(malformed)
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What `first` says, and where it says nothing, what this does.
    #[must_use]
    pub fn under(self, first: Self) -> Self {
        Self {
            asset: first.asset.or(self.asset),
            serial: first.serial.or(self.serial),
            udi: first.udi.or(self.udi),
            label: first.label.or(self.label),
            location: first.location.or(self.location),
            department: first.department.or(self.department),
            network: first.network.or(self.network),
            acquired: first.acquired.or(self.acquired),
            work_order: first.work_order.or(self.work_order),
            operator: first.operator.or(self.operator),
            reviewer: first.reviewer.or(self.reviewer),
        }
    }

    /// The same without hidden characters.
    #[must_use]
    pub(super) fn shown(mut self) -> Self {
        for text in [
            &mut self.asset,
            &mut self.serial,
            &mut self.udi,
            &mut self.label,
            &mut self.location,
            &mut self.department,
            &mut self.network,
            &mut self.acquired,
            &mut self.work_order,
            &mut self.operator,
            &mut self.reviewer,
        ] {
            *text = text.take().map(|text| escape(text.as_bytes()));
        }
        self
    }

    /// Every line that it has, with its name.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let lines = [
            ("serial", &self.serial),
            ("UDI", &self.udi),
            ("label", &self.label),
            ("location", &self.location),
            ("department", &self.department),
            ("network", &self.network),
            ("read by", &self.acquired),
            ("work order", &self.work_order),
            ("operator", &self.operator),
            ("reviewer", &self.reviewer),
        ];
        lines
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_record_is_read_and_flags_come_first() {
        let unit = Unit::parse(b"asset = \"A-1\"\nserial = \"S\\u001b1\"\noperator = \"B. Med\"\n")
            .unwrap();
        assert_eq!(unit.clone().shown().serial.as_deref(), Some("S\\x1b1"));
        let flags = Unit {
            serial: Some("S2".to_owned()),
            ..Unit::default()
        };
        let both = unit.under(flags);
        assert_eq!(
            (both.asset.as_deref(), both.serial.as_deref()),
            (Some("A-1"), Some("S2"))
        );
        assert_eq!(both.lines().count(), 2);
    }

    #[test]
    fn what_is_no_device_record_is_refused() {
        for text in ["serial = 7", "colour = \"red\"", "= \"", "\u{feff}\u{0}"] {
            assert!(Unit::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
