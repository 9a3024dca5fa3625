//! Services that other machines can reach, and what is arranged to run at the start.

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::options;
use crate::facts::script::Command;

impl Flow<'_> {
    pub(super) fn service(&mut self, name: &[u8], command: &Command) -> bool {
        let words = command.arguments();
        match name {
            b"telnetd" | b"utelnetd" | b"in.telnetd" => {
                let options = options::split(words, &["l", "p", "b", "f", "L", "E"]);
                let login = options.value(&["l", "E", "L"]);
                let mut traits = vec![Trait::Telnet];
                if login.is_some_and(|login| super::run::is_shell(&login.text)) {
                    traits.extend([Trait::Shell, Trait::NoLogin]);
                }
                self.note(Act::RemoteLogin, traits, command);
            }
            b"tcpsvd" | b"udpsvd" => {
                let options = options::split(words, &["c", "C", "b", "u", "l"]);
                let program = options.operands.get(2);
                let is_shell = program.is_some_and(|program| super::run::is_shell(&program.text));
                self.note(Act::Listen, is_shell.then_some(Trait::Shell), command);
            }
            b"rshd" | b"in.rshd" | b"rlogind" | b"in.rlogind" | b"rexecd" => {
                self.note(Act::RemoteLogin, [Trait::NoLogin], command);
            }
            b"ssh" | b"autossh" | b"dbclient" => {
                let options = options::split(
                    words,
                    &[
                        "R", "L", "D", "i", "p", "o", "l", "M", "F", "b", "c", "e", "m", "O", "S",
                        "W",
                    ],
                );
                if options.has(&["R"]) {
                    let host = options.operands.first();
                    let class = host.map_or(Trait::HostUnknown, crate::behaviour::host::class_of);
                    self.note(Act::Tunnel, [class], command);
                }
            }
            b"crontab" => {
                let options = options::split(words, &["u", "c"]);
                if !options.has(&["l", "e"]) && !options.has(&["r", "d"]) {
                    let mut traits = self.carried.clone();
                    traits.insert(Trait::StartPath);
                    self.note(Act::Persist, traits, command);
                }
            }
            _ => return false,
        }
        true
    }
}
