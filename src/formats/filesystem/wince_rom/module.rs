//! The headers and sections of a module, which lie in the ROM where they run.

use std::sync::Arc;

use bytes::Bytes;

use super::super::account::Account;
use super::super::ce_module::{self, COMPRESSED, Kept, O32, Section};
use super::Header;
use super::packed::Packed;
use crate::budget::Budget;
use crate::entry::File;
use crate::formats::Role;
use crate::problem::Problem;
use crate::read::{cut, length};

/// A module, and where its sections lie when it runs.
pub(super) struct Module {
    pub(super) file: File,
    pub(super) load_addresses: Vec<u8>,
}

impl Module {
    /// Reads the module whose `e32_rom` and first `o32_rom` have these addresses.
    pub(super) fn read(
        region: &Bytes,
        header: &Header,
        e32: u32,
        o32: u32,
        budget: &Budget,
        account: &mut Account,
    ) -> Result<Self, Problem> {
        let gone = || Problem::corrupt("its headers do not lie in the ROM");
        let e32_at = header.place(e32).ok_or_else(gone)?;
        let o32_at = header.place(o32).ok_or_else(gone)?;
        let kept = Kept::read(region, e32_at, o32_at)
            .ok_or_else(|| Problem::unsupported("its headers are of a layout that is not known"))?;
        let count = u64::from(kept.sections);
        budget.spend_entries(count)?;
        let table = cut(region, o32_at, count.saturating_mul(O32)).ok_or_else(gone)?;
        account.metadata(e32_at, kept.len);
        account.metadata(o32_at, length(&table));
        let sections = Section::read_all(&table);
        let mut contents = Vec::new();
        let mut problem = None;
        for section in &sections {
            match content(section, region, header, account) {
                Ok(content) => contents.push(content),
                Err(found) => {
                    problem = Some(found);
                    break;
                }
            }
        }
        Ok(Self {
            file: ce_module::Module::file(&kept, header.machine, &sections, contents, problem),
            load_addresses: ce_module::load_addresses(&sections),
        })
    }
}

/// The bytes of a section.
fn content(
    section: &Section,
    region: &Bytes,
    header: &Header,
    account: &mut Account,
) -> Result<File, Problem> {
    if section.stored == 0 {
        return Ok(File::stored(Bytes::new()));
    }
    let place = header.place(section.pointer);
    let content = place.and_then(|place| cut(region, place, section.stored.into()));
    let (Some(place), Some(content)) = (place, content) else {
        let detail = format!("its section at {:#x} does not lie in the ROM", section.rva);
        return Err(Problem::corrupt(detail));
    };
    account.name(place, section.stored.into(), Role::Content);
    if section.flags & COMPRESSED == 0 {
        return Ok(File::stored(content));
    }
    let packed = Packed::new(&content).map_err(|problem| {
        let detail = format!(
            "its section at {:#x} is {}: {} bytes for {}",
            section.rva, problem.detail, section.stored, section.virtual_size
        );
        Problem::unsupported(detail).at(place)
    })?;
    Ok(File {
        size: packed.size(),
        data: Arc::new(packed),
    })
}
