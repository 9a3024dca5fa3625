//! Which function of one program is which of another: by fingerprint, order and neighbours.

use std::collections::BTreeMap;

use super::super::outline::Print;

/// What two functions that belong together have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Everything.
    Same,
    /// Their instructions: they call other functions.
    OtherCalls,
    /// Their instructions and what they call: they use other texts or constants.
    OtherUses,
    /// Their place, or what they call and use.
    Changed,
}

/// The functions of two programs, each by its number.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// For each of the new ones, the old one, and what they have in common.
    pub(super) old_of: Vec<Option<(usize, Likeness)>>,
    /// Old ones that are nowhere.
    pub(super) removed: Vec<usize>,
    /// How many stand in another order.
    pub(super) moved: usize,
}

impl Matching {
    /// Which of the new functions an old one is.
    pub(super) fn new_of(&self, old: usize) -> Option<usize> {
        self.old_of
            .iter()
            .position(|it| it.is_some_and(|(number, _)| number == old))
    }
}

/// Matches the functions of two programs.
pub(super) fn matched(old: &[Print], new: &[Print]) -> Matching {
    let mut matcher = Matcher {
        old,
        new,
        old_of: vec![None; new.len()],
        new_of: vec![None; old.len()],
    };
    matcher.by_key(|print| *print, true);
    matcher.beside(|print| *print);
    matcher.by_key(|print| *print, false);
    let code = |print: &Print| Print {
        calls: None,
        uses: None,
        ..*print
    };
    matcher.beside(code);
    matcher.by_key(code, false);
    matcher.between();
    matcher.by_use();
    matcher.finish()
}

struct Matcher<'p> {
    old: &'p [Print],
    new: &'p [Print],
    old_of: Vec<Option<usize>>,
    new_of: Vec<Option<usize>>,
}

