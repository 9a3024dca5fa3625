//! What the tree of a FIT image says: images, configurations, and what each states.

use std::collections::BTreeSet;
use std::ops::Range;

use super::hash::Hash;
use crate::formats::Properties;
use crate::formats::boot::flat_tree::{Event, Header, Property, Walk};
use crate::problem::Problem;
use crate::read::length;

/// So many images, and so many configurations, are read.
const MOST: usize = 4096;

/// The longest hash or signature (64 KiB).
const VALUE: usize = 64 << 10;

/// What the tree says.
#[derive(Default)]
pub(super) struct Model {
    pub(super) images: Vec<Image>,
    configurations: Vec<Configuration>,
    /// What is said of the whole: name and value.
    said: Vec<Said>,
    /// Whether there were more images or configurations than are read.
    pub(super) is_cut: bool,
}

/// A property's name and its value, as people read it.
type Said = (Vec<u8>, Vec<u8>);

/// One image.
#[derive(Default)]
pub(super) struct Image {
    /// The name of its node.
    pub(super) name: Vec<u8>,
    /// Where its bytes are, in each way that the node states: U-Boot takes the last of these that is there.
    data: [Data; 3],
    /// How many bytes external data has.
    size: Option<u32>,
    /// The hashes that it states.
    pub(super) hashes: Vec<Hash>,
    /// Whether it has a cipher.
    pub(super) is_encrypted: bool,
    said: Vec<Said>,
}

/// Where the bytes of an image are.
#[derive(Clone, Default, PartialEq, Eq)]
enum Data {
    /// It has none.
    #[default]
    None,
    /// In the tree (bytes from the blob's start).
    Embedded(Range<u64>),
    /// So many bytes behind the end of the tree, which is rounded up to 4.
    Behind(u32),
    /// So many bytes behind the start of the tree.
    At(u32),
}

/// One configuration.
#[derive(Default)]
struct Configuration {
    name: Vec<u8>,
    /// Which images it binds, and as what.
    binds: Vec<Said>,
    said: Vec<Said>,
}

/// A node below an image or a configuration: a hash, a signature or a cipher.
#[derive(Default)]
struct Detail {
    name: Vec<u8>,
    algorithm: Vec<u8>,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

/// In which of the two lists of nodes the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Images,
    Configurations,
    Other,
}

impl Model {
    /// Reads the tree to its end, or to where it is damaged.
    pub(super) fn read(walk: &mut Walk<'_>) -> Self {
        let mut model = Self::default();
        let mut depth = 0_usize;
        let mut list = List::Other;
        let mut detail = Detail::default();
        while let Some(event) = walk.next() {
            match event {
                Event::Node(name) => {
                    depth = depth.saturating_add(1);
                    match depth {
                        2 => {
                            list = match name {
                                b"images" => List::Images,
                                b"configurations" => List::Configurations,
                                _ => List::Other,
                            }
                        }
                        3 if !model.start(list, name) => list = List::Other,
                        4 => {
                            detail = Detail {
                                name: name.to_vec(),
                                ..Detail::default()
                            }
                        }
                        _ => {}
                    }
                }
                Event::Property(property) => match depth {
                    1 => model.take(&property),
                    2 if list == List::Configurations && property.name == b"default" => {
                        let said = (b"default-configuration".to_vec(), property.text());
                        model.said.push(said);
                    }
                    3 => model.take_in(list, &property),
                    4 => detail.take(&property),
                    _ => {}
                },
                Event::End => {
                    if depth == 4 {
                        model.take_detail(list, std::mem::take(&mut detail));
                    }
                    depth = depth.saturating_sub(1);
                }
            }
        }
        model
    }

    /// Starts an image or a configuration; whether there is room for it.
    fn start(&mut self, list: List, name: &[u8]) -> bool {
        let name = name.to_vec();
        let room = self.images.len().max(self.configurations.len()) < MOST;
        self.is_cut |= !room;
        match list {
            List::Images if room => self.images.push(Image {
                name,
                ..Image::default()
            }),
            List::Configurations if room => self.configurations.push(Configuration {
                name,
                ..Configuration::default()
            }),
            _ => {}
        }
        room
    }

    /// A property of the root.
    fn take(&mut self, property: &Property<'_>) {
        let value = match property.name {
            b"description" => property.text(),
            b"timestamp" => time(property),
            _ => return,
        };
        self.said.push((property.name.to_vec(), value));
    }

    /// A property of an image or a configuration.
    fn take_in(&mut self, list: List, property: &Property<'_>) {
        match list {
            List::Images => {
                if let Some(image) = self.images.last_mut() {
                    image.take(property);
                }
            }
            List::Configurations => {
                if let Some(configuration) = self.configurations.last_mut() {
                    configuration.take(property);
                }
            }
            List::Other => {}
        }
    }

    fn take_detail(&mut self, list: List, detail: Detail) {
        match list {
            List::Images => {
                let Some(image) = self.images.last_mut() else {
                    return;
                };
                if detail.name.starts_with(b"hash") {
                    image.hashes.push(Hash {
                        node: detail.name,
                        algorithm: detail.algorithm,
                        value: detail.value,
                    });
                } else if detail.name.starts_with(b"cipher") {
                    image.is_encrypted = true;
                    image.said.push((detail.name, detail.algorithm));
                } else if let Some(said) = detail.signature() {
                    image.said.push(said);
                }
            }
            List::Configurations => {
                let configuration = self.configurations.last_mut();
                if let Some((configuration, said)) = configuration.zip(detail.signature()) {
                    configuration.said.push(said);
                }
            }
            List::Other => {}
        }
    }

