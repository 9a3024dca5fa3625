//! The packs of rules that were named: who vouches for each, and what it says.

use std::path::Path;

use anyhow::{Context, Result};

use super::authority::{self, Trusting};
use super::{signatures, trust};
use crate::baseline::Refused;
use crate::cli;
use crate::digest::Digest;
use crate::rules::{self, Pack, Rulebook};
use crate::trust::keyring::{Asked, Claimed, Role, Vouched};
use crate::trust::order::Dated;
use crate::trust::{Authority, Purpose, TrustError};

/// A pack for which nobody vouches, and that is not to be used without.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unvouched(pub(super) TrustError);

impl Unvouched {
    /// What to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self.0 {
            TrustError::Unsigned | TrustError::NoKeys | TrustError::OtherKey(_) => {
                "get the signer's signature (FILE.minisig, .sig, .signify or .ed25519) and name the key with --trust-key or \
                 --keyring; with --allow-unsigned-rules the pack is used all the same, and what it tells is for review only"
            }
            _ => self.0.hint(),
        }
    }
}

/// The packs that were named and those built in, and whose word counted about them.
pub(super) fn read(
    args: &cli::Packs,
    speakers: &cli::risk::Speakers,
) -> Result<(Rulebook, Option<Trusting>)> {
    if args.rules.is_empty() {
        return Ok((Rulebook::default(), None));
    }
    let trusting = authority::read(&speakers.trust())?;
    Ok((book(args, &trusting.authority)?, Some(trusting)))
}

/// The packs that were named and those built in.
pub(super) fn book(args: &cli::Packs, authority: &Authority) -> Result<Rulebook> {
    let mut book = Rulebook::default();
    for path in &args.rules {
        add(&mut book, path, args.allow_unsigned_rules, authority)
            .with_context(|| trust::shown(path))?;
    }
    Ok(book)
}

fn add(
    book: &mut Rulebook,
    path: &Path,
    allow_unsigned: bool,
    authority: &Authority,
) -> Result<()> {
    let signed = signatures::judge(path, &authority.keys(), Purpose::Rules)?;
    let mut asked = Asked {
        role: Role::Rules,
        sha256: signed.judged.sha256(),
        claim: None,
    };
    let outcomes = signed.judged.outcomes();
    // It is read once somebody vouches for it, or the caller does not ask for that.
    let first = authority.vouch(outcomes, &asked);
    let first = accepted(first, allow_unsigned)?;
    signed.tell();
    let pack = rules::parse(signed.judged.bytes())?;
    let signers = match (first, pack.dates) {
        (Ok(_), Some(dates)) => {
            asked.claim = Some(Claimed {
                device: None,
                issued: dates.issued,
            });
            accepted(authority.vouch(outcomes, &asked), allow_unsigned)?
        }
        (first, _) => first,
    };
    book.add(pack, asked.sha256, signers)?;
    Ok(())
}

/// Who vouches, or why nobody does where that is not asked for. A key that is revoked says more than no key.
fn accepted(
    vouched: Result<Vec<Vouched>, TrustError>,
    allow_unsigned: bool,
) -> Result<Result<Vec<Vouched>, String>> {
    match vouched {
        Ok(signers) => Ok(Ok(signers)),
        Err(error @ TrustError::Revoked { .. }) => Err(Refused::from(error).into()),
        Err(error) if allow_unsigned => Ok(Err(error.to_string())),
        Err(error) => Err(Unvouched(error).into()),
    }
}

/// Packs to be tried, whoever signed them. What would be refused for another reason than its fixtures is refused.
pub(super) fn untrusted(paths: &[&Path]) -> Result<Vec<Pack>> {
    let mut packs = Vec::new();
    let mut book = Rulebook::default();
    for path in paths {
        let text = trust::document(path)?;
        let pack = rules::parse(&text).with_context(|| trust::shown(path))?;
        let why = "it was not asked".to_owned();
        match book.add(pack.clone(), Digest::of(&text), Err(why)) {
            Ok(()) | Err(rules::Unfit::Fixture(..)) => packs.push(pack),
            Err(unfit) => return Err(unfit).with_context(|| trust::shown(path)),
        }
    }
    Ok(packs)
}

/// The dates of packs.
pub(super) fn dates(book: &Rulebook) -> Vec<Dated> {
    let given = book.given().iter();
    given
        .map(|given| Dated {
            name: format!("the rule pack {}", given.pack.name),
            issued: given.dates.issued,
            expires: given.dates.expires,
        })
        .collect()
}
