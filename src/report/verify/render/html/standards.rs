//! Published documents whose topics a report has evidence on: data with edition and date, and no claim of compliance.

/// When the editions were last looked at.
pub(super) const READ: &str = "2026-09";

/// A document, its edition, and what in this report is about its topic.
pub(super) struct Standard {
    pub(super) title: &'static str,
    pub(super) edition: &'static str,
    pub(super) evidence: &'static str,
}

/// The documents, those for hospitals first.
pub(super) const ALL: &[Standard] = &[
    Standard {
        title: "IEC 80001-1, risk management of networked devices",
        edition: "2021",
        evidence: "verdict, findings and what was not checked, as input to the hospital's own assessment",
    },
    Standard {
        title: "HICP, cybersecurity practice 9",
        edition: "practice 9.5",
        evidence: "a dated record of one device's firmware",
    },
    Standard {
        title: "Joint Commission EC.02.04.01, initial check",
        edition: "as cited in FAQ and 24x7",
        evidence: "a check before first use or after repair, under a work order",
    },
    Standard {
        title: "NIST SP 800-193, platform firmware resiliency",
        edition: "May 2018",
        evidence: "detection from outside the device: the integrity verdict",
    },
    Standard {
        title: "FDA, cybersecurity in premarket submissions",
        edition: "3 February 2026",
        evidence: "code, data and execution integrity; firmware and software updates: changes and findings",
    },
    Standard {
        title: "FDA, postmarket management of cybersecurity",
        edition: "2016",
        evidence: "findings, as input to the maker's assessment of risk",
    },
    Standard {
        title: "FD&C Act, section 524B (duties of makers)",
        edition: "reviewed September 2026",
        evidence: "findings that the maker should know",
    },
];
