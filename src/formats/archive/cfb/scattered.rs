//! The content of a stream whose sectors lie apart.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Data, Fault, File};
use crate::read::clip;

/// Content in several pieces of the region.
pub(super) struct Scattered {
    pub(super) region: Bytes,
    /// Where each stands, and its length.
    pub(super) pieces: Vec<(u64, u64)>,
}

impl Scattered {
    pub(super) fn into_file(self) -> File {
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
