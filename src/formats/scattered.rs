//! Content whose pieces lie apart.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Data, Fault, File};
use crate::read::clip;

/// Content in several pieces of the region.
pub(in crate::formats) struct Scattered {
    pub(in crate::formats) region: Bytes,
    /// Where each stands, and its length.
    pub(in crate::formats) pieces: Vec<(u64, u64)>,
}

impl Scattered {
    pub(in crate::formats) fn into_file(self) -> File {
        match self.pieces[..] {
            [] => File::stored(Bytes::new()),
            [(at, len)] => File::stored(clip(&self.region, at, len)),
            _ => {
                let lens = self.pieces.iter().map(|&(_, len)| len);
                File {
                    size: lens.fold(0, u64::saturating_add),
                    data: Arc::new(self),
                }
            }
        }
    }
}

impl Data for Scattered {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        for &(at, len) in &self.pieces {
            out.write_all(&clip(&self.region, at, len))?;
        }
        Ok(())
    }
}
