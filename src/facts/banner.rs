//! The lines by which boot loaders and kernels say who they are: the version that runs, whatever a header claims.
//!
//! Only texts that their makers compiled into them count, whole and with their version: a sentence that mentions a system says
//! nothing of what runs.

mod rules;

use memchr::memmem;

use self::rules::RULES;

use super::name::Name;
use crate::image::map;
use crate::read::length;

/// So many banners of one content are told.
const MOST: usize = 16;

/// The longest banner (bytes).
const LONGEST: usize = 512;

/// Bytes searched at a time, so that pages of the image can be given back in between (1 MiB).
const CHUNK: usize = 1 << 20;

/// The banners in some bytes, in their order and each once.
pub fn banners(bytes: &[u8]) -> Vec<Name> {
    let mut found: Vec<&[u8]> = Vec::new();
    let finders: Vec<_> = RULES
        .iter()
        .map(|rule| (memmem::Finder::new(rule.start), rule))
        .collect();
    let mut from = 0_usize;
    while from < bytes.len() && found.len() < MOST {
        let end = from.saturating_add(CHUNK).min(bytes.len());
        // A start may stand across the end of a chunk.
        let reach = end.saturating_add(LONGEST).min(bytes.len());
        let chunk = bytes.get(from..reach).unwrap_or_default();
        let mut here = Vec::new();
        for (finder, rule) in &finders {
            let hits = finder.find_iter(chunk).map(|hit| from.saturating_add(hit));
            for hit in hits.filter(|&hit| hit < end) {
                let before = hit.checked_sub(1).and_then(|at| bytes.get(at)).copied();
                let room = bytes.get(hit..).unwrap_or_default();
                let room = room.get(..LONGEST).unwrap_or(room);
                here.extend((rule.read)(before, room).map(|text| (hit, text)));
            }
        }
        here.sort_unstable();
        for (_, text) in here {
            if found.len() < MOST && !found.contains(&text) {
                found.push(text);
            }
        }
        map::touched(length(bytes.get(from..end).unwrap_or_default()));
        from = end;
    }
    found.into_iter().map(Name::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn told(bytes: &[u8]) -> Vec<String> {
        banners(bytes).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn banners_are_lines_with_a_version() {
        let text =
            b"\0U-Boot SPL 2021.01 (Jan 01 2021 - 00:00:00 +0000)\n\0U-Boot 1.1.4 (Jun  1 2008)\0\
            Linux version 6.1.0-50-armmp (debian-kernel@lists.debian.org) #1 SMP \n\0\
            Linux version %s (%s)\0U-Boot 2021.01\xff U-Boot is a loader\0U-Boot SPL \0";
        assert_eq!(
            told(text),
            [
                "U-Boot SPL 2021.01 (Jan 01 2021 - 00:00:00 +0000)",
                "U-Boot 1.1.4 (Jun  1 2008)",
                "Linux version 6.1.0-50-armmp (debian-kernel@lists.debian.org) #1 SMP",
                "U-Boot 2021.01",
            ]
        );
    }

    #[test]
    fn banners_are_found_across_chunks_and_told_once() {
        let mut bytes = vec![0; CHUNK - 5];
        bytes.extend_from_slice(b"U-Boot 2023.01 (a)\0");
        bytes.resize(3 * CHUNK, 0);
        bytes.extend_from_slice(b"U-Boot 2023.01 (a)\0");
        assert_eq!(told(&bytes), ["U-Boot 2023.01 (a)"]);
        let many = (0..100).flat_map(|number| format!("U-Boot 1.{number}\0").into_bytes());
        assert_eq!(told(&many.collect::<Vec<_>>()).len(), MOST);
        // A string that nothing ends is none.
        assert!(told(b"U-Boot 2023.01").is_empty());
    }
}
