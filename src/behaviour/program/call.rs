//! One call of a program as a step.

use std::collections::BTreeSet;

use crate::behaviour::act::{Act, Trait};
use crate::behaviour::host;
use crate::behaviour::shell::Flow;
use crate::facts::code::{Argument, Call, Peer, Piece, Text};
use crate::facts::script::{self, Command, RedirectKind, Redirection};

/// What the calls before have shown.
#[derive(Default)]
pub(super) struct Told {
    /// Where the last connection went, or the last name that was looked up.
    peer: BTreeSet<Trait>,
    /// What the last name is that was looked up: a connection to an address that is not known may be to that one.
    named: BTreeSet<Trait>,
    /// The path that was opened to be written last.
    written: Option<Text>,
    /// Whether a connection was made or taken.
    connected: bool,
    /// Calls whose results are files to which something goes that was received.
    filled: BTreeSet<u64>,
}

/// The address at which a constant text stands.
pub(super) fn address(argument: &Argument) -> Option<u64> {
    match argument {
        Argument::Text(text) => text.address,
        Argument::List(texts) => texts.iter().find_map(|text| text.address),
        _ => None,
    }
}

/// Requests of `ioctl` that switch an interface on or give it an address (`linux/sockios.h`).
const INTERFACE: [u64; 2] = [0x8914, 0x8916];
/// Ports of services for names and the time: connections to them say where a program looks, not what it does.
const NAME_SERVICES: [u16; 2] = [53, 123];
/// `CURLOPT_URL` (`curl/curl.h`).
const URL: u64 = 10_002;
/// Beginnings of the segments of HL7 messages that name patients or carry what was measured.
const RECORDS: [&[u8]; 6] = [b"MSH|", b"PID|", b"PV1|", b"OBX|", b"OBR|", b"patient"];

impl Told {
    /// Looks through the calls of a function, as loops may put what happens first at a higher address.
    pub(super) fn expect(&mut self, calls: &[Call]) {
        for call in calls {
            let (what, file) = match call.name {
                Some("write") => (call.text(1), call.arguments.first()),
                Some("fwrite") => (call.text(0), call.arguments.get(3)),
                _ => continue,
            };
            if let Some(Argument::Result(at)) = file
                && what.is_some_and(Text::is_received)
            {
                self.filled.insert(*at);
            }
        }
    }

    /// The steps of a call.
    pub(super) fn follow(&mut self, call: &Call, name: &'static str, flow: &mut Flow<'_>) {
        match name {
            "system" | "popen" => Self::shell(call.text(0), flow),
            "execl" | "execle" | "execlp" | "execv" | "execve" | "execvp" | "execvpe" => {
                Self::run(call.text(0), call.list(1), flow);
            }
            "fexecve" => Self::run(None, call.list(1), flow),
            "posix_spawn" | "posix_spawnp" => Self::run(call.text(1), call.list(4), flow),
            "mount" => mount(call, flow),
            "chmod" => {
                let mode = call.number(1).map_or_else(
                    || b"${unknown}".to_vec(),
                    |mode| format!("{:o}", mode & 0o7777).into_bytes(),
                );
                command(
                    &[Some(b"chmod".to_vec()), Some(mode), text(call.text(0))],
                    flow,
                );
            }
            "rename" => command(
                &[Some(b"mv".to_vec()), text(call.text(0)), text(call.text(1))],
                flow,
            ),
            "link" | "symlink" => {
                command(
                    &[Some(b"ln".to_vec()), text(call.text(0)), text(call.text(1))],
                    flow,
                );
            }
            "unlink" | "remove" => command(&[Some(b"rm".to_vec()), text(call.text(0))], flow),
            "chdir" => command(&[Some(b"cd".to_vec()), text(call.text(0))], flow),
            "setenv" => assign(call.text(0), call.text(1), flow),
            "putenv" => command(&[Some(b"export".to_vec()), text(call.text(0))], flow),
            "dlopen" => load(call.text(0), flow),
            "init_module" | "finit_module" => flow.state_call(Act::LoadModule, [], ""),
            "curl_easy_setopt" if call.number(1) == Some(URL) => {
                command(&[Some(b"curl".to_vec()), text(call.text(2))], flow);
            }
            "ioctl"
                if call
                    .number(1)
                    .is_some_and(|request| INTERFACE.contains(&request)) =>
            {
                flow.state_call(
                    Act::InterfaceUp,
                    [],
                    "an interface is switched on or given an address",
                );
            }
            "dup2" | "dup3" => {
                let is_connection = !matches!(call.arguments.first(), Some(Argument::Number(_)));
                if is_connection && call.number(1).is_some_and(|to| to < 2) {
                    flow.state_call(
                        Act::Tie,
                        [],
                        "a connection or pipe becomes the standard input or output",
                    );
                }
            }
            "strcmp" | "strncmp" | "memcmp" => compare(call, flow),
            _ => self.network(call, name, flow),
        }
    }

