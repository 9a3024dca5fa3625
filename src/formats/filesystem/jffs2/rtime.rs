//! rtime, the run-length scheme of JFFS2: after every byte, how many bytes follow that also followed its last occurrence.

/// Expands `data` to `limit` bytes at the end of `out`; `None` where it is too short or runs over.
pub(super) fn expand(data: &[u8], limit: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut after = [0_usize; 256];
    let mut pairs = data.chunks_exact(2);
    while out.len() < limit {
        let &[byte, repeat] = pairs.next()? else {
            return None;
        };
        out.push(byte);
        let last = after.get_mut(usize::from(byte))?;
        let mut from = *last;
        *last = out.len();
        for _ in 0..repeat {
            // The run may reach into the bytes that it makes.
            out.push(*out.get(from)?);
            from = from.checked_add(1)?;
        }
    }
    (out.len() == limit).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoder as Linux has it (`fs/jffs2/compr_rtime.c`), written down for the test.
    fn shrink(content: &[u8]) -> Vec<u8> {
        let (mut after, mut out, mut at) = ([0; 256], Vec::new(), 0);
        while at < content.len() {
            let byte = content[at];
            at += 1;
            let mut back = after[usize::from(byte)];
            after[usize::from(byte)] = at;
            let mut run = 0;
            while back < at && at < content.len() && content[at] == content[back] && run < 255 {
                (at, back, run) = (at + 1, back + 1, run + 1);
            }
            out.extend_from_slice(&[byte, run]);
        }
        out
    }

    #[test]
    fn what_linux_shrinks_comes_back() {
        let texts: [&[u8]; 4] = [
            b"a",
            &[0; 4096],
            b"abcabcabcabcabc",
            b"one node, one page; one node, one page",
        ];
        for text in texts {
            let mut out = Vec::new();
            expand(&shrink(text), text.len(), &mut out).unwrap();
            assert_eq!(out, text);
        }
    }

    #[test]
    fn data_that_ends_early_or_runs_over_is_refused() {
        assert!(expand(&[b'a', 0], 2, &mut Vec::new()).is_none());
        assert!(expand(&[b'a', 9], 2, &mut Vec::new()).is_none());
        assert!(expand(b"a", 1, &mut Vec::new()).is_none());
    }
}
