//! Tests of stream formats: decode, and hold what every decoder promises.

use std::fmt::Write;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::budget::{Budget, Limits};
use crate::formats::{Content, Ending, Format, Proof, Span};
use crate::problem::{Problem, ProblemKind};

/// What a stream came to.
pub(super) struct Outcome {
    pub(super) payload: Vec<u8>,
    pub(super) extent: Option<(u64, Proof)>,
    pub(super) spans: Vec<Span>,
    pub(super) problems: Vec<Problem>,
}

impl Outcome {
    pub(super) fn kinds(&self) -> Vec<ProblemKind> {
        self.problems.iter().map(|problem| problem.kind).collect()
    }

    /// The bytes of the region that no span explains.
    pub(super) fn unexplained(&self) -> u64 {
        let explained: u64 = self.spans.iter().map(|span| span.len).sum();
        self.extent.unwrap().0 - explained
    }
}

/// Decodes the region at the start of `bytes`; `None` when it is rejected before decoding.
pub(super) fn decode(format: &dyn Format, bytes: impl Into<Bytes>) -> Option<Outcome> {
    decode_by(format, bytes, 4096)
}

/// The same, `piece` bytes at a time.
pub(super) fn decode_by(
    format: &dyn Format,
    bytes: impl Into<Bytes>,
    piece: usize,
) -> Option<Outcome> {
    let bytes = bytes.into();
    format.measure(&bytes).ok()?;
    let opened = format.open(bytes.clone(), &Budget::new(Limits::default()));
    let Content::Stream(mut decoder) = opened.content else {
        panic!("not a stream");
    };
    let mut payload = Vec::new();
    let mut out = vec![0; piece];
    loop {
        let len = decoder.read(&mut out).unwrap();
        if len == 0 {
            break;
        }
        payload.extend_from_slice(&out[..len]);
    }
    assert_eq!(decoder.read(&mut out).unwrap(), 0, "the end is the end");
    let Ending {
        extent,
        mut spans,
        problems,
    } = decoder.finish();
    let extent = extent.ok();
    if let Some((len, _)) = extent {
        assert!(len <= bytes.len() as u64);
        spans.sort();
        let mut at = 0;
        for span in &spans {
            assert!(at <= span.at, "spans overlap at {at}");
            at = span.at + span.len;
        }
        assert!(at <= len, "a span reaches past the region: {at} of {len}");
    }
    Some(Outcome {
        payload,
        extent,
        spans,
        problems,
    })
}

/// Decodes a fixture alone and with something behind it: its payload comes out, its end is exact, and but for so many of its bytes
/// everything is explained.
pub(super) fn reads_to_its_end(format: &dyn Format, name: &str, proof: Proof, unexplained: u64) {
    let sound = fixture(name);
    for behind in [&b"junk behind it"[..], &[0; 700], b""] {
        for piece in [1, 4096, 1 << 20] {
            let outcome = decode_by(format, [&sound[..], behind].concat(), piece).unwrap();
            assert_is_the_payload(&outcome.payload, name);
            assert!(outcome.problems.is_empty(), "{name} {:?}", outcome.problems);
            assert_eq!(outcome.extent, Some((sound.len() as u64, proof)), "{name}");
            assert_eq!(outcome.unexplained(), unexplained, "{name}");
        }
    }
}

/// A fixture of one format.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(root.join(name)).unwrap()
}

/// Holds a decoded tar against the listing of the fixture's payload: the digest of one file.
pub(super) fn assert_is_the_payload(payload: &[u8], fixture_name: &str) {
    let listing = String::from_utf8(fixture(&format!("{fixture_name}.tsv"))).unwrap();
    let row = listing.lines().find(|row| row.starts_with("/home/notes\t"));
    let columns: Vec<&str> = row.unwrap().split('\t').collect();
    let at = memchr::memmem::find(payload, b"./home/notes").unwrap() + 512;
    let size: usize = columns[5].parse().unwrap();
    let digest = Sha256::digest(&payload[at..at + size]);
    let mut hex = String::new();
    for byte in &digest {
        write!(hex, "{byte:02x}").unwrap();
    }
    assert_eq!(hex, columns[6], "{fixture_name}");
    assert_eq!(payload.len() % 512, 0);
}

/// A seeded generator, so that a failing case comes back.
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    pub(super) fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.number() >> 24) as u8).collect()
    }
}

/// Flips bits and cuts at random: nothing panics, and nothing wrong is said to be checked.
pub(super) fn hurt(format: &dyn Format, sound: &[u8], rounds: u64) {
    let right = decode(format, sound.to_vec()).unwrap();
    let checked = right.extent.unwrap().1 == Proof::Checksum;
    let mut seed = Seeded(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds {
        let mut mutant = sound.to_vec();
        for _ in 0..=seed.number() % 3 {
            let at = (seed.number() % mutant.len() as u64) as usize;
            mutant[at] ^= 1 << (seed.number() % 8);
        }
        if seed.number().is_multiple_of(4) {
            mutant.truncate((seed.number() % sound.len() as u64) as usize);
        }
        let Some(outcome) = decode(format, mutant) else {
            continue;
        };
        let silent = outcome.problems.is_empty() && outcome.payload != right.payload;
        let whole = outcome
            .extent
            .is_some_and(|(len, proof)| len == sound.len() as u64 && proof == Proof::Checksum);
        assert!(!(checked && silent && whole), "round {round}");
    }
}