    /// Calls that reach other machines, and files that are written.
    fn network(&mut self, call: &Call, name: &'static str, flow: &mut Flow<'_>) {
        match name {
            "inet_addr" | "inet_aton" | "gethostbyname" | "getaddrinfo" => {
                self.looked_up(call.text(0));
            }
            "inet_pton" => self.looked_up(call.text(1)),
            "connect" => {
                self.connected = true;
                let Some(Argument::Peer(peer)) = call.arguments.get(1) else {
                    flow.state_call(Act::Connect, self.named.iter().copied(), "");
                    return;
                };
                let (class, shown) = self.class(peer);
                self.peer = BTreeSet::from([class]);
                let service = peer.port.filter(|port| NAME_SERVICES.contains(port));
                let service = service.map(|_| Trait::NameService);
                flow.state_call(Act::Connect, std::iter::once(class).chain(service), &shown);
            }
            "bind" => {
                if let Some(Argument::Peer(peer)) = call.arguments.get(1) {
                    let port = peer
                        .port
                        .map_or_else(|| "a port".to_owned(), |port| format!("port {port}"));
                    flow.state_call(Act::Listen, [], &port);
                }
            }
            "accept" | "accept4" => {
                self.connected = true;
                flow.state_call(Act::Accept, [], "");
            }
            "sendto" => {
                if let Some(Argument::Peer(peer)) = call.arguments.get(4) {
                    let (class, shown) = self.class(peer);
                    let recorded = recorded(call.text(1));
                    flow.state_call(Act::Send, std::iter::once(class).chain(recorded), &shown);
                } else {
                    self.sent(call.text(1), flow);
                }
            }
            "send" | "write" => {
                self.sent(call.text(1), flow);
                self.put(call.text(1), flow);
            }
            "open" | "creat" | "openat" => self.opened(call, name, flow),
            "fopen" => {
                let mode = call.text(1).and_then(Text::bytes).unwrap_or_default();
                if matches!(mode.first(), Some(b'w' | b'a')) || mode.contains(&b'+') {
                    self.written = call.text(0).cloned();
                    redirect(None, call.text(0), flow);
                }
            }
            "fputs" | "fwrite" => self.put(call.text(0), flow),
            "fprintf" | "dprintf" => self.put(call.text(1), flow),
            "__fprintf_chk" => self.put(call.text(2), flow),
            _ => {}
        }
    }

    fn looked_up(&mut self, host: Option<&Text>) {
        if let Some(host) = host.and_then(Text::bytes) {
            self.peer = BTreeSet::from([host::class(host)]);
            self.named.clone_from(&self.peer);
        }
    }

    fn class(&self, peer: &Peer) -> (Trait, String) {
        let port = peer
            .port
            .map_or_else(String::new, |port| format!(":{port}"));
        if let Some(host) = peer.host {
            (
                host::class(host.to_string().as_bytes()),
                format!("{host}{port}"),
            )
        } else {
            let known = self.named.first().copied();
            (known.unwrap_or(Trait::HostUnknown), format!("a host{port}"))
        }
    }

    /// Something that goes over the last connection.
    fn sent(&self, what: Option<&Text>, flow: &mut Flow<'_>) {
        let recorded = recorded(what);
        if recorded.is_some() && !self.peer.is_empty() {
            let traits = self.peer.iter().copied().chain(recorded);
            flow.state_call(Act::Send, traits, "a record of a patient");
        }
    }

    /// Something that goes into the file that was opened last.
    fn put(&self, what: Option<&Text>, flow: &mut Flow<'_>) {
        let (Some(what), Some(path)) = (what, &self.written) else {
            return;
        };
        if self.connected && what.is_received() {
            flow.received(&path.command());
        } else {
            redirect(Some(what), Some(path), flow);
        }
    }

    fn opened(&mut self, call: &Call, name: &str, flow: &mut Flow<'_>) {
        let (path, flags) = match name {
            "openat" => (call.text(1), call.number(2)),
            "creat" => (call.text(0), Some(1)),
            _ => (call.text(0), call.number(1)),
        };
        if self.connected
            && self.filled.contains(&call.at)
            && let Some(path) = path
        {
            self.written = Some(path.clone());
            flow.received(&path.command());
            return;
        }
        // The lowest two bits of the flags are the same on all processors: 1 to write, 2 to read and write.
        if flags.is_some_and(|flags| matches!(flags & 3, 1 | 2)) {
            self.written = path.cloned();
            redirect(None, path, flow);
        }
    }

    fn shell(text: Option<&Text>, flow: &mut Flow<'_>) {
        let Some(text) = text else {
            return;
        };
        if text.is_received() {
            flow.state_call(
                Act::Run,
                [Trait::Received, Trait::FromRemote],
                &text.shown(),
            );
        } else if !text.is_unknown() {
            flow.follow_line(&text.command(), 0);
        }
    }

