//! What type a content is of, told from its first bytes and its size.

use serde::{Serialize, Serializer};

use crate::read::{Fields, index, length};

/// How many bytes of a content's start [`FileType::of`] looks at. Fewer are enough only when there are no more.
pub const HEAD: usize = 4096;

/// The type of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileType {
    /// No bytes at all.
    Empty,
    /// An ELF program, library, object or kernel module.
    Elf,
    /// A Windows program or library.
    Pe,
    /// A Linux kernel that boots by itself: it may look like a PE file, and holds packed contents.
    LinuxKernel,
    /// Text that names its interpreter after `#!`.
    Script,
    /// Text: UTF-8 or ASCII, without control characters.
    Text,
    /// Text that holds certificates or keys.
    Pem,
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A picture.
    Gif,
    /// A picture.
    Bmp,
    /// A sound.
    Wav,
    /// A sound or a film.
    Ogg,
    /// A TrueType or OpenType font.
    Font,
    /// A Java class.
    JavaClass,
    /// Dalvik bytecode.
    Dex,
    /// Compiled Python.
    PythonBytecode,
    /// Compiled Lua.
    LuaBytecode,
    /// An `SQLite` 3 database.
    Sqlite,
    /// A gettext message catalogue.
    GettextMo,
    /// The locales of glibc in one file.
    LocaleArchive,
    /// None of these.
    Unknown,
}

impl FileType {
    /// The type of a content of `size` bytes that starts with `head`: its first [`HEAD`] bytes, or all of them.
    ///
    /// A line of text in front of other bytes does not make a text: the whole head must be one.
    pub fn of(head: &[u8], size: u64) -> Self {
        if size == 0 {
            return Self::Empty;
        }
        let whole = length(head) >= size;
        by_magic(head)
            .or_else(|| by_structure(head))
            .or_else(|| text(head, whole))
            .unwrap_or(Self::Unknown)
    }

    /// The kebab-case word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Elf => "elf",
            Self::Pe => "pe",
            Self::LinuxKernel => "linux-kernel",
            Self::Script => "script",
            Self::Text => "text",
            Self::Pem => "pem",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Wav => "wav",
            Self::Ogg => "ogg",
            Self::Font => "font",
            Self::JavaClass => "java-class",
            Self::Dex => "dex",
            Self::PythonBytecode => "python-bytecode",
            Self::LuaBytecode => "lua-bytecode",
            Self::Sqlite => "sqlite",
            Self::GettextMo => "gettext-mo",
            Self::LocaleArchive => "locale-archive",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the type alone says what the content is, up to [`end_of`](Self::end_of): such a content is not
    /// searched throughout for embedded regions, only its [`holes`](Self::holes) are. Types whose end nothing
    /// tells are not known in this sense, nor is a kernel, which is a container.
    pub fn is_known(self) -> bool {
        !matches!(
            self,
            Self::LinuxKernel
                | Self::JavaClass
                | Self::PythonBytecode
                | Self::LuaBytecode
                | Self::LocaleArchive
                | Self::Unknown
        )
    }
}

impl Serialize for FileType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// The interpreter that Linux runs a content with, from its `#!` line; `None` when it has no such line.
///
/// This holds whatever follows the line, so it is told of contents that are no [`FileType::Script`] too.
pub fn interpreter(head: &[u8]) -> Option<&[u8]> {
    // The kernel reads no more than 256 bytes, and takes the line for cut off when it is longer.
    let line = head.strip_prefix(b"#!")?;
    let line = line.get(..254).unwrap_or(line);
    let line = line.split(|&byte| byte == b'\n').next()?.trim_ascii();
    let end = line
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t' | 0));
    let path = line.get(..end.unwrap_or(line.len()))?;
    (!path.is_empty()).then_some(path)
}

/// Whether all of a content is text.
pub fn is_text(bytes: &[u8]) -> bool {
    text_end(bytes) == length(bytes)
}

/// Where text ends: the length of a content that is all text, else the end of its last line that is.
pub(super) fn text_end(bytes: &[u8]) -> u64 {
    let printable = bytes.iter().position(|&byte| !is_printable(byte));
    let Some(printable) = printable else {
        return length(bytes);
    };
    let text = bytes.get(..printable).unwrap_or_default();
    let lines = memchr::memrchr(b'\n', text).and_then(|at| at.checked_add(1));
    u64::try_from(lines.unwrap_or(0)).unwrap_or(0)
}

