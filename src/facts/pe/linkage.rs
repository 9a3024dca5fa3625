//! What a PE file imports and exports, and where its debug information is.

use serde::Serialize;

use super::image::Image;
use crate::facts::meter::Meter;
use crate::facts::name::Name;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

const EXPORTS: usize = 0;
const IMPORTS: usize = 1;
const DEBUG: usize = 6;
const DELAY_IMPORTS: usize = 13;

/// Most libraries that are read, and most names of all of them.
const DLLS_MAX: usize = 1024;
const NAMES_MAX: usize = 1 << 16;
/// Most debug records that are looked into; real files have up to five.
const DEBUG_MAX: usize = 64;
/// The debug record that names the symbol file.
const CODEVIEW: u32 = 2;

/// What a file imports from one library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The library's name, as written.
    pub dll: Name,
    /// The functions it takes from there, sorted; `#12` when it asks by number.
    pub names: Vec<Name>,
}

/// Where the parts of an import descriptor stand, in bytes from its start.
struct Descriptor {
    len: usize,
    dll: usize,
    names: usize,
    addresses: usize,
}

/// Imports that are bound at the start, then those that are bound when they are first called.
const LISTS: &[(usize, Descriptor)] = &[
    (
        IMPORTS,
        Descriptor {
            len: 20,
            dll: 12,
            names: 0,
            addresses: 16,
        },
    ),
    (
        DELAY_IMPORTS,
        Descriptor {
            len: 32,
            dll: 4,
            names: 16,
            addresses: 12,
        },
    ),
];

/// What the file imports, in its own order.
pub(super) fn imports(image: &Image<'_>, problems: &mut Vec<Problem>) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut meter = Meter::new(image.bytes, 4);
    let mut left = NAMES_MAX;
    let mut broken = false;
    for (number, descriptor) in LISTS {
        let Some((address, _)) = image.directory(*number) else {
            continue;
        };
        // The list is closed by an empty record; the size of the directory is not what the loader goes by.
        let Some(records) = image.at(address) else {
            broken = true;
            continue;
        };
        for record in records.chunks_exact(descriptor.len).take(DLLS_MAX) {
            let record = Fields::little(record);
            let part = |at| record.u32(at).filter(|&address| address != 0);
            let Some(dll) = part(descriptor.dll) else {
                break;
            };
            let lookup = part(descriptor.names).or_else(|| part(descriptor.addresses));
            let dll = image.string(dll).filter(|name| meter.take(length(name)));
            let (Some(dll), Some(lookup)) = (dll, lookup) else {
                broken = true;
                continue;
            };
            imports.push(Import {
                dll: Name::new(dll),
                names: names(image, lookup, &mut meter, &mut left),
            });
        }
    }
    if broken {
        problems.push(Problem::corrupt("an import table points outside the file"));
    }
    if left == 0 {
        problems.push(Problem::limit(format!("more than {NAMES_MAX} imports")));
    }
    problems.extend(meter.problem("imports are"));
    imports
}

/// The names of one library's lookup table, which a zero closes.
fn names(image: &Image<'_>, lookup: u32, meter: &mut Meter, left: &mut usize) -> Vec<Name> {
    let is_64 = image.optional.as_ref().is_some_and(|header| header.is_64);
    let mut names = Vec::new();
    let entries = image.at(lookup).unwrap_or_default();
    for entry in entries.chunks_exact(if is_64 { 8 } else { 4 }) {
        let fields = Fields::little(entry);
        let Some(low) = fields.u32(0) else { break };
        let by_number = fields.u32(if is_64 { 4 } else { 0 }).unwrap_or(0) >> 31 == 1;
        if low == 0 && !by_number {
            break;
        }
        *left = left.saturating_sub(1);
        if *left == 0 {
            break;
        }
        if by_number {
            names.push(Name::new(format!("#{}", low & 0xffff)));
        } else if let Some(name) = low.checked_add(2).and_then(|at| image.string(at)) {
            // Two bytes of hint stand before the name.
            if !meter.take(length(name)) {
                break;
            }
            names.push(Name::new(name));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The names that a library exports, sorted, and the name it calls itself.
pub(super) fn exports(image: &Image<'_>, problems: &mut Vec<Problem>) -> (Vec<Name>, Option<Name>) {
    let Some((address, _)) = image.directory(EXPORTS) else {
        return Default::default();
    };
    let table = Fields::little(image.at(address).unwrap_or_default());
    let (Some(own), Some(count), Some(names_at)) = (table.u32(12), table.u32(24), table.u32(32))
    else {
        problems.push(Problem::corrupt("the export table is outside the file"));
        return Default::default();
    };
    let mut meter = Meter::new(image.bytes, 4);
    let pointers = image.at(names_at).unwrap_or_default().chunks_exact(4);
    let there = u32::try_from(pointers.len()).unwrap_or(u32::MAX);
    if count > there {
        problems.push(Problem::corrupt(format!(
            "{count} exported names, room for {there} in the file"
        )));
    } else if index(count.into()) > NAMES_MAX {
        problems.push(Problem::limit(format!("more than {NAMES_MAX} exports")));
    }
    let mut exports: Vec<Name> = pointers
        .take(index(count.into()).min(NAMES_MAX))
        .filter_map(|pointer| image.string(Fields::little(pointer).u32(0)?))
        .take_while(|name| meter.take(length(name)))
        .map(Name::new)
        .collect();
    problems.extend(meter.problem("exports are"));
    exports.sort_unstable();
    exports.dedup();
    (exports, image.string(own).map(Name::new))
}

/// The path of the symbol file, as the linker wrote it.
pub(super) fn pdb(image: &Image<'_>) -> Option<Name> {
    let records = image.directory_bytes(DEBUG)?;
    records.chunks_exact(28).take(DEBUG_MAX).find_map(|record| {
        let record = Fields::little(record);
        if record.u32(12)? != CODEVIEW {
            return None;
        }
        let (len, at) = (index(record.u32(16)?.into()), index(record.u32(24)?.into()));
        let bytes = image.bytes.get(at..at.checked_add(len)?)?;
        // The newer record has a GUID and an age before the path, the older one offset, signature and age.
        let path_at = match bytes.get(..4)? {
            b"RSDS" => 24,
            b"NB10" => 16,
            _ => return None,
        };
        let path = crate::facts::meter::string_at(bytes, path_at, crate::facts::meter::NAME_MAX)?;
        (!path.is_empty()).then(|| Name::new(path))
    })
}
