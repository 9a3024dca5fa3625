//! `vitalsign keyring create|add|revoke|sign|check|show|rotate`

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::exit::Usage;
use super::state::{self, Kept};
use super::{authority, clock, output, signatures, trust};
use crate::baseline::Refused;
use crate::cli::KeyringCommand;
use crate::cli::keyring::{
    KeyringAdd, KeyringCheck, KeyringCreate, KeyringRevoke, KeyringRotate, KeyringShow,
    KeyringSign, Next,
};
use crate::digest::Digest;
use crate::report::text;
use crate::rules::{self, Rulebook};
use crate::trust::index::Index;
use crate::trust::keyring::{Holder, Keyring, Role, Rule, Scope};
use crate::trust::revocation::{Revocation, Revocations, accumulate};
use crate::trust::{TrustError, minisign};

/// Runs a keyring command.
pub(super) fn run(command: &KeyringCommand) -> Result<u8> {
    match command {
        KeyringCommand::Create(args) => create(args),
        KeyringCommand::Add(args) => add(args),
        KeyringCommand::Revoke(args) => revoke(args),
        KeyringCommand::Sign(args) => sign(args),
        KeyringCommand::Check(args) => check(args),
        KeyringCommand::Show(args) => show(args),
        KeyringCommand::Rotate(args) => rotate(args),
    }
}

fn create(args: &KeyringCreate) -> Result<u8> {
    let mut keys = Vec::new();
    for (name, path) in &args.root {
        keys.push(Holder {
            name: name.clone(),
            key: trust::public_key(path)?.0,
            forms: [].into(),
            roles: [Role::Root].into(),
            class: None,
            scope: Scope::default(),
            not_before: None,
            not_after: None,
        });
    }
    let keyring = Keyring {
        sequence: 1,
        issued: args.now.unwrap_or_else(clock::now),
        expires: args.expires,
        root_threshold: args.threshold,
        keys,
        rules: Vec::new(),
        revoked: Vec::new(),
    };
    write(&keyring, &args.output)
}

fn add(args: &KeyringAdd) -> Result<u8> {
    let mut keyring = next(&args.next)?;
    let (name, path) = &args.key;
    let scope = Scope {
        vendor: args.vendor.clone(),
        models: args.model.clone(),
    };
    keyring.keys.push(Holder {
        name: name.clone(),
        key: trust::public_key(path)?.0,
        forms: args.form.iter().copied().collect(),
        roles: args.role.iter().copied().collect(),
        class: args.class,
        scope: scope.clone(),
        not_before: args.not_before,
        not_after: args.not_after,
    });
    let roles = args.role.iter().filter(|role| **role != Role::Root);
    for (&role, threshold) in roles.zip(args.threshold.into_iter().cycle()) {
        let scope = if role.is_scoped() {
            scope.clone()
        } else {
            Scope::default()
        };
        keyring
            .rules
            .retain(|rule| rule.role != role || rule.scope != scope);
        keyring.rules.push(Rule {
            scope,
            role,
            threshold,
        });
    }
    write(&keyring, &args.next.output)
}

fn revoke(args: &KeyringRevoke) -> Result<u8> {
    let mut keyring = next(&args.next)?;
    let known = keyring.keys.iter().find(|holder| holder.name == args.key);
    let key = match (known, args.key.parse()) {
        (Some(holder), _) => holder.key.fingerprint(),
        (None, Ok(fingerprint)) => fingerprint,
        (None, Err(_)) => {
            let all: Vec<&str> = keyring
                .keys
                .iter()
                .map(|holder| holder.name.as_str())
                .collect();
            let all = all.join(", ");
            let asked = &args.key;
            return Err(Usage(format!(
                "--key {asked}: the keyring has no such key; it has {all}"
            ))
            .into());
        }
    };
    let row = Revocation {
        key,
        reason: args.reason.clone(),
        keep_sha256: args.keep.clone(),
    };
    accumulate(&mut keyring.revoked, &[row]);
    let Some(sequence) = args.list else {
        return write(&keyring, &args.next.output);
    };
    let list = Revocations {
        sequence,
        issued: keyring.issued,
        revoked: keyring.revoked,
    };
    let text = list.write();
    Revocations::parse(text.as_bytes()).context("this is no list of revocations")?;
    output::write_file(&args.next.output, text.as_bytes(), 0o644)?;
    let count = text::count(list.revoked.len(), "key");
    output::write_stdout(&format!(
        "revocations {sequence}: {count}\nunsigned: a key with the role revocation must sign it (`vitalsign keyring sign`)\n"
    ))?;
    Ok(0)
}

