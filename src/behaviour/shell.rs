//! From the commands of a script to steps, with what is known of where data came from.

mod account;
mod files;
mod lines;
mod network;
mod protect;
mod run;
mod service;
mod transfer;

use std::collections::BTreeSet;

pub(super) use self::account::is_password;
pub(super) use self::run::is_shell;

use super::act::{Act, Trait};
use super::config::Stated;
use super::config::account::{self as accounts, Shells};
use super::config::startup::{self, When};
use super::paths;
use super::scene::{Content, Scene};
use super::unit::{InCode, Spot, Step};
use crate::entry::EntryPath;
use crate::facts::script::redact::text as redacted;
pub(super) use crate::facts::script::redact::{cut, is_secret_name};
use crate::facts::script::{Argument, Command, Script};
use crate::facts::secret::Secret;
use crate::place::{Place, escape};

/// Scripts that start scripts are followed so far.
const DEEPEST: usize = 4;
/// So many steps of one unit are kept.
const MOST: usize = 4000;

/// Follows scripts and notes their steps.
pub(super) struct Flow<'s> {
    scene: &'s Scene,
    pub(super) steps: Vec<Step>,
    pub(super) problems: Vec<String>,
    place: Place,
    path: EntryPath,
    /// The folder that commands run in, where it is known.
    folder: Vec<u8>,
    /// Paths that hold what came over the network.
    remote: BTreeSet<Vec<u8>>,
    /// Paths that hold what is on media.
    media: BTreeSet<Vec<u8>>,
    followed: BTreeSet<Place>,
    /// Paths that are started or sourced.
    pub(super) starts: BTreeSet<Vec<u8>>,
    depth: usize,
    /// What comes out of the command before in the pipe.
    carried: BTreeSet<Trait>,
    /// Whether the pipe undoes an encoding.
    decodes: bool,
    /// The call of a program that commands come from.
    caller: Option<Caller>,
}

/// A call of a program whose effect is told as a command.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) spot: Spot,
    /// The function that it stands in.
    pub(super) function: String,
    /// What is called.
    pub(super) name: &'static str,
    /// Where the text stands that it is given.
    pub(super) text: Option<u64>,
    /// What it goes by.
    pub(super) code: InCode,
}

impl<'s> Flow<'s> {
    pub(super) fn new(scene: &'s Scene, file: &Content) -> Self {
        Self {
            scene,
            steps: Vec::new(),
            problems: Vec::new(),
            place: file.place.clone(),
            path: file.path.clone(),
            folder: Vec::new(),
            remote: BTreeSet::new(),
            media: BTreeSet::new(),
            followed: BTreeSet::from([file.place.clone()]),
            starts: BTreeSet::new(),
            depth: 0,
            carried: BTreeSet::new(),
            decodes: false,
            caller: None,
        }
    }

    /// Whatever is noted from here on comes from a call.
    pub(super) fn call(&mut self, caller: Caller) -> &mut Self {
        self.caller = Some(caller);
        self
    }

    /// Follows nothing that is started or sourced; it is noted in `starts` all the same.
    pub(super) fn alone(&mut self) -> &mut Self {
        self.depth = DEEPEST;
        self
    }

    /// The steps of a command that stands on a line of something else than a script.
    pub(super) fn follow_line(&mut self, text: &[u8], line: u32) {
        let mut script = Script::parse(text);
        for command in &mut script.commands {
            command.line = line;
        }
        script.problems.clear();
        self.follow(&script);
    }

    /// The steps of a command that a configuration names.
    pub(super) fn follow_start(&mut self, command: &startup::Command) {
        if command.when == When::Plugged {
            let spot = Spot::Line(command.line);
            self.state(Stated::new(Act::Hotplug, [], spot, cut(&command.text)));
        }
        self.follow_line(&command.text, command.line);
    }

    /// Notes what a command starts, and no more.
    pub(super) fn list_starts(&mut self, text: &[u8]) {
        self.alone().follow_line(text, 0);
    }

    /// The steps of a command that is put together from a call.
    pub(super) fn follow_command(&mut self, command: &Command) {
        self.carried.clear();
        self.decodes = false;
        self.command(command);
    }

    /// Notes what a call does that is no command.
    pub(super) fn state_call(
        &mut self,
        act: Act,
        traits: impl IntoIterator<Item = Trait>,
        shown: &str,
    ) {
        self.note_as(
            act,
            traits,
            &Command::default(),
            shown.to_owned(),
            Vec::new(),
        );
    }

