//! Extended attributes as libisofs stores them (AAIP): `AL` fields, which together hold names and values in turn.
//!
//! `doc/susp_aaip_2_0.txt` of libisofs. The first byte of a name may stand for its namespace.

use std::collections::BTreeMap;

/// So many bytes of names and values one record may have.
const MOST: usize = 256 << 10;

/// The bytes of the `AL` fields of one record, which are one sequence: a part may go on in the next field.
#[derive(Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    /// Takes one field. Returns whether that made sense.
    pub(super) fn take(&mut self, field: &[u8]) -> bool {
        let body = field.get(5..).unwrap_or_default();
        let fits = field.get(3) == Some(&1) && self.0.len() <= MOST;
        if fits {
            self.0.extend_from_slice(body);
        }
        fits
    }

    /// Names and values in turn, each with flags, a length and its bytes; `None` where they are cut off.
    fn parts(&self) -> Option<Vec<Vec<u8>>> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let (mut rest, mut is_open) = (self.0.as_slice(), false);
        while let [flags, len, after @ ..] = rest {
            let (part, left) = after.split_at_checked(usize::from(*len))?;
            match parts.last_mut().filter(|_| is_open) {
                Some(last) => last.extend_from_slice(part),
                None => parts.push(part.to_vec()),
            }
            is_open = flags & 1 != 0;
            rest = left;
        }
        (rest.is_empty() && !is_open && parts.len().is_multiple_of(2)).then_some(parts)
    }

    /// The attributes by full name, without those that libisofs keeps for itself; and what could not be read of them.
    pub(super) fn finish(self) -> (BTreeMap<Vec<u8>, Vec<u8>>, Option<&'static str>) {
        let mut found = BTreeMap::new();
        let mut unread = None;
        let Some(parts) = self.parts() else {
            return (found, Some("its extended attributes (AAIP) are cut off"));
        };
        let (pairs, _) = parts.as_chunks::<2>();
        for [name, value] in pairs {
            let (space, own): (&[u8], &[u8]) = match name.as_slice() {
                [] => {
                    unread = Some("its access control list (AAIP) is not read");
                    continue;
                }
                [2, own @ ..] => (b"system.", own),
                [3, own @ ..] => (b"user.", own),
                [4, ..] => continue,
                [5, own @ ..] => (b"trusted.", own),
                [6, own @ ..] => (b"security.", own),
                // 1 says that the rest is the name as it is.
                own => (b"", own.strip_prefix(&[1]).unwrap_or(own)),
            };
            found.insert([space, own].concat(), value.clone());
        }
        (found, unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_on_in_the_next_field() {
        let mut told = Attributes::default();
        assert!(told.take(b"AL\x0d\x01\x01\0\x03\x03on\x01\x02"));
        assert!(told.take(b"AL\x14\x01\0va\0\x03lue\0\0\0\x01x\0\x02\x04n\0\x01v"));
        let (found, unread) = told.finish();
        let wanted = [(b"user.on".to_vec(), b"value".to_vec())];
        assert_eq!(found, BTreeMap::from(wanted));
        assert_eq!(unread, Some("its access control list (AAIP) is not read"));
        let mut short = Attributes::default();
        assert!(short.take(b"AL\x0c\x01\0\0\x09short"));
        let cut_off = "its extended attributes (AAIP) are cut off";
        assert_eq!(short.finish(), (BTreeMap::new(), Some(cut_off)));
        assert!(!Attributes::default().take(b"AL\x05\x02\0"));
    }
}
