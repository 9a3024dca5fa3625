//! Lines of configurations.

/// The lines of a text with their numbers, from 1, without comments and blanks around them.
pub(in super::super) fn lines(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    /// So many lines of one file are looked at.
    const MOST: usize = 50_000;
    let numbered = (1_u32..).zip(text.split(|&byte| byte == b'\n').take(MOST));
    numbered.filter_map(|(number, line)| {
        let line = line.trim_ascii();
        (!line.is_empty() && !matches!(line.first(), Some(b'#' | b';'))).then_some((number, line))
    })
}

/// The words of a line.
pub(in super::super) fn words(line: &[u8]) -> Vec<&[u8]> {
    let words = line.split(u8::is_ascii_whitespace);
    words.filter(|word| !word.is_empty()).take(256).collect()
}

/// The name of a file without its folder.
pub(in super::super) fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}
