//! `vitalsign verify --attest` and `vitalsign attest check`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::authority::{self, Trusting};
use super::exit::Usage;
use super::trust::Missing;
use super::{clock, output, talk, trust};
use crate::baseline::Refused;
use crate::cli::attest::AttestCheck;
use crate::cli::{AttestCommand, ListFormat, Verify};
use crate::digest::Digest;
use crate::report::attestation::check::{Check, render};
use crate::report::attestation::{Attestation, Clock, PAYLOAD_TYPE};
use crate::report::verify::Report;
use crate::trust::SecretKey;
use crate::trust::dsse::Envelope;
use crate::trust::keyring::{Asked, Claimed, Role, Vouched};

/// Whoever signs what comes of a verification.
pub(super) struct Attestor {
    key: SecretKey,
    path: PathBuf,
    clock: Clock,
}

/// Reads the key and refuses what could not be attested, before the work begins.
pub(super) fn prepare(args: &Verify) -> Result<Option<Attestor>> {
    let (Some(key), Some(path)) = (&args.attest.attest, &args.attest.attest_output) else {
        return Ok(None);
    };
    if args.image.is_dir() {
        return Err(no_digest());
    }
    if path.try_exists().unwrap_or(true) {
        let path = trust::shown(path);
        return Err(Usage(format!("{path} exists; an attestation replaces no file")).into());
    }
    Ok(Some(Attestor {
        key: trust::secret_key(key, args.attest.password_file.as_deref())?,
        path: path.clone(),
        clock: if args.now.is_some() {
            Clock::Stated
        } else {
            Clock::System
        },
    }))
}

fn no_digest() -> anyhow::Error {
    Usage(
        "--attest: a directory has no digest, and changes; attest an image of it, or of the device"
            .to_owned(),
    )
    .into()
}

impl Attestor {
    /// Signs what a report says.
    pub(super) fn attest(&self, report: &Report) -> Result<()> {
        let sha256 = Digest::of(output::json(report)?.as_bytes());
        let attestation = Attestation::new(report, sha256, self.clock).ok_or_else(no_digest)?;
        let envelope = Envelope::sign(PAYLOAD_TYPE, attestation.write()?, &self.key);
        output::write_file(&self.path, envelope.write()?.as_bytes(), 0o644)?;
        talk::say(&format!(
            "attested in {}, signed by key {}",
            trust::shown(&self.path),
            self.key.public().fingerprint()
        ));
        Ok(())
    }
}

/// Runs an attest command.
pub(super) fn run(command: &AttestCommand) -> Result<u8> {
    match command {
        AttestCommand::Check(args) => check(args),
    }
}

fn check(args: &AttestCheck) -> Result<u8> {
    let trusting = authority::read(&args.speakers.trust())?;
    let bytes = trust::envelope(&args.envelope)?;
    let (attested, signers) =
        vouched(&bytes, &trusting).with_context(|| trust::shown(&args.envelope))?;
    let files: Result<Vec<_>> = args.image.iter().map(|path| digest(path)).collect();
    let report = args.report.as_deref().map(digest).transpose()?;
    let now = args.now.unwrap_or_else(clock::now);
    let policy = policy(&attested, &trusting, now);
    let report = report.map(|(_, sha256)| sha256);
    let check = Check::new(attested, &signers, files?, report, policy);
    let text = match args.output.format {
        ListFormat::Json => output::json(&check)?,
        ListFormat::Terminal => {
            let mut out = String::new();
            render(&check, &mut out)?;
            out
        }
    };
    output::write(args.output.output.as_deref(), &text)?;
    Ok(check.verdict.exit_code)
}

/// What an envelope states, and who of those whose word counts signed it. It is read once one of them did.
fn vouched(bytes: &[u8], trusting: &Trusting) -> Result<(Attestation, Vec<Vouched>)> {
    let authority = &trusting.authority;
    let envelope = Envelope::parse(bytes)?;
    let outcomes = envelope.judge(&authority.keys());
    let asked = Asked {
        role: Role::Attestation,
        sha256: Digest::of(bytes),
        claim: None,
    };
    authority.vouch(&outcomes, &asked).map_err(Refused::from)?;
    let attested = Attestation::parse(envelope.payload_type(), envelope.payload())?;
    // Where no baseline fits, it speaks of every device.
    let of = attested.baseline.as_ref();
    let device = of.map_or(("", ""), |row| (&row.vendor, &row.model));
    let claim = Some(Claimed {
        device: Some(device),
        issued: attested.judged_at,
    });
    let signers = authority.vouch(&outcomes, &Asked { claim, ..asked });
    Ok((attested, signers.map_err(Refused::from)?))
}

/// What speaks against relying on it today.
fn policy(attested: &Attestation, trusting: &Trusting, now: Timestamp) -> Vec<String> {
    let keyring = trusting.keyring.as_ref().map(|chain| chain.keyring.expires);
    let stale = keyring
        .filter(|expires| now > *expires)
        .map(|expires| format!("the keyring is STALE: it expired at {expires}"));
    let judged = attested.judged_at;
    let behind = (now < judged)
        .then(|| format!("the clock is BEHIND: it says {now}, and this was judged at {judged}"));
    stale.into_iter().chain(behind).collect()
}

/// The name and the digest of a file.
fn digest(path: &Path) -> Result<(String, Digest)> {
    let fail = |source| Missing::new(path, source);
    let sha256 = if path.as_os_str() == "-" {
        Digest::of_all(std::io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(Digest::of_all)
    };
    Ok((trust::shown(path), sha256.map_err(fail)?))
}
