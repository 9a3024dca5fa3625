//! Files as bytes: the one place of the crate that holds `unsafe`.

#![expect(
    unsafe_code,
    reason = "mapping a file, giving its pages back, and ending well where they are gone; see each block"
)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions, UncheckedAdvice};

/// How many bytes may be touched before the pages of all maps are given back (64 MiB).
const RESIDENT: u64 = 64 << 20;

/// What Linux maps around one page that is read (64 KiB).
const AROUND: u64 = 64 << 10;

static TOUCHED: AtomicU64 = AtomicU64::new(0);
static MAPS: Mutex<Vec<Weak<Mmap>>> = Mutex::new(Vec::new());

struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps `len` bytes of `file` from `at`, read-only.
///
/// # Errors
/// What the operating system says: the file cannot be mapped.
pub fn map(file: &File, at: u64, len: usize) -> io::Result<Bytes> {
    if len == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the map is private and read-only. The bytes may still change when another process writes to the file
    // meanwhile: every reader copies a value once and checks it then, and the command compares the file's
    // identity before and after. A file that shrinks, or cannot be read any more, raises SIGBUS: `end_on_lost_bytes`.
    let map = unsafe { MmapOptions::new().offset(at).len(len).map(file)? };
    let map = Arc::new(map);
    let mut maps = MAPS.lock().unwrap_or_else(PoisonError::into_inner);
    maps.retain(|known| known.strong_count() > 0);
    maps.push(Arc::downgrade(&map));
    Ok(Bytes::from_owner(Owner(map)))
}

/// What is done in the moment that bytes of a map are gone.
pub struct Farewell {
    /// What is written to standard error.
    pub told: &'static str,
    /// The exit code.
    pub code: i32,
    /// A folder that is removed if it is empty.
    pub folder: Option<CString>,
}

/// Has the program say why it ends when a file that is mapped became shorter or cannot be read any more. There is nobody to whom that could
/// be returned: the bytes are read everywhere, as memory.
///
/// # Errors
/// The operating system's.
#[cfg(target_os = "linux")]
pub fn end_on_lost_bytes(farewell: Farewell) -> io::Result<()> {
    let end = move || {
        let _ = rustix::io::write(rustix::stdio::stderr(), farewell.told.as_bytes());
        if let Some(folder) = &farewell.folder {
            let _ = rustix::fs::unlinkat(rustix::fs::CWD, folder, rustix::fs::AtFlags::REMOVEDIR);
        }
        signal_hook::low_level::exit(farewell.code);
    };
    // SAFETY: what runs in the handler must be safe to run in the middle of anything. It makes three system calls (write, unlinkat, exit_group)
    // on values that were made before, and takes no lock and no memory. The standard library's handler would run before it, and gives the
    // signal back its default: a second thread whose bytes are gone in that moment would be killed. It is for stacks that overflow, which raise
    // another signal on Linux.
    unsafe {
        libc::signal(libc::SIGBUS, libc::SIG_DFL);
        signal_hook::low_level::register(libc::SIGBUS, end)
    }
    .map(drop)
}

/// On other systems a stack that overflows raises the same signal.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn end_on_lost_bytes(_farewell: Farewell) -> io::Result<()> {
    Ok(())
}

/// Notes that one place was read: the system brings in its surroundings too, and more than one page of them.
pub fn visited() {
    touched(AROUND);
}

/// Notes that `count` bytes were read through, and now and then gives the pages of all maps back to the operating
/// system, so that the memory of a run stays bounded whatever the size of the image. They come back when read again.
pub fn touched(count: u64) {
    let before = TOUCHED.fetch_add(count, Ordering::Relaxed);
    if before.saturating_add(count) < RESIDENT {
        return;
    }
    TOUCHED.store(0, Ordering::Relaxed);
    let maps = MAPS.lock().unwrap_or_else(PoisonError::into_inner);
    for map in maps.iter().filter_map(Weak::upgrade) {
        // SAFETY: the maps are read-only views of files, so a dropped page holds nothing that the file does not;
        // the next read loads it again. Failure costs memory only.
        let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
    }
}
