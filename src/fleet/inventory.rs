//! Which devices a fleet has: what an inventory says of each, in its order.

mod csv;
mod toml;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::digest::Digest;
use crate::place::escape;

/// An inventory is at most so long (256 MiB).
pub const MAX_BYTES: usize = 256 << 20;
/// A fleet has at most so many devices.
pub(super) const MOST: usize = 1_000_000;

/// The columns of an inventory, and the keys of its TOML form, besides `with.NAME`.
const COLUMNS: &[&str] = &[
    "image",
    "asset",
    "serial",
    "model",
    "location",
    "department",
    "version",
    "baseline",
];

/// One device, as the inventory says. Paths stand as they are written there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its image: the key by which a device is known in an audit, escaped.
    pub image: String,
    /// The asset tag.
    pub asset: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
    /// The model, as the baseline calls it or one of its aliases.
    pub model: Option<String>,
    /// Where it stands.
    pub location: Option<String>,
    /// Whose it is.
    pub department: Option<String>,
    /// The firmware version that it should have.
    pub version: Option<String>,
    /// The baseline, or the directory of them, that it is compared with instead of the one for all.
    pub baseline: Option<String>,
    /// Other parts of the same device: name and file.
    pub with: Vec<(String, String)>,
    /// Where the image is.
    #[serde(skip)]
    pub path: PathBuf,
    /// The line of the inventory, from 1; 0 where it has none.
    #[serde(skip)]
    pub line: u64,
}

impl Device {
    /// What people call it: the asset tag, else the image.
    pub fn name(&self) -> String {
        match &self.asset {
            Some(asset) => escape(asset.as_bytes()),
            None => self.image.clone(),
        }
    }
}

/// A fleet: its devices, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// In the order of the inventory.
    pub devices: Vec<Device>,
    /// Where relative paths start.
    folder: PathBuf,
}

/// An inventory that does not say which devices there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Something in a line.
    #[error("line {line}: {what}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Something in the whole.
    #[error("{0}")]
    Whole(String),
}

impl Malformed {
    fn line(line: u64, what: impl Into<String>) -> Self {
        let what = what.into();
        Self::Line { line, what }
    }
}

impl Fleet {
    /// Reads an inventory of comma-separated values with a line of column names; semicolons and tabs separate too.
    ///
    /// # Errors
    /// [`Malformed`]: an unknown column, a row without an image, a device named twice.
    pub fn from_csv(text: &[u8], folder: &Path) -> Result<Self, Malformed> {
        csv::read(text).and_then(|devices| Self::new(devices, folder))
    }

    /// Reads an inventory in TOML: one `[[device]]` for each.
    ///
    /// # Errors
    /// As those of [`Fleet::from_csv`].
    pub fn from_toml(text: &[u8], folder: &Path) -> Result<Self, Malformed> {
        toml::read(text).and_then(|devices| Self::new(devices, folder))
    }

    /// A fleet of images of which nothing else is said: a list, one path a line.
    ///
    /// # Errors
    /// [`Malformed`]: a path is named twice, or is no file.
    pub fn from_list(text: &[u8]) -> Result<Self, Malformed> {
        let lines = (1..).zip(text.split(|&byte| byte == b'\n'));
        let lines = lines.map(|(line, path)| (line, path.strip_suffix(b"\r").unwrap_or(path)));
        let devices = lines
            .filter(|(_, path)| !path.is_empty())
            .map(|(line, path)| Device {
                image: escape(path),
                path: PathBuf::from(OsStr::from_bytes(path)),
                line,
                ..Device::default()
            });
        Self::new(
            devices.take(MOST.saturating_add(1)).collect(),
            Path::new(""),
        )
    }

