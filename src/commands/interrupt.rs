//! What is done when somebody ends the program: files that are not whole yet are removed, and then it ends by that signal.
//!
//! A signal that whoever started the program has it ignore (`nohup`) stays ignored.

use std::io::{PipeReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};

static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static GENTLE: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// A file or a folder that must not outlive the program; once this is dropped it may.
pub(super) struct Unfinished(PathBuf);

/// Notes what is to be removed should the program be ended.
pub(super) fn unfinished(path: &Path) -> Unfinished {
    let mut all = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    all.push(path.to_owned());
    Unfinished(path.to_owned())
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut all = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|path| *path == self.0) {
            all.swap_remove(at);
        }
    }
}

/// Has the first signal set a flag, and the second one end the program.
pub(super) fn gently(stop: &Arc<AtomicBool>) {
    *GENTLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(stop));
}

/// Signals that are kept until somebody watches them.
pub(super) struct Signals {
    /// Which one came last.
    last: Arc<AtomicUsize>,
    /// Gives a byte for each. No socket, since the sandbox refuses to send on one.
    came: PipeReader,
}

impl Signals {
    /// Keeps signals from now on.
    pub(super) fn keep() -> std::io::Result<Self> {
        let ignored = ignored();
        let last = Arc::new(AtomicUsize::new(0));
        let (came, comes) = std::io::pipe()?;
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            if ignored.contains(&signal) {
                continue;
            }
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&last), number)?;
            pipe::register(signal, comes.try_clone()?)?;
        }
        Ok(Self { last, came })
    }

    /// Does what they ask for, on a thread of its own.
    pub(super) fn watch(mut self) -> std::io::Result<()> {
        let watch = move || {
            while self.came.read_exact(&mut [0]).is_ok() {
                let gentle = GENTLE.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(stop) = gentle {
                    stop.store(true, Ordering::Relaxed);
                    continue;
                }
                for path in &*UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) {
                    let _ = std::fs::remove_file(path)
                        .or_else(|_| std::fs::remove_dir(path))
                        .or_else(|_| std::fs::remove_dir_all(path));
                }
                let signal = i32::try_from(self.last.load(Ordering::Relaxed));
                let _ = emulate_default_handler(signal.unwrap_or(SIGTERM));
            }
        };
        let builder = std::thread::Builder::new().name("signals".to_owned());
        builder.spawn(watch).map(drop)
    }
}

/// The signals that this process was started to ignore, where the system tells.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mask = mask.unwrap_or_default();
    let is_set = |signal: &i32| {
        let bit = u32::try_from(*signal).ok().and_then(|it| it.checked_sub(1));
        bit.and_then(|bit| mask.checked_shr(bit))
            .is_some_and(|mask| mask & 1 == 1)
    };
    (1..=64).filter(is_set).collect()
}
