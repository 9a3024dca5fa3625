//! Revocations: keys that may say nothing any more, whatever they say and whenever they claim to have said it.
//!
//! They travel in keyrings, in documents of their own, and in the state file; they only ever accumulate.

use jiff::Timestamp;

use super::PublicKey;
use crate::digest::Digest;
use crate::document::write::{Row, array, push, quoted};
use crate::document::{self, Fault, Field, Malformed, Table};

/// A key that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The key's [fingerprint](PublicKey::fingerprint).
    pub key: Digest,
    /// Why.
    pub reason: String,
    /// The digests of documents by this key that stay trusted: those known to be from before. Dates cannot tell, since whoever has the
    /// key can write any.
    pub keep_sha256: Vec<Digest>,
}

/// A list of revocations as a document of its own, so that it can travel faster than keyrings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    /// Its number, higher than that of the list before it.
    pub sequence: u64,
    /// When it was made, as its signers claim.
    pub issued: Timestamp,
    /// The keys.
    pub revoked: Vec<Revocation>,
}

impl Revocations {
    /// Reads a list.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        document::read(bytes, document::Kind::Revocations, |top| {
            Ok(Self {
                sequence: top.need("sequence", Field::number)?,
                issued: top.need("issued", Field::time)?,
                revoked: top.need("revoked", rows)?,
            })
        })
    }

    /// The text of this list; [`Revocations::parse`] reads it back.
    pub fn write(&self) -> String {
        let mut out = String::new();
        let format = quoted(document::Kind::Revocations.format());
        push(&mut out, &["format = ", &format, "\nschema = 1\n"]);
        push(&mut out, &["sequence = ", &self.sequence.to_string(), "\n"]);
        push(&mut out, &["issued = ", &self.issued.to_string(), "\n"]);
        write_rows(&mut out, &self.revoked);
        out
    }
}

/// The revocation that says that `key` may not have signed what has the digest `signed`.
pub fn forbids<'a>(
    revoked: &'a [Revocation],
    key: &PublicKey,
    signed: Digest,
) -> Option<&'a Revocation> {
    let fingerprint = key.fingerprint();
    revoked
        .iter()
        .find(|row| row.key == fingerprint && !row.keep_sha256.contains(&signed))
}

/// Adds what `newer` revokes. What both revoke is as `newer` has it; nothing is ever taken back.
pub fn accumulate(known: &mut Vec<Revocation>, newer: &[Revocation]) {
    for row in newer {
        match known.iter_mut().find(|old| old.key == row.key) {
            Some(old) => *old = row.clone(),
            None => known.push(row.clone()),
        }
    }
    known.sort_by_key(|row| row.key);
}

/// Reads `revoked` rows.
pub(super) fn rows(field: Field<'_>) -> Result<Vec<Revocation>, Fault> {
    let mut rows: Vec<Revocation> = Vec::new();
    for field in field.list()? {
        let spot = field.spot;
        let mut row = field.table()?;
        let revocation = revocation(&mut row)?;
        row.end("a row of `revoked`")?;
        if rows.iter().any(|other| other.key == revocation.key) {
            return Err(spot.fault("a list that revokes no key twice"));
        }
        rows.push(revocation);
    }
    Ok(rows)
}

fn revocation(row: &mut Table<'_>) -> Result<Revocation, Fault> {
    Ok(Revocation {
        key: row.need("key", Field::digest)?,
        reason: row.need("reason", Field::plain)?,
        keep_sha256: row
            .maybe("keep_sha256", |field| field.set(Field::digest))?
            .unwrap_or_default(),
    })
}

/// Writes `revoked` rows.
pub(super) fn write_rows(out: &mut String, revoked: &[Revocation]) {
    let row = |row: &Revocation| {
        let keep: Vec<String> = row
            .keep_sha256
            .iter()
            .map(|digest| quoted(&digest.to_string()))
            .collect();
        let text = Row::default()
            .digest("key", Some(row.key))
            .text("reason", &row.reason);
        if keep.is_empty() {
            text
        } else {
            text.raw("keep_sha256", &format!("[{}]", keep.join(", ")))
        }
    };
    array(out, "revoked", revoked.iter().map(row));
}