impl Matcher<'_> {
    fn pair(&mut self, old: usize, new: usize) {
        if let (Some(to), Some(back)) = (self.old_of.get_mut(new), self.new_of.get_mut(old)) {
            *to = Some(old);
            *back = Some(new);
        }
    }

    fn free_old(&self) -> impl Iterator<Item = (usize, &Print)> {
        let free = self.new_of.iter().map(Option::is_none);
        self.old
            .iter()
            .enumerate()
            .zip(free)
            .filter_map(|(one, free)| free.then_some(one))
    }

    fn free_new(&self) -> impl Iterator<Item = (usize, &Print)> {
        let free = self.old_of.iter().map(Option::is_none);
        self.new
            .iter()
            .enumerate()
            .zip(free)
            .filter_map(|(one, free)| free.then_some(one))
    }

    /// Pairs what has the same key, in order; if `even`, only where both sides have as many of it.
    fn by_key<K: Ord>(&mut self, key: impl Fn(&Print) -> K, even: bool) {
        let mut sides: BTreeMap<K, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (at, print) in self.free_old() {
            sides.entry(key(print)).or_default().0.push(at);
        }
        for (at, print) in self.free_new() {
            if let Some(side) = sides.get_mut(&key(print)) {
                side.1.push(at);
            }
        }
        for (old, new) in sides.into_values() {
            if !even || old.len() == new.len() {
                for (old, new) in old.into_iter().zip(new) {
                    self.pair(old, new);
                }
            }
        }
    }

    /// Pairs neighbours of pairs that have the same key, forwards and backwards.
    fn beside<K: Eq>(&mut self, key: impl Fn(&Print) -> K) {
        for at in 1..self.new.len() {
            let before = at.checked_sub(1);
            self.beside_one(before, at, |old| old.checked_add(1), &key);
        }
        for at in (0..self.new.len()).rev() {
            let behind = at.checked_add(1);
            self.beside_one(behind, at, |old| old.checked_sub(1), &key);
        }
    }

    fn beside_one<K: Eq>(
        &mut self,
        neighbour: Option<usize>,
        at: usize,
        step: impl Fn(usize) -> Option<usize>,
        key: &impl Fn(&Print) -> K,
    ) {
        let is_free = self.old_of.get(at).is_some_and(Option::is_none);
        let there = neighbour.and_then(|it| self.old_of.get(it).copied().flatten());
        let Some(old) = there.and_then(step).filter(|_| is_free) else {
            return;
        };
        let is_same = self.old.get(old).map(key) == self.new.get(at).map(key);
        if is_same && self.new_of.get(old).is_some_and(Option::is_none) {
            self.pair(old, at);
        }
    }

    /// Pairs what is left between the same neighbours: first what calls or uses the same, then in order.
    fn between(&mut self) {
        let mut at = 0;
        while at < self.new.len() {
            if self.old_of.get(at).is_some_and(Option::is_some) {
                at = at.saturating_add(1);
                continue;
            }
            let end = (at..self.new.len())
                .find(|&it| self.old_of.get(it).is_some_and(Option::is_some))
                .unwrap_or(self.new.len());
            let before = at
                .checked_sub(1)
                .and_then(|it| self.old_of.get(it).copied().flatten());
            let behind = self.old_of.get(end).copied().flatten();
            let run = self.old_run(before, behind, at == 0, end == self.new.len());
            self.align(run, (at..end).collect());
            at = end;
        }
    }

    /// The old functions without a pair that follow one and precede another.
    fn old_run(
        &self,
        before: Option<usize>,
        behind: Option<usize>,
        first: bool,
        last: bool,
    ) -> Vec<usize> {
        let is_free = |at: &usize| self.new_of.get(*at).is_some_and(Option::is_none);
        let start = match before {
            Some(before) => before.checked_add(1),
            None => first.then_some(0),
        };
        let forwards: Vec<usize> = start
            .into_iter()
            .flat_map(|start| (start..self.old.len()).take_while(is_free))
            .collect();
        if !forwards.is_empty() {
            return forwards;
        }
        let end = match behind {
            Some(behind) => Some(behind),
            None => last.then_some(self.old.len()),
        };
        let mut backwards: Vec<usize> = end
            .into_iter()
            .flat_map(|end| (0..end).rev().take_while(is_free))
            .collect();
        backwards.reverse();
        backwards
    }

    fn align(&mut self, mut old: Vec<usize>, mut new: Vec<usize>) {
        if old.len() != new.len() {
            for likeness in [3_u8, 1] {
                let all = new.clone();
                for at in all {
                    let alike = old.iter().position(|&one| self.alike(one, at) >= likeness);
                    if let Some(position) = alike {
                        self.pair(old.remove(position), at);
                        new.retain(|&it| it != at);
                    }
                }
            }
        }
        for (old, new) in old.into_iter().zip(new) {
            self.pair(old, new);
        }
    }

    /// How much two functions have in common of what they call (2) and use (1).
    fn alike(&self, old: usize, new: usize) -> u8 {
        let (Some(old), Some(new)) = (self.old.get(old), self.new.get(new)) else {
            return 0;
        };
        let calls = u8::from(old.calls.is_some() && old.calls == new.calls) << 1;
        calls | u8::from(old.uses.is_some() && old.uses == new.uses)
    }

    /// Pairs what calls and uses the same wherever it stands, then what calls the same; and what is left, if it is one on each side.
    fn by_use(&mut self) {
        self.by_telling(|print| print.calls.zip(print.uses));
        self.by_telling(|print| print.calls);
        let left = (
            self.free_old().map(|it| it.0).collect::<Vec<_>>(),
            self.free_new().map(|it| it.0).collect::<Vec<_>>(),
        );
        if let ([old], [new]) = (left.0.as_slice(), left.1.as_slice()) {
            self.pair(*old, *new);
        }
    }

    /// Pairs what has the same key, where no other has it.
    fn by_telling<K: Ord>(&mut self, key: impl Fn(&Print) -> Option<K>) {
        let mut known: BTreeMap<K, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (at, print) in self.free_old() {
            if let Some(key) = key(print) {
                known.entry(key).or_default().0.push(at);
            }
        }
        for (at, print) in self.free_new() {
            if let Some(side) = key(print).and_then(|key| known.get_mut(&key)) {
                side.1.push(at);
            }
        }
        for (old, new) in known.into_values() {
            if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
                self.pair(*old, *new);
            }
        }
    }

    fn finish(self) -> Matching {
        let likeness = |(at, old): (usize, Option<usize>)| {
            let old = old?;
            let (one, other) = (self.old.get(old)?, self.new.get(at)?);
            let likeness = if one.code != other.code {
                Likeness::Changed
            } else if one.calls != other.calls {
                Likeness::OtherCalls
            } else if one.uses != other.uses {
                Likeness::OtherUses
            } else {
                Likeness::Same
            };
            Some((old, likeness))
        };
        let in_order: Vec<usize> = self.old_of.iter().flatten().copied().collect();
        let moved = in_order.len().saturating_sub(longest_rise(&in_order));
        let removed = self.free_old().map(|(at, _)| at).collect();
        Matching {
            old_of: self
                .old_of
                .iter()
                .copied()
                .enumerate()
                .map(likeness)
                .collect(),
            removed,
            moved,
        }
    }
}