    /// Notes that what a connection brought is put at a path.
    pub(super) fn received(&mut self, path: &[u8]) {
        let from = BTreeSet::from([Trait::FromRemote, Trait::Received]);
        self.write(paths::normal(path), &from, &Command::default());
    }

    /// Where what is at a path that a call names came from.
    pub(super) fn origin_of(&self, path: &[u8]) -> BTreeSet<Trait> {
        self.origin(&paths::normal(path))
    }

    /// Notes what a configuration states.
    pub(super) fn state(&mut self, stated: Stated) {
        if self.steps.len() >= MOST {
            return;
        }
        self.steps.push(Step {
            act: stated.act,
            traits: stated.traits,
            place: self.place.clone(),
            path: self.path.clone(),
            spot: stated.spot,
            function: None,
            text: stated.text,
            secrets: stated.secrets,
            code: None,
        });
    }

    /// The files around it.
    pub(super) fn scene(&self) -> &'s Scene {
        self.scene
    }

    /// The shells of the accounts of the tree that a file stands in.
    pub(super) fn login_shells(&self, file: &Content) -> Shells {
        let passwd = self.scene.at(b"/etc/passwd", &file.place);
        passwd
            .map(|passwd| accounts::shells(&passwd.bytes))
            .unwrap_or_default()
    }

    /// The steps of a script.
    pub(super) fn follow(&mut self, script: &Script) {
        self.problems
            .extend(script.problems.iter().map(|problem| problem.detail.clone()));
        let mut rest = script.commands.as_slice();
        while let Some(first) = rest.first() {
            let same = |command: &&Command| {
                command.pipe.is_some()
                    && command.pipe.map(|pipe| pipe.number) == first.pipe.map(|pipe| pipe.number)
            };
            let count = rest.iter().take_while(same).count().max(1);
            let (pipe, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            self.pipe(pipe);
            rest = after;
        }
    }

    /// Commands that stand in one pipe, or one that stands in none.
    fn pipe(&mut self, pipe: &[Command]) {
        self.carried.clear();
        self.decodes = pipe.iter().any(lines::decodes);
        if pipe.len() > 1 && self.shell_in_pipe(pipe) {
            return;
        }
        for command in pipe {
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        let name = command.name();
        for (variable, value) in &command.assignments {
            self.assignment(variable, value, command);
        }
        self.redirections(command);
        let known = match name {
            b"cd" | b"pushd" => {
                if let Some(folder) = command.arguments().first() {
                    self.folder = self.resolve(folder);
                }
                true
            }
            b"export" => {
                for word in command.arguments() {
                    if let Some(sign) = memchr::memchr(b'=', &word.text) {
                        let (variable, value) = word.text.split_at(sign);
                        let text = value.get(1..).unwrap_or_default().to_vec();
                        let value = Argument {
                            text,
                            known: word.known,
                        };
                        self.assignment(variable, &value, command);
                    }
                }
                true
            }
            _ => {
                self.network(name, command)
                    || self.transfer(name, command)
                    || self.files(name, command)
                    || self.service(name, command)
                    || self.account(name, command)
                    || self.protect(name, command)
            }
        };
        if !known {
            self.run(name, command);
        }
        // Filters hand on what they read; a download puts its own there.
        if !matches!(
            name,
            b"cat"
                | b"tee"
                | b"gzip"
                | b"gunzip"
                | b"zcat"
                | b"xz"
                | b"xzcat"
                | b"bzip2"
                | b"openssl"
                | b"base64"
                | b"tr"
                | b"sed"
                | b"wget"
                | b"curl"
                | b"nc"
                | b"netcat"
                | b"ncat"
                | b"tail"
                | b"head"
                | b"dd"
                | b"grep"
                | b"ftpget"
                | b"tftp"
                | b"awk"
        ) {
            self.carried.clear();
        }
    }

    /// Notes a step.
    fn note(&mut self, act: Act, traits: impl IntoIterator<Item = Trait>, command: &Command) {
        let (text, secrets) = redacted(command);
        self.note_as(act, traits, command, text, secrets);
    }

    fn note_as(
        &mut self,
        act: Act,
        traits: impl IntoIterator<Item = Trait>,
        command: &Command,
        text: String,
        secrets: Vec<Secret>,
    ) {
        if self.steps.len() >= MOST {
            return;
        }
        let mut traits: BTreeSet<Trait> = traits.into_iter().collect();
        if command.decoded {
            traits.insert(Trait::Piped);
        }
        let mut step = Step {
            act,
            traits,
            place: self.place.clone(),
            path: self.path.clone(),
            spot: Spot::Line(command.line),
            function: command.function.as_ref().map(|name| escape(name)),
            text,
            secrets,
            code: None,
        };
        // A script that a call starts is followed line by line.
        if let Some(caller) = self.caller.as_ref().filter(|_| self.depth == 0) {
            step.spot = caller.spot;
            step.function = Some(caller.function.clone());
            step.code = Some(caller.code.clone());
            let colon = if step.text.is_empty() { "" } else { ": " };
            let at = caller
                .text
                .map(|address| format!(" (text at {address:#x})"));
            step.text = format!(
                "{}{colon}{}{}",
                caller.name,
                step.text,
                at.unwrap_or_default()
            );
        }
        self.steps.push(step);
    }

    /// The path that an argument means; one that is not known keeps the text by which the script names it.
    fn resolve(&self, argument: &Argument) -> Vec<u8> {
        let text = argument.text.as_slice();
        if matches!(text.first(), Some(b'/' | b'$' | b'`' | b'~')) {
            return paths::normal(text);
        }
        if self.folder.is_empty() {
            return paths::normal(text);
        }
        let mut whole = self.folder.clone();
        whole.push(b'/');
        whole.extend_from_slice(text);
        paths::normal(&whole)
    }

    /// Where what is at a path came from.
    fn origin(&self, path: &[u8]) -> BTreeSet<Trait> {
        let mut traits = BTreeSet::new();
        let below = |folders: &BTreeSet<Vec<u8>>| {
            folders.iter().any(|folder| paths::is_below(path, folder))
        };
        if below(&self.remote) {
            traits.insert(Trait::FromRemote);
        } else if below(&self.media) || paths::is_medium(path) {
            traits.insert(Trait::FromMedium);
        } else if paths::is_temporary(path) {
            traits.insert(Trait::FromTemporary);
        }
        if paths::is_recorded(path) {
            traits.insert(Trait::Recorded);
        }
        traits
    }

    /// What a path that is written to is for.
    fn purpose(path: &[u8]) -> BTreeSet<Trait> {
        let mut traits = BTreeSet::new();
        if paths::is_code(path) {
            traits.insert(Trait::CodePath);
        }
        if paths::is_start(path) {
            traits.insert(Trait::StartPath);
        }
        if paths::is_account(path) {
            traits.insert(Trait::AccountPath);
        }
        traits
    }

    /// Remembers that what is at a path came from where `from` did.
    fn taint(&mut self, path: Vec<u8>, from: &BTreeSet<Trait>) {
        // That all of a tree came from elsewhere would say nothing of one file.
        if path.is_empty() || path == b"/" || self.remote.len() > 256 {
            return;
        }
        if from.contains(&Trait::FromRemote) {
            self.remote.insert(path);
        } else if from.contains(&Trait::FromMedium) {
            self.media.insert(path);
        }
    }

    /// Notes that a path is written with what came from `from`.
    fn write(&mut self, path: Vec<u8>, from: &BTreeSet<Trait>, command: &Command) {
        let mut traits = Self::purpose(&path);
        if paths::is_below(&path, b"/etc/ld.so.preload") {
            self.note(Act::Preload, from.iter().copied(), command);
        }
        if path.ends_with(b"authorized_keys") {
            self.note(Act::AuthorizedKey, from.iter().copied(), command);
        }
        if !traits.is_empty() {
            traits.extend(from);
            self.note(Act::Write, traits, command);
        }
        self.taint(path, from);
    }

    /// Goes through a script that is started or sourced, if the scene has it.
    fn enter(&mut self, path: &[u8]) {
        self.starts.insert(path.to_vec());
        if self.depth >= DEEPEST {
            return;
        }
        let scene = self.scene;
        for file in scene.matching(path, &self.place) {
            if !self.followed.insert(file.place.clone()) {
                continue;
            }
            let Some(script) = super::tree::script(file) else {
                continue;
            };
            let outside = (self.place.clone(), self.path.clone(), self.folder.clone());
            self.place = file.place.clone();
            self.path = file.path.clone();
            self.depth = self.depth.saturating_add(1);
            self.follow(&script);
            self.depth = self.depth.saturating_sub(1);
            (self.place, self.path, self.folder) = outside;
        }
    }
}
