//! What a walk over a file system gathers: entries within the budget, problems up to a number, and the account of the bytes.

use super::account::Account;
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, Superseded, name_problem};
use crate::formats::{Content, Opened, Properties, Tree};
use crate::problem::{Problem, ProblemKind};
use crate::read::length;

/// Problems that are told one by one.
const TOLD: usize = 1000;

/// What was gathered so far.
pub(super) struct Harvest<'a> {
    budget: &'a Budget,
    /// Which bytes are explained.
    pub(super) account: Account,
    /// What the file system says about itself.
    pub(super) properties: Properties,
    entries: Vec<Entry>,
    history: Vec<Superseded>,
    problems: Vec<Problem>,
    untold: u64,
    stopped: bool,
}

impl<'a> Harvest<'a> {
    /// Nothing yet.
    pub(super) fn new(budget: &'a Budget) -> Self {
        Self {
            budget,
            account: Account::default(),
            properties: Properties::new(),
            entries: Vec::new(),
            history: Vec::new(),
            problems: Vec::new(),
            untold: 0,
            stopped: false,
        }
    }

    /// Tells a problem.
    pub(super) fn tell(&mut self, problem: Problem) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// The path of a stored name below `parent`; a name that does not read as one component is told.
    pub(super) fn path(&mut self, parent: &EntryPath, name: &[u8]) -> EntryPath {
        let path = parent.join(name);
        if let Some(problem) = name_problem(name, &path) {
            self.tell(problem);
        } else if name.is_empty() || name == b"." || name.contains(&b'/') {
            let detail = "the stored name is empty, `.` or has a slash in it; kept as data";
            self.tell(Problem::new(ProblemKind::Name, detail).about(&path));
        }
        path
    }

    /// Makes room for one more entry whose path and attributes take so many bytes. Where there is none the walk ends.
    pub(super) fn has_room(&mut self, bytes: u64) -> bool {
        if !self.stopped
            && let Err(problem) = self.budget.spend_entries(1)
        {
            self.tell(problem);
            self.stopped = true;
        }
        self.hold(bytes)
    }

    /// Makes room for so many bytes that are held in memory. Where there is none the walk ends.
    pub(super) fn hold(&mut self, bytes: u64) -> bool {
        if self.stopped {
            return false;
        }
        if let Err(problem) = self.budget.spend_held(bytes) {
            self.tell(problem);
            self.stopped = true;
        }
        !self.stopped
    }

    /// Adds an entry; returns whether the walk may go on.
    pub(super) fn add(&mut self, entry: Entry) -> bool {
        let room = self.has_room(length(entry.path.as_bytes()));
        if room {
            self.entries.push(entry);
        }
        room
    }

    /// Adds an older content, for which room was made before.
    pub(super) fn push_older(&mut self, older: Superseded) {
        self.history.push(older);
    }

    /// Whether the walk ended early.
    pub(super) fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// Everything that was gathered.
    pub(super) fn finish(mut self) -> Opened {
        if self.untold > 0 {
            let detail = format!("{} more problems", self.untold);
            self.problems.push(Problem::corrupt(detail));
        }
        Opened {
            content: Content::Tree(Tree {
                entries: self.entries,
                history: self.history,
            }),
            spans: self.account.finish().0,
            problems: self.problems,
            properties: self.properties,
        }
    }
}
