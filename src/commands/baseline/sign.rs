//! `vitalsign baseline sign`

use anyhow::{Context, Result};

use crate::cli::BaselineSign;
use crate::commands::{output, signatures, trust};
use crate::trust::minisign;

/// Signs a baseline.
pub(super) fn run(args: &BaselineSign) -> Result<u8> {
    let unverified = trust::baseline(&args.baseline)?;
    let shown = trust::shown(&args.baseline);
    let baseline = unverified
        .read_without_trust()
        .with_context(|| shown.clone())?;
    let key = trust::secret_key(&args.key, args.password_file.as_deref())?;
    let comment = format!(
        "baseline {} {} {} sequence {}",
        baseline.device.vendor, baseline.device.model, baseline.firmware.version, baseline.sequence
    );
    let signature = minisign::sign(&key, unverified.as_bytes(), &comment)?;
    let path = signatures::path(&args.baseline, args.name.as_deref());
    signatures::keep_others(&path, key.id())?;
    output::write_file(&path, signature.as_bytes(), 0o644)?;
    output::write_stdout(&format!(
        "{}\nsigned by key {}\n",
        trust::shown(&path),
        key.public().fingerprint()
    ))?;
    Ok(0)
}
