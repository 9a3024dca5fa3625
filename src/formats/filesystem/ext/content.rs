//! File contents, read when they are wanted: run by run, straight from the image.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::inode::Mapping;
use super::map::{Node, Run, Visit};
use super::volume::Volume;
use crate::entry::{Data, Fault};
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::{clip, length};

/// A content that lies in several pieces or has holes.
pub(super) struct Blocks {
    /// The file system it lies in.
    pub(super) volume: Arc<Volume>,
    /// Where it lies.
    pub(super) mapping: Mapping,
}

impl Data for Blocks {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut copy = Copy {
            volume: &self.volume,
            size: self.mapping.size,
            written: 0,
            out,
        };
        self.volume.walk(&self.mapping, &mut copy)?;
        copy.zeros(self.mapping.size)
    }
}

/// A content that cannot be read, and why.
pub(super) struct Unreadable(pub(super) Problem);

impl Data for Unreadable {
    fn copy_to(&self, _out: &mut dyn Write) -> Result<(), Fault> {
        Err(Fault::Problem(self.0.clone()))
    }
}

/// A content in an inode, followed by zeros.
pub(super) struct Padded {
    /// What is stored.
    pub(super) head: Bytes,
    /// The size with the zeros.
    pub(super) size: u64,
}

impl Data for Padded {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        out.write_all(&self.head)?;
        let mut written = length(&self.head);
        zeros_until(out, &mut written, self.size)
    }
}

/// Writes zeros until so many bytes of a content are written.
fn zeros_until(out: &mut dyn Write, written: &mut u64, until: u64) -> Result<(), Fault> {
    zeros(out, until.saturating_sub(*written))?;
    *written = until.max(*written);
    Ok(())
}

struct Copy<'a> {
    volume: &'a Volume,
    size: u64,
    written: u64,
    out: &'a mut dyn Write,
}

impl Copy<'_> {
    fn zeros(&mut self, until: u64) -> Result<(), Fault> {
        zeros_until(self.out, &mut self.written, until)
    }
}

impl Visit for Copy<'_> {
    fn data(&mut self, run: Run) -> Result<(), Fault> {
        let start = self.volume.at(run.logical);
        self.zeros(start.min(self.size))?;
        let wanted = self
            .volume
            .at(run.count)
            .min(self.size.saturating_sub(start));
        let at = self.volume.at(run.block);
        let bytes = clip(&self.volume.region, at, wanted);
        self.out.write_all(&bytes)?;
        self.written = self.written.saturating_add(length(&bytes));
        if length(&bytes) < wanted {
            let detail = format!(
                "the content is cut off after {} of {} bytes",
                self.written, self.size
            );
            return Err(Problem::corrupt(detail).at(at).into());
        }
        Ok(())
    }

    fn node(&mut self, _node: Node) -> Result<(), Fault> {
        Ok(())
    }

    fn problem(&mut self, problem: Problem) -> Result<(), Fault> {
        Err(problem.into())
    }
}
