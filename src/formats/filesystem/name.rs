//! The names of file systems whose directory entries are nodes of a log.

use crate::entry::EntryPath;
use crate::formats::told::Problems;
use crate::problem::{Problem, ProblemKind};

/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;

/// The path of `stored`, a name in the directory `parent` that an entry at `at` gives; `None` where it has none that can be
/// shown.
pub(super) fn child(
    parent: &EntryPath,
    stored: &[u8],
    at: u64,
    problems: &mut Problems,
) -> Option<EntryPath> {
    // Linux cuts a name at a zero byte.
    let end = memchr::memchr(0, stored).unwrap_or(stored.len());
    let name = stored.get(..end).unwrap_or_default();
    let path = parent.join(name);
    let odd = end < stored.len() || name.contains(&b'/') || matches!(name, b"." | b".." | b"");
    if odd {
        let detail =
            "a name that no program can have made: empty, `.`, `..`, or with `/` or a zero byte";
        problems.push(Problem::new(ProblemKind::Name, detail).at(at).about(&path));
    }
    let lost = if matches!(name, b"." | b"") {
        Some(Problem::corrupt(
            "an entry without a name of its own is not read",
        ))
    } else if path.as_bytes().len() > LONGEST_PATH {
        Some(Problem::limit(format!(
            "a path of more than {LONGEST_PATH} bytes is not read"
        )))
    } else {
        None
    };
    let kept = lost.is_none();
    if let Some(problem) = lost {
        problems.push(problem.at(at).about(parent));
    }
    kept.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_told_and_kept_where_a_path_can_show_them() {
        let root = EntryPath::root();
        for (stored, path, told) in [
            (&b"plain"[..], Some(&b"/plain"[..]), 0),
            (b"..", Some(b"/.."), 1),
            (b"a/b", Some(b"/a/b"), 1),
            (b"cut\0here", Some(b"/cut"), 1),
            (b".", None, 2),
            (b"", None, 2),
            (&[b'n'; 5000], None, 1),
        ] {
            let mut problems = Problems::default();
            let child = child(&root, stored, 0, &mut problems);
            assert_eq!(child.as_ref().map(EntryPath::as_bytes), path);
            assert_eq!(problems.into_vec().len(), told, "{stored:?}");
        }
    }
}