    fn run(path: Option<&Text>, list: Option<&[Text]>, flow: &mut Flow<'_>) {
        let arguments = list.and_then(|list| list.get(1..)).unwrap_or_default();
        let known = path.filter(|path| !path.is_unknown());
        let program = known.or_else(|| list.and_then(|list| list.first()));
        let Some(program) = program else {
            return;
        };
        let is_shell = program
            .bytes()
            .is_some_and(crate::behaviour::shell::is_shell);
        if let [option, text, ..] = arguments
            && is_shell
            && option.bytes() == Some(b"-c")
        {
            return Self::shell(Some(text), flow);
        }
        if is_shell
            && arguments
                .iter()
                .all(|word| word.bytes().is_some_and(|word| word.starts_with(b"-")))
        {
            flow.state_call(Act::Run, [Trait::Shell], &program.shown());
            return;
        }
        // As a line of a shell, so that programs that run their arguments (`busybox`, `nohup`, `env`) are looked through.
        let words: Vec<Vec<u8>> = std::iter::once(program)
            .chain(arguments)
            .map(quoted)
            .collect();
        flow.follow_line(&words.join(&b' '), 0);
    }
}

/// A text that is not known and one that is: the fixed one may be a password, and is not shown.
fn compare(call: &Call, flow: &mut Flow<'_>) {
    const SHORTEST: usize = 4;
    let fixed = |number| call.text(number).and_then(Text::bytes);
    let [one, other] = [fixed(0), fixed(1)];
    if one.is_some() != other.is_some() && one.or(other).is_some_and(|text| text.len() >= SHORTEST)
    {
        flow.state_call(
            Act::Compare,
            [Trait::Literal],
            "a text is compared with a fixed one",
        );
    }
}

/// Whether a text that is sent is a record.
fn recorded(text: Option<&Text>) -> Option<Trait> {
    let text = text?.command();
    let is_record = RECORDS
        .iter()
        .any(|record| memchr::memmem::find(&text, record).is_some());
    is_record.then_some(Trait::Recorded)
}

fn mount(call: &Call, flow: &mut Flow<'_>) {
    let Some(kind) = call.text(2).and_then(Text::bytes) else {
        return;
    };
    let words = [
        Some(b"mount".to_vec()),
        Some(b"-t".to_vec()),
        Some(kind.to_vec()),
        text(call.text(0)),
        text(call.text(1)),
    ];
    command(&words, flow);
}

/// A library that is loaded while the program runs.
fn load(path: Option<&Text>, flow: &mut Flow<'_>) {
    let Some(path) = path.and_then(Text::bytes) else {
        return;
    };
    let from = flow.origin_of(path);
    if !from.is_empty() {
        flow.state_call(Act::LoadLibrary, from, &crate::place::escape(path));
    }
}

fn assign(variable: Option<&Text>, value: Option<&Text>, flow: &mut Flow<'_>) {
    let (Some(variable), Some(value)) = (variable.and_then(Text::bytes), value) else {
        return;
    };
    let word = [variable, b"=", &value.command()].concat();
    command(&[Some(b"export".to_vec()), Some(word)], flow);
}

fn text(text: Option<&Text>) -> Option<Vec<u8>> {
    text.map(Text::command)
}

/// A text as one word of a shell.
fn quoted(text: &Text) -> Vec<u8> {
    let mut word = Vec::new();
    for piece in &text.pieces {
        match piece {
            Piece::Bytes(bytes) => {
                word.push(b'\'');
                for part in bytes.split_inclusive(|&byte| byte == b'\'') {
                    match part.strip_suffix(b"'") {
                        Some(part) => word.extend([part, b"'\\''"].concat()),
                        None => word.extend_from_slice(part),
                    }
                }
                word.push(b'\'');
            }
            _ => word.extend_from_slice(b"\"${unknown}\""),
        }
    }
    word
}

fn word(text: Option<&Vec<u8>>) -> script::Argument {
    match text {
        Some(text) => script::Argument {
            text: text.clone(),
            known: memchr::memmem::find(text, b"${unknown}").is_none(),
        },
        None => script::Argument {
            text: b"${unknown}".to_vec(),
            known: false,
        },
    }
}

/// A command of these words.
fn command(words: &[Option<Vec<u8>>], flow: &mut Flow<'_>) {
    let words = words.iter().map(|it| word(it.as_ref())).collect();
    flow.follow_command(&Command {
        words,
        ..Command::default()
    });
}

/// A text that is written to a path; without one the path is only opened.
fn redirect(what: Option<&Text>, path: Option<&Text>, flow: &mut Flow<'_>) {
    let Some(path) = path.filter(|path| !path.is_unknown()) else {
        return;
    };
    let mut words = vec![script::Argument::new("echo")];
    words.extend(what.map(|what| word(Some(&what.command()))));
    flow.follow_command(&Command {
        words,
        redirects: vec![Redirection {
            kind: RedirectKind::Write,
            target: word(Some(&path.command())),
        }],
        ..Command::default()
    });
}
