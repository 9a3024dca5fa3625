//! What kind of list it is, by its content.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Source, sums};
use crate::facts::manifest::Algorithm;

/// So many bytes at the start are looked at where a list has lines.
const HEAD: usize = 64 << 10;

/// The keys that documents in JSON are told by.
#[derive(Deserialize)]
struct Keys {
    #[serde(rename = "bomFormat")]
    cyclonedx: Option<IgnoredAny>,
    #[serde(rename = "spdxVersion")]
    spdx: Option<IgnoredAny>,
    #[serde(rename = "digests")]
    keylime: Option<IgnoredAny>,
}

/// The kind of a list; `None` for what is no list that is read.
pub fn detect(bytes: &[u8]) -> Option<Source> {
    let head = bytes.get(..HEAD).unwrap_or(bytes).trim_ascii_start();
    if head.starts_with(b"{") {
        let keys: Keys = serde_json::from_slice(bytes).ok()?;
        return match (keys.cyclonedx, keys.spdx, keys.keylime) {
            (Some(_), None, None) => Some(Source::CycloneDx),
            (None, Some(_), None) => Some(Source::Spdx),
            (None, None, Some(_)) => Some(Source::Keylime),
            _ => None,
        };
    }
    let starts = |line: &[u8]| {
        head.split(|&byte| byte == b'\n')
            .any(|it| it.starts_with(line))
    };
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    match bytes {
        // The tags of CoSWID, CoRIM and of what COSE signed.
        [0xda, b'S', b'W', b'I', b'D', ..] | [0xd9, 0x01, 0xf5, ..] | [0xd2, ..] => {
            return Some(Source::CoSwid);
        }
        // A map without a tag.
        [0xa1..=0xbf, ..] => return Some(Source::CoSwid),
        _ => {}
    }
    match sums::algorithm(head) {
        Some(Algorithm::Md5) => return Some(Source::Dpkg),
        Some(_) => return Some(Source::Sha256sums),
        None => {}
    }
    if starts(b"SPDXVersion:") {
        return Some(Source::Spdx);
    }
    if head.starts_with(b"#mtree") || starts(b"/set ") || has(b" type=dir") || has(b" type=file") {
        return Some(Source::Mtree);
    }
    if starts(b"[update]") && starts(b"[image.") {
        return Some(Source::Rauc);
    }
    if has(b"software") && has(b"{") && has(b"sha256") {
        return Some(Source::SwUpdate);
    }
    None
}
