//! Documents that people write, sign and hand on: baselines, keys, signatures, rules, inventories, results. What is read and written again says
//! the same.

use std::io::BufReader;
use std::path::Path;

use vitalsign::baseline::Baseline;
use vitalsign::baseline::import::{self, Naming};
use vitalsign::fleet::inventory::Fleet;
use vitalsign::fleet::results::{self, Unusable};
use vitalsign::fleet::summary::Summary;
use vitalsign::report::verify::Report;
use vitalsign::rules;
use vitalsign::trust::dsse::Envelope;
use vitalsign::trust::index::Index;
use vitalsign::trust::keyring::Keyring;
use vitalsign::trust::revocation::Revocations;
use vitalsign::trust::state::State;
use vitalsign::trust::{minisign, openssl, public, signify, sshsig};

pub(super) fn baseline(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(baseline) = Baseline::parse(text) {
        let written = baseline.write();
        let again = Baseline::parse(&written).unwrap();
        assert_eq!(again.write(), written);
    }
}

pub(super) fn trust(bytes: &[u8]) {
    if let Ok(keyring) = Keyring::parse(bytes) {
        let written = keyring.write();
        assert_eq!(Keyring::parse(written.as_bytes()).unwrap().write(), written);
    }
    if let Ok(list) = Revocations::parse(bytes) {
        let written = list.write();
        assert_eq!(
            Revocations::parse(written.as_bytes()).unwrap().write(),
            written
        );
    }
    if let Ok(index) = Index::parse(bytes) {
        let written = index.write();
        assert_eq!(Index::parse(written.as_bytes()).unwrap().write(), written);
    }
    if let Ok(state) = State::parse(bytes) {
        let written = state.write();
        assert_eq!(State::parse(written.as_bytes()).unwrap().write(), written);
    }
}

/// A file of a signature or a key, in any form. No signature of anything is good for no key.
pub(super) fn signatures(bytes: &[u8]) {
    let keys: Vec<_> = public::read(bytes)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let _ = minisign::StoredKey::parse(bytes);
    if let Ok(signature) = minisign::Signature::parse(bytes) {
        assert!(signature.verify(b"something", &keys).is_err());
    }
    if let Ok(signature) = openssl::Signature::parse(bytes) {
        assert!(signature.verify(b"something", &keys).is_err());
    }
    if let Ok(signature) = signify::Signature::parse(bytes) {
        assert!(signature.verify(b"something", &keys).is_err());
    }
    if let Ok(signature) = sshsig::Signature::parse(bytes) {
        let purpose = vitalsign::trust::Purpose::Baseline;
        assert!(signature.verify(b"something", &keys, purpose).is_err());
    }
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert!(envelope.judge(&keys).iter().all(Result::is_err));
    }
}

pub(super) fn rules(bytes: &[u8]) {
    if let Ok(pack) = rules::parse(bytes) {
        let _ = rules::trial(&pack);
    }
}

pub(super) fn import(bytes: &[u8]) {
    let naming = Naming {
        component: "rootfs",
        strip: b"",
    };
    if let Some(source) = import::detect(bytes) {
        let _ = import::read(bytes, source, naming);
    }
}

pub(super) fn inventory(bytes: &[u8]) {
    let folder = Path::new("/fleet");
    let read = [
        Fleet::from_csv(bytes, folder),
        Fleet::from_toml(bytes, folder),
        Fleet::from_list(bytes),
    ];
    for fleet in read.into_iter().flatten() {
        let _ = fleet.digest();
    }
}

pub(super) fn results(bytes: &[u8]) {
    let mut summary = Summary::default();
    let read = results::read::<Unusable>(BufReader::new(bytes), |audit, record| {
        summary.begins(audit.clone());
        summary.add(&record);
        Ok(())
    });
    if read.is_ok() {
        let _ = serde_json::to_vec(&summary.told());
    }
}

pub(super) fn report(bytes: &[u8]) {
    if let Ok(report) = Report::parse(bytes) {
        let written = serde_json::to_vec(&report).unwrap();
        let again = Report::parse(&written).unwrap();
        assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    }
}
