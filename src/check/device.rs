//! Which published advisories speak of the device, and how it is known which device it is.

use crate::advisories::{Advisory, Affected, Cve, Known, Mark, Product, Table};
use crate::baseline::{Baseline, evidence};
use crate::digest::Digest;
use crate::extract::Inventory;
use crate::finding::{Confidence, Finding, Severity};
use crate::place::{Place, escape};

/// From so many days on a table is said to be old.
const OLD: i64 = 366;

/// Which device it is, as somebody says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its vendor.
    pub vendor: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The version of its firmware.
    pub version: Option<String>,
}

/// The baseline that says which device it is, and how far that is shown.
#[derive(Clone, Copy)]
pub struct Stated<'a> {
    /// The baseline.
    pub baseline: &'a Baseline,
    /// Whether somebody vouches for it.
    pub is_trusted: bool,
    /// Whether the image is all that it states, and nothing else.
    pub is_match: bool,
}

/// What the table says, and how old it is.
#[derive(Default)]
pub struct Asked {
    /// One for each advisory and how much was shown.
    pub findings: Vec<Finding>,
    /// Which table was asked, or why not.
    pub note: String,
    /// The device, by its name in the table.
    pub product: Option<&'static str>,
}

/// A device, and how it is known that it is this one.
struct Identity {
    known: Known<'static>,
    version: Option<String>,
    /// The most that can be said.
    most: Confidence,
    how: Vec<String>,
}

/// Asks the table. `age`: how many days ago it was read, where the clock tells that.
pub fn ask(
    found: &Inventory,
    named: &Named,
    stated: Option<Stated<'_>>,
    age: Option<i64>,
) -> Asked {
    let Some(table) = Table::built_in() else {
        return Asked::default();
    };
    let name = stated.map_or_else(|| named.shown(), |it| Some(it.shown()));
    let of_names = match stated {
        Some(stated) => stated.identity(table, found),
        None => named.identity(table),
    };
    let marks = marks(table, found);
    let identity = identity(of_names, &marks, name.as_deref());
    let day = day(table.read);
    let age = match age {
        Some(days @ OLD..) => {
            format!(", {days} days old: a newer version of this program may know more")
        }
        Some(days @ 0..) => format!(", {days} days old"),
        _ => String::new(),
    };
    let table_is = format!("the table of advisories is of {day}{age}");
    let Some(identity) = identity else {
        let why = match name {
            Some(name) => format!("no {name} is in it"),
            None => {
                "it was not asked, since nothing says which device this is (--model)".to_owned()
            }
        };
        return Asked {
            note: format!("known devices: {table_is}; {why}"),
            ..Asked::default()
        };
    };
    let product = identity.known.product;
    let advisories = table.advisories(product);
    Asked {
        findings: advisories
            .flat_map(|advisory| findings(advisory, &identity))
            .collect(),
        note: format!("known devices: {table_is}; what was published since is not in it"),
        product: Some(&product.id),
    }
}

/// The contents that only one device has.
fn marks(
    table: &'static Table,
    found: &Inventory,
) -> Vec<(&'static Product, &'static Mark, Place)> {
    let entries = found.entries.iter();
    let marked = entries.filter_map(|entry| {
        let sha256: Digest = entry.sha256?;
        let (product, mark) = table.marked(sha256)?;
        Some((product, mark, entry.place.clone()))
    });
    marked.collect()
}

/// The device by its names, else by what the image holds. Where both differ, what it holds counts, and the name is told.
fn identity(
    of_names: Option<Identity>,
    marks: &[(&'static Product, &'static Mark, Place)],
    name: Option<&str>,
) -> Option<Identity> {
    let Some((product, mark, place)) = marks.first() else {
        return of_names;
    };
    let holds = format!("the image holds {}: {place}", mark.says);
    match of_names {
        Some(mut identity) if identity.known.product.id == product.id => {
            identity.how.push(holds);
            identity.most = identity.most.max(Confidence::Probable);
            Some(identity)
        }
        _ => {
            let other = name.map(|name| {
                format!(
                    "it is said to be {name}: possibly a relabelled {}",
                    product.shown
                )
            });
            Some(Identity {
                known: Known {
                    product,
                    relabel: None,
                },
                version: None,
                most: Confidence::Probable,
                how: std::iter::once(holds).chain(other).collect(),
            })
        }
    }
}

impl Named {
    fn shown(&self) -> Option<String> {
        let model = self.model.as_deref()?;
        Some(shown(
            self.vendor.as_deref(),
            model,
            self.version.as_deref(),
        ))
    }

    fn identity(&self, table: &'static Table) -> Option<Identity> {
        let known = table.device(self.vendor.as_deref(), self.model.as_deref()?)?;
        Some(Identity {
            known,
            version: self.version.clone(),
            most: Confidence::Hint,
            how: vec![format!(
                "{}: that is what the caller says, and nothing in the image was held against it",
                self.shown()?
            )],
        })
    }
}

