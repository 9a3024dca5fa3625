//! Where the clusters of a value are: runs, each stored as a length and a distance from the one before.

/// Clusters of a value that lie one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first of them in the volume; `None` for a hole, which reads as zeros.
    pub(super) cluster: Option<u64>,
    /// How many there are.
    pub(super) count: u64,
}

/// Reads the stored runs that should cover the clusters `first` to `last` of a value; `None` where it does not.
pub(super) fn runs(stored: &[u8], first: u64, last: u64) -> Option<Vec<Run>> {
    // An empty value says that its last cluster is the one before its first.
    let mut left = last.wrapping_add(1).checked_sub(first)?;
    let mut rest = stored;
    let mut cluster = 0_i64;
    let mut found = Vec::new();
    while left > 0 {
        let (&head, after) = rest.split_first()?;
        let (len, distance) = (usize::from(head & 0xf), usize::from(head >> 4));
        let (len, after) = after.split_at_checked(len)?;
        let (distance, after) = after.split_at_checked(distance)?;
        let count = u64::try_from(signed(len)?)
            .ok()
            .filter(|&count| count > 0)?;
        let place = if distance.is_empty() {
            None
        } else {
            cluster = cluster.checked_add(signed(distance)?)?;
            Some(u64::try_from(cluster).ok()?)
        };
        found.push(Run {
            cluster: place,
            count,
        });
        left = left.checked_sub(count)?;
        rest = after;
    }
    Some(found)
}

/// A little-endian number of up to eight bytes, with a sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let last = *bytes.last()?;
    let mut wide = if last < 0x80 { [0; 8] } else { [0xff; 8] };
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_read_and_bounded() {
        let list = [0x21, 0x18, 0x34, 0x56, 0x01, 0x10, 0x11, 0x08, 0xfc, 0];
        let run = |cluster, count| Run { cluster, count };
        let wanted = [
            run(Some(0x5634), 0x18),
            run(None, 0x10),
            run(Some(0x5630), 8),
        ];
        assert_eq!(runs(&list, 0, 0x2f).as_deref(), Some(&wanted[..]));
        assert_eq!(runs(&list, 0, 0x30), None);
        assert_eq!(runs(&list, 0, 0x2e), None);
        assert_eq!(runs(&[], 0, u64::MAX), Some(Vec::new()));
        assert_eq!(runs(&[0x11, 1, 0xff], 0, 0), None);
    }
}
