//! What Windows starts by itself, as its registry says: services, run keys, the shell of the login, and `init` of Windows CE.
//!
//! A value of a hive is a file whose name ends in its type; texts are UTF-16, little-endian.

use super::act::{Act, Trait};
use super::config::Stated;
use super::host;
use super::scene::{Content, Scene};
use super::unit::Spot;
use crate::place::escape;

/// A longer text is no command (UTF-16 units).
const LONGEST: usize = 4096;
/// `Start` of a service that is never started.
const DISABLED: u8 = 4;
/// `Start` of a service that is started with the system.
const AUTOMATIC: u8 = 2;

/// Something that a value of the registry starts.
pub(super) struct Start {
    /// What it is, safe to show.
    pub(super) what: String,
    command: String,
    service: Option<String>,
}

/// Whether a path is that of a value that counts here.
pub(super) fn is_value(path: &[u8]) -> bool {
    name(path).is_some() || path.ends_with(b"/Start%dword")
}

/// What a value starts; nothing if it is a service that is switched off.
pub(super) fn start(file: &Content, scene: &Scene) -> Option<Start> {
    let path = file.path.as_bytes();
    let (what, service) = name(path)?;
    let command = text(&file.bytes)?;
    if service.is_some() && mode(path, file, scene) == Some(DISABLED) {
        return None;
    }
    Some(Start {
        what,
        command,
        service,
    })
}

/// What is told of it.
pub(super) fn stated(file: &Content, scene: &Scene) -> Option<Stated> {
    let start = start(file, scene)?;
    let text = format!("{} starts {}", start.what, escape(start.command.as_bytes()));
    let is_telnet = start.service.as_deref() == Some("tlntsvr");
    if is_telnet && mode(file.path.as_bytes(), file, scene) == Some(AUTOMATIC) {
        return Some(Stated::new(
            Act::RemoteLogin,
            [Trait::Telnet],
            Spot::Whole,
            text,
        ));
    }
    let traits = start.traits();
    (!traits.is_empty()).then(|| Stated::new(Act::RegistryStart, traits, Spot::Whole, text))
}

impl Start {
    fn traits(&self) -> Vec<Trait> {
        let lower = self.command.to_lowercase();
        let lower = lower.trim_start_matches('"');
        let share = lower
            .strip_prefix("\\\\")
            .filter(|rest| !rest.starts_with(['?', '.']));
        let mut traits = Vec::new();
        if let Some(share) = share {
            let host = share.split('\\').next().unwrap_or_default();
            traits.extend([Trait::FromRemote, host::class(host.as_bytes())]);
        }
        let open = ["\\temp\\", "%temp%", "%tmp%", "\\users\\public\\"];
        if open.iter().any(|folder| lower.contains(folder)) {
            traits.push(Trait::FromTemporary);
        }
        traits
    }

    /// The program, as a path in the file system, in lower case; `None` where the text does not tell.
    pub(super) fn program(&self) -> Option<Vec<u8>> {
        let lower = self.command.to_lowercase().replace('\\', "/");
        let lower = lower.trim_start();
        let whole = match lower.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => unquoted(lower),
        };
        let whole = whole.strip_prefix("/??/").unwrap_or(whole);
        let windows = ["%systemroot%/", "%windir%/", "/systemroot/"];
        if let Some(rest) = windows.iter().find_map(|start| whole.strip_prefix(start)) {
            return Some(format!("/windows/{rest}").into_bytes());
        }
        if whole.starts_with("system32/") {
            return Some(format!("/windows/{whole}").into_bytes());
        }
        let rest = whole.get(1..)?.strip_prefix(":/");
        // What starts with two is a share of another machine.
        let path = rest.or_else(|| whole.strip_prefix('/').filter(|it| !it.starts_with('/')))?;
        Some(format!("/{path}").into_bytes())
    }
}

/// A command without quotes: to the end of the program's name, or of the first word.
fn unquoted(command: &str) -> &str {
    let endings = [".exe", ".sys", ".dll", ".bat", ".cmd", ".com"];
    let ends = endings.iter().filter_map(|ending| {
        let at = command.find(ending)?;
        at.checked_add(ending.len())
    });
    let end = ends.min().or_else(|| command.find(' '));
    end.and_then(|end| command.get(..end)).unwrap_or(command)
}