/// The bytes that `file` takes for text too; anything from 0x80 on may be part of a character.
fn is_printable(byte: u8) -> bool {
    matches!(byte, 7..=13 | 27 | 32..=126 | 128..)
}

fn by_magic(head: &[u8]) -> Option<FileType> {
    const MAGICS: &[(&[u8], FileType)] = &[
        (b"\x89PNG\r\n\x1a\n", FileType::Png),
        (b"\xff\xd8\xff", FileType::Jpeg),
        (b"GIF87a", FileType::Gif),
        (b"GIF89a", FileType::Gif),
        (b"OggS\0", FileType::Ogg),
        (b"OTTO", FileType::Font),
        (b"ttcf\0", FileType::Font),
        (b"dex\n0", FileType::Dex),
        (b"\x1bLJ", FileType::LuaBytecode),
        (b"SQLite format 3\0", FileType::Sqlite),
        (b"\x09\x01\x02\xde", FileType::LocaleArchive),
        (b"\xde\x02\x01\x09", FileType::LocaleArchive),
    ];
    MAGICS
        .iter()
        .find_map(|(magic, kind)| head.starts_with(magic).then_some(*kind))
}

/// Types whose magic is too short to be believed by itself.
fn by_structure(head: &[u8]) -> Option<FileType> {
    let revision = |number: u32| matches!(number, 0 | 1 | 0x1_0000 | 0x1_0001);
    let little = Fields::little(head);
    let big = Fields::big(head);
    let found = match head.get(..4)? {
        b"\x7fELF" => elf(&little).then_some(FileType::Elf),
        // The revision is major and minor, each 0 or 1.
        b"\xde\x12\x04\x95" => revision(little.u32(4)?).then_some(FileType::GettextMo),
        b"\x95\x04\x12\xde" => revision(big.u32(4)?).then_some(FileType::GettextMo),
        b"RIFF" => (little.slice(8, 4)? == b"WAVE").then_some(FileType::Wav),
        // Versions 5.1 to 5.4, and 5.0.
        b"\x1bLua" => matches!(little.u8(4)?, 0x50..=0x54).then_some(FileType::LuaBytecode),
        // The same magic opens universal Mach-O files, where a small count of processors follows.
        b"\xca\xfe\xba\xbe" => (45..100)
            .contains(&big.u16(6)?)
            .then_some(FileType::JavaClass),
        b"\0\x01\0\0" | b"true" => font(&big).then_some(FileType::Font),
        [b'M', b'Z', ..] => kernel(&little).or_else(|| pe(&little).then_some(FileType::Pe)),
        [b'B', b'M', ..] => bmp(&little).then_some(FileType::Bmp),
        [_, _, b'\r', b'\n'] => python(&little).then_some(FileType::PythonBytecode),
        _ => None,
    };
    found.or_else(|| kernel(&little))
}

/// The identification bytes are those of an ELF file, and the header says which version it is.
fn elf(fields: &Fields<'_>) -> bool {
    fields.slice(4, 3).is_some_and(|ident| {
        matches!(ident, [1 | 2, 1 | 2, 1])
            && fields
                .slice(0, if ident.starts_with(&[2]) { 64 } else { 52 })
                .is_some()
    })
}

/// A PE header stands where the DOS header says.
fn pe(fields: &Fields<'_>) -> bool {
    fields
        .u32(0x3c)
        .and_then(|at| fields.slice(index(at.into()), 4))
        .is_some_and(|magic| magic == b"PE\0\0")
}

/// Kernel images: ARM zImage, arm64 Image, x86 bzImage (each documented in the kernel's `Documentation/`).
fn kernel(fields: &Fields<'_>) -> Option<FileType> {
    let is_kernel = fields.u32(0x24) == Some(0x016f_2818)
        || fields.slice(0x38, 4) == Some(b"ARM\x64")
        || (fields.slice(0x202, 4) == Some(b"HdrS") && fields.u16(0x1fe) == Some(0xaa55));
    is_kernel.then_some(FileType::LinuxKernel)
}

fn bmp(fields: &Fields<'_>) -> bool {
    let header = matches!(fields.u32(14), Some(12 | 40 | 52 | 56 | 64 | 108 | 124));
    // Reserved bytes are zero.
    header && fields.u32(6) == Some(0)
}

/// The first tables have printable names and as many of them as a font has.
fn font(fields: &Fields<'_>) -> bool {
    let tag = |at| {
        fields
            .slice(at, 4)
            .is_some_and(|tag| tag.iter().all(|byte| matches!(byte, b' '..=b'~')))
    };
    matches!(fields.u16(4), Some(4..=64)) && [12, 28, 44, 60].into_iter().all(tag)
}

