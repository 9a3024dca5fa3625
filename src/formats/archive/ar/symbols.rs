//! Tables of symbols: what linkers find members by. A table that is none could hold anything.

use crate::read::{Endian, Fields, index, length};

/// What BSD calls its tables.
const BSD: [&[u8]; 2] = [b"__.SYMDEF", b"__.SYMDEF SORTED"];
const BSD_64: [&[u8]; 2] = [b"__.SYMDEF_64", b"__.SYMDEF_64 SORTED"];

/// Whether a member of this name is a table of symbols.
pub(super) fn is_table(name: &[u8]) -> bool {
    matches!(name, b"/" | b"/SYM64/") || BSD.contains(&name) || BSD_64.contains(&name)
}

/// How many bytes at the start of `table` are one of this name; 0 where it is none.
pub(super) fn len(name: &[u8], table: &[u8]) -> u64 {
    let found = match name {
        b"/" => system_v(table, 4),
        b"/SYM64/" => system_v(table, 8),
        name => {
            let word = if BSD_64.contains(&name) { 8 } else { 4 };
            let either = [Endian::Little, Endian::Big].into_iter();
            either
                .filter_map(|endian| bsd(Fields::new(table, endian), word))
                .find(|&len| len <= length(table))
        }
    };
    found.unwrap_or(0)
}

/// A count, a place for each symbol, and their names with a NUL behind each; big-endian.
fn system_v(table: &[u8], word: u64) -> Option<u64> {
    let count = number(Fields::big(table), 0, word)?;
    let names_at = count.checked_add(1)?.checked_mul(word)?;
    let names = table.get(index(names_at)..)?;
    let Some(last) = count.checked_sub(1) else {
        return Some(names_at);
    };
    let end = memchr::memchr_iter(0, names).nth(index(last))?;
    names_at
        .checked_add(u64::try_from(end).ok()?)?
        .checked_add(1)
}

/// The length of the symbols, these, the length of their names, those.
fn bsd(fields: Fields<'_>, word: u64) -> Option<u64> {
    let names_at = number(fields, 0, word)?.checked_add(word)?;
    let names = number(fields, names_at, word)?;
    names_at.checked_add(word)?.checked_add(names)
}

fn number(fields: Fields<'_>, at: u64, word: u64) -> Option<u64> {
    match word {
        8 => fields.u64(index(at)),
        _ => fields.u32(index(at)).map(u64::from),
    }
}
