//! A reference image, the baseline that it makes, and what another image is against it.

use vitalsign::baseline::compare::{Comparison, compare};
use vitalsign::baseline::create::create;
use vitalsign::baseline::{Baseline, Device, Firmware};
use vitalsign::finding::Severity;
use vitalsign::verdict::{Against, Threshold, Verdict};

use crate::samples;

/// The baseline that `baseline create` makes of an image.
pub(crate) fn baseline(reference: &[u8]) -> Baseline {
    let draft = create(&samples::unpack_bytes(reference.to_vec()));
    let baseline = Baseline {
        sequence: 1,
        issued: "2026-01-01T00:00:00Z".parse().unwrap(),
        expires: "2036-01-01T00:00:00Z".parse().unwrap(),
        device: Device {
            vendor: "Acme".to_owned(),
            model: "VSM".to_owned(),
            ..Device::default()
        },
        firmware: Firmware {
            version: "1".to_owned(),
            ..Firmware::default()
        },
        origin: None,
        components: draft.components,
        files: draft.files,
        pages: draft.pages,
        functions: draft.functions,
        elf: draft.elf,
        texts: draft.texts,
        boot: draft.boot,
        trees: draft.trees,
        mutable: Vec::new(),
    };
    Baseline::parse(&baseline.write()).unwrap()
}

/// The exit code of an image against a baseline, and why.
pub(crate) fn judge(baseline: &Baseline, image: &[u8]) -> (u8, Comparison) {
    let comparison = compare(baseline, &samples::unpack_bytes(image.to_vec()));
    let threshold = Threshold {
        severity: Severity::High,
        strict: false,
    };
    let complete = comparison.is_complete();
    let verdict = Verdict::of(
        &comparison.changes,
        &[],
        complete,
        false,
        Against::Trusted,
        threshold,
    );
    (verdict.exit_code, comparison)
}

/// The exit code of an image against the baseline of a reference, which must match itself.
pub(crate) fn code(reference: &[u8], image: &[u8]) -> u8 {
    let baseline = baseline(reference);
    let (own, comparison) = judge(&baseline, reference);
    assert_eq!(own, 0, "{:#?}", comparison.changes);
    judge(&baseline, image).0
}
