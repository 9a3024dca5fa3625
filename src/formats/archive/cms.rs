//! CMS signed messages (PKCS #7), as they stand behind or beside update packages: who says to have signed.

mod der;
mod message;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::der::Element;
use self::message::Message;
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// CMS.
pub(in crate::formats) struct Cms;

/// The object identifier of signed data as an element, which stands behind a message's tag and its length of two bytes.
const MAGIC: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

/// Bytes of the length (big-endian) that RAUC writes behind a message, so that it is found from a bundle's end; 0 where there is none.
fn trailer(bytes: &Bytes, len: u64) -> u64 {
    let stated = Fields::big(bytes).u64(index(len));
    if stated == Some(len) { 8 } else { 0 }
}

impl Format for Cms {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "cms",
            title: "CMS signed message",
            kind: Kind::Archive,
            spec: "RFC 5652 (CMS), RFC 5280 (certificates), X.690 (DER)",
            reads: "signed data of 256 bytes to 64 KiB in DER: signers, certificates and algorithms as properties, the content where it is inside; the length that RAUC writes behind it",
            verifies: "the structure; nothing is verified of signatures: which key to trust, only the baseline's signer can say",
            limits: &[
                "messages without definite lengths (BER); other kinds of messages than signed data",
                "names are shown as their parts, not as certificates' own text forms",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: MAGIC,
            at: 4,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let (whole, _) = Element::read(rest).ok_or(Reject::Coincidence("no DER"))?;
        Message::read(whole).ok_or(Reject::Coincidence("no signed data"))?;
        let len = whole.len.saturating_add(trailer(rest, whole.len));
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let whole = Element::read(&region).map(|(whole, _)| whole);
        let Some(message) = whole.and_then(Message::read) else {
            return Opened::unread(Problem::corrupt("the message is cut off"));
        };
        let mut properties = Properties::new();
        message.tell(&mut properties);
        let mut parts = Vec::new();
        let mut spans = vec![Span::metadata(0, length(&region))];
        if let Some(content) = message.content {
            let at = content.offset_in(&region);
            let end = at.saturating_add(length(content.body));
            spans = vec![
                Span::metadata(0, at),
                Span::metadata(end, length(&region).saturating_sub(end)),
            ];
            parts.push(Part {
                name: b"content".to_vec(),
                bytes: PartBytes::Range(at..end),
            });
        }
        Opened {
            content: Content::Layout(parts),
            spans,
            problems: Vec::new(),
            properties,
        }
    }
}
