//! Small text files: their lines, their base64, and the armor around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The most bytes that a key or signature file has (minisign's comments are limited to 1 and 8 KiB).
const MAX_FILE: usize = 16 << 10;

/// The lines of a small text file, without their ends, which may be those of Windows; `None` when it is too big to
/// be one.
pub(super) fn all_lines(file: &[u8]) -> Option<Vec<&[u8]>> {
    if file.len() > MAX_FILE {
        return None;
    }
    let line = |piece| {
        let ended = <[u8]>::strip_suffix(piece, b"\r\n").or_else(|| piece.strip_suffix(b"\n"));
        ended.unwrap_or(piece)
    };
    Some(
        file.split_inclusive(|&byte| byte == b'\n')
            .map(line)
            .collect(),
    )
}

/// The `N` lines of a small text file; `None` when it has another number of them.
pub(super) fn lines<const N: usize>(file: &[u8]) -> Option<[&[u8]; N]> {
    all_lines(file)?.try_into().ok()
}

/// Base64 in its one canonical spelling. The bytes may be secret.
pub(super) fn decode(line: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(line).ok().map(Zeroizing::new)
}

/// What stands behind `-----BEGIN ` in the first line of an armored file; `None` when it is not armored.
pub(super) fn armor_label(file: &[u8]) -> Option<&[u8]> {
    let rest = file.strip_prefix(b"-----BEGIN ")?;
    let line = rest.split(|&byte| byte == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.strip_suffix(b"-----")
}

/// The bytes in a file that is one armor with this label and nothing else: no headers, no empty lines, nothing
/// before or behind it.
pub(super) fn dearmor(file: &[u8], label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let lines = all_lines(file)?;
    let [begin, body @ .., end] = lines.as_slice() else {
        return None;
    };
    let whole = *begin == format!("-----BEGIN {label}-----").as_bytes()
        && *end == format!("-----END {label}-----").as_bytes()
        && body.iter().all(|line| !line.is_empty());
    if !whole {
        return None;
    }
    decode(&Zeroizing::new(body.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_armor_is_whole_or_nothing() {
        let read = |text: &str| dearmor(text.as_bytes(), "X").map(|bytes| bytes.to_vec());
        let right = "-----BEGIN X-----\nAAEC\nAwQ=\n-----END X-----\n";
        let bytes = Some(vec![0, 1, 2, 3, 4]);
        assert_eq!(read(right), bytes);
        assert_eq!(read(&right.replace('\n', "\r\n")), bytes);
        assert_eq!(read(right.trim_end()), bytes);
        for wrong in [
            "",
            "-----BEGIN X-----",
            "-----BEGIN X-----\n-----END Y-----\n",
            &right.replace("AwQ=", "AwR="),
            &right.replace("AwQ=", "AwQ"),
            &right.replace("AAEC\n", "AAEC\n\n"),
            &right.replace("AAEC\n", "AAEC \n"),
            &right.replace("AAEC\n", "AAEC\r"),
            &right.replace("AAEC", "A: b\n\nAAEC"),
            &format!(" {right}"),
            &format!("{right}\n"),
            &format!("{right}{right}"),
            &right.replace("AAEC", &"A".repeat(MAX_FILE)),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_label_is_read_from_the_first_line_alone() {
        assert_eq!(armor_label(b"-----BEGIN A B-----\r\nx"), Some(&b"A B"[..]));
        assert_eq!(armor_label(b"-----BEGIN A B-----"), Some(&b"A B"[..]));
        assert_eq!(armor_label(b"-----BEGIN A B\n-----"), None);
        assert_eq!(armor_label(b"x\n-----BEGIN A-----\n"), None);
    }
}