/// The keyring after another one, still without what is new in it.
fn next(args: &Next) -> Result<Keyring> {
    let mut keyring = authority::parse(&args.keyring)?;
    keyring.sequence = keyring.sequence.saturating_add(1);
    keyring.issued = args.now.unwrap_or_else(clock::now);
    keyring.expires = args.expires.unwrap_or(keyring.expires);
    Ok(keyring)
}

/// Writes a draft. What no reader would accept must not be signed.
fn write(keyring: &Keyring, path: &Path) -> Result<u8> {
    if path.exists() {
        let path = trust::shown(path);
        return Err(Usage(format!(
            "{path} exists; a keyring is never overwritten, name another file"
        ))
        .into());
    }
    let text = keyring.write();
    Keyring::parse(text.as_bytes()).context("this is no keyring")?;
    output::write_file(path, text.as_bytes(), 0o644)?;
    output::write_stdout(&format!(
        "{}unsigned: {} of its root keys must sign it (`vitalsign keyring sign`)\n",
        summary(keyring)?,
        keyring.root_threshold
    ))?;
    Ok(0)
}

fn sign(args: &KeyringSign) -> Result<u8> {
    let bytes = trust::document(&args.document)?;
    let comment = comment(&bytes).with_context(|| trust::shown(&args.document))?;
    let key = trust::secret_key(&args.key, args.password_file.as_deref())?;
    let path = signatures::path(&args.document, args.name.as_deref());
    signatures::keep_others(&path, key.id())?;
    let signature = minisign::sign(&key, &bytes, &comment)?;
    output::write_file(&path, signature.as_bytes(), 0o644)?;
    output::write_stdout(&format!(
        "{}\nsigned by key {}\n",
        trust::shown(&path),
        key.public().fingerprint()
    ))?;
    Ok(0)
}

/// What is signed, in words. A document that cannot be read is not signed.
fn comment(bytes: &[u8]) -> Result<String> {
    if let Ok(index) = Index::parse(bytes) {
        return Ok(format!("index {}", index.sequence));
    }
    if let Ok(list) = Revocations::parse(bytes) {
        return Ok(format!("revocations {}", list.sequence));
    }
    if let Ok(pack) = rules::parse(bytes) {
        let comment = format!("rules {}", pack.name);
        // What would not be used is not signed.
        Rulebook::default().add(pack, Digest::of(bytes), Ok(Vec::new()))?;
        return Ok(comment);
    }
    Ok(format!("keyring {}", Keyring::parse(bytes)?.sequence))
}

fn check(args: &KeyringCheck) -> Result<u8> {
    let kept = args.state.as_deref().map(state::read).transpose()?;
    let chain = authority::keyring(&args.keyring, &args.root_key, kept.as_ref())?;
    let vouched = if chain.is_first && args.root_key.is_empty() {
        "signed by its own roots: that they are the right ones, you must know (--root-key, --state)"
    } else {
        "signed by its roots"
    };
    output::write_stdout(&format!("{}{vouched}\n", summary(&chain.keyring)?))?;
    Ok(0)
}