    /// Says everything but what came of verifying hashes.
    pub(super) fn tell(&self, properties: &mut Properties) {
        for (name, value) in &self.said {
            properties.set(name.clone(), value.clone());
        }
        for image in &self.images {
            for (name, value) in &image.said {
                properties.set(image.said_as(name), value.clone());
            }
        }
        for configuration in &self.configurations {
            for (name, value) in configuration.said.iter().chain(&configuration.binds) {
                let name = [b"configuration.", &configuration.name[..], b".", name].concat();
                properties.set(name, value.clone());
            }
        }
    }

    /// The problems of configurations that bind images that are not there.
    pub(super) fn unbound(&self) -> Vec<Problem> {
        if self.is_cut {
            return Vec::new();
        }
        let names: BTreeSet<&[u8]> = self.images.iter().map(|image| &image.name[..]).collect();
        let mut problems = Vec::new();
        for configuration in &self.configurations {
            for (role, image) in &configuration.binds {
                // A device tree may be named with the overlays that are laid over it.
                let base = image.split(|&byte| byte == b'#').next().unwrap_or(image);
                if !names.contains(base) {
                    problems.push(Problem::corrupt(format!(
                        "configuration {}: its {} is {}, which is no image",
                        String::from_utf8_lossy(&configuration.name),
                        String::from_utf8_lossy(role),
                        String::from_utf8_lossy(image)
                    )));
                }
            }
        }
        problems
    }
}

impl Image {
    /// The bytes of its data, from the start of the blob; they may reach past its end.
    pub(super) fn range(&self, header: &Header) -> Option<Range<u64>> {
        let start = match self.data() {
            Data::None => return None,
            Data::Embedded(range) => return Some(range.clone()),
            Data::Behind(offset) => header
                .total
                .checked_next_multiple_of(4)?
                .checked_add(u64::from(*offset))?,
            Data::At(position) => u64::from(*position),
        };
        // Data that stands in the tree itself is no external data.
        let size = u64::from(self.size?);
        (start >= header.total).then_some(start..start.checked_add(size)?)
    }

    fn data(&self) -> &Data {
        let stated = self.data.iter().rfind(|data| **data != Data::None);
        stated.unwrap_or(&Data::None)
    }

    /// Whether it states anywhere where its data is.
    pub(super) fn has_data(&self) -> bool {
        *self.data() != Data::None
    }

    /// Whether it states in several ways where its data is.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.data.iter().filter(|data| **data != Data::None).count() > 1
    }

    /// Under which name something is said of it.
    pub(super) fn said_as(&self, name: &[u8]) -> Vec<u8> {
        [b"image.", &self.name[..], b".", name].concat()
    }

    fn take(&mut self, property: &Property<'_>) {
        let number = property.number();
        let [embedded, behind, at] = &mut self.data;
        match property.name {
            b"data" => {
                let end = property.at.saturating_add(length(property.value));
                *embedded = Data::Embedded(property.at..end);
            }
            b"data-offset" => *behind = number.map_or(Data::None, Data::Behind),
            b"data-position" => *at = number.map_or(Data::None, Data::At),
            b"data-size" => self.size = number,
            b"description" | b"type" | b"arch" | b"os" | b"compression" | b"compatible" => {
                self.said.push((property.name.to_vec(), property.text()));
            }
            b"load" | b"entry" => {
                // One or two words, as #address-cells of the root says.
                let value = match property.value.as_array::<8>() {
                    Some(bytes) => format!("{:#x}", u64::from_be_bytes(*bytes)),
                    None => number.map_or_else(String::new, |number| format!("{number:#x}")),
                };
                self.said.push((property.name.to_vec(), value.into_bytes()));
            }
            b"timestamp" => self.said.push((property.name.to_vec(), time(property))),
            _ => {}
        }
    }
}

impl Configuration {
    fn take(&mut self, property: &Property<'_>) {
        match property.name {
            b"kernel" | b"fdt" | b"ramdisk" | b"firmware" | b"loadables" | b"fpga" | b"script"
            | b"setup" | b"standalone" => {
                let role = |number: usize| match number {
                    0 => property.name.to_vec(),
                    number => [property.name, format!(".{number}").as_bytes()].concat(),
                };
                let names = property.strings().enumerate();
                let binds = names.map(|(number, name)| (role(number), name.to_vec()));
                self.binds.extend(binds.take(MOST));
            }
            b"description" | b"compatible" => {
                self.said.push((property.name.to_vec(), property.text()));
            }
            _ => {}
        }
    }
}

impl Detail {
    fn take(&mut self, property: &Property<'_>) {
        match property.name {
            b"algo" => self.algorithm = property.text(),
            b"key-name-hint" => self.key = property.text(),
            b"value" => {
                let value = property.value.get(..VALUE).unwrap_or(property.value);
                self.value = Some(value.to_vec());
            }
            _ => {}
        }
    }

    /// What is said of a signature.
    fn signature(self) -> Option<Said> {
        if !self.name.starts_with(b"signature") {
            return None;
        }
        let value = match &self.value {
            Some(value) => format!("{} bytes, not verified: no key", value.len()),
            None => "no value, so never signed".to_owned(),
        };
        let key = match &self.key[..] {
            b"" => Vec::new(),
            key => [b"key ", key, b", "].concat(),
        };
        Some((
            self.name,
            [&self.algorithm[..], b", ", &key, value.as_bytes()].concat(),
        ))
    }
}

/// A number of seconds since 1970 as a date.
fn time(property: &Property<'_>) -> Vec<u8> {
    let seconds = property.number().map(i64::from);
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(Vec::new, |time| time.to_string().into_bytes())
}
