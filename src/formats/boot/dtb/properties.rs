//! Every property of a device tree blob under its path.

use crate::formats::boot::flat_tree::{Event, Header};

/// A property of a blob, or a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property<'b> {
    /// `/node/name`; of a node `/node/`, of the root `/`.
    pub path: Vec<u8>,
    /// Its value; `None` for a node.
    pub value: Option<&'b [u8]>,
}

/// The paths of a blob take at most so many bytes (16 MiB): long names that are nested make more of them than the blob has.
const PATHS: usize = 16 << 20;

/// The nodes and properties of a blob in their order, at most `most` of them; `None` where the bytes are no blob.
pub fn properties(blob: &[u8], most: usize) -> Option<Vec<Property<'_>>> {
    let header = Header::parse(blob).ok()?;
    let mut walk = header.walk(blob);
    let mut all = Vec::new();
    let mut path: Vec<u8> = Vec::new();
    let mut starts = Vec::new();
    let mut room = PATHS;
    while let Some(event) = walk.next() {
        match event {
            Event::Node(name) => {
                starts.push(path.len());
                path.extend_from_slice(name);
                path.push(b'/');
                all.push(Property {
                    path: path.clone(),
                    value: None,
                });
            }
            Event::Property(property) => all.push(Property {
                path: [path.as_slice(), property.name].concat(),
                value: Some(property.value),
            }),
            Event::End => path.truncate(starts.pop().unwrap_or(0)),
        }
        room = room.saturating_sub(path.len());
        if all.len() >= most || room == 0 {
            break;
        }
    }
    Some(all)
}
