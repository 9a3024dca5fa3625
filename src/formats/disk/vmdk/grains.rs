//! Where the grains of a disk are.

use bytes::Bytes;

use super::SECTOR;
use super::header::Header;
use crate::formats::compression::notes::Notes;
use crate::formats::disk::assemble::{Blocks, Piece};
use crate::formats::disk::packed::Packing;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, cut, index};

pub(super) struct Grains {
    region: Bytes,
    header: Header,
}

impl Grains {
    pub(super) fn new(region: Bytes, header: Header) -> Self {
        Self { region, header }
    }

    /// The entry of a grain: the sector where it starts. 0 where it is stored nowhere; `None` where a table is cut off.
    fn entry(&self, number: u64) -> Option<u64> {
        let fields = Fields::little(&self.region);
        let directory = self.header.directory_at()?;
        let slot = number / self.header.entries;
        let table = fields.u32(index(directory.saturating_add(slot.saturating_mul(4))))?;
        if table == 0 {
            return Some(0);
        }
        let table = u64::from(table).saturating_mul(SECTOR);
        let slot = number % self.header.entries;
        fields
            .u32(index(table.saturating_add(slot.saturating_mul(4))))
            .map(u64::from)
    }

    /// A compressed grain behind its marker, or behind its length alone.
    fn unpack(&self, number: u64, at: u64) -> Result<(Vec<u8>, u64), String> {
        let fields = Fields::little(&self.region);
        let place = fields.u64(index(at)).ok_or("its marker is cut off")?;
        let size = fields.u32(index(at.saturating_add(8))).unwrap_or_default();
        let first = number.saturating_mul(self.header.grain_len() / SECTOR);
        if self.header.has_markers() && place != first {
            return Err(format!("its marker says sector {place}, its table {first}"));
        }
        let stored = cut(&self.region, at.saturating_add(12), u64::from(size));
        let stored = stored.ok_or("it is cut off")?;
        map::touched(size.into());
        let len = self
            .header
            .size()
            .saturating_sub(first.saturating_mul(SECTOR));
        let len = index(len.min(self.header.grain_len()));
        let unpacked = Packing::Zlib.unpack(&stored, len);
        let (bytes, used) = unpacked.map_err(|error| error.to_string())?;
        Ok((bytes, u64::try_from(used).unwrap_or_default()))
    }
}

impl Blocks for Grains {
    fn block(&mut self, number: u64, notes: &mut Notes) -> Piece {
        let len = self.header.grain_len();
        let Some(sector) = self.entry(number) else {
            notes.problem(Problem::corrupt("a grain table is cut off; read as zeros"));
            return Piece::hole(len);
        };
        if sector == 0 || (sector == 1 && self.header.has_zeros()) {
            return Piece::hole(len);
        }
        let at = sector.saturating_mul(SECTOR);
        if !self.header.is_compressed() {
            return Piece::Stored { at, len };
        }
        match self.unpack(number, at) {
            Ok((bytes, used)) => {
                notes.metadata(at, 12);
                notes.content(at.saturating_add(12), used);
                Piece::Made(bytes)
            }
            Err(why) => {
                let detail = format!("a compressed grain, read as zeros: {why}");
                notes.problem(Problem::corrupt(detail).at(at));
                Piece::hole(len)
            }
        }
    }
}
