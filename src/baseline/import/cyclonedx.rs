//! `CycloneDX` bills of materials in JSON: components of type `file`, whose names are paths, and of type `firmware`, whose bytes
//! are a raw component. What they have in common with a tree is all that is taken; libraries and packages are no files.

use serde::Deserialize;

use super::super::create::names::plain_name;
use super::NotImported;
use super::json::{Name, one_sha256, parse};
use super::tree::{Tree, raw};
use crate::place::escape;

#[derive(Deserialize)]
struct Bom {
    #[serde(rename = "bomFormat")]
    format: String,
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: Name,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

/// Takes files and firmware, those within other components too.
pub(super) fn read<'a>(bytes: &[u8], mut tree: Tree<'a>) -> Result<Tree<'a>, NotImported> {
    let bom: Bom = parse(bytes)?;
    if bom.format != "CycloneDX" {
        return Err(NotImported::whole("`bomFormat` is not \"CycloneDX\""));
    }
    let subject = bom.metadata.and_then(|metadata| metadata.component);
    let mut others = 0_usize;
    let mut open: Vec<Component> = bom.components;
    // What the document is about stands apart, and counts only when it is firmware itself.
    open.extend(subject.filter(|subject| subject.kind == "firmware"));
    while let Some(mut component) = open.pop() {
        open.append(&mut component.components);
        let hashes = component.hashes.iter();
        let hashes = hashes.map(|hash| (hash.alg.as_str(), hash.content.as_str()));
        let digest = one_sha256(&component.name.0, hashes)?;
        match (component.kind.as_str(), digest) {
            ("file", Some(digest)) => tree.file(&component.name.0, digest, None)?,
            ("firmware", Some(digest)) => {
                let name = plain_name(&component.name.0);
                tree.raw.push(raw(name, None, digest));
            }
            ("file" | "firmware", None) => {
                let name = escape(&component.name.0);
                tree.left_out.push(format!("{name}: no SHA-256 is stated"));
            }
            _ => others = others.saturating_add(1),
        }
    }
    // The order in which they were met is none.
    tree.raw.sort_by(|a, b| a.name.cmp(&b.name));
    tree.left_out.sort();
    if others > 0 {
        tree.notes.push(format!(
            "not taken from the list: {others} components that are neither files nor firmware"
        ));
    }
    Ok(tree)
}
