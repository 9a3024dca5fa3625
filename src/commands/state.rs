//! The state file: what was seen on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{output, trust};
use crate::trust::keyring::KeyringChain;
use crate::trust::revocation;
use crate::trust::state::State;

/// A state file, and what it says.
pub(super) struct Kept {
    path: PathBuf,
    pub(super) state: State,
}

/// Reads a state file; one that is not there yet says nothing.
pub(super) fn read(path: &Path) -> Result<Kept> {
    let state = if path.try_exists().unwrap_or(true) {
        let bytes = trust::document(path)?;
        State::parse(&bytes).with_context(|| trust::shown(path))?
    } else {
        State::default()
    };
    Ok(Kept {
        path: path.to_owned(),
        state,
    })
}

impl Kept {
    /// A state that is in no file.
    pub(super) fn nowhere() -> Self {
        Self {
            path: PathBuf::new(),
            state: State::default(),
        }
    }

    /// Takes a keyring up.
    pub(super) fn take_up(&mut self, chain: &KeyringChain) {
        self.state.keyring = Some(chain.pinned.clone());
        revocation::accumulate(&mut self.state.revoked, &chain.keyring.revoked);
    }

    /// Writes it, so that a crash leaves the old one or the new one.
    pub(super) fn write(&self) -> Result<()> {
        output::write_file(&self.path, self.state.write().as_bytes(), 0o600)
    }
}
