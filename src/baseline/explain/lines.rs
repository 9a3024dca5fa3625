//! Which pieces of one list are those of another: the shortest way from one to the other, as diff(1) finds it.
//!
//! Myers, An O(ND) Difference Algorithm and Its Variations, Algorithmica 1 (1986), the greedy algorithm, with a bound on the differences.

use std::collections::BTreeMap;

/// With more differences, pieces are told apart without their order.
const MOST: usize = 512;

/// What stands in only one of two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    /// Pieces of the new list that the old one has not, by index.
    pub(super) added: Vec<usize>,
    /// Pieces of the old list that the new one has not, each by its index, and the index of the new piece that it stood before.
    pub(super) removed: Vec<(usize, usize)>,
    /// Whether order was regarded: where there are too many differences it is not, and nothing tells where pieces are missing.
    pub(super) in_order: bool,
}

/// The edits from one list to another.
pub(super) fn edits<T: Ord>(old: &[T], new: &[T]) -> Edits {
    let pairs = old.iter().zip(new);
    let head = pairs.take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (rest(old, head), rest(new, head));
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = pairs.take_while(|(old, new)| old == new).count();
    let middle = |list: &[T]| list.len().saturating_sub(tail);
    let old_rest = old_rest.get(..middle(old_rest)).unwrap_or_default();
    let new_rest = new_rest.get(..middle(new_rest)).unwrap_or_default();
    let mut edits = match shortest(old_rest, new_rest) {
        Some(edits) => edits,
        None => unordered(old_rest, new_rest),
    };
    for at in &mut edits.added {
        *at = at.saturating_add(head);
    }
    for (at, before) in &mut edits.removed {
        *at = at.saturating_add(head);
        *before = before.saturating_add(head);
    }
    edits
}

fn rest<T>(list: &[T], from: usize) -> &[T] {
    list.get(from..).unwrap_or_default()
}

/// How far each diagonal reaches, after each number of edits. A diagonal is where the new index less the old one is the same; `k` numbers those
/// that can be reached with `d` edits from 0 (`d` pieces removed) to 2 `d` (`d` pieces added).
fn shortest<T: Ord>(old: &[T], new: &[T]) -> Option<Edits> {
    let mut rows: Vec<Vec<Option<usize>>> = Vec::new();
    for edits in 0..=MOST {
        let mut row = vec![None; edits.saturating_mul(2).saturating_add(1)];
        for k in (0..row.len()).step_by(2) {
            let Some(mut to) = start(rows.last(), k, (old.len(), new.len())) else {
                continue;
            };
            // In new pieces: the old ones follow from the diagonal.
            let mut from = old_index(to, k, edits)?;
            while let (Some(a), Some(b)) = (old.get(from), new.get(to))
                && a == b
            {
                from = from.saturating_add(1);
                to = to.saturating_add(1);
            }
            if let Some(reach) = row.get_mut(k) {
                *reach = Some(to);
            }
            if from == old.len() && to == new.len() {
                rows.push(row);
                return Some(traced(&rows, k, (old.len(), new.len())));
            }
        }
        rows.push(row);
    }
    None
}

/// The old index on diagonal `k` of `edits` at a new index.
fn old_index(to: usize, k: usize, edits: usize) -> Option<usize> {
    to.checked_add(edits)?.checked_sub(k)
}

/// Where diagonal `k` starts: by a piece removed or added, whichever reaches further. Nothing before the first edit.
fn start(before: Option<&Vec<Option<usize>>>, k: usize, lengths: (usize, usize)) -> Option<usize> {
    let Some(before) = before else {
        return Some(0);
    };
    let edits = before.len().checked_div(2)?.checked_add(1)?;
    let (added, removed) = ways(before, k);
    let inside = |to: &usize| {
        *to <= lengths.1 && old_index(*to, k, edits).is_some_and(|from| from <= lengths.0)
    };
    added.filter(inside).max(removed.filter(inside))
}

/// Where diagonal `k` can be entered: by adding a piece, and by removing one.
fn ways(before: &[Option<usize>], k: usize) -> (Option<usize>, Option<usize>) {
    let reach = |k: Option<usize>| k.and_then(|k| before.get(k).copied()).flatten();
    // A row of one edit less starts one diagonal later.
    let added = reach(k.checked_sub(2)).and_then(|to| to.checked_add(1));
    (added, reach(Some(k)))
}

