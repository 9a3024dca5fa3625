//! Partitions of flash chips that a device tree names, as Linux reads them (`drivers/mtd/parsers/ofpart_core.c`).

use std::collections::BTreeMap;

use crate::formats::Properties;
use crate::formats::boot::flat_tree::Property;
use crate::read::Fields;

/// A node on the way from the root to where the walk is, with what decides whether it is a partition.
pub(super) struct Frame {
    name: Vec<u8>,
    /// How many words its children's addresses and sizes have; inherited, as Linux does.
    cells: (u32, u32),
    /// Whether its children are partitions.
    is_table: bool,
    /// Whether it is the child of such a node, or is called a partition.
    is_partition: bool,
    /// How many words its own address and size have.
    own_cells: (u32, u32),
    label: Option<Vec<u8>>,
    reg: Option<Vec<u8>>,
}

impl Frame {
    /// The node `name` below `parent`.
    pub(super) fn below(parent: Option<&Self>, name: &[u8]) -> Self {
        let cells = parent.map_or((1, 1), |parent| parent.cells);
        Self {
            name: name.to_vec(),
            cells,
            is_table: false,
            // Before there were tables, the chip's own node held them.
            is_partition: parent.is_some_and(|parent| parent.is_table)
                || name.starts_with(b"partition@"),
            own_cells: cells,
            label: None,
            reg: None,
        }
    }

    /// The node's name with its address.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Takes what a property of the node says.
    pub(super) fn take(&mut self, property: &Property<'_>) {
        let number = |old: u32| property.number().unwrap_or(old);
        match property.name {
            b"#address-cells" => self.cells.0 = number(self.cells.0),
            b"#size-cells" => self.cells.1 = number(self.cells.1),
            b"compatible" => {
                self.is_table = property.strings().any(|name| name == b"fixed-partitions");
            }
            b"label" if self.is_partition => self.label = property.strings().next().map(Vec::from),
            b"reg" if self.is_partition => {
                self.reg = property
                    .value
                    .get(..16)
                    .or(Some(property.value))
                    .map(Vec::from);
            }
            _ => {}
        }
    }

    /// The partition that the node is.
    pub(super) fn into_partition(self) -> Option<Partition> {
        if !self.is_partition {
            return None;
        }
        let (address, size) = self.own_cells;
        let reg = self.reg?;
        let fields = Fields::big(&reg);
        let number = |at: usize, cells: u32| match cells {
            1 => fields.u32(at).map(u64::from),
            2 => fields.u64(at),
            _ => None,
        };
        let behind = if address == 2 { 8 } else { 4 };
        let without_address = |name: &[u8]| name.split(|&byte| byte == b'@').next().map(Vec::from);
        Some(Partition {
            offset: number(0, address)?,
            size: number(behind, size)?,
            label: self.label.or_else(|| without_address(&self.name))?,
        })
    }
}

/// A partition of a flash chip.
pub(super) struct Partition {
    label: Vec<u8>,
    /// First byte, from the chip's start.
    offset: u64,
    /// Length in bytes.
    size: u64,
}

impl Partition {
    /// Says `partition.LABEL: OFFSET+SIZE`; a label that stands twice, as with two chips, gets a number.
    pub(super) fn tell(self, told: &mut BTreeMap<Vec<u8>, usize>, properties: &mut Properties) {
        let value = format!("{:#x}+{:#x}", self.offset, self.size);
        let mut name = [b"partition.", &self.label[..]].concat();
        let count = told.entry(self.label).or_default();
        *count = count.saturating_add(1);
        if *count > 1 {
            name.extend_from_slice(format!(".{count}").as_bytes());
        }
        properties.set(name, value);
    }
}
