use super::*;
use crate::trust::KeyId;

/// Envelopes that OpenSSL signed, as the protocol's vectors have them.
const VECTORS: &[u8] = include_bytes!("../../../fixtures/trust/dsse.json");

const TYPE: &str = "application/vnd.in-toto+json";

fn secret(seed: u8) -> SecretKey {
    SecretKey::new(&[seed; 32], KeyId([seed; 8]))
}

fn sealed() -> Envelope {
    Envelope::sign(
        TYPE,
        b"{\"a\":12}\n\xfb\xef\xbe\xff\xff\xff".to_vec(),
        &secret(1),
    )
}

fn text() -> String {
    sealed().write().unwrap()
}

fn judged(text: &str, keys: &[PublicKey]) -> Result<Signer, TrustError> {
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    crate::trust::first(&envelope.judge(keys))
}

fn why(text: &str) -> String {
    Envelope::parse(text.as_bytes()).unwrap_err().to_string()
}

/// What the `dsse` crate says of an envelope, and the payload that it then gives.
fn second_opinion(text: &[u8], keys: &[PublicKey], needed: usize) -> Option<Vec<u8>> {
    let envelope = dsse::Envelope::from_json(text).ok()?;
    let verifier = |key: &PublicKey| {
        let verifier = dsse::Ed25519Verifier::from_bytes(key.as_bytes()).unwrap();
        verifier.with_key_id(key.fingerprint().to_string())
    };
    let verifiers: Vec<_> = keys.iter().map(verifier).collect();
    let verifiers: Vec<&dyn dsse::Verifier> = verifiers.iter().map(|it| it as _).collect();
    let told = dsse::verify(&envelope, &verifiers, needed).ok()?;
    Some(told.payload)
}

/// What we say of it.
fn ours(text: &[u8], keys: &[PublicKey], needed: usize) -> Option<Vec<u8>> {
    let envelope = Envelope::parse(text).ok()?;
    let mut makers: Vec<[u8; 32]> = Vec::new();
    for signer in envelope.judge(keys).iter().flatten() {
        if !makers.contains(signer.key.as_bytes()) {
            makers.push(*signer.key.as_bytes());
        }
    }
    (makers.len() >= needed).then(|| envelope.payload().to_vec())
}

#[test]
fn the_encoding_is_that_of_the_protocol() {
    let encoded = pae("http://example.com/HelloWorld", b"hello world");
    let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(encoded, expected);
    assert_eq!(
        encoded,
        dsse::pae("http://example.com/HelloWorld", b"hello world")
    );
}

#[test]
fn the_protocol_s_vectors_hold() {
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(VECTORS).unwrap();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let keys: Vec<PublicKey> = vector["trusted"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| {
                let bytes = crate::digest::unhex(key.as_str().unwrap()).unwrap();
                PublicKey::new(bytes.try_into().unwrap()).unwrap()
            })
            .collect();
        let needed = usize::try_from(vector["needed"].as_u64().unwrap()).unwrap();
        let text = vector["envelope"].to_string();
        let holds = vector["holds"].as_bool().unwrap();
        let told = ours(text.as_bytes(), &keys, needed);
        assert_eq!(told.is_some(), holds, "{name}");
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        let encoded = pae(envelope.payload_type(), envelope.payload());
        if name != "another type than was signed" {
            assert_eq!(
                crate::digest::hex(&encoded),
                vector["pae"].as_str().unwrap(),
                "{name}"
            );
        }
        // An empty type is refused there at once, here where the type is compared.
        if name != "no type" {
            assert_eq!(
                second_opinion(text.as_bytes(), &keys, needed),
                told,
                "{name}"
            );
        }
    }
}

#[test]
fn what_is_signed_here_holds_here_and_elsewhere() {
    let key = secret(1).public();
    let text = text();
    assert_eq!(Envelope::parse(text.as_bytes()).unwrap(), sealed());
    let signer = judged(&text, &[secret(2).public(), key]).unwrap();
    assert_eq!((signer.key, signer.form), (key, Form::Dsse));
    let payload = sealed().payload().to_vec();
    assert_eq!(second_opinion(text.as_bytes(), &[key], 1), Some(payload));
    assert!(text.contains(&key.fingerprint().to_string()));
}

#[test]
fn what_others_sign_holds_here() {
    let signer = dsse::Ed25519Signer::from_bytes(&[1; 32]).unwrap();
    let envelope = dsse::sign(TYPE, b"payload", &signer.with_key_id("hospital")).unwrap();
    let text = String::from_utf8(envelope.to_json().unwrap()).unwrap();
    assert!(judged(&text, &[secret(1).public()]).is_ok());
}

#[test]
fn no_bit_of_it_can_change() {
    let (text, keys) = (text(), [secret(1).public()]);
    let mut held = 0;
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let told = ours(&bytes, &keys, 1);
            // Only the key's name is covered by nothing, and white space and the alphabet do not count.
            assert_eq!(told, second_opinion(&bytes, &keys, 1), "{at} {bit}");
            if let Some(payload) = told {
                assert_eq!(payload, sealed().payload());
                held += 1;
            }
        }
    }
    assert!(held > 100, "{held}");
}

#[test]
fn a_cut_envelope_is_none() {
    let text = text();
    for at in 0..text.len() - 1 {
        let told = Envelope::parse(&text.as_bytes()[..at]);
        assert!(told.is_err(), "cut at {at}");
    }
}

