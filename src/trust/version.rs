//! Firmware versions, compared as their numbers are meant.

use std::cmp::Ordering;

/// A part of a version. Numbers come after words: `4.2-rc1` is before `4.2.1`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Word(&'a str),
    /// Its digits without leading zeros: the longer one is the greater.
    Number(usize, &'a str),
}

/// Compares two versions: runs of digits by value, other letters by their bytes, whatever separates them. Where one goes on, it is the
/// later one, unless with a word (`4.2-rc1` is before `4.2`).
pub fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (parts(one), parts(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(Part::Word(_))) | (Some(Part::Number(..)), None) => {
                return Ordering::Greater;
            }
            (None, Some(Part::Number(..))) | (Some(Part::Word(_)), None) => return Ordering::Less,
            (Some(a), Some(b)) => match a.cmp(&b) {
                Ordering::Equal => {}
                order => return order,
            },
        }
    }
}

fn parts(version: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = version;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|it: char| !it.is_alphanumeric());
        let first = rest.chars().next()?;
        let is_number = first.is_ascii_digit();
        let same = |it: char| it.is_alphanumeric() && it.is_ascii_digit() == is_number;
        let end = rest.find(|it| !same(it)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(if is_number {
            let digits = part.trim_start_matches('0');
            Part::Number(digits.len(), digits)
        } else {
            Part::Word(part)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_in_the_order_that_people_mean() {
        let ordered = [
            "1.2.9-beta",
            "1.2.9",
            "1.2.10",
            "1.3",
            "4.2-rc1",
            "4.2-rc2",
            "4.2",
            "4.2.0",
            "4.2.1",
            "4.10",
            "18446744073709551616.1",
        ];
        for (at, one) in ordered.iter().enumerate() {
            for (other_at, other) in ordered.iter().enumerate() {
                assert_eq!(compare(one, other), at.cmp(&other_at), "{one} {other}");
            }
        }
    }

    #[test]
    fn how_parts_are_set_apart_does_not_count() {
        assert_eq!(compare("4.02_1", "4-2.1"), Ordering::Equal);
        assert_eq!(compare("V4.2", "4.2"), Ordering::Less);
        assert_eq!(compare("", ""), Ordering::Equal);
        assert_eq!(compare("...", ""), Ordering::Equal);
    }
}