    /// A fleet of what a directory holds: the names, sorted.
    ///
    /// # Errors
    /// [`Malformed`]: too many.
    pub fn from_names(names: &[PathBuf], folder: &Path) -> Result<Self, Malformed> {
        let device = |name: &PathBuf| Device {
            image: escape(name.as_os_str().as_bytes()),
            path: name.clone(),
            ..Device::default()
        };
        Self::new(names.iter().map(device).collect(), folder)
    }

    fn new(mut devices: Vec<Device>, folder: &Path) -> Result<Self, Malformed> {
        if devices.len() > MOST {
            let what = format!("more than {MOST} devices; split the inventory");
            return Err(Malformed::Whole(what));
        }
        if devices.is_empty() {
            return Err(Malformed::Whole("it names no device".to_owned()));
        }
        let (mut images, mut assets) = (BTreeMap::new(), BTreeMap::new());
        for device in &mut devices {
            let line = device.line;
            local(&device.image, line)?;
            device.path = folder.join(&device.path);
            let plain: PathBuf = device
                .path
                .components()
                .filter(|part| *part != Component::CurDir)
                .collect();
            if let Some(first) = images.insert(plain, line) {
                return Err(twice("image", &device.image, line, first));
            }
            if let Some(asset) = &device.asset
                && let Some(first) = assets.insert(asset.clone(), line)
            {
                return Err(twice("asset", &escape(asset.as_bytes()), line, first));
            }
        }
        let folder = folder.to_owned();
        Ok(Self { devices, folder })
    }

    /// Where a path of the inventory leads.
    pub fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    /// What names this fleet: the digest of all that it says, however that is written down.
    pub fn digest(&self) -> Digest {
        let mut text = Vec::new();
        for device in &self.devices {
            // A device is texts alone, which never fail to be written.
            let _ = serde_json::to_writer(&mut text, device);
            text.push(b'\n');
        }
        Digest::of(&text)
    }
}

fn twice(what: &str, name: &str, line: u64, first: u64) -> Malformed {
    Malformed::line(
        line,
        format!("the {what} {name} was named before, in line {first}"),
    )
}

/// Refuses what is no path on this machine.
fn local(image: &str, line: u64) -> Result<(), Malformed> {
    if image == "-" {
        return Err(Malformed::line(
            line,
            "an image of a fleet is a file, not -",
        ));
    }
    let scheme = image.split_once("://").map(|(scheme, _)| scheme);
    let is_url = scheme.is_some_and(|it| {
        it.starts_with(|first: char| first.is_ascii_alphabetic())
            && it
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
    });
    if is_url {
        let what = format!("{image} is a URL; only files on this machine are read: fetch it first");
        return Err(Malformed::line(line, what));
    }
    Ok(())
}

/// Puts one value of a row where it belongs. A name that starts with `#` is a column to be left out.
fn set(device: &mut Device, name: &str, value: &str) -> Result<(), String> {
    let text = || Some(value.to_owned());
    match name {
        _ if value.is_empty() || name.starts_with('#') => {}
        "image" => {
            device.image = escape(value.as_bytes());
            device.path = value.into();
        }
        "asset" => device.asset = text(),
        "serial" => device.serial = text(),
        "model" => device.model = text(),
        "location" => device.location = text(),
        "department" => device.department = text(),
        "version" => device.version = text(),
        "baseline" => device.baseline = text(),
        _ => match name.strip_prefix("with.") {
            Some(part) if is_part(part) => device.with.push((part.to_owned(), value.to_owned())),
            _ => return Err(unknown(name)),
        },
    }
    Ok(())
}

/// Whether a column or key has this name.
fn is_known(name: &str) -> bool {
    COLUMNS.contains(&name)
        || name.starts_with('#')
        || name.strip_prefix("with.").is_some_and(is_part)
}

fn unknown(name: &str) -> String {
    format!(
        "{} is unknown; known are {} and with.NAME; put # before a name to leave it out",
        escape(name.as_bytes()),
        COLUMNS.join(", ")
    )
}

/// A name of a part of a device, as `--with` takes it.
fn is_part(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests;