/// What the value at a path is, and the name of its service in lower case.
fn name(path: &[u8]) -> Option<(String, Option<String>)> {
    let text = std::str::from_utf8(path).ok()?;
    let (name, kind) = text.rsplit_once('%')?;
    if !matches!(kind, "sz" | "expand-sz") {
        return None;
    }
    let (key, value) = name.rsplit_once('/')?;
    let lower = key.to_lowercase();
    let is_value = |wanted: &str| value.eq_ignore_ascii_case(wanted);
    let shown = escape(text.as_bytes());
    if let Some((above, service)) = lower.rsplit_once('/')
        && above.ends_with("/services")
        && is_value("ImagePath")
    {
        let what = format!("the service {}", escape(service.as_bytes()));
        return Some((what, Some(service.to_owned())));
    }
    let runs = ["/run", "/runonce", "/runservices", "/runonceex"];
    let of_version = "/microsoft/windows/currentversion";
    let is_run = runs.iter().any(|run| {
        lower
            .strip_suffix(run)
            .is_some_and(|above| above.ends_with(of_version))
    });
    let is_login = lower.ends_with("/microsoft/windows nt/currentversion/winlogon")
        && (is_value("Shell") || is_value("Userinit"));
    let is_ce = lower.ends_with("hklm/init") && value.to_lowercase().starts_with("launch");
    (is_run || is_login || is_ce).then(|| (format!("the value {shown}"), None))
}

/// When a service is started, as the value beside its path says.
fn mode(path: &[u8], file: &Content, scene: &Scene) -> Option<u8> {
    let end = memchr::memrchr(b'/', path)?;
    let beside = [path.get(..end)?, b"/Start%dword"].concat();
    scene.at(&beside, &file.place)?.bytes.first().copied()
}

/// A text of the registry, up to its end.
fn text(bytes: &[u8]) -> Option<String> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs
        .iter()
        .take(LONGEST)
        .map(|pair| u16::from_le_bytes(*pair));
    let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
    let text = String::from_utf16_lossy(&units).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_every_usual_form() {
        let program = |command: &str| {
            let start = Start {
                what: String::new(),
                command: command.to_owned(),
                service: None,
            };
            let path = start.program();
            path.map(|path| String::from_utf8(path).unwrap())
        };
        for (command, path) in [
            ("C:\\Windows\\a.exe", "/windows/a.exe"),
            (
                "\"C:\\Program Files\\A b\\c.exe\" -k x",
                "/program files/a b/c.exe",
            ),
            (
                "C:\\Program Files\\A b\\c.exe -k x",
                "/program files/a b/c.exe",
            ),
            (
                "%SystemRoot%\\system32\\svchost.exe -k netsvcs",
                "/windows/system32/svchost.exe",
            ),
            (
                "\\SystemRoot\\System32\\drivers\\x.sys",
                "/windows/system32/drivers/x.sys",
            ),
            ("\\??\\C:\\x.sys", "/x.sys"),
            (
                "system32\\drivers\\x.sys",
                "/windows/system32/drivers/x.sys",
            ),
            ("\\Windows\\monitor.exe", "/windows/monitor.exe"),
        ] {
            assert_eq!(program(command).as_deref(), Some(path), "{command}");
        }
        assert_eq!(program("explorer.exe"), None);
        assert_eq!(program("\\\\host\\share\\x.exe"), None);
        assert_eq!(program("ä"), None);
    }

    #[test]
    fn values_that_start_something_are_known_by_their_keys() {
        for path in [
            "/ControlSet001/services/Spooler/ImagePath%expand-sz",
            "/Software/Microsoft/Windows/CurrentVersion/Run/x%sz",
            "/WOW6432Node/Microsoft/Windows/CurrentVersion/RunOnce/x%sz",
            "/Microsoft/Windows NT/CurrentVersion/Winlogon/Shell%sz",
            "/HKLM/init/Launch50%sz",
        ] {
            assert!(name(path.as_bytes()).is_some(), "{path}");
        }
        for path in [
            "/ControlSet001/services/Spooler/ImagePath%binary",
            "/ControlSet001/services/Spooler/Description%sz",
            "/Microsoft/Windows/CurrentVersion/Explorer/x%sz",
            "/etc/100%sz",
            "/ImagePath%sz",
            "%sz",
        ] {
            assert!(name(path.as_bytes()).is_none(), "{path}");
        }
    }
}
