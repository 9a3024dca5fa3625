//! YARA rules over the files of an image. They know bytes and not behaviour: what they hit is a hint for somebody to look at.

#[cfg(feature = "yara")]
mod scan;

#[cfg(feature = "yara")]
pub use self::scan::Yara;

use super::Behaviour;
#[cfg(not(feature = "yara"))]
use crate::digest::Digest;
use crate::extract::Inventory;

/// YARA rules, which this build does not have.
#[cfg(not(feature = "yara"))]
#[derive(Clone, Debug)]
pub enum Yara {}

#[cfg(not(feature = "yara"))]
impl Yara {
    /// The digest of the rules.
    pub fn sha256(&self) -> Digest {
        match *self {}
    }

    fn hits(&self, _: &Inventory) -> Behaviour {
        match *self {}
    }
}

/// What the rules hit, and what they were not tried on.
pub(super) fn hits(rules: Option<&Yara>, found: &Inventory) -> Behaviour {
    rules.map(|rules| rules.hits(found)).unwrap_or_default()
}
