//! Goes through a script in the order in which it runs and notes each command with what is known of its arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::expand::{self, ALTERNATIVES, Expansion, Runs, Variables};
use super::print::{decode, echo, has, is_command_option, joined, printf, reads_input, unhex};
use super::reader::Reader;
use super::syntax::{Node, Redirect, RedirectKind, Simple, Target};
use super::{Argument, Command, Pipe, Redirection, wrapper};
use crate::problem::Problem;

/// Steps of work for one script.
const WORK: usize = 400_000;
/// So many commands of one script are kept.
const MOST: usize = 20_000;
/// Commands, calls and scripts inside scripts, one in another.
const DEEPEST: usize = 96;

/// What is noted of a script, and where the walk stands.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) commands: Vec<Command>,
    variables: Variables,
    functions: BTreeMap<Vec<u8>, Rc<Vec<Node>>>,
    called: BTreeSet<Vec<u8>>,
    /// Functions whose bodies the walk is in.
    calls: Vec<Vec<u8>>,
    seen: BTreeSet<(u32, Vec<Argument>)>,
    place: Place,
    pipes: u32,
    work: usize,
    depth: usize,
    spent: bool,
}

/// Under which circumstances a command runs.
#[derive(Clone, Default)]
struct Place {
    pipe: Option<Pipe>,
    background: bool,
    conditional: bool,
    decoded: bool,
    /// The line of the text that holds the script this belongs to, when it is a script inside a script.
    line: Option<u32>,
    /// What the command before it in its pipe prints.
    input: Option<Vec<u8>>,
}

impl Runs for Walk {
    fn output(&mut self, body: &[Node]) -> Option<Vec<u8>> {
        let outside = std::mem::take(&mut self.place);
        self.place.line = outside.line;
        self.place.decoded = outside.decoded;
        self.place.conditional = outside.conditional;
        let output = self.nodes(body);
        self.place = outside;
        output
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }
}

impl Walk {
    /// A whole script; functions that it never calls come last.
    pub(super) fn program(&mut self, nodes: &[Node]) {
        self.nodes(nodes);
        let functions = std::mem::take(&mut self.functions);
        self.functions.clone_from(&functions);
        for (name, body) in functions {
            if !self.called.contains(&name) {
                self.call(&name, &body, None);
            }
        }
    }

    /// What was left out.
    pub(super) fn problem(&self) -> Option<Problem> {
        self.spent.then(|| {
            Problem::limit(
                "the script does too much to be followed to its end; commands were left out",
            )
        })
    }

    fn spend(&mut self, work: usize) -> bool {
        self.work = self.work.saturating_add(work);
        self.spent |= self.work > WORK || self.commands.len() >= MOST;
        !self.spent
    }

    /// Commands one after the other; what they print, where the text tells all of it.
    fn nodes(&mut self, nodes: &[Node]) -> Option<Vec<u8>> {
        let mut output = Some(Vec::new());
        for node in nodes {
            let printed = self.node(node);
            output = output.zip(printed).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        output.filter(|output| output.len() <= super::LONGEST)
    }

    fn node(&mut self, node: &Node) -> Option<Vec<u8>> {
        if self.depth >= DEEPEST {
            self.spent = true;
        }
        if !self.spend(1) {
            return None;
        }
        self.depth = self.depth.saturating_add(1);
        let output = self.one(node);
        self.depth = self.depth.saturating_sub(1);
        output
    }

    fn one(&mut self, node: &Node) -> Option<Vec<u8>> {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::Pipe(nodes) => self.pipe(nodes),
            Node::Chain(nodes) => {
                let (first, rest) = nodes.split_first()?;
                self.node(first);
                self.perhaps(|walk| {
                    walk.nodes(rest);
                });
                None
            }
            Node::Background(node) => {
                let before = std::mem::replace(&mut self.place.background, true);
                self.node(node);
                self.place.background = before;
                None
            }
            Node::Group(nodes, redirects) => {
                let output = self.nodes(nodes);
                self.redirected(redirects, output.clone());
                output
            }
            Node::Choice {
                conditions,
                branches,
                redirects,
            } => {
                self.nodes(conditions);
                self.perhaps(|walk| {
                    for branch in branches {
                        walk.nodes(branch);
                    }
                });
                self.redirected(redirects, None);
                None
            }
            Node::Loop {
                variable,
                values,
                body,
                redirects,
            } => {
                let mut all = Vec::new();
                for word in values {
                    all.extend(expand::fields(word, self, &mut Expansion::default()));
                }
                self.variables.forget(variable);
                for value in all {
                    self.variables.set(variable, value, false);
                }
                self.perhaps(|walk| {
                    walk.nodes(body);
                });
                self.redirected(redirects, None);
                None
            }
            Node::Function { name, body } => {
                self.functions.insert(name.clone(), Rc::clone(body));
                Some(Vec::new())
            }
        }
    }

