//! Manifests of updates: the images that RAUC's `manifest.raucm` and `SWUpdate`'s `sw-description` name, as raw components.

use std::collections::BTreeMap;

use super::super::create::names::plain_name;
use super::tree::raw;
use super::{Imported, NotImported};
use crate::digest::Digest;
use crate::facts::manifest;
use crate::place::escape;

/// Takes every image of the manifest that has this name. Equal images that stand there twice, for two slots, are one.
pub(super) fn read(bytes: &[u8], name: &[u8]) -> Result<Imported, NotImported> {
    let mut images: BTreeMap<String, (Digest, Option<u64>)> = BTreeMap::new();
    let mut components = Vec::new();
    let listed = manifest::listed(name, bytes);
    let stated = bytes.windows(8).filter(|word| *word == b"filename").count();
    let mut left_out = Vec::new();
    if stated > listed.len() {
        let missing = stated.saturating_sub(listed.len());
        left_out.push(format!("{missing} images of which no SHA-256 is stated"));
    }
    for image in listed {
        let digest: Option<[u8; 32]> = image.digest.try_into().ok();
        let Some(digest) = digest.map(Digest::new) else {
            continue;
        };
        let last = image.name.rsplit(|&byte| byte == b'/').next();
        let name = plain_name(last.unwrap_or_default());
        match images.insert(name.clone(), (digest, image.size)) {
            None => components.push(raw(name, image.size, digest)),
            Some(other) if other == (digest, image.size) => {}
            Some(_) => {
                return Err(NotImported::whole(format!(
                    "two images are called `{}` and are not the same",
                    escape(&image.name)
                )));
            }
        }
    }
    if components.is_empty() {
        return Err(NotImported::whole("it names no image with a SHA-256"));
    }
    let notes = vec![
        "digests are of the images as the update carries them: what the device unpacks has others, and what only the update needs \
         (scripts) is not on a device; mark such components `optional = true`"
            .to_owned(),
    ];
    Ok(Imported {
        components,
        files: Vec::new(),
        left_out,
        notes,
    })
}
