//! From text to [`Keyring`], and what no keyring may say.

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Class, Holder, Keyring, Role, Rule, Scope};
use crate::document::{self, Fault, Field, Malformed, Table};
use crate::trust::{Form, PublicKey, revocation};

/// So many keys are in a keyring: each of them may be tried on each signature.
const MAX_KEYS: usize = 256;

pub(super) fn keyring(bytes: &[u8]) -> Result<Keyring, Malformed> {
    document::read(bytes, document::Kind::Keyring, rest)
}

fn rest(top: &mut Table<'_>) -> Result<Keyring, Fault> {
    let sequence = top.need("sequence", Field::number)?;
    let issued = top.need("issued", Field::time)?;
    let expires = top.need("expires", Field::time)?;
    let keys = top.need("key", keys)?;
    let roots = keys
        .iter()
        .filter(|holder| holder.roles.contains(&Role::Root))
        .count();
    let root_threshold = top.need("root_threshold", |field| {
        threshold(field, roots, "keys with the role root")
    })?;
    let rules = top
        .maybe("rule", |field| rules(field, &keys))?
        .unwrap_or_default();
    let revoked = top.maybe("revoked", revocation::rows)?.unwrap_or_default();
    Ok(Keyring {
        sequence,
        issued,
        expires,
        root_threshold,
        keys,
        rules,
        revoked,
    })
}

/// A threshold, which `most` keys can reach.
fn threshold(field: Field<'_>, most: usize, what: &str) -> Result<NonZeroU8, Fault> {
    let spot = field.spot;
    let number: u8 = field.number()?;
    NonZeroU8::new(number)
        .filter(|_| usize::from(number) <= most)
        .ok_or_else(|| spot.fault(format_args!("from 1 to {most}, the number of {what}")))
}

fn keys(field: Field<'_>) -> Result<Vec<Holder>, Fault> {
    let list = field.list()?;
    let mut keys: Vec<Holder> = Vec::new();
    for field in list {
        let spot = field.spot;
        let holder = holder(field)?;
        let twin = keys.iter().find(|other| other.key == holder.key);
        if let Some(twin) = twin {
            let (one, other) = (&twin.name, &holder.name);
            return Err(spot.fault(format_args!(
                "a list of distinct keys: `{one}` and `{other}` are one key under two names"
            )));
        }
        if keys.iter().any(|other| other.name == holder.name) {
            return Err(spot.fault("a list in which no two keys have one name"));
        }
        if keys.len() == MAX_KEYS {
            return Err(spot.fault(format_args!("a list of at most {MAX_KEYS} keys")));
        }
        keys.push(holder);
    }
    Ok(keys)
}

fn holder(field: Field<'_>) -> Result<Holder, Fault> {
    let mut row = field.table()?;
    let holder = Holder {
        name: row.need("name", Field::plain)?,
        key: row.need("ed25519", key)?,
        forms: row
            .maybe("formats", |field| {
                field.set(|field| field.word(Form::WORDS))
            })?
            .unwrap_or_default()
            .into_iter()
            .collect(),
        roles: row.need("roles", |field| {
            let spot = field.spot;
            let roles: BTreeSet<Role> = field
                .set(|field| field.word(Role::WORDS))?
                .into_iter()
                .collect();
            let some = !roles.is_empty();
            some.then_some(roles)
                .ok_or_else(|| spot.fault("at least one role"))
        })?,
        class: row.maybe("class", |field| field.word(Class::WORDS))?,
        scope: scope(&mut row)?,
        not_before: row.maybe("not_before", Field::time)?,
        not_after: row.maybe("not_after", Field::time)?,
    };
    // Default deny: who may speak of every device has to be said, not left out.
    let unscoped = holder.scope.vendor.is_none() || holder.scope.models.is_empty();
    let scoped = holder.roles.iter().find(|role| role.is_scoped());
    if let Some(role) = scoped.filter(|_| unscoped) {
        let what = format!(
            "a key with the role {} needs `vendor` and `models`; \"*\" is every one",
            role.word()
        );
        return Err(Fault::new(row.at, what));
    }
    row.end("a row of `key`")?;
    Ok(holder)
}

fn key(field: Field<'_>) -> Result<PublicKey, Fault> {
    let spot = field.spot;
    let text = field.string()?;
    let bytes = STANDARD
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| spot.fault("the 32 bytes of an Ed25519 key in base64"))?;
    PublicKey::new(bytes).map_err(|error| spot.fault(format_args!("a sound key: {error}")))
}

fn scope(row: &mut Table<'_>) -> Result<Scope, Fault> {
    Ok(Scope {
        vendor: row.maybe("vendor", Field::plain)?,
        models: row.maybe("models", Field::plain_list)?.unwrap_or_default(),
    })
}

fn rules(field: Field<'_>, keys: &[Holder]) -> Result<Vec<Rule>, Fault> {
    let mut rules = Vec::new();
    for field in field.list()? {
        let mut row = field.table()?;
        let scope = scope(&mut row)?;
        let role = row.need("role", |field| field.word(Role::WORDS))?;
        if role == Role::Root {
            let what = "`root_threshold` says how many roots must sign";
            return Err(Fault::new(row.at, what));
        }
        if !role.is_scoped() && scope != Scope::default() {
            let what = format!("the role {} concerns no device", role.word());
            return Err(Fault::new(row.at, what));
        }
        let most = keys
            .iter()
            .filter(|holder| holder.roles.contains(&role))
            .count();
        let threshold = row.need("threshold", |field| {
            threshold(field, most, "keys with that role")
        })?;
        row.end("a row of `rule`")?;
        rules.push(Rule {
            scope,
            role,
            threshold,
        });
    }
    Ok(rules)
}
