//! `vitalsign baseline check`

use std::fmt::Write;

use anyhow::Result;

use super::{summary, unsigned};
use crate::cli::BaselineCheck;
use crate::commands::{output, signatures, trust};
use crate::trust::{Authority, Purpose};

/// Checks the form of a baseline, and its signatures when a key is named.
pub(super) fn run(args: &BaselineCheck) -> Result<u8> {
    if args.trust_key.is_empty() {
        let baseline = unsigned(&args.baseline)?;
        output::write_stdout(&format!(
            "{}the form is right; the signature was NOT checked: name --trust-key\n",
            summary(&baseline)
        ))?;
        return Ok(8);
    }
    let keys = trust::public_keys(&args.trust_key)?;
    let judged = signatures::judge(&args.baseline, &keys, Purpose::Baseline)?;
    let mut signed = String::new();
    for signer in judged
        .outcomes()
        .filter_map(|(_, outcome)| outcome.as_ref().ok())
    {
        let key = signer.key.fingerprint();
        writeln!(signed, "signed by key {key} ({})", signer.form)?;
    }
    let trusted = judged.trusted(&Authority::of_keys(keys))?;
    output::write_stdout(&format!("{}{signed}", summary(trusted.baseline())))?;
    Ok(0)
}