impl Stated<'_> {
    fn shown(self) -> String {
        let device = &self.baseline.device;
        let version = &self.baseline.firmware.version;
        shown(Some(&device.vendor), &device.model, Some(version))
    }

    fn identity(self, table: &'static Table, found: &Inventory) -> Option<Identity> {
        let device = &self.baseline.device;
        let mut names = std::iter::once(&device.model).chain(&device.aliases);
        let known = names.find_map(|name| table.device(Some(&device.vendor), name))?;
        let name = self.shown();
        let (most, how) = if !self.is_trusted {
            let how = format!("{name}: that is what a baseline says for which nobody vouches");
            (Confidence::Hint, how)
        } else if self.is_match {
            let how = format!("{name}: the image is what the signed baseline of it states");
            (Confidence::Proven, how)
        } else if evidence::is_shown(self.baseline, found) {
            let how = format!(
                "{name}: the image shows what the signed baseline names as evidence of this version"
            );
            (Confidence::Proven, how)
        } else {
            let how = format!(
                "{name}: the image was compared with the signed baseline of it, and is not all as it states"
            );
            (Confidence::Probable, how)
        };
        Some(Identity {
            known,
            version: Some(self.baseline.firmware.version.clone()),
            most,
            how: vec![how],
        })
    }
}

/// A device in words, safe to show.
fn shown(vendor: Option<&str>, model: &str, version: Option<&str>) -> String {
    let parts = vendor.into_iter().chain([model]).chain(version);
    let parts: Vec<String> = parts.map(|part| escape(part.as_bytes())).collect();
    parts.join(" ")
}

/// The findings of one advisory: what is affected as surely as the device is known, and what may be.
fn findings(advisory: &'static Advisory, identity: &Identity) -> Vec<Finding> {
    let Some(card) = crate::rules::card("advisory-affects-device") else {
        return Vec::new();
    };
    let of = |wanted| {
        let cves = advisory.cves.iter();
        let version = identity.version.as_deref();
        let all: Vec<&Cve> = cves
            .filter(|cve| cve.versions.has(version) == wanted)
            .collect();
        all
    };
    let (mut sure, mut unclear) = (of(Affected::Yes), of(Affected::Unclear));
    if identity.most == Confidence::Hint {
        sure.append(&mut unclear);
    }
    [(sure, identity.most), (unclear, Confidence::Hint)]
        .into_iter()
        .filter(|(cves, _)| !cves.is_empty())
        .map(|(cves, confidence)| {
            let worst = cves.iter().map(|cve| cve.severity).max();
            let ids = cves.iter().flat_map(|cve| [cve.id.as_str(), &cve.cwe]);
            let mut references: Vec<&'static str> = vec![&advisory.id];
            references.extend(ids);
            references.dedup();
            Finding {
                code: &card.code,
                severity: worst.unwrap_or(Severity::Low),
                confidence,
                title: card.title.clone(),
                place: Place::image(),
                evidence: evidence_of(advisory, &cves, identity),
                references,
                shown_in: None,
            }
        })
        .collect()
}

fn evidence_of(advisory: &Advisory, cves: &[&Cve], identity: &Identity) -> Vec<String> {
    let mut lines = identity.how.clone();
    lines.extend(identity.known.relabel.map(|relabel| relabel.says.clone()));
    lines.push(format!(
        "{} {}: {}, {} of {}",
        advisory.authority,
        advisory.id,
        advisory.title,
        advisory.revision,
        day(advisory.date)
    ));
    for cve in cves {
        let unclear = cve.versions.has(identity.version.as_deref()) == Affected::Unclear;
        let unclear = if unclear {
            "; whether this version is one, is not clear"
        } else {
            ""
        };
        lines.push(format!(
            "{}, CVSS {}: {} ({}{unclear})",
            cve.id,
            cve.cvss,
            cve.says,
            cve.versions.shown()
        ));
    }
    lines.extend(advisory.note.clone());
    lines
}

/// The day of a time.
fn day(time: jiff::Timestamp) -> String {
    let text = time.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_image_holds_counts_more_than_another_name() {
        let table = Table::built_in().unwrap();
        let published = "4e42d3b131bd10d8f192d2d15c23bd68164c1bf3daf3c33803b8e81cb4d896ad";
        let (product, mark) = table.marked(published.parse().unwrap()).unwrap();
        assert!(table.marked(Digest::of(b"x")).is_none());
        let marks = [(product, mark, Place::image())];
        let named = |vendor: &str, model: &str| Named {
            vendor: Some(vendor.to_owned()),
            model: Some(model.to_owned()),
            version: None,
        };
        let of = |named: &Named| {
            let shown = named.shown();
            identity(named.identity(table), &marks, shown.as_deref()).unwrap()
        };
        let other = of(&named("Nobody", "Bedside 7"));
        assert_eq!(other.known.product.id, "contec-cms8000");
        assert_eq!(other.most, Confidence::Probable);
        let told = other.how.join("; ");
        assert!(told.contains("said to be Nobody Bedside 7: possibly a relabelled Contec CMS8000"));
        let same = of(&named("Epsimed", "MN-120"));
        assert!(same.known.relabel.is_some());
        assert_eq!(same.most, Confidence::Probable);
        assert!(identity(None, &[], None).is_none());
    }
}
