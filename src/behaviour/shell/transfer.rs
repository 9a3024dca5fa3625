//! What is fetched from other machines and sent to them.

use std::collections::BTreeSet;

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::options::{self, Options};
use crate::behaviour::{host, paths};
use crate::facts::script::{Argument, Command, RedirectKind};

impl Flow<'_> {
    pub(super) fn transfer(&mut self, name: &[u8], command: &Command) -> bool {
        match name {
            b"wget" | b"wget2" => self.wget(command),
            b"curl" => self.curl(command),
            b"ftpget" | b"ftpput" => self.ftp(name, command),
            b"tftp" | b"atftp" => self.tftp(command),
            b"scp" | b"rsync" | b"sftp" => self.copy_between(command),
            b"nc" | b"netcat" | b"ncat" | b"nc.openbsd" | b"nc.traditional" | b"socat" => {
                self.netcat(name, command);
            }
            b"lftp" | b"ncftpget" | b"axel" | b"aria2c" | b"fetch" | b"svn" | b"git" => {
                self.url(command);
            }
            _ => return false,
        }
        true
    }

    fn wget(&mut self, command: &Command) {
        let words = command.arguments();

        let options = options::split(
            words,
            &[
                "O",
                "P",
                "T",
                "t",
                "U",
                "o",
                "a",
                "output-document",
                "directory-prefix",
                "post-file",
                "post-data",
                "body-file",
                "header",
                "user",
                "password",
                "timeout",
                "tries",
                "Y",
            ],
        );
        let sends = options
            .value(&["post-file", "body-file", "post-data"])
            .cloned();
        let target = options.value(&["O", "output-document"]).cloned();
        let folder = options.value(&["P", "directory-prefix"]).cloned();
        self.web(&options, target, folder, sends, false, command);
    }

    fn curl(&mut self, command: &Command) {
        let words = command.arguments();

        let options = options::split(
            words,
            &[
                "o",
                "u",
                "H",
                "d",
                "T",
                "F",
                "A",
                "e",
                "x",
                "m",
                "X",
                "b",
                "c",
                "w",
                "K",
                "E",
                "output",
                "user",
                "header",
                "data",
                "data-binary",
                "data-raw",
                "upload-file",
                "form",
                "request",
                "max-time",
                "connect-timeout",
                "retry",
                "output-dir",
                "cacert",
                "cert",
                "key",
                "proxy",
                "url",
                "write-out",
                "retry-delay",
                "interface",
            ],
        );
        let sends = options
            .value(&[
                "d",
                "data",
                "data-binary",
                "data-raw",
                "T",
                "upload-file",
                "F",
                "form",
            ])
            .cloned();
        let target = options.value(&["o", "output"]).cloned();
        let by_name = options.has(&["O", "remote-name", "J"]);
        self.web(&options, target, None, sends, !by_name, command);
    }

    fn ftp(&mut self, name: &[u8], command: &Command) {
        let words = command.arguments();

        let options = options::split(words, &["u", "p", "P"]);
        let host = options
            .operands
            .first()
            .map_or(Trait::HostUnknown, host::class_of);
        let local = options.operands.get(1).cloned();
        if name == b"ftpget" {
            self.fetched(host, local.as_ref(), None, command);
        } else {
            let remote = options.operands.get(2).or(local.as_ref()).cloned();
            self.sent(host, remote.as_ref(), command);
        }
    }

    fn tftp(&mut self, command: &Command) {
        let words = command.arguments();

        let options = options::split(
            words,
            &["l", "r", "b", "m", "local-file", "remote-file", "option"],
        );
        let host = options
            .operands
            .iter()
            .find(|it| !matches!(it.text.as_slice(), b"get" | b"put" | b"binary"));
        let class = host.map_or(Trait::HostUnknown, host::class_of);
        let local = options
            .value(&["l", "local-file"])
            .or_else(|| options.value(&["r", "remote-file"]))
            .cloned();
        let last = options.operands.last().cloned();
        let puts =
            options.has(&["p", "put"]) || options.operands.iter().any(|it| it.text == b"put");
        if puts {
            self.sent(class, local.as_ref().or(last.as_ref()), command);
        } else {
            self.fetched(class, local.as_ref().or(last.as_ref()), None, command);
        }
    }

    fn url(&mut self, command: &Command) {
        let words = command.arguments();

        let url = words
            .iter()
            .find(|word| memchr::memmem::find(&word.text, b"://").is_some());
        if let Some(url) = url {
            let target = words.last().filter(|last| *last != url).cloned();
            self.fetched(host::class_of(url), target.as_ref(), Some(url), command);
        }
    }

    fn web(
        &mut self,
        options: &Options,
        target: Option<Argument>,
        folder: Option<Argument>,
        sends: Option<Argument>,
        prints: bool,
        command: &Command,
    ) {
        let url = options.operands.first().or_else(|| options.value(&["url"]));
        let Some(url) = url.cloned() else { return };
        let class = host::class_of(&url);
        if class == Trait::Loopback {
            return;
        }
        if let Some(sends) = sends {
            let text = sends.text.strip_prefix(b"@").unwrap_or(&sends.text);
            let what = Argument::new(text);
            self.sent(class, Some(&what), command);
            return;
        }
        let goes_out =
            target.as_ref().is_some_and(|it| it.text == b"-") || target.is_none() && prints;
        if goes_out {
            let written = command
                .redirects
                .iter()
                .find(|it| it.kind == RedirectKind::Write);
            let traits = BTreeSet::from([Trait::FromRemote, class]);
            if let Some(written) = written {
                let path = self.resolve(&written.target);
                self.taint(path, &traits);
            }
            self.download(class, options, command);
            self.carried = traits;
            return;
        }
        let name = target.unwrap_or_else(|| Argument {
            text: url.base().to_vec(),
            known: url.known,
        });
        let path = match folder {
            Some(folder) => {
                let folder = self.resolve(&folder);
                [folder.as_slice(), b"/", name.base()].concat()
            }
            None => self.resolve(&name),
        };
        self.download(class, options, command);
        self.write(path, &BTreeSet::from([Trait::FromRemote]), command);
    }

    fn download(&mut self, class: Trait, options: &Options, command: &Command) {
        let mut traits = BTreeSet::from([class]);
        if options.has(&["k", "insecure", "no-check-certificate"]) {
            traits.insert(Trait::Unverified);
        }
        self.note(Act::Download, traits, command);
    }

    fn fetched(
        &mut self,
        class: Trait,
        local: Option<&Argument>,
        url: Option<&Argument>,
        command: &Command,
    ) {
        if class == Trait::Loopback {
            return;
        }
        self.note(Act::Download, [class], command);
        let path = match (local, url) {
            (Some(local), _) if local.text == b"-" => {
                self.carried = BTreeSet::from([Trait::FromRemote, class]);
                return;
            }
            (Some(local), _) => self.resolve(local),
            (None, Some(url)) => self.resolve(&Argument::new(url.base())),
            (None, None) => return,
        };
        self.write(path, &BTreeSet::from([Trait::FromRemote]), command);
    }

    fn sent(&mut self, class: Trait, what: Option<&Argument>, command: &Command) {
        if class == Trait::Loopback {
            return;
        }
        let mut traits = self.carried.clone();
        traits.insert(class);
        if let Some(what) = what {
            traits.extend(self.origin(&self.resolve(what)));
        }
        let reads = command
            .redirects
            .iter()
            .filter(|it| it.kind == RedirectKind::Read);
        for read in reads {
            traits.extend(self.origin(&self.resolve(&read.target)));
        }
        self.note(Act::Send, traits, command);
    }

    /// `scp` and `rsync`: the last operand is where it goes.
    fn copy_between(&mut self, command: &Command) {
        let options = options::split(
            command.arguments(),
            &[
                "i",
                "P",
                "o",
                "F",
                "l",
                "c",
                "S",
                "e",
                "rsh",
                "password-file",
                "exclude",
                "include",
                "files-from",
                "timeout",
                "port",
            ],
        );
        let Some((target, sources)) = options.operands.split_last() else {
            return;
        };
        if let Some(remote) = remote(target) {
            let what = sources.first().cloned();
            self.sent(remote, what.as_ref(), command);
            return;
        }
        if let Some(class) = sources.iter().find_map(remote) {
            self.fetched(class, Some(target), None, command);
        } else {
            let mut from = BTreeSet::new();
            for source in sources {
                from.extend(self.origin(&self.resolve(source)));
            }
            if !sources.is_empty() {
                self.write(self.resolve(target), &from, command);
            }
        }
    }

    fn netcat(&mut self, name: &[u8], command: &Command) {
        let words = command.arguments();
        if name == b"socat" {
            let text = |part: &[u8]| {
                words.iter().any(|word| {
                    memchr::memmem::find(&word.text.to_ascii_lowercase(), part).is_some()
                })
            };
            let listens = text(b"listen:");
            let peer = words
                .iter()
                .find(|word| word.text.to_ascii_lowercase().starts_with(b"tcp"));
            let peer = peer
                .and_then(|word| word.text.splitn(2, |&byte| byte == b':').nth(1))
                .unwrap_or_default();
            let class = host::class(host::of_authority(peer).name);
            match (listens, (text(b"exec:") || text(b"system:")) && text(b"sh")) {
                (true, true) => self.note(Act::Listen, [Trait::Shell], command),
                (true, false) => self.note(Act::Listen, [], command),
                (false, true) => self.note(Act::ReverseShell, [class], command),
                (false, false) => self.sent(class, None, command),
            }
            return;
        }
        let options = options::split(
            words,
            &[
                "p", "e", "c", "w", "s", "q", "i", "I", "O", "x", "X", "g", "G", "exec", "sh-exec",
            ],
        );
        let runs = options.value(&["e", "c", "exec", "sh-exec"]);
        let is_shell = runs.is_some_and(|runs| {
            super::run::is_shell(
                runs.text
                    .split(|&byte| byte == b' ')
                    .next()
                    .unwrap_or_default(),
            )
        });
        let class = options
            .operands
            .first()
            .map_or(Trait::HostUnknown, host::class_of);
        if options.has(&["l"]) {
            let traits = is_shell.then_some(Trait::Shell);
            self.note(Act::Listen, traits, command);
            self.carried = BTreeSet::from([Trait::FromRemote, Trait::HostUnknown]);
        } else if is_shell {
            self.note(Act::ReverseShell, [class], command);
        } else if options.has(&["z"]) || options.operands.is_empty() || class == Trait::Loopback {
            // It only tries whether a port is open.
        } else if command
            .redirects
            .iter()
            .any(|it| it.kind == RedirectKind::Write)
        {
            self.note(Act::Download, [class], command);
            self.carried = BTreeSet::from([Trait::FromRemote, class]);
            self.redirections(command);
        } else {
            self.sent(class, None, command);
            self.carried = BTreeSet::from([Trait::FromRemote, class]);
        }
    }

    /// bash's `/dev/tcp/HOST/PORT`.
    pub(super) fn socket(&mut self, path: &[u8], command: &Command) {
        let host = paths::normal(path)
            .split(|&byte| byte == b'/')
            .nth(3)
            .unwrap_or_default()
            .to_vec();
        let class = host::class(&host);
        if class == Trait::Loopback {
            return;
        }
        if super::run::is_shell(command.name()) {
            self.note(Act::ReverseShell, [class], command);
        } else {
            self.sent(class, None, command);
        }
    }
}

/// The class of the host in `user@host:path` or a URL; `None` for a local path.
fn remote(argument: &Argument) -> Option<Trait> {
    let text = argument.text.as_slice();
    let host = host::of_url(text).or_else(|| host::of_remote(text))?;
    Some(host::class(host.name))
}
