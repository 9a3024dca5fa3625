//! Fast commits: short notes of changes in a part of the journal of their own. They are not replayed; what they would change is told.
//!
//! Linux Documentation/filesystems/ext4/journal.rst, "Fast commits". All numbers are little-endian, unlike those of the journal.

use super::checksum::crc32c;
use super::log::Log;
use crate::problem::Problem;
use crate::read::Fields;

/// Bytes before the value of a note: its tag and the length of the value.
const HEADER: usize = 4;
const CREATE: u16 = 3;
const LINK: u16 = 4;
const UNLINK: u16 = 5;
const PAD: u16 = 7;
const TAIL: u16 = 8;
const HEAD: u16 = 9;
/// Names that are told one by one.
const SHOWN: usize = 8;

/// What the kernel would replay behind the last transaction, which is the one before `sequence`.
pub(super) fn pending(log: &Log<'_>, sequence: u32) -> Option<Problem> {
    let mut notes = Notes::default();
    for number in log.fast.clone() {
        let (place, raw) = log.block(number)?;
        if number == log.fast.start && !starts(raw, sequence) {
            return None;
        }
        let at = log.volume.at(place);
        notes.at.get_or_insert(at);
        if notes.block(raw, sequence).is_none() {
            break;
        }
    }
    notes.told()
}

/// Whether the notes are those that follow the last transaction.
fn starts(raw: &[u8], sequence: u32) -> bool {
    let fields = Fields::little(raw);
    fields.u16(0) == Some(HEAD) && fields.u32(8) == Some(sequence)
}

#[derive(Default)]
struct Notes {
    at: Option<u64>,
    sum: u32,
    /// Changes up to the last checksum that holds, and those behind it.
    sure: usize,
    open: usize,
    names: Vec<String>,
}

impl Notes {
    /// Takes the notes of one block; `None` where the kernel would stop.
    fn block(&mut self, raw: &[u8], sequence: u32) -> Option<()> {
        let fields = Fields::little(raw);
        let mut at = 0;
        while at < raw.len().saturating_sub(HEADER) {
            let tag = fields.u16(at)?;
            let len = usize::from(fields.u16(at.checked_add(2)?)?);
            let value = Fields::little(fields.slice(at.checked_add(HEADER)?, len)?);
            let whole = fields.slice(at, HEADER.checked_add(len)?)?;
            at = at.checked_add(whole.len())?;
            if tag == TAIL {
                self.sum = crc32c(self.sum, whole.get(..8)?);
                let holds = [value.u32(0), value.u32(4)] == [Some(sequence), Some(self.sum)];
                self.sum = 0;
                holds.then_some(())?;
                self.sure = self.sure.saturating_add(std::mem::take(&mut self.open));
                continue;
            }
            self.sum = crc32c(self.sum, whole);
            match tag {
                HEAD if value.u32(4) != Some(sequence) => return None,
                HEAD | PAD => {}
                CREATE | LINK | UNLINK => self.name(tag, value.tail(8)?),
                1 | 2 | 6 => self.open = self.open.saturating_add(1),
                _ => return None,
            }
        }
        Some(())
    }

    fn name(&mut self, tag: u16, name: &[u8]) {
        self.open = self.open.saturating_add(1);
        let what = if tag == UNLINK { "removed" } else { "new" };
        let named = format!("{what} {}", name.escape_ascii());
        if self.names.len() < SHOWN && !self.names.contains(&named) {
            self.names.push(named);
        }
    }

    fn told(self) -> Option<Problem> {
        let names = if self.names.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.names.join(", "))
        };
        let detail = format!(
            "fast commits behind the last transaction are not replayed: {} changes{names}, and {} that are not whole; contents and names may be older than what the device would show",
            self.sure, self.open
        );
        Some(Problem::unsupported(detail).at(self.at?))
    }
}
