//! Where decoded streams go: memory up to a limit, then unlinked temporary files.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::map;
use crate::read::{index, length};

/// A single stream larger than this goes to a file even when there is memory left (16 MiB).
const LARGE: u64 = 16 << 20;

/// Holds decoded streams for as long as somebody reads them.
pub struct Spool {
    memory: Arc<AtomicU64>,
}

/// A share of the spool's memory, given back when dropped.
struct Share {
    memory: Arc<AtomicU64>,
    taken: u64,
}

impl Share {
    fn grow(&mut self, count: u64) -> bool {
        let take = |have: u64| have.checked_sub(count);
        let granted = self
            .memory
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok();
        if granted {
            self.taken = self.taken.saturating_add(count);
        }
        granted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.fetch_add(self.taken, Ordering::Relaxed);
    }
}

/// Bytes in memory together with their share of it.
struct Held {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Spool {
    /// A spool that keeps up to `memory` bytes out of temporary files.
    pub fn new(memory: u64) -> Self {
        Self {
            memory: Arc::new(AtomicU64::new(memory)),
        }
    }

    /// A place to write one stream to.
    pub fn stream(&self) -> Stream {
        Stream {
            held: Vec::new(),
            share: Share {
                memory: Arc::clone(&self.memory),
                taken: 0,
            },
            spilled: None,
            len: 0,
        }
    }
}

/// One stream being written. It becomes [`Bytes`] when it is complete.
pub struct Stream {
    held: Vec<u8>,
    share: Share,
    spilled: Option<File>,
    len: u64,
}

impl Stream {
    /// How many bytes were written so far.
    pub fn written(&self) -> u64 {
        self.len
    }

    /// The bytes that were written.
    ///
    /// # Errors
    /// The temporary file could not be written or mapped.
    pub fn finish(self) -> io::Result<Bytes> {
        match self.spilled {
            Some(file) => map::map(&file, 0, index(self.len)),
            None => Ok(Bytes::from_owner(Held {
                bytes: self.held,
                _share: self.share,
            })),
        }
    }

    fn spill(&mut self) -> io::Result<&mut File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&std::mem::take(&mut self.held))?;
        Ok(self.spilled.insert(file))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = length(bytes);
        let fits = self.len.saturating_add(count) <= LARGE;
        match &mut self.spilled {
            Some(file) => file.write_all(bytes)?,
            None if fits && self.share.grow(count) => self.held.extend_from_slice(bytes),
            None => self.spill()?.write_all(bytes)?,
        }
        self.len = self.len.saturating_add(count);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_reads_back_from_memory_and_from_a_file() {
        let spool = Spool::new(8);
        for text in [&b"short"[..], b"longer than the memory"] {
            let mut stream = spool.stream();
            stream.write_all(text).unwrap();
            assert_eq!(stream.finish().unwrap(), text);
        }
    }

    #[test]
    fn memory_comes_back_when_the_last_reader_lets_go() {
        let spool = Spool::new(8);
        for _ in 0..3 {
            let mut stream = spool.stream();
            stream.write_all(b"12345678").unwrap();
            assert!(stream.spilled.is_none());
            drop(stream.finish().unwrap());
        }
        assert_eq!(spool.memory.load(Ordering::Relaxed), 8);
    }
}