fn show(args: &KeyringShow) -> Result<u8> {
    let keyring = authority::parse(&args.keyring)?;
    let mut text = summary(&keyring)?;
    for holder in &keyring.keys {
        describe(&mut text, holder, &keyring)?;
    }
    for rule in &keyring.rules {
        writeln!(
            text,
            "  {} must sign together in the role {}{}",
            rule.threshold,
            rule.role.word(),
            scope(&rule.scope)
        )?;
    }
    for row in &keyring.revoked {
        let keep = match row.keep_sha256.len() {
            0 => String::new(),
            count => format!(", but for {}", text::count(count, "document")),
        };
        writeln!(text, "  revoked: {}{keep}: {}", row.key, row.reason)?;
    }
    text.push_str("the signatures were not checked: `vitalsign keyring check` does\n");
    output::write_stdout(&text)?;
    Ok(0)
}

fn describe(out: &mut String, holder: &Holder, keyring: &Keyring) -> Result<()> {
    let roles: Vec<&str> = holder.roles.iter().map(|role| role.word()).collect();
    let fingerprint = holder.key.fingerprint();
    let revoked = keyring.revoked.iter().any(|row| row.key == fingerprint);
    writeln!(
        out,
        "  {:<16} {}{}{}{}",
        holder.name,
        roles.join(", "),
        scope(&holder.scope),
        holder
            .class
            .map(|class| format!(" ({})", class.word()))
            .unwrap_or_default(),
        if revoked { ", REVOKED" } else { "" }
    )?;
    writeln!(out, "    {fingerprint}")?;
    let forms: Vec<&str> = holder.forms.iter().map(|form| form.word()).collect();
    if !forms.is_empty() {
        writeln!(out, "    signs as {} only", forms.join(", "))?;
    }
    if let Some(from) = holder.not_before {
        writeln!(out, "    not before {from}")?;
    }
    if let Some(to) = holder.not_after {
        writeln!(out, "    not after {to}")?;
    }
    Ok(())
}

/// Which devices a scope names, as the end of a line.
fn scope(scope: &Scope) -> String {
    match (&scope.vendor, scope.models.as_slice()) {
        (None, []) => String::new(),
        (vendor, models) => {
            let vendor = vendor.as_deref().unwrap_or("*");
            let models = if models.is_empty() {
                "*".to_owned()
            } else {
                models.join(", ")
            };
            format!(" of {vendor}: {models}")
        }
    }
}

fn summary(keyring: &Keyring) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "keyring {}, issued {}, expires {}",
        keyring.sequence, keyring.issued, keyring.expires
    )?;
    writeln!(
        text,
        "{}, {} of {} must sign, {}, {}",
        text::count(keyring.keys.len(), "key"),
        keyring.root_threshold,
        text::count(keyring.roots().len(), "root"),
        text::count(keyring.rules.len(), "rule"),
        text::count(keyring.revoked.len(), "revocation"),
    )?;
    Ok(text)
}

fn rotate(args: &KeyringRotate) -> Result<u8> {
    let kept = args.state.as_deref().map(state::read).transpose()?;
    let old = authority::keyring(&args.old, &[], kept.as_ref())?;
    let mut carried = kept.unwrap_or_else(Kept::nowhere);
    carried.take_up(&old);
    let new = authority::keyring(&args.new, &[], Some(&carried))?;
    let fail = |error| Err(Refused::from(error)).with_context(|| trust::shown(&args.new));
    if new.keyring.sequence == old.keyring.sequence {
        return fail(TrustError::OtherKeyring(old.keyring.sequence));
    }
    let kept_out = |row: &&Revocation| !new.keyring.revoked.iter().any(|new| new.key == row.key);
    if let Some(row) = old.keyring.revoked.iter().find(kept_out) {
        return fail(TrustError::Unrevoked(row.key));
    }
    carried.take_up(&new);
    if args.state.is_some() {
        carried.write()?;
    }
    let noted = if args.state.is_some() {
        "and noted in the state file"
    } else {
        "but noted nowhere: name --state"
    };
    output::write_stdout(&format!(
        "{}follows keyring {}, {noted}\n",
        summary(&new.keyring)?,
        old.keyring.sequence
    ))?;
    Ok(0)
}
