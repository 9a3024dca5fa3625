//! What a command can still do once it reads what may be hostile: read its inputs, write its outputs, and no more.
//!
//! On Linux, Landlock decides which files can be opened (`files`), and a seccomp filter which system calls can be made (`calls`). Both
//! are closed when all that is trusted was read and before an image is opened, so that whoever takes over a reader of a format finds
//! no program to start, no network, no other process, and no file but those. Elsewhere, and on a kernel that has neither, the work is
//! done all the same: `--require-sandbox` refuses that.

#[cfg(target_os = "linux")]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )),
    path = "sandbox/no_calls.rs"
)]
mod calls;
#[cfg(target_os = "linux")]
mod files;

use std::cell::RefCell;
use std::ffi::CString;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::interrupt::{self, Signals, Unfinished};
use super::{exit, output, talk};
use crate::cli::{self, Cli};
use crate::image::map::{self, Farewell};
use crate::report::verify::Sandbox;

/// The sandbox was required, and this system cannot hold it.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be held: {0}")]
pub(super) struct NotHeld(String);

/// What may be done with a path, and with what is below it where it is a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Read files, list folders.
    Read,
    /// Write to what is no file, such as a device.
    Write,
    /// Give a file that is open already a name that nothing has.
    Link,
    /// The same, in place of another.
    Replace,
    /// Make, read, write and remove files.
    Files,
    /// Make files, folders and links, and read, write and remove them.
    Tree,
    /// The same, and device nodes, pipes and sockets.
    Nodes,
    /// Remove folders that are empty.
    Clear,
}

/// Everything that stays possible.
#[derive(Debug, Default)]
pub struct Rules {
    paths: Vec<(PathBuf, Right)>,
}

impl Rules {
    /// With a right to a path. One that is not there gives none.
    #[must_use]
    pub fn with(mut self, path: &Path, right: Right) -> Self {
        self.paths.push((path.to_owned(), right));
        self
    }

    /// Whether files are made as an image states them: their owners, modes and times, too.
    fn has_trees(&self) -> bool {
        let mut rights = self.paths.iter().map(|(_, right)| right);
        rights.any(|right| matches!(right, Right::Tree | Right::Nodes))
    }
}

/// What holds from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whether no file can be opened but those allowed; or why not.
    pub files: Result<(), String>,
    /// Whether the system calls that nothing here needs are refused; or why not.
    pub calls: Result<(), String>,
}

/// Gives up everything but what the rules allow, for good. The process must have one thread: what threads it starts are held, too.
#[cfg(target_os = "linux")]
pub fn restrict(rules: &Rules) -> Held {
    let files = match threads() {
        1 => files::restrict(&rules.paths),
        count => Err(format!("{count} threads were running already")),
    };
    let calls = calls::restrict(rules.has_trees());
    Held { files, calls }
}

/// How many threads this process has.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// Gives up nothing: there is no such means here.
#[cfg(not(target_os = "linux"))]
pub fn restrict(_rules: &Rules) -> Held {
    let why = || Err("it is not available on this system".to_owned());
    Held {
        files: why(),
        calls: why(),
    }
}

impl Held {
    fn is_whole(&self) -> bool {
        self.files.is_ok() && self.calls.is_ok()
    }

    /// What holds and what does not, on one line.
    fn told(&self) -> String {
        let told = |what: &str, held: &Result<(), String>| match held {
            Ok(()) => format!("{what}: held"),
            Err(why) => format!("{what}: not held, {why}"),
        };
        let files = told("files (Landlock)", &self.files);
        let calls = told("system calls (seccomp)", &self.calls);
        format!("{files}; {calls}")
    }
}

/// What a command will still open.
#[derive(Debug, Default)]
pub(super) struct Access {
    rules: Rules,
    outputs: Vec<(PathBuf, u32)>,
    is_told: bool,
}

impl Access {
    /// It reads these, which are files, devices or folders.
    pub(super) fn reads<'a>(mut self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        for path in paths {
            self.rules = self.rules.with(path, Right::Read);
        }
        self
    }

    /// It reads the files that belong to an image, and those that say how to read it.
    pub(super) fn reads_beside(self, beside: &cli::Beside, reading: &cli::Reading) -> Self {
        self.reads(beside.with.iter().map(|(_, path)| path))
            .reads(&beside.second_read)
            .reads(&beside.interleave)
            .reads(&reading.wrapper)
    }

    /// It writes a file, where there is to be one.
    pub(super) fn writes(mut self, path: Option<&Path>, mode: u32) -> Self {
        self.outputs
            .extend(path.map(|path| (path.to_owned(), mode)));
        self
    }

    /// It has a right to a folder.
    pub(super) fn has(mut self, folder: Option<&Path>, right: Right) -> Self {
        if let Some(folder) = folder {
            self.rules = self.rules.with(folder, right);
        }
        self
    }

    /// It writes a report, and says what holds where that is verbose.
    pub(super) fn reports(self, to: &cli::ReportOutput) -> Self {
        let mut own = self.writes(to.output.as_deref(), 0o644);
        own.is_told = to.verbose;
        own
    }
}