    /// Does what may run or not.
    fn perhaps(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.place.conditional, true);
        walk(self);
        self.place.conditional = before;
    }

    fn pipe(&mut self, nodes: &[Node]) -> Option<Vec<u8>> {
        self.pipes = self.pipes.saturating_add(1);
        let number = self.pipes;
        let outside = self.place.clone();
        let mut output = None;
        for (index, node) in (0_u32..).zip(nodes) {
            self.place.pipe = Some(Pipe { number, index });
            self.place.input = output.take();
            output = self.node(node);
        }
        self.place = outside;
        output
    }

    /// The redirections of a compound command are noted as a command without words.
    fn redirected(&mut self, redirects: &[Redirect], output: Option<Vec<u8>>) {
        let mut expansion = Expansion::default();
        let (redirects, _) = self.redirections(redirects, &mut expansion);
        if redirects
            .iter()
            .any(|it| matches!(it.kind, RedirectKind::Write | RedirectKind::Append))
        {
            let command = Command {
                redirects,
                line: self.place.line.unwrap_or_default(),
                input: output,
                ..Command::default()
            };
            self.note(command);
        }
    }

    fn redirections(
        &mut self,
        redirects: &[Redirect],
        expansion: &mut Expansion,
    ) -> (Vec<Redirection>, Option<Vec<u8>>) {
        let mut all = Vec::new();
        let mut input = None;
        for redirect in redirects {
            let target = match &redirect.target {
                Target::Word(word) => expand::single(word, self, expansion),
                Target::Here(text) => text
                    .get()
                    .map(|word| expand::single(word, self, expansion))
                    .unwrap_or_default(),
            };
            if redirect.kind == RedirectKind::Here {
                input = Some(target.text.clone());
            }
            let kind = redirect.kind;
            all.push(Redirection { kind, target });
        }
        (all, input)
    }

    /// A simple command, once for each value that its variables may have; what the first prints.
    fn simple(&mut self, simple: &Simple) -> Option<Vec<u8>> {
        let mut expansion = Expansion::default();
        let output = self.expanded(simple, &mut expansion);
        let widest = expansion.widest.min(ALTERNATIVES);
        for nth in 1..widest {
            let mut expansion = Expansion { nth, widest: 0 };
            self.expanded(simple, &mut expansion);
        }
        output.filter(|_| widest <= 1)
    }

    fn expanded(&mut self, simple: &Simple, expansion: &mut Expansion) -> Option<Vec<u8>> {
        let mut words = Vec::new();
        for (at, word) in simple.words.iter().enumerate() {
            let fields = expand::fields(word, self, expansion);
            // Of several programs that may stand here, none is no program: the next word is an argument.
            if at == 0 && fields.is_empty() && expansion.widest > 1 {
                return None;
            }
            words.extend(fields);
            if words.len() > 4096 {
                self.spent = true;
                break;
            }
        }
        let mut assignments = Vec::new();
        for (name, word) in &simple.assignments {
            let value = expand::single(word, self, expansion);
            if words.is_empty() {
                // Each of several values is set in its turn.
                let certainly = !self.place.conditional && expansion.nth == 0;
                self.variables.set(name, value.clone(), certainly);
            }
            assignments.push((name.clone(), value));
        }
        let words = wrapper::strip(words, |name, value| {
            assignments.push((name.to_vec(), value));
        });
        let (redirects, here) = self.redirections(&simple.redirects, expansion);
        let size = words.iter().map(|word| word.text.len()).sum::<usize>();
        if !self.spend(size.checked_div(64).unwrap_or_default()) {
            return None;
        }
        let command = Command {
            line: self.place.line.unwrap_or(simple.spot.line),
            function: self.calls.last().cloned(),
            assignments,
            words,
            redirects,
            pipe: self.place.pipe,
            input: here.or_else(|| self.place.input.clone()),
            background: self.place.background,
            decoded: self.place.decoded,
        };
        self.run(command)
    }

    /// What a command means for the script itself, and what it prints.
    fn run(&mut self, command: Command) -> Option<Vec<u8>> {
        let name = command.name().to_vec();
        let words = command.arguments().to_vec();
        let (line, input) = (command.line, command.input.clone());
        let pure = command.words.is_empty();
        self.note(command);
        if let Some(body) = self.functions.get(&name).map(Rc::clone) {
            return self.call(&name, &body, Some(words));
        }
        match name.as_slice() {
            b"" if pure => Some(Vec::new()),
            b"echo" => echo(&words),
            b"printf" => printf(&words),
            b"true" | b":" => Some(Vec::new()),
            b"cat" | b"tee" if words.is_empty() => input,
            b"base64" => decode(&words, &input?),
            b"xxd" if has(&words, b"-r") && has(&words, b"-p") => unhex(&input?),
            b"rev" => Some(input?.trim_ascii_end().iter().rev().copied().collect()),
            b"export" | b"local" | b"readonly" | b"declare" | b"typeset" => {
                for word in words {
                    if let Some(sign) = memchr::memchr(b'=', &word.text) {
                        let (name, value) = word.text.split_at(sign);
                        let text = value.get(1..).unwrap_or_default().to_vec();
                        let value = Argument { text, ..word };
                        self.variables.set(name, value, !self.place.conditional);
                    }
                }
                Some(Vec::new())
            }
            b"read" | b"unset" => {
                for word in words {
                    self.variables.forget(&word.text);
                }
                None
            }
            b"set" => {
                if let Some(at) = words.iter().position(|word| word.text == b"--") {
                    let rest = words.get(at.saturating_add(1)..).unwrap_or_default();
                    self.variables.positional = Some(rest.to_vec());
                }
                None
            }
            b"shift" => {
                if let Some(all) = &mut self.variables.positional
                    && !all.is_empty()
                {
                    all.remove(0);
                }
                None
            }
            b"eval" => {
                let text = joined(&words);
                self.script(&text, line, false)
            }
            b"trap" => {
                if let [action, _, ..] = words.as_slice() {
                    self.script(&action.text, line, false);
                }
                None
            }
            b"sh" | b"ash" | b"dash" | b"bash" | b"ksh" | b"zsh" | b"su" => {
                let given = words.iter().position(|word| is_command_option(&word.text));
                let given = given.and_then(|at| words.get(at.checked_add(1)?));
                match (given, input) {
                    (Some(text), _) => self.script(&text.text, line, false),
                    (None, Some(text)) if reads_input(&words) => self.script(&text, line, true),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A script that stands in an argument or comes out of a pipe.
    fn script(&mut self, text: &[u8], line: u32, decoded: bool) -> Option<Vec<u8>> {
        if !self.spend(text.len().checked_div(16)?) {
            return None;
        }
        let (nodes, _) = Reader::new(text, 1, 0).program();
        let outside = self.place.clone();
        self.place = Place {
            line: Some(line),
            decoded: decoded || outside.decoded,
            conditional: outside.conditional,
            ..Place::default()
        };
        let output = self.nodes(&nodes);
        self.place = outside;
        output
    }

    fn call(
        &mut self,
        name: &[u8],
        body: &Rc<Vec<Node>>,
        arguments: Option<Vec<Argument>>,
    ) -> Option<Vec<u8>> {
        self.called.insert(name.to_vec());
        if self.calls.iter().any(|active| active == name) {
            return None;
        }
        let outside = std::mem::replace(&mut self.variables.positional, arguments);
        self.calls.push(name.to_vec());
        let output = self.nodes(body);
        self.calls.pop();
        self.variables.positional = outside;
        output
    }

    /// Keeps a command, each once.
    fn note(&mut self, command: Command) {
        // What stands in another role is another command.
        let role = |role: &[u8]| Argument {
            text: role.to_vec(),
            known: false,
        };
        let mut key = command.words.clone();
        key.push(role(b">"));
        key.extend(command.redirects.iter().map(|it| it.target.clone()));
        key.push(role(b"="));
        key.extend(command.assignments.iter().map(|(_, value)| value.clone()));
        if self.commands.len() < MOST && self.seen.insert((command.line, key)) {
            self.commands.push(command);
        }
    }
}
