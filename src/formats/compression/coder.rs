//! The decoders of libraries go on in steps: so much was read, so much was made, and the stream goes on or not.

use flate2::FlushDecompress;
use liblzma::stream::Action;

use crate::read::index;

/// A decoder of one stream.
pub(super) trait Coder {
    /// Why it cannot go on.
    type Error;

    /// How many bytes were read, and how many made, so far.
    fn totals(&self) -> (u64, u64);

    /// Decodes some of `input` into `out`; whether the stream came to its end.
    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<bool, Self::Error>;

    /// The same, with what came of it.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Step<Self::Error> {
        let (read, made) = self.totals();
        let result = self.run(input, out);
        let totals = self.totals();
        let (read, made) = (totals.0.saturating_sub(read), totals.1.saturating_sub(made));
        let outcome = match result {
            Ok(true) => Outcome::Ended,
            Ok(false) if read == 0 && made == 0 => Outcome::Short,
            Ok(false) => Outcome::Running,
            Err(error) => Outcome::Damaged(error),
        };
        Step {
            read,
            made: index(made),
            outcome,
        }
    }
}

/// One step.
pub(super) struct Step<E> {
    /// How many bytes were read.
    pub(super) read: u64,
    /// How many bytes were made, from the start of the output on.
    pub(super) made: usize,
    pub(super) outcome: Outcome<E>,
}

/// Whether a stream goes on.
pub(super) enum Outcome<E> {
    Running,
    Ended,
    /// More input is needed than there is.
    Short,
    Damaged(E),
}

impl Coder for flate2::Decompress {
    type Error = flate2::DecompressError;

    fn totals(&self) -> (u64, u64) {
        (self.total_in(), self.total_out())
    }

    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<bool, Self::Error> {
        let status = self.decompress(input, out, FlushDecompress::None)?;
        Ok(status == flate2::Status::StreamEnd)
    }
}

impl Coder for bzip2::Decompress {
    type Error = bzip2::Error;

    fn totals(&self) -> (u64, u64) {
        (self.total_in(), self.total_out())
    }

    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<bool, Self::Error> {
        Ok(self.decompress(input, out)? == bzip2::Status::StreamEnd)
    }
}

impl Coder for liblzma::stream::Stream {
    type Error = liblzma::stream::Error;

    fn totals(&self) -> (u64, u64) {
        (self.total_in(), self.total_out())
    }

    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<bool, Self::Error> {
        let status = self.process(input, out, Action::Run)?;
        Ok(status == liblzma::stream::Status::StreamEnd)
    }
}
