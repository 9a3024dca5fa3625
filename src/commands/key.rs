//! `vitalsign key generate|show`

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::exit::Usage;
use super::{output, trust};
use crate::cli::{KeyCommand, KeyGenerate, KeyShow};
use crate::trust::{SecretKey, minisign};

/// Runs a key command.
pub(super) fn run(command: &KeyCommand) -> Result<u8> {
    match command {
        KeyCommand::Generate(args) => generate(args),
        KeyCommand::Show(args) => show(args),
    }
}

fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

fn generate(args: &KeyGenerate) -> Result<u8> {
    let (secret_path, public_path) = (
        with_ending(&args.output, ".key"),
        with_ending(&args.output, ".pub"),
    );
    for path in [&secret_path, &public_path] {
        if path.exists() {
            return Err(Usage(format!(
                "{} exists; a key is never overwritten, name another prefix",
                trust::shown(path)
            ))
            .into());
        }
    }
    let password = if args.no_password {
        None
    } else {
        let file = args.password_file.as_deref();
        let password = trust::password(file, "Password for the new key: ")?;
        if file.is_none() && *trust::password(None, "The same again: ")? != *password {
            return Err(Usage("the two passwords differ; nothing was written".to_owned()).into());
        }
        Some(password)
    };
    let key = SecretKey::generate()?;
    let secret = minisign::write_secret(&key, password.as_ref().map(|password| password.as_str()))?;
    output::write_file(&secret_path, secret.as_bytes(), 0o600)?;
    output::write_file(
        &public_path,
        minisign::write_public(&key.public()).as_bytes(),
        0o644,
    )?;
    let text = format!(
        "{} (secret: keep it)\n{}\nfingerprint {}\n",
        trust::shown(&secret_path),
        trust::shown(&public_path),
        key.public().fingerprint()
    );
    output::write_stdout(&text)?;
    Ok(0)
}

fn show(args: &KeyShow) -> Result<u8> {
    let (public, form) = match trust::public_key(&args.key) {
        Ok((public, form)) => (public, form.to_string()),
        Err(error) => match trust::public_half(&args.key) {
            Ok(public) => (public, "minisign, secret".to_owned()),
            Err(_) => return Err(error),
        },
    };
    let id = public
        .id()
        .map(|id| format!("key id      {id}\n"))
        .unwrap_or_default();
    output::write_stdout(&format!(
        "fingerprint {}\n{id}form        {form}\n",
        public.fingerprint()
    ))?;
    Ok(0)
}
