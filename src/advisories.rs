//! Known devices: which published advisories speak of a device and version.
//!
//! The table is data, `advisories/table.toml`, with the day on which it was read. A device is known by names that stand in the table, or by
//! the digest of a program, never by prose.

mod read;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::LazyLock;

use jiff::Timestamp;

use crate::digest::Digest;
use crate::finding::Severity;
use crate::trust::version;

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The day on which the advisories were read.
    pub read: Timestamp,
    products: Vec<Product>,
    relabels: Vec<Relabel>,
    marks: Vec<Mark>,
    advisories: Vec<Advisory>,
}

/// A device, by the names under which its maker sells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name in the table, in kebab-case.
    pub id: String,
    /// How people are shown it.
    pub shown: String,
    vendors: Vec<String>,
    models: Vec<String>,
}

/// A name under which somebody else sells a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relabel {
    vendors: Vec<String>,
    models: Vec<String>,
    product: String,
    /// That it is the same device, and who says so.
    pub says: String,
}

/// A content that only one device has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    product: String,
    /// The digest of the content.
    pub sha256: Digest,
    /// What it is.
    pub says: String,
}

/// What an authority published about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advisory {
    /// Its number.
    pub id: String,
    /// Who published it.
    pub authority: String,
    /// Its title.
    pub title: String,
    /// The revision that was read.
    pub revision: String,
    /// The date of that revision.
    pub date: Timestamp,
    product: String,
    /// What else should be known.
    pub note: Option<String>,
    /// The vulnerabilities in it.
    pub cves: Vec<Cve>,
}

/// One vulnerability, and the versions that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cve {
    /// Its number.
    pub id: String,
    /// The weakness, as a CWE number.
    pub cwe: String,
    /// How bad the authority says it is.
    pub severity: Severity,
    /// The base score of CVSS 3.
    pub cvss: String,
    /// What it is, in a clause.
    pub says: String,
    /// Which versions have it.
    pub versions: Versions,
}

/// Which versions are affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    which: Which,
    /// The release that mends it.
    fixed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    All,
    These(Vec<String>),
    Until(String),
    Below(String),
}

/// Whether a version is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affected {
    /// It is.
    Yes,
    /// The version is not known, or the advisory does not say clearly whether it is one of those it names.
    Unclear,
    /// It is not.
    No,
}

/// A device that the table knows, and under which other name it was found.
#[derive(Clone, Copy, Debug)]
pub struct Known<'t> {
    /// The device.
    pub product: &'t Product,
    /// The name, where it is not the maker's.
    pub relabel: Option<&'t Relabel>,
}

impl Table {
    /// The table that is compiled in; `None` if it could not be read, which a test excludes.
    pub fn built_in() -> Option<&'static Self> {
        static TABLE: LazyLock<Option<Table>> =
            LazyLock::new(|| read::table(include_bytes!("advisories/table.toml")).ok());
        TABLE.as_ref()
    }

    /// The device of a vendor and model. Without a vendor, the one device that has such a model.
    pub fn device(&self, vendor: Option<&str>, model: &str) -> Option<Known<'_>> {
        let fits = |vendors: &[String], models: &[String]| {
            vendor.is_none_or(|vendor| vendors.iter().any(|own| is_same(own, vendor)))
                && models.iter().any(|own| is_same(own, model))
        };
        let own = self.products.iter().filter_map(|product| {
            fits(&product.vendors, &product.models).then_some(Known {
                product,
                relabel: None,
            })
        });
        let relabelled = self.relabels.iter().filter_map(|relabel| {
            let product = self.product(&relabel.product)?;
            fits(&relabel.vendors, &relabel.models).then_some(Known {
                product,
                relabel: Some(relabel),
            })
        });
        let mut all = own.chain(relabelled);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// The device that has a content of this digest.
    pub fn marked(&self, sha256: Digest) -> Option<(&Product, &Mark)> {
        let mark = self.marks.iter().find(|mark| mark.sha256 == sha256)?;
        Some((self.product(&mark.product)?, mark))
    }

    /// What was published about a device.
    pub fn advisories<'a>(&'a self, product: &'a Product) -> impl Iterator<Item = &'a Advisory> {
        let all = self.advisories.iter();
        all.filter(|advisory| advisory.product == product.id)
    }

    fn product(&self, id: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.id == id)
    }
}

impl Versions {
    /// Whether a version is one of them; `None`: it is not known which it is.
    pub fn has(&self, version: Option<&str>) -> Affected {
        let Some(version) = version else {
            return match self.which {
                Which::All => Affected::Yes,
                _ => Affected::Unclear,
            };
        };
        let order = |other: &String| version::compare(version, other);
        let is_in = match &self.which {
            Which::All => true,
            Which::These(all) if all.iter().any(|one| one == version) => true,
            // Which of two versions is the earlier one, a list does not say.
            Which::These(_) => {
                let mended = self.fixed.as_ref().map(order);
                return match mended {
                    Some(Ordering::Equal | Ordering::Greater) => Affected::No,
                    _ => Affected::Unclear,
                };
            }
            Which::Until(end) => order(end) != Ordering::Greater,
            Which::Below(end) => order(end) == Ordering::Less,
        };
        let from_fixed = self.fixed.as_ref().map(order);
        match (is_in, from_fixed) {
            (_, Some(Ordering::Equal)) | (false, _) => Affected::No,
            (true, Some(Ordering::Greater)) => Affected::Unclear,
            (true, _) => Affected::Yes,
        }
    }

    /// Which they are, in words.
    pub fn shown(&self) -> String {
        let mut shown = match &self.which {
            Which::All => "every version".to_owned(),
            Which::These(all) => format!("version {}", all.join(", ")),
            Which::Until(end) => format!("versions up to {end}"),
            Which::Below(end) => format!("versions before {end}"),
        };
        if let Some(fixed) = &self.fixed {
            shown.push_str(", mended in ");
            shown.push_str(fixed);
        }
        shown
    }
}

/// Whether two names are the same but for case, spaces and signs.
fn is_same(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        let all = text.chars().filter(|char| char.is_alphanumeric());
        all.flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}
