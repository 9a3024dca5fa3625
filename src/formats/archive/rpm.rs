//! rpm: the package format V3/V4 of RPM. A lead, a header of signatures, a header of facts, and the payload: a compressed cpio archive.

pub(in crate::formats) mod header;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use self::header::{Header, Value};
use crate::budget::Budget;
use crate::formats::stored::Ledger;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// rpm.
pub(in crate::formats) struct Rpm;

/// The length of the lead, and where in it the name stands, which is not longer than 66 bytes.
const LEAD: u64 = 96;
const NAME_AT: u64 = 10;
const NAME: u64 = 66;

/// Tags of the header of signatures.
const SIZE: u32 = 1000;
const LONG_SIZE: u32 = 270;
const MD5: u32 = 1004;
const SHA1: u32 = 269;
const SHA256: u32 = 273;

/// Tags of signatures, which are shown and not verified.
const SIGNATURES: [(u32, &str); 5] = [
    (267, "signature.header-dsa"),
    (268, "signature.header-rsa"),
    (278, "signature.openpgp"),
    (1002, "signature.pgp"),
    (1005, "signature.gpg"),
];

/// Tags of the main header that say what is in the package.
const SHOWN: [(u32, &str); 13] = [
    (1000, "name"),
    (1001, "version"),
    (1002, "release"),
    (1003, "epoch"),
    (1004, "summary"),
    (1006, "build-time"),
    (1007, "build-host"),
    (1011, "vendor"),
    (1014, "license"),
    (1021, "os"),
    (1022, "arch"),
    (1044, "source-rpm"),
    (1125, "payload-compressor"),
];
const PAYLOAD_DIGEST: u32 = 5092;
const PAYLOAD_DIGEST_KIND: u32 = 5093;

impl Format for Rpm {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "rpm",
            title: "RPM package",
            kind: Kind::Archive,
            spec: "RPM documentation, \"Package format V4\"; rpm lib/header.c, lib/rpmtag.h",
            reads: "packages of version 3 and 4, binary and source; the payload is read as what it is",
            verifies: "MD5 of header and payload; SHA-1 and SHA-256 of the header; SHA-256 of the payload; the payload's size",
            limits: &[
                "signatures are shown and not verified",
                "digests of single files, and of the unpacked payload",
                "scripts and dependencies are not shown",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0xed, 0xab, 0xee, 0xdb],
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let fields = Fields::big(rest);
        let (version, kind) = (fields.u8(4), fields.u16(6));
        if !matches!(version, Some(3 | 4)) || !matches!(kind, Some(0 | 1)) {
            return Err(Reject::Coincidence("no rpm lead"));
        }
        let package = Package::parse(rest).ok_or(Reject::NearMiss(
            "an rpm lead, but no two headers behind it",
        ))?;
        Ok(Extent::known(package.end, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(package) = Package::parse(&region) else {
            return Opened::unread(Problem::corrupt("the headers are cut off"));
        };
        let mut ledger = Ledger::default();
        name_lead(&region, &mut ledger);
        package.signature.name(&region, &mut ledger);
        package.header.name(&region, &mut ledger);
        let aligned = package.signature.end..package.header.at;
        ledger.padding(&region, aligned);
        let mut properties = Properties::new();
        for (tag, name) in SHOWN {
            if let Some(value) = package.header.value(&region, tag) {
                properties.set(name, value.shown());
            }
        }
        for (tag, name) in SIGNATURES {
            if let Some(Value::Bytes(bytes)) = package.signature.value(&region, tag) {
                properties.set(name, format!("{} bytes, not verified", bytes.len()));
            }
        }
        let mut problems = Vec::new();
        let spent = budget.spend_decoded(length(&region));
        let (verified, wrong) = match spent {
            Ok(()) => package.digests(&region),
            Err(problem) => (Vec::new(), vec![problem]),
        };
        problems.extend(wrong);
        if !verified.is_empty() {
            properties.set("digests", verified.join(", "));
        }
        let payload = package.header.end..length(&region).max(package.header.end);
        Opened {
            content: Content::Layout(vec![Part {
                name: b"payload".to_vec(),
                bytes: PartBytes::Range(payload),
            }]),
            spans: ledger.into_spans(),
            problems,
            properties,
        }
    }
}

/// Names the lead, but for what stands behind the end of the name.
fn name_lead(region: &[u8], ledger: &mut Ledger) {
    let name = region.get(index(NAME_AT)..index(NAME_AT.saturating_add(NAME)));
    let name = name.unwrap_or_default();
    let len = memchr::memchr(0, name).unwrap_or(name.len());
    let end = NAME_AT.saturating_add(u64::try_from(len).unwrap_or_default());
    ledger.metadata(0, end);
    let behind = NAME_AT.saturating_add(NAME);
    ledger.padding(region, end..behind);
    // The system, the kind of signature, and 16 reserved bytes.
    ledger.metadata(behind, 4);
    ledger.padding(region, behind.saturating_add(4)..LEAD);
}

/// The headers of a package.
struct Package {
    signature: Header,
    header: Header,
    /// Where the package ends, as its header of signatures states it.
    end: u64,
}

impl Package {
    fn parse(region: &[u8]) -> Option<Self> {
        let signature = Header::parse(region, LEAD)?;
        let header = Header::parse(region, signature.end.checked_next_multiple_of(8)?)?;
        let size = [SIZE, LONG_SIZE].into_iter().find_map(|tag| {
            let Value::Numbers(numbers) = signature.value(region, tag)? else {
                return None;
            };
            numbers.first().copied()
        });
        let end = match size {
            Some(size) => header.at.checked_add(size)?,
            None => length(region),
        };
        (end >= header.end).then_some(Self {
            signature,
            header,
            end,
        })
    }

