//! What a signed message says.

use super::der::{CONTEXT_0, Element, IDENTIFIER, INTEGER, OCTETS, SEQUENCE, SET};
use crate::digest::hex;
use crate::formats::Properties;

/// id-signedData, 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
/// So many signers and certificates are shown.
const MOST_SHOWN: usize = 16;

/// A signed message.
pub(super) struct Message<'a> {
    /// What is signed, where it stands inside.
    pub(super) content: Option<Element<'a>>,
    certificates: Vec<Element<'a>>,
    signers: Vec<Element<'a>>,
}

impl<'a> Message<'a> {
    /// Reads a `ContentInfo` of signed data.
    pub(super) fn read(whole: Element<'a>) -> Option<Self> {
        let mut fields = whole.of(SEQUENCE)?.children();
        let identifier = fields.next()?.of(IDENTIFIER)?;
        (identifier.body == SIGNED_DATA).then_some(())?;
        let data = fields.next()?.of(CONTEXT_0)?.first()?.of(SEQUENCE)?;
        let mut fields = data.children();
        fields.next()?.of(INTEGER)?;
        fields.next()?.of(SET)?;
        let mut wrapped = fields.next()?.of(SEQUENCE)?.children();
        wrapped.next()?.of(IDENTIFIER)?;
        let content = wrapped.next().and_then(|it| it.of(CONTEXT_0)?.first());
        let mut rest: Vec<Element<'a>> = fields.collect();
        let signers = rest.pop()?.of(SET)?;
        let certificates = rest.first().and_then(|it| it.of(CONTEXT_0));
        Some(Self {
            content: content.and_then(|it| it.of(OCTETS)),
            certificates: certificates
                .into_iter()
                .flat_map(Element::children)
                .collect(),
            signers: signers.children().collect(),
        })
    }

    /// Says who signed, with what.
    pub(super) fn tell(&self, properties: &mut Properties) {
        properties.set("verified", "no: a signature is shown, not judged");
        properties.set("signers", self.signers.len().to_string());
        properties.set("certificates", self.certificates.len().to_string());
        for (number, signer) in self.signers.iter().take(MOST_SHOWN).enumerate() {
            signer_says(number, *signer, properties);
        }
        for (number, certificate) in self.certificates.iter().take(MOST_SHOWN).enumerate() {
            certificate_says(number, *certificate, properties);
        }
    }
}

/// A `SignerInfo`: version, who (issuer and serial number, or a key's identifier), algorithms.
fn signer_says(number: usize, signer: Element<'_>, properties: &mut Properties) {
    let mut fields = signer.children().skip(1);
    let Some(who) = fields.next() else {
        return;
    };
    let mut set = |name: &str, value: Option<Vec<u8>>| {
        if let Some(value) = value {
            properties.set(format!("signer.{number}.{name}"), value);
        }
    };
    if who.tag == SEQUENCE {
        let mut parts = who.children();
        set("issuer", parts.next().map(name));
        set("serial", parts.next().map(|it| hex(it.body).into_bytes()));
    } else {
        set("key", Some(hex(who.body).into_bytes()));
    }
    let mut algorithms = fields.filter(|field| field.tag == SEQUENCE);
    set("digest", algorithms.next().and_then(algorithm));
    set("signature", algorithms.next().and_then(algorithm));
}

/// A `Certificate`: serial number, issuer and subject.
fn certificate_says(number: usize, certificate: Element<'_>, properties: &mut Properties) {
    let Some(signed) = certificate.first() else {
        return;
    };
    let fields = signed.children().filter(|field| field.tag != CONTEXT_0);
    let fields: Vec<Element<'_>> = fields.take(5).collect();
    let mut set = |name: &str, value: Option<Vec<u8>>| {
        if let Some(value) = value {
            properties.set(format!("certificate.{number}.{name}"), value);
        }
    };
    set("serial", fields.first().map(|it| hex(it.body).into_bytes()));
    set("issuer", fields.get(2).copied().map(name));
    set("subject", fields.get(4).copied().map(name));
}

/// A name: the values of its parts, most general first, a comma between them.
fn name(name: Element<'_>) -> Vec<u8> {
    let sets = name.children();
    let values = sets.filter_map(|set| set.first()?.children().nth(1));
    let values: Vec<&[u8]> = values.map(|value| value.body).collect();
    values.join(&b", "[..])
}

/// The name of an algorithm, or the bytes of its identifier in hexadecimal digits.
fn algorithm(field: Element<'_>) -> Option<Vec<u8>> {
    let identifier = field.first()?.of(IDENTIFIER)?.body;
    let known: &[(&[u8], &str)] = &[
        (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "sha256"),
        (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "sha384"),
        (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "sha512"),
        (b"\x2b\x0e\x03\x02\x1a", "sha1"),
        (b"\x2a\x86\x48\x86\xf7\x0d\x02\x05", "md5"),
        (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "rsa"),
        (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "rsa with sha256"),
        (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "ecdsa with sha256"),
        (b"\x2b\x65\x70", "ed25519"),
    ];
    let named = known.iter().find(|(bytes, _)| *bytes == identifier);
    Some(named.map_or_else(
        || hex(identifier).into_bytes(),
        |(_, name)| name.as_bytes().to_vec(),
    ))
}
