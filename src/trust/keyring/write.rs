//! From [`Keyring`] to text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Holder, Keyring, Role, Rule, Scope};
use crate::document::Kind;
use crate::document::write::{Row, array, push, quoted, strings, words};
use crate::trust::{Form, revocation};

pub(super) fn text(keyring: &Keyring) -> String {
    let mut out = String::new();
    for (key, value) in [
        ("format", quoted(Kind::Keyring.format())),
        ("schema", "1".to_owned()),
        ("sequence", keyring.sequence.to_string()),
        ("issued", keyring.issued.to_string()),
        ("expires", keyring.expires.to_string()),
        ("root_threshold", keyring.root_threshold.to_string()),
    ] {
        push(&mut out, &[key, " = ", &value, "\n"]);
    }
    array(&mut out, "key", keyring.keys.iter().map(holder));
    array(&mut out, "rule", keyring.rules.iter().map(rule));
    revocation::write_rows(&mut out, &keyring.revoked);
    out
}

fn holder(holder: &Holder) -> Row {
    let row = Row::default()
        .text("name", &holder.name)
        .text("ed25519", &STANDARD.encode(holder.key.as_bytes()))
        .raw("roles", &words(&holder.roles, Role::word));
    let row = if holder.forms.is_empty() {
        row
    } else {
        row.raw("formats", &words(&holder.forms, Form::word))
    };
    scope(row, &holder.scope)
        .maybe(holder.class, |row, class| row.text("class", class.word()))
        .maybe(holder.not_before, |row, time| {
            row.raw("not_before", &time.to_string())
        })
        .maybe(holder.not_after, |row, time| {
            row.raw("not_after", &time.to_string())
        })
}

fn scope(row: Row, scope: &Scope) -> Row {
    row.maybe(scope.vendor.as_deref(), |row, vendor| {
        row.text("vendor", vendor)
    })
    .maybe(strings(&scope.models), |row, models| {
        row.raw("models", &models)
    })
}

fn rule(rule: &Rule) -> Row {
    scope(Row::default(), &rule.scope)
        .text("role", rule.role.word())
        .raw("threshold", &rule.threshold.to_string())
}