    /// Which digests are right, and the problems with those that are not.
    fn digests(&self, region: &Bytes) -> (Vec<&'static str>, Vec<Problem>) {
        let whole = clip(
            region,
            self.header.at,
            self.end.saturating_sub(self.header.at),
        );
        let len = self.header.end.saturating_sub(self.header.at);
        let (header, payload) = (clip(&whole, 0, len), clip(&whole, len, u64::MAX));
        let mut wanted: Vec<(&'static str, Option<Value>, Vec<u8>)> = Vec::new();
        if let Some(stored) = self.signature.value(region, MD5) {
            let computed = hash::<Md5>(&whole);
            wanted.push(("MD5 of header and payload", Some(stored), computed));
        }
        if let Some(stored) = self.signature.value(region, SHA1) {
            wanted.push(("SHA-1 of the header", Some(stored), hash::<Sha1>(&header)));
        }
        if let Some(stored) = self.signature.value(region, SHA256) {
            let computed = hash::<Sha256>(&header);
            wanted.push(("SHA-256 of the header", Some(stored), computed));
        }
        let kind = self.header.value(region, PAYLOAD_DIGEST_KIND);
        if matches!(kind, Some(Value::Numbers(kinds)) if kinds == [8])
            && let Some(stored) = self.header.value(region, PAYLOAD_DIGEST)
        {
            let computed = hash::<Sha256>(&payload);
            wanted.push(("SHA-256 of the payload", Some(stored), computed));
        }
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for (what, stored, computed) in wanted {
            if stored.is_some_and(|stored| stored.is_digest(&computed)) {
                right.push(what);
            } else {
                let detail = format!("the {what} is not the one that is stored");
                wrong.push(Problem::checksum(detail).at(self.header.at));
            }
        }
        (right, wrong)
    }
}

/// A digest of bytes that lie in the image.
fn hash<D: Digest>(bytes: &[u8]) -> Vec<u8> {
    let mut hasher = D::new();
    for piece in bytes.chunks(1 << 20) {
        hasher.update(piece);
        map::touched(length(piece));
    }
    hasher.finalize().to_vec()
}