/// A version's magic, then (behind 8 to 16 bytes of flags, time and size) a code object.
fn python(fields: &Fields<'_>) -> bool {
    let marshalled = |at| matches!(fields.u8(at), Some(b'c' | 0xe3));
    match fields.u16(0) {
        Some(60_000..=62_299) => marshalled(8),
        Some(3000..=3999) => [8, 12, 16].into_iter().any(marshalled),
        _ => false,
    }
}

fn text(head: &[u8], whole: bool) -> Option<FileType> {
    if !head.iter().all(|&byte| is_printable(byte)) {
        return None;
    }
    // A script may be in any encoding: the interpreter does not ask. Text without that mark must be UTF-8.
    if interpreter(head).is_some() {
        return Some(FileType::Script);
    }
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end inside a character.
        Err(error) => error.error_len().is_none() && !whole,
    };
    let marked = |line: &[u8]| line.starts_with(b"-----BEGIN ");
    let pem = || head.split(|&byte| byte == b'\n').any(marked);
    utf8.then(|| if pem() { FileType::Pem } else { FileType::Text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> FileType {
        FileType::of(&bytes[..bytes.len().min(HEAD)], length(bytes))
    }

    #[test]
    fn types_are_told_by_their_start() {
        let mut elf = b"\x7fELF\x01\x01\x01".to_vec();
        elf.resize(52, 0);
        let mut pe = b"MZ".to_vec();
        pe.resize(0x40, 0);
        pe[0x3c] = 0x40;
        pe.extend_from_slice(b"PE\0\0");
        let mut kernel = pe.clone();
        kernel[0x38..0x3c].copy_from_slice(b"ARM\x64");
        let cases: &[(&[u8], FileType)] = &[
            (b"", FileType::Empty),
            (&elf, FileType::Elf),
            (&elf[..51], FileType::Unknown),
            (&pe, FileType::Pe),
            (&kernel, FileType::LinuxKernel),
            (b"MZ is a text\n", FileType::Text),
            (b"BM is a text\n", FileType::Text),
            (b"#!/bin/sh\necho\n", FileType::Script),
            (b"#!/bin/sh\n# caf\xe9\n", FileType::Script),
            (b"# caf\xe9\n", FileType::Unknown),
            ("# caf\u{e9}\n".as_bytes(), FileType::Text),
            (b"a\n-----BEGIN CERTIFICATE-----\n", FileType::Pem),
            (b"RIFF\0\0\0\0WAVE", FileType::Wav),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", FileType::JavaClass),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", FileType::Unknown),
            (b"\x1bLuaQ", FileType::LuaBytecode),
            (
                b"\xa7\x0d\r\n\0\0\0\0\0\0\0\0\0\0\0\0\xe3",
                FileType::PythonBytecode,
            ),
            (b"ab\r\n", FileType::Text),
            (&[0xff; 100], FileType::Unknown),
            (&[0; 100], FileType::Unknown),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(of(bytes), *wanted, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_of_text_hides_nothing() {
        assert_eq!(of(b"#!/bin/sh\nexit\nhsqs\0\0\0\0"), FileType::Unknown);
        let mut late = b"#!/bin/sh\n# padding\n".repeat(300);
        let text = late.len() as u64;
        late.extend_from_slice(b"hsqs\0\0\0\0");
        assert_eq!(of(&late), FileType::Script);
        assert!(!is_text(&late));
        assert_eq!(FileType::Script.end_of(&late), Some(text));
        let tail = text..text + 8;
        assert_eq!(FileType::Script.holes(&late), [tail]);
        assert_eq!(interpreter(b"#!/bin/sh\n\0"), Some(&b"/bin/sh"[..]));
    }

    #[test]
    fn the_head_may_end_inside_a_character() {
        let text = "\u{e9}".repeat(4000);
        let head = &text.as_bytes()[..HEAD - 1];
        assert_eq!(FileType::of(head, length(text.as_bytes())), FileType::Text);
        assert_eq!(FileType::of(head, length(head)), FileType::Unknown);
    }

    #[test]
    fn interpreters() {
        assert_eq!(
            interpreter(b"#! /usr/bin/env\tpython\n"),
            Some(&b"/usr/bin/env"[..])
        );
        assert_eq!(interpreter(b"#!\n/bin/sh"), None);
        assert_eq!(interpreter(b"/bin/sh"), None);
    }
}
