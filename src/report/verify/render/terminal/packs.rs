//! The packs of rules that were given, and who vouches for them.

use std::fmt::{self, Write};

use super::render_signers;
use crate::report::text;
use crate::report::verify::PackRow;

/// Further lines are set in so far.
const HEAD: usize = 12;

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
