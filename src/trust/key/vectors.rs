//! Vectors of others: Wycheproof, the twelve cases of speccheck, and every pair of points of small order.

use ed25519_dalek::Verifier as _;
use serde_json::Value;

use super::*;
use crate::digest::unhex;
use crate::trust::{self, Purpose, public};

const WYCHEPROOF: &str = include_str!("../../../fixtures/trust/vectors/wycheproof.json");
const SPECCHECK: &str = include_str!("../../../fixtures/trust/vectors/speccheck.json");

/// Every spelling of the eight points of small order, canonical or not.
pub(super) const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
];

pub(super) fn bytes(hex: &str) -> [u8; 32] {
    unhex(hex).unwrap().try_into().unwrap()
}

fn field(value: &Value, name: &str) -> Vec<u8> {
    unhex(value[name].as_str().unwrap()).unwrap()
}

/// Whether a signature file of these bytes is accepted: the key read, the form detected, the signature verified.
fn accepted(key: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let key = key.try_into().map(PublicKey::new);
    key.is_ok_and(|key| {
        key.is_ok_and(|key| trust::verify(message, &[signature], &[key], Purpose::Baseline).is_ok())
    })
}

/// V for each case that holds and X for each that does not, as the paper prints it.
fn row(holds: impl Fn(&[u8; 32], &[u8; 64], &[u8]) -> bool) -> String {
    let cases: Vec<Value> = serde_json::from_str(SPECCHECK).unwrap();
    let letter = |case: &Value| {
        let key = field(case, "pub_key").try_into().unwrap();
        let signature = field(case, "signature").try_into().unwrap();
        let message = field(case, "message");
        if holds(&key, &signature, &message) {
            'V'
        } else {
            'X'
        }
    };
    cases.iter().map(letter).collect()
}

#[test]
fn wycheproof_agrees_in_all_151_cases() {
    let file: Value = serde_json::from_str(WYCHEPROOF).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let key = field(&group["publicKey"], "pk");
        for test in group["tests"].as_array().unwrap() {
            let expected = test["result"] == "valid";
            let found = accepted(&key, &field(test, "sig"), &field(test, "msg"));
            assert_eq!(found, expected, "{}: {}", test["tcId"], test["comment"]);
            valid += usize::from(expected);
            invalid += usize::from(!expected);
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}

#[test]
fn the_keys_of_wycheproof_are_the_same_in_pem() {
    let file: Value = serde_json::from_str(WYCHEPROOF).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    for group in groups {
        let key = field(&group["publicKey"], "pk").try_into().unwrap();
        let pem = group["publicKeyPem"].as_str().unwrap();
        let (read, form) = public::read(pem.as_bytes()).unwrap();
        assert_eq!(read, PublicKey::new(key).unwrap());
        assert_eq!(form, public::KeyForm::OpenSsl);
    }
    assert_eq!(groups.len(), 78);
}

#[test]
fn the_cases_of_speccheck_fall_as_published_or_earlier_by_their_keys() {
    let point = |key: &[u8; 32]| VerifyingKey::from_bytes(key).unwrap();
    let lenient = row(|key, signature, message| {
        let signature = Signature::from_bytes(signature);
        point(key).verify(message, &signature).is_ok()
    });
    assert_eq!(lenient, "VVVVXXXXXXXV", "the row \"Dalek\"");
    let strict = row(|key, signature, message| {
        let key = PublicKey {
            point: point(key),
            id: None,
        };
        key.made(signature, message)
    });
    assert_eq!(strict, "XXXVXXXXXXXX", "the row \"Dalek strict\"");
    // The fourth has a key of mixed order, which is no key here.
    let ours = row(|key, signature, message| accepted(key, signature, message));
    assert_eq!(ours, "XXXXXXXXXXXX");
    let sound = row(|key, _, _| PublicKey::new(*key).is_ok());
    assert_eq!(sound, "XXXXXXVVXXXX", "these two have an S above the order");
}

#[test]
fn all_196_pairs_of_small_points_are_refused() {
    let mut pairs = 0;
    for message in [&b"one"[..], b"two", b"three", b"four"] {
        for public in SMALL_ORDER.map(bytes) {
            for point in SMALL_ORDER.map(bytes) {
                let mut signature = [0; 64];
                signature[..32].copy_from_slice(&point);
                assert!(!accepted(&public, &signature, message));
                // Nor would the signature pass if the key did, nor under an honest key.
                if let Ok(point) = VerifyingKey::from_bytes(&public) {
                    let key = PublicKey { point, id: None };
                    assert!(!key.made(&signature, message));
                }
                let honest = SecretKey::new(&[7; 32], KeyId([0; 8])).public();
                assert!(!accepted(honest.as_bytes(), &signature, message));
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 4 * 196);
}
