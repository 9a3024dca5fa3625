//! Which bytes of the region are explained, and by what. Slack is never explained unless it is empty.

use crate::formats::Role;
use crate::formats::Span;

/// How many spans are held before they are put together.
const MANY: usize = 1 << 20;

/// The explained bytes so far.
#[derive(Default)]
pub(super) struct Account {
    spans: Vec<Span>,
    /// How many spans were left when they were last put together.
    settled: usize,
    /// The first byte that was explained twice.
    twice: Option<u64>,
}

impl Account {
    /// Names `len` bytes at `at`, in bytes from the region's start.
    pub(super) fn name(&mut self, at: u64, len: u64, role: Role) {
        if len == 0 {
            return;
        }
        if let Some(last) = self.spans.last_mut()
            && last.role == role
            && last.at.checked_add(last.len) == Some(at)
        {
            last.len = last.len.saturating_add(len);
            return;
        }
        self.spans.push(Span { at, len, role });
        if self.spans.len() > MANY.max(self.settled.saturating_mul(2)) {
            self.settle();
        }
    }

    /// Names a structure of `len` bytes at `at`.
    pub(super) fn metadata(&mut self, at: u64, len: u64) {
        self.name(at, len, Role::Metadata);
    }

    /// Names the first `used` bytes of the structure `raw` at `at`, and the rest of it where that is all `fill`:
    /// empty bytes hide nothing, and naming them keeps the report short.
    pub(super) fn padded(&mut self, at: u64, raw: &[u8], used: u64, fill: u8) {
        let rest = raw.get(crate::read::index(used)..).unwrap_or_default();
        let empty = rest.iter().all(|&byte| byte == fill);
        let whole = crate::read::length(raw);
        self.metadata(at, if empty { whole } else { used.min(whole) });
    }

    /// All spans in order, and the first byte that two structures claim.
    pub(super) fn finish(mut self) -> (Vec<Span>, Option<u64>) {
        self.settle();
        (self.spans, self.twice)
    }

    fn settle(&mut self) {
        self.spans.sort_unstable();
        let mut reached = 0;
        for span in &self.spans {
            if span.at < reached {
                self.twice = Some(self.twice.map_or(span.at, |twice| twice.min(span.at)));
                break;
            }
            reached = reached.max(span.at.saturating_add(span.len));
        }
        self.spans.dedup_by(|span, before| {
            let before_end = before.at.saturating_add(before.len);
            let joins = span.role == before.role && span.at <= before_end;
            if joins {
                let end = span.at.saturating_add(span.len).max(before_end);
                before.len = end.saturating_sub(before.at);
            }
            joins
        });
        self.settled = self.spans.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_joined_and_a_second_claim_is_told() {
        let mut account = Account::default();
        account.metadata(100, 10);
        account.metadata(0, 10);
        account.name(10, 5, Role::Metadata);
        account.name(15, 5, Role::Content);
        let (spans, twice) = account.finish();
        assert_eq!(
            spans,
            [
                Span::metadata(0, 15),
                Span::content(15, 5),
                Span::metadata(100, 10)
            ]
        );
        assert_eq!(twice, None);
        let mut account = Account::default();
        account.metadata(0, 10);
        account.name(9, 5, Role::Content);
        assert_eq!(account.finish().1, Some(9));
    }

    #[test]
    fn only_empty_slack_is_named() {
        let mut account = Account::default();
        account.padded(0, &[1, 2, 0, 0], 2, 0);
        account.padded(10, &[1, 2, 0, 3], 2, 0);
        let spans = account.finish().0;
        assert_eq!(spans, [Span::metadata(0, 4), Span::metadata(10, 2)]);
    }
}
