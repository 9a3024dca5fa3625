//! A block device, read before it is mapped: what its medium cannot give back is found out then, and named.
//!
//! A page of a map that cannot be read ends the program. A device that gives all its bytes is mapped; one that does not is copied to the
//! spool once, with zeros where nothing could be read.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use super::map;
use super::spool::Spool;
use crate::problem::{Problem, ProblemKind};
use crate::read::{index, length};

/// So much is read in one go (1 MiB).
const SLAB: u64 = 1 << 20;

/// Where a slab cannot be read, it is tried in pieces of a sector.
const SECTOR: u64 = 512;

/// So many stretches are named; of more, the number and the sum are.
const NAMED: usize = 64;

/// Where bytes are read at an offset.
trait ReadAt {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, at)
    }
}

/// The `len` bytes of a device, and which of them could not be read.
///
/// # Errors
/// The operating system's, other than that a part cannot be read.
pub(super) fn read(file: &File, len: u64, spool: &Spool) -> io::Result<(Bytes, Vec<Problem>)> {
    if is_whole(file, len)? {
        return Ok((map::map(file, 0, index(len))?, Vec::new()));
    }
    salvage(file, len, spool)
}

/// Whether every byte can be read.
fn is_whole(device: &impl ReadAt, len: u64) -> io::Result<bool> {
    let mut slab = vec![0; index(SLAB)];
    for stretch in pieces(0..len, SLAB) {
        match fill(device, &mut slab, &stretch) {
            Ok(()) => {}
            Err(error) if is_of_medium(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// What can be read, with zeros where it cannot.
fn salvage(device: &impl ReadAt, len: u64, spool: &Spool) -> io::Result<(Bytes, Vec<Problem>)> {
    let mut stream = spool.stream();
    let mut slab = vec![0; index(SLAB)];
    let mut lost: Vec<Range<u64>> = Vec::new();
    for stretch in pieces(0..len, SLAB) {
        let step = match fill(device, &mut slab, &stretch) {
            Ok(()) => SLAB,
            Err(_) => SECTOR,
        };
        for piece in pieces(stretch, step) {
            match fill(device, &mut slab, &piece) {
                Ok(()) => {}
                Err(error) if is_of_medium(&error) => {
                    slab.fill(0);
                    match lost.last_mut() {
                        Some(before) if before.end == piece.start => before.end = piece.end,
                        _ => lost.push(piece.clone()),
                    }
                }
                Err(error) => return Err(error),
            }
            let count = index(piece.end.saturating_sub(piece.start));
            stream.write_all(slab.get(..count).unwrap_or_default())?;
        }
    }
    Ok((stream.finish()?, told(&lost)))
}

/// A stretch in pieces of a length.
fn pieces(stretch: Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> {
    let mut at = stretch.start;
    std::iter::from_fn(move || {
        let start = at;
        at = start.saturating_add(step).min(stretch.end);
        (start < at).then_some(start..at)
    })
}

/// Reads a stretch to the front of a slab.
fn fill(device: &impl ReadAt, slab: &mut [u8], stretch: &Range<u64>) -> io::Result<()> {
    let len = stretch.end.saturating_sub(stretch.start);
    let mut left = slab.get_mut(..index(len)).unwrap_or_default();
    let mut at = stretch.start;
    while !left.is_empty() {
        match device.read_at(left, at) {
            // A device that is shorter than it says has no such bytes.
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                left = left.get_mut(count..).unwrap_or_default();
                at = stretch.end.saturating_sub(length(left));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether it is the medium that does not give its bytes back, and not this machine that has no memory or rights.
fn is_of_medium(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let of_medium = [
        Errno::IO,
        Errno::ILSEQ,
        Errno::NODATA,
        Errno::TIMEDOUT,
        Errno::NXIO,
        Errno::REMOTEIO,
    ];
    let known = of_medium
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
    known || error.kind() == io::ErrorKind::UnexpectedEof
}

fn told(lost: &[Range<u64>]) -> Vec<Problem> {
    let len = |stretch: &Range<u64>| stretch.end.saturating_sub(stretch.start);
    let problem = |detail| Problem::new(ProblemKind::Unreadable, detail);
    let named = lost.iter().take(NAMED).map(|stretch| {
        problem(format!(
            "the device cannot be read at {:#x} to {:#x} ({} bytes); zeros stand there instead",
            stretch.start,
            stretch.end,
            len(stretch)
        ))
    });
    let mut told: Vec<Problem> = named.collect();
    let rest = lost.get(NAMED..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = rest.iter().map(len).fold(0, u64::saturating_add);
        told.push(problem(format!(
            "the device cannot be read in {} more places ({sum} bytes); zeros stand there instead",
            rest.len()
        )));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device with sectors that cannot be read, which gives at most so many bytes at a time.
    struct Failing {
        bytes: Vec<u8>,
        bad: Vec<Range<u64>>,
        most: usize,
        error: i32,
    }

    impl ReadAt for Failing {
        fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
            let count = into.len().min(self.most).min(self.bytes.len() - index(at));
            let end = at + length(&into[..count]);
            if self.bad.iter().any(|bad| bad.start < end && at < bad.end) {
                return Err(io::Error::from_raw_os_error(self.error));
            }
            into[..count].copy_from_slice(&self.bytes[index(at)..index(end)]);
            Ok(count)
        }
    }

    const IO: i32 = 5;
    const LEN: usize = (3 << 20) + 700;

    fn failing(bad: &[Range<u64>]) -> Failing {
        Failing {
            bytes: (0..LEN).map(|at| (at % 251) as u8 + 1).collect(),
            bad: bad.to_vec(),
            most: usize::MAX,
            error: IO,
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_is_there() {
        let bad = [0x0..0x200, 0x10_0200..0x10_0a00, 3 << 20..LEN as u64];
        for most in [usize::MAX, 300] {
            let device = Failing {
                most,
                ..failing(&bad)
            };
            let spool = Spool::new(1 << 30);
            assert!(!is_whole(&device, LEN as u64).unwrap());
            let (bytes, problems) = salvage(&device, LEN as u64, &spool).unwrap();
            let mut expected = device.bytes.clone();
            for stretch in &bad {
                expected[index(stretch.start)..index(stretch.end)].fill(0);
            }
            assert!(bytes == expected, "{most}");
            let told: Vec<&str> = problems.iter().map(|it| it.detail.as_str()).collect();
            assert_eq!(told.len(), 3);
            assert!(
                told[1].contains("0x100200 to 0x100a00 (2048 bytes)"),
                "{told:?}"
            );
        }
    }

    #[test]
    fn a_device_without_faults_is_whole() {
        assert!(is_whole(&failing(&[]), LEN as u64).unwrap());
    }

    #[test]
    fn a_fault_of_this_machine_is_no_bad_sector() {
        let device = Failing {
            error: 12,
            ..failing(std::slice::from_ref(&(0..1)))
        };
        assert!(is_whole(&device, LEN as u64).is_err());
        assert!(salvage(&device, LEN as u64, &Spool::new(1 << 30)).is_err());
    }

    #[test]
    fn many_places_are_told_together() {
        let bad: Vec<Range<u64>> = (0..100).map(|at| at * 1024..at * 1024 + 512).collect();
        let (_, problems) = salvage(&failing(&bad), LEN as u64, &Spool::new(1 << 30)).unwrap();
        assert_eq!(problems.len(), NAMED + 1);
        assert!(
            problems[NAMED]
                .detail
                .contains("36 more places (18432 bytes)")
        );
    }
}
