//! `SHA256SUMS`: a digest and a name a line.

use super::NotImported;
use super::tree::Tree;
use crate::digest::Digest;
use crate::facts::manifest::{self, Algorithm, Listed};

/// Takes every line; one that is none is refused, since a cut or damaged list must not become a smaller baseline.
pub(super) fn read<'a>(bytes: &[u8], mut tree: Tree<'a>) -> Result<Tree<'a>, NotImported> {
    let mut others = 0_usize;
    for (line, listed) in lines(bytes) {
        let listed = listed.ok_or_else(|| {
            NotImported::on(line, "this is no line of a list of digests and names")
        })?;
        let digest: Result<[u8; 32], _> = listed.digest.clone().try_into();
        match (listed.algorithm, digest) {
            (Algorithm::Sha256, Ok(digest)) => {
                let added = tree.file(&listed.name, Digest::new(digest), None);
                added.map_err(|error| NotImported::on(line, error.what))?;
            }
            _ => others = others.saturating_add(1),
        }
    }
    if others > 0 {
        tree.left_out
            .push(format!("{others} lines with digests other than SHA-256"));
    }
    Ok(tree)
}

/// Why the `md5sums` of a package make no baseline.
pub(super) fn no_package(bytes: &[u8]) -> NotImported {
    let files = lines(bytes).filter(|(_, listed)| listed.is_some()).count();
    NotImported::whole(format!(
        "MD5 can be forged: its {files} digests tell which files a package brought and verify none of them; \
         make the draft of the installed tree itself, with `baseline create`"
    ))
}

/// Whether the first lines are those of such a list, and by which algorithm.
pub(super) fn algorithm(bytes: &[u8]) -> Option<Algorithm> {
    let (_, first) = lines(bytes).next()?;
    first.map(|listed| listed.algorithm)
}

/// The lines that are neither empty nor comments, each with its number.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Option<Listed>)> {
    let lines = bytes.split(|&byte| byte == b'\n').enumerate();
    let told = lines.filter(|(_, line)| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    told.map(|(index, line)| (index.saturating_add(1), manifest::line(line)))
}
