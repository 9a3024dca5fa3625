//! The globs of a policy: a small language, because its reader decides what may run on a monitor.

use globset::{Glob, GlobBuilder};

/// A glob over absolute paths: `?`, `*` and `[a-z0-9_.]` within a component, `**` for any number of whole
/// components, `{a,b}` for either. No negation and no escapes: a policy says what may be, in one way.
pub(in crate::baseline) fn glob(text: &str) -> Result<Glob, &'static str> {
    if !text.starts_with('/') || text.ends_with('/') || text.contains('\\') || text.len() > 256 {
        return Err(
            "a glob that starts with `/`, has no backslash, no trailing `/`, and at most 256 bytes",
        );
    }
    if text
        .split('/')
        .skip(1)
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err("a glob without empty, `.` or `..` parts");
    }
    if text.contains("**")
        && text
            .split('/')
            .any(|part| part.contains("**") && part != "**")
    {
        return Err("a glob in which `**` stands alone between slashes");
    }
    if !text.split('[').skip(1).all(sound_class) {
        return Err(
            "a glob whose [...] lists letters, digits, `_`, `.` or ranges such as a-z, without negation",
        );
    }
    let mut builder = GlobBuilder::new(text);
    builder.literal_separator(true).backslash_escape(false);
    builder
        .build()
        .ok()
        .ok_or("a glob that can be read: brackets and braces have to be closed")
}

/// Whether what follows a `[` is a class that cannot match a slash or part of a character.
fn sound_class(rest: &str) -> bool {
    let Some((class, _)) = rest.split_once(']') else {
        return false;
    };
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        b'_' | b'.' => 4,
        _ => 0,
    };
    let mut bytes = class.as_bytes();
    while let [from, after @ ..] = bytes {
        bytes = match (kind(*from), after) {
            (0, _) => return false,
            (from, [b'-', to, after @ ..]) if from < 4 && from == kind(*to) => after,
            (_, after) => after,
        };
    }
    !class.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_say_what_may_be_in_one_way() {
        for good in [
            "/a",
            "/**",
            "/a/**/b",
            "/*.log",
            "/[a-z0-9_.]?",
            "/{a,b*}/c",
            "/\u{e4}/*",
            "/a/!b",
            "/..a",
        ] {
            assert!(glob(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "a",
            "**",
            "!/a",
            "/a/",
            "/a//b",
            "/./a",
            "/a/..",
            "/../a",
            "/a**",
            "/a/b**c",
            "/{**,a}",
            "/***",
            "/[!a]",
            "/[^a]",
            "/[+-9]",
            "/[.-9]",
            "/[a-Z]",
            "/[]",
            "/[",
            "/[a",
            "/[a/b]",
            "/[a-c-e]",
            "/[\u{e4}]",
            "/[-a]",
            "/{a",
            "/a}",
            "/\\*",
            "/[]a]",
            "/[[a]]x[",
        ] {
            assert!(glob(bad).is_err(), "{bad}");
        }
    }
}
