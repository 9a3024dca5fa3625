//! DSSE envelopes, version 1.0.2 of the protocol: a payload with its type, and signatures over both.
//!
//! A signature is Ed25519 over the encoding that `pae` makes, so that what was signed as one type passes as no other. The `keyid`
//! of an entry is covered by nothing: whoever it names, every trusted key is tried.

pub(crate) mod json;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Serialize;

use self::json::Json;
use super::{Form, Named, PublicKey, SecretKey, Signer, TrustError};
use crate::digest::Digest;

/// So many bytes of an envelope are read (256 KiB). Each trusted key may be tried on each signature, over all of them.
pub const MAX_BYTES: usize = 256 << 10;

/// So many signatures of an envelope are looked at.
const MAX_SIGNATURES: usize = 32;

/// Why bytes are no envelope, or what is in one is no statement of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an attestation of vitalsign's: {0}")]
pub struct Malformed(pub String);

impl Malformed {
    /// The exit code for a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        65
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "name the file that `vitalsign verify --attest` wrote, unchanged"
    }
}

/// A payload, and who signed it. What it says is not to be believed before [`Envelope::judge`] told who says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Entry>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// The key that it names, as its fingerprint. Only a hint.
    key: Option<Digest>,
    /// `None` for what is no Ed25519 signature. Anyone can add an entry, so that one does not spoil the others.
    signature: Option<[u8; 64]>,
}

impl Envelope {
    /// Puts a payload into an envelope that `key` signs.
    pub fn sign(payload_type: &str, payload: Vec<u8>, key: &SecretKey) -> Self {
        let signature = key.sign(&pae(payload_type, &payload));
        Self {
            payload_type: payload_type.to_owned(),
            payload,
            signatures: vec![Entry {
                key: Some(key.public().fingerprint()),
                signature: Some(signature),
            }],
        }
    }

    /// Reads an envelope. Fields that the protocol does not know are left alone.
    ///
    /// # Errors
    /// [`Malformed`]: too long, no JSON, a key twice in one object, a field of another type, or base64 that is not canonical in one of the
    /// two alphabets; [`TrustError::TooMany`] and [`TrustError::EmptyEnvelope`] are outcomes of [`Envelope::judge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed(format!("it has more than {MAX_BYTES} bytes")));
        }
        let whole = Json::parse(bytes).map_err(Malformed)?;
        if !whole.is_object() {
            return Err(Malformed("it is no JSON object".to_owned()));
        }
        // Empty fields may be left out.
        let payload = whole.text_or_empty("payload").map_err(Malformed)?;
        let payload = decode(payload)
            .ok_or_else(|| Malformed("its payload is not canonical base64".to_owned()))?;
        let signatures = whole.list_or_empty("signatures").map_err(Malformed)?;
        let signatures: Result<Vec<Entry>, String> = signatures.iter().map(Entry::of).collect();
        Ok(Self {
            payload_type: whole
                .text_or_empty("payloadType")
                .map_err(Malformed)?
                .to_owned(),
            payload,
            signatures: signatures.map_err(Malformed)?,
        })
    }

    /// The envelope as one line of JSON, as the protocol recommends it; [`Envelope::parse`] reads it back.
    ///
    /// # Errors
    /// Those of the JSON writer.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            payload: String,
            #[serde(rename = "payloadType")]
            payload_type: &'a str,
            signatures: Vec<Row>,
        }
        #[derive(Serialize)]
        struct Row {
            #[serde(skip_serializing_if = "Option::is_none")]
            keyid: Option<Digest>,
            sig: String,
        }
        let row = |entry: &Entry| Row {
            keyid: entry.key,
            sig: STANDARD.encode(
                entry
                    .signature
                    .iter()
                    .flatten()
                    .copied()
                    .collect::<Vec<_>>(),
            ),
        };
        let whole = Whole {
            payload: STANDARD.encode(&self.payload),
            payload_type: &self.payload_type,
            signatures: self.signatures.iter().map(row).collect(),
        };
        Ok(serde_json::to_string(&whole)? + "\n")
    }

    /// What came of each signature, in their order. One key may have made several: whoever needs several signers counts keys.
    pub fn judge(&self, keys: &[PublicKey]) -> Vec<Result<Signer, TrustError>> {
        match self.signatures.len() {
            0 => return vec![Err(TrustError::EmptyEnvelope)],
            count if count > MAX_SIGNATURES => {
                return vec![Err(TrustError::TooMany(MAX_SIGNATURES))];
            }
            _ if keys.is_empty() => return vec![Err(TrustError::NoKeys)],
            _ => {}
        }
        let message = pae(&self.payload_type, &self.payload);
        let entries = self.signatures.iter();
        entries.map(|entry| entry.judge(&message, keys)).collect()
    }

    /// The type of the payload, which every signature covers.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The bytes that every signature covers.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl Entry {
    fn of(json: &Json) -> Result<Self, String> {
        if !json.is_object() {
            return Err("an entry of its signatures is no JSON object".to_owned());
        }
        let signature = decode(json.text_or_empty("sig")?);
        Ok(Self {
            key: json.text_or_empty("keyid")?.parse().ok(),
            signature: signature.and_then(|bytes| bytes.try_into().ok()),
        })
    }

    fn judge(&self, message: &[u8], keys: &[PublicKey]) -> Result<Signer, TrustError> {
        let Some(signature) = &self.signature else {
            return Err(TrustError::Unreadable(
                "it is not the base64 of an Ed25519 signature",
            ));
        };
        if let Some(key) = keys.iter().find(|key| key.made(signature, message)) {
            return Ok(Signer {
                key: *key,
                form: Form::Dsse,
                comment: None,
            });
        }
        let is_known = |named: &Digest| keys.iter().any(|key| key.fingerprint() == *named);
        Err(match self.key {
            Some(named) if !is_known(&named) => TrustError::OtherKey(Named::Fingerprint(named)),
            _ => TrustError::Mismatch,
        })
    }
}

/// What is signed: type and payload, each behind its length in bytes, so that no two pairs of them look alike.
fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (type_len, len) = (payload_type.len(), payload.len());
    let head = format!("DSSEv1 {type_len} {payload_type} {len} ");
    [head.as_bytes(), payload].concat()
}

/// Base64 with padding, in the usual or the URL-safe alphabet: a verifier has to take both. Nothing but the one spelling of each passes.
fn decode(text: &str) -> Option<Vec<u8>> {
    let usual = STANDARD.decode(text).ok();
    usual.or_else(|| URL_SAFE.decode(text).ok())
}

#[cfg(test)]
mod tests;