/// The length of the longest subsequence of rising numbers.
fn longest_rise(numbers: &[usize]) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    for &number in numbers {
        let at = ends.partition_point(|&end| end < number);
        match ends.get_mut(at) {
            Some(end) => *end = number,
            None => ends.push(number),
        }
    }
    ends.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(code: u8, calls: u8, uses: u8) -> Print {
        let some = |number: u8| (number > 0).then_some([number, 0]);
        Print {
            code: [code, 0, 0, 0],
            calls: some(calls),
            uses: some(uses),
        }
    }

    /// The old place of each new one, what is gone, and how many moved.
    type Told = (Vec<Option<(usize, Likeness)>>, Vec<usize>, usize);

    fn told(old: &[Print], new: &[Print]) -> Told {
        let matching = matched(old, new);
        (matching.old_of, matching.removed, matching.moved)
    }

    #[test]
    fn another_order_is_no_change() {
        let old = [
            print(1, 0, 0),
            print(2, 1, 0),
            print(3, 0, 1),
            print(1, 0, 0),
        ];
        let new = [old[2], old[0], old[3], old[1]];
        let (pairs, removed, moved) = told(&old, &new);
        assert!(
            pairs
                .iter()
                .all(|pair| pair.is_some_and(|it| it.1 == Likeness::Same))
        );
        assert!(removed.is_empty());
        assert_eq!(moved, 2);
    }

    #[test]
    fn neighbours_tell_what_is_changed_and_what_is_new() {
        let old = [print(1, 0, 0), print(2, 5, 0), print(3, 0, 0)];
        let new = [old[0], print(9, 0, 0), print(8, 5, 0), old[2]];
        let (pairs, removed, _) = told(&old, &new);
        assert_eq!(pairs[1], None);
        assert_eq!(pairs[2], Some((1, Likeness::Changed)));
        assert!(removed.is_empty());
        let (pairs, removed, _) = told(&new, &old);
        assert_eq!(pairs[1], Some((2, Likeness::Changed)));
        assert_eq!(removed, [1]);
    }

    #[test]
    fn the_same_instructions_with_another_text_are_told_apart() {
        let old = [print(1, 1, 1), print(2, 0, 0)];
        let new = [print(1, 1, 2), print(2, 0, 0)];
        assert_eq!(told(&old, &new).0[0], Some((0, Likeness::OtherUses)));
        let new = [print(1, 2, 2), print(2, 0, 0)];
        assert_eq!(told(&old, &new).0[0], Some((0, Likeness::OtherCalls)));
    }
}
