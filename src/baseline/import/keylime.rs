//! Runtime policies of Keylime: the digests that IMA may measure, by path. A policy may allow several contents of one path, and
//! may leave paths out; a baseline does neither.

use serde::Deserialize;

use super::NotImported;
use super::json::{Name, Pairs, parse};
use super::tree::{Tree, sha256};
use crate::place::escape;

/// How many patterns are named.
const NAMED: usize = 8;

#[derive(Deserialize)]
struct Policy {
    digests: Pairs<Vec<String>>,
    #[serde(default)]
    excludes: Option<Vec<String>>,
}

/// Takes every path with one SHA-256.
pub(super) fn read<'a>(bytes: &[u8], mut tree: Tree<'a>) -> Result<Tree<'a>, NotImported> {
    let policy: Policy = parse(bytes)?;
    for (Name(path), digests) in policy.digests.0 {
        let shown = escape(&path);
        // `boot_aggregate`, which IMA measures, is no file.
        if !path.starts_with(b"/") {
            tree.left_out.push(format!("{shown}: no path of a file"));
            continue;
        }
        match &digests[..] {
            [digest] => match sha256(digest) {
                Some(digest) => tree.file(&path, digest, None)?,
                None => tree.left_out.push(format!("{shown}: no SHA-256 is stated")),
            },
            [] => tree.left_out.push(format!("{shown}: no digest is stated")),
            several => {
                return Err(NotImported::whole(format!(
                    "`{shown}` may have {} contents; a baseline states one: make the policy of one release",
                    several.len()
                )));
            }
        }
    }
    tree.notes.push(
        "Keylime writes `_` for a blank in a name, as the kernel does: such a file has another name here".to_owned(),
    );
    let excludes = policy.excludes.unwrap_or_default();
    if !excludes.is_empty() {
        let named = excludes.iter().take(NAMED);
        let named: Vec<String> = named.map(|pattern| escape(pattern.as_bytes())).collect();
        tree.notes.push(format!(
            "{} patterns of `excludes` are DROPPED, since a baseline excludes nothing: {}; write rows of `mutable` for what may change",
            excludes.len(),
            named.join(", ")
        ));
    }
    Ok(tree)
}