/// How much is asked of the sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Off,
    Possible,
    Required,
}

/// A folder for temporary files, which is gone when this is.
struct Spill {
    folder: PathBuf,
    _unfinished: Unfinished,
}

impl Drop for Spill {
    fn drop(&mut self) {
        // It is empty as a rule, and then no descriptor is needed for it, of which there may be none left.
        let _ =
            std::fs::remove_dir(&self.folder).or_else(|_| std::fs::remove_dir_all(&self.folder));
    }
}

/// A command before its work.
pub(super) struct Start {
    wish: Wish,
    jobs: Option<usize>,
    /// The folder of temporary files, for as long as the command runs.
    spill: RefCell<Option<Spill>>,
}

impl Start {
    pub(super) fn new(cli: &Cli) -> Self {
        Self {
            wish: match (cli.no_sandbox, cli.require_sandbox) {
                (true, _) => Wish::Off,
                (false, true) => Wish::Required,
                (false, false) => Wish::Possible,
            },
            jobs: cli.jobs,
            spill: RefCell::new(None),
        }
    }

    /// Begins the work of a command that reads nothing hostile.
    pub(super) fn begin(&self) -> Result<()> {
        let signals = Signals::keep()?;
        start_threads(signals, self.jobs.unwrap_or_default())
    }

    /// Closes the sandbox and begins the work. Yields what the report may state: what holds on every machine where it was written.
    pub(super) fn confine(&self, access: Access) -> Result<Option<Sandbox>> {
        let signals = Signals::keep()?;
        // Counting the processors reads files.
        let jobs = match self.jobs {
            None if std::env::var_os("RAYON_NUM_THREADS").is_none() => {
                std::thread::available_parallelism().map_or(0, NonZero::get)
            }
            stated => stated.unwrap_or_default(),
        };
        let mut rules = access.rules;
        for (path, mode) in &access.outputs {
            let (path, right) = output::reserve(path, *mode)?;
            rules = rules.with(&path, right);
        }
        if self.wish != Wish::Off {
            let held = restrict(&self.spilling(rules));
            if self.wish == Wish::Required && !held.is_whole() {
                return Err(NotHeld(held.told()).into());
            }
            if access.is_told || self.wish == Wish::Required {
                talk::say(&format!("sandbox: {}", held.told()));
            }
        } else if access.is_told {
            talk::say("sandbox: switched off");
        }
        map::end_on_lost_bytes(self.farewell())?;
        start_threads(signals, jobs)?;
        Ok(match self.wish {
            Wish::Off => Some(Sandbox::Off),
            Wish::Possible => None,
            Wish::Required => Some(Sandbox::Held),
        })
    }

    /// What is said and done when an image becomes shorter while it is read, or its disk fails.
    fn farewell(&self) -> Farewell {
        let spill = self.spill.borrow();
        let folder = spill.as_ref().map(|spill| spill.folder.as_os_str());
        Farewell {
            told: "error: a file became shorter, or could not be read, in the middle of the work; nothing was verified\n\n\
                   hint: see that nothing writes to it, or copy what its disk still gives, and read that\n",
            code: exit::CANNOT_READ.into(),
            folder: folder.and_then(|folder| CString::new(folder.as_bytes()).ok()),
        }
    }

    /// A folder of its own for temporary files: with a right to that of all programs, their files could be read and written.
    fn spilling(&self, rules: Rules) -> Rules {
        let all = tempfile::env::temp_dir();
        let Ok(folder) = tempfile::Builder::new().prefix("vitalsign-").tempdir() else {
            // What is too large to be held in memory is a problem of its region then.
            return rules;
        };
        let folder = folder.keep();
        let _ = tempfile::env::override_temp_dir(&folder);
        let rules = rules.with(&folder, Right::Files).with(&all, Right::Clear);
        *self.spill.borrow_mut() = Some(Spill {
            _unfinished: interrupt::unfinished(&folder),
            folder,
        });
        rules
    }
}

/// Starts the threads, which come under what holds by now. No `jobs`: as many as there are processors.
fn start_threads(signals: Signals, jobs: usize) -> Result<()> {
    signals.watch()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs);
    Ok(pool.build_global()?)
}

impl Drop for Start {
    fn drop(&mut self) {
        output::release();
    }
}
