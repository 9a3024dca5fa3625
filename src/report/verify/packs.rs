//! The packs of rules that were given, and who vouches for them.

use std::fmt::{self, Write};

use serde::Serialize;

use super::SignerRow;
use super::text::render_signers;
use crate::digest::Digest;
use crate::report::text;
use crate::rules::Given;

/// Further lines are set in so far.
const HEAD: usize = 12;

/// A pack of rules that is not built in.
#[derive(Clone, Debug, Serialize)]
pub struct PackRow {
    /// Its name.
    pub name: String,
    /// How many rules it has.
    pub rules: usize,
    /// When it was made, as its signer claims.
    pub issued: String,
    /// When it goes stale.
    pub expires: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Who signed it, or the first of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerRow>,
    /// Who else did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cosigners: Vec<SignerRow>,
    /// Why nobody vouches for it: what it tells is for review only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untrusted: Option<String>,
}

impl PackRow {
    /// The row of a pack.
    pub fn new(given: &Given) -> Self {
        let mut signers = given.signers.iter().flatten().map(SignerRow::from);
        Self {
            name: given.pack.name.clone(),
            rules: given.pack.rules.len(),
            issued: given.dates.issued.to_string(),
            expires: given.dates.expires.to_string(),
            sha256: given.sha256,
            signer: signers.next(),
            cosigners: signers.collect(),
            untrusted: given.signers.as_ref().err().cloned(),
        }
    }
}

/// The packs, a block each.
pub(in crate::report) fn render(rows: &[PackRow], out: &mut String) -> fmt::Result {
    for row in rows {
        let signed = if row.untrusted.is_some() {
            "NOT TRUSTED"
        } else {
            "signature valid"
        };
        let count = text::count(row.rules, "rule");
        let name = format!("{signed}: {}, {count}", row.name);
        text::wrap(out, "Rules       ", HEAD, &name)?;
        writeln!(out, "    sha256  {}", row.sha256)?;
        let dates = format!("issued {}, expires {}", row.issued, row.expires);
        text::wrap(out, "            ", HEAD, &dates)?;
        if let Some(why) = &row.untrusted {
            let told = format!(
                "nobody vouches for it ({why}): what it tells is for review, medium at most and never proven"
            );
            text::wrap(out, "            ", HEAD, &told)?;
        }
        render_signers(row.signer.iter().chain(&row.cosigners), out)?;
    }
    Ok(())
}
