//! Services that xinetd starts: `xinetd.conf` and the files of `xinetd.d` (xinetd.conf(5)).

use super::Stated;
use super::line::{lines, words};
use super::service::served;
use crate::behaviour::paths;
use crate::behaviour::shell::cut;
use crate::behaviour::unit::Spot;

/// What a file states of services; those that are disabled are not told.
pub(super) fn stated(path: &[u8], text: &[u8]) -> Vec<Stated> {
    let is_one = path.ends_with(b"/xinetd.conf") || paths::is_below(path, b"/etc/xinetd.d");
    if !is_one {
        return Vec::new();
    }
    let mut all = Vec::new();
    let mut open: Option<Service<'_>> = None;
    for (number, line) in lines(text) {
        let words = words(line);
        match words.as_slice() {
            [b"service", ..] => open = Some(Service::default()),
            [b"}"] => all.extend(open.take().and_then(Service::stated)),
            [key, sign @ (b"=" | b"+="), values @ ..] => {
                if let Some(service) = &mut open {
                    service.set(key, *sign == b"+=", values, number);
                }
            }
            _ => {}
        }
    }
    all
}

/// The attributes of a service that count here.
#[derive(Default)]
struct Service<'t> {
    server: Option<(&'t [u8], u32)>,
    arguments: Vec<&'t [u8]>,
    is_disabled: bool,
    /// Whether the arguments start with the name that the program is given.
    has_name: bool,
}

impl<'t> Service<'t> {
    fn set(&mut self, key: &[u8], adds: bool, values: &[&'t [u8]], line: u32) {
        match key {
            b"server" => self.server = values.first().map(|program| (*program, line)),
            b"server_args" => {
                if !adds {
                    self.arguments.clear();
                }
                self.arguments.extend(values);
            }
            b"disable" => self.is_disabled = values.first() == Some(&&b"yes"[..]),
            b"flags" => self.has_name |= values.contains(&&b"NAMEINARGS"[..]),
            _ => {}
        }
    }

    fn stated(self) -> Option<Stated> {
        let (program, line) = self.server.filter(|_| !self.is_disabled)?;
        let mut arguments = self.arguments;
        if !self.has_name {
            arguments.insert(0, program);
        }
        let (act, traits) = served(program, &arguments)?;
        let whole = [&[program][..], arguments.get(1..).unwrap_or_default()].concat();
        let text = format!("xinetd starts {}", cut(&whole.join(&b' ')));
        Some(Stated::new(act, traits, Spot::Line(line), text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::act::{Act, Trait};

    fn told(path: &str, text: &str) -> Vec<(Act, Vec<Trait>, String)> {
        let all = stated(path.as_bytes(), text.as_bytes()).into_iter();
        all.map(|it| (it.act, it.traits.into_iter().collect(), it.text))
            .collect()
    }

    #[test]
    fn services_are_told_unless_they_are_disabled() {
        let telnet = "# default: on\nservice telnet\n{\n\tdisable = no\n\tflags = REUSE\n\tserver = /usr/sbin/in.telnetd\n}\n";
        let path = "/etc/xinetd.d/telnet";
        assert_eq!(
            told(path, telnet),
            [(
                Act::RemoteLogin,
                vec![Trait::Telnet],
                "xinetd starts /usr/sbin/in.telnetd".to_owned()
            )]
        );
        assert!(told(path, &telnet.replace("= no", "= yes")).is_empty());
        assert!(told("/etc/telnet", telnet).is_empty());
        assert!(told(path, &telnet.replace("in.telnetd", "in.ftpd")).is_empty());
    }

    #[test]
    fn a_shell_is_seen_with_and_without_its_name_among_the_arguments() {
        let both = "service a\n{\n server = /bin/sh\n server_args = -i\n}\nservice b\n{\n flags = NAMEINARGS\n server = /usr/sbin/telnetd\n \
                    server_args = telnetd -l\n server_args += /bin/sh\n}\nservice c\n{\n server = /bin/sh\n";
        let all = told("/etc/xinetd.conf", both);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(all[0].0, Act::Listen);
        assert_eq!(
            all[1].1,
            [Trait::Telnet, Trait::NoLogin, Trait::Shell]
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        );
        assert_eq!(all[1].2, "xinetd starts /usr/sbin/telnetd -l /bin/sh");
    }
}