#[test]
fn either_alphabet_is_taken_and_no_other_spelling() {
    let (text, keys) = (text(), [secret(1).public()]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let payload = value["payload"].as_str().unwrap();
    assert!(payload.ends_with("++++////"), "{payload}");
    let with = |other: &str| text.replace(payload, other);
    assert!(judged(&with(&payload.replace('+', "-").replace('/', "_")), &keys).is_ok());
    for other in [
        payload.replace('+', "-"),
        format!("{payload}="),
        format!("{payload}\\n"),
        format!(" {payload}"),
        payload.trim_end_matches('/').to_owned() + "/",
    ] {
        assert!(why(&with(&other)).contains("payload"), "{other}");
    }
    let signature = value["signatures"][0]["sig"].as_str().unwrap();
    for other in [signature.trim_end_matches('='), "", "AAAA"] {
        let told = judged(&text.replace(signature, other), &keys);
        assert!(matches!(told, Err(TrustError::Unreadable(_))), "{other}");
    }
}

#[test]
fn two_readers_see_the_same() {
    let good = text();
    let good = good.trim_end();
    let (open, rest) = good.split_at(1);
    for (text, reason) in [
        (
            format!("{open}\"payload\":\"\",{rest}"),
            "`payload` stands twice",
        ),
        (
            format!("{open}\"payl\\u006fad\":\"\",{rest}"),
            "`payload` stands twice",
        ),
        (
            format!("{open}\"x\":{{\"y\":1,\"y\":2}},{rest}"),
            "`y` stands twice",
        ),
        (format!("{good}{good}"), "trailing characters"),
        (format!("\u{feff}{good}"), "cannot be read"),
        (format!("[{good}]"), "no JSON object"),
        ("[\"e30=\",\"t\",[]]".to_owned(), "no JSON object"),
        (
            "{\"signatures\":[[\"\",\"\"]]}".to_owned(),
            "no JSON object",
        ),
        ("{\"signatures\":{}}".to_owned(), "`signatures` is no array"),
        ("{\"payload\":1}".to_owned(), "`payload` is no text"),
        (
            "{\"payloadType\":\"a\\u202e\"}".to_owned(),
            "hidden characters",
        ),
        ("{\"payload\":\"\\ud800\"}".to_owned(), "cannot be read"),
        (String::new(), "cannot be read"),
        ("[".repeat(200_000), "recursion limit"),
        (" ".repeat(MAX_BYTES + 1), "more than"),
    ] {
        let told = why(&text);
        assert!(told.contains(reason), "{reason}: {told}");
    }
    // What the protocol does not know is left alone.
    let more = format!("{open}\"x\":[null,true,-1,0.5,{{}}],{rest}");
    assert!(judged(&more, &[secret(1).public()]).is_ok());
}

#[test]
fn every_signature_is_looked_at_and_keys_are_counted() {
    let (one, two) = (secret(1), secret(2));
    let keys = [one.public(), two.public()];
    let mut envelope = sealed();
    let other = Envelope::sign(TYPE, envelope.payload().to_vec(), &two);
    envelope.signatures.insert(
        0,
        Entry {
            key: None,
            signature: None,
        },
    );
    envelope.signatures.extend(other.signatures);
    envelope.signatures.extend(sealed().signatures);
    let outcomes = envelope.judge(&keys);
    let made: Vec<_> = outcomes
        .iter()
        .map(|it| it.as_ref().ok().map(|it| it.key))
        .collect();
    let (one, two) = (Some(keys[0]), Some(keys[1]));
    assert_eq!(made, [None, one, two, one]);
    let text = envelope.write().unwrap();
    assert!(ours(text.as_bytes(), &keys, 2).is_some());
    assert!(second_opinion(text.as_bytes(), &keys, 2).is_some());
    envelope.signatures.remove(2);
    let text = envelope.write().unwrap();
    assert!(ours(text.as_bytes(), &keys, 2).is_none());
    assert!(second_opinion(text.as_bytes(), &keys, 2).is_none());
}

#[test]
fn who_is_named_does_not_count() {
    let key = secret(1).public();
    let mut envelope = sealed();
    // The name of another trusted key, and of none.
    for named in [Some(secret(2).public().fingerprint()), None] {
        envelope.signatures[0].key = named;
        assert!(envelope.judge(&[secret(2).public(), key])[0].is_ok());
        let mut keys = vec![secret(2).public()];
        assert_eq!(envelope.judge(&keys), [Err(TrustError::Mismatch)]);
        keys.clear();
        assert_eq!(envelope.judge(&keys), [Err(TrustError::NoKeys)]);
    }
    let named = Named::Fingerprint(key.fingerprint());
    let told = sealed().judge(&[secret(2).public()]);
    assert_eq!(told, [Err(TrustError::OtherKey(named))]);
}

#[test]
fn none_and_too_many_are_refused() {
    let mut envelope = sealed();
    let entry = envelope.signatures[0].clone();
    envelope.signatures = vec![entry; MAX_SIGNATURES + 1];
    let keys = [secret(1).public()];
    assert_eq!(
        envelope.judge(&keys),
        [Err(TrustError::TooMany(MAX_SIGNATURES))]
    );
    envelope.signatures.truncate(MAX_SIGNATURES);
    assert!(envelope.judge(&keys)[0].is_ok());
    assert_eq!(judged("{}", &keys), Err(TrustError::EmptyEnvelope));
}

#[test]
fn an_envelope_is_no_signature_beside_a_file() {
    let told = crate::trust::judge(
        sealed().payload(),
        &[text()],
        &[secret(1).public()],
        crate::trust::Purpose::Baseline,
    );
    assert!(matches!(told[0], Err(TrustError::Unreadable(why)) if why.contains("envelope")));
}