fn traced(rows: &[Vec<Option<usize>>], last: usize, lengths: (usize, usize)) -> Edits {
    let mut out = Edits {
        in_order: true,
        ..Edits::default()
    };
    let mut k = last;
    for before in rows.iter().rev().skip(1) {
        let edits = before.len().checked_div(2).unwrap_or(0).saturating_add(1);
        let Some(to) = start(Some(before), k, lengths) else {
            break;
        };
        let (added, _) = ways(before, k);
        if added == Some(to) {
            out.added.push(to.saturating_sub(1));
            k = k.saturating_sub(2);
        } else {
            let from = old_index(to, k, edits).unwrap_or(0);
            out.removed.push((from.saturating_sub(1), to));
        }
    }
    out.added.reverse();
    out.removed.reverse();
    out
}

/// What one list has more often than the other.
fn unordered<T: Ord>(old: &[T], new: &[T]) -> Edits {
    let mut left: BTreeMap<&T, usize> = BTreeMap::new();
    for piece in old {
        let count = left.entry(piece).or_default();
        *count = count.saturating_add(1);
    }
    let mut out = Edits::default();
    let mut spend = |piece| match left.get_mut(piece) {
        Some(count) if *count > 0 => {
            *count = count.saturating_sub(1);
            true
        }
        _ => false,
    };
    for (at, piece) in new.iter().enumerate() {
        if !spend(piece) {
            out.added.push(at);
        }
    }
    for (at, piece) in old.iter().enumerate() {
        // What is left of each piece are its first ones; which of several equal ones is missing nothing tells.
        if spend(piece) {
            out.removed.push((at, 0));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies edits, and says whether the new list comes of it.
    fn holds(old: &[u8], new: &[u8], edits: &Edits) -> bool {
        let kept_old = (0..old.len()).filter(|at| !edits.removed.iter().any(|(it, _)| it == at));
        let kept_new = (0..new.len()).filter(|at| !edits.added.contains(at));
        kept_old.map(|at| old[at]).eq(kept_new.map(|at| new[at]))
    }

    #[test]
    fn examples() {
        let found = edits(b"abcd", b"abXcd");
        assert_eq!((found.added, found.removed), (vec![2], vec![]));
        let found = edits(b"abcd", b"acd");
        assert_eq!((found.added, found.removed), (vec![], vec![(1, 1)]));
        let found = edits(b"", b"ab");
        assert_eq!((found.added, found.removed), (vec![0, 1], vec![]));
        let found = edits(b"ab", b"");
        assert_eq!((found.added, found.removed), (vec![], vec![(0, 0), (1, 0)]));
        // The example of the paper: 5 edits.
        let found = edits(b"abcabba", b"cbabac");
        assert!(holds(b"abcabba", b"cbabac", &found));
        assert_eq!(found.added.len() + found.removed.len(), 5);
    }

    /// Against the length that a table of all pairs gives.
    #[test]
    fn as_few_as_can_be() {
        let mut state = 7_u32;
        for _ in 0..500 {
            let mut list = |longest: u32| -> Vec<u8> {
                let mut next = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state >> 16
                };
                let count = next() % longest;
                (0..count).map(|_| (next() % 4) as u8).collect()
            };
            let (old, new) = (list(30), list(30));
            let found = edits(&old, &new);
            assert!(
                found.in_order && holds(&old, &new, &found),
                "{old:?} {new:?}"
            );
            let mut table = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
            for (a, before) in old.iter().enumerate() {
                for (b, after) in new.iter().enumerate() {
                    table[a + 1][b + 1] = if before == after {
                        table[a][b] + 1
                    } else {
                        table[a][b + 1].max(table[a + 1][b])
                    };
                }
            }
            let common = table[old.len()][new.len()];
            assert_eq!(old.len() - found.removed.len(), common);
        }
    }

    #[test]
    fn many_differences_lose_their_order() {
        let old: Vec<usize> = (0..2000).collect();
        let new: Vec<usize> = (1000..40_000).collect();
        let found = edits(&old, &new);
        assert!(!found.in_order);
        assert_eq!((found.added.len(), found.removed.len()), (38_000, 1000));
    }
}
