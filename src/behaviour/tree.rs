//! From one file of a scene to its unit: which reader fits it.

use super::config;
use super::paths;
use super::registry;
use super::scene::{Content, Scene};
use super::shell::Flow;
use super::unit::Unit;
use crate::facts::calls;
use crate::facts::filetype::{self, is_text};
use crate::facts::script::Script;

/// The unit of a file; `None` where nothing in it is a step.
pub(super) fn unit(scene: &Scene, file: &Content) -> Option<Unit> {
    let mut flow = Flow::new(scene, file);
    if let Some(script) = script(file) {
        flow.follow(&script);
    } else if is_text(&file.bytes) {
        for call in foreign(file) {
            flow.follow_line(&call.command, call.line);
        }
    }
    config::steps(file, &mut flow);
    if flow.steps.is_empty() && flow.problems.is_empty() {
        return None;
    }
    Some(Unit {
        place: file.place.clone(),
        path: file.path.clone(),
        steps: flow.steps,
        problems: flow.problems,
        functions: Vec::new(),
    })
}

/// A file as a shell script, if it is one: by its first line, or by its name and folder where it has none.
pub(super) fn script(file: &Content) -> Option<Script> {
    let head = file.bytes.get(..filetype::HEAD).unwrap_or(&file.bytes);
    let is_shell = match filetype::interpreter(head) {
        Some(interpreter) => {
            // `#!/usr/bin/env bash` and `#!/bin/busybox sh` name the shell in the argument.
            let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let words = line.split(u8::is_ascii_whitespace);
            let named = words.filter(|word| !word.is_empty()).any(is_shell);
            is_shell(interpreter) || named
        }
        None => is_text(&file.bytes) && is_sourced(file.path.as_bytes()),
    };
    is_shell.then(|| Script::parse(&file.bytes))
}

/// Whether what stands at a path is worth reading although its type says only that it is text, or nothing.
pub fn is_read(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let endings: [&[u8]; 18] = [
        b".sh",
        b".conf",
        b".ini",
        b".cfg",
        b".config",
        b".properties",
        b".env",
        b".cnf",
        b".json",
        b".py",
        b".lua",
        b".php",
        b".cgi",
        b".pl",
        b".service",
        b".rules",
        b".pem",
        b".key",
    ];
    let names: [&[u8]; 5] = [
        b"authorized_keys",
        b"authorized_keys2",
        b"inittab",
        b"exports",
        b"fstab",
    ];
    paths::is_below(path, b"/etc")
        || registry::is_value(path)
        || paths::is_start(path)
        || paths::is_account(path)
        || memchr::memmem::find(path, b"/etc/").is_some()
        || names.contains(&name)
        || name.starts_with(b"dropbear_") && name.ends_with(b"_host_key")
        || endings.iter().any(|ending| name.ends_with(ending))
}

fn is_shell(word: &[u8]) -> bool {
    let base = word
        .rsplit(|&byte| byte == b'/' || byte == b'!')
        .next()
        .unwrap_or_default();
    matches!(
        base,
        b"sh" | b"ash" | b"bash" | b"dash" | b"ksh" | b"hush" | b"zsh"
    )
}

/// Texts that shells read although no line says so.
fn is_sourced(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let not_shell: [&[u8]; 6] = [
        b"/etc/inittab",
        b"/etc/mdev.conf",
        b"/etc/crontab",
        b"/etc/ld.so.preload",
        b"/etc/cron.d",
        b"/var/spool",
    ];
    let is_unit = name.ends_with(b".service")
        || name.ends_with(b".rules")
        || name.ends_with(b".conf")
        || name.starts_with(b"README");
    name.ends_with(b".sh")
        || paths::is_start(path)
            && !is_unit
            && memchr::memmem::find(path, b"/systemd/").is_none()
            && memchr::memmem::find(path, b"/udev/").is_none()
            && !not_shell.iter().any(|folder| paths::is_below(path, folder))
}

/// Calls in programs of other languages that hand a text to a shell.
fn foreign(file: &Content) -> Vec<calls::Call> {
    let name = file.path.as_bytes();
    let endings: [&[u8]; 5] = [b".py", b".lua", b".php", b".cgi", b".pl"];
    let interpreter = filetype::interpreter(&file.bytes).unwrap_or_default();
    let languages: [&[u8]; 4] = [b"python", b"lua", b"php", b"perl"];
    let env = file
        .bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let is_foreign = endings.iter().any(|ending| name.ends_with(ending))
        || !interpreter.is_empty()
            && languages
                .iter()
                .any(|language| memchr::memmem::find(env, language).is_some());
    if is_foreign {
        calls::calls(&file.bytes)
    } else {
        Vec::new()
    }
}
