//! Texts with a version, that a program, a kernel or a loader carries.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;

use super::products::{Mark, PRODUCTS, Product, Shape};
use super::{Package, Source, word};
use crate::facts::FileType;
use crate::image::map;
use crate::read::{index, length};

/// So many texts of one content are told.
const MOST: usize = 64;

/// The longest version, and the longest text that is shown, in bytes.
const LONG: usize = 96;

/// Bytes searched at a time, so that pages of the image can be given back in between (1 MiB).
const CHUNK: usize = 1 << 20;

/// Every mark with its product, in the order of the automaton's patterns.
static MARKS: LazyLock<Vec<(&'static Product, &'static Mark)>> = LazyLock::new(|| {
    let each = |product: &'static Product| product.marks.iter().map(move |mark| (product, mark));
    PRODUCTS.iter().flat_map(each).collect()
});

/// All starts in one pass.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(MARKS.iter().map(|(_, mark)| mark.before)).ok());

/// Whether contents of this type are looked at: what runs, and what is of no known type. A sentence in a text shows nothing.
pub fn is_shown(file_type: Option<FileType>) -> bool {
    matches!(
        file_type,
        Some(FileType::Elf | FileType::Pe | FileType::Unknown)
    )
}

/// The products that say their version in a content, in its order, each version once.
pub fn shown(bytes: &[u8]) -> Vec<Package> {
    let mut found: Vec<Package> = Vec::new();
    let Some(search) = &*SEARCH else {
        return found;
    };
    let mut from = 0_usize;
    while from < bytes.len() && found.len() < MOST {
        let end = from.saturating_add(CHUNK).min(bytes.len());
        // A start may stand across the end of a chunk.
        let reach = end.saturating_add(LONG).min(bytes.len());
        for hit in search.find_overlapping_iter(bytes.get(from..reach).unwrap_or_default()) {
            let at = from.saturating_add(hit.start());
            let Some((product, mark)) = MARKS.get(hit.pattern().as_usize()) else {
                continue;
            };
            let is_here = at < end && found.len() < MOST;
            let Some(package) = is_here.then(|| read(product, mark, bytes, at)).flatten() else {
                continue;
            };
            let same = |it: &Package| (&it.name, &it.version) == (&package.name, &package.version);
            if !found.iter().any(same) {
                found.push(package);
            }
        }
        map::touched(length(bytes.get(from..end).unwrap_or_default()));
        from = end;
    }
    found.sort_by_key(|package| package.at);
    let all = found.clone();
    found.retain(|package| !all.iter().any(|other| is_whole_of(other, package)));
    found
}

/// Whether a version is the same one told in full: of `2.4.71` and `9.2p1`, programs also carry `2.4` and `9.2`.
fn is_whole_of(whole: &Package, part: &Package) -> bool {
    let rest = whole.version.strip_prefix(&part.version);
    let first = rest.and_then(|rest| rest.chars().next());
    whole.name == part.name && first.is_some_and(|first| !first.is_ascii_digit())
}

/// The product that a mark at `at` shows; `None` where it is only the beginning of another text.
fn read(product: &Product, mark: &Mark, bytes: &[u8], at: usize) -> Option<Package> {
    let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    if mark.starts && before.is_some_and(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    let behind = bytes.get(at.checked_add(mark.before.len())?..)?;
    let behind = behind.get(..LONG.min(behind.len()))?;
    let version = match mark.shape {
        Shape::Apart => apart(bytes)?,
        shape => version(behind, shape)?,
    };
    let rest = behind.get(version.len()..)?;
    let fits = |after: &str| rest.starts_with(after.as_bytes());
    if mark.shape != Shape::Apart && !mark.after.iter().any(|after| fits(after)) {
        return None;
    }
    Some(Package {
        name: product.name.to_owned(),
        version: word(version)?,
        source: Source::VersionText,
        architecture: None,
        origin: None,
        license: None,
        at: u64::try_from(at).ok()?,
        text: text(bytes, at),
    })
}

/// The version at the start of some bytes: two numbers at least.
fn version(bytes: &[u8], shape: Shape) -> Option<&[u8]> {
    let mut len = numbers(bytes);
    let (whole, rest) = bytes.split_at_checked(len)?;
    if !whole.contains(&b'.') {
        return None;
    }
    if shape == Shape::Letters {
        let is_more = |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-~_".contains(byte);
        len = len.checked_add(rest.iter().take_while(is_more).count())?;
    }
    bytes.get(..len)
}

/// How many bytes are numbers with points between them, each of one to four digits (eight where it is a date).
fn numbers(bytes: &[u8]) -> usize {
    let mut len = 0_usize;
    loop {
        let rest = bytes.get(len..).unwrap_or_default();
        let ((1.., [b'.', number @ ..]) | (0, number)) = (len, rest) else {
            return len;
        };
        let digits = number
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=8).contains(&digits) {
            return len;
        }
        let point = usize::from(len > 0);
        len = len.saturating_add(digits).saturating_add(point);
    }
}

/// The one string of a content that is three numbers.
fn apart(bytes: &[u8]) -> Option<&[u8]> {
    let mut only: Option<&[u8]> = None;
    for at in memmem::find_iter(bytes, b"\0") {
        let string = bytes.get(at.checked_add(1)?..)?;
        let len = numbers(string.get(..LONG.min(string.len()))?);
        let version = string.get(..len)?;
        let parts = version.split(|&byte| byte == b'.').count();
        if string.get(len) != Some(&0) || parts != 3 {
            continue;
        }
        if only.is_some_and(|only| only != version) {
            return None;
        }
        only = Some(version);
    }
    only
}

/// The printable text from `at` on, as far as it is shown.
fn text(bytes: &[u8], at: usize) -> String {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_shown = |byte: &&u8| (b' '..=b'~').contains(*byte);
    let text: Vec<u8> = rest
        .iter()
        .take(index(96))
        .take_while(is_shown)
        .copied()
        .collect();
    String::from_utf8(text)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
