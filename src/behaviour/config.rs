//! Configurations: what each says of accounts, services, mounts, keys, and of what runs when.

pub(super) mod account;
mod key;
pub(super) mod line;
mod service;
pub(super) mod startup;
mod value;
mod xinetd;

use std::collections::BTreeSet;

use super::act::{Act, Trait};
use super::registry;
use super::scene::Content;
use super::shell::Flow;
use super::unit::Spot;
use crate::facts::filetype::is_text;
use crate::facts::secret::Secret;

/// A statement of a configuration.
pub(super) struct Stated {
    pub(super) act: Act,
    pub(super) traits: BTreeSet<Trait>,
    pub(super) spot: Spot,
    /// What shows it, escaped and without secrets.
    pub(super) text: String,
    pub(super) secrets: Vec<Secret>,
}

impl Stated {
    pub(super) fn new(
        act: Act,
        traits: impl IntoIterator<Item = Trait>,
        spot: Spot,
        text: impl Into<String>,
    ) -> Self {
        Self {
            act,
            traits: traits.into_iter().collect(),
            spot,
            text: text.into(),
            secrets: Vec::new(),
        }
    }

    /// With a secret that it states.
    pub(super) fn with(mut self, secret: Option<Secret>) -> Self {
        self.secrets.extend(secret);
        self
    }
}

/// Adds what a file states as a configuration.
pub(super) fn steps(file: &Content, flow: &mut Flow<'_>) {
    let path = file.path.as_bytes();
    for stated in key::stated(path, &file.bytes) {
        flow.state(stated);
    }
    if let Some(stated) = registry::stated(file, flow.scene()) {
        flow.state(stated);
    }
    if !is_text(&file.bytes) {
        return;
    }
    for command in startup::commands(path, &file.bytes) {
        flow.follow_start(&command);
    }
    let shells = flow.login_shells(file);
    let all = account::stated(path, &file.bytes, &shells)
        .into_iter()
        .chain(service::stated(path, &file.bytes))
        .chain(xinetd::stated(path, &file.bytes))
        .chain(value::stated(path, &file.bytes));
    for stated in all {
        flow.state(stated);
    }
}
