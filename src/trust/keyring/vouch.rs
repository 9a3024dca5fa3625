//! Whether the keys that signed something may say it, and are enough.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Class, Holder, Keyring, Role};
use crate::digest::Digest;
use crate::trust::revocation::{self, Revocation};
use crate::trust::{Signer, TrustError};

/// A signer whose word counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Who signed, and how.
    pub signer: Signer,
    /// What the keyring calls the key; `None` for a key that was named on the command line.
    pub name: Option<String>,
    /// What the keyring says the signer is.
    pub class: Option<Class>,
}

/// What was signed, as far as it matters who signed it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What kind of document it is.
    pub role: Role,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// What it says of itself; `None` until that was read, or where it says nothing.
    pub claim: Option<Claimed<'a>>,
}

/// What a document says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// The vendor and the model of the device that it concerns, where it concerns one.
    pub device: Option<(&'a str, &'a str)>,
    /// When the document was made.
    pub issued: Timestamp,
}

impl Keyring {
    /// The signers that count, one for each key, in the order of the signatures. `revoked`: what is known to be revoked, from here or
    /// elsewhere.
    ///
    /// # Errors
    /// Too few of them count: [`TrustError::Revoked`] when a revocation is why, else [`TrustError::TooFew`] with every reason;
    /// [`TrustError::Unsigned`] or that of the first signature when no key of the keyring signed at all.
    pub fn vouch(
        &self,
        outcomes: &[Result<Signer, TrustError>],
        revoked: &[Revocation],
        asked: &Asked<'_>,
    ) -> Result<Vec<Vouched>, TrustError> {
        crate::trust::first(outcomes)?;
        let mut counted: Vec<Vouched> = Vec::new();
        let mut barred = None;
        // By name, so that a key that signed in several forms is told once.
        let mut refused = BTreeMap::new();
        for signer in outcomes.iter().flatten() {
            let Some(holder) = self.holder(&signer.key) else {
                continue;
            };
            if counted.iter().any(|other| other.signer.key == signer.key) {
                continue;
            }
            if let Some(row) = revocation::forbids(revoked, &signer.key, asked.sha256) {
                barred = barred.or(Some((holder.name.clone(), row.reason.clone())));
                refused.insert(holder.name.as_str(), "it is revoked".to_owned());
            } else if let Some(why) = objection(holder, signer, asked) {
                refused.insert(&holder.name, why);
            } else {
                counted.push(Vouched {
                    signer: signer.clone(),
                    name: Some(holder.name.clone()),
                    class: holder.class,
                });
            }
        }
        let needed = self.threshold(asked);
        if counted.len() >= usize::from(needed) {
            return Ok(counted);
        }
        if let Some((name, reason)) = barred {
            return Err(TrustError::Revoked { name, reason });
        }
        let why: Vec<String> = refused
            .into_iter()
            .map(|(name, why)| format!("key {name}: {why}"))
            .collect();
        Err(TrustError::TooFew {
            needed,
            counted: counted.len(),
            why,
        })
    }

    /// How many keys must sign together: the most that any rule asks for.
    fn threshold(&self, asked: &Asked<'_>) -> u8 {
        let applies = |scope: &super::Scope| {
            let device = asked.claim.and_then(|claim| claim.device);
            device.is_none_or(|(vendor, model)| scope.holds(vendor, model))
        };
        // Before it is read which device a baseline is for, one signature is enough to read it.
        if asked.role.is_scoped() && asked.claim.is_none() {
            return 1;
        }
        let rules = self.rules.iter();
        let asks = rules
            .filter(|rule| rule.role == asked.role && applies(&rule.scope))
            .map(|rule| rule.threshold.get());
        asks.max().unwrap_or(1)
    }
}

/// Why a key's signature does not count.
fn objection(holder: &Holder, signer: &Signer, asked: &Asked<'_>) -> Option<String> {
    if !holder.roles.contains(&asked.role) {
        return Some(format!("it may not sign in the role {}", asked.role.word()));
    }
    if !holder.forms.is_empty() && !holder.forms.contains(&signer.form) {
        return Some(format!("it may not sign in the form {}", signer.form));
    }
    let claim = asked.claim?;
    if let Some((vendor, model)) = claim.device
        && !holder.scope.holds(vendor, model)
    {
        return Some(format!("it may not speak of {vendor} {model}"));
    }
    if holder.not_before.is_some_and(|from| claim.issued < from)
        || holder.not_after.is_some_and(|to| claim.issued > to)
    {
        let issued = claim.issued;
        return Some(format!("it was not valid when this was issued ({issued})"));
    }
    None
}
